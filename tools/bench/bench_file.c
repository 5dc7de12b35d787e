// SPDX-License-Identifier: GPL-2.0
/*
 * What recordings cost: records per second written and read on one core, bytes per
 * record, and the memory that reading a large file takes.
 *
 *   bench_file [--json] [FOLDER]    the recordings go to FOLDER, default /tmp
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "file/writer.h"
#include "model/batch.h"
#include "model/sums.h"
#include "source/file.h"
#include "source/source.h"

#define BATCH	65536

struct result {
	uint64_t records;
	uint64_t bytes;
	double write_s;
	double unpack_s;	/* records taken apart and looked at no further */
	double feed_s;		/* and given to the model */
	double report_s;	/* the sums of them, as for a report of all */
	long rss_kib;
};

/**
 * struct load - where the records of a benchmark come from
 * @touch: only faults, as guests that touch their memory make them
 */
struct load {
	const char *name;
	uint64_t records;
	bool touch;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint64_t random_u64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/*
 * The generator repeats itself, which a packer would find out: times get an eighth of noise,
 * addresses move. Guests that touch their memory, as in "touch", go from page to page.
 */
static void disturb(const struct load *load, struct mmuscope_vm *room, uint64_t *state)
{
	struct mmuscope_fault *f = (struct mmuscope_fault *)room;
	uint64_t noise = random_u64(state);
	static uint64_t page[64];

	room->hdr.dur += (room->hdr.dur >> 3) * (noise & 0xff) >> 8;
	if (room->hdr.type != MMUSCOPE_TYPE_fault)
		return;
	f->handler_ns += (f->handler_ns >> 3) * (noise >> 8 & 0xff) >> 8;
	f->resolve_ns += (f->resolve_ns >> 3) * (noise >> 16 & 0xff) >> 8;
	if (load->touch) {
		f->gpa = page[(f->hdr.vm * 4 + f->hdr.vcpu) % 64]++ << 12;
		f->rip = 0x401000 + (noise >> 24 & 3);
		f->condition = MMUSCOPE_condition_not_present;
		f->access = MMUSCOPE_access_write;
		f->verdict = MMUSCOPE_verdict_fixed;
		f->level = f->sptes = 1;
		f->hdr.flags = f->walk = f->lock_ns = 0;
	} else {
		f->gpa ^= noise >> 32 << 12 & 0x3fffffff;
	}
	if (f->gva != MMUSCOPE_UNKNOWN)
		f->gva = 0x7f0000000000ULL + f->gpa;
}

/* Records are made in advance, a batch at a time; neither that is timed nor the model. */
static int write_batch(struct writer *w, struct model *m, const struct mmuscope_vm *batch,
		       size_t nr, struct result *r)
{
	double begin = now();
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = writer_add(w, &batch[i].hdr);
	r->write_s += now() - begin;
	r->records += nr;
	for (size_t i = 0; i < nr && !err; i++)
		err = model_feed(m, &batch[i].hdr);
	return err;
}

static int write_all(const struct load *load, struct source *src, struct writer *w,
		     struct model *m, struct result *r)
{
	struct mmuscope_vm *batch = calloc(BATCH, sizeof(*batch));
	const struct mmuscope_hdr *rec;
	uint64_t last = 0, state = 1;
	size_t nr = 0;
	int ret = batch ? 0 : -ENOMEM;

	while (!ret && r->records + nr < load->records) {
		if (src->ops->next(src, 0, &rec) != 1)
			break;
		src->ops->release(src, 0);
		if (load->touch && rec->type != MMUSCOPE_TYPE_fault)
			continue;
		memcpy(&batch[nr], rec, rec->size);
		disturb(load, &batch[nr], &state);
		/* What is recorded has been merged, and is in order. */
		if (batch[nr].hdr.ts < last)
			batch[nr].hdr.ts = last;
		last = batch[nr++].hdr.ts;
		if (nr == BATCH) {
			ret = write_batch(w, m, batch, nr, r);
			nr = 0;
		}
	}
	if (!ret)
		ret = write_batch(w, m, batch, nr, r);
	free(batch);
	return ret;
}

/* As record does at its end. */
static int write_sums(struct writer *w, struct model *m, const struct result *r)
{
	struct bytes sums = { 0 };
	int err = model_fold(m);

	if (!err)
		err = sums_save(m, &sums);
	if (!err)
		err = writer_sums(w, sums.at, sums.len, r->records);
	bytes_free(&sums);
	return err;
}

static int bench_write(const struct load *load, const char *path, struct result *r)
{
	const struct synth_config cfg = {
		.streams = 1, .vms = 4, .vcpus = 4, .seed = 1, .records = 3 * load->records,
	};
	struct totals t = { .elapsed_ns = 1 };
	struct source *src = source_synth_open(&cfg);
	json_t *head = json_pack("{ss}", "source", "synth");
	const struct writer_config wcfg = { .path = path, .head = head };
	struct writer *w = writer_open(&wcfg);
	struct model *m = model_new(NULL, NULL);
	int err = src && w && m ? write_all(load, src, w, m, r) : -ENOMEM;
	double begin = now();

	if (!err)
		err = write_sums(w, m, r);
	if (!err)
		err = writer_end(w, &t);
	r->write_s += now() - begin;
	if (w) {
		r->bytes = writer_bytes(w);
		writer_close(w);
	}
	if (src)
		src->ops->close(src);
	if (m)
		model_free(m);
	json_decref(head);
	return err;
}

static int bench_sums(const char *path, double *seconds, uint64_t *records)
{
	const struct file_config cfg = { .path = path, .to_ns = UINT64_MAX, .types = UINT64_MAX };
	struct model *m = model_new(NULL, NULL);
	double begin = now();
	struct bytes sums = { 0 };
	struct source *src;
	uint64_t all = 0;
	char why[256];
	int ret;

	src = source_file_open(&cfg, why, sizeof(why));
	if (!src || !m) {
		fprintf(stderr, "bench_file: %s\n", why);
		return -EIO;
	}
	ret = source_file_sums(src, &sums, SUMS_BYTES_MAX);
	if (ret == 1)
		ret = sums_load(m, sums.at, sums.len);
	source_file_pass(src);
	src->ops->close(src);
	bytes_free(&sums);
	*seconds = now() - begin;
	for (size_t i = 0; i < MMUSCOPE_TYPES; i++)
		all += model_past(m)->records[i];
	model_free(m);
	if (all != *records)
		fprintf(stderr, "bench_file: the sums are of %llu records, not %llu\n",
			(unsigned long long)all, (unsigned long long)*records);
	return ret || all != *records ? -EIO : 0;
}

static int bench_read(const char *path, bool feed, double *seconds, uint64_t *records)
{
	const struct file_config cfg = { .path = path, .to_ns = UINT64_MAX, .types = UINT64_MAX };
	const struct mmuscope_hdr *recs[MODEL_BATCH];
	struct model *m = model_new(NULL, NULL);
	double begin = now();
	struct source *src;
	unsigned int nr;
	uint64_t all = 0;
	char why[256];
	int ret = 0;

	src = source_file_open(&cfg, why, sizeof(why));
	if (!src || !m) {
		fprintf(stderr, "bench_file: %s\n", why);
		return -EIO;
	}
	while (ret >= 0) {
		for (nr = 0; nr < MODEL_BATCH; nr++)
			if ((ret = src->ops->next(src, 0, &recs[nr])) != 1)
				break;
		all += nr;
		if (feed && batch_feed(m, recs, nr))
			break;
		src->ops->release(src, 0);
	}
	src->ops->close(src);
	*seconds = now() - begin;
	model_free(m);
	if (all != *records)
		fprintf(stderr, "bench_file: %llu records of %llu came back\n",
			(unsigned long long)all, (unsigned long long)*records);
	return ret == -ENODATA && all == *records ? 0 : -EIO;
}

/* A process per load: the largest memory of a process is never forgotten. */
static int run(const struct load *load, const char *path, struct result *r)
{
	struct rusage usage;
	int err = bench_read(path, false, &r->unpack_s, &r->records);

	if (!err)
		err = bench_read(path, true, &r->feed_s, &r->records);
	if (!err)
		err = bench_sums(path, &r->report_s, &r->records);
	getrusage(RUSAGE_SELF, &usage);
	r->rss_kib = usage.ru_maxrss;
	(void)load;
	return err;
}

static int run_apart(const struct load *load, const char *path, struct result *r)
{
	int fds[2], err = 0;
	pid_t pid;

	for (int half = 0; half < 2 && !err; half++) {
		if (pipe(fds))
			return -errno;
		pid = fork();
		if (pid < 0)
			return -errno;
		if (pid == 0)
			_exit((half ? run(load, path, r) : bench_write(load, path, r)) ||
			      write(fds[1], r, sizeof(*r)) != sizeof(*r));
		close(fds[1]);
		if (read(fds[0], r, sizeof(*r)) != sizeof(*r))
			err = -EIO;
		close(fds[0]);
		waitpid(pid, NULL, 0);
	}
	return err;
}

static void print(bool json, bool more, const struct load *load, const struct result *r)
{
	static const char *const formats[] = {
		"%s%-8s %11.0f %10.1f %8.2f %12.0f %12.0f %12.0f %12.0f %9ld\n",
		"%s\n{\"load\": \"%s\", \"records\": %.0f, \"file_mib\": %.1f, "
		"\"bytes_per_record\": %.3f, \"written_per_s\": %.0f, \"unpacked_per_s\": %.0f, "
		"\"counted_per_s\": %.0f, \"reported_per_s\": %.0f, \"rss_kib\": %ld}",
	};

	printf(formats[json], json && more ? "," : "", load->name, (double)r->records,
	       r->bytes / 1048576.0, (double)r->bytes / r->records, r->records / r->write_s,
	       r->records / r->unpack_s, r->records / r->feed_s, r->records / r->report_s,
	       r->rss_kib);
}

int main(int argc, char **argv)
{
	static const struct load loads[] = {
		{ "touch", 10000000, true }, { "mixed", 10000000, false },
		{ "large", 100000000, false },
	};
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	const char *folder = argc > 1 + json ? argv[1 + json] : "/tmp";
	char path[PATH_MAX];
	int err = 0;

	snprintf(path, sizeof(path), "%s/mmuscope-bench-%d.data", folder, getpid());
	printf(json ? "[" : "%-8s %11s %10s %8s %12s %12s %12s %12s %9s\n", "load", "records",
	       "MiB", "B/record", "written/s", "unpacked/s", "counted/s", "reported/s", "RSS KiB");
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]) && !err; i++) {
		struct result r = { 0 };

		err = run_apart(&loads[i], path, &r);
		if (!err)
			print(json, i, &loads[i], &r);
		fflush(stdout);
	}
	unlink(path);
	if (json)
		printf("\n]\n");
	if (err)
		fprintf(stderr, "bench_file: a run failed: %s\n", strerror(-err));
	return !!err;
}
