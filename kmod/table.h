/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Things found by a number: an address or a task. Lookups take no lock and are
 * repeated when something changed meanwhile; changes are rare. The nodes live
 * as long as the table. Not for NMIs.
 */
#ifndef MMUSCOPE_TABLE_H
#define MMUSCOPE_TABLE_H

#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define TABLE_BITS	9

struct table_node {
	struct table_node *next;
	u64 key;
};

struct table {
	raw_spinlock_t lock;
	seqcount_t seq;
	struct table_node *bucket[1 << TABLE_BITS];
};

void table_init(struct table *t);

/* The node of that key, or NULL. */
struct table_node *table_find(struct table *t, u64 key);

/* Return: 0, or -EEXIST where the key is there already. */
int table_add(struct table *t, struct table_node *node, u64 key);

/* Return: the node taken out, or NULL where there is none of that key. */
struct table_node *table_remove(struct table *t, u64 key);

#endif /* MMUSCOPE_TABLE_H */
