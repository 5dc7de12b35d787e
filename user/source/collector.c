// SPDX-License-Identifier: GPL-2.0
#include "source/collector.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "mmuscope.skel.h"
#include "source/attach.h"
#include "source/hypervisor.h"
#include "source/multi.h"
#include "source/site.h"

#define LINKS_MAX	(256 + MULTI_LINKS)
#define SLOW_MAX	2	/* so many function hooks are taken away in the foreground */
#define TRIES_MAX	64	/* each one bans at least one way of one probe */

struct collector {
	struct mmuscope_bpf *skel;
	struct kernel *kernel;
	struct probe_set probes;
	struct collector_maps maps;
	struct collector_config cfg;
	struct cause_site sites[CAUSE_SITES];
	struct bpf_link *links[LINKS_MAX];
	bool slow[LINKS_MAX];		/* hooks on functions */
	int kvm;			/* while it is open KVM's modules stay */
	bool counters;			/* KVM counts what became of faults */
	size_t nlinks;
	struct bpf_link *iter;
	unsigned int cpus;
	size_t ring_bytes;
};

/* What libbpf said last about a program that the kernel did not take. */
static char failed_program[64];
static char failed_reason[160];

static int libbpf_say(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[512];
	const char *name, *end;
	va_list copy;

	if (level == LIBBPF_DEBUG)
		return 0;
	va_copy(copy, args);
	vsnprintf(text, sizeof(text), format, copy);
	va_end(copy);
	if (getenv("MMUSCOPE_DEBUG"))
		vfprintf(stderr, format, args);
	name = strstr(text, "prog '");
	end = name ? strchr(name + 6, '\'') : NULL;
	if (end && (strstr(end, "failed") || strstr(end, "can't"))) {
		snprintf(failed_program, sizeof(failed_program), "%.*s", (int)(end - name - 6),
			 name + 6);
		snprintf(failed_reason, sizeof(failed_reason), "%.*s",
			 (int)strcspn(end + 1, "\n"), end + 1);
	}
	return 0;
}

size_t collector_ring_bytes(size_t wanted, unsigned int cpus)
{
	size_t bytes = 4 << 20;

	if (wanted)
		return wanted;
	/* All rings together stay within 128 MiB, and each one useful. */
	while (bytes > 512 << 10 && bytes * cpus > 128 << 20)
		bytes /= 2;
	return bytes;
}

size_t collector_slots(size_t ring_bytes)
{
	size_t slots = 16;

	while (2 * slots * sizeof(struct mmuscope_fault) <= ring_bytes)
		slots *= 2;
	return slots;
}

static void config_fill(struct collector *c, const struct source_config *want)
{
	struct collector_config *cfg = &c->cfg;

	cfg->tdp_page_fault = kernel_symbol(c->kernel, "kvm_tdp_page_fault");
	cfg->pid = want->pid;
	cfg->root = want->root;
	cfg->filtered = want->pid || want->root;
	cfg->wake_bytes = c->ring_bytes / 4;
	cfg->slots_mask = collector_slots(c->ring_bytes) - 1;
	cfg->wake_mask = cfg->slots_mask / 4;
	hypervisor_verdicts(c->kernel, cfg->ret_pf, RET_PF_MAX);
}

static int ring_make(const struct collector *c)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, c->ring_bytes, NULL);

	return fd < 0 ? -errno : fd;
}

/* Sets up a fresh copy of the objects: sizes, configuration, and the chosen programs. */
static int skel_prepare(struct collector *c)
{
	struct bpf_program *prog;
	int ring, err;

	c->skel = mmuscope_bpf__open();
	if (!c->skel)
		return -errno;
	/* The kernel wants a sample of what the array will hold; libbpf closes it. */
	ring = ring_make(c);
	if (ring < 0)
		return ring;
	err = bpf_map__set_inner_map_fd(c->skel->maps.rings, ring);
	if (err) {
		close(ring);
		return err;
	}
	memcpy((void *)&c->skel->rodata->cfg, &c->cfg, sizeof(c->cfg));
	memcpy((void *)c->skel->rodata->cause_sites, c->sites, sizeof(c->sites));
	bpf_map__set_max_entries(c->skel->maps.rings, c->cpus);
	bpf_map__set_max_entries(c->skel->maps.fault_rings, c->cpus);
	bpf_map__set_value_size(c->skel->maps.fault_rings,
				sizeof(struct fault_ring) + (c->cfg.slots_mask + 1ULL) *
				sizeof(struct mmuscope_fault));
	bpf_map__set_max_entries(c->skel->maps.vcpu_slots, 2 * VCPUS_MAX);
	bpf_map__set_max_entries(c->skel->maps.task_slots, 2 * VCPUS_MAX);
	bpf_map__set_max_entries(c->skel->maps.free_vcpus, VCPUS_MAX);
	bpf_object__for_each_program(prog, c->skel->obj)
		bpf_program__set_autoload(prog, probe_by_program(&c->probes,
								 bpf_program__name(prog)));
	multi_prepare(c->skel->obj, &c->probes);
	return 0;
}

static int queue_fill(struct bpf_map *map, uint32_t from, uint32_t end)
{
	int fd = bpf_map__fd(map);

	for (uint32_t i = from; i < end; i++) {
		if (bpf_map_update_elem(fd, NULL, &i, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* The rings have to be there before the first probe fires. */
static int rings_make(struct collector *c)
{
	int outer = bpf_map__fd(c->skel->maps.rings);
	int err = 0;

	for (uint32_t cpu = 0; cpu < c->cpus && !err; cpu++) {
		int fd = ring_make(c);

		if (fd < 0)
			return fd;
		if (bpf_map_update_elem(outer, &cpu, &fd, BPF_ANY))
			err = -errno;
		close(fd);
	}
	return err;
}

static int link_add(struct collector *c, struct bpf_program *prog, const struct probe_way *way)
{
	struct bpf_link *link;

	if (way->how == HOW_ITER) {
		link = bpf_program__attach_iter(prog, NULL);
		if (link)
			c->iter = link;
	} else if (way->how == HOW_KPROBE) {
		link = attach_kprobe(prog, way->target);
	} else {
		link = bpf_program__attach(prog);
	}
	if (!link)
		return -errno;
	if (way->how != HOW_ITER) {
		c->slow[c->nlinks] = way->how == HOW_TRAMPOLINE || way->how == HOW_KPROBE;
		c->links[c->nlinks++] = link;
	}
	return 0;
}

/*
 * Does without the way that the kernel refused. Return: -EAGAIN, for another choice is due; or @err
 * where that would not help.
 */
static int way_ban(struct collector *c, struct probe_choice *choice, int err)
{
	if (!choice || (err == -EPERM && choice->way->how == HOW_RAW_TP))
		return err;
	probe_ban(&c->probes, choice, -err);
	return -EAGAIN;
}

/* Ends come before begins: see probes_attach(). */
static int probe_attach(struct collector *c, const struct probe_way *way)
{
	int err = 0;

	for (int j = PROBE_PROGRAMS - 1; j >= 0 && !err; j--) {
		struct bpf_program *prog;

		if (!way->prog[j] || c->nlinks == LINKS_MAX - MULTI_LINKS)
			continue;
		prog = bpf_object__find_program_by_name(c->skel->obj, way->prog[j]);
		err = prog ? link_add(c, prog, way) : -ENOENT;
	}
	return err;
}

/* Return: as way_ban(). */
static int functions_attach(struct collector *c)
{
	struct bpf_link *links[MULTI_LINKS];
	size_t nr = 0;
	int err = multi_attach(c->skel->obj, &c->probes, c->kernel, links, &nr);

	for (size_t i = 0; i < nr; i++) {
		c->slow[c->nlinks] = true;
		c->links[c->nlinks++] = links[i];
	}
	if (!err)
		return 0;
	probe_refuse(&c->probes, HOW_MULTI);
	return -EAGAIN;
}

/*
 * None is missed: an end without a begin is ignored, a begin without its end would be paired with
 * a later one. All are tried, for each new choice costs a load of all programs. Return: as
 * way_ban().
 */
static int probes_attach(struct collector *c)
{
	int err = 0;

	for (size_t i = 0; i < c->probes.count; i++) {
		struct probe_choice *choice = &c->probes.choice[i];
		int failed;

		if (!choice->way || choice->way->how == HOW_MULTI ||
		    c->probes.refused[choice->way->how])
			continue;
		failed = probe_attach(c, choice->way);
		if (failed)
			err = way_ban(c, choice, failed);
		if (err && err != -EAGAIN)
			return err;
	}
	return err ?: functions_attach(c);
}

/* Both ways write their functions into ftrace's list. */
static bool is_listed(const struct probe_way *way)
{
	return way && (way->how == HOW_TRAMPOLINE || way->how == HOW_MULTI);
}

/*
 * Probes whose hook the kernel took without an error, and nobody calls: Debian's 6.12 does
 * that with kvm_vm_ioctl. Return: -EAGAIN where there were some; 0 also where ftrace does not tell.
 */
static int unhooked_ban(struct collector *c)
{
	char *hooked = kernel_hooked(c->kernel);
	bool tells = false;
	int err = 0;

	for (size_t i = 0; hooked && i < c->probes.count; i++) {
		const struct probe_way *way = c->probes.choice[i].way;

		tells |= is_listed(way) && kernel_hook_listed(hooked, way->target);
	}
	for (size_t i = 0; tells && i < c->probes.count; i++) {
		const struct probe_way *way = c->probes.choice[i].way;

		if (is_listed(way) && !kernel_hook_listed(hooked, way->target))
			err = way_ban(c, &c->probes.choice[i], -ENXIO);
	}
	free(hooked);
	return err;
}

/* In the order of the table: the hooks that cost most, those of every fault, go first. */
static void links_close(struct collector *c)
{
	for (size_t i = 0; i < c->nlinks; i++)
		bpf_link__destroy(c->links[i]);
	c->nlinks = 0;
	bpf_link__destroy(c->iter);
	c->iter = NULL;
}

/*
 * To take a function hook away, the kernel waits for an RCU-tasks grace period,
 * about 0.1 s, and one at a time (unregister_ftrace_direct() sleeps under a
 * mutex). A child that holds the hooks waits in our place; killing it makes the
 * kernel do the same at its exit. Tracepoints go at once and here.
 */
static void links_leave(struct collector *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->nlinks; i++) {
		if (c->slow[i])
			c->links[kept++] = c->links[i];
		else
			bpf_link__destroy(c->links[i]);
	}
	c->nlinks = kept;
	if (kept > SLOW_MAX && !fork()) {
		prctl(PR_SET_NAME, "mmuscope-detach");
		setsid();
		/* Whoever reads our output must not wait for us. */
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		links_close(c);
		_exit(0);
	}
}

static void skel_close(struct collector *c)
{
	links_close(c);
	mmuscope_bpf__destroy(c->skel);
	c->skel = NULL;
}

/*
 * What is not needed beside the others. Of a TDP fault KVM counts what became of it; with
 * these counters kvm_mmu_set_spte tells nearly all that the return from the handler does, at
 * half the cost.
 */
static void probes_thin(struct collector *c)
{
	static const char *const counters[] = { "pf_fixed", "pf_emulate", "pf_spurious" };

	c->cfg.leaves = probe_by_program(&c->probes, "sched_out_f") ||
			probe_by_program(&c->probes, "sched_out_k");
	c->counters = true;
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		c->counters &= kernel_member(c->kernel, "kvm_vcpu_stat", counters[i]) >= 0;
	c->cfg.counted = c->counters && c->cfg.tdp && probe_by_program(&c->probes, "entry_b") &&
			 probe_by_program(&c->probes, "set_spte");
	if (c->cfg.counted)
		probe_drop(&c->probes, "kvm_tdp_page_fault_f");
	/* It tells what the tracepoint cut off. */
	if (!c->cfg.tdp || !probe_by_program(&c->probes, "page_fault_2")) {
		probe_drop(&c->probes, "whole_error_f");
		probe_drop(&c->probes, "whole_error_k");
	}
}

/* One try. Return: 0, -EAGAIN where a probe has to take another way, or an error. */
static int collector_try(struct collector *c)
{
	int err;

	failed_program[0] = '\0';
	probe_choose(&c->probes, c->kernel);
	probes_thin(c);
	err = skel_prepare(c);
	if (err)
		return err;
	err = mmuscope_bpf__load(c->skel);
	if (err && multi_is_dispatcher(failed_program)) {
		probe_refuse(&c->probes, HOW_MULTI);
		return -EAGAIN;
	}
	if (err)
		return way_ban(c, probe_by_program(&c->probes, failed_program), err);
	err = rings_make(c);
	if (!err)
		err = queue_fill(c->skel->maps.free_vms, 1, VMS_MAX);
	if (!err)
		err = queue_fill(c->skel->maps.free_vcpus, 1, VCPUS_MAX);
	if (!err)
		err = probes_attach(c);
	return err ? err : unhooked_ban(c);
}

static const struct probe_choice *required_missing(const struct collector *c)
{
	for (size_t i = 0; i < c->probes.count; i++) {
		const struct probe_choice *choice = &c->probes.choice[i];

		if (choice->probe->need == PROBE_REQUIRED && !choice->way)
			return choice;
	}
	return NULL;
}

/* Tries until the kernel takes what is left; each time some probes take another way. */
static int collector_load(struct collector *c, char *msg, size_t len)
{
	const struct probe_choice *missing;
	int err = -EINVAL;

	for (int i = 0; i < TRIES_MAX; i++) {
		err = collector_try(c);
		if (err != -EAGAIN)
			break;
		links_leave(c);
		skel_close(c);
		probe_choose(&c->probes, c->kernel);
		if (required_missing(c))
			break;
	}
	missing = required_missing(c);
	if (err == -EPERM)
		snprintf(msg, len, "the kernel does not let us trace: run as root, or with "
			 "CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN");
	else if (missing)
		snprintf(msg, len, "cannot trace faults without %s: %s", missing->probe->name,
			 missing->why);
	else if (err)
		snprintf(msg, len, "cannot load the collector: %s%s%s", strerror(-err),
			 failed_reason[0] ? "," : "", failed_reason);
	return missing && !err ? -ENOTSUP : err;
}

static int collector_map(struct collector *c)
{
	void *mem = mmap(NULL, VCPUS_MAX * sizeof(struct vcpu_exits), PROT_READ, MAP_SHARED,
			 bpf_map__fd(c->skel->maps.exits), 0);

	if (mem == MAP_FAILED)
		return -errno;
	c->maps.exits = mem;
	c->maps.rings = c->skel->maps.rings;
	c->maps.fault_rings = c->skel->maps.fault_rings;
	c->maps.vcpus = c->skel->bss->vcpus;
	c->maps.lost = c->skel->bss->lost;
	probe_report(&c->probes, c->sites);
	return 0;
}

struct collector *collector_open(const struct source_config *cfg, unsigned int cpus,
				 char *msg, size_t len)
{
	struct collector *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	snprintf(msg, len, "out of memory");
	if (!c)
		goto fail;
	c->kvm = -1;
	err = hypervisor_detect(&c->cfg.isa, &c->cfg.tdp);
	if (err) {
		snprintf(msg, len, "kvm is not loaded: modprobe kvm_intel or kvm_amd first");
		goto fail;
	}
	libbpf_set_print(libbpf_say);
	c->cpus = cpus;
	c->ring_bytes = collector_ring_bytes(cfg->ring_bytes, cpus);
	c->kernel = kernel_open(c->sites);
	if (!c->kernel) {
		err = -errno;
		snprintf(msg, len, "cannot read /proc/kallsyms: %s", strerror(-err));
		goto fail;
	}
	if (!kernel_has_btf(c->kernel)) {
		snprintf(msg, len, "the kernel has no BTF (/sys/kernel/btf/vmlinux): "
			 "it needs CONFIG_DEBUG_INFO_BTF");
		err = -ENOTSUP;
		goto fail;
	}
	err = probe_set_init(&c->probes, c->cfg.isa);
	if (err)
		goto fail;
	/* Not every kernel keeps a module whose functions are hooked by kprobe.multi. */
	if (kernel_has_multi(c->kernel))
		c->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (c->kvm < 0)
		probe_refuse(&c->probes, HOW_MULTI);
	config_fill(c, cfg);
	attach_begin(c->kernel);
	err = collector_load(c, msg, len);
	attach_end();
	if (err)
		goto fail;
	err = collector_map(c);
	if (err) {
		snprintf(msg, len, "cannot map the counters: %s", strerror(-err));
		goto fail;
	}
	return c;
fail:
	collector_close(c);
	errno = -err;
	return NULL;
}

void collector_close(struct collector *c)
{
	if (!c)
		return;
	links_leave(c);
	if (c->maps.exits)
		munmap((void *)c->maps.exits, VCPUS_MAX * sizeof(struct vcpu_exits));
	skel_close(c);
	probe_set_free(&c->probes);
	kernel_close(c->kernel);
	if (c->kvm >= 0)
		close(c->kvm);
	free(c);
}

void collector_find_running(struct collector *c)
{
	int fd = c->iter ? bpf_iter_create(bpf_link__fd(c->iter)) : -1;
	char buf[256];

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		;
	if (fd >= 0)
		close(fd);
	*(volatile __u64 *)&c->skel->bss->found_all = 1;
}

const struct collector_maps *collector_maps(const struct collector *c)
{
	return &c->maps;
}

size_t collector_probes(const struct collector *c, const struct probe_status **list)
{
	*list = c->probes.status;
	return c->probes.count;
}

void collector_run_time(const struct collector *c, uint64_t *ns, uint64_t *runs)
{
	struct bpf_program *prog;

	*ns = 0;
	*runs = 0;
	bpf_object__for_each_program(prog, c->skel->obj) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);

		if (!bpf_program__autoload(prog) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			continue;
		*ns += info.run_time_ns;
		*runs += info.run_cnt;
	}
}

/*
 * A fault whose program was skipped is found by what comes after it, or is counted as lost
 * there; but not with shadow paging on VMX (fault_missed() in fault.bpf.c). Of one whose handler
 * was not seen to return KVM's counters tell the verdict: what it lacks is the handler's time.
 */
static bool told_later(const struct collector *c, const char *prog)
{
	if (strstr(prog, "_page_fault_f"))
		return c->counters;
	return !strncmp(prog, "page_fault_", 11) &&
	       (c->cfg.tdp || c->cfg.isa != MMUSCOPE_isa_vmx);
}

uint64_t collector_skipped(const struct collector *c)
{
	struct bpf_program *prog;
	uint64_t skipped = 0;

	bpf_object__for_each_program(prog, c->skel->obj) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);

		if (told_later(c, bpf_program__name(prog)))
			continue;
		if (bpf_program__autoload(prog) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			skipped += info.recursion_misses;
	}
	return skipped;
}
