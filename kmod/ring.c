// SPDX-License-Identifier: GPL-2.0
/*
 * One ring per CPU, in the layout of the kernel's BPF ring buffer: a page with
 * the reader's position, a page with the writer's, and the data, mapped twice in a
 * row so that no record wraps.
 *
 * Writers on a CPU nest (a task, a soft interrupt, an interrupt) but never run
 * side by side. Each takes its room by a local compare-and-exchange. The outermost
 * one tells the reader how far it may read, when all inside it are done: what the
 * reader can see is complete.
 *
 * The writer's own position is in memory that user space does not see. The reader's
 * is in a page that user space writes: it is only used to work out how much room is
 * left, and the worst that a wrong one does is that records are overwritten unread.
 */
#include "ring.h"

#include <linux/irq_work.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <asm/local.h>

#include "mmuscope.h"
#include "session.h"

#define META_PAGES	2
#define HEADER		sizeof(u64)	/* u32 length, u32 zero */

/**
 * struct ring - of one CPU
 * @head: position of the next record, in bytes since the begin
 * @nest: writers under way
 * @records: written
 * @data: what is mapped twice; NULL: the CPU has no ring
 * @consumer: how far user space has read, if it is honest
 * @producer: how far it may read
 * @size: bytes of @data, a power of two
 * @unwoken: bytes since the reader was last woken
 * @work: wakes it
 * @pages: all pages, the data's once
 * @npages: how many
 * @map: begin of the kernel's mapping
 */
struct ring {
	local_t head;
	local_t nest;
	local_t records;
	u8 *data;
	u64 *consumer;
	u64 *producer;
	u32 size;
	u32 unwoken;
	struct irq_work work;
	struct page **pages;
	unsigned int npages;
	void *map;
};

static DEFINE_PER_CPU(struct ring, rings);
static DECLARE_WAIT_QUEUE_HEAD(readers);

void *ring_reserve(u32 size)
{
	struct ring *r = this_cpu_ptr(&rings);
	long head, was;
	u64 used;
	u8 *at;

	if (unlikely(!r->data))
		goto lost;
	local_inc(&r->nest);
	head = local_read(&r->head);
	for (;;) {
		used = head - READ_ONCE(*r->consumer);
		if (unlikely(used > r->size || r->size - used < size + HEADER))
			goto full;
		was = local_cmpxchg(&r->head, head, head + size + HEADER);
		if (likely(was == head))
			break;
		head = was;
	}
	local_inc(&r->records);
	r->unwoken += size;
	at = r->data + (head & (r->size - 1));
	*(u64 *)at = size;
	return at + HEADER;
full:
	local_dec(&r->nest);
lost:
	count_lost(MMUSCOPE_stage_ring);
	return NULL;
}

void ring_commit(bool wake)
{
	struct ring *r = this_cpu_ptr(&rings);
	long head;

	for (;;) {
		head = local_read(&r->head);
		barrier();
		/* An inner writer leaves it to the outermost one. */
		if (local_read(&r->nest) == 1)
			/* The record is whole before the reader's limit says so. */
			smp_store_release(r->producer, head);
		barrier();
		if (!local_dec_and_test(&r->nest))
			break;
		/* Written by an interrupt before the line above, and left to us? */
		if (likely(local_read(&r->head) == head))
			break;
		local_inc(&r->nest);
	}
	if (unlikely(wake || r->unwoken > r->size / 4)) {
		r->unwoken = 0;
		irq_work_queue(&r->work);
	}
}

static void readers_wake(struct irq_work *work)
{
	wake_up_interruptible_poll(&readers, EPOLLIN | EPOLLRDNORM);
}

static void ring_free(struct ring *r)
{
	unsigned int i;

	if (!r->pages)
		return;
	irq_work_sync(&r->work);
	if (r->map)
		vunmap(r->map);
	for (i = 0; i < r->npages && r->pages[i]; i++)
		__free_page(r->pages[i]);
	kvfree(r->pages);
	memset(r, 0, sizeof(*r));
}

/* The data's pages come a second time behind themselves. */
static int ring_map(struct ring *r, unsigned int ndata)
{
	unsigned int i;

	for (i = 0; i < ndata; i++)
		r->pages[META_PAGES + ndata + i] = r->pages[META_PAGES + i];
	r->map = vmap(r->pages, META_PAGES + 2 * ndata, VM_MAP | VM_USERMAP, PAGE_KERNEL);
	if (!r->map)
		return -ENOMEM;
	r->consumer = r->map;
	r->producer = r->map + PAGE_SIZE;
	r->data = r->map + META_PAGES * PAGE_SIZE;
	return 0;
}

static int ring_alloc(struct ring *r, u32 bytes, int node)
{
	unsigned int ndata = bytes >> PAGE_SHIFT, i;

	memset(r, 0, sizeof(*r));
	init_irq_work(&r->work, readers_wake);
	r->size = bytes;
	r->npages = META_PAGES + ndata;
	r->pages = kvcalloc(META_PAGES + 2 * ndata, sizeof(*r->pages), GFP_KERNEL);
	if (!r->pages)
		return -ENOMEM;
	for (i = 0; i < r->npages; i++) {
		r->pages[i] = alloc_pages_node(node, GFP_KERNEL_ACCOUNT | __GFP_ZERO |
					       __GFP_RETRY_MAYFAIL | __GFP_NOWARN, 0);
		if (!r->pages[i])
			return -ENOMEM;
	}
	return ring_map(r, ndata);
}

int rings_alloc(u32 bytes)
{
	unsigned int cpu;
	int err;

	for_each_present_cpu(cpu) {
		err = ring_alloc(per_cpu_ptr(&rings, cpu), bytes, cpu_to_node(cpu));
		if (err) {
			rings_free();
			return err;
		}
	}
	return 0;
}

void rings_free(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		ring_free(per_cpu_ptr(&rings, cpu));
}

int ring_mmap(struct vm_area_struct *vma, unsigned int cpu, unsigned long offset)
{
	unsigned long pages = vma_pages(vma);
	struct ring *r;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	r = per_cpu_ptr(&rings, cpu);
	if (!r->map)
		return -ENXIO;
	if (vma->vm_flags & VM_WRITE) {
		if (offset || pages != 1)
			return -EPERM;
	} else {
		compat_vm_flags_clear(vma, VM_MAYWRITE);
	}
	return remap_vmalloc_range(vma, r->map, offset);
}

static bool ring_waiting(const struct ring *r)
{
	return r->data && READ_ONCE(*r->consumer) != READ_ONCE(*r->producer);
}

__poll_t rings_poll(struct file *file, poll_table *wait)
{
	unsigned int cpu;

	poll_wait(file, &readers, wait);
	for_each_present_cpu(cpu) {
		if (ring_waiting(per_cpu_ptr(&rings, cpu)))
			return EPOLLIN | EPOLLRDNORM;
	}
	return 0;
}

u64 rings_records(void)
{
	unsigned int cpu;
	u64 n = 0;

	for_each_possible_cpu(cpu)
		n += local_read(&per_cpu_ptr(&rings, cpu)->records);
	return n;
}
