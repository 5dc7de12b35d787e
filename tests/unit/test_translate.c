// SPDX-License-Identifier: GPL-2.0
/* Whole translations, of a guest that is made here: one entry changed, one verdict changed. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "address/translate.h"
#include "render/render.h"
#include "view/translate.h"

#define GUEST_RAM	0x8000		/* bytes, at GPA 0 and HVA 0x7f0000000000 */
#define HVA		0x7f0000000000ULL
#define FRAME		0x40000ULL	/* host-physical, where the host has the guest's pages */
#define HOST_ROOT	0x100000ULL
#define KVM_ROOT	0x200000ULL
#define GVA		0x1000ULL

static uint64_t ram[GUEST_RAM / 8];
static uint64_t host[5][512], kvm[5][512];	/* a table each page, from the roots on */
static uint64_t page_entries[GUEST_RAM / WALK_PAGE];
static int changes;	/* readings after which the guest changes an entry */

static int physical(void *ctx, uint64_t at, uint64_t *word)
{
	(void)ctx;
	if (at >= HOST_ROOT && at < HOST_ROOT + sizeof(host))
		*word = ((uint64_t *)host)[(at - HOST_ROOT) / 8];
	else if (at >= KVM_ROOT && at < KVM_ROOT + sizeof(kvm))
		*word = ((uint64_t *)kvm)[(at - KVM_ROOT) / 8];
	else
		return -EFAULT;
	return 0;
}

static int owner(void *ctx, uint64_t hva, void *to, size_t size)
{
	(void)ctx;
	if (hva < HVA || hva + size > HVA + GUEST_RAM)
		return -EFAULT;
	if (changes)
		ram[0x4000 / 8 + 2] += 0x1000;
	memcpy(to, (char *)ram + (hva - HVA), size);
	return 0;
}

static int pages(void *ctx, uint64_t hva, size_t nr, uint64_t *entries)
{
	(void)ctx;
	for (size_t i = 0; i < nr; i++)
		entries[i] = page_entries[(hva - HVA) / WALK_PAGE + i];
	return 0;
}

static const struct translate_ops ops = { physical, owner, pages };
static struct peek_slot slots[2];
static struct machine m;
static struct translation t;

/* Guest tables at 0x1000 to 0x4000; GVA 0x1000 is at GPA 0x5000. KVM and the host map it all. */
static int machine_make(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	memset(host, 0, sizeof(host));
	memset(kvm, 0, sizeof(kvm));
	changes = 0;
	ram[0x1000 / 8] = 0x2067;
	ram[0x2000 / 8] = 0x3067;
	ram[0x3000 / 8] = 0x4067;
	ram[0x4000 / 8 + 1] = 0x5067;
	for (unsigned int i = 0; i < 3; i++) {
		host[i][i ? 0 : HVA >> 39 & 511] = (HOST_ROOT + (i + 1) * WALK_PAGE) | 0x67;
		kvm[i][0] = (KVM_ROOT + (i + 1) * WALK_PAGE) | 0x67;
	}
	for (unsigned int i = 0; i < GUEST_RAM / WALK_PAGE; i++) {
		host[3][i] = (FRAME + i * WALK_PAGE) | 0x67;
		kvm[3][i] = (FRAME + i * WALK_PAGE) | 0x67;
		page_entries[i] = PAGE_PRESENT | (FRAME / WALK_PAGE + i);
	}
	slots[0] = (struct peek_slot){ .gfn = 0, .npages = 1, .hva = 1, .as = 1 };
	slots[1] = (struct peek_slot){ .gfn = 0, .npages = GUEST_RAM / WALK_PAGE, .hva = HVA };
	m = (struct machine){
		.slots = slots, .nr_slots = 2, .has_guest = true, .write_protect = true,
		.guest = { .levels = 4, .root = 0x1000, .nx = true },
		.host = { .levels = 4, .root = HOST_ROOT, .nx = true },
		.tables = TABLES_NPT,
		.kvm = { .levels = 4, .root = KVM_ROOT, .nx = true, .made_by_kvm = true },
		.ops = &ops,
	};
	return 0;
}

static void expect(const char *read, const char *write, const char *fetch)
{
	translate(&t, &m, GVA + 0x123, true);
	assert_string_equal(t.faults[ACCESS_READ].what, read);
	assert_string_equal(t.faults[ACCESS_WRITE].what, write);
	assert_string_equal(t.faults[ACCESS_FETCH].what, fetch);
}

static void why(enum access_kind access, const char *words)
{
	if (!strstr(t.faults[access].why, words))
		fail_msg("'%s' does not say '%s'", t.faults[access].why, words);
}

static void all_mapped(void **state)
{
	(void)state;
	expect("none", "none", "none");
	assert_true(t.stable && t.has_gpa && t.has_hpa);
	assert_int_equal(t.page.gpa, 0x5123);
	assert_int_equal(t.page.hva, HVA + 0x5123);
	assert_int_equal(t.hpa, FRAME + 0x5123);
	assert_int_equal(t.host.address, t.hpa);
	assert_int_equal(t.kvm.address, t.hpa);
	assert_int_equal(t.tables[3].hva, HVA + 0x4008);
	assert_int_equal(t.table_walks[3].address, FRAME + 0x4008);
	translate(&t, &m, 0x5123, false);
	assert_int_equal(t.hpa, FRAME + 0x5123);
	assert_int_equal(t.guest.end, WALK_NONE);
}

static void faults_of_the_guest(void **state)
{
	(void)state;
	ram[0x4000 / 8 + 1] = 0x5065;
	expect("none", "guest #PF", "none");
	why(ACCESS_WRITE, "anybody");
	m.write_protect = false;
	expect("none", "guest #PF", "none");
	why(ACCESS_WRITE, "user mode");
	ram[0x4000 / 8 + 1] = 0x8000000000005067;
	expect("none", "none", "guest #PF");
	ram[0x3000 / 8] = 0;
	expect("guest #PF", "guest #PF", "guest #PF");
	why(ACCESS_READ, "PDE is not present");
	assert_false(t.has_gpa);
	ram[0x3000 / 8] = 0x4067;
	ram[0x1000 / 8] |= 0x80;
	expect("guest #PF", "guest #PF", "guest #PF");
	why(ACCESS_READ, "reserved");
	translate(&t, &m, 1ULL << 63, true);
	assert_string_equal(t.faults[ACCESS_READ].what, "guest #GP");
}

static void tables_out_of_reach(void **state)
{
	(void)state;
	ram[0x2000 / 8] = 0x100067;
	expect("MMIO", "MMIO", "MMIO");
	why(ACCESS_READ, "table of the PDE is at 0x100000, where there is no memslot");
	ram[0x2000 / 8] = 0x3067;
	/* What is not there is not read: that would make it. */
	page_entries[4] = 0;
	expect("not known", "not known", "not known");
	why(ACCESS_READ, "no page there yet");
	page_entries[4] = PAGE_SWAPPED;
	expect("not known", "not known", "not known");
	why(ACCESS_READ, "in swap");
}

static void no_memslot(void **state)
{
	(void)state;
	ram[0x4000 / 8 + 1] = 0xd0000067;
	expect("MMIO", "MMIO", "MMIO");
	assert_int_equal(t.page.slot, SLOT_NOWHERE);
	slots[1].flags = KVM_MEM_READONLY;
	ram[0x4000 / 8 + 1] = 0x5067;
	expect("none", "MMIO", "none");
	why(ACCESS_WRITE, "read-only");
}

static void faults_of_kvm(void **state)
{
	(void)state;
	kvm[3][5] = 0;
	expect("NPF", "NPF", "NPF");
	why(ACCESS_READ, "only maps it");
	page_entries[5] = 0;
	expect("NPF", "NPF", "NPF");
	why(ACCESS_READ, "no page there yet");
	assert_false(t.has_hpa);
	page_entries[5] = PAGE_SWAPPED;
	expect("NPF", "NPF", "NPF");
	why(ACCESS_READ, "in swap");
	m.tables = TABLES_EPT;
	m.kvm.format = WALK_EPT;
	expect("EPT violation", "EPT violation", "EPT violation");
}

static void writes_that_kvm_waits_for(void **state)
{
	(void)state;
	kvm[3][5] &= ~2ULL;
	expect("none", "NPF", "none");
	why(ACCESS_WRITE, "has taken the right");
	slots[1].flags = KVM_MEM_LOG_DIRTY_PAGES;
	expect("none", "NPF", "none");
	why(ACCESS_WRITE, "dirty log");
	m.words = (struct walk_words){ 1ULL << 9, 1ULL << 10 };
	kvm[3][5] |= m.words.host_writable;
	expect("none", "NPF", "none");
	why(ACCESS_WRITE, "one of the guest's page tables");
	kvm[3][5] |= m.words.mmu_writable;
	expect("none", "NPF", "none");
	why(ACCESS_WRITE, "dirty log");
	host[3][5] &= ~2ULL;
	expect("none", "NPF", "none");
	why(ACCESS_WRITE, "KSM");
}

/* The CPU reads the guest's tables through KVM's. */
static void faults_of_the_walk(void **state)
{
	(void)state;
	kvm[3][3] = 0;
	expect("NPF", "NPF", "NPF");
	why(ACCESS_READ, "in the CPU's walk: the guest's PDE is at 0x3000");
	kvm[3][3] = (FRAME + 3 * WALK_PAGE) | 0x65;
	expect("NPF", "NPF", "NPF");
	why(ACCESS_READ, "may not write");
	/* EPT without its A and D bits only reads there. */
	m.tables = TABLES_EPT;
	expect("none", "none", "none");
}

static void shadow(void **state)
{
	(void)state;
	m.tables = TABLES_SHADOW;
	/* By GVA: the entry of the address itself counts. */
	kvm[3][1] = (FRAME + 0x5000) | 0x67;
	expect("none", "none", "none");
	assert_int_equal(t.kvm.address, FRAME + 0x5123);
	kvm[3][1] &= ~2ULL;
	ram[0x4000 / 8 + 1] &= ~0x40ULL;
	expect("none", "#PF exit", "none");
	why(ACCESS_WRITE, "not dirty");
	kvm[3][1] = 0;
	expect("#PF exit", "#PF exit", "#PF exit");
	why(ACCESS_READ, "only maps it");
	ram[0x4000 / 8 + 1] &= ~0x60ULL;
	expect("#PF exit", "#PF exit", "#PF exit");
	why(ACCESS_READ, "first access");
	translate(&t, &m, 0x5000, false);
	assert_string_equal(t.faults[ACCESS_READ].what, "not known");
	/* A guest without paging has one table for all, by GPA. */
	m.guest.levels = 0;
	m.kvm_by_gpa = true;
	translate(&t, &m, 0x5000, false);
	assert_string_equal(t.faults[ACCESS_READ].what, "none");
	translate(&t, &m, 0x5000, true);
	assert_true(t.has_gpa);
	assert_int_equal(t.hpa, FRAME + 0x5000);
}

static void what_is_missing(void **state)
{
	(void)state;
	m.kvm.levels = 0;
	expect("not known", "not known", "not known");
	assert_int_equal(t.hpa, FRAME + 0x5123);
	m.host.levels = 0;
	expect("not known", "not known", "not known");
	assert_true(t.has_hpa);
	assert_int_equal(t.host.end, WALK_NONE);
	m.has_guest = false;
	expect("not known", "not known", "not known");
	why(ACCESS_READ, "registers");
	assert_false(t.has_gpa);
	assert_int_equal(t.guest.end, WALK_NONE);
	machine_make(state);
	/* Tables of two moments. */
	kvm[3][5] = 0x99067;
	expect("not known", "not known", "not known");
	why(ACCESS_READ, "of an earlier moment");
}

static void guest_that_changes_its_tables(void **state)
{
	(void)state;
	changes = 1;
	translate(&t, &m, 0x2000, true);
	assert_false(t.stable);
}

static void print(char **text, size_t *len, unsigned int width)
{
	const struct translate_head head = { "web1", 42, 0 };
	struct report *r = report_new("translate");
	FILE *f = open_memstream(text, len);

	assert_true(r && f);
	view_translation(r, &head, &m, &t);
	if (width)
		render_text(f, r, width, false);
	else
		assert_int_equal(render_json(f, r), 0);
	fclose(f);
	report_free(r);
}

/* All of it, in 80 columns and in fewer: sentences go on below and are not cut. */
static void printed(void **state)
{
	json_t *root, *walk;
	char *text;
	size_t len;

	(void)state;
	page_entries[5] = 0;
	kvm[3][5] = 0;
	translate(&t, &m, GVA + 0x123, true);
	for (unsigned int width = 80; width >= 70; width -= 10) {
		print(&text, &len, width);
		for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
			if (end - line > width)
				fail_msg("longer than %u: %.*s", width, (int)(end - line), line);
		assert_non_null(strstr(text, "PTE    0x4008  0x0000000000005067"));
		assert_null(strstr(text, "~"));
		free(text);
	}
	print(&text, &len, 0);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	walk = json_object_get(json_object_get(root, "translation"), "guest");
	assert_int_equal(json_array_size(walk), 4);
	assert_string_equal(json_string_value(json_object_get(json_array_get(walk, 3), "to")),
			    "0x5123");
	assert_true(json_is_null(json_object_get(json_object_get(root, "translation"), "hpa")));
	json_decref(root);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_mapped, machine_make),
		cmocka_unit_test_setup(faults_of_the_guest, machine_make),
		cmocka_unit_test_setup(tables_out_of_reach, machine_make),
		cmocka_unit_test_setup(no_memslot, machine_make),
		cmocka_unit_test_setup(faults_of_kvm, machine_make),
		cmocka_unit_test_setup(writes_that_kvm_waits_for, machine_make),
		cmocka_unit_test_setup(faults_of_the_walk, machine_make),
		cmocka_unit_test_setup(shadow, machine_make),
		cmocka_unit_test_setup(what_is_missing, machine_make),
		cmocka_unit_test_setup(printed, machine_make),
		cmocka_unit_test_setup(guest_that_changes_its_tables, machine_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
