// SPDX-License-Identifier: GPL-2.0
#include "source/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int faults_map(struct faults *f, int fd, unsigned int cpus, size_t slots)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *mem;

	f->mask = slots - 1;
	f->stride = (sizeof(struct fault_ring) + slots * sizeof(struct mmuscope_fault) + 7) & ~7UL;
	f->len = (f->stride * cpus + page - 1) & ~(page - 1);
	f->read = calloc(cpus, sizeof(*f->read));
	if (!f->read)
		return -ENOMEM;
	mem = mmap(NULL, f->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	f->mem = mem;
	return 0;
}

void faults_unmap(struct faults *f)
{
	if (f->mem)
		munmap(f->mem, f->len);
	free(f->read);
	f->mem = NULL;
	f->read = NULL;
}

static struct fault_ring *ring_of(const struct faults *f, unsigned int cpu)
{
	return (struct fault_ring *)(f->mem + cpu * f->stride);
}

const struct mmuscope_hdr *faults_next(struct faults *f, unsigned int cpu)
{
	struct fault_ring *ring = ring_of(f, cpu);
	struct mmuscope_fault *fault;

	if (f->read[cpu] == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE))
		return NULL;
	fault = &ring->slot[f->read[cpu]++ & f->mask];
	span_unpack(fault);
	return &fault->hdr;
}

uint64_t faults_written(const struct faults *f, unsigned int cpu)
{
	return __atomic_load_n(&ring_of(f, cpu)->head, __ATOMIC_RELAXED);
}

void faults_release(struct faults *f, unsigned int cpu)
{
	__atomic_store_n(&ring_of(f, cpu)->tail, f->read[cpu], __ATOMIC_RELEASE);
}
