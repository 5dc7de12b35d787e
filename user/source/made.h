/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records that user space makes of a collector's counters at the end of an
 * interval: exits, and what was lost. A stream of their own.
 */
#ifndef MMUSCOPE_MADE_H
#define MMUSCOPE_MADE_H

#include <stddef.h>
#include <stdint.h>

#include <mmuscope/abi.h>

/**
 * struct made - the stream
 * @rec: records one behind the other
 * @len: bytes of them
 * @room: bytes allocated
 * @read: bytes given out
 * @since: begin of the interval
 * @now: its end
 */
struct made {
	struct mmuscope_hdr *rec;
	size_t len;
	size_t room;
	size_t read;
	uint64_t since;
	uint64_t now;
};

/* Whose exits. */
struct made_vcpu {
	uint16_t vm;
	uint16_t vcpu;
	uint8_t isa;
};

/* The first interval begins at @now, CLOCK_MONOTONIC ns like all times here. */
void made_init(struct made *m, uint64_t now);
void made_free(struct made *m);

/* What is added from here on is of the interval that ends at @now. */
void made_begin(struct made *m, uint64_t now);

/* @index: see exit_index(). Nothing is added for a @count of 0. Return: 0 or -ENOMEM. */
int made_exits(struct made *m, const struct made_vcpu *who, unsigned int index, uint64_t count,
	       uint64_t ns);
int made_lost(struct made *m, uint32_t cpu, uint8_t stage, uint64_t count);

/* As next() and release() of a source. */
int made_next(struct made *m, const struct mmuscope_hdr **rec);
void made_release(struct made *m);

#endif /* MMUSCOPE_MADE_H */
