// SPDX-License-Identifier: GPL-2.0
/* What else differs between the recordings: what was done may not be all that was changed. */
#include <stdio.h>
#include <string.h>

#include "lib/clean.h"
#include "view/diff.h"

static const char *cleaned(struct report *r, const char *text)
{
	const char *copy = text ? report_text(r, "%s", text) : NULL;

	if (copy)
		clean((char *)copy, strlen(copy));
	return copy;
}

static void fact_row(struct report *r, struct table *t, const char *what, const char *a,
		     const char *b)
{
	struct cell *row;

	if (!strcmp(a ?: "", b ?: ""))
		return;
	row = table_row(t);
	row[0] = cell_text(what);
	row[1] = cell_text(cleaned(r, a));
	row[2] = cell_text(cleaned(r, b));
}

static const char *string(const json_t *json, const char *outer, const char *key)
{
	const json_t *in = outer ? json_object_get(json, outer) : json;

	return json_string_value(json_object_get(in, key));
}

/* "cpu model", "kvm ept", as doctor saw them. */
static void host_rows(struct report *r, struct table *t, const json_t *a, const json_t *b)
{
	json_t *host_a = json_object_get(a, "host"), *host_b = json_object_get(b, "host");
	json_t *all = json_object(), *group, *value;
	const char *group_name, *name;

	json_object_foreach(host_a, group_name, group)
		json_object_set_new(all, group_name, json_copy(group));
	json_object_foreach(host_b, group_name, group) {
		if (!json_object_get(all, group_name))
			json_object_set_new(all, group_name, json_object());
		json_object_update(json_object_get(all, group_name), group);
	}
	json_object_foreach(all, group_name, group)
		json_object_foreach(group, name, value)
			fact_row(r, t, report_text(r, "%s %s", group_name, name),
				 string(host_a, group_name, name),
				 string(host_b, group_name, name));
	json_decref(all);
}

/* A probe that one side lacked: what it feeds cannot be compared. */
static void probe_notes(struct section *s, const struct diff_run *a, const struct diff_run *b,
			const char *lacking, const char *having)
{
	const struct probe_status *list = NULL, *other;
	size_t nr = a->source->ops->probes ? a->source->ops->probes(a->source, &list) : 0;

	for (size_t i = 0; i < nr; i++) {
		if (list[i].state != PROBE_MISSING)
			continue;
		other = view_probe(b->source, list[i].name);
		if (other && other->state != PROBE_MISSING)
			section_note(s, "%s had no probe %s, which %s had: without it %s; do not "
				     "compare %s.", lacking, list[i].name, having, list[i].lost,
				     list[i].records);
	}
}

void diff_recordings(struct report *r, const struct diff *d)
{
	static const struct column columns[] = {
		{ "what", "differs", true, 0 }, { "a", "A", true, 0 }, { "b", "B", true, 0 },
	};
	static const struct column files[] = {
		{ "side", "side", true, 0 }, { "path", "recording", true, 0 },
		{ "elapsed_ns", "time", false, 0 }, { "records", "records", false, 0 },
		{ "lost", "lost", false, 0 }, { "operations", "operations", false, 1 },
	};
	struct section *s = report_section(r, "recordings", "Recordings", false);
	const struct diff_run *a = &d->runs[0], *b = &d->runs[d->nr_a];
	struct table *t = section_table(s, "files", NULL, files, ARRAY_SIZE(files));

	for (size_t i = 0; i < d->nr; i++) {
		const struct ledger *l = model_past(d->runs[i].model);
		struct cell *row = table_row(t);
		uint64_t records = 0;

		for (unsigned int k = 0; k < MMUSCOPE_TYPES; k++)
			records += k == MMUSCOPE_TYPE_lost ? 0 : l->records[k];
		row[0] = cell_text(i < d->nr_a ? "A" : "B");
		row[1] = cell_text(d->runs[i].path);
		row[2] = cell_ns(d->runs[i].elapsed_ns);
		row[3] = cell_count(records);
		row[4] = cell_count(view_lost(l));
		if (d->per == DIFF_OPERATION)
			row[5] = cell_count(d->runs[i].operations);
	}
	t = section_table(s, "differences", NULL, columns, ARRAY_SIZE(columns));
	fact_row(r, t, "mmuscope", string(a->head, NULL, "mmuscope"),
		 string(b->head, NULL, "mmuscope"));
	fact_row(r, t, "collector", string(a->head, NULL, "source"),
		 string(b->head, NULL, "source"));
	fact_row(r, t, "host", string(a->head, "uname", "name"), string(b->head, "uname", "name"));
	fact_row(r, t, "kernel", string(a->head, "uname", "release"),
		 string(b->head, "uname", "release"));
	host_rows(r, t, a->head, b->head);
	probe_notes(s, a, b, "A", "B");
	probe_notes(s, b, a, "B", "A");
}
