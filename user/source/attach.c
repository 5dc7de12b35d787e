// SPDX-License-Identifier: GPL-2.0
#include "source/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Few: the modules that KVM may be in. */
#define OBJECTS_MAX	4

static const struct kernel *kernel;

static struct {
	char name[32];
	int fd;
} objects[OBJECTS_MAX];
static unsigned int nr_objects;

static const struct {
	const char *section;
	enum bpf_attach_type type;
	const char *prefix;	/* of the target's name in BTF */
} kinds[] = {
	{ "fentry+", BPF_TRACE_FENTRY, "" },
	{ "fexit+", BPF_TRACE_FEXIT, "" },
	{ "tp_btf+", BPF_TRACE_RAW_TP, "btf_trace_" },
};

#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static int handlers[KINDS];

/* The kernel's BTF object of a module: a descriptor, or -errno. */
static int object_open(const char *module)
{
	uint32_t id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		char name[sizeof(objects[0].name)] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		uint32_t len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(name, module))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int object_of(const char *module)
{
	int fd;

	/* The kernel proper needs none. */
	if (!module)
		return 0;
	for (unsigned int i = 0; i < nr_objects; i++)
		if (!strcmp(objects[i].name, module))
			return objects[i].fd;
	fd = object_open(module);
	if (fd < 0)
		return fd;
	if (nr_objects == OBJECTS_MAX) {
		close(fd);
		return -ENOSPC;
	}
	snprintf(objects[nr_objects].name, sizeof(objects[0].name), "%s", module);
	objects[nr_objects++].fd = fd;
	return fd;
}

/* libbpf asks before it loads the program, @kind is an index of kinds. */
static int target_set(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long kind)
{
	const char *name = strchr(bpf_program__section_name(prog), '/');
	const char *module;
	char type[128];
	uint32_t id;
	int fd;

	if (!name || !kernel)
		return -ESRCH;
	snprintf(type, sizeof(type), "%s%s", kinds[kind].prefix, name + 1);
	id = kernel_type(kernel, type, &module);
	if (!id)
		return -ESRCH;
	fd = object_of(module);
	if (fd < 0)
		return fd;
	opts->attach_btf_id = id;
	opts->attach_btf_obj_fd = fd;
	return 0;
}

static int target_attach(const struct bpf_program *prog, long kind, struct bpf_link **link)
{
	(void)kind;
	*link = bpf_program__attach_trace(prog);
	return *link ? 0 : -errno;
}

/*
 * By address where it is known: until 6.2 the kernel looks for a name by expanding those of all its
 * symbols, and does so three times per kprobe, 0.2 G instructions.
 */
struct bpf_link *attach_kprobe(const struct bpf_program *prog, const char *function)
{
	uint64_t addr = kernel_symbol(kernel, function);
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .offset = addr,
		    .retprobe = !strncmp(bpf_program__section_name(prog), "kret", 4));

	/* Without this event source libbpf writes the name into tracefs. */
	if (!addr || access("/sys/bus/event_source/devices/kprobe/type", R_OK))
		return bpf_program__attach(prog);
	return bpf_program__attach_kprobe_opts(prog, NULL, &opts);
}

int attach_begin(const struct kernel *k)
{
	kernel = k;
	for (size_t i = 0; i < KINDS; i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts,
			.cookie = i,
			.prog_prepare_load_fn = target_set,
			.prog_attach_fn = target_attach,
		);

		if (handlers[i])
			continue;
		handlers[i] = libbpf_register_prog_handler(kinds[i].section,
							   BPF_PROG_TYPE_TRACING, kinds[i].type,
							   &opts);
		if (handlers[i] < 0) {
			int err = handlers[i];

			handlers[i] = 0;
			return err;
		}
	}
	return 0;
}

void attach_end(void)
{
	kernel = NULL;
	while (nr_objects)
		close(objects[--nr_objects].fd);
}
