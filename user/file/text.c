// SPDX-License-Identifier: GPL-2.0
#include "file/text.h"

#include <errno.h>

#include "file/format.h"
#include "file/zip.h"

#define LEVEL	19	/* written once */

int text_pack(const json_t *json, struct bytes *out)
{
	char *text = json_dumps(json, JSON_COMPACT);
	int err = text ? zip_pack(out, text, strlen(text), LEVEL) : -ENOMEM;

	free(text);
	return err;
}

json_t *text_unpack(const uint8_t *content, size_t len)
{
	struct bytes text = { 0 };
	json_t *json = NULL;

	if (!zip_unpack(&text, content, len, HEAD_TEXT_MAX))
		json = json_loadb((const char *)text.at, text.len, 0, NULL);
	bytes_free(&text);
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
