// SPDX-License-Identifier: GPL-2.0
#include "view/progress.h"

#include "lib/format.h"

bool progress_near_wrap(const struct view_progress *p)
{
	return p->seq >= PROGRESS_WRAP / 8 * 7 && p->seq < PROGRESS_WRAP;
}

static const char *under_way(struct report *r, const struct view_progress *p)
{
	char n[FORMAT_MAX];

	if (!p->in_progress)
		return "None is under way.";
	if (p->in_progress < 0)
		return report_text(r, "%lld are under way: more ended than began, which is a fault "
				   "of KVM.", (long long)p->in_progress);
	return report_text(r, "%s %s under way, and until %s faults there are tried again.",
			   format_count(n, p->in_progress), p->in_progress == 1 ? "is" : "are",
			   p->in_progress == 1 ? "it ends" : "they end");
}

static const char *wrap_words(struct report *r, const struct view_progress *p)
{
	char left[FORMAT_MAX];

	if (!progress_near_wrap(p))
		return "";
	return report_text(r, " The sequence is %s short of 2^31: a KVM that keeps it in an int "
			   "then tries every fault again, for ever, and the vCPUs hang.",
			   format_count(left, PROGRESS_WRAP - p->seq));
}

const char *progress_words(struct report *r, const struct view_progress *p)
{
	char seq[FORMAT_MAX];

	return report_text(r, "KVM's sequence of invalidations is at %s. %s%s",
			   format_count(seq, p->seq), under_way(r, p), wrap_words(r, p));
}

const char *progress_verdict(struct report *r, const struct view_progress *p)
{
	const char *words = progress_words(r, p);
	char moved[FORMAT_MAX], within[FORMAT_MAX];

	if (p->seq >= PROGRESS_WRAP && !p->in_progress)
		return report_text(r, "%s It is beyond 2^31: a KVM that keeps it in an int takes "
				   "every fault for stale, and this one seems to.", words);
	if (p->moved)
		return report_text(r, "%s Within %s it moved by %s: invalidations go on, and each "
				   "makes the faults of its time be tried again.", words,
				   format_ns(within, p->moved_ns), format_count(moved, p->moved));
	if (!p->moved_ns)
		return words;
	if (p->in_progress)
		return report_text(r, "%s It did not move within %s: what has begun does not end.",
				   words, format_ns(within, p->moved_ns));
	/* The row of faults may be over. */
	return report_text(r, "%s It did not move within %s: if the vCPU still faults, "
			   "invalidations are not the reason.", words,
			   format_ns(within, p->moved_ns));
}

void view_progress(struct section *s, const struct view_progress *p)
{
	if (!s)
		return;
	section_fact(s, "invalidate_seq", NULL, p ? cell_id(p->seq) : (struct cell){ 0 });
	/* Negative is wrong, and told by the note. */
	section_fact(s, "invalidate_in_progress", NULL,
		     p && p->in_progress >= 0 ? cell_count(p->in_progress) : (struct cell){ 0 });
	if (p)
		section_note(s, "%s", progress_words(s->report, p));
	else
		section_note(s, "This kernel's struct kvm has no sequence of invalidations that is "
			     "known: whether one is under way cannot be told.");
}
