// SPDX-License-Identifier: GPL-2.0
#include "cmd/focus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "view/view.h"

#define VMS	(-1)

/* What records can be put together by, in the order of the tabulator key. */
static const struct {
	const char *name;
	const char *keys;
} ways[] = {
	{ "vCPU", "vcpu" },
	{ "kind of fault", "condition,access,verdict" },
	{ "cause", "cause" },
	{ "memslot", "slot" },
	{ "guest instruction", "rip" },
};
#define OWN	((int)ARRAY_SIZE(ways))		/* the way of the user's keys */

static const char *keys_of(const struct focus *f, int by)
{
	return by == OWN ? f->keys : ways[by].keys;
}

/* Begins to count for the level that is looked at. */
static int count_anew(struct focus *f)
{
	char err[128];

	group_free(f->counting);
	f->counting = NULL;
	if (focus_on_vms(f))
		return 0;
	f->counting = group_new(keys_of(f, f->level[f->depth].by), err, sizeof(err));
	return f->counting ? 0 : -ENOMEM;
}

int focus_init(struct focus *f, const char *keys)
{
	*f = (struct focus){ .level = { { .by = keys ? OWN : VMS } }, .keys = keys };
	return count_anew(f);
}

bool focus_on_vms(const struct focus *f)
{
	return f->level[f->depth].by == VMS;
}

int focus_feed(struct focus *f, const struct model *m, const struct mmuscope_hdr *rec)
{
	if (!f->counting)
		return 0;
	for (size_t i = 0; i < f->level[f->depth].picks; i++)
		if (!group_picked(&f->picks[i], m, rec))
			return 0;
	return group_feed(f->counting, m, rec);
}

int focus_take(struct focus *f, struct group **g)
{
	*g = f->counting;
	f->counting = NULL;
	return count_anew(f);
}

static bool is_used(const struct focus *f, int by)
{
	const char *keys = keys_of(f, by);

	for (size_t i = 0; i < f->level[f->depth].picks; i++) {
		const char *name = f->picks[i].key.name;

		if (!strncmp(keys, name, strlen(name)))
			return true;
	}
	return false;
}

/* The first way from @by on, in the direction of @step, that is not that of a row above. */
static int way_next(const struct focus *f, int by, int step)
{
	int nr = OWN + !!f->keys;

	for (int i = 0; i < nr && is_used(f, by); i++)
		by = (by + nr + step) % nr;
	return by;
}

/* Goes one level down, to records that also have what @picks say, labelled by @row. */
static int descend(struct focus *f, const struct group_pick *picks, size_t nr,
		   const struct cell *row)
{
	size_t at = f->level[f->depth].picks;

	if (at + nr > FOCUS_PICKS)
		return -ENOENT;
	for (size_t i = 0; i < nr; i++) {
		bool vm = !strcmp(picks[i].key.name, "vm");

		f->picks[at + i] = picks[i];
		snprintf(f->label[at + i], sizeof(f->label[0]), "%s%s%s",
			 vm ? "" : picks[i].key.name, vm ? "" : " ", row[i].text);
	}
	f->level[++f->depth] = (struct focus_level){ .picks = at + nr };
	f->level[f->depth].by = way_next(f, 0, 1);
	return count_anew(f);
}

static int open_vm(struct focus *f, const struct cell *row)
{
	struct group_pick p = { .value.number = row[0].number, .type = MMUSCOPE_TYPE_fault };

	return group_key_find(&p.key, "vm") ? descend(f, &p, 1, &row[1]) : -ENOENT;
}

/* Finds the row of @g by the texts of its keys, which are the first cells. */
static const struct group_row *find_row(struct report *r, const struct model *m,
					const struct group *g, const struct cell *row)
{
	for (size_t i = 0; i < g->nr_rows; i++) {
		size_t k = 0;

		while (k < g->nr_keys && row[k].kind == CELL_TEXT) {
			struct cell key = view_key(r, m, g, &g->rows[i], k);

			if (key.kind != CELL_TEXT || strcmp(key.text, row[k].text))
				break;
			k++;
		}
		if (k == g->nr_keys)
			return &g->rows[i];
	}
	return NULL;
}

static int open_row(struct focus *f, const struct model *m, const struct group *g,
		    const struct cell *row)
{
	struct report *scratch = report_new("scratch");
	const struct group_row *from = scratch ? find_row(scratch, m, g, row) : NULL;
	struct group_pick picks[GROUP_KEYS];

	if (scratch)
		report_free(scratch);
	if (!from)
		return scratch ? -ENOENT : -ENOMEM;
	for (size_t i = 0; i < g->nr_keys; i++)
		picks[i] = (struct group_pick){
			.key = g->key[i], .value = from->value[i], .type = from->type,
		};
	return descend(f, picks, g->nr_keys, row);
}

int focus_open(struct focus *f, const struct model *m, const struct group *g,
	       const struct cell *row)
{
	return g ? open_row(f, m, g, row) : open_vm(f, row);
}

int focus_close(struct focus *f)
{
	if (f->depth)
		f->depth--;
	else if (!focus_on_vms(f))
		f->level[0].by = VMS;
	else
		return -ENOENT;
	return count_anew(f);
}

int focus_turn(struct focus *f, int by)
{
	int nr = OWN + !!f->keys, *at = &f->level[f->depth].by;

	if (focus_on_vms(f))
		return 0;
	*at = way_next(f, (*at + nr + by) % nr, by);
	return count_anew(f);
}

void focus_path(const struct focus *f, char *buf)
{
	size_t len = 0, picks = f->level[f->depth].picks;
	int by = f->level[f->depth].by;

	if (by == VMS) {
		snprintf(buf, FOCUS_PATH, "VMs");
		return;
	}
	for (size_t i = 0; i < picks && len < FOCUS_PATH; i++)
		len += snprintf(buf + len, FOCUS_PATH - len, "%s%s", i ? " > " : "", f->label[i]);
	if (len < FOCUS_PATH)
		snprintf(buf + len, FOCUS_PATH - len, "%sby %s", len ? ", " : "All VMs, ",
			 by == OWN ? f->keys : ways[by].name);
}

void focus_free(struct focus *f)
{
	group_free(f->counting);
	f->counting = NULL;
}
