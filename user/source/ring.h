/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reader of one per-CPU ring, in the layout of the kernel's BPF ring buffer
 * (kernel/bpf/ringbuf.c): a consumer page that we write, a producer page and
 * the data, mapped twice in a row so that no record wraps.
 */
#ifndef MMUSCOPE_RING_H
#define MMUSCOPE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct ring - one mapped ring
 * @consumer: position up to which records are done with; the kernel reads it
 * @producer: position up to which the kernel has reserved space
 * @data: first byte of the data area
 * @size: bytes of the data area, a power of two
 * @read: position of the next record to give out
 * @fd: the ring's, owned
 */
struct ring {
	uint64_t *consumer;
	const uint64_t *producer;
	const uint8_t *data;
	size_t size;
	uint64_t read;
	int fd;
};

/**
 * ring_map() - map a ring
 * @r: filled
 * @fd: of the ring; belongs to @r from here on, also on failure
 * @offset: where it begins in @fd
 * @size: bytes of its data area
 *
 * Return: 0 or -errno.
 */
int ring_map(struct ring *r, int fd, off_t offset, size_t size);

void ring_unmap(struct ring *r);

/**
 * ring_next() - the next record, NULL when there is none at the moment
 * @r: the ring
 * @len: set to the bytes of the record
 *
 * The record stays valid until ring_release().
 */
const void *ring_next(struct ring *r, size_t *len);

/* Gives the space of all records that ring_next() returned back to the kernel. */
void ring_release(struct ring *r);

#endif /* MMUSCOPE_RING_H */
