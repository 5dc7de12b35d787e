// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/reason.h"
#include "lib/schema.h"
#include "render/export.h"

#define LANES		32
#define TRACKS		16384		/* power of two */
#define VMS		65536
/* Above all numbers of processes, so that no track is taken for a process' first thread. */
#define FIRST_TID	100000

/**
 * struct track - of a VM, its vCPU and a kind of record
 * @tid: of the first lane, 0 for a free place
 * @lanes: that were begun
 * @end: of the last span in each lane, ns
 */
struct track {
	uint16_t vm;
	uint16_t vcpu;
	uint8_t type;
	uint8_t lanes;
	uint32_t tid;
	uint64_t end[LANES];
};

struct perfetto {
	FILE *out;
	bool any;
	struct track *tracks;
	size_t nr;
	char **names;	/* of VMs, by number */
};

/* Microseconds, as the format wants them, without losing nanoseconds. */
static void put_us(FILE *out, const char *key, uint64_t ns)
{
	fprintf(out, ", \"%s\": %" PRIu64 ".%03u", key, ns / 1000, (unsigned int)(ns % 1000));
}

static void event_begin(struct perfetto *p, char phase, unsigned int pid, unsigned int tid)
{
	fprintf(p->out, "%s{\"ph\": \"%c\", \"pid\": %u, \"tid\": %u", p->any ? ",\n" : "", phase,
		pid, tid);
	p->any = true;
}

struct perfetto *perfetto_begin(FILE *out, const struct export_head *head)
{
	struct perfetto *p = calloc(1, sizeof(*p));

	if (p) {
		p->tracks = calloc(TRACKS, sizeof(*p->tracks));
		p->names = calloc(VMS, sizeof(*p->names));
	}
	if (!p || !p->tracks || !p->names) {
		if (p) {
			free(p->tracks);
			free(p->names);
		}
		free(p);
		return NULL;
	}
	p->out = out;
	fputs("{\"displayTimeUnit\": \"ns\", \"otherData\": {\"tool\": \"mmuscope " MMUSCOPE_VERSION
	      "\", \"clock\": \"monotonic\", \"host\": ", out);
	record_quoted(out, head->host ?: "?");
	fputs(", \"kernel\": ", out);
	record_quoted(out, head->kernel ?: "?");
	fputs("},\n\"traceEvents\": [\n", out);
	return p;
}

/* "vCPU 1", whose spans are its faults, "vCPU 1 flush", "invalidate", "invalidate (2)". */
static void track_name(struct perfetto *p, const struct track *t, unsigned int lane)
{
	unsigned int tid = t->tid + lane, order = t->type == MMUSCOPE_TYPE_fault ? 0 : t->type;
	const char *family = schema_event(t->type)->name;
	char name[80], number[16] = "";

	if (lane)
		snprintf(number, sizeof(number), " (%u)", lane + 1);
	if (t->vcpu == MMUSCOPE_NO_VCPU)
		snprintf(name, sizeof(name), "%s%s", family, number);
	else if (t->type == MMUSCOPE_TYPE_fault)
		snprintf(name, sizeof(name), "vCPU %u%s", t->vcpu, number);
	else
		snprintf(name, sizeof(name), "vCPU %u %s%s", t->vcpu, family, number);
	event_begin(p, 'M', t->vm, tid);
	fputs(", \"name\": \"thread_name\", \"args\": {\"name\": ", p->out);
	record_quoted(p->out, name);
	fputs("}}", p->out);
	event_begin(p, 'M', t->vm, tid);
	fprintf(p->out, ", \"name\": \"thread_sort_index\", \"args\": {\"sort_index\": %u}}",
		(t->vcpu * MMUSCOPE_TYPES + order) * LANES + lane);
}

static struct track *track_get(struct perfetto *p, const struct mmuscope_hdr *rec)
{
	uint64_t hash = ((uint64_t)rec->vm << 32 | rec->vcpu << 8 | rec->type) *
		0x9e3779b97f4a7c15ULL;
	size_t at = (hash >> 40) % TRACKS;
	struct track *t;

	for (; (t = &p->tracks[at])->tid; at = (at + 1) % TRACKS)
		if (t->vm == rec->vm && t->vcpu == rec->vcpu && t->type == rec->type)
			return t;
	if (p->nr == TRACKS / 2)
		return NULL;
	*t = (struct track){
		.vm = rec->vm, .vcpu = rec->vcpu, .type = rec->type,
		.tid = FIRST_TID + LANES * p->nr++,
	};
	return t;
}

/*
 * Records come in the order of their ends. A span that begins before the last one of its lane
 * ended would cut it in two: it gets the next lane. Return: LANES where all are taken.
 */
static unsigned int lane_get(struct perfetto *p, struct track *t, uint64_t begin, uint64_t end)
{
	unsigned int lane = 0;

	while (lane < t->lanes && t->end[lane] > begin)
		lane++;
	if (lane == LANES)
		return LANES;
	if (lane == t->lanes) {
		t->lanes++;
		track_name(p, t, lane);
	}
	t->end[lane] = end;
	return lane;
}

/* "fault write not_present fixed": the kind of record, and its words but for the mode. */
static void put_name(FILE *out, const struct mmuscope_hdr *rec)
{
	const struct schema_event *e = schema_event(rec->type);

	fprintf(out, ", \"cat\": \"%s\", \"name\": \"%s", e->name, e->name);
	for (size_t i = 0; i < e->nr; i++) {
		const struct schema_field *f = &e->fields[i];
		const struct schema_word *word = f->words ?
			schema_word(f->words, schema_field_value(f, rec)) : NULL;

		if (word && strcmp(word->name, "unknown") && strcmp(f->name, "mode"))
			fprintf(out, " %s", word->name);
	}
	fputc('"', out);
}

static int name_keep(struct perfetto *p, const struct record_line *line)
{
	char **name = &p->names[line->rec->vm];

	if (*name && (!line->vm || !strcmp(*name, line->vm)))
		return 0;
	free(*name);
	*name = strdup(line->vm ?: "without a VM");
	return *name ? 0 : -ENOMEM;
}

/* Exits per second, from the begin of their interval on. */
static void put_exits(struct perfetto *p, const struct mmuscope_exits *e)
{
	const char *reason = reason_name(e->isa, e->reason);
	uint64_t begin = e->hdr.ts > e->hdr.dur ? e->hdr.ts - e->hdr.dur : 0;
	char number[16];

	snprintf(number, sizeof(number), "%#x", e->reason);
	event_begin(p, 'C', e->hdr.vm, 0);
	fprintf(p->out, ", \"name\": \"vCPU %u exits/s %s\"", e->hdr.vcpu, reason ?: number);
	put_us(p->out, "ts", begin);
	fprintf(p->out, ", \"args\": {\"exits/s\": %.3f}}",
		e->hdr.dur ? e->count * 1e9 / e->hdr.dur : (double)e->count);
}

int perfetto_record(struct perfetto *p, const struct record_line *line)
{
	const struct mmuscope_hdr *rec = line->rec;
	uint64_t begin = rec->ts > rec->dur ? rec->ts - rec->dur : 0;
	unsigned int lane;
	struct track *t;
	int err = name_keep(p, line);

	if (err)
		return err;
	if (rec->type == MMUSCOPE_TYPE_exits) {
		put_exits(p, (const struct mmuscope_exits *)rec);
		return 0;
	}
	t = track_get(p, rec);
	if (!t)
		return -E2BIG;
	/* A point in time can lie in any lane. */
	lane = rec->dur || !t->lanes ? lane_get(p, t, begin, rec->ts) : 0;
	event_begin(p, rec->dur && lane < LANES ? 'X' : 'i', rec->vm,
		    t->tid + (lane < LANES ? lane : 0));
	put_name(p->out, rec);
	put_us(p->out, "ts", begin);
	if (rec->dur && lane < LANES)
		put_us(p->out, "dur", rec->ts - begin);
	else
		fputs(", \"s\": \"t\"", p->out);
	/* Also where there is no lane for the span, so that it is not lost. */
	fprintf(p->out, ", \"args\": {\"dur\": %" PRIu64 ", ", (uint64_t)rec->dur);
	record_json_fields(p->out, line);
	fputs("}}", p->out);
	return 0;
}

void perfetto_end(struct perfetto *p)
{
	for (unsigned int vm = 0; vm < VMS; vm++) {
		if (!p->names[vm])
			continue;
		event_begin(p, 'M', vm, 0);
		fputs(", \"name\": \"process_name\", \"args\": {\"name\": ", p->out);
		record_quoted(p->out, p->names[vm]);
		fputs("}}", p->out);
		free(p->names[vm]);
	}
	fputs("\n]}\n", p->out);
	free(p->names);
	free(p->tracks);
	free(p);
}
