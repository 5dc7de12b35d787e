// SPDX-License-Identifier: GPL-2.0
/* What is written comes back, to the last bit, in order. */
#include "unit.h"

#include <errno.h>

#include "recording.h"

#define RECORDS	40000

static union any *records;
static size_t nr;

static void add(struct writer *w, const union any *r)
{
	records[nr++] = *r;
	assert_int_equal(writer_add(w, &r->hdr), 0);
}

static void end(struct writer *w)
{
	struct totals t = { .at = 5000, .elapsed_ns = 4000, .cost_ns = 7, .cost_records = 3 };

	assert_int_equal(writer_end(w, &t), 0);
	assert_int_equal(t.records, nr);
	writer_close(w);
}

static void compare(void)
{
	struct source *src = recording_read(0, UINT64_MAX);
	const struct mmuscope_hdr *rec;
	char text[256];
	int ret;

	assert_non_null(src);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(source_file_next(src, &rec), 1);
		assert_int_equal(rec->size, records[i].hdr.size);
		assert_memory_equal(rec, &records[i], rec->size);
	}
	ret = source_file_next(src, &rec);
	assert_int_equal(ret, -ENODATA);
	assert_false(source_file_damage(src, text, sizeof(text)));
	src->ops->close(src);
}

static int setup(void **state)
{
	(void)state;
	records = calloc(RECORDS, sizeof(*records));
	nr = 0;
	seed = 1;
	return !records;
}

static int teardown(void **state)
{
	(void)state;
	free(records);
	unlink(recording_path());
	return 0;
}

static uint8_t any_type(void)
{
	return 1 + random_u64() % (MMUSCOPE_TYPES - 1);
}

static void every_field_of_every_family(void **state)
{
	struct writer *w = recording_begin(0, 0);
	uint64_t ts = 1000;
	union any r;

	(void)state;
	while (nr < RECORDS) {
		random_record(&r, any_type(), ts += random_u64() % 5000);
		add(w, &r);
	}
	end(w);
	compare();
}

/* Blocks of one record, of one family, of values that are all the same. */
static void small_and_dull_blocks(void **state)
{
	struct writer *w = recording_begin(0, 0);
	struct totals t = { 0 };
	union any r;

	(void)state;
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		random_record(&r, type, 1000 * type);
		for (unsigned int i = 0; i < type; i++)
			add(w, &r);
		assert_int_equal(writer_mark(w, &t), 0);
		assert_int_equal(t.records, nr);
	}
	end(w);
	compare();
}

/* All that columns are made smaller by: steps, steps per vCPU, fields that follow others. */
static void regular_blocks(void **state)
{
	struct writer *w = recording_begin(0, 0);
	uint64_t ts = 1ULL << 62;
	union any r;

	(void)state;
	while (nr < RECORDS) {
		unsigned int vcpu = random_u64() % 5;

		memset(&r, 0, sizeof(r));
		r.fault = (struct mmuscope_fault){
			.hdr = { .ts = ts += 500 + random_u64() % 9, .dur = 300 + random_u64() % 99,
				 .vm = 1, .vcpu = vcpu, .type = MMUSCOPE_TYPE_fault,
				 .size = sizeof(r.fault) },
			.gpa = (nr << 12) + vcpu * (1ULL << 40), .rip = 0xffffffff81000000ULL,
			.lock_ns = nr % 1000 ? 0 : UINT64_MAX,
		};
		r.fault.gva = nr % 3 ? r.fault.gpa + 0x7f0000000000ULL : MMUSCOPE_UNKNOWN;
		r.fault.handler_ns = r.fault.hdr.dur - 20;
		r.fault.resolve_ns = r.fault.handler_ns / 2;
		add(w, &r);
	}
	end(w);
	compare();
}

/* vCPUs that fault, run for a while that is always the same, and fault again. */
static void busy_vcpus(void **state)
{
	struct writer *w = recording_begin(0, 0);
	uint64_t end_of[3] = { 1000, 1100, 1200 };
	union any r;

	(void)state;
	while (nr < RECORDS) {
		unsigned int next = 0;
		uint64_t dur = 1000 + random_u64() % 4000;

		for (unsigned int i = 1; i < 3; i++)
			if (end_of[i] < end_of[next])
				next = i;
		random_record(&r, MMUSCOPE_TYPE_invlpg, end_of[next]);
		r.hdr.vcpu = next;
		r.hdr.vm = 1;
		r.hdr.dur = dur;
		/* The end of this one, now that it is known that it comes next. */
		r.hdr.ts = end_of[next] += 70 + dur;
		add(w, &r);
	}
	end(w);
	compare();
}

/* Time stamps that go back, as they do where a record of state came too late. */
static void time_that_goes_back(void **state)
{
	struct writer *w = recording_begin(0, 0);
	union any r;

	(void)state;
	while (nr < 1000) {
		random_record(&r, any_type(), random_u64());
		add(w, &r);
	}
	end(w);
	compare();
}

/* Shorter ones come from an older collector: what is missing is 0. */
static void short_records_are_filled_up(void **state)
{
	struct writer *w = recording_begin(0, 0);
	union any r;

	(void)state;
	random_record(&r, MMUSCOPE_TYPE_fault, 77);
	r.hdr.size = 64;
	assert_int_equal(writer_add(w, &r.hdr), 0);
	memset((char *)&r + 64, 0, sizeof(r) - 64);
	r.hdr.size = sizeof(r.fault);
	records[nr++] = r;
	end(w);
	compare();
}

static void strange_records_are_told_as_lost(void **state)
{
	const struct mmuscope_hdr strange = { .type = 200, .size = 24, .ts = 5 };
	struct writer *w = recording_begin(0, 0);
	const struct mmuscope_hdr *rec;
	struct source *src;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(writer_add(w, &strange), 0);
	nr = 1;
	end(w);
	src = recording_read(0, UINT64_MAX);
	assert_int_equal(source_file_next(src, &rec), 1);
	assert_int_equal(rec->type, MMUSCOPE_TYPE_lost);
	assert_int_equal(((const struct mmuscope_lost *)rec)->count, 3);
	src->ops->close(src);
}

/* Whoever wants more gives back what there was before. */
static void records_stay_until_they_are_given_back(void **state)
{
	struct writer *w = recording_begin(0, 0);
	const struct mmuscope_hdr *rec, *first = NULL;
	union any kept, r;
	struct source *src;
	int ret, blocks = 0;
	size_t all = 0;

	(void)state;
	for (uint64_t i = 0; i < 20000; i++) {
		random_record(&r, MMUSCOPE_TYPE_fault, 1000 + i);
		assert_int_equal(writer_add(w, &r.hdr), 0);
	}
	nr = 20000;
	end(w);
	src = recording_read(0, UINT64_MAX);
	do {
		for (size_t i = 0; (ret = src->ops->next(src, 0, &rec)) == 1; i++, all++) {
			if (!i)
				memcpy(&kept, first = rec, sizeof(kept.fault));
		}
		blocks++;
		assert_memory_equal(first, &kept, sizeof(kept.fault));
		assert_int_equal(src->ops->next(src, 0, &rec), ret);
		src->ops->release(src, 0);
	} while (!ret);
	assert_int_equal(ret, -ENODATA);
	assert_int_equal(all, 20000);
	assert_true(blocks > 2);
	src->ops->close(src);
}

static void an_empty_recording(void **state)
{
	(void)state;
	end(recording_begin(0, 0));
	compare();
}

static void cost_and_time_are_kept(void **state)
{
	struct source_cost cost;
	const struct mmuscope_hdr *rec;
	struct source *src;

	(void)state;
	end(recording_begin(0, 0));
	src = recording_read(0, UINT64_MAX);
	while (source_file_next(src, &rec) == 1)
		;
	src->ops->cost(src, &cost);
	assert_int_equal(cost.records, 3);
	assert_int_equal(cost.collector_ns, 7);
	assert_int_equal(source_file_elapsed(src), 4000);
	assert_int_equal(source_file_begin(src), 1000);
	src->ops->close(src);
}

/* A VM's name is the one that it had, whatever runs with that process id now. */
static void names_are_kept(void **state)
{
	struct writer *w = recording_begin(0, 0);
	const struct mmuscope_hdr *rec;
	struct mmuscope_vm vm;
	struct source *src;
	union any r;
	char name[64];

	(void)state;
	random_record(&r, MMUSCOPE_TYPE_vm, 1);
	r.hdr.vm = 2;
	r.vm.pid = 1;
	assert_int_equal(writer_name(w, 2, 1, "web 1\033[31m"), 0);
	add(w, &r);
	end(w);
	src = recording_read(0, UINT64_MAX);
	assert_int_equal(source_file_next(src, &rec), 1);
	memcpy(&vm, rec, sizeof(vm));
	source_file_name(src, &vm, name, sizeof(name));
	assert_string_equal(name, "web 1?[31m");
	vm.pid = 99;
	memcpy(vm.comm, "qemu", 5);
	source_file_name(src, &vm, name, sizeof(name));
	assert_string_equal(name, "qemu:99");
	src->ops->close(src);
}

/* Records of VMs come whatever the time. */
static size_t count_between(uint64_t from, uint64_t to)
{
	size_t vms = 0;
	struct source *src = recording_read(from, to);
	const struct mmuscope_hdr *rec;
	size_t n = 0;

	while (source_file_next(src, &rec) == 1) {
		n += rec->type == MMUSCOPE_TYPE_fault;
		vms += rec->type == MMUSCOPE_TYPE_vm;
	}
	assert_int_equal(vms, 1);
	src->ops->close(src);
	return n;
}

static void a_part_of_the_time(void **state)
{
	struct writer *w = recording_begin(0, 0);
	union any r;

	(void)state;
	random_record(&r, MMUSCOPE_TYPE_vm, 1000);
	add(w, &r);
	for (uint64_t i = 0; i < RECORDS - 1; i++) {
		random_record(&r, MMUSCOPE_TYPE_fault, 1000 + i);
		add(w, &r);
	}
	end(w);
	assert_int_equal(count_between(0, UINT64_MAX), RECORDS - 1);
	assert_int_equal(count_between(0, 99), 100);
	assert_int_equal(count_between(20000, 29999), 10000);
	assert_int_equal(count_between(RECORDS - 2, UINT64_MAX), 1);
	assert_int_equal(count_between(RECORDS - 1, UINT64_MAX), 0);
}

/* What an older or newer version would have written: this one's schema, changed in the head. */
static void change_schema(void (*change)(json_t *events))
{
	struct reader *r;
	json_t *head, *events;
	struct bytes packed = { 0 };
	struct chunk old, c = { .kind = CHUNK_HEAD };
	char err[256], *all;
	size_t len, rest;

	r = reader_open(recording_path(), err, sizeof(err));
	head = json_deep_copy(reader_head(r));
	reader_close(r);
	events = json_object_get(json_object_get(head, "schema"), "events");
	change(events);
	assert_int_equal(text_pack(head, &packed), 0);
	json_decref(head);
	all = recording_bytes(recording_path(), &len);
	memcpy(&old, all + sizeof(struct file_preamble), sizeof(old));
	rest = sizeof(struct file_preamble) + sizeof(old) + old.stored;
	c.stored = packed.len;
	chunk_seal(&c, packed.at);
	{
		FILE *f = fopen(recording_path(), "w");

		fwrite(all, 1, sizeof(struct file_preamble), f);
		fwrite(&c, 1, sizeof(c), f);
		fwrite(packed.at, 1, packed.len, f);
		fwrite(all + rest, 1, len - rest, f);
		fclose(f);
	}
	bytes_free(&packed);
	free(all);
}

/* A blank begins a name as well as anything else does; a later name is not that of before. */
static void names_are_of_their_time(void **state)
{
	struct mmuscope_vm vm = {
		.hdr = { .ts = 2000, .vm = 2, .vcpu = MMUSCOPE_NO_VCPU,
			 .type = MMUSCOPE_TYPE_vm, .size = sizeof(vm) },
		.pid = 1,
	};
	static const char *const names[] = { " first", "second" };
	struct writer *w = recording_begin(0, 0);
	const struct mmuscope_hdr *rec;
	struct totals t = { 0 };
	struct source *src;
	char name[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(writer_name(w, 2, 1, names[i]), 0);
		assert_int_equal(writer_add(w, &vm.hdr), 0);
	}
	assert_int_equal(writer_end(w, &t), 0);
	writer_close(w);
	src = recording_read(0, UINT64_MAX);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(source_file_next(src, &rec), 1);
		source_file_name(src, (const struct mmuscope_vm *)rec, name, sizeof(name));
		assert_string_equal(name, names[i]);
	}
	src->ops->close(src);
}

static void rename_things(json_t *events)
{
	json_t *fault = json_array_get(events, 1), *flush = json_array_get(events, 2);

	/* A family and a field that this version does not know. */
	json_object_set_new(flush, "id", json_integer(99));
	json_object_set_new(flush, "name", json_string("novelty"));
	json_object_set_new(json_array_get(json_object_get(fault, "fields"), 1), "name",
			    json_string("strange"));
}

static void what_is_not_known_is_passed_over(void **state)
{
	struct writer *w = recording_begin(0, 0);
	const struct mmuscope_hdr *rec;
	struct source *src;
	union any r;
	char err[256];

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		random_record(&r, MMUSCOPE_TYPE_fault, 1000 + i);
		add(w, &r);
	}
	end(w);
	change_schema(rename_things);
	src = recording_read(0, UINT64_MAX);
	assert_non_null(src);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(source_file_next(src, &rec), 1);
		records[i].fault.gva = MMUSCOPE_UNKNOWN;
		assert_memory_equal(rec, &records[i], rec->size);
	}
	assert_int_equal(source_file_next(src, &rec), -ENODATA);
	assert_false(source_file_damage(src, err, sizeof(err)));
	src->ops->close(src);
}

/* "test_file --make tests/golden/schema-N.data" makes what later versions must be able to read. */
static int make(const char *path)
{
	struct writer *w;
	union any r;

	setup(NULL);
	w = recording_begin(0, 0);
	writer_name(w, 1, 4711, "golden");
	for (unsigned int i = 0; i < 5 * (MMUSCOPE_TYPES - 1); i++) {
		random_record(&r, 1 + i % (MMUSCOPE_TYPES - 1), 1000 + 777 * i);
		if (r.hdr.type == MMUSCOPE_TYPE_vm)
			r.vm.pid = 4711;
		add(w, &r);
	}
	end(w);
	free(records);
	return rename(recording_path(), path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(every_field_of_every_family),
		TEST(small_and_dull_blocks),
		TEST(regular_blocks),
		TEST(busy_vcpus),
		TEST(time_that_goes_back),
		TEST(short_records_are_filled_up),
		TEST(strange_records_are_told_as_lost),
		TEST(records_stay_until_they_are_given_back),
		TEST(an_empty_recording),
		TEST(cost_and_time_are_kept),
		TEST(names_are_kept),
		TEST(names_are_of_their_time),
		TEST(a_part_of_the_time),
		TEST(what_is_not_known_is_passed_over),
	};

	if (argc == 3 && !strcmp(argv[1], "--make"))
		return make(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
