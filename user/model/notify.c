// SPDX-License-Identifier: GPL-2.0
#include "model/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clean.h"

_Static_assert(NOTIFY_ROWS < UINT8_MAX, "positions are kept in bytes");
_Static_assert(sizeof(((struct mmuscope_invalidate *)0)->comm) == NOTIFY_COMM, "comm");

static size_t hash(uint8_t event, uint8_t cause, const char *comm)
{
	uint64_t words[2], h;

	memcpy(words, comm, sizeof(words));
	h = (words[0] ^ event) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ words[1] ^ (uint64_t)cause << 8) * 0x9e3779b97f4a7c15ULL;
	return (h >> 32) % (2 * NOTIFY_ROWS);
}

static bool same(const struct notify_row *row, uint8_t event, uint8_t cause, const char *comm)
{
	return row->event == event && row->cause == cause &&
	       !memcmp(row->comm, comm, sizeof(row->comm));
}

static struct notify_row *row_new(struct notify *n, uint8_t event, uint8_t cause, const char *comm)
{
	struct notify_row *row = &n->rows[n->nr];

	row->hist = hist_new();
	if (!row->hist)
		return NULL;
	row->event = event;
	row->cause = cause;
	memcpy(row->comm, comm, sizeof(row->comm));
	n->nr++;
	return row;
}

static struct notify_row *row_other(struct notify *n)
{
	if (n->nr > NOTIFY_ROWS)
		return &n->rows[NOTIFY_ROWS];
	return row_new(n, MMUSCOPE_notifier_unknown, MMUSCOPE_cause_unknown,
		       (char [NOTIFY_COMM]){ NOTIFY_OTHER });
}

static struct notify_row *row_get(struct notify *n, uint8_t event, uint8_t cause, const char *comm)
{
	size_t at = hash(event, cause, comm);
	struct notify_row *row;

	/* At most half full, so there is an empty place. */
	for (; n->index[at]; at = (at + 1) % (2 * NOTIFY_ROWS)) {
		row = &n->rows[n->index[at] - 1];
		if (same(row, event, cause, comm))
			return row;
	}
	if (n->nr >= NOTIFY_ROWS)
		return row_other(n);
	row = row_new(n, event, cause, comm);
	if (row)
		n->index[at] = n->nr;
	return row;
}

int notify_add(struct notify *n, const struct mmuscope_invalidate *rec)
{
	char comm[NOTIFY_COMM];
	struct notify_row *row;

	memcpy(comm, rec->comm, sizeof(comm));
	clean(comm, sizeof(comm));
	row = row_get(n, rec->event, rec->cause, comm);
	if (!row)
		return -ENOMEM;
	row->gfns += rec->gfns;
	row->inferred += !!(rec->hdr.flags & MMUSCOPE_INFERRED);
	hist_add(row->hist, rec->hdr.dur);
	return 0;
}

int notify_fold(struct notify *to, struct notify *from)
{
	for (size_t i = 0; i < from->nr; i++) {
		const struct notify_row *row = &from->rows[i];
		struct notify_row *sum = i < NOTIFY_ROWS ?
			row_get(to, row->event, row->cause, row->comm) : row_other(to);

		if (!sum)
			return -ENOMEM;
		sum->gfns += row->gfns;
		sum->inferred += row->inferred;
		hist_merge(sum->hist, row->hist);
	}
	notify_clear(from);
	return 0;
}

void notify_clear(struct notify *n)
{
	for (size_t i = 0; i < n->nr; i++)
		free(n->rows[i].hist);
	memset(n, 0, sizeof(*n));
}
