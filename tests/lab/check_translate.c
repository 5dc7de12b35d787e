// SPDX-License-Identifier: GPL-2.0
/*
 * Translations against what the guest program wrote down: where it mapped each address,
 * where its memory is, and which frame /proc/self/pagemap says that is.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }
#define DIFFERENCES_MAX 10	/* that are told one by one */
#define PAGE 4096ULL
#define ADDRESS_MASK 0x000ffffffffff000ULL
#define PAGE_4M (4ULL << 20)	/* of 32-bit paging alone */

static const char *const accesses[] = { "read", "write", "fetch" };

/* A line of the guest's map. */
struct mapping {
	unsigned long long gva, gpa, hva, frame, size;
	char expect[3][8];
};

struct judge {
	const char *mode;	/* "npt", "ept", "shadow" */
	bool by_gpa;
	unsigned long long address;
	unsigned int differing;
};

static const char *word(json_t *t, const char *key)
{
	return json_string_value(json_object_get(t, key)) ?: "";
}

static unsigned long long number(json_t *t, const char *key)
{
	return strtoull(word(t, key), NULL, 16);
}

static void differs(struct judge *j, const char *what, unsigned long long got,
		    unsigned long long want)
{
	if (got == want)
		return;
	if (j->differing++ < DIFFERENCES_MAX)
		holds(false, "%#llx: %s is %#llx, and is to be %#llx", j->address, what, got,
		      want);
}

/* The last entry of a walk, as translate printed it. */
static json_t *leaf(json_t *t, const char *table)
{
	json_t *walk = json_object_get(t, table);

	return json_array_get(walk, json_array_size(walk) - 1);
}

/* SDM volume 3, 4.3, "PSE-36": bits 20 to 13 of a 4 MiB page's PDE are 39 to 32 of its address. */
static unsigned long long leaf_address(unsigned long long value, unsigned long long size)
{
	if (size == PAGE_4M)
		return (value & 0xffc00000) | (value >> 13 & 0xff) << 32;
	return value & ADDRESS_MASK & ~(size - 1);
}

/* An entry leads to where it leads to by its own bits, not only by what translate says. */
static void judge_leaf(struct judge *j, json_t *t, const char *table, unsigned long long want)
{
	json_t *entry = leaf(t, table);
	unsigned long long size = json_integer_value(json_object_get(entry, "size")), offset;

	if (!size) {
		differs(j, table, 0, want);
		return;
	}
	offset = want & (size - 1);
	differs(j, table, leaf_address(number(entry, "value"), size) + offset, want);
	differs(j, table, number(entry, "to"), want);
}

static const char *kvm_fault(const struct judge *j)
{
	return !strcmp(j->mode, "npt") ? "NPF" :
	       !strcmp(j->mode, "ept") ? "EPT violation" : "#PF exit";
}

static void judge_fault(struct judge *j, json_t *t, size_t access, const char *expect)
{
	json_t *row = json_array_get(json_object_get(t, "faults"), access);
	const char *fault = word(row, "fault"), *want = expect;

	if (!strcmp(expect, "?"))
		return;
	if (!strcmp(expect, "guest")) {
		/* By GPA the guest's own tables have no say. */
		if (j->by_gpa)
			return;
		want = strncmp(fault, "guest #", 7) ? "guest #" : fault;
	} else if (!strcmp(expect, "mmio")) {
		want = "MMIO";
	} else if (!strcmp(expect, "kvm")) {
		want = kvm_fault(j);
	}
	if (!strcmp(fault, want) && !strcmp(word(row, "access"), accesses[access]))
		return;
	if (j->differing++ < DIFFERENCES_MAX)
		holds(false, "%#llx: %s leads to '%s' (%s), and is to lead to '%s'", j->address,
		      accesses[access], fault, word(row, "why"), want);
}

static void judge_line(struct judge *j, json_t *t, const struct mapping *m)
{
	bool shadow_gpa = j->by_gpa && !strcmp(j->mode, "shadow");
	bool mapped = !strcmp(m->expect[0], "none");

	j->address = j->by_gpa ? m->gpa : m->gva;
	if (!j->by_gpa) {
		differs(j, "GVA", number(t, "gva"), m->gva);
		if (m->size)
			judge_leaf(j, t, "guest", m->gpa);
		differs(j, "guest page size",
			json_integer_value(json_object_get(leaf(t, "guest"), "size")), m->size);
	}
	differs(j, "GPA", number(t, "gpa"), m->gpa);
	differs(j, "HVA", number(t, "hva"), m->hva);
	differs(j, "HPA", number(t, "hpa"), m->frame ? m->frame * PAGE + m->hva % PAGE : 0);
	if (m->frame)
		judge_leaf(j, t, "host", m->frame * PAGE + m->hva % PAGE);
	if (mapped && !shadow_gpa)
		judge_leaf(j, t, "kvm", m->frame * PAGE + m->hva % PAGE);
	for (size_t i = 0; i < 3 && !shadow_gpa; i++)
		judge_fault(j, t, i, m->expect[i]);
}

static bool mapping_read(char **text, struct mapping *m)
{
	char *line = strsep(text, "\n");

	return line && sscanf(line, "%llx %llx %llx %llx %llx %7s %7s %7s", &m->gva, &m->gpa,
			      &m->hva, &m->frame, &m->size, m->expect[0], m->expect[1],
			      m->expect[2]) == 8;
}

/* Return: lines judged; of each size of the guest's pages into @sizes. */
static unsigned int judge_all(struct judge *j, char *map, char *lines, unsigned int sizes[3])
{
	unsigned int judged = 0;
	struct mapping m;

	while (mapping_read(&map, &m)) {
		char *line;
		json_t *report;

		if (j->by_gpa && !m.gpa)
			continue;
		line = strsep(&lines, "\n");
		report = line ? json_loads(line, 0, NULL) : NULL;
		j->address = m.gva;
		if (!report) {
			holds(false, "nothing was said of %#llx", m.gva);
			break;
		}
		judge_line(j, json_object_get(report, "translation"), &m);
		json_decref(report);
		judged++;
		sizes[0] += m.size == PAGE;
		sizes[1] += m.size == PAGE << 9;
		sizes[2] += m.size == PAGE << 18;
	}
	return judged;
}

static void check_addresses(const char *name, bool by_gpa)
{
	char *map = result_text(name, ".map");
	char *lines = result_text(name, by_gpa ? ".gpa.out" : ".gva.out");
	char *code = result_text(name, by_gpa ? ".gpa.rc" : ".gva.rc");
	char *mode = result_word(name, ".out", "mode");
	struct judge j = { .mode = mode ?: "", .by_gpa = by_gpa };
	unsigned int sizes[3] = { 0 }, judged;

	/* The commands do not trace; they are tried in one collector's turn. */
	if (result_kmod())
		goto out;
	holds(map && lines && code && !strcmp(code, "0\n"), "it did not run: %s", code ?: "?");
	if (map && lines) {
		judged = judge_all(&j, map, lines, sizes);
		holds(judged > 1500, "%u addresses only", judged);
		/* 1G where the guest's CPU has them: the mode may be one without. */
		holds(sizes[0] > 500 && sizes[1] > 1000, "%u by 4K, %u by 2M, %u by 1G",
		      sizes[0], sizes[1], sizes[2]);
		holds(sizes[2] > 100 || !strcmp(j.mode, "shadow"), "%u by 1G", sizes[2]);
		holds(!j.differing, "%u of %u addresses differ", j.differing, judged);
	}
out:
	free(map);
	free(lines);
	free(code);
	free(mode);
}

/*
 * Registers and tables of other modes, in which the guest does not run: KVM has no table.
 * Without 5 levels in the CPU there are none in the guest.
 */
static void check_paging(const char *name)
{
	static const char *const words[][2] = {
		{ "32", "32-bit paging" }, { "pae", "PAE paging" }, { "la57", "5-level paging" },
	};
	char *map = result_text(name, ".map"), *lines = result_text(name, ".gva.out");
	struct judge j = { .mode = "" };
	unsigned int sizes[3] = { 0 }, judged;

	if (result_kmod() || (strstr(name, "la57") && result_number("machine", "", "la57") != 1))
		goto out;
	holds(map && lines, "it did not run");
	for (size_t i = 0; lines && i < 3; i++)
		if (strstr(name, words[i][0]))
			holds(strstr(lines, words[i][1]), "not by %s", words[i][1]);
	if (map && lines) {
		judged = judge_all(&j, map, lines, sizes);
		holds(judged == 32, "%u addresses", judged);
		holds(!j.differing, "%u of %u addresses differ", j.differing, judged);
	}
out:
	free(map);
	free(lines);
}

static void check_gva(const char *name)
{
	check_addresses(name, false);
}

static void check_gpa(const char *name)
{
	check_addresses(name, true);
}

static int frame_compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

/* Bytes of the data memslot that the host has, by the guest's map: in pages of 1 << @shift. */
static long long bytes_mapped(char *map, unsigned int shift)
{
	unsigned long long frames[8192];
	size_t nr = 0, distinct = 0;
	struct mapping m;

	while (mapping_read(&map, &m) && nr < sizeof(frames) / sizeof(frames[0]))
		if (m.gpa >= 1ULL << 32 && m.frame)
			frames[nr++] = m.frame * PAGE >> shift;
	qsort(frames, nr, sizeof(frames[0]), frame_compare);
	for (size_t i = 0; i < nr; i++)
		distinct += !i || frames[i] != frames[i - 1];
	return (long long)distinct << shift;
}

/* The row of slot 1, the data memslot. */
static json_t *slot_row(json_t *vm, const char *table)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(vm, table), i, row)
		if (json_integer_value(json_object_get(row, "slot")) == 1)
			return row;
	return NULL;
}

/* On Intel KVM adds one of its own where the CPU cannot run real mode. */
static long long slots_made(json_t *vm)
{
	long long made = 0;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(vm, "memslots"), i, row)
		made += !strstr(word(row, "flags"), "kvm-own");
	return made;
}

/* All that is resident of the data memslot is in the guest's map. */
static void check_slots(const char *name)
{
	bool huge = strstr(name, "thp");
	char *map = result_text(name, ".map"), *text = result_text(name, ".slots.json");
	json_t *report = text ? json_loads(text, 0, NULL) : NULL, *vm, *row;

	if (result_kmod())
		goto out;
	holds(map && report, "it did not run");
	vm = json_array_get(json_object_get(report, "vms"), 0);
	same("memslots", slots_made(vm), "made", 3);
	row = slot_row(vm, "memslots");
	same("bytes", fact(row, "bytes"), "made", 3LL << 30);
	same("HVA of the first byte", number(row, "hva"), "made",
	     strtoull(strchr(strchr(map ?: "  ", ' ') + 1, ' '), NULL, 16));
	holds(!strcmp(word(row, "first_gfn"), "0x100000"), "gfn %s", word(row, "first_gfn"));
	row = slot_row(vm, "backing");
	same("resident", fact(row, "resident"), "mapped",
	     map ? bytes_mapped(map, huge ? 21 : 12) : 0);
	same("swapped", fact(row, "swapped"), "mapped", 0);
	same("by huge pages", json_number_value(json_object_get(row, "share_2m")), "backing",
	     huge ? 100 : 0);
out:
	json_decref(report);
	free(text);
	free(map);
}

/* The only VM in what slots printed. */
static json_t *slots_vm(const char *name, const char *suffix)
{
	char *text = result_text(name, suffix);
	json_t *report = text ? json_loads(text, 0, NULL) : NULL;
	json_t *vm = json_incref(json_array_get(json_object_get(report, "vms"), 0));

	json_decref(report);
	free(text);
	return vm;
}

/* Each time that memory is taken away the sequence goes up by one. */
static void check_sequence(const char *name)
{
	json_t *before = slots_vm(name, ".before.json"), *after = slots_vm(name, ".after.json");

	if (!result_kmod()) {
		same("invalidations", fact(after, "invalidate_seq") -
				      fact(before, "invalidate_seq"),
		     "made", result_number(name, ".out", "rounds"));
		same("under way", fact(after, "invalidate_in_progress"), "made", 0);
	}
	json_decref(before);
	json_decref(after);
}

#define GUESTS LIST("tdp-map", "tdp-map-thp", "shadow-map", "shadow-map-thp")

const struct check translate_checks[] = {
	{ "guest-virtual addresses", check_gva, GUESTS, NULL },
	{ "guest-physical addresses", check_gpa, LIST("tdp-map", "shadow-map"), NULL },
	{ "memslots and what backs them", check_slots, GUESTS, NULL },
	{ "sequence of invalidations", check_sequence, LIST("tdp-sequence", "shadow-sequence"),
	  NULL },
	{ "other paging modes", check_paging,
	  LIST("tdp-paging-32", "tdp-paging-pae", "tdp-paging-la57", "shadow-paging-32",
	       "shadow-paging-pae", "shadow-paging-la57"), NULL },
	{ 0 },
};
