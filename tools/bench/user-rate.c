// SPDX-License-Identifier: GPL-2.0
/*
 * What user space can take in: synthetic records through merge, model and
 * histograms on one CPU, and how much memory that needs. Runs of two lengths,
 * because memory must not depend on how long the tool runs.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/batch.h"
#include "source/merge.h"
#include "source/source.h"

struct result {
	uint64_t records;
	uint64_t lost;
	double seconds;
	long rss_kib;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int feed_all(struct source *src, struct model *model, struct result *r)
{
	struct merge *merge = merge_open(src);
	const struct mmuscope_hdr *recs[MODEL_BATCH];
	int ret;

	if (!merge)
		return -ENOMEM;
	merge_begin(merge, UINT64_MAX);
	while ((ret = merge_take(merge, recs, MODEL_BATCH)) > 0) {
		r->records += ret;
		ret = batch_feed(model, recs, ret);
		if (ret)
			break;
	}
	merge_end(merge);
	merge_close(merge);
	for (size_t i = 0; i < WORDS_stage; i++)
		r->lost += model_now(model)->lost[i];
	return ret == -ENODATA ? 0 : ret;
}

static int run(uint64_t records, unsigned int streams, struct result *r)
{
	struct synth_config cfg = {
		.streams = streams, .vms = 4, .vcpus = 4, .records = records, .seed = 1,
	};
	struct source *src = source_synth_open(&cfg);
	struct model *model = model_new(NULL, NULL);
	struct rusage usage;
	int err = -ENOMEM;

	if (src && model) {
		r->seconds = now();
		err = feed_all(src, model, r);
		r->seconds = now() - r->seconds;
	}
	if (model)
		model_free(model);
	if (src)
		src->ops->close(src);
	getrusage(RUSAGE_SELF, &usage);
	r->rss_kib = usage.ru_maxrss;
	return err;
}

/* A process per run: the largest memory of a process is never forgotten. */
static int run_apart(uint64_t records, unsigned int streams, struct result *r)
{
	int fds[2], status = 0;
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		struct result mine = { 0 };

		_exit(run(records, streams, &mine) ||
		      write(fds[1], &mine, sizeof(mine)) != sizeof(mine));
	}
	close(fds[1]);
	if (read(fds[0], r, sizeof(*r)) != sizeof(*r))
		status = -EIO;
	close(fds[0]);
	waitpid(pid, NULL, 0);
	return status;
}

static void print(bool json, bool more, unsigned int streams, const struct result *r)
{
	unsigned long long records = r->records, lost = r->lost;
	double rate = r->records / r->seconds;

	if (json)
		printf("%s\n{\"streams\": %u, \"records\": %llu, \"records_per_s\": %.0f, "
		       "\"rss_kib\": %ld, \"lost\": %llu}", more ? "," : "", streams, records,
		       rate, r->rss_kib, lost);
	else
		printf("%8u %12llu %12.0f %10ld %8llu\n", streams, records, rate, r->rss_kib,
		       lost);
}

int main(int argc, char **argv)
{
	static const uint64_t lengths[] = { 10000000, 100000000 };
	static const unsigned int streams[] = { 2, 8 };
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	struct result r;

	if (argc > 1 + json) {
		fprintf(stderr, "usage: user-rate [--json]\n");
		return 2;
	}
	printf(json ? "[" : "%8s %12s %12s %10s %8s\n", "streams", "records", "records/s",
	       "RSS KiB", "lost");
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			if (run_apart(lengths[j], streams[i], &r)) {
				fprintf(stderr, "user-rate: a run failed\n");
				return 1;
			}
			print(json, i || j, streams[i], &r);
		}
	}
	if (json)
		printf("\n]\n");
	return 0;
}
