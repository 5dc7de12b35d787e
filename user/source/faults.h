/* SPDX-License-Identifier: GPL-2.0 */
/* Reader of the collector's fault rings (struct fault_ring of bpf/shared.h). */
#ifndef MMUSCOPE_FAULTS_H
#define MMUSCOPE_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "shared.h"

/**
 * struct faults - the mapped rings of all CPUs
 * @mem: begin of the mapping
 * @len: its bytes
 * @stride: bytes from one ring to the next
 * @mask: slots of a ring less one
 * @read: by CPU, number of the next fault to give out
 */
struct faults {
	uint8_t *mem;
	size_t len;
	size_t stride;
	uint64_t mask;
	uint64_t *read;
};

/**
 * faults_map() - map the rings
 * @fd: of the map; stays the caller's
 * @cpus: number of rings
 * @slots: of each
 *
 * Return: 0 or -errno; faults_unmap() is right in both cases.
 */
int faults_map(struct faults *f, int fd, unsigned int cpus, size_t slots);
void faults_unmap(struct faults *f);

/* The next fault of @cpu, valid until faults_release(); NULL when there is none at the moment. */
const struct mmuscope_hdr *faults_next(struct faults *f, unsigned int cpu);

/* Return: faults that the collector wrote for @cpu so far. */
uint64_t faults_written(const struct faults *f, unsigned int cpu);

/* Gives the collector back the space of all that faults_next() returned for @cpu. */
void faults_release(struct faults *f, unsigned int cpu);

#endif /* MMUSCOPE_FAULTS_H */
