// SPDX-License-Identifier: GPL-2.0
/* Any text as an expression, a condition and a list of fields; what is understood is used. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lib/filter.h"
#include "lib/schema.h"
#include "lib/trigger.h"
#include "model/group.h"

union any {
	struct mmuscope_hdr hdr;
#define EVENT(id, name, size, doc)	struct mmuscope_##name name;
#include <mmuscope/events.def>
};

/* A record that matches must be of a family that could. */
static void use_filter(const struct filter *f)
{
	uint64_t types = filter_types(f);
	union any rec;

	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		for (int fill = 0; fill < 256; fill += 51) {
			memset(&rec, fill, sizeof(rec));
			rec.hdr.type = type;
			rec.hdr.size = schema_event(type)->size;
			if (filter_match(f, &rec.hdr) && !(types >> type & 1))
				abort();
		}
	}
}

static void use_group(struct group *g)
{
	struct model *m = model_new(NULL, NULL);
	union any rec;

	for (unsigned int type = 1; m && type < MMUSCOPE_TYPES; type++) {
		memset(&rec, type, sizeof(rec));
		rec.hdr.type = type;
		rec.hdr.size = schema_event(type)->size;
		if (group_feed(g, m, &rec.hdr))
			abort();
	}
	model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), err[64];
	struct trigger *t;
	struct filter *f;
	struct group *g;

	memcpy(text, data, size);
	text[size] = '\0';
	f = filter_new(text, err, sizeof(err));
	if (f)
		use_filter(f);
	filter_free(f);
	t = trigger_new(text, err, sizeof(err));
	if (t)
		trigger_fired(t);
	trigger_free(t);
	g = group_new(text, err, sizeof(err));
	if (g)
		use_group(g);
	group_free(g);
	free(text);
	return 0;
}
