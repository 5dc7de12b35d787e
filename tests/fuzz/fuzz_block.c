// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a block, by this version's schema: a number of records, then the content. */
#include <stdlib.h>
#include <string.h>

#include "file/block.h"
#include "fuzz.h"

static struct block_reader *reader_get(void)
{
	static struct block_reader *reader;
	json_t *schema;
	char err[128];

	if (reader)
		return reader;
	schema = layout_describe();
	/* Stays until the end. */
	reader = block_reader_new(layout_parse(schema, err, sizeof(err)));
	json_decref(schema);
	return reader;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct block_reader *r = reader_get();
	const struct mmuscope_hdr *rec;
	struct chunk c = { 0 };
	uint32_t nr = 0;

	if (size < sizeof(c.records))
		return 0;
	memcpy(&c.records, data, sizeof(c.records));
	c.stored = size - sizeof(c.records);
	if (block_reader_unpack(r, &c, data + sizeof(c.records)))
		return 0;
	while ((rec = block_reader_next(r))) {
		if (!schema_event(rec->type) || rec->size != schema_event(rec->type)->size)
			abort();
		nr++;
	}
	if (nr != c.records)
		abort();
	return 0;
}
