/* SPDX-License-Identifier: GPL-2.0 */
/* Chunks whose content is JSON. */
#ifndef FILE_TEXT_H
#define FILE_TEXT_H

#include <jansson.h>

#include "lib/bytes.h"

/* What a CHUNK_HEAD holds. Return: 0 or -ENOMEM. */
int text_pack(const json_t *json, struct bytes *out);

/* Return: what text_pack() was given, or NULL where @content is something else. */
json_t *text_unpack(const uint8_t *content, size_t len);

/**
 * struct totals - what a CHUNK_MARK and CHUNK_END tell
 * @at: CLOCK_MONOTONIC ns at which they were taken
 * @elapsed_ns: time recorded
 * @records: written since the begin
 * @cost_records: records of the collector
 * @cost_ns: ns in it, 0 if not known
 * @cost_runs: of its probes
 */
struct totals {
	uint64_t at;
	uint64_t elapsed_ns;
	uint64_t records;
	uint64_t cost_records;
	uint64_t cost_ns;
	uint64_t cost_runs;
};

/* Return: 0 or -ENOMEM. */
int totals_pack(const struct totals *t, struct bytes *out);

/* What is not told becomes 0. */
void totals_unpack(struct totals *t, const uint8_t *content, size_t len);

#endif /* FILE_TEXT_H */
