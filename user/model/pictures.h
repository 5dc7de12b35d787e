/* SPDX-License-Identifier: GPL-2.0 */
/* What pictures of each VM are made of, which is not in its sums: when, and where. */
#ifndef MODEL_PICTURES_H
#define MODEL_PICTURES_H

#include "model/heat.h"
#include "model/timeline.h"

struct vm_pictures {
	const struct vm *vm;
	struct timeline timeline;
	struct heat heat;
};

struct pictures;

/**
 * pictures_new() - begin with nothing
 * @begin: CLOCK_MONOTONIC ns
 * @by: what the columns of heat maps are, NULL for time; must outlive the pictures
 *
 * Return: the pictures, or NULL when memory is short.
 */
struct pictures *pictures_new(uint64_t begin, const struct group *by);

void pictures_free(struct pictures *p);

/* Takes @rec into account, which @m was fed with. Return: 0 or -ENOMEM. */
int pictures_feed(struct pictures *p, const struct model *m, const struct mmuscope_hdr *rec);

/* Return: those of @vm, or NULL where nothing was seen of it. */
const struct vm_pictures *pictures_of(const struct pictures *p, const struct vm *vm);

#endif /* MODEL_PICTURES_H */
