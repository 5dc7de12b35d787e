/* SPDX-License-Identifier: GPL-2.0 */
/* The eBPF objects: configured for this kernel, loaded and attached. */
#ifndef MMUSCOPE_COLLECTOR_H
#define MMUSCOPE_COLLECTOR_H

#include <bpf/libbpf.h>

#include "shared.h"
#include "source/probe.h"
#include "source/source.h"

/**
 * struct collector_maps - what user space touches of the loaded objects
 * @rings: the array of rings
 * @fault_rings: struct fault_ring by CPU
 * @vcpus: by slot, VCPUS_MAX of them, mapped
 * @exits: by slot, mapped
 * @lost: struct cpu_lost by CPU, mapped
 */
struct collector_maps {
	struct bpf_map *rings;
	struct bpf_map *fault_rings;
	const struct vcpu_state *vcpus;
	const struct vcpu_exits *exits;
	const struct cpu_lost *lost;
};

struct collector;

/**
 * collector_open() - load and attach
 * @cfg: what to collect
 * @cpus: number of CPUs that get a ring
 * @err: buffer for one sentence on failure
 * @errlen: its size
 *
 * The rings are created, but not the entries of the array: collector_start() wants them there.
 *
 * Return: the collector, or NULL with @err filled and errno set.
 */
struct collector *collector_open(const struct source_config *cfg, unsigned int cpus,
				 char *err, size_t errlen);

/* Detaches and unloads everything. */
void collector_close(struct collector *c);

/* Has VMs found that run already; their records come out of the rings. */
void collector_find_running(struct collector *c);

const struct collector_maps *collector_maps(const struct collector *c);
size_t collector_probes(const struct collector *c, const struct probe_status **list);

/* Sums what the kernel counted for the programs while its statistics were on. */
void collector_run_time(const struct collector *c, uint64_t *ns, uint64_t *runs);

/*
 * Times the kernel skipped a program because the same one was under way on its CPU: it had been
 * preempted. 0 where the kernel does not count them.
 */
uint64_t collector_skipped(const struct collector *c);

/**
 * collector_slots() - faults that fit into a fault ring
 * @ring_bytes: size of the CPU's other ring; the two are alike
 */
size_t collector_slots(size_t ring_bytes);

/**
 * collector_ring_bytes() - size of a ring
 * @wanted: by the user, 0 for the default
 * @cpus: number of rings
 */
size_t collector_ring_bytes(size_t wanted, unsigned int cpus);

#endif /* MMUSCOPE_COLLECTOR_H */
