// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel module as a source. Streams: a ring per CPU, and the records that
 * user space makes of the module's counters.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <mmuscope/kmod.h>
#include <mmuscope/span.h>

#include "source/collector.h"
#include "source/hypervisor.h"
#include "source/made.h"
#include "source/probe.h"
#include "source/ring.h"
#include "source/site.h"
#include "source/source.h"

#define HOLDER		"/sys/class/misc/mmuscope/holder"
#define HOOKS_MAX	256

/*
 * Faults that were completed: the ring cannot be written to. What was not released fits into a
 * ring, and so it does here; memory that is never used is never there.
 */
struct unpacked {
	struct mmuscope_fault *fault;
	size_t count;
};

struct source_kmod {
	struct source base;
	int fd;
	int epoll;
	unsigned int cpus;
	struct ring *rings;
	struct unpacked *unpacked;	/* by CPU */
	const struct mmuscope_kmod_vcpu *exits;
	const struct mmuscope_kmod_lost *lost;
	/* By slot, as of the last tick. */
	struct mmuscope_kmod_exit (*exits_then)[EXIT_INDEX_MAX];
	struct mmuscope_kmod_lost *lost_then;
	uint64_t missed_then;
	struct made made;
	uint64_t records;
	struct kernel *kernel;
	struct probe_set probes;
	struct mmuscope_kmod_hook *hooks;
	size_t nhooks;
	struct mmuscope_kmod_start config;
	struct cause_site sites[CAUSE_SITES];
};

static struct source_kmod *of(struct source *src)
{
	return (struct source_kmod *)src;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void kmod_close(struct source *src)
{
	struct source_kmod *k = of(src);

	for (unsigned int i = 0; k->rings && i < k->cpus; i++)
		ring_unmap(&k->rings[i]);
	for (unsigned int i = 0; k->unpacked && i < k->cpus; i++)
		free(k->unpacked[i].fault);
	if (k->exits)
		munmap((void *)k->exits, MMUSCOPE_KMOD_VCPUS * sizeof(*k->exits));
	if (k->lost)
		munmap((void *)k->lost, k->cpus * sizeof(*k->lost));
	if (k->epoll >= 0)
		close(k->epoll);
	/* The module stops and frees everything with the last use of the file. */
	if (k->fd >= 0)
		close(k->fd);
	probe_set_free(&k->probes);
	kernel_close(k->kernel);
	made_free(&k->made);
	free(k->hooks);
	free(k->exits_then);
	free(k->lost_then);
	free(k->unpacked);
	free(k->rings);
	free(k);
}

static unsigned int kmod_streams(const struct source *src)
{
	return ((const struct source_kmod *)src)->cpus + 1;
}

/* The second half of a record's header, where the ring is the module's. */
static bool is_packed(const struct mmuscope_hdr *rec)
{
	return ((const uint32_t *)rec)[-1] & MMUSCOPE_KMOD_PACKED;
}

static const struct mmuscope_hdr *unpack(struct unpacked *u, const struct mmuscope_hdr *rec)
{
	struct mmuscope_fault *fault = &u->fault[u->count++];

	memcpy(fault, rec, sizeof(*fault));
	span_unpack(fault);
	return &fault->hdr;
}

static int kmod_next(struct source *src, unsigned int stream, const struct mmuscope_hdr **rec)
{
	struct source_kmod *k = of(src);
	size_t len;

	if (stream == k->cpus)
		return made_next(&k->made, rec);
	/* A CPU that is not there has no ring. */
	*rec = k->rings[stream].consumer ? ring_next(&k->rings[stream], &len) : NULL;
	if (!*rec)
		return 0;
	if (is_packed(*rec))
		*rec = unpack(&k->unpacked[stream], *rec);
	k->records++;
	return 1;
}

static void kmod_release(struct source *src, unsigned int stream)
{
	struct source_kmod *k = of(src);

	if (stream == k->cpus) {
		made_release(&k->made);
	} else if (k->rings[stream].consumer) {
		ring_release(&k->rings[stream]);
		k->unpacked[stream].count = 0;
	}
}

/*
 * poll() would return at once for records that are too young for the merge and
 * stay in their ring; epoll tells of new ones only.
 */
static int kmod_wait(struct source *src, int timeout_ms)
{
	struct epoll_event ev;

	return epoll_wait(of(src)->epoll, &ev, 1, timeout_ms) < 0 ? -errno : 0;
}

static int exits_add(struct source_kmod *k, unsigned int slot)
{
	const struct mmuscope_kmod_vcpu *v = &k->exits[slot];
	struct made_vcpu who = { .vm = v->vm, .vcpu = v->vcpu, .isa = v->isa };
	int err = 0;

	for (unsigned int i = 0; who.vm && i < EXIT_INDEX_MAX && !err; i++) {
		struct mmuscope_kmod_exit *then = &k->exits_then[slot][i], seen = v->by[i];

		err = made_exits(&k->made, &who, i, seen.count - then->count,
				 seen.ns - then->ns);
		*then = seen;
	}
	return err;
}

static int lost_add(struct source_kmod *k, unsigned int cpu)
{
	int err = 0;

	for (unsigned int stage = 0; stage < MMUSCOPE_KMOD_STAGES && !err; stage++) {
		uint64_t count = __atomic_load_n(&k->lost[cpu].count[stage], __ATOMIC_RELAXED);

		err = made_lost(&k->made, cpu, stage, count - k->lost_then[cpu].count[stage]);
		k->lost_then[cpu].count[stage] = count;
	}
	return err;
}

static int missed_add(struct source_kmod *k)
{
	struct mmuscope_kmod_stats stats;
	int err;

	if (ioctl(k->fd, MMUSCOPE_KMOD_STATS, &stats))
		return -errno;
	err = made_lost(&k->made, ~0U, MMUSCOPE_stage_probe, stats.missed - k->missed_then);
	k->missed_then = stats.missed;
	return err;
}

static int kmod_tick(struct source *src)
{
	struct source_kmod *k = of(src);
	int err = 0;

	made_begin(&k->made, now_ns());
	for (unsigned int slot = 0; slot < MMUSCOPE_KMOD_VCPUS && !err; slot++)
		err = exits_add(k, slot);
	for (unsigned int cpu = 0; cpu < k->cpus && !err; cpu++)
		err = lost_add(k, cpu);
	return err ? err : missed_add(k);
}

static size_t kmod_probes(const struct source *src, const struct probe_status **list)
{
	const struct source_kmod *k = (const void *)src;

	*list = k->probes.status;
	return k->probes.count;
}

static void kmod_cost(const struct source *src, struct source_cost *cost)
{
	memset(cost, 0, sizeof(*cost));
	cost->records = ((const struct source_kmod *)src)->records;
}

static const struct source_ops kmod_ops = {
	.name = "kmod",
	.close = kmod_close,
	.streams = kmod_streams,
	.next = kmod_next,
	.release = kmod_release,
	.wait = kmod_wait,
	.tick = kmod_tick,
	.probes = kmod_probes,
	.cost = kmod_cost,
};

/* ------------------------------------------------------------------ hooks */

static int hooks_read(struct source_kmod *k)
{
	k->hooks = calloc(HOOKS_MAX, sizeof(*k->hooks));
	if (!k->hooks)
		return -ENOMEM;
	for (k->nhooks = 0; k->nhooks < HOOKS_MAX; k->nhooks++) {
		struct mmuscope_kmod_hook *hook = &k->hooks[k->nhooks];

		hook->index = k->nhooks;
		if (ioctl(k->fd, MMUSCOPE_KMOD_HOOK, hook))
			return errno == ENOENT ? 0 : -errno;
	}
	return 0;
}

/* The hook of that name that is attached, else any of them, else NULL. */
static const struct mmuscope_kmod_hook *hook_find(const struct source_kmod *k, const char *name)
{
	const struct mmuscope_kmod_hook *found = NULL;

	for (size_t i = 0; i < k->nhooks; i++) {
		const struct mmuscope_kmod_hook *hook = &k->hooks[i];

		if (strcmp(hook->name, name) || hook->err == ECANCELED)
			continue;
		if (!hook->err)
			return hook;
		found = hook;
	}
	return found;
}

/* What became of a probe of the table, by the hooks of any of its ways. */
static const struct mmuscope_kmod_hook *probe_hook(const struct source_kmod *k,
						   const struct probe *probe)
{
	const struct mmuscope_kmod_hook *found = NULL;

	for (size_t i = 0; i < PROBE_WAYS && probe->way[i].target; i++) {
		const struct mmuscope_kmod_hook *hook = hook_find(k, probe->way[i].target);

		if (hook && !hook->err)
			return hook;
		if (hook && !found)
			found = hook;
	}
	return found;
}

static const char *hook_why(const struct mmuscope_kmod_hook *hook)
{
	switch (hook->err) {
	case ENOENT:
		return hook->how ? "the kernel has no such function" :
					"the kernel has no such tracepoint";
	case EINVAL:
		return hook->how ? "the function cannot be hooked" :
					"the tracepoint has other arguments";
	case ENOSYS:
		return "the kernel module cannot trace this kind of KVM";
	case EOPNOTSUPP:
		return "the kernel does not tell the tracepoint's arguments";
	}
	return strerror(hook->err);
}

/* What stays empty because no BTF tells where it is; NULL where nothing is missing. */
static const char *fields_missing(const struct source_kmod *k, const char *name,
				  const struct mmuscope_kmod_hook *hook)
{
	const struct mmuscope_kmod_offsets *o = &k->config.offsets;
	int32_t reason = k->config.isa == MMUSCOPE_isa_svm ? o->svm_vmcb : o->vmx_exit_reason;

	if ((o->page_gfn < 0 || o->page_role < 0) &&
	    (!strcmp(name, "kvm_mmu_get_page") || !strcmp(name, "kvm_mmu_prepare_zap_page") ||
	     !strcmp(name, "kvm_mmu_unsync_page")))
		return "page-table pages have no frame and no level";
	/* Of three arguments the reason is one. */
	if (!strcmp(name, "kvm_exit") && hook && hook->args < 3 && reason < 0)
		return "exits may have no reason";
	return NULL;
}

/* The rows that the module has a hook for; the others are not for this host, or not needed. */
static void probes_report(struct source_kmod *k)
{
	static const char *const how[] = {
		[MMUSCOPE_KMOD_TRACEPOINT] = "tp", [MMUSCOPE_KMOD_KPROBE] = "kprobe",
		[MMUSCOPE_KMOD_DETOUR] = "detour",
	};
	static const struct mmuscope_kmod_hook unknown = { .err = ENOSYS };
	size_t n = 0;

	for (size_t i = 0; i < k->probes.count; i++) {
		const struct probe *probe = k->probes.choice[i].probe;
		const struct mmuscope_kmod_hook *hook = probe_hook(k, probe);
		bool sites = probe->way[0].how == HOW_SITES;
		bool iterator = probe->way[0].how == HOW_ITER;
		struct probe_status *s = &k->probes.status[n];

		/* Required, and the module has never heard of it: KVM in software, say. */
		if (!hook && probe->need == PROBE_REQUIRED)
			hook = &unknown;
		if (!hook && !iterator && !sites)
			continue;
		n++;
		s->name = probe->name;
		s->records = probe->records;
		s->need = probe->need;
		if (sites) {
			probe_report_sites(&k->probes.choice[i], s, k->sites);
			continue;
		}
		s->state = iterator || !hook->err ? PROBE_FOUND : PROBE_MISSING;
		s->how = iterator ? "scan" : hook->err ? "" : how[hook->how];
		s->why = s->state == PROBE_MISSING ? hook_why(hook) : "";
		s->lost = s->state == PROBE_MISSING ? probe->lost : "";
		if (s->state == PROBE_FOUND && fields_missing(k, s->name, hook)) {
			s->state = PROBE_FALLBACK;
			s->why = "no BTF for kvm";
			s->lost = fields_missing(k, s->name, hook);
		}
	}
	k->probes.count = n;
}

static const struct probe_status *required_missing(const struct source_kmod *k)
{
	for (size_t i = 0; i < k->probes.count; i++) {
		if (k->probes.status[i].need == PROBE_REQUIRED &&
		    k->probes.status[i].state == PROBE_MISSING)
			return &k->probes.status[i];
	}
	return NULL;
}

/* ------------------------------------------------------------------- open */

static int32_t member(const struct source_kmod *k, const char *type, const char *name)
{
	int at = kernel_member(k->kernel, type, name);

	return at < 0 ? -1 : at;
}

static void config_fill(struct source_kmod *k, const struct source_config *want)
{
	struct mmuscope_kmod_start *c = &k->config;
	struct mmuscope_kmod_offsets *o = &c->offsets;
	int32_t shared = member(k, "vcpu_vmx", "vt");

	c->size = sizeof(*c);
	c->pid = want->pid;
	c->root = want->root;
	c->ring_bytes = collector_ring_bytes(want->ring_bytes, k->cpus);
	hypervisor_verdicts(k->kernel, c->ret_pf, MMUSCOPE_KMOD_RET_PF);
	o->fault_goal_level = member(k, "kvm_page_fault", "goal_level");
	o->fault_gfn = member(k, "kvm_page_fault", "gfn");
	if (o->fault_gfn < 0)
		o->fault_goal_level = -1;
	o->svm_vmcb = member(k, "vcpu_svm", "vmcb");
	o->vmx_exit_reason = member(k, "vcpu_vmx", "exit_reason");
	if (shared >= 0) {
		int32_t inner = member(k, "vcpu_vt", "exit_reason");

		o->vmx_exit_reason = inner < 0 ? -1 : shared + inner;
	}
	o->page_gfn = member(k, "kvm_mmu_page", "gfn");
	o->page_role = member(k, "kvm_mmu_page", "role");
	/* Its name until 6.1, and since; it became a thread of the VMM with a time beside it. */
	o->nx_thread = member(k, "kvm_arch", "nx_lpage_recovery_thread");
	if (o->nx_thread < 0)
		o->nx_thread = member(k, "kvm_arch", "nx_huge_page_recovery_thread");
	o->nx_task = member(k, "kvm_arch", "nx_huge_page_last") < 0 ? -1 :
		     member(k, "vhost_task", "task");
	/* The legacy MMU maps neighbours in advance: there each entry has to be seen. */
	if (c->tdp && hypervisor_tdp_mmu() && o->fault_goal_level >= 0)
		c->flags |= MMUSCOPE_KMOD_THIN;
}

static int failed(int err, char *msg, size_t len)
{
	char holder[64] = "";
	FILE *f;

	switch (err) {
	case ENOENT:
	case ENXIO:
		snprintf(msg, len, access("/proc/modules", F_OK) ?
			 "the kernel module is not loaded, and this kernel cannot load any" :
			 "the kernel module is not loaded: modprobe mmuscope "
			 "('make modules_install' installs it)");
		return -ENOENT;
	case EBUSY:
		f = fopen(HOLDER, "r");
		if (f && !fgets(holder, sizeof(holder), f))
			holder[0] = '\0';
		if (f)
			fclose(f);
		holder[strcspn(holder, "\n")] = '\0';
		snprintf(msg, len, "the kernel module serves one tool at a time, and process %s "
			 "has it", *holder ? holder : "(ended by now)");
		return -EBUSY;
	case EPERM:
	case EACCES:
		snprintf(msg, len, "the kernel module does not let us trace: run as root, or with "
			 "CAP_PERFMON");
		return -EPERM;
	}
	snprintf(msg, len, "cannot open %s: %s", MMUSCOPE_KMOD_DEVICE, strerror(err));
	return -err;
}

static int device_open(struct source_kmod *k, char *msg, size_t len)
{
	struct mmuscope_kmod_hello hello = {
		.abi = MMUSCOPE_KMOD_ABI, .schema = MMUSCOPE_SCHEMA,
	};

	k->fd = open(MMUSCOPE_KMOD_DEVICE, O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return failed(errno, msg, len);
	if (!ioctl(k->fd, MMUSCOPE_KMOD_HELLO, &hello)) {
		k->cpus = hello.cpus;
		return 0;
	}
	if (errno != EPROTO)
		return failed(errno, msg, len);
	snprintf(msg, len, "the loaded kernel module (interface %u, schema %u) is not of this "
		 "mmuscope (%u, %u): load the one that was built with it", hello.abi,
		 hello.schema, MMUSCOPE_KMOD_ABI, MMUSCOPE_SCHEMA);
	return -EPROTO;
}

static const void *counters_map(const struct source_kmod *k, uint64_t at, size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ, MAP_SHARED, k->fd, at);

	return mem == MAP_FAILED ? NULL : mem;
}

static int rings_open(struct source_kmod *k)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	k->exits = counters_map(k, MMUSCOPE_KMOD_MAP_EXITS,
				MMUSCOPE_KMOD_VCPUS * sizeof(*k->exits));
	k->lost = counters_map(k, MMUSCOPE_KMOD_MAP_LOST, k->cpus * sizeof(*k->lost));
	if (!k->exits || !k->lost)
		return -errno;
	for (unsigned int cpu = 0; cpu < k->cpus; cpu++) {
		int err = ring_map(&k->rings[cpu], dup(k->fd), MMUSCOPE_KMOD_MAP_RING(cpu),
				   k->config.ring_bytes);

		/* Not plugged in. */
		if (err && err != -ENXIO && err != -EINVAL)
			return err;
		if (err) {
			k->rings[cpu].consumer = NULL;
			continue;
		}
		k->unpacked[cpu].fault = malloc(k->config.ring_bytes);
		if (!k->unpacked[cpu].fault)
			return -ENOMEM;
	}
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k->epoll < 0 || epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->fd, &ev))
		return -errno;
	return 0;
}

static int tables_alloc(struct source_kmod *k, char *msg, size_t len)
{
	int err;

	k->rings = calloc(k->cpus, sizeof(*k->rings));
	k->unpacked = calloc(k->cpus, sizeof(*k->unpacked));
	k->lost_then = calloc(k->cpus, sizeof(*k->lost_then));
	k->exits_then = calloc(MMUSCOPE_KMOD_VCPUS, sizeof(*k->exits_then));
	if (!k->rings || !k->unpacked || !k->lost_then || !k->exits_then)
		return -ENOMEM;
	k->kernel = kernel_open(k->sites);
	err = k->kernel ? 0 : -errno;
	if (err)
		snprintf(msg, len, "cannot read /proc/kallsyms: %s", strerror(-err));
	return err;
}

static int collection_start(struct source_kmod *k, char *msg, size_t len)
{
	const struct probe_status *missing;
	int err;

	k->config.sites = (uintptr_t)k->sites;
	if (ioctl(k->fd, MMUSCOPE_KMOD_START, &k->config)) {
		err = -errno;
		snprintf(msg, len, "the kernel module cannot start: %s", strerror(-err));
		return err;
	}
	err = hooks_read(k);
	if (err)
		return err;
	probes_report(k);
	missing = required_missing(k);
	if (missing) {
		snprintf(msg, len, "cannot trace faults without %s: %s", missing->name,
			 missing->why);
		return -ENOTSUP;
	}
	err = rings_open(k);
	if (err)
		snprintf(msg, len, "cannot map the rings: %s", strerror(-err));
	return err;
}

struct source *source_kmod_open(const struct source_config *cfg, char *msg, size_t len)
{
	struct source_kmod *k = calloc(1, sizeof(*k));
	int err = -ENOMEM;

	snprintf(msg, len, "out of memory");
	if (!k)
		goto fail;
	k->base.ops = &kmod_ops;
	k->fd = k->epoll = -1;
	err = device_open(k, msg, len);
	if (err)
		goto fail;
	err = hypervisor_detect(&k->config.isa, &k->config.tdp);
	if (err) {
		snprintf(msg, len, "kvm is not loaded: modprobe kvm_intel or kvm_amd first");
		goto fail;
	}
	err = tables_alloc(k, msg, len);
	if (!err)
		err = probe_set_init(&k->probes, k->config.isa);
	if (err)
		goto fail;
	config_fill(k, cfg);
	made_init(&k->made, now_ns());
	err = collection_start(k, msg, len);
	if (err)
		goto fail;
	return &k->base;
fail:
	if (k)
		kmod_close(&k->base);
	errno = -err;
	return NULL;
}
