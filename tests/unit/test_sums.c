// SPDX-License-Identifier: GPL-2.0
/* What a model has added up, as bytes and back. */
#include "unit.h"

#include <stdio.h>
#include <zlib.h>

#include "model/sums.h"
#include "models.h"
#include "recording.h"

/* As many families, VMs and lost records as the generator has. */
static struct model *model_fed(uint64_t records, unsigned int vms)
{
	const struct synth_config cfg = {
		.streams = 1, .vms = vms, .vcpus = 3, .records = records, .seed = 5, .lost = 9,
	};

	return model_made_up(&cfg);
}

/* Return: the model that @sums make, or NULL where they make none. */
static struct model *model_made(const struct bytes *sums, size_t len)
{
	/* Of just that size, so that a byte too many read is found. */
	uint8_t *exact = malloc(len ? len : 1);
	struct model *m = model_new(NULL, NULL);

	memcpy(exact, sums->at, len);
	if (sums_load(m, exact, len)) {
		model_free(m);
		m = NULL;
	}
	free(exact);
	return m;
}

static void same_after(struct model *m)
{
	struct bytes sums = { 0 }, again = { 0 };
	struct model *made;

	assert_int_equal(sums_save(m, &sums), 0);
	made = model_made(&sums, sums.len);
	assert_non_null(made);
	same_models(m, made);
	assert_int_equal(sums_save(made, &again), 0);
	assert_int_equal(again.len, sums.len);
	assert_memory_equal(again.at, sums.at, sums.len);
	/* It can be folded, as a report does in any case. */
	assert_int_equal(model_fold(made), 0);
	same_models(m, made);
	model_free(made);
	bytes_free(&sums);
	bytes_free(&again);
}

static void all_that_there_is_comes_back(void **state)
{
	struct model *m = model_fed(200000, 5);
	struct history_sizes sizes;

	(void)state;
	/* Or the comparison would say little. */
	assert_true(model_past(m)->lost[MMUSCOPE_stage_ring]);
	assert_true(model_vm(m, 0)->past.nr_exits && model_vm(m, 0)->past.notify.nr);
	assert_true(model_vm(m, 0)->slots.nr);
	model_sizes(m, model_vm(m, 0), &sizes);
	assert_true(sizes.pages[1]);
	same_after(m);
	model_free(m);
}

static void nothing_comes_back(void **state)
{
	struct model *m = model_new(NULL, NULL);

	(void)state;
	same_after(m);
	model_free(m);
}

/* Records of any content, which make rows that the generator does not make. */
static void anything_comes_back(void **state)
{
	struct model *m = model_new(NULL, NULL);
	union any r;

	(void)state;
	for (unsigned int i = 0; i < 30000; i++) {
		uint8_t type = 1 + random_u64() % (MMUSCOPE_TYPES - 1);

		if (!schema_event(type))
			continue;
		random_record(&r, type, 1000 + i);
		assert_int_equal(model_feed(m, &r.hdr), 0);
	}
	assert_int_equal(model_fold(m), 0);
	same_after(m);
	model_free(m);
}

/* A number that was given anew belongs to the VM that has it now. */
static void later_vms_of_a_number_are_found(void **state)
{
	struct model *m = model_new(NULL, NULL), *made;
	struct bytes sums = { 0 };

	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		struct mmuscope_vm vm = {
			.hdr = { .ts = i, .vm = 7, .vcpu = MMUSCOPE_NO_VCPU,
				 .type = MMUSCOPE_TYPE_vm, .size = sizeof(vm) },
			.pid = i / 2 + 1,
			.op = i == 2 ? MMUSCOPE_life_destroyed : MMUSCOPE_life_created,
		};

		assert_int_equal(model_feed(m, &vm.hdr), 0);
	}
	assert_int_equal(model_fold(m), 0);
	assert_int_equal(sums_save(m, &sums), 0);
	made = model_made(&sums, sums.len);
	assert_int_equal(model_vms(made), 2);
	assert_int_equal(model_vm_of(made, 7)->pid, 2);
	model_free(made);
	model_free(m);
	bytes_free(&sums);
}

static void name_to_escape(void *ctx, const struct mmuscope_vm *rec, char *name, size_t size)
{
	(void)ctx;
	(void)rec;
	snprintf(name, size, "a\033[2Jb");
}

static void invalidate_by(struct model *m, const char *comm)
{
	struct mmuscope_invalidate r = {
		.hdr = { .ts = 1, .vm = 1, .vcpu = MMUSCOPE_NO_VCPU,
			 .type = MMUSCOPE_TYPE_invalidate, .size = sizeof(r) },
	};

	memcpy(r.comm, comm, strlen(comm));
	assert_int_equal(model_feed(m, &r.hdr), 0);
}

/* Tasks choose their names: what looks alike is one row, counted live or from a file. */
static void tasks_have_no_escape_sequences(void **state)
{
	struct model *m = model_new(NULL, NULL);
	const struct notify *n;

	(void)state;
	invalidate_by(m, "a\033b");
	invalidate_by(m, "a\007b");
	invalidate_by(m, "a?b");
	invalidate_by(m, "ab");
	assert_int_equal(model_fold(m), 0);
	n = &model_vm(m, 0)->past.notify;
	assert_int_equal(n->nr, 2);
	assert_string_equal(n->rows[0].comm, "a?b");
	assert_int_equal(n->rows[0].hist->count, 3);
	same_after(m);
	model_free(m);
}

static void names_have_no_escape_sequences(void **state)
{
	struct model *m = model_new(name_to_escape, NULL), *made;
	struct mmuscope_vm vm = {
		.hdr = { .ts = 1, .vm = 1, .vcpu = MMUSCOPE_NO_VCPU, .type = MMUSCOPE_TYPE_vm,
			 .size = sizeof(vm) },
		.pid = 1, .op = MMUSCOPE_life_created,
	};
	struct bytes sums = { 0 };

	(void)state;
	assert_int_equal(model_feed(m, &vm.hdr), 0);
	assert_int_equal(sums_save(m, &sums), 0);
	made = model_made(&sums, sums.len);
	assert_string_equal(model_vm(made, 0)->name, "a?[2Jb");
	model_free(made);
	model_free(m);
	bytes_free(&sums);
}

/* Sums that end early or late, or begin in another way: of another version. */
static void others_are_refused(void **state)
{
	struct model *m = model_fed(3000, 2), *made;
	struct bytes sums = { 0 };

	(void)state;
	assert_int_equal(sums_save(m, &sums), 0);
	for (size_t len = 0; len < sums.len; len += 1 + len / 40)
		assert_null(model_made(&sums, len));
	assert_null(model_made(&sums, sums.len - 1));
	bytes_put_u8(&sums, 0);
	assert_null(model_made(&sums, sums.len));
	sums.len--;
	/* Its length, the version and the first of the sizes. */
	for (size_t i = 0; i < 1 + strlen(MMUSCOPE_VERSION) + 2; i++) {
		sums.at[i]++;
		assert_null(model_made(&sums, sums.len));
		sums.at[i]--;
	}
	made = model_made(&sums, sums.len);
	assert_non_null(made);
	model_free(made);
	model_free(m);
	bytes_free(&sums);
}

/* Whatever they are made of, they make a model or they do not. */
static void changed_bytes_do_no_harm(void **state)
{
	struct model *m = model_fed(3000, 2), *made;
	struct bytes sums = { 0 };

	(void)state;
	assert_int_equal(sums_save(m, &sums), 0);
	for (size_t i = 0; i < sums.len; i += 1 + i / 100) {
		uint8_t before = sums.at[i];

		sums.at[i] = random_u64();
		made = model_made(&sums, sums.len);
		if (made)
			model_free(made);
		sums.at[i] = before;
	}
	model_free(m);
	bytes_free(&sums);
}

/*
 * Fails when records count as something else than before, or sums are written in another way:
 * then SUMS_VERSION must rise, or the sums in older recordings would be taken for today's.
 */
static void versions_tell_sums_apart(void **state)
{
	static const struct { uint32_t version, crc; } now = { 1, 0x3d0a6c34 };
	const size_t version = 1 + strlen(MMUSCOPE_VERSION);
	struct model *m = model_fed(100000, 3);
	struct bytes sums = { 0 };

	(void)state;
	assert_int_equal(sums_save(m, &sums), 0);
	assert_int_equal(SUMS_VERSION, now.version);
	assert_int_equal(crc32(0, sums.at + version, sums.len - version), now.crc);
	model_free(m);
	bytes_free(&sums);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_there_is_comes_back),
		cmocka_unit_test(nothing_comes_back),
		cmocka_unit_test(anything_comes_back),
		cmocka_unit_test(later_vms_of_a_number_are_found),
		cmocka_unit_test(tasks_have_no_escape_sequences),
		cmocka_unit_test(names_have_no_escape_sequences),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(changed_bytes_do_no_harm),
		cmocka_unit_test(versions_tell_sums_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
