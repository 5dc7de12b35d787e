// SPDX-License-Identifier: GPL-2.0
/* Recordings that broke off, were damaged or overwrite themselves. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "recording.h"

#define NR	10000

/* Faults numbered by their address, one every microsecond; the number decides all of it. */
static void make_fault(union any *r, uint64_t i)
{
	seed = i;
	random_record(r, MMUSCOPE_TYPE_fault, 1000 + i * 1000);
	r->fault.gpa = i;
}

/* With a mark every 1000. */
static void write_faults(struct writer *w, uint64_t from, uint64_t to, bool marks)
{
	struct totals t = { 0 };
	union any r;

	for (uint64_t i = from; i < to; i++) {
		make_fault(&r, i);
		assert_int_equal(writer_add(w, &r.hdr), 0);
		t.at = r.hdr.ts;
		if (marks && i % 1000 == 999)
			assert_int_equal(writer_mark(w, &t), 0);
	}
}

static void make(bool marks)
{
	struct writer *w = recording_begin(0, 0);
	struct totals t = { .at = 1000 + NR * 1000, .elapsed_ns = NR * 1000 };

	write_faults(w, 0, NR, marks);
	assert_int_equal(writer_end(w, &t), 0);
	writer_close(w);
}

/**
 * struct found - what a reading found
 * @faults: numbered @first to @last, of which @faults are there
 * @lost: told
 * @why: said of the damage, "" for none
 */
struct found {
	uint64_t faults, first, last, lost;
	char why[512];
};

/* Return: whether the recording could be opened. What is read must be what was written. */
static bool find(struct found *f)
{
	struct source *src = recording_read(0, UINT64_MAX);
	const struct mmuscope_hdr *rec;
	union any want;
	int ret;

	*f = (struct found){ .first = UINT64_MAX };
	if (!src)
		return false;
	while ((ret = source_file_next(src, &rec)) == 1) {
		if (rec->type == MMUSCOPE_TYPE_lost)
			f->lost += ((const struct mmuscope_lost *)rec)->count;
		if (rec->type != MMUSCOPE_TYPE_fault)
			continue;
		f->last = ((const struct mmuscope_fault *)rec)->gpa;
		if (!f->faults++)
			f->first = f->last;
		make_fault(&want, f->last);
		assert_memory_equal(rec, &want, sizeof(want.fault));
	}
	assert_int_equal(ret, -ENODATA);
	source_file_damage(src, f->why, sizeof(f->why));
	src->ops->close(src);
	return true;
}

static int teardown(void **state)
{
	(void)state;
	unlink(recording_path());
	return 0;
}

static void whole_recordings_have_no_damage(void **state)
{
	struct found f;

	(void)state;
	make(true);
	assert_true(find(&f));
	assert_int_equal(f.faults, NR);
	assert_int_equal(f.lost, 0);
	assert_string_equal(f.why, "");
}

/* Wherever it breaks off: all blocks before can be read, and it is told. */
static void torn_recordings_are_read_up_to_the_tear(void **state)
{
	uint64_t before = 0;
	struct found f;
	size_t len, head = 0;
	char *all;

	(void)state;
	make(true);
	all = recording_bytes(recording_path(), &len);
	for (size_t cut = 0; cut < len; cut += 1 + cut / 61) {
		recording_replace(all, cut);
		if (!find(&f)) {
			assert_int_equal(before, 0);
			head = cut;
			continue;
		}
		assert_true(*f.why);
		assert_int_equal(f.lost, 0);
		assert_true(f.faults >= before);
		/* A block of 1000 faults takes no more than its numbers. */
		assert_true(f.faults + 1000 >= (cut - head) / sizeof(struct mmuscope_fault));
		assert_true(!f.faults || (f.first == 0 && f.last == f.faults - 1));
		before = f.faults;
	}
	assert_true(before >= NR - 1000);
	free(all);
}

/* One wrong byte anywhere: nothing worse than the loss of its block, which is told, exactly. */
static void damaged_recordings_lose_a_block(void **state)
{
	struct found f;
	size_t len;
	char *all;

	(void)state;
	make(true);
	all = recording_bytes(recording_path(), &len);
	for (unsigned int i = 0; i < 200; i++) {
		size_t at;
		char bit;

		seed = 1000000 + i;
		at = random_u64() % len;
		bit = 1 << random_u64() % 8;

		all[at] ^= bit;
		recording_replace(all, len);
		all[at] ^= bit;
		if (!find(&f))
			continue;
		assert_true(f.faults + 1000 >= NR);
		assert_int_equal(f.faults + f.lost, NR);
		assert_true(f.faults == NR || *f.why);
	}
	free(all);
}

/* What is damaged is told also where no total follows that would have told. */
static void damage_before_a_tear_is_told(void **state)
{
	struct reader *r;
	struct chunk c;
	struct found f;
	size_t len, at = 0, last = 0;
	char *all, err[256];

	(void)state;
	make(false);
	all = recording_bytes(recording_path(), &len);
	r = reader_open(recording_path(), err, sizeof(err));
	while (reader_next_head(r, &c) == 1 && c.kind == CHUNK_BLOCK)
		last = c.records;
	reader_close(r);
	/* Behind the last block comes the end; the index repeats its head. */
	for (size_t i = 0; !at && i + sizeof(c) < len; i++) {
		memcpy(&c, all + i, sizeof(c));
		if (chunk_is(&c) && c.kind == CHUNK_END)
			at = i;
	}
	all[at - 10] ^= 1;
	recording_replace(all, at);
	assert_true(find(&f));
	assert_int_equal(f.lost, last);
	assert_int_equal(f.faults, NR - last);
	free(all);
}

/* A stretch of zeros, as a file system leaves after the power failed. */
static void holes_are_passed_over(void **state)
{
	struct found f;
	size_t len;
	char *all;

	(void)state;
	make(true);
	all = recording_bytes(recording_path(), &len);
	memset(all + len / 2, 0, 20000);
	/* Nor is there an index to help. */
	recording_replace(all, len - 100);
	assert_true(find(&f));
	assert_true(f.faults < NR && f.faults > NR / 2);
	assert_int_equal(f.last, NR - 1);
	assert_int_equal(f.faults + f.lost, NR);
	assert_non_null(strstr(f.why, "damaged"));
	free(all);
}

static void foreign_files_are_refused(void **state)
{
	static const char preamble[] = "MMUSCOPE\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	static const char newer[] = "MMUSCOPE\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	static const char odd[] = "MMUSCOPE\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0";
	const struct { const char *bytes; size_t len; } files[] = {
		{ "", 0 }, { "MMUSCOP", 7 }, { "#!/bin/sh\nexit 0\n", 17 },
		{ preamble, 24 }, { preamble, 12 }, { newer, 24 }, { odd, 24 },
	};
	struct found f;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		recording_replace(files[i].bytes, files[i].len);
		assert_false(find(&f));
	}
}

static void flight_recorders_keep_the_end(void **state)
{
	struct writer *w = recording_begin(WRITER_SMALLEST, 0);
	const uint64_t nr = 400000;
	struct totals t = { 0 };
	struct found f;
	size_t len;

	(void)state;
	write_faults(w, 0, nr, true);
	/* As after a power failure: without an end. */
	writer_close(w);
	free(recording_bytes(recording_path(), &len));
	assert_true(len <= WRITER_SMALLEST);
	assert_true(find(&f));
	assert_int_equal(f.last, nr - 1);
	assert_int_equal(f.faults, f.last - f.first + 1);
	assert_true(f.faults < nr && f.faults > nr / 10);
	assert_int_equal(f.lost, 0);
	(void)t;
}

/* Chunks of one size: behind the newest an older one begins exactly where the next would. */
static void older_chunks_behind_newer_ones_are_not_read(void **state)
{
	struct writer *w = recording_begin(WRITER_SMALLEST, 0);
	struct totals t = { 0 };
	const uint8_t *content;
	struct reader *r;
	struct chunk c;
	uint64_t before = 0, nr = 0;
	char err[256];

	(void)state;
	for (unsigned int i = 0; i < 60000; i++)
		assert_int_equal(writer_mark(w, &t), 0);
	writer_close(w);
	r = reader_open(recording_path(), err, sizeof(err));
	while (reader_next(r, &c, &content) == 1) {
		assert_true(!nr || c.seq == before + 1);
		before = c.seq;
		nr++;
	}
	assert_int_equal(before, 60000);
	assert_true(nr > 1000 && nr < 60000);
	reader_close(r);
}

/* What says whose the records are is repeated, although it was told before all that is left. */
static void flight_recorders_repeat_what_is(void **state)
{
	struct writer *w = recording_begin(WRITER_SMALLEST, 0);
	const struct mmuscope_hdr *rec;
	bool vm = false, vcpu = false;
	struct totals t = { 0 };
	struct source *src;
	union any r;

	(void)state;
	random_record(&r, MMUSCOPE_TYPE_vm, 1);
	r.vm.op = MMUSCOPE_life_created;
	r.vm.pid = 7;
	r.hdr.vm = 1;
	assert_int_equal(writer_name(w, 1, 7, "web1"), 0);
	assert_int_equal(writer_add(w, &r.hdr), 0);
	random_record(&r, MMUSCOPE_TYPE_vcpu, 2);
	r.vcpu.op = MMUSCOPE_life_created;
	r.hdr.vm = 1;
	assert_int_equal(writer_add(w, &r.hdr), 0);
	random_record(&r, MMUSCOPE_TYPE_vcpu, 2);
	r.vcpu.op = MMUSCOPE_life_destroyed;
	r.hdr.vm = 2;
	assert_int_equal(writer_add(w, &r.hdr), 0);
	write_faults(w, 0, 400000, true);
	assert_int_equal(writer_end(w, &t), 0);
	writer_close(w);
	src = recording_read(0, UINT64_MAX);
	while (source_file_next(src, &rec) == 1) {
		char name[64];

		if (rec->type == MMUSCOPE_TYPE_vm) {
			assert_false(vm);
			vm = true;
			assert_int_equal(((const struct mmuscope_vm *)rec)->op,
					 MMUSCOPE_life_found);
			source_file_name(src, (const struct mmuscope_vm *)rec, name, sizeof(name));
			assert_string_equal(name, "web1");
		} else if (rec->type == MMUSCOPE_TYPE_vcpu) {
			assert_false(vcpu);
			vcpu = true;
		}
	}
	assert_true(vm && vcpu);
	src->ops->close(src);
}

/* By time: nothing younger than that is given up, and the file stops growing. */
static void flight_recorders_keep_a_time(void **state)
{
	const uint64_t last_ns = 50000 * 1000ULL, nr = 600000;
	struct writer *w = recording_begin(0, last_ns);
	struct found f;
	uint64_t half;

	(void)state;
	write_faults(w, 0, nr / 2, true);
	half = writer_bytes(w);
	write_faults(w, nr / 2, nr, true);
	/* The segment that was the last one then may have been filled up since. */
	assert_true(writer_bytes(w) <= half + (1 << 20));
	writer_close(w);
	assert_true(find(&f));
	assert_int_equal(f.last, nr - 1);
	assert_int_equal(f.faults, f.last - f.first + 1);
	assert_true(f.faults >= 50000 && f.faults < nr / 2);
}

static void snapshots_are_whole_recordings(void **state)
{
	struct writer *w = recording_begin(WRITER_SMALLEST, 0);
	struct totals t = { 0 };
	char path[96];
	struct found f;

	(void)state;
	snprintf(path, sizeof(path), "%s.1", recording_path());
	write_faults(w, 0, 400000, true);
	assert_int_equal(writer_snapshot(w, path, &t), 0);
	/* Recording goes on. */
	write_faults(w, 400000, 800000, true);
	assert_int_equal(writer_end(w, &t), 0);
	writer_close(w);
	assert_true(find(&f));
	assert_int_equal(f.last, 799999);
	assert_string_equal(f.why, "");
	assert_int_equal(rename(path, recording_path()), 0);
	assert_true(find(&f));
	assert_int_equal(f.last, 399999);
	assert_int_equal(f.faults, f.last - f.first + 1);
	assert_int_equal(f.lost, 0);
	assert_string_equal(f.why, "");
}

/* Of @records, with sums that are @len bytes of noise. */
static void make_summed(uint64_t max_bytes, size_t len, uint64_t records)
{
	struct writer *w = recording_begin(max_bytes, 0);
	struct totals t = { .at = 1000 + NR * 1000, .elapsed_ns = NR * 1000 };
	uint8_t *sums = malloc(len);

	write_faults(w, 0, NR, true);
	seed = 1;
	for (size_t i = 0; i < len; i++)
		sums[i] = random_u64();
	assert_int_equal(writer_sums(w, sums, len, records), 0);
	assert_int_equal(writer_end(w, &t), 0);
	writer_close(w);
	free(sums);
}

/* Return: how many bytes of sums the recording has that can be relied on. */
static size_t sums_found(uint64_t from, size_t max)
{
	struct source *src = recording_read(from, UINT64_MAX);
	const struct mmuscope_hdr *rec;
	struct bytes sums = { 0 };
	int ret = source_file_sums(src, &sums, max);

	/* Nothing was taken of the records. */
	assert_int_equal(source_file_next(src, &rec), 1);
	assert_in_range(ret, 0, 1);
	seed = 1;
	for (size_t i = 0; ret && i < sums.len; i++)
		assert_int_equal(sums.at[i], (uint8_t)random_u64());
	src->ops->close(src);
	max = ret ? sums.len : 0;
	bytes_free(&sums);
	return max;
}

static void sums_are_of_all_records_and_small(void **state)
{
	(void)state;
	make_summed(0, 1000, NR);
	assert_int_equal(sums_found(0, 1000), 1000);
	assert_int_equal(sums_found(0, 999), 0);
	assert_int_equal(sums_found(1, 1000), 0);
	make_summed(0, 1000, NR - 1);
	assert_int_equal(sums_found(0, 1000), 0);
	make_summed(0, 100000, NR);
	assert_int_equal(sums_found(0, 100000), 0);
	make_summed(WRITER_SMALLEST, 1000, NR);
	assert_int_equal(sums_found(0, 1000), 0);
}

/* Who relies on sums has not seen that records are damaged. */
static void sums_hold_for_whole_recordings_alone(void **state)
{
	size_t len, place;
	char *bytes;

	(void)state;
	make_summed(0, 1000, NR);
	bytes = recording_bytes(recording_path(), &len);
	/* Behind the head, without which there is nothing at all. */
	for (place = 4000; place < len; place += len / 50) {
		bytes[place] ^= 1;
		recording_replace(bytes, len);
		assert_int_equal(sums_found(0, 1000), 0);
		bytes[place] ^= 1;
	}
	for (size_t cut = 1; cut < 2000; cut += 100) {
		recording_replace(bytes, len - cut);
		assert_int_equal(sums_found(0, 1000), 0);
	}
	recording_replace(bytes, len);
	assert_int_equal(sums_found(0, 1000), 1000);
	free(bytes);
}

/* The index has another copy of each head, which is whole. */
static void sums_do_not_hold_without_the_heads(void **state)
{
	unsigned int heads = 0;
	char *bytes, *at;
	size_t len;

	(void)state;
	make_summed(0, 1000, NR);
	bytes = recording_bytes(recording_path(), &len);
	/* But for the first, without which there is nothing, and the index's own. */
	at = bytes + sizeof(struct file_preamble) + 1;
	while ((at = memmem(at, bytes + len - at, "MSCK", 4)) && heads < 20) {
		at[20] ^= 1;
		recording_replace(bytes, len);
		assert_int_equal(sums_found(0, 1000), 0);
		at[20] ^= 1;
		at++;
		heads++;
	}
	assert_int_equal(heads, 20);
	free(bytes);
}

/* Without room for its sums a recording is whole all the same. */
static void sums_are_not_worth_an_end(void **state)
{
	struct rlimit before, limit;
	struct found f;
	struct stat st;

	(void)state;
	make(true);
	assert_int_equal(stat(recording_path(), &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ st.st_size + 1000, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &limit);
	make_summed(0, 4000, NR);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(find(&f));
	assert_int_equal(f.faults, NR);
	assert_string_equal(f.why, "");
	assert_int_equal(sums_found(0, 4000), 0);
}

static void sums_passed_leave_nothing_to_read(void **state)
{
	const struct mmuscope_hdr *rec;
	struct source *src;
	char why[256];

	(void)state;
	make_summed(0, 1000, NR);
	src = recording_read(0, UINT64_MAX);
	source_file_pass(src);
	assert_int_equal(source_file_next(src, &rec), -ENODATA);
	assert_int_equal(source_file_elapsed(src), NR * 1000);
	assert_int_equal(reader_totals(source_file_reader(src))->records, NR);
	assert_false(source_file_damage(src, why, sizeof(why)));
	src->ops->close(src);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_recordings_have_no_damage),
		TEST(torn_recordings_are_read_up_to_the_tear),
		TEST(damaged_recordings_lose_a_block),
		TEST(damage_before_a_tear_is_told),
		TEST(holes_are_passed_over),
		TEST(foreign_files_are_refused),
		TEST(flight_recorders_keep_the_end),
		TEST(older_chunks_behind_newer_ones_are_not_read),
		TEST(flight_recorders_repeat_what_is),
		TEST(flight_recorders_keep_a_time),
		TEST(snapshots_are_whole_recordings),
		TEST(sums_are_of_all_records_and_small),
		TEST(sums_hold_for_whole_recordings_alone),
		TEST(sums_do_not_hold_without_the_heads),
		TEST(sums_are_not_worth_an_end),
		TEST(sums_passed_leave_nothing_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
