// SPDX-License-Identifier: GPL-2.0
#include "source/multi.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "../bpf/shared.h"

/* The functions of one link. */
struct hooked {
	unsigned long addr[MULTI_MAX];
	__u64 cookie[MULTI_MAX];
	size_t nr;
};

static const char *const dispatchers[MULTI_LINKS] = { "multi_return", "multi_entry" };

bool multi_is_dispatcher(const char *prog)
{
	for (int i = 0; i < MULTI_LINKS; i++)
		if (!strcmp(dispatchers[i], prog))
			return true;
	return false;
}

/* Return: index of dispatchers, by what the program was made for. */
static int dispatcher_of(const struct bpf_program *prog)
{
	return strncmp(bpf_program__section_name(prog), "kretprobe/", 10) != 0;
}

void multi_prepare(struct bpf_object *obj, struct probe_set *probes)
{
	bool wanted[MULTI_LINKS] = { false, false };
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj) {
		const struct probe_choice *c = probe_by_program(probes, bpf_program__name(prog));

		if (!c || c->way->how != HOW_MULTI)
			continue;
		bpf_program__set_expected_attach_type(prog, BPF_TRACE_KPROBE_MULTI);
		wanted[dispatcher_of(prog)] = true;
	}
	for (int i = 0; i < MULTI_LINKS; i++) {
		prog = bpf_object__find_program_by_name(obj, dispatchers[i]);
		bpf_program__set_autoload(prog, wanted[i]);
	}
}

/* The programs of @way go into the table at @at and on. */
static int way_hook(struct bpf_object *obj, int table, const struct probe_way *way,
		    unsigned long addr, struct hooked hooked[MULTI_LINKS], uint32_t *at)
{
	for (int i = 0; i < PROBE_PROGRAMS && way->prog[i]; i++, (*at)++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(obj, way->prog[i]);
		struct hooked *h;
		int fd;

		if (!prog || *at == MULTI_MAX)
			return prog ? -ENOSPC : -ENOENT;
		fd = bpf_program__fd(prog);
		if (bpf_map_update_elem(table, at, &fd, BPF_ANY))
			return -errno;
		h = &hooked[dispatcher_of(prog)];
		h->addr[h->nr] = addr;
		h->cookie[h->nr++] = *at;
	}
	return 0;
}

int multi_attach(struct bpf_object *obj, const struct probe_set *probes, const struct kernel *k,
		 struct bpf_link *links[MULTI_LINKS], size_t *nr)
{
	struct hooked hooked[MULTI_LINKS] = { 0 };
	int table = bpf_object__find_map_fd_by_name(obj, "functions");
	uint32_t at = 0;
	int err = 0;

	for (size_t i = 0; i < probes->count && !err; i++) {
		const struct probe_way *way = probes->choice[i].way;

		if (way && way->how == HOW_MULTI)
			err = way_hook(obj, table, way, kernel_symbol(k, way->target), hooked,
				       &at);
	}
	for (int i = 0; i < MULTI_LINKS && !err; i++) {
		LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .addrs = hooked[i].addr,
			    .cookies = hooked[i].cookie, .cnt = hooked[i].nr, .retprobe = !i);
		struct bpf_program *prog =
			bpf_object__find_program_by_name(obj, dispatchers[i]);

		if (!hooked[i].nr)
			continue;
		links[*nr] = bpf_program__attach_kprobe_multi_opts(prog, NULL, &opts);
		if (links[*nr])
			(*nr)++;
		else
			err = -errno;
	}
	return err;
}
