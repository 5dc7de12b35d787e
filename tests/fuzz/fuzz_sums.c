// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the sums of a model. What they begin with, and what only holds for this
 * version, is put in front of them.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "model/sums.h"

/* Return: sums of a model that has a page history, or of none. */
static struct bytes save(bool history)
{
	const struct mmuscope_fault f = {
		.hdr = { .ts = 1, .vm = 1, .type = MMUSCOPE_TYPE_fault, .size = sizeof(f) },
		.verdict = MMUSCOPE_verdict_fixed, .level = 1,
	};
	struct model *m = model_new(NULL, NULL);
	struct bytes sums = { 0 };

	if (!m || (history && model_feed(m, &f.hdr)) || model_fold(m) || sums_save(m, &sums))
		abort();
	model_free(m);
	return sums;
}

/* How much memory that history takes is the first that differs. */
static struct bytes begin_find(void)
{
	struct bytes begin = save(true), other = save(false);
	size_t len = 0;

	while (begin.at[len] == other.at[len])
		len++;
	begin.len = len;
	bytes_free(&other);
	return begin;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bytes begin;
	struct bytes sums = { 0 }, again = { 0 };
	struct model *m = model_new(NULL, NULL);
	int err;

	if (!begin.at)
		begin = begin_find();
	bytes_put(&sums, begin.at, begin.len);
	bytes_put(&sums, data, size);
	/* Of just that size, so that a byte too many read is found. */
	sums.at = realloc(sums.at, sums.len);
	err = sums_load(m, sums.at, sums.len);
	if (!err && (model_fold(m) || sums_save(m, &again)))
		abort();
	model_free(m);
	bytes_free(&sums);
	bytes_free(&again);
	return 0;
}
