// SPDX-License-Identifier: GPL-2.0
#include "source/site.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Sorted by name. A kernel has those of its time and configuration, and inlines some:
 * so there are more along each way than one would need. What is everybody's tool
 * (try_to_unmap(), zap_page_range(), change_protection()) is not here, for it names
 * nobody.
 */
static const struct row {
	const char *name;
	uint8_t cause;
	uint8_t over;
} rows[] = {
#define SITE(function, cause)		{ #function, MMUSCOPE_cause_##cause, 0 },
#define SITE_OVER(function, cause, tool) \
	{ #function, MMUSCOPE_cause_##cause, MMUSCOPE_cause_##tool },
	SITE(__do_munmap, munmap)
	SITE(__folio_split, thp_split)
	SITE(__kvm_mmu_get_shadow_page, shadowing)
	SITE(__mmap_region, munmap)
	SITE(__oom_reap_task_mm, teardown)
	SITE(__split_huge_pmd, thp_split)
	SITE(__split_huge_pud, thp_split)
	SITE(__vm_munmap, munmap)
	SITE(clear_refs_write, soft_dirty)
	SITE(collapse_and_free_pmd, thp_collapse)
	SITE(collapse_file, thp_collapse)
	SITE(collapse_huge_page, thp_collapse)
	SITE(collapse_pte_mapped_thp, thp_collapse)
	SITE(copy_page_range, fork)
	SITE(do_huge_pmd_numa_page, numa)
	SITE(do_huge_pmd_wp_page, ksm_break)
	SITE(do_madvise, madvise)
	SITE(do_mas_align_munmap, munmap)
	SITE(do_mprotect_pkey, munmap)
	SITE(do_munmap, munmap)
	SITE(do_pagemap_scan, soft_dirty)
	SITE(do_truncate, hole)
	SITE(do_vmi_align_munmap, munmap)
	SITE(do_vmi_munmap, munmap)
	SITE(do_wp_page, ksm_break)
	SITE(dup_mmap, fork)
	SITE(exit_mmap, teardown)
	SITE(folio_mkclean, writeback)
	SITE(hpage_collapse_scan_pmd, thp_collapse)
	SITE(hugetlb_cow, ksm_break)
	SITE(hugetlb_vmdelete_list, hole)
	SITE(hugetlb_wp, ksm_break)
	SITE(hwpoison_user_mappings, memory_error)
	SITE(khugepaged, thp_collapse)
	SITE(kvm_arch_flush_shadow_all, teardown)
	SITE(kvm_arch_flush_shadow_memslot, slot_change)
	SITE(kvm_clear_dirty_log_protect, dirty_log)
	SITE(kvm_destroy_vm, teardown)
	SITE(kvm_get_dirty_log_protect, dirty_log)
	SITE(kvm_mmu_get_page, shadowing)
	SITE(kvm_mmu_invalidate_mmio_sptes, mmio_generation)
	SITE(kvm_mmu_invalidate_zap_pages_in_memslot, slot_change)
	SITE(kvm_mmu_invlpg, guest_tlb)
	SITE(kvm_mmu_load, new_root)
	SITE(kvm_mmu_pte_write, pt_write)
	SITE(kvm_mmu_recover_huge_pages, dirty_log)
	SITE(kvm_mmu_slot_largepage_remove_write_access, dirty_log)
	SITE(kvm_mmu_slot_leaf_clear_dirty, dirty_log)
	SITE(kvm_mmu_slot_remove_write_access, dirty_log)
	SITE(kvm_mmu_slot_set_dirty, dirty_log)
	SITE(kvm_mmu_slot_try_split_huge_pages, dirty_log)
	SITE(kvm_mmu_track_write, pt_write)
	SITE(kvm_mmu_zap_collapsible_sptes, dirty_log)
	SITE(kvm_mmu_zap_oldest_mmu_pages, recycling)
	SITE(kvm_nx_huge_page_recovery_worker, nx_huge_page)
	SITE(kvm_nx_lpage_recovery_worker, nx_huge_page)
	SITE(kvm_set_memslot, slot_change)
	SITE(kvm_vm_ioctl_reset_dirty_pages, dirty_log)
	SITE(kvm_zap_gfn_range, memory_type)
	SITE(madvise_collapse, thp_collapse)
	SITE(madvise_free_single_vma, madvise)
	SITE(madvise_vma_behavior, madvise)
	SITE(memory_failure, memory_error)
	SITE_OVER(migrate_misplaced_folio, numa, migration)
	SITE_OVER(migrate_misplaced_page, numa, migration)
	SITE(migrate_misplaced_transhuge_page, numa)
	SITE(migrate_pages, migration)
	SITE(migrate_pages_batch, migration)
	SITE(migrate_vma_setup, migration)
	SITE(mmap_region, munmap)
	SITE(mmu_set_spte, replaced)
	SITE(mmu_shrink_scan, recycling)
	SITE(move_page_tables, munmap)
	SITE(move_vma, munmap)
	SITE(mprotect_fixup, munmap)
	SITE(mwriteprotect_range, uffd)
	SITE(page_mkclean, writeback)
	SITE(pagemap_scan_pmd_entry, soft_dirty)
	SITE(reclaim_folio_list, reclaim)
	SITE(reclaim_pages, reclaim)
	SITE(retract_page_tables, thp_collapse)
	SITE(set_nx_huge_pages, nx_huge_page)
	SITE(shmem_fallocate, hole)
	SITE(shrink_folio_list, reclaim)
	SITE(shrink_inactive_list, reclaim)
	SITE(shrink_node, reclaim)
	SITE(shrink_page_list, reclaim)
	SITE_OVER(soft_offline_page, memory_error, migration)
	SITE(split_folio_to_list, thp_split)
	SITE(split_huge_page_to_list, thp_split)
	SITE(split_huge_page_to_list_to_order, thp_split)
	SITE(split_huge_pmd_address, thp_split)
	SITE(task_numa_work, numa)
	SITE(truncate_pagecache, hole)
	SITE(try_to_merge_one_page, ksm_merge)
	SITE(try_to_merge_with_ksm_page, ksm_merge)
	SITE(uffd_wp_range, uffd)
	SITE(unmap_region, munmap)
	SITE(userfaultfd_ioctl, uffd)
	SITE(vfs_fallocate, hole)
	SITE(vms_clear_ptes, munmap)
	SITE(vms_complete_munmap_vmas, munmap)
	SITE(wp_page_copy, ksm_break)
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int row_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct row *)row)->name);
}

/* A part of a function has the function's name with a dot and more behind it. */
static const struct row *row_find(char *name)
{
	name[strcspn(name, ". \t\n")] = '\0';
	return bsearch(name, rows, ROWS, sizeof(rows[0]), row_cmp);
}

static int site_cmp(const void *a, const void *b)
{
	const struct cause_site *sa = a, *sb = b;

	return sa->start < sb->start ? -1 : sa->start > sb->start;
}

/* Addresses of all functions: the next one's begin is where a function ends at the latest. */
struct texts {
	uint64_t *at;
	size_t nr;
	size_t room;
};

static int texts_add(struct texts *t, uint64_t at)
{
	if (t->nr == t->room) {
		size_t room = t->room ? 2 * t->room : 65536;
		uint64_t *more = realloc(t->at, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->at = more;
		t->room = room;
	}
	t->at[t->nr++] = at;
	return 0;
}

static uint32_t size_find(const struct texts *t, uint64_t start)
{
	uint64_t end = start + (1 << 16);

	for (size_t i = 0; i < t->nr; i++) {
		if (t->at[i] > start && t->at[i] < end)
			end = t->at[i];
	}
	return end - start;
}

/* A line is "address type name", and the module's name behind a tab. */
static int line_take(char *line, struct texts *texts, struct cause_site *sites, unsigned int *nr)
{
	char *end;
	uint64_t at = strtoull(line, &end, 16);
	const struct row *row;

	if (!at || end[0] != ' ' || (end[1] != 't' && end[1] != 'T') || end[2] != ' ')
		return 0;
	row = row_find(end + 3);
	if (row && *nr < CAUSE_SITES)
		sites[(*nr)++] = (struct cause_site){
			.start = at, .cause = row->cause, .over = row->over,
		};
	return texts_add(texts, at);
}

int sites_read(const char *kallsyms, struct cause_site *sites)
{
	FILE *f = fopen(kallsyms, "r");
	struct texts texts = { 0 };
	unsigned int nr = 0;
	char line[512];
	int err = 0;

	for (unsigned int i = 0; i < CAUSE_SITES; i++)
		sites[i] = (struct cause_site){ .start = UINT64_MAX };
	if (!f)
		return -errno;
	while (!err && fgets(line, sizeof(line), f))
		err = line_take(line, &texts, sites, &nr);
	fclose(f);
	for (unsigned int i = 0; i < nr; i++)
		sites[i].size = size_find(&texts, sites[i].start);
	free(texts.at);
	qsort(sites, nr, sizeof(sites[0]), site_cmp);
	return err ? err : (int)nr;
}

unsigned int sites_causes(const struct cause_site *sites)
{
	uint64_t seen = 0;

	for (unsigned int i = 0; i < CAUSE_SITES && sites[i].size; i++)
		seen |= 1ULL << sites[i].cause;
	return __builtin_popcountll(seen);
}
