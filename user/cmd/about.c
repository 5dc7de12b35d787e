// SPDX-License-Identifier: GPL-2.0
#include "cmd/about.h"

#include <string.h>
#include <time.h>

#include "lib/clean.h"
#include "view/view.h"

/* Text of a head is somebody else's: no escape sequences on our terminal. */
static struct cell text_cell(struct report *r, const char *text)
{
	const char *copy = text ? report_text(r, "%s", text) : NULL;

	if (copy)
		clean((char *)copy, strlen(copy));
	return cell_text(copy);
}

static const char *string(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static struct cell date_cell(struct report *r, const json_t *head)
{
	const json_t *clock = json_object_get(head, "clock");
	time_t t = json_integer_value(json_object_get(clock, "realtime_ns")) / 1000000000;
	char text[64];
	struct tm tm;

	if (!t || !localtime_r(&t, &tm) || !strftime(text, sizeof(text), "%F %T %z", &tm))
		return cell_text(NULL);
	return cell_text(report_text(r, "%s", text));
}

static struct cell command_cell(struct report *r, const json_t *head)
{
	const json_t *list = json_object_get(head, "arguments"), *arg;
	const char *text = "";
	size_t i;

	json_array_foreach(list, i, arg)
		text = report_text(r, "%s%s%s", text ?: "", i ? " " : "",
				   json_string_value(arg) ?: "?");
	return text_cell(r, text);
}

/* Families and fields that a newer version wrote. */
static void unknown_note(struct section *s, const struct layout *l)
{
	size_t families = 0, fields = 0;

	for (size_t i = 1; i < 256; i++) {
		if (!l->event[i])
			continue;
		families += !l->event[i]->own;
		fields += l->event[i]->own ? l->event[i]->unknown : 0;
	}
	if (families || fields)
		section_note(s, "A newer mmuscope wrote it: %zu kinds of records and %zu fields "
			     "are not known here, and not shown.", families, fields);
}

void about_recording(struct report *r, const struct recording *rec, const struct model *m)
{
	const struct reader *reader = source_file_reader(rec->source);
	const json_t *head = reader_head(reader), *uname = json_object_get(head, "uname");
	struct section *s = report_section(r, "recording",
					   report_text(r, "Recording %s", rec->path), false);
	uint64_t bytes = reader_bytes(reader), records = 0;

	for (size_t i = 0; i < MMUSCOPE_TYPES; i++)
		records += model_past(m)->records[i];
	section_fact(s, "bytes", "", cell_bytes(bytes));
	section_fact(s, "elapsed_ns", "", cell_ns(source_file_elapsed(rec->source)));
	section_fact(s, "records", "records", cell_count(records));
	if (records)
		section_fact(s, "bytes_per_record", "bytes per record",
			     (struct cell){ .kind = CELL_RATE, .real = (double)bytes / records });
	section_fact(s, "kind", NULL, cell_text(reader_is_flight(reader) ? "flight recorder" :
						"recording"));
	section_fact(s, "complete", NULL, cell_text(reader_damage(reader)->torn ? "no" : "yes"));
	section_fact(s, "sums", NULL, cell_text(reader_has_sums(reader) ? "yes" : "no"));
	section_fact(s, "recorded", "recorded ", date_cell(r, head));
	section_fact(s, "host", "on ", text_cell(r, string(uname, "name")));
	section_fact(s, "kernel", "kernel ", text_cell(r, string(uname, "release")));
	section_fact(s, "mmuscope", "by mmuscope ", text_cell(r, string(head, "mmuscope")));
	section_fact(s, "source", "collector ", text_cell(r, string(head, "source")));
	section_fact(s, "command", "command ", command_cell(r, head));
	if (reader_is_flight(reader))
		section_note(s, "It is a flight recorder: older records may have been given up.");
	unknown_note(s, reader_layout(reader));
}

void about_host(struct report *r, const struct recording *rec)
{
	static const struct column columns[] = {
		{ "group", "host", true, 0 }, { "name", "fact", true, 0 },
		{ "value", "value", true, 0 },
	};
	const json_t *head = reader_head(source_file_reader(rec->source)), *group, *value;
	json_t *host = json_object_get(head, "host");
	struct table *t = section_table(report_section(r, "host", NULL, false), "facts",
					"The host at the time", columns, ARRAY_SIZE(columns));
	const char *group_name, *name;
	struct cell *row;

	json_object_foreach(host, group_name, group) {
		json_object_foreach((json_t *)group, name, value) {
			row = table_row(t);
			row[0] = text_cell(r, group_name);
			row[1] = text_cell(r, name);
			row[2] = text_cell(r, json_string_value(value));
		}
	}
}
