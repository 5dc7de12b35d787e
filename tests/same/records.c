// SPDX-License-Identifier: GPL-2.0
/*
 * records COLLECTOR FILE COMMAND [ARGUMENT...]: every record of the VMs of a command, a
 * line each, without what differs from run to run: times, process numbers, addresses of
 * the host. Sorted by the reader; two collectors must give the same lines.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/child.h"
#include "lib/schema.h"
#include "source/source.h"

#define WAIT_MS	20

/* Fields of the host's or of the moment, beside those whose unit says so. */
static const struct {
	const char *event;
	const char *field;
} unlike[] = {
	{ "vm", "pid" }, { "vm", "tid" }, { "vm", "kvm" }, { "vcpu", "tid" },
	{ "slot", "hva" }, { "invalidate", "start" }, { "invalidate", "end" },
	{ "invalidate", "tid" }, { "age", "start" }, { "age", "end" }, { "age", "tid" },
};

/* The task was interrupted, or slept: not the guest's doing. */
#define FLAGS_UNLIKE	(MMUSCOPE_SLEPT | MMUSCOPE_PREEMPTED)

static bool comparable(const struct schema_event *e, const struct schema_field *f,
		       const struct mmuscope_hdr *rec)
{
	if (f->unit == UNIT_NS || f->unit == UNIT_PAD)
		return false;
	/* The same race as in torn_down(). */
	if (rec->type == MMUSCOPE_TYPE_vcpu && f->type == TYPE_TEXT &&
	    ((const struct mmuscope_vcpu *)rec)->op == MMUSCOPE_life_destroyed)
		return false;
	for (size_t i = 0; i < sizeof(unlike) / sizeof(unlike[0]); i++) {
		if (!strcmp(unlike[i].event, e->name) && !strcmp(unlike[i].field, f->name))
			return false;
	}
	return true;
}

/*
 * Exits that come of the host's clock and devices: VMX 1 and 52, SVM 0x60 and 0x61. And
 * those for a full buffer of dirty pages (VMX 62), which every exit empties.
 */
static bool of_the_moment(const struct mmuscope_hdr *rec)
{
	const struct mmuscope_exits *exits = (const void *)rec;

	if (rec->type == MMUSCOPE_TYPE_dirty)
		return ((const struct mmuscope_dirty *)rec)->op == MMUSCOPE_dirty_op_pml_full;
	if (rec->type != MMUSCOPE_TYPE_exits)
		return false;
	if (exits->isa == MMUSCOPE_isa_svm)
		return exits->reason == 0x60 || exits->reason == 0x61;
	return exits->reason == 1 || exits->reason == 52 || exits->reason == 62;
}

static void text_print(FILE *out, const char *text, size_t size)
{
	while (size && !text[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		fputc(text[i] >= ' ' ? text[i] : ' ', out);
}

/* Which thread of the VMM closes the last file of the VM, and tears it down, is a race. */
static bool torn_down(const struct mmuscope_hdr *rec)
{
	switch (rec->type) {
	case MMUSCOPE_TYPE_flush:
		return ((const struct mmuscope_flush *)rec)->origin == MMUSCOPE_origin_destroy;
	case MMUSCOPE_TYPE_shadow_page:
		return ((const struct mmuscope_shadow_page *)rec)->origin ==
		       MMUSCOPE_origin_destroy;
	}
	return false;
}

/*
 * The VMM's own thread has the host take a page away while the vCPU is at work: whether
 * the guest had it by then, and so needs a flush, is a race. KVM's counters, which the
 * other tests compare with, know of each of them.
 */
static bool races_guest(const struct mmuscope_hdr *rec)
{
	return rec->type == MMUSCOPE_TYPE_flush && rec->vcpu == MMUSCOPE_NO_VCPU &&
	       ((const struct mmuscope_flush *)rec)->origin == MMUSCOPE_origin_invalidate;
}

static void record_print(FILE *out, const struct mmuscope_hdr *rec)
{
	const struct schema_event *e = schema_event(rec->type);

	if (!e || of_the_moment(rec) || races_guest(rec))
		return;
	fprintf(out, "%s vm=%u vcpu=%u flags=%#x timed=%d", e->name, rec->vm,
		torn_down(rec) ? MMUSCOPE_NO_VCPU : rec->vcpu, rec->flags & ~FLAGS_UNLIKE,
		rec->dur != 0);
	for (size_t i = 0; i < e->nr; i++) {
		const struct schema_field *f = &e->fields[i];

		if (!comparable(e, f, rec))
			continue;
		fprintf(out, " %s=", f->name);
		if (f->type == TYPE_TEXT)
			text_print(out, (const char *)rec + f->offset, f->size);
		else
			fprintf(out, "%" PRIx64, schema_field_value(f, rec));
	}
	if (rec->type == MMUSCOPE_TYPE_invalidate) {
		const struct mmuscope_invalidate *inv = (const void *)rec;

		fprintf(out, " bytes=%" PRIx64, (uint64_t)(inv->end - inv->start));
	}
	fputc('\n', out);
}

static int drain(struct source *src, FILE *out)
{
	for (unsigned int i = 0; i < src->ops->streams(src); i++) {
		const struct mmuscope_hdr *rec;
		int ret;

		while ((ret = src->ops->next(src, i, &rec)) == 1)
			record_print(out, rec);
		src->ops->release(src, i);
		if (ret)
			return ret;
	}
	return 0;
}

static int collect(struct source *src, struct child *child, FILE *out)
{
	struct timespec late = { .tv_nsec = 300000000 };
	int err = child_start(child);

	while (!err && !child_done(child)) {
		src->ops->wait(src, WAIT_MS);
		err = drain(src, out);
	}
	/* KVM frees a VM after its owner has ended. */
	nanosleep(&late, NULL);
	if (!err)
		err = src->ops->tick(src);
	return err ? err : drain(src, out);
}

int main(int argc, char **argv)
{
	/* Printing takes longer than the guests do on a machine with one slow CPU. */
	struct source_config cfg = { .ring_bytes = 32 << 20 };
	struct child child;
	struct source *src;
	char msg[512];
	FILE *out;
	int err;

	if (argc < 4) {
		fprintf(stderr, "Usage: %s bpf|kmod FILE COMMAND [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	out = fopen(argv[2], "w");
	if (!out || child_prepare(&child, argv + 3)) {
		fprintf(stderr, "records: %s\n", strerror(errno));
		return 1;
	}
	cfg.root = child.pid;
	cfg.collector = strcmp(argv[1], "kmod") ? COLLECTOR_BPF : COLLECTOR_KMOD;
	src = source_live_open(&cfg, msg, sizeof(msg));
	if (!src) {
		fprintf(stderr, "records: %s\n", msg);
		return 1;
	}
	err = collect(src, &child, out);
	if (err)
		fprintf(stderr, "records: %s\n", strerror(-err));
	src->ops->close(src);
	fclose(out);
	child_end(&child);
	return err ? 1 : child_code(&child);
}
