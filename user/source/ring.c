// SPDX-License-Identifier: GPL-2.0
#include "source/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_map(struct ring *r, int fd, off_t offset, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *mem;
	int err;

	mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	r->fd = fd;
	if (mem == MAP_FAILED)
		goto fail;
	r->consumer = mem;
	mem = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, offset + page);
	if (mem == MAP_FAILED)
		goto fail_consumer;
	r->producer = mem;
	r->data = (const uint8_t *)mem + page;
	r->size = size;
	r->read = *r->consumer;
	return 0;
fail_consumer:
	err = -errno;
	munmap(r->consumer, page);
	r->consumer = NULL;
	close(fd);
	return err;
fail:
	err = -errno;
	close(fd);
	return err;
}

void ring_unmap(struct ring *r)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!r->consumer)
		return;
	munmap(r->consumer, page);
	munmap((void *)r->producer, page + 2 * r->size);
	r->consumer = NULL;
	close(r->fd);
}

const void *ring_next(struct ring *r, size_t *len)
{
	uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	while (r->read < end) {
		const uint8_t *at = r->data + (r->read & (r->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		uint32_t bytes = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		/* Reserved and not yet filled: what comes behind must wait too. */
		if (word & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		r->read += (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*len = bytes;
		return at + BPF_RINGBUF_HDR_SZ;
	}
	return NULL;
}

void ring_release(struct ring *r)
{
	/*
	 * No barrier against a lost wake-up is needed behind it: the consumer
	 * comes back by the clock whether it was woken or not.
	 */
	__atomic_store_n(r->consumer, r->read, __ATOMIC_RELEASE);
}
