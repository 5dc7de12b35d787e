/* SPDX-License-Identifier: GPL-2.0 */
/* Many records for the model at once. */
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "model/model.h"

#define MODEL_BATCH	256

/**
 * batch_feed() - as model_feed() of one record after the other, and quicker
 * @recs: @nr records, at most MODEL_BATCH
 *
 * What the model holds afterwards is the same, but for model_cause().
 *
 * Return: 0 or -ENOMEM.
 */
int batch_feed(struct model *m, const struct mmuscope_hdr *const *recs, unsigned int nr);

#endif /* MODEL_BATCH_H */
