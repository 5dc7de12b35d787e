// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics by KVM_GET_STATS_FD (5.14 on), else from debugfs, where the
 * numbers of all vCPUs of a VM are already added up.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "say.h"
#include "stats.h"

static struct stat_row *row_get(struct stats *s, const char *name)
{
	for (unsigned int i = 0; i < s->nr; i++)
		if (!strcmp(s->row[i].name, name))
			return &s->row[i];
	if (s->nr == STATS_MAX)
		return NULL;
	snprintf(s->row[s->nr].name, sizeof(s->row[0].name), "%s", name);
	return &s->row[s->nr++];
}

static void row_set(struct stats *s, const char *name, unsigned int column,
		    int64_t value)
{
	struct stat_row *row = row_get(s, name);

	if (row)
		row->value[column] = value;
}

/* Histograms are left out: the counters next to them hold their sums. */
static void read_values(int fd, struct stats *s, unsigned int column,
			const struct kvm_stats_header *h, const char *descs)
{
	size_t size = sizeof(struct kvm_stats_desc) + h->name_size;

	for (uint32_t i = 0; i < h->num_desc; i++) {
		const struct kvm_stats_desc *d = (const void *)(descs + i * size);
		uint64_t v;

		if (d->size != 1)
			continue;
		if (pread(fd, &v, sizeof(v), h->data_offset + d->offset) !=
		    sizeof(v))
			continue;
		row_set(s, d->name, column, v);
	}
}

static bool read_fd(int owner, struct stats *s, unsigned int column)
{
	struct kvm_stats_header h;
	int fd = ioctl(owner, KVM_GET_STATS_FD, NULL);
	bool ok = false;
	char *descs;
	size_t size;

	if (fd < 0)
		return false;
	if (pread(fd, &h, sizeof(h), 0) == sizeof(h)) {
		size = (sizeof(struct kvm_stats_desc) + h.name_size) * h.num_desc;
		descs = malloc(size);
		ok = descs && pread(fd, descs, size, h.desc_offset) ==
			(ssize_t)size;
		if (ok)
			read_values(fd, s, column, &h, descs);
		free(descs);
	}
	close(fd);
	return ok;
}

static bool read_debugfs(struct vm *vm, struct stats *s)
{
	char path[512], text[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d", getpid(),
		 vm->fd);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((e = readdir(dir))) {
		FILE *f;

		if (e->d_type != DT_REG)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%d-%d/%s",
			 getpid(), vm->fd, e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f))
			row_set(s, e->d_name, 0, strtoll(text, NULL, 0));
		fclose(f);
	}
	closedir(dir);
	return true;
}

void stats_read(struct vm *vm, struct stats *s)
{
	memset(s, 0, sizeof(*s));
	s->source = "none";
	if (read_fd(vm->fd, s, 0)) {
		s->source = "fd";
		for (unsigned int i = 0; i < vm->nr_vcpus; i++)
			read_fd(vm->vcpus[i].fd, s, 1 + i);
	} else if (read_debugfs(vm, s)) {
		s->source = "debugfs";
	}
}

static void report_row(struct vm *vm, const struct stat_row *a,
		       const struct stat_row *b)
{
	int64_t delta = 0, total = 0;
	char key[128];

	for (unsigned int i = 0; i <= vm->nr_vcpus; i++) {
		delta += b->value[i] - (a ? a->value[i] : 0);
		total += b->value[i];
	}
	snprintf(key, sizeof(key), "stat.%s", b->name);
	out_num(key, delta);
	snprintf(key, sizeof(key), "stat_total.%s", b->name);
	out_num(key, total);
	for (unsigned int i = 1; vm->nr_vcpus > 1 && i <= vm->nr_vcpus; i++) {
		delta = b->value[i] - (a ? a->value[i] : 0);
		if (!delta)
			continue;
		snprintf(key, sizeof(key), "stat.vcpu%u.%s", i - 1, b->name);
		out_num(key, delta);
	}
}

/* As a difference over the measured phase and as the total of the VM. */
void stats_report(struct vm *vm, const struct stats *before,
		  const struct stats *after)
{
	out_str("stats_source", after->source);
	for (unsigned int i = 0; i < after->nr; i++) {
		const struct stat_row *a = NULL;

		for (unsigned int j = 0; j < before->nr && !a; j++)
			if (!strcmp(before->row[j].name, after->row[i].name))
				a = &before->row[j];
		report_row(vm, a, &after->row[i]);
	}
}
