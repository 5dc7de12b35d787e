// SPDX-License-Identifier: GPL-2.0
#include "source/kernel.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The modules in which KVM's functions and types are; the first two may be built in. */
static const char *const modules[] = { "kvm", "kvm_intel", "kvm_amd", "kvm_pvm" };

#define MODULES (sizeof(modules) / sizeof(modules[0]))

struct symbol {
	uint64_t addr;
	char *name;
};

/* A function or a tracepoint's type in BTF. */
struct type {
	const char *name;	/* in the BTF's own strings */
	const char *module;	/* NULL: the kernel proper */
	uint32_t id;
	size_t order;
	int args;
};

struct kernel {
	struct btf *vmlinux;
	struct btf *module[MODULES];
	struct symbol *symbols;	/* those that a probe could want, sorted by name */
	size_t nsymbols;
	struct type *types;	/* the same for BTF */
	size_t ntypes;
	bool kvm_btf;
	bool preempts;
	const char *tracefs;
};

/* Only what a probe could hang on is kept: a kernel has some 200 000 symbols. */
static bool name_wanted(const char *name)
{
	return strstr(name, "kvm") || strstr(name, "page_fault") || strstr(name, "flush_tlb") ||
	       strstr(name, "btf_trace_") || strstr(name, "register_fprobe_ips");
}

static int symbol_cmp(const void *a, const void *b)
{
	return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

static int symbol_take(struct kernel *k, const struct kallsym *symbol)
{
	if ((symbol->type != 't' && symbol->type != 'T') || !name_wanted(symbol->name))
		return 0;
	if (!(k->nsymbols & (k->nsymbols + 1))) {
		void *mem = realloc(k->symbols, 2 * (k->nsymbols + 1) * sizeof(*k->symbols));

		if (!mem)
			return -ENOMEM;
		k->symbols = mem;
	}
	k->symbols[k->nsymbols].addr = symbol->address;
	k->symbols[k->nsymbols].name = strdup(symbol->name);
	if (!k->symbols[k->nsymbols].name)
		return -ENOMEM;
	k->nsymbols++;
	return 0;
}

/* One pass for all who want to know: the kernel takes some 5,000 instructions per symbol. */
static int symbols_read(struct kernel *k, struct cause_site *sites)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct site_search search;
	struct kallsym symbol;
	char line[512];
	int err = 0;

	if (!f)
		return -errno;
	sites_begin(&search, sites);
	while (!err && fgets(line, sizeof(line), f)) {
		if (!kallsyms_line(line, &symbol))
			continue;
		err = symbol_take(k, &symbol);
		if (!err)
			err = sites_take(&search, &symbol);
	}
	fclose(f);
	sites_end(&search);
	if (k->nsymbols)
		qsort(k->symbols, k->nsymbols, sizeof(*k->symbols), symbol_cmp);
	return err;
}

static int type_cmp(const void *a, const void *b)
{
	return strcmp(((const struct type *)a)->name, ((const struct type *)b)->name);
}

/* Of one name the one that was read first comes first: the kernel's, then kvm's. */
static int type_order(const void *a, const void *b)
{
	const struct type *ta = a, *tb = b;
	int cmp = type_cmp(a, b);

	return cmp ? cmp : ta->order < tb->order ? -1 : ta->order > tb->order;
}

/* Arguments of a function, or of a tracepoint's typedef without the probe's own first one. */
static int type_args(const struct btf *btf, const struct btf_type *t)
{
	const struct btf_type *inner = btf__type_by_id(btf, t->type);

	if (btf_is_func(t))
		return btf_vlen(inner);
	if (!btf_is_typedef(t) || !btf_is_ptr(inner))
		return -1;
	inner = btf__type_by_id(btf, inner->type);
	return btf_is_func_proto(inner) ? btf_vlen(inner) - 1 : -1;
}

/* One pass: a search by name per probe would go through all types each time. */
static void types_read(struct kernel *k, const struct btf *btf, uint32_t from, const char *module)
{
	uint32_t end = btf ? btf__type_cnt(btf) : 0;

	for (uint32_t id = from; id < end; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);
		struct type type = { .name = name, .module = module, .id = id, .order = k->ntypes };

		if (btf_is_struct(t) && !strcmp(name, "kvm_mmu_page"))
			k->kvm_btf = true;
		if ((!btf_is_func(t) && !btf_is_typedef(t)) || !name_wanted(name))
			continue;
		type.args = type_args(btf, t);
		if (type.args < 0)
			continue;
		if (!(k->ntypes & (k->ntypes + 1))) {
			void *mem = realloc(k->types, 2 * (k->ntypes + 1) * sizeof(*k->types));

			if (!mem)
				return;
			k->types = mem;
		}
		k->types[k->ntypes++] = type;
	}
}

static bool enumerator_in(const struct btf *btf, uint32_t from, const char *name, int64_t *value)
{
	uint32_t end = btf ? btf__type_cnt(btf) : 0;

	for (uint32_t id = from; id < end; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_enum *e = btf_is_enum(t) ? btf_enum(t) : NULL;

		for (int i = 0; e && i < btf_vlen(t); i++) {
			if (!strcmp(btf__name_by_offset(btf, e[i].name_off), name)) {
				*value = e[i].val;
				return true;
			}
		}
	}
	return false;
}

static const char *tracefs_find(void)
{
	static const char *const places[] = {
		"/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!access(places[i], R_OK))
			return places[i];
	}
	return NULL;
}

/*
 * Where it can be switched the mode in force is the word in brackets, "none voluntary (full)
 * lazy"; else the kernel's version tells: "#1 SMP PREEMPT ...".
 */
static bool preempts_read(void)
{
	char text[64] = "";
	FILE *f = fopen("/sys/kernel/debug/sched/preempt", "re");
	bool got = f && fgets(text, sizeof(text), f);
	struct utsname name;

	if (f)
		fclose(f);
	if (got)
		return strstr(text, "(full)") || strstr(text, "(lazy)");
	return !uname(&name) &&
	       (strstr(name.version, " PREEMPT ") || strstr(name.version, " PREEMPT_RT "));
}

struct kernel *kernel_open(struct cause_site *sites)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return NULL;
	err = symbols_read(k, sites);
	if (err) {
		kernel_close(k);
		errno = -err;
		return NULL;
	}
	k->vmlinux = btf__load_vmlinux_btf();
	for (size_t i = 0; k->vmlinux && i < MODULES; i++)
		k->module[i] = btf__load_module_btf(modules[i], k->vmlinux);
	if (k->vmlinux)
		types_read(k, k->vmlinux, 1, NULL);
	for (size_t i = 0; i < MODULES; i++)
		types_read(k, k->module[i], k->vmlinux ? btf__type_cnt(k->vmlinux) : 0,
			   modules[i]);
	if (k->ntypes)
		qsort(k->types, k->ntypes, sizeof(*k->types), type_order);
	k->tracefs = tracefs_find();
	k->preempts = preempts_read();
	return k;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->nsymbols; i++)
		free(k->symbols[i].name);
	free(k->symbols);
	free(k->types);
	for (size_t i = 0; i < MODULES; i++)
		btf__free(k->module[i]);
	btf__free(k->vmlinux);
	free(k);
}

static const struct symbol *symbol_find(const struct kernel *k, const char *name)
{
	struct symbol key = { .name = (char *)name };

	if (!k->nsymbols)
		return NULL;
	return bsearch(&key, k->symbols, k->nsymbols, sizeof(*k->symbols), symbol_cmp);
}

bool kernel_has_symbol(const struct kernel *k, const char *name)
{
	return symbol_find(k, name);
}

uint64_t kernel_symbol(const struct kernel *k, const char *name)
{
	const struct symbol *s = symbol_find(k, name), *end = k->symbols + k->nsymbols;

	if (!s || (s > k->symbols && !symbol_cmp(s - 1, s)) ||
	    (s + 1 < end && !symbol_cmp(s + 1, s)))
		return 0;
	return s->addr;
}

static const struct type *type_find(const struct kernel *k, const char *name)
{
	struct type key = { .name = name };
	const struct type *t = NULL;

	if (k->ntypes)
		t = bsearch(&key, k->types, k->ntypes, sizeof(*k->types), type_cmp);
	while (t && t > k->types && !type_cmp(t - 1, &key))
		t--;
	return t;
}

int kernel_func_args(const struct kernel *k, const char *name)
{
	const struct type *t = type_find(k, name);

	return t ? t->args : -ENOENT;
}

uint32_t kernel_type(const struct kernel *k, const char *name, const char **module)
{
	const struct type *t = type_find(k, name);

	*module = t ? t->module : NULL;
	return t ? t->id : 0;
}

int kernel_tracepoint_args(const struct kernel *k, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return kernel_func_args(k, type);
}

bool kernel_preempts(const struct kernel *k)
{
	return k->preempts;
}

char *kernel_hooked(const struct kernel *k)
{
	char path[256], *text = NULL;
	size_t room = 0;
	FILE *f;

	if (!k->tracefs)
		return NULL;
	snprintf(path, sizeof(path), "%s/../enabled_functions", k->tracefs);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (getdelim(&text, &room, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text;
}

bool kernel_hook_listed(const char *text, const char *function)
{
	size_t len = strlen(function);

	for (const char *at = text; at && *at; at = strchrnul(at, '\n'), at += !!*at)
		if (!strncmp(at, function, len) && strchr(" \t\n", at[len]))
			return true;
	return false;
}

bool kernel_has_event(const struct kernel *k, const char *system, const char *name)
{
	static const char *const systems[] = { "kvm", "kvmmmu", "lock" };
	char path[256];

	if (!k->tracefs)
		return true;
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		if (system && strcmp(system, systems[i]))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", k->tracefs, systems[i], name);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

int kernel_event_field(const struct kernel *k, const char *system, const char *name,
		       const char *field)
{
	char path[256], line[512], want[64];
	int offset = -ENOENT;
	FILE *f;

	if (!k->tracefs)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%s/%s/format", k->tracefs, system, name);
	f = fopen(path, "r");
	if (!f)
		return -ENOENT;
	snprintf(want, sizeof(want), " %s;", field);
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, want);
		const char *value = at ? strstr(at, "offset:") : NULL;

		if (value) {
			offset = atoi(value + strlen("offset:"));
			break;
		}
	}
	fclose(f);
	return offset;
}

bool kernel_enumerator(const struct kernel *k, const char *name, int64_t *value)
{
	if (!k->vmlinux)
		return false;
	for (size_t i = 0; i < MODULES; i++) {
		if (enumerator_in(k->module[i], btf__type_cnt(k->vmlinux), name, value))
			return true;
	}
	return enumerator_in(k->vmlinux, 1, name, value);
}

/* Also looks into structs and unions without a name; bits from the begin, or -1. */
static int64_t member_in(const struct btf *btf, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = btf_members(t);

	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *inner = btf__type_by_id(btf, m[i].type);
		const char *its = btf__name_by_offset(btf, m[i].name_off);
		int64_t at = btf_member_bit_offset(t, i), deeper;

		if (!strcmp(its, name))
			return at;
		if (*its || !btf_is_composite(inner))
			continue;
		deeper = member_in(btf, inner, name);
		if (deeper >= 0)
			return at + deeper;
	}
	return -1;
}

static int member_of(const struct btf *btf, uint32_t from, const char *type, const char *name)
{
	uint32_t end = btf ? btf__type_cnt(btf) : 0;

	for (uint32_t id = from; id < end; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		int64_t bits;

		if (!btf_is_struct(t) || strcmp(btf__name_by_offset(btf, t->name_off), type))
			continue;
		bits = member_in(btf, t, name);
		if (bits >= 0 && bits % 8 == 0)
			return bits / 8;
	}
	return -ENOENT;
}

int kernel_member(const struct kernel *k, const char *type, const char *member)
{
	int at = -ENOENT;

	if (!k->vmlinux)
		return -ENOENT;
	for (size_t i = 0; i < MODULES && at < 0; i++)
		at = member_of(k->module[i], btf__type_cnt(k->vmlinux), type, member);
	return at < 0 ? member_of(k->vmlinux, 1, type, member) : at;
}

bool kernel_has_multi(const struct kernel *k)
{
	return kernel_has_symbol(k, "register_fprobe_ips");
}

bool kernel_has_kprobes(const struct kernel *k)
{
	(void)k;
	return !access("/sys/bus/event_source/devices/kprobe/type", F_OK);
}

bool kernel_has_btf(const struct kernel *k)
{
	return k->vmlinux;
}

bool kernel_has_kvm_btf(const struct kernel *k)
{
	return k->kvm_btf;
}
