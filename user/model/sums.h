/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that a model has added up, as bytes: what is kept of it need not be counted again.
 *
 * The bytes mean something to the very version that made them and to no other: what a record
 * counts as may have changed. docs/recording-format.md says how they lie in a recording.
 */
#ifndef MODEL_SUMS_H
#define MODEL_SUMS_H

#include "lib/bytes.h"
#include "model/model.h"

/* One more whenever a record counts as something else than before, or the bytes change. */
#define SUMS_VERSION	1

/* No sums are longer, unpacked. */
#define SUMS_BYTES_MAX	(64U << 20)

/* Appends the sums of @m, which model_fold() was called for. Return: 0 or -ENOMEM. */
int sums_save(struct model *m, struct bytes *out);

/**
 * sums_load() - a model as it was when sums_save() was called
 * @m: a new one, which nothing was fed to
 *
 * The model can be looked at but not be fed: what the causes of faults hang on is not kept.
 *
 * Return: 0, -ENOMEM, or -EINVAL where the bytes are of another version or damaged; @m is of no
 * use then but to be freed.
 */
int sums_load(struct model *m, const uint8_t *from, size_t len);

#endif /* MODEL_SUMS_H */
