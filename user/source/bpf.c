// SPDX-License-Identifier: GPL-2.0
/*
 * The live source. Streams: a ring of faults per CPU, a ring of all else per
 * CPU, and the records that user space makes from the collector's counters.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "source/collector.h"
#include "source/faults.h"
#include "source/made.h"
#include "source/ring.h"
#include "source/source.h"

/* The kernel's own accounting of BPF costs time too: it runs for a part of each period only. */
#define COST_PERIOD_NS	1000000000ULL
#define COST_WINDOW_NS	50000000ULL
/* What fewer records than this took says nothing of the next one. */
#define COST_RECORDS	100

struct source_bpf {
	struct source base;
	struct collector *collector;
	unsigned int cpus;
	struct faults faults;
	struct ring *rings;
	int epoll;
	struct vcpu_exits *exits_then;	/* by slot, as of the last tick */
	struct cpu_lost *lost_then;
	uint64_t skipped_then;
	struct made made;
	uint64_t ring_records;		/* read from the kernel's rings */
	int stats_fd;			/* the kernel's accounting is on, else -1 */
	uint64_t window_ts;
	uint64_t window_records;
	uint64_t window_ns;
	uint64_t window_runs;
	uint64_t start_ts;
	uint64_t measured_time;		/* in all windows */
	uint64_t measured_records;
	uint64_t measured_ns;
	uint64_t measured_runs;
};

static struct source_bpf *of(struct source *src)
{
	return (struct source_bpf *)src;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void bpf_close(struct source *src)
{
	struct source_bpf *b = of(src);

	if (b->stats_fd >= 0)
		close(b->stats_fd);
	faults_unmap(&b->faults);
	for (unsigned int i = 0; b->rings && i < b->cpus; i++)
		ring_unmap(&b->rings[i]);
	if (b->epoll >= 0)
		close(b->epoll);
	collector_close(b->collector);
	free(b->rings);
	free(b->exits_then);
	free(b->lost_then);
	made_free(&b->made);
	free(b);
}

static unsigned int bpf_streams(const struct source *src)
{
	return ((const struct source_bpf *)src)->cpus * 2 + 1;
}

static int bpf_next(struct source *src, unsigned int stream, const struct mmuscope_hdr **rec)
{
	struct source_bpf *b = of(src);
	size_t len;

	if (stream == 2 * b->cpus)
		return made_next(&b->made, rec);
	if (stream < b->cpus) {
		*rec = faults_next(&b->faults, stream);
		return !!*rec;
	}
	*rec = ring_next(&b->rings[stream - b->cpus], &len);
	b->ring_records += !!*rec;
	return !!*rec;
}

static void bpf_release(struct source *src, unsigned int stream)
{
	struct source_bpf *b = of(src);

	if (stream < b->cpus)
		faults_release(&b->faults, stream);
	else if (stream < 2 * b->cpus)
		ring_release(&b->rings[stream - b->cpus]);
	else
		made_release(&b->made);
}

/* Records written so far, read or not. How many there are in a ring its bytes tell: on average. */
static uint64_t records_written(const struct source_bpf *b)
{
	uint64_t faults = 0, bytes = 0, read = 0;

	for (unsigned int i = 0; i < b->cpus; i++) {
		faults += faults_written(&b->faults, i);
		bytes += __atomic_load_n(b->rings[i].producer, __ATOMIC_RELAXED);
		read += b->rings[i].read;
	}
	return faults + (read ? (double)bytes * b->ring_records / read : 0);
}

static void window_open(struct source_bpf *b, uint64_t now)
{
	b->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (b->stats_fd < 0)
		return;
	b->window_ts = now;
	b->window_records = records_written(b);
	collector_run_time(b->collector, &b->window_ns, &b->window_runs);
}

static void window_close(struct source_bpf *b, uint64_t now)
{
	uint64_t ns, runs, records = records_written(b);

	collector_run_time(b->collector, &ns, &runs);
	close(b->stats_fd);
	b->stats_fd = -1;
	b->measured_time += now - b->window_ts;
	b->window_ts = now;
	b->measured_ns += ns - b->window_ns;
	b->measured_runs += runs - b->window_runs;
	/* An average of bytes may have changed. */
	b->measured_records += records > b->window_records ? records - b->window_records : 0;
}

static int bpf_wait(struct source *src, int timeout_ms)
{
	struct source_bpf *b = of(src);
	uint64_t now = now_ns();
	struct epoll_event ev;

	if (b->stats_fd >= 0 && now - b->window_ts >= COST_WINDOW_NS)
		window_close(b, now);
	else if (b->stats_fd < 0 && now - b->window_ts >= COST_PERIOD_NS)
		window_open(b, now);
	return epoll_wait(b->epoll, &ev, 1, timeout_ms) < 0 ? -errno : 0;
}

static int exits_add(struct source_bpf *b, unsigned int slot)
{
	const struct vcpu_state *v = &collector_maps(b->collector)->vcpus[slot];
	const struct exit_count *count_now = collector_maps(b->collector)->exits[slot].by;
	struct exit_count *then = b->exits_then[slot].by;
	unsigned int faults = exit_index(fault_reason(v->span.isa, v->span.mode));
	struct made_vcpu who = {
		.vm = v->span.rec.hdr.vm, .vcpu = v->span.rec.hdr.vcpu, .isa = v->span.isa,
	};
	int err = 0;

	for (unsigned int i = 0; who.vm && i < EXIT_INDEX_MAX && !err; i++) {
		struct exit_count seen = count_now[i];

		if (i == faults) {
			seen.count += v->faults.count;
			seen.ns += v->faults.ns;
		}
		err = made_exits(&b->made, &who, i, seen.count - then[i].count,
				 seen.ns - then[i].ns);
		then[i] = seen;
	}
	return err;
}

static int lost_add_cpu(struct source_bpf *b, unsigned int cpu)
{
	const struct cpu_lost *lost = &collector_maps(b->collector)->lost[cpu];
	int err = 0;

	for (unsigned int stage = 0; stage < STAGES_MAX && !err; stage++) {
		uint64_t count = __atomic_load_n(&lost->count[stage], __ATOMIC_RELAXED);

		err = made_lost(&b->made, cpu, stage, count - b->lost_then[cpu].count[stage]);
		b->lost_then[cpu].count[stage] = count;
	}
	return err;
}

static int skipped_add(struct source_bpf *b)
{
	uint64_t skipped = collector_skipped(b->collector);
	int err = made_lost(&b->made, ~0U, MMUSCOPE_stage_probe, skipped - b->skipped_then);

	b->skipped_then = skipped;
	return err;
}

static int bpf_tick(struct source *src)
{
	struct source_bpf *b = of(src);
	int err = 0;

	made_begin(&b->made, now_ns());
	for (unsigned int slot = 0; slot < VCPUS_MAX && !err; slot++)
		err = exits_add(b, slot);
	for (unsigned int cpu = 0; cpu < CPUS_MAX && !err; cpu++)
		err = lost_add_cpu(b, cpu);
	return err ? err : skipped_add(b);
}

static size_t bpf_probes(const struct source *src, const struct probe_status **list)
{
	return collector_probes(((const struct source_bpf *)src)->collector, list);
}

static void bpf_cost(const struct source *src, struct source_cost *cost)
{
	const struct source_bpf *b = (const void *)src;
	double scale;

	memset(cost, 0, sizeof(*cost));
	if (!b->measured_time || b->measured_records < COST_RECORDS)
		return;
	scale = (double)(now_ns() - b->start_ts) / b->measured_time;
	cost->collector_ns = b->measured_ns * scale;
	cost->runs = b->measured_runs * scale;
	cost->records = b->measured_records * scale;
}

static const struct source_ops bpf_ops = {
	.name = "bpf",
	.close = bpf_close,
	.streams = bpf_streams,
	.next = bpf_next,
	.release = bpf_release,
	.wait = bpf_wait,
	.tick = bpf_tick,
	.probes = bpf_probes,
	.cost = bpf_cost,
};

/* The largest CPU that is plugged in, plus one; others never run a probe. */
static unsigned int cpus_present(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/present", "r");
	unsigned int a, b, max = 0;
	int n;

	while (f && (n = fscanf(f, "%u-%u", &a, &b)) > 0) {
		max = n == 2 ? b : a;
		if (fgetc(f) != ',')
			break;
	}
	if (f)
		fclose(f);
	return max + 1 < CPUS_MAX ? max + 1 : CPUS_MAX;
}

static int rings_open(struct source_bpf *b, size_t bytes)
{
	const struct collector_maps *maps = collector_maps(b->collector);
	int outer = bpf_map__fd(maps->rings);
	int err;

	err = faults_map(&b->faults, bpf_map__fd(maps->fault_rings), b->cpus,
			 collector_slots(bytes));
	if (err)
		return err;

	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->epoll < 0)
		return -errno;
	for (uint32_t cpu = 0; cpu < b->cpus; cpu++) {
		/*
		 * Edge-triggered: records that are too young for the merge stay in the
		 * ring, and must not end the next wait at once.
		 */
		struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
		uint32_t id;
		int fd;

		if (bpf_map_lookup_elem(outer, &cpu, &id))
			return -errno;
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			return -errno;
		err = ring_map(&b->rings[cpu], fd, 0, bytes);
		if (!err && epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &ev))
			err = -errno;
		if (err)
			return err;
	}
	return 0;
}

struct source *source_bpf_open(const struct source_config *cfg, char *msg, size_t len)
{
	struct source_bpf *b = calloc(1, sizeof(*b));
	int err = -ENOMEM;

	if (!b)
		goto nomem;
	b->base.ops = &bpf_ops;
	b->epoll = -1;
	b->stats_fd = -1;
	b->cpus = cpus_present();
	b->rings = calloc(b->cpus, sizeof(*b->rings));
	b->exits_then = calloc(VCPUS_MAX, sizeof(*b->exits_then));
	b->lost_then = calloc(CPUS_MAX, sizeof(*b->lost_then));
	if (!b->rings || !b->exits_then || !b->lost_then)
		goto nomem;
	b->collector = collector_open(cfg, b->cpus, msg, len);
	if (!b->collector) {
		err = -errno;
		goto fail;
	}
	err = rings_open(b, collector_ring_bytes(cfg->ring_bytes, b->cpus));
	if (err) {
		snprintf(msg, len, "cannot map the rings: %s", strerror(-err));
		goto fail;
	}
	b->start_ts = now_ns();
	made_init(&b->made, b->start_ts);
	collector_find_running(b->collector);
	window_open(b, b->start_ts);
	return &b->base;
nomem:
	snprintf(msg, len, "out of memory");
fail:
	if (b)
		bpf_close(&b->base);
	errno = -err;
	return NULL;
}
