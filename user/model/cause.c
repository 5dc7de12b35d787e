// SPDX-License-Identifier: GPL-2.0
#include "model/cause.h"

#include <linux/kvm.h>

#include "model/model.h"

#define PAGE_SHIFT	12
#define TABLE_SHIFT	21	/* what a page table of 512 small pages maps */
#define PREFETCH	8	/* PTE_PREFETCH_NUM of the kernel's mmu.c */
/* Levels of page tables are told apart in HISTORY_TABLE, above any frame; there are 5 at most. */
#define TABLE(gfn, level)	((uint64_t)((level) & 7) << 44 | ((gfn) & ((1ULL << 44) - 1)))

const char *cause_text(uint8_t cause)
{
	cause = cause_plain(cause);
	return cause == CAUSE_MMIO ? "none" : schema_word_text(SET_cause, cause);
}

/* Words of a newer schema are not known. */
static uint8_t cause_known(uint8_t cause)
{
	return cause < WORDS_cause ? cause : MMUSCOPE_cause_unknown;
}

static struct vcpu *vcpu_of(struct vm *vm, const struct mmuscope_hdr *rec)
{
	return rec->vcpu < vm->room_vcpus ? &vm->vcpus[rec->vcpu] : NULL;
}

static uint64_t begin_of(const struct history *h, const struct mmuscope_hdr *rec)
{
	return history_clock(h, rec->dur < rec->ts ? rec->ts - rec->dur : 0);
}

static void note_invalidate(struct history *h, struct vm *vm, const struct mmuscope_invalidate *rec)
{
	uint64_t begin = begin_of(h, &rec->hdr), time = history_clock(h, rec->hdr.ts);
	struct vcpu *vcpu = vcpu_of(vm, &rec->hdr);
	struct slot_range r;
	uint64_t gfn = MMUSCOPE_UNKNOWN;
	bool known = false;

	for (size_t i = 0; i < vm->slots.nr; i++) {
		if (!slot_overlap(&vm->slots.list[i], rec->start, rec->end, &r))
			continue;
		known = true;
		gfn = r.pages == 1 ? r.gfn : MMUSCOPE_UNKNOWN;
		history_take(h, &vm->history, HISTORY_GFN, r.gfn, r.pages, cause_known(rec->cause),
			     begin, time);
	}
	if (!known && rec->gfns && rec->gfn != MMUSCOPE_UNKNOWN)
		history_take(h, &vm->history, HISTORY_GFN, rec->gfn, rec->gfns,
			     cause_known(rec->cause), begin, time);
	if (vcpu) {
		vcpu->own_zap = time;
		vcpu->own_gfn = gfn;
	}
}

/* On x86 KVM drops all mappings of a VM when a memslot goes or moves. */
static void note_slot(struct history *h, struct vm *vm, const struct mmuscope_slot *rec)
{
	if (rec->op == MMUSCOPE_slot_op_delete || rec->op == MMUSCOPE_slot_op_move)
		history_take(h, &vm->history, HISTORY_GFN, 0, UINT64_MAX,
			     MMUSCOPE_cause_slot_change, begin_of(h, &rec->hdr),
			     history_clock(h, rec->hdr.ts));
}

static uint8_t cause_of_origin(uint8_t origin)
{
	switch (origin) {
	case MMUSCOPE_origin_dirty:
		return MMUSCOPE_cause_dirty_log;
	case MMUSCOPE_origin_slot:
		return MMUSCOPE_cause_slot_change;
	case MMUSCOPE_origin_nx:
		return MMUSCOPE_cause_nx_huge_page;
	case MMUSCOPE_origin_ptwrite:
		return MMUSCOPE_cause_pt_write;
	case MMUSCOPE_origin_invlpg:
		return MMUSCOPE_cause_guest_tlb;
	}
	return MMUSCOPE_cause_unknown;
}

/*
 * A page-table page that follows a guest's table is needed again by whoever uses that table. One
 * that maps guest frames by itself takes these along; above 1 GiB those below it tell the same.
 */
static void note_zapped(struct history *h, struct vm *vm, const struct mmuscope_shadow_page *rec)
{
	uint8_t cause = cause_known(rec->cause) ?: cause_of_origin(rec->origin);
	uint64_t time = history_clock(h, rec->hdr.ts);
	bool replaced = cause == MMUSCOPE_cause_replaced ||
			(!cause && rec->origin == MMUSCOPE_origin_fault);

	if (!rec->direct)
		history_take(h, &vm->history, HISTORY_TABLE, TABLE(rec->gfn, rec->level), 1, cause,
			     time, time);
	/* What makes room for a huge page in a fault is told by that. */
	else if (!replaced && rec->level && rec->level <= 2)
		history_take(h, &vm->history, HISTORY_GFN, rec->gfn, 1ULL << 9 * rec->level, cause,
			     time, time);
}

static void note_shadow_page(struct history *h, struct vm *vm,
			     const struct mmuscope_shadow_page *rec)
{
	struct vcpu *vcpu = vcpu_of(vm, &rec->hdr);
	uint64_t word;

	if (rec->op == MMUSCOPE_page_op_zapped) {
		note_zapped(h, vm, rec);
		return;
	}
	if (rec->direct || !vcpu)
		return;
	vcpu->linked = true;
	vcpu->made |= rec->op == MMUSCOPE_page_op_made && rec->level == 1;
	word = history_look(h, &vm->history, HISTORY_TABLE, TABLE(rec->gfn, rec->level));
	if (history_state(word) != HISTORY_TAKEN)
		return;
	vcpu->table = word;
	history_settle(h, &vm->history, HISTORY_TABLE, TABLE(rec->gfn, rec->level),
		       history_clock(h, rec->hdr.ts));
}

static void note_collapse(struct history *h, struct vm *vm, const struct mmuscope_collapse *rec)
{
	uint8_t cause = cause_known(rec->cause) ?: cause_of_origin(rec->origin);
	uint64_t pages = rec->pages;

	/* Of a collector that told of each huge page. */
	if (!pages && (rec->level == 2 || rec->level == 3))
		pages = 1ULL << 9 * (rec->level - 1);
	history_recover(h, &vm->history, rec->gfn, pages, cause, history_clock(h, rec->hdr.ts));
}

static void note_invlpg(struct history *h, struct vm *vm, const struct mmuscope_invlpg *rec)
{
	uint64_t time = history_clock(h, rec->hdr.ts);

	vm->invlpgs = true;
	history_take(h, &vm->history, HISTORY_GVA, rec->gva >> PAGE_SHIFT, 1,
		     MMUSCOPE_cause_guest_tlb, time, time);
}

void cause_note(struct history *h, struct vm *vm, const struct mmuscope_hdr *rec)
{
	const struct mmuscope_dirty *dirty = (const void *)rec;
	const struct mmuscope_split *split = (const void *)rec;

	switch (rec->type) {
	case MMUSCOPE_TYPE_invalidate:
		note_invalidate(h, vm, (const void *)rec);
		break;
	case MMUSCOPE_TYPE_slot:
		note_slot(h, vm, (const void *)rec);
		break;
	case MMUSCOPE_TYPE_shadow_page:
		note_shadow_page(h, vm, (const void *)rec);
		break;
	case MMUSCOPE_TYPE_collapse:
		note_collapse(h, vm, (const void *)rec);
		break;
	case MMUSCOPE_TYPE_invlpg:
		note_invlpg(h, vm, (const void *)rec);
		break;
	case MMUSCOPE_TYPE_unsync:
		vm->unsync_gfn = ((const struct mmuscope_unsync *)rec)->gfn;
		vm->unsync_ts = rec->ts;
		break;
	case MMUSCOPE_TYPE_split:
		if (!split->error)
			history_split(h, &vm->history, split->gfn, history_clock(h, rec->ts));
		break;
	case MMUSCOPE_TYPE_dirty:
		if (dirty->op >= MMUSCOPE_dirty_op_get && dirty->op <= MMUSCOPE_dirty_op_clear)
			slots_protect(&vm->slots, dirty->slot, rec->ts);
		break;
	}
}

/**
 * struct fault_view - a fault, and what is known of its page
 * @c: to be set, all 0 before
 * @region: where the history has the page, or NULL
 * @word: of the page, before the fault
 * @begin: history_clock() of the exit
 * @shadow: shadow paging, where guest page tables are part of it
 */
struct fault_view {
	struct history *h;
	struct vm *vm;
	struct vcpu *vcpu;
	const struct mmuscope_fault *f;
	struct fault_cause *c;
	struct region *region;
	uint64_t gfn;
	uint64_t word;
	uint64_t begin;
	bool shadow;
};

/* Return: @cause, with the age that follows from when it took the page away. */
static inline uint8_t cause_since(const struct fault_view *v, uint8_t cause, uint64_t time)
{
	v->c->aged = true;
	/* The end of what took it away may be told after the begin of the fault. */
	v->c->age = v->begin > time ? v->begin - time : 0;
	return cause;
}

/* Emulation of what is no memory: KVM has no mapping for it, or one that says just that. */
static bool is_mmio(const struct mmuscope_fault *f)
{
	if (f->condition == MMUSCOPE_condition_reserved || f->verdict == MMUSCOPE_verdict_mmio)
		return true;
	return f->verdict == MMUSCOPE_verdict_user ||
	       (f->verdict == MMUSCOPE_verdict_emulated &&
		f->condition != MMUSCOPE_condition_write_protected);
}

/* Whether KVM has followed a guest page table in that frame, and done with it. */
static bool was_table(const struct fault_view *v)
{
	for (unsigned int level = 1; level <= 5; level++)
		if (history_look(v->h, &v->vm->history, HISTORY_TABLE, TABLE(v->gfn, level)))
			return true;
	return false;
}

static uint8_t cause_protected(const struct fault_view *v)
{
	const struct mmuscope_fault *f = v->f;
	const struct slot *slot = slots_find(&v->vm->slots, v->gfn);
	bool table = v->vm->unsync_gfn == v->gfn && v->vm->unsync_ts >= f->hdr.ts - f->hdr.dur;

	if (slot && slot->flags & KVM_MEM_READONLY)
		return CAUSE_MMIO;
	if (v->shadow && (table || f->verdict == MMUSCOPE_verdict_emulated))
		return MMUSCOPE_cause_pt_write;
	if (slot && slot->protected)
		return cause_since(v, MMUSCOPE_cause_dirty_log,
				   history_clock(v->h, slot->protected));
	/* Write-protected as a guest page table, and not yet told that it is none any more. */
	if (v->shadow && was_table(v))
		return MMUSCOPE_cause_pt_write;
	if (v->shadow || f->mode > MMUSCOPE_mode_shadow)
		return CAUSE_UNTAKEN;
	/*
	 * What is fixed without the lock was write-protected by KVM, not by the host: for the dirty
	 * log; or, where EPT has no accessed bits, to see whether it is used, and then a read had
	 * been let in first.
	 */
	if (f->verdict == MMUSCOPE_verdict_fast_fixed)
		return v->vm->tracked && slot && !(slot->flags & KVM_MEM_LOG_DIRTY_PAGES) ?
			MMUSCOPE_cause_aging : MMUSCOPE_cause_dirty_log;
	/* With nothing else to protect it, the host's page is one that is copied on write. */
	return MMUSCOPE_cause_ksm_break;
}

/*
 * Since the page was mapped, the page table of this address was made: again, or for the first time,
 * of an address space that is new to KVM.
 */
static uint8_t cause_table(const struct fault_view *v, uint8_t other)
{
	uint64_t word = history_look(v->h, &v->vm->history, HISTORY_TABLE_GVA,
				     v->f->gva >> TABLE_SHIFT);

	if (!v->word || history_state(word) != HISTORY_TAKEN ||
	    history_time(word) < history_time(v->word))
		return other;
	if (history_cause(word) == MMUSCOPE_cause_shadowing)
		return MMUSCOPE_cause_shadowing;
	return cause_since(v, history_cause(word), history_time(word));
}

/*
 * Of shadow paging alone: the guest, or the table that the translation was in. Return: the cause,
 * or @other where it was neither.
 */
static uint8_t cause_shadow(const struct fault_view *v, uint8_t other)
{
	uint64_t word = 0;

	if (v->vm->invlpgs && v->f->gva != MMUSCOPE_UNKNOWN)
		word = history_look(v->h, &v->vm->history, HISTORY_GVA, v->f->gva >> PAGE_SHIFT);
	if (history_state(word) != HISTORY_TAKEN && v->vcpu)
		word = v->vcpu->table;
	if (history_state(word) == HISTORY_TAKEN)
		return cause_since(v, history_cause(word), history_time(word));
	if (v->vcpu && v->vcpu->linked)
		return MMUSCOPE_cause_shadowing;
	return v->f->gva != MMUSCOPE_UNKNOWN ? cause_table(v, other) : other;
}

/* A table of small pages was made in this fault: its other pages will fault for the same reason. */
static void table_made(struct history *h, struct vm *vm, const struct vcpu *vcpu,
		       const struct mmuscope_fault *f)
{
	uint64_t word = vcpu->table, time = begin_of(h, &f->hdr);
	uint8_t cause = MMUSCOPE_cause_shadowing;

	if (f->gva == MMUSCOPE_UNKNOWN)
		return;
	if (history_state(word) == HISTORY_TAKEN) {
		cause = history_cause(word);
		time = history_time(word);
	}
	/* The table before it is none any more. */
	history_settle(h, &vm->history, HISTORY_TABLE_GVA, f->gva >> TABLE_SHIFT, time);
	history_take(h, &vm->history, HISTORY_TABLE_GVA, f->gva >> TABLE_SHIFT, 1, cause, time,
		     time);
}

static uint8_t cause_missing(const struct fault_view *v)
{
	const struct slot *slot;
	uint8_t cause;

	switch (history_state(v->word)) {
	case HISTORY_TAKEN:
		return cause_since(v, history_cause(v->word), history_time(v->word));
	case HISTORY_NONE:
		if (history_complete(v->h, &v->vm->history))
			return MMUSCOPE_cause_first_touch;
		return v->shadow ? cause_shadow(v, CAUSE_UNSEEN) : CAUSE_UNSEEN;
	default:
		break;
	}
	/* Another vCPU was quicker, with the same page for the same reason. */
	if (history_time(v->word) >= v->begin)
		return history_cause(v->word);
	cause = v->shadow ? cause_shadow(v, CAUSE_UNTAKEN) : CAUSE_UNTAKEN;
	if (cause != CAUSE_UNTAKEN)
		return cause;
	/* KVM takes a huge page away when it must know which of its pages are written. */
	slot = slots_find(&v->vm->slots, v->gfn);
	if (slot && slot->protected && history_state(v->word) >= HISTORY_MAPPED_2M &&
	    history_clock(v->h, slot->protected) > history_time(v->word))
		return cause_since(v, MMUSCOPE_cause_dirty_log,
				   history_clock(v->h, slot->protected));
	/* KVM takes all of a huge page to map a part of it by a small one. */
	if (v->region && history_state(v->word) >= HISTORY_MAPPED_2M &&
	    cause_known(v->region->breaker) && v->region->broken > history_time(v->word))
		return cause_since(v, v->region->breaker, v->region->broken);
	/* It was left out when a neighbour was mapped: what took it before still has it. */
	if (history_state(v->word) == HISTORY_FILLED && history_cause(v->word))
		return history_cause(v->word);
	return CAUSE_UNTAKEN;
}

/*
 * With shadow paging a fault that sets no entry has no guest frame. If the vCPU itself had the host
 * take one away meanwhile, to copy it, it is that frame.
 */
static uint8_t cause_unaddressed(const struct fault_view *v)
{
	const struct mmuscope_fault *f = v->f;
	struct fault_view own = *v;

	if (!v->shadow)
		return CAUSE_NO_ADDRESS;
	if (f->condition == MMUSCOPE_condition_write_protected &&
	    f->verdict == MMUSCOPE_verdict_emulated)
		return MMUSCOPE_cause_pt_write;
	if (!v->vcpu || v->vcpu->own_zap < v->begin || v->vcpu->own_gfn == MMUSCOPE_UNKNOWN)
		return cause_shadow(v, CAUSE_NO_ADDRESS);
	own.gfn = v->vcpu->own_gfn;
	own.word = history_look(v->h, &v->vm->history, HISTORY_GFN, own.gfn);
	/* It was there until then. */
	if (history_state(own.word) == HISTORY_TAKEN && history_time(own.word) == v->vcpu->own_zap)
		return history_cause(own.word);
	return cause_missing(&own);
}

static uint8_t cause_find(const struct fault_view *v)
{
	const struct mmuscope_fault *f = v->f;

	if (f->gpa == MMUSCOPE_UNKNOWN)
		return cause_unaddressed(v);
	if (f->condition == MMUSCOPE_condition_write_protected)
		return cause_protected(v);
	if (f->condition == MMUSCOPE_condition_exec_denied && !v->shadow)
		return MMUSCOPE_cause_nx_huge_page;
	/* KVM keeps the entry and takes its present bit, to see whether the page is used. */
	if (f->verdict == MMUSCOPE_verdict_fast_fixed) {
		v->vm->tracked = true;
		return MMUSCOPE_cause_aging;
	}
	return cause_missing(v);
}

static void fault_mapped(const struct fault_view *v)
{
	const struct mmuscope_fault *f = v->f;
	struct fault_cause *c = v->c;
	enum history_state state = history_state(v->word);
	uint64_t took = f->handler_ns ?: f->hdr.dur, taken = history_time(v->word);
	uint64_t time = history_after(v->begin, took);
	unsigned int level = f->level ?: 1;

	/* Nothing new: what was written of it says more. */
	if (state >= HISTORY_MAPPED_4K && !f->level)
		return;
	if (state == HISTORY_TAKEN && taken > time) {
		/* Taken away again before the guest ran, unless by this very fault on its way. */
		if (!v->vcpu || taken != v->vcpu->own_zap)
			return;
		time = taken;
	}
	if (taken > time)
		time = taken;
	if (level == 1)
		c->change = history_map_at(v->h, &v->vm->history, v->region, v->gfn, c->cause,
					   time, &c->broken_ns);
	else
		c->change = history_map(v->h, &v->vm->history, v->gfn, level, c->cause, time,
					&c->broken_ns);
	/*
	 * KVM maps neighbours along with a page where it has their pages at hand, within 8 entries
	 * of a table. Which ones is not told unless it is all of them.
	 */
	if (level == 1 && f->sptes > 1)
		history_fill(v->h, &v->vm->history, v->gfn & ~(uint64_t)(PREFETCH - 1),
			     PREFETCH, history_complete(v->h, &v->vm->history) ?
			     MMUSCOPE_cause_first_touch : CAUSE_UNSEEN, time);
	if (v->shadow && v->vm->invlpgs && f->gva != MMUSCOPE_UNKNOWN)
		history_settle(v->h, &v->vm->history, HISTORY_GVA, f->gva >> PAGE_SHIFT, time);
}

/* Of a fault for memory of the guest's, which KVM is to map. */
static void cause_memory(struct history *h, struct vm *vm, const struct mmuscope_fault *f,
			 struct fault_cause *c)
{
	struct fault_view v = {
		.h = h, .vm = vm, .vcpu = vcpu_of(vm, &f->hdr), .f = f, .c = c,
		.gfn = f->gpa >> PAGE_SHIFT, .begin = begin_of(h, &f->hdr),
		.shadow = f->mode == MMUSCOPE_mode_shadow,
	};

	if (f->gpa != MMUSCOPE_UNKNOWN)
		v.word = history_find(h, &vm->history, HISTORY_GFN, v.gfn, &v.region);
	c->cause = cause_find(&v);
	if (f->gpa != MMUSCOPE_UNKNOWN && c->cause < CAUSE_NO_ADDRESS &&
	    (f->verdict == MMUSCOPE_verdict_fixed || f->verdict == MMUSCOPE_verdict_fast_fixed ||
	     f->verdict == MMUSCOPE_verdict_spurious))
		fault_mapped(&v);
}

/* The fault is over for which tables were made. */
static void tables_forget(struct history *h, struct vm *vm, struct vcpu *vcpu,
			  const struct mmuscope_fault *f)
{
	if (vcpu->made)
		table_made(h, vm, vcpu, f);
	vcpu->table = 0;
	vcpu->linked = false;
	vcpu->made = false;
}

void cause_fault(struct history *h, struct vm *vm, const struct mmuscope_fault *f,
		 struct fault_cause *c)
{
	struct vcpu *vcpu = vcpu_of(vm, &f->hdr);

	*c = (struct fault_cause){ 0 };
	if (f->verdict == MMUSCOPE_verdict_reflected)
		c->cause = CAUSE_GUEST;
	else if (is_mmio(f))
		c->cause = CAUSE_MMIO;
	else
		cause_memory(h, vm, f, c);
	/* Without a link there is none of the others. */
	if (vcpu && vcpu->linked)
		tables_forget(h, vm, vcpu, f);
}
