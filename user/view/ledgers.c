// SPDX-License-Identifier: GPL-2.0
/* The ledgers: who asked for TLB flushes and why, what became of huge pages. */
#include "lib/format.h"
#include "view/view.h"

static void storm_note(const struct vm_view *v)
{
	const struct storm *s = &v->st->storm;
	char within[FORMAT_MAX], span[FORMAT_MAX], peak[FORMAT_MAX];

	section_fact(v->section, "storm_ns", NULL, cell_ns(s->windows * STORM_WINDOW_NS));
	section_fact(v->section, "storm_peak", NULL, cell_rate(s->peak, STORM_WINDOW_NS));
	if (!s->windows)
		return;
	section_caption(v->section, "A storm of TLB flushes: in %s of %s the VM was asked to flush "
			"all vCPUs more than %u times a second, at most %s times.",
			format_ns(span, s->windows * STORM_WINDOW_NS),
			format_ns(within, v->elapsed_ns),
			(unsigned int)(STORM_FLUSHES * 1000000000ULL / STORM_WINDOW_NS),
			format_rate(peak, s->peak * 1e9 / STORM_WINDOW_NS));
}

const char *view_stuck_where(struct report *r, const struct stuck_row *row)
{
	unsigned long long rip = row->rip, gfn = row->gfn;

	/* Under EPT it is read at an exit only where KVM needs it. */
	if (row->rip == MMUSCOPE_UNKNOWN)
		return report_text(r, "frame %#llx", gfn);
	return report_text(r, "instruction %#llx, frame %#llx", rip, gfn);
}

void view_stuck(const struct vm_view *v)
{
	const struct stuck *s = &v->st->stuck;
	const struct view_window *w = v->window;
	char span[FORMAT_MAX], count[FORMAT_MAX];
	struct view_progress p;

	section_fact(v->section, "stuck_rows", NULL, cell_count(s->rows));
	section_fact(v->section, "stuck_ns", NULL, cell_ns(s->ns));
	if (!s->rows)
		return;
	section_note(v->section, "No progress: vCPU %u faulted %s times in a row within %s in one "
		     "place (%s), and KVM's answer was to try again.",
		     s->worst.vcpu, format_count(count, s->worst.count),
		     format_ns(span, s->worst.end - s->worst.begin),
		     view_stuck_where(v->section->report, &s->worst));
	if (!w->progress || v->vm->life == MMUSCOPE_life_destroyed)
		return;
	if (w->progress(w->progress_ctx, v->vm->pid, true, &p))
		section_note(v->section, "%s", progress_verdict(v->section->report, &p));
	else
		section_note(v->section, "What KVM's sequence of invalidations is cannot be read "
			     "here.");
}

/* KVM's own counters beside ours: the cheapest proof that nothing was missed. */
static void counted_note(const struct vm_view *v)
{
	char kvm[FORMAT_MAX], ours[FORMAT_MAX], asked[FORMAT_MAX], seen[FORMAT_MAX];
	const struct view_window *w = v->window;
	uint64_t kicked = 0, remote = 0;
	struct view_counted c;

	if (!w->past || !w->counted || !w->counted(w->ctx, v->vm->id, &c))
		return;
	for (size_t i = 0; i < STATS_FLUSHES; i++) {
		size_t scope = i / WORDS_cause / WORDS_origin;

		kicked += v->st->count[COUNT_KICKED + i];
		if (v->st->hist[HIST_FLUSH + i] && (scope == MMUSCOPE_scope_remote ||
						    scope == MMUSCOPE_scope_remote_range))
			remote += v->st->hist[HIST_FLUSH + i]->count;
	}
	section_fact(v->section, "kvm_remote_tlb_flush", NULL, cell_count(c.flushes));
	section_caption(v->section, "KVM counted %s flushes of all vCPUs that interrupted one, "
			"here are %s.", format_count(kvm, c.flushes), format_count(ours, kicked));
	if (c.requests == UINT64_MAX)
		return;
	section_fact(v->section, "kvm_remote_tlb_flush_requests", NULL, cell_count(c.requests));
	section_caption(v->section, "It counted %s that were asked for, here are %s.",
			format_count(asked, c.requests), format_count(seen, remote));
}

void view_flushes(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "scope", "scope", true, 0 },
		{ "origin", "origin", true, 0 },
		{ "cause", "cause", true, 0 },
		VIEW_HIST_COLUMNS,
		{ "kicked", "kicked", false, 0 },
	};
	struct table *t = section_table(v->section, "flushes", "TLB flushes", columns,
					ARRAY_SIZE(columns));

	for (size_t i = 0; i < STATS_FLUSHES; i++) {
		const struct hist *h = v->st->hist[HIST_FLUSH + i];
		size_t by = i / WORDS_cause;
		struct cell *row;

		if (!h)
			continue;
		row = table_row(t);
		*row++ = cell_text(schema_word_text(SET_scope, by / WORDS_origin));
		*row++ = cell_text(schema_word_text(SET_origin, by % WORDS_origin));
		*row++ = cell_text(schema_word_text(SET_cause, i % WORDS_cause));
		row = view_hist_cells(v, row, h);
		*row = cell_count(v->st->count[COUNT_KICKED + i]);
	}
	table_sort(t, "count");
	storm_note(v);
	counted_note(v);
}

static void huge_row(const struct vm_view *v, struct table *t, const char *what, const char *level,
		     const char *cause, uint64_t count)
{
	struct cell *row;

	if (!count)
		return;
	row = table_row(t);
	row[0] = cell_text(what);
	row[1] = cell_text(level);
	row[2] = cell_text(cause);
	row[3] = cell_count(count);
	row[4] = cell_rate(count, v->elapsed_ns);
}

static void huge_rows(const struct vm_view *v, struct table *t)
{
	const uint64_t *count = v->st->count;

	for (unsigned int level = 0; level < STATS_LEVELS; level++) {
		const char *size = view_level(level);

		for (unsigned int cause = 0; cause < WORDS_cause; cause++) {
			huge_row(v, t, "split", size, cause_text(cause),
				 count[stats_split_index(level, cause, false)]);
			huge_row(v, t, "split failed", size, cause_text(cause),
				 count[stats_split_index(level, cause, true)]);
			huge_row(v, t, "collapsed", size, cause_text(cause),
				 count[COUNT_COLLAPSE + level * WORDS_cause + cause]);
		}
		for (unsigned int cause = 0; cause < CAUSES; cause++)
			huge_row(v, t, "mapped", size, cause_text(cause),
				 count[COUNT_HUGE + level * CAUSES + cause]);
	}
	for (unsigned int cause = 0; cause < CAUSES; cause++) {
		huge_row(v, t, "mapped small again", "2M", cause_text(cause),
			 count[COUNT_BROKEN + cause]);
		huge_row(v, t, "mapped huge again", "2M", cause_text(cause),
			 count[COUNT_REBUILT + cause]);
	}
}

/* From the history, which knows of what faulted since tracing began. */
static void size_table(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "level", "memory mapped by", true, 0 },
		{ "bytes", "bytes", false, 0 },
		{ "share", "share", false, 0 },
	};
	struct table *t = section_table(v->section, "mapped_sizes", NULL, columns,
					ARRAY_SIZE(columns));
	struct history_sizes sizes;
	uint64_t all = 0;

	model_sizes(v->model, v->vm, &sizes);
	for (unsigned int level = 1; level < STATS_LEVELS; level++)
		all += sizes.pages[level];
	for (unsigned int level = STATS_LEVELS - 1; level; level--) {
		struct cell *row;

		if (!sizes.pages[level])
			continue;
		row = table_row(t);
		row[0] = cell_text(report_text(v->section->report, "%s pages", view_level(level)));
		row[1] = cell_bytes(sizes.pages[level] << 12);
		row[2] = cell_percent(sizes.pages[level], all);
	}
	section_fact(v->section, "taken_bytes", NULL, cell_bytes(sizes.pages[0] << 12));
	section_fact(v->section, "broken_regions", NULL, cell_count(sizes.broken));
	if (sizes.broken)
		section_caption(v->section, "%llu regions of 2M that a huge page mapped have small "
				"pages now.", (unsigned long long)sizes.broken);
}

void view_huge_pages(const struct vm_view *v)
{
	static const struct column columns[] = {
		{ "what", "what", true, 0 },
		{ "level", "size", true, 0 },
		{ "cause", "cause", true, 0 },
		{ "count", "count", false, 0 },
		{ "rate", "/s", false, 1 },
	};
	const struct hist *broken = v->st->hist[HIST_BROKEN];

	huge_rows(v, section_table(v->section, "huge_pages", "Huge pages", columns,
				   ARRAY_SIZE(columns)));
	size_table(v);
	if (broken)
		section_histogram(v->section, "broken_ns_histogram",
				  "How long regions had small pages",
				  broken);
}
