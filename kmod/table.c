// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/string.h>

void table_init(struct table *t)
{
	raw_spin_lock_init(&t->lock);
	seqcount_init(&t->seq);
	memset(t->bucket, 0, sizeof(t->bucket));
}

static struct table_node **bucket_of(struct table *t, u64 key)
{
	return &t->bucket[hash_64(key, TABLE_BITS)];
}

struct table_node *table_find(struct table *t, u64 key)
{
	struct table_node **bucket = bucket_of(t, key), *node;
	unsigned int seq;

	do {
		seq = raw_read_seqcount_begin(&t->seq);
		node = READ_ONCE(*bucket);
		/* A node that was moved meanwhile leads into another bucket, which ends too. */
		while (node && READ_ONCE(node->key) != key)
			node = READ_ONCE(node->next);
	} while (read_seqcount_retry(&t->seq, seq));
	return node;
}

int table_add(struct table *t, struct table_node *node, u64 key)
{
	struct table_node **bucket = bucket_of(t, key), *other;
	unsigned long flags;
	int err = 0;

	raw_spin_lock_irqsave(&t->lock, flags);
	for (other = *bucket; other && other->key != key; other = other->next)
		;
	if (other) {
		err = -EEXIST;
	} else {
		raw_write_seqcount_begin(&t->seq);
		WRITE_ONCE(node->key, key);
		WRITE_ONCE(node->next, *bucket);
		WRITE_ONCE(*bucket, node);
		raw_write_seqcount_end(&t->seq);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

struct table_node *table_remove(struct table *t, u64 key)
{
	struct table_node **link, *node;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	for (link = bucket_of(t, key); *link && (*link)->key != key; link = &(*link)->next)
		;
	node = *link;
	if (node) {
		raw_write_seqcount_begin(&t->seq);
		WRITE_ONCE(*link, node->next);
		raw_write_seqcount_end(&t->seq);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return node;
}
