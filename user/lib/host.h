/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this machine offers for memory virtualization and for tracing it: CPU,
 * kvm modules and their parameters, memory management, kernel. Everything is
 * read below a root directory, so that a test can show it another machine.
 */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_FACTS	112
#define HOST_NAME	40
#define HOST_VALUE	96

/**
 * enum host_state - what a fact means for tracing
 * @HOST_INFO: nothing, it is for the reader to know
 * @HOST_OK: as it should be
 * @HOST_WARN: tracing works, with something lost
 * @HOST_BAD: nothing can be traced
 */
enum host_state { HOST_INFO, HOST_OK, HOST_WARN, HOST_BAD };

/**
 * struct host_fact - one thing found out
 * @group: "cpu", "kvm", "memory", "kernel"
 * @name: unique in its group
 * @value: as a user would write it
 * @state: what it means
 * @doc: a clause that explains it
 */
struct host_fact {
	const char *group;
	char name[HOST_NAME];
	char value[HOST_VALUE];
	enum host_state state;
	const char *doc;
};

enum host_isa { HOST_ISA_NONE, HOST_ISA_VMX, HOST_ISA_SVM };

/**
 * struct host - the facts, and those of them that others follow from
 * @root: directory in front of every path, "" for the machine itself
 * @isa: hardware virtualization of the CPU
 * @loaded: kvm is there, as a module or built in
 * @builtin: the vendor's part of kvm is built into the kernel
 * @vendor: "kvm_intel", "kvm_amd" or another; "" when there is none
 * @users: what holds the vendor module, -1 when not known
 * @count: number of @facts
 */
struct host {
	const char *root;
	enum host_isa isa;
	bool loaded;
	bool builtin;
	char vendor[HOST_NAME];
	int users;
	size_t count;
	struct host_fact facts[HOST_FACTS];
};

/**
 * struct host_advice - how to change the way guest memory is virtualized
 * @title: what the command does
 * @command: to be typed by the user, never run by us
 */
struct host_advice {
	char title[120];
	char command[160];
};

#define HOST_ADVICE 4

/* Finds everything out. What cannot be read becomes a fact that says so. */
void host_examine(struct host *host, const char *root);

/* The fact, or NULL. */
const struct host_fact *host_find(const struct host *host, const char *group, const char *name);

/* The gravest state among the facts. */
enum host_state host_worst(const struct host *host);

/* "info", "ok", "warn", "bad" */
const char *host_state_name(enum host_state state);

/* Fills up to HOST_ADVICE entries, returns how many. */
size_t host_advise(const struct host *host, struct host_advice *advice);

/*
 * Below: shared by host.c, host_cpu.c, host_kvm.c, host_mm.c.
 */

/* First line of a file, without spaces at its ends. Returns its length or -errno. */
int host_read(const struct host *host, const char *path, char *buf, size_t size);

/* @size bytes at @offset of a file or device. Returns 0 or -errno. */
int host_pread(const struct host *host, const char *path, uint64_t offset, void *buf, size_t size);

/* The path below the root. Returns false when it is too long. */
bool host_path(const struct host *host, const char *path, char *buf, size_t size);

bool host_exists(const struct host *host, const char *path);

/* Value of a module parameter: first line or -errno. */
int host_param(const struct host *host, const char *module, const char *param, char *buf,
	       size_t size);

/* A kernel's boolean parameter: 1 for Y or a number but 0, 0 for N or 0, -1 when not known. */
int host_switched(const struct host *host, const char *module, const char *param);

/* Adds a fact. */
__attribute__((format(printf, 6, 7)))
void host_tell(struct host *host, const char *group, const char *name, enum host_state state,
	       const char *doc, const char *fmt, ...);

/**
 * struct host_setting - a file with one value
 * @name: of the fact
 * @path: of the file
 * @doc: of the fact
 */
struct host_setting {
	const char *name;
	const char *path;
	const char *doc;
};

/* Adds a fact for each file; "[x]" in a list of choices is the value. */
void host_tell_settings(struct host *host, const char *group, const struct host_setting *settings,
			size_t count);

void host_cpu_examine(struct host *host);
void host_kvm_examine(struct host *host);
void host_mm_examine(struct host *host);
void host_kernel_examine(struct host *host);
void host_module_examine(struct host *host, const char *release);
bool host_module_loaded(const struct host *host);

/* Return: whether securityfs, which tells of lockdown, is not mounted. */
bool host_hides_lockdown(const struct host *host);

#endif /* LIB_HOST_H */
