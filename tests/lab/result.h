/* SPDX-License-Identifier: GPL-2.0 */
/* What the jobs left in the result folder. Whoever asks for what is not there fails its test. */
#ifndef LAB_RESULT_H
#define LAB_RESULT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#define ABSENT	(-1LL)

void result_folder(const char *path);

/* Whether the machine ran the kernel that everything must be exact on. */
bool result_is_reference(void);

/* The mode of the hardware there: "npt" or "ept". */
const char *result_tdp(void);

/* Whether the collector was the kernel module. */
bool result_kmod(void);

/* Whether that part of the job was begun. */
bool result_part(const char *part);

/* The whole of a file, to be freed. NULL where there is none. */
char *result_text(const char *name, const char *suffix);

/* The value of "KEY=" in NAME + SUFFIX; ABSENT or NULL where there is none. Text is to be freed. */
long long result_number(const char *name, const char *suffix, const char *key);
char *result_word(const char *name, const char *suffix, const char *key);

/* stat's report NAME.json, kept until the end of the program. */
json_t *result_report(const char *name);
/* The one VM of that name in it. */
json_t *result_vm(json_t *report, const char *name);
size_t result_vms(json_t *report);

long long fact(json_t *section, const char *key);
const char *fact_word(json_t *section, const char *key);

/*
 * Sum of @column over the rows of @table whose columns are as said: pairs of a
 * column and its word, then NULL.
 */
__attribute__((sentinel))
long long rows(json_t *section, const char *table, const char *column, ...);

/* Begins a test, and ends it: it fails if something differed. */
void compare_begin(const char *name);
void compare_end(void);

/* Not the end of the test, so that it tells all that differs. An oracle that is ABSENT is none. */
void same(const char *what, long long got, const char *oracle, long long want);
void holds(bool is, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The end of the test: there is nothing to compare. */
__attribute__((format(printf, 1, 2), noreturn)) void give_up(const char *format, ...);

#endif /* LAB_RESULT_H */
