// SPDX-License-Identifier: GPL-2.0
/* mmuscope-guest: small virtual machines that do a known number of things. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "options.h"
#include "say.h"
#include "stats.h"
#include "workload.h"

static struct vm vm;
static struct stats before, after;

static void wait_for(const char *path)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	while (path && access(path, F_OK))
		nanosleep(&ms, NULL);
}

static void make_file(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd >= 0)
		close(fd);
}

static int step_result(const char *step, int r)
{
	if (r < 0)
		say_error("%s failed: %s", step, strerror(-r));
	return r < 0 ? EXIT_CHECK : r;
}

static int build(const struct workload *w, const struct options *opt)
{
	int r = vm_create(&vm, opt);

	if (r)
		return r == -ENOENT || r == -EACCES ? EXIT_SKIP :
			step_result("creating the VM", r);
	if (w->prepare) {
		r = w->prepare(&vm);
		if (r)
			return step_result("preparing the VM", r);
	}
	r = vm_add_data(&vm);
	if (r == -ENOMEM) {
		say_error("no memory of the backing asked for (%llu pages)",
			  (unsigned long long)vm.pages);
		return EXIT_SKIP;
	}
	for (unsigned int i = 0; !r && i < opt->vcpus; i++)
		r = vcpu_create(&vm, i);
	if (r)
		return step_result("building the VM", r);
	r = w->setup ? w->setup(&vm) : 0;
	return step_result("setup", r);
}

/*
 * Every vCPU reads all infrastructure pages once: what faults later is the
 * workload's alone. Reads, since writes to live page tables would be work
 * for shadow paging.
 */
static int warm_up(void)
{
	int r = 0;

	for (unsigned int i = 0; !r && i < vm.nr_vcpus; i++)
		r = vcpu_call(&vm.vcpus[i], OP_WARM,
			      ARGS(0, vm.tables_next / PAGE_SIZE));
	return step_result("warming up", r);
}

static const char *read_word(const char *path, char *word, size_t size)
{
	FILE *f = fopen(path, "r");

	*word = 0;
	if (f && fgets(word, size, f))
		word[strcspn(word, "\n")] = 0;
	if (f)
		fclose(f);
	return word;
}

static void report_mode(void)
{
	char word[16];
	const char *mode = "shadow", *vendor = "other";

	if (!access("/sys/module/kvm_intel", F_OK)) {
		vendor = "intel";
		read_word("/sys/module/kvm_intel/parameters/ept", word, 16);
		if (*word == 'Y' || *word == '1')
			mode = "ept";
	} else if (!access("/sys/module/kvm_amd", F_OK)) {
		vendor = "amd";
		read_word("/sys/module/kvm_amd/parameters/npt", word, 16);
		if (*word == 'Y' || *word == '1')
			mode = "npt";
	} else if (!access("/sys/module/kvm_pvm", F_OK)) {
		vendor = "pvm";
	}
	out_str("vendor", vendor);
	out_str("mode", mode);
}

static uint64_t report_guest(void)
{
	struct comm sum = { 0 };
	uint64_t exits = 0;

	for (unsigned int i = 0; i < vm.nr_vcpus; i++) {
		const struct comm *c = vm.vcpus[i].comm;

		sum.touched += c->touched;
		sum.pt_writes += c->pt_writes;
		sum.invlpgs += c->invlpgs;
		sum.cr3_writes += c->cr3_writes;
		sum.mmio_reads += c->mmio_reads;
		sum.mmio_writes += c->mmio_writes;
		sum.loops += c->loops;
		sum.own_absent += c->own_absent;
		sum.own_denied += c->own_denied;
		sum.bad += c->bad;
		exits += vm.vcpus[i].exits_mmio;
		if (c->bad)
			say_error("vCPU %u: %llu wrong values, the last %#llx at %#llx",
				  i, (unsigned long long)c->bad,
				  (unsigned long long)c->bad_value,
				  (unsigned long long)c->bad_gva);
	}
	out_num("pages_touched", sum.touched);
	out_num("pt_writes", sum.pt_writes);
	out_num("invlpgs", sum.invlpgs);
	out_num("cr3_writes", sum.cr3_writes);
	out_num("mmio_reads", sum.mmio_reads);
	out_num("mmio_writes", sum.mmio_writes);
	out_num("mmio_exits", exits);
	out_num("loops", sum.loops);
	out_num("own_absent", sum.own_absent);
	out_num("own_denied", sum.own_denied);
	out_num("bad_values", sum.bad);
	return sum.bad;
}

static int report(const struct workload *w, int result, uint64_t tsc)
{
	out_str("workload", w->name);
	out_str("name", vm.opt->name);
	out_num("pid", getpid());
	report_mode();
	out_num("cpl", vm.opt->cpl);
	out_num("vcpus", vm.nr_vcpus);
	out_num("pages", vm.pages);
	out_num("rounds", vm.rounds);
	out_num("data", (intptr_t)vm.data);
	out_num("data_size", vm.pages * PAGE_SIZE);
	if (report_guest() && !result)
		result = EXIT_CHECK;
	if (vm.expect_tdp >= 0)
		out_num("expect_faults_tdp", vm.expect_tdp);
	if (vm.expect_shadow >= 0)
		out_num("expect_faults_shadow", vm.expect_shadow);
	if (vm.expect_reserved >= 0)
		out_num("expect_reserved", vm.expect_reserved);
	if (vm.expect_reserved >= 0 && host_is_intel())
		out_num("expect_misconfigs", vm.expect_reserved);
	if (vm.expect_walks >= 0)
		out_num("expect_walks_tdp", vm.expect_walks);
	out_num("expect_emulated_shadow", vm.expect_emulated);
	if (vm.expect_pml_full >= 0)
		out_num("expect_pml_full_most", vm.expect_pml_full);
	/* Faults of several vCPUs can meet, and one is then taken again. */
	out_str("expect_exact", vm.nr_vcpus > 1 ? "no" : "yes");
	out_num("tsc", tsc);
	stats_report(&vm, &before, &after);
	out_str("check", result ? "failed" : "ok");
	out_print(vm.opt->json);
	return result;
}

static int run_workload(const struct workload *w, const struct options *opt)
{
	bool states = opt->go_file || opt->hold_file;
	uint64_t tsc;
	int r;

	vm.pages = opt->pages ? opt->pages : opt->mem ? opt->mem / PAGE_SIZE :
		w->pages;
	vm.rounds = opt->rounds ? opt->rounds : w->rounds;
	vm.expect_tdp = vm.expect_shadow = vm.expect_reserved = -1;
	vm.expect_pml_full = -1;
	vm.expect_walks = vm.expect_emulated = 0;
	r = build(w, opt);
	if (!r)
		r = warm_up();
	if (r)
		return r;
	if (states)
		say_state(opt->json, "ready");
	make_file(opt->ready_file);
	wait_for(opt->go_file);
	stats_read(&vm, &before);
	out_num("from", now_ns());
	tsc = __rdtsc();
	r = step_result("the run", w->run(&vm));
	tsc = __rdtsc() - tsc;
	out_num("to", now_ns());
	stats_read(&vm, &after);
	if (states)
		say_state(opt->json, "done");
	make_file(opt->done_file);
	if (!r && w->check)
		r = step_result("the check", w->check(&vm));
	r = report(w, r, tsc);
	wait_for(opt->hold_file);
	vm_destroy(&vm);
	return r;
}

int main(int argc, char **argv)
{
	const struct workload *w;
	struct options opt;
	int r = options_parse(&opt, argc, argv);

	if (r >= 0)
		return r;
	w = workload_find(opt.workload);
	if (w->need_cpl0 && opt.cpl) {
		say_error("%s needs --cpl 0: its instructions are privileged",
			  w->name);
		return EXIT_SKIP;
	}
	if (opt.vms > 1)
		return options_run_many(&opt, argc, argv);
	prctl(PR_SET_NAME, opt.name);
	alarm(opt.timeout);	/* a guest that hangs must not hang the job */
	return run_workload(w, &opt);
}
