/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where records come from. Nothing above this interface knows whether a
 * collector, a recording or a generator is behind it.
 *
 * A source has one or more streams (one per CPU for a collector). Within a
 * stream records come in the order in which they were written, so their time
 * stamps rise but for small inversions; the merge puts streams together.
 */
#ifndef MMUSCOPE_SOURCE_H
#define MMUSCOPE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <mmuscope/abi.h>

/* Which collector; auto: eBPF where nothing that is wanted is missing, else the kernel module. */
enum collector_kind { COLLECTOR_AUTO, COLLECTOR_BPF, COLLECTOR_KMOD };

/**
 * struct source_config - what to collect; a source ignores what it cannot have
 * @pid: only VMs owned by this process, 0 for every VM
 * @root: only VMs whose owner is this process or descends from it, 0 for every VM
 * @ring_bytes: size of one ring, a power of two, 0 for the default
 * @collector: which, for source_live_open()
 */
struct source_config {
	pid_t pid;
	pid_t root;
	size_t ring_bytes;
	enum collector_kind collector;
};

/* How much of mmuscope hangs on a probe. */
enum probe_need { PROBE_OPTIONAL, PROBE_WANTED, PROBE_REQUIRED };

enum probe_state { PROBE_MISSING, PROBE_FALLBACK, PROBE_FOUND };

/**
 * struct probe_status - one hook of a collector on this kernel
 * @name: what is hooked, in the kernel's words: "kvm_exit"
 * @records: the record families that it feeds, "fault exits"
 * @need: what its absence means for the tool
 * @state: whether it was found, or stands on its second choice
 * @how: the way taken, "tp_btf", "fexit", "kprobe"; "" when missing
 * @why: for a missing one or a fallback: one clause that says why
 * @lost: what the reader of the results does without: while it is missing, or because
 *	the second choice carries less; "" where nothing is lost
 */
struct probe_status {
	const char *name;
	const char *records;
	enum probe_need need;
	enum probe_state state;
	const char *how;
	const char *why;
	const char *lost;
};

/**
 * struct source_cost - what collecting costs, so far
 * @collector_ns: ns spent in the collector's probes, 0 if that is not known
 * @records: records that were written meanwhile
 * @runs: executions of the probes, 0 if the kernel does not tell
 */
struct source_cost {
	uint64_t records;
	uint64_t collector_ns;
	uint64_t runs;
};

struct source;

/**
 * struct source_ops - what a source can do; all members but the last two are mandatory
 * @name: "bpf", "synth"
 * @close: stops collecting and frees everything; no probe stays behind
 * @streams: number of streams, constant over the life of the source
 * @next: sets @rec to the next record of @stream; returns 1, 0 when there is none
 *	at the moment, -ENODATA when there never will be one again, or another -errno. The record
 *	belongs to the source, is 8-byte aligned and stays valid until release() of the stream.
 * @release: the records of @stream that next() gave are done with
 * @wait: sleeps until a stream may have records or @timeout_ms passed; 0, or -EINTR.
 * @tick: lets the source add what it has to count itself (exits, lost) as records that the
 *	following next() calls give; called at the end of an interval and before close.
 *	NULL: nothing to add.
 * @probes: the hooks, for doctor and the closing lines; owned by the source. NULL: has none.
 * @cost: what was spent so far. NULL: not known.
 */
struct source_ops {
	const char *name;
	void (*close)(struct source *src);
	unsigned int (*streams)(const struct source *src);
	int (*next)(struct source *src, unsigned int stream, const struct mmuscope_hdr **rec);
	void (*release)(struct source *src, unsigned int stream);
	int (*wait)(struct source *src, int timeout_ms);
	int (*tick)(struct source *src);
	size_t (*probes)(const struct source *src, const struct probe_status **list);
	void (*cost)(const struct source *src, struct source_cost *cost);
};

/* First member of every source's own struct. */
struct source {
	const struct source_ops *ops;
};

/**
 * source_bpf_open() - attach the eBPF collector
 * @cfg: what to collect
 * @err: buffer for one sentence that says what is wrong and what to do
 * @errlen: its size
 *
 * Return: the source, or NULL with @err filled and errno set (EPERM without privilege,
 * ENODEV where kvm is not loaded, ENOTSUP where the kernel lacks what is required).
 */
struct source *source_bpf_open(const struct source_config *cfg, char *err, size_t errlen);

/**
 * source_kmod_open() - start the kernel module's collector; as source_bpf_open()
 *
 * Also: ENOENT where the module is not loaded, EBUSY where another tool has it, EPROTO where it is
 * not of this version.
 */
struct source *source_kmod_open(const struct source_config *cfg, char *err, size_t errlen);

/**
 * source_live_open() - open the collector that @cfg names, or the one to prefer here
 * @err: as source_bpf_open(); also filled on success, where there is something to say about
 *	which was taken; "" otherwise
 */
struct source *source_live_open(const struct source_config *cfg, char *err, size_t errlen);

/**
 * struct synth_config - a made-up, deterministic load for tests and benchmarks
 * @streams: CPUs, at least 1
 * @vms: VMs, at least 1, each with @vcpus vCPUs
 * @vcpus: vCPUs per VM
 * @records: records in all
 * @seed: same seed, same records
 * @lost: records that are said to be lost, in one record of that kind; 0 for none
 */
struct synth_config {
	unsigned int streams;
	unsigned int vms;
	unsigned int vcpus;
	uint64_t records;
	uint64_t seed;
	uint64_t lost;
};

/**
 * source_synth_open() - open the generator
 *
 * Return: the source, or NULL when memory is short.
 */
struct source *source_synth_open(const struct synth_config *cfg);

#endif /* MMUSCOPE_SOURCE_H */
