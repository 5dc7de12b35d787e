/* SPDX-License-Identifier: GPL-2.0 */
/* What top looks at: all VMs, or what a row was about, by vCPU, cause, memslot ... */
#ifndef CMD_FOCUS_H
#define CMD_FOCUS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/group.h"
#include "view/report.h"

#define FOCUS_PICKS	12
#define FOCUS_PATH	256

/**
 * struct focus_level - what is looked at after some row was opened
 * @by: which of the ways in focus.c records are put together by, -1 where there are VMs
 * @picks: values that records must have
 */
struct focus_level {
	int by;
	size_t picks;
};

/**
 * struct focus - rows that were opened, one in the other, and what is counted of them
 * @picks: the values that the rows stand for; a row of several fields has several
 * @label: of each, for the path: "web1", "vcpu 3"
 * @level: the levels, up to @depth, which is looked at
 * @keys: fields that the user named, a way of their own; NULL for none
 * @counting: what is being counted, NULL where these are VMs
 */
struct focus {
	struct group_pick picks[FOCUS_PICKS];
	char label[FOCUS_PICKS][64];
	struct focus_level level[FOCUS_PICKS + 1];
	size_t depth;
	const char *keys;
	struct group *counting;
};

/* Looks at VMs, or at all records by the fields @keys. Return: 0 or -ENOMEM. */
int focus_init(struct focus *f, const char *keys);

/* Counts @rec, after @m was fed with it, if it is looked at. Return: 0 or -ENOMEM. */
int focus_feed(struct focus *f, const struct model *m, const struct mmuscope_hdr *rec);

/**
 * focus_take() - end an interval
 * @g: what was counted in it, for group_free(); NULL where these are VMs
 *
 * Return: 0 or -ENOMEM.
 */
int focus_take(struct focus *f, struct group **g);

/* Looks into a row: of VMs where @g is NULL, else of @g. Return: 0, -ENOENT or -ENOMEM. */
int focus_open(struct focus *f, const struct model *m, const struct group *g,
	       const struct cell *row);

/* Looks at where the row was opened. Return: 0, -ENOENT where there is nothing above, -ENOMEM. */
int focus_close(struct focus *f);

/* Puts the records of the same row together by something else. Return: 0 or -ENOMEM. */
int focus_turn(struct focus *f, int by);

/* Return: whether these are VMs. */
bool focus_on_vms(const struct focus *f);

/* Writes "web1 > vcpu 3, by cause" to @buf, FOCUS_PATH bytes. */
void focus_path(const struct focus *f, char *buf);

void focus_free(struct focus *f);

#endif /* CMD_FOCUS_H */
