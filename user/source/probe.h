/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hooks of the eBPF collector, and which way each one takes on the running
 * kernel. A way that the kernel refuses is banned, and the next one is chosen.
 */
#ifndef MMUSCOPE_PROBE_H
#define MMUSCOPE_PROBE_H

#include "source/kernel.h"
#include "source/site.h"
#include "source/source.h"

/* How a program is attached, from the cheapest to the dearest. */
enum probe_how {
	HOW_TP_BTF,
	HOW_RAW_TP,
	HOW_TRAMPOLINE,		/* fentry and fexit */
	HOW_MULTI,		/* kprobe.multi: programs of HOW_KPROBE, called by a common one */
	HOW_EVENT,		/* classic tracepoint */
	HOW_KPROBE,		/* kprobe and kretprobe */
	HOW_ITER,
	HOW_SITES,		/* no program: addresses of functions, looked for on stacks */
	HOWS
};

#define PROBE_PROGRAMS	2	/* a begin and an end */
#define PROBE_WAYS	6

/**
 * struct probe_way - one way to have a probe
 * @target: tracepoint, event or function
 * @prog: names of the programs; the second may be NULL
 * @how: how they are attached
 * @args: number of arguments that the target must have where BTF tells, 0 for any
 * @steady: nothing is lost where the kernel preempts programs: interrupts are off in the target,
 *	or what it tells is found out later as well
 */
struct probe_way {
	const char *target;
	const char *prog[PROBE_PROGRAMS];
	enum probe_how how;
	int args;
	bool steady;
};

/* On which hosts a probe makes sense. */
enum probe_host { HOST_ANY, HOST_VMX, HOST_SVM, HOST_HARDWARE, HOST_SOFTWARE };

struct probe {
	const char *name;
	const char *records;
	const char *lost;
	enum probe_need need;
	enum probe_host host;
	struct probe_way way[PROBE_WAYS];
};

/**
 * struct probe_choice - what became of a probe
 * @probe: which
 * @way: the one taken, NULL when it is missing
 * @banned: bit per way that the kernel refused
 * @steady: the way was preferred to cheaper ones, because the kernel preempts programs
 * @why: why it is missing or on a fallback, "" otherwise
 */
struct probe_choice {
	const struct probe *probe;
	const struct probe_way *way;
	unsigned int banned;
	bool steady;
	char why[96];
};

struct probe_set {
	struct probe_choice *choice;
	struct probe_status *status;	/* the same for doctor; filled by probe_report() */
	size_t count;			/* without what was dropped */
	size_t total;
	bool refused[HOWS];		/* the kernel refuses this kind altogether */
};

/**
 * probe_set_init() - the probes that make sense on this host
 * @set: filled; probe_set_free() frees what it holds
 * @isa: enum mmuscope_isa of the vendor module; unknown means software virtualization
 *
 * Return: 0 or -ENOMEM.
 */
int probe_set_init(struct probe_set *set, unsigned int isa);
void probe_set_free(struct probe_set *set);

/* Takes the best way left for every probe. */
void probe_choose(struct probe_set *set, const struct kernel *k);

/* This kind cannot be had for any function. */
void probe_refuse(struct probe_set *set, enum probe_how how);

/**
 * probe_ban() - the kernel refused the way that was taken
 * @choice: of which probe
 * @err: positive errno; ENXIO where it was taken and hooks nothing
 */
void probe_ban(struct probe_set *set, struct probe_choice *choice, int err);

/* The probe whose taken way uses that program, NULL if none does. */
struct probe_choice *probe_by_program(struct probe_set *set, const char *prog);

/* Does without the probe whose taken way uses that program, until the next choice: not needed. */
void probe_drop(struct probe_set *set, const char *prog);

/**
 * probe_report() - fill set->status
 * @sites: the functions that were found, for the row of them
 */
void probe_report(struct probe_set *set, const struct cause_site *sites);

/* The same for the row of @sites alone. */
void probe_report_sites(struct probe_choice *choice, struct probe_status *status,
			const struct cause_site *sites);

#endif /* MMUSCOPE_PROBE_H */
