// SPDX-License-Identifier: GPL-2.0
#include "file/text.h"

#include <errno.h>
#include <zstd.h>

#include "file/format.h"

#define LEVEL	19	/* written once */

int text_pack(const json_t *json, struct bytes *out)
{
	char *text = json_dumps(json, JSON_COMPACT);
	size_t len, bound, packed;
	uint8_t *to;

	if (!text)
		return -ENOMEM;
	len = strlen(text);
	bound = ZSTD_compressBound(len);
	to = bytes_room(out, bound);
	packed = to ? ZSTD_compress(to, bound, text, len, LEVEL) : 0;
	free(text);
	if (!to || ZSTD_isError(packed))
		return -ENOMEM;
	out->len += packed;
	return 0;
}

json_t *text_unpack(const uint8_t *content, size_t len)
{
	unsigned long long size = ZSTD_getFrameContentSize(content, len);
	json_t *json = NULL;
	size_t got;
	char *text;

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
	    size > HEAD_TEXT_MAX)
		return NULL;
	text = malloc(size + 1);
	if (!text)
		return NULL;
	got = ZSTD_decompress(text, size, content, len);
	if (got == size)
		json = json_loadb(text, size, 0, NULL);
	free(text);
	return json;
}

int totals_pack(const struct totals *t, struct bytes *out)
{
	json_t *json = json_pack("{sIsIsIsIsIsI}", "at", (json_int_t)t->at,
				 "elapsed_ns", (json_int_t)t->elapsed_ns,
				 "records", (json_int_t)t->records,
				 "cost_records", (json_int_t)t->cost_records,
				 "cost_ns", (json_int_t)t->cost_ns,
				 "cost_runs", (json_int_t)t->cost_runs);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		return -ENOMEM;
	bytes_put(out, text, strlen(text));
	free(text);
	return out->failed ? -ENOMEM : 0;
}

static uint64_t number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

void totals_unpack(struct totals *t, const uint8_t *content, size_t len)
{
	json_t *json = json_loadb((const char *)content, len, 0, NULL);

	*t = (struct totals){
		.at = number(json, "at"),
		.elapsed_ns = number(json, "elapsed_ns"),
		.records = number(json, "records"),
		.cost_records = number(json, "cost_records"),
		.cost_ns = number(json, "cost_ns"),
		.cost_runs = number(json, "cost_runs"),
	};
	json_decref(json);
}
