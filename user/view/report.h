/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a view says, without saying how it looks: sections of facts, tables,
 * histograms and notes. A renderer prints any of them.
 *
 * Building never fails where it happens: when memory is short the report
 * remembers it, takes no more in, and report_failed() tells at the end.
 */
#ifndef VIEW_REPORT_H
#define VIEW_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/hist.h"
#include "view/picture.h"

enum cell_kind {
	CELL_NONE,	/* not known, or not true: "-" or null */
	CELL_TEXT,
	CELL_COUNT,
	CELL_ID,	/* a number that is not an amount */
	CELL_RATE,	/* per second */
	CELL_NS,
	CELL_BYTES,
	CELL_PERCENT,
	CELL_CHANGE,	/* percent, with its sign */
	CELL_CHANCE,	/* probability */
};

struct cell {
	enum cell_kind kind;
	union {
		const char *text;
		uint64_t number;	/* COUNT, ID, NS, BYTES */
		double real;		/* RATE, PERCENT, CHANGE, CHANCE */
	};
};

static inline struct cell cell_count(uint64_t n)
{
	return (struct cell){ .kind = CELL_COUNT, .number = n };
}

static inline struct cell cell_id(uint64_t n)
{
	return (struct cell){ .kind = CELL_ID, .number = n };
}

static inline struct cell cell_ns(uint64_t ns)
{
	return (struct cell){ .kind = CELL_NS, .number = ns };
}

static inline struct cell cell_bytes(uint64_t n)
{
	return (struct cell){ .kind = CELL_BYTES, .number = n };
}

/* @n in @ns nanoseconds; nothing where no time passed. */
static inline struct cell cell_rate(uint64_t n, uint64_t ns)
{
	if (!ns)
		return (struct cell){ .kind = CELL_NONE };
	return (struct cell){ .kind = CELL_RATE, .real = n * 1e9 / ns };
}

/* @part of @whole; nothing where that is nonsense. */
static inline struct cell cell_percent(uint64_t part, uint64_t whole)
{
	if (!whole)
		return (struct cell){ .kind = CELL_NONE };
	return (struct cell){ .kind = CELL_PERCENT, .real = 100.0 * part / whole };
}

/* @text must live as long as the report: a literal, or from report_text(). */
static inline struct cell cell_text(const char *text)
{
	return (struct cell){ .kind = text ? CELL_TEXT : CELL_NONE, .text = text };
}

/**
 * struct column - a column of a table
 * @key: for machines
 * @head: for people; NULL for a column that is for machines only
 * @text: whether its cells are text (the others are numbers, and set to the right)
 * @drop: where space is short columns go, the largest number first; 0 stays
 */
struct column {
	const char *key;
	const char *head;
	bool text;
	unsigned int drop;
};

#define TABLE_COLUMNS 24

/**
 * struct table - rows of cells
 * @title: NULL for none
 * @line: for people, the first two columns of the rows follow each other on a line
 * @wrap: for people, the last column is of sentences, which go on below where they are long
 */
struct table {
	const char *key;
	const char *title;
	const struct column *columns;
	size_t nr_columns;
	struct cell *rows;	/* row by row */
	size_t nr_rows;
	size_t room;
	bool line;
	bool wrap;
	struct report *report;
};

struct bar {
	uint64_t low;	/* ns, first value */
	uint64_t high;	/* ns, first value behind */
	uint64_t count;
};

#define HISTOGRAM_PERCENTILES 4

/* 50, 90, 99, 99.9, and their keys and headings */
extern const struct percentile {
	double percent;
	const char *key;
} histogram_percentiles[HISTOGRAM_PERCENTILES];

struct histogram {
	const char *key;
	const char *title;
	uint64_t count, sum, min, max;
	uint64_t percentile[HISTOGRAM_PERCENTILES];
	struct bar *bars;	/* from the first to the last that counts something */
	size_t nr_bars;
};

/**
 * struct fact - one value
 * @key: for machines
 * @label: for people: printed behind the value, or before it where it ends in a space, "pid ".
 *	"" for a value that needs none, NULL for one that is for machines only.
 */
struct fact {
	const char *key;
	const char *label;
	struct cell cell;
};

/* Series and shares are shown only where there are pictures: tables have their numbers too. */
enum block_kind {
	BLOCK_TABLE, BLOCK_HISTOGRAM, BLOCK_NOTE, BLOCK_SERIES, BLOCK_SHARES, BLOCK_HEAT
};

/**
 * struct block - part of a section
 * @caption: a note on the block before it
 */
struct block {
	enum block_kind kind;
	bool caption;
	struct block *next;
	union {
		struct table table;
		struct histogram histogram;
		const char *note;
		struct series series;
		struct shares shares;
		struct heat_map heat;
	};
};

/**
 * struct section - one thing that is reported on
 * @key: for machines
 * @title: for people; NULL for none
 * @list: there may be several sections with this key
 */
struct section {
	const char *key;
	const char *title;
	bool list;
	struct fact *facts;
	size_t nr_facts;
	size_t room_facts;
	struct block *blocks;
	struct block **last_block;
	struct report *report;
	struct section *next;
};

struct report {
	const char *key;
	bool failed;
	struct section *sections;
	struct section **last_section;
	struct memory *memory;
};

/* Return: an empty report, or NULL when memory is short. @key is for machines. */
struct report *report_new(const char *key);

void report_free(struct report *r);

/* Return: whether memory was short and the report is incomplete. */
bool report_failed(const struct report *r);

/* Return: a formatted text that lives as long as the report, or NULL. */
__attribute__((format(printf, 2, 3)))
const char *report_text(struct report *r, const char *format, ...);

/* Return: @size bytes, all 0, that live as long as the report, or NULL. */
void *report_alloc(struct report *r, size_t size);

/* Adds a section. What is returned may be NULL, which all functions below take. */
struct section *report_section(struct report *r, const char *key, const char *title, bool list);

void section_fact(struct section *s, const char *key, const char *label, struct cell cell);

__attribute__((format(printf, 2, 3)))
void section_note(struct section *s, const char *format, ...);

/* Adds a note on the table or picture before it, which it stays with. */
__attribute__((format(printf, 2, 3)))
void section_caption(struct section *s, const char *format, ...);

/* Adds a table of at most TABLE_COLUMNS @columns, which must outlive the report. */
struct table *section_table(struct section *s, const char *key, const char *title,
			    const struct column *columns, size_t nr_columns);

/* Same, for a table that people read as a line: "head: a 1, b 2", "head: a (x), b (y)". */
struct table *section_line(struct section *s, const char *key, const struct column *columns,
			   size_t nr_columns);

/* Adds @h unless it is empty. */
void section_histogram(struct section *s, const char *key, const char *title,
		       const struct hist *h);

/* Return: @size zeroed bytes that live as long as the report, or NULL. */
void *report_alloc(struct report *r, size_t size);

/* Adds pictures. What they point to must live as long as the report. */
void section_series(struct section *s, const struct series *series);
void section_shares(struct section *s, const struct shares *shares);
void section_heat(struct section *s, const struct heat_map *heat);

/* Return: a new row of @t to fill in, all CELL_NONE; never NULL; valid until the next call. */
struct cell *table_row(struct table *t);

/* Sorts all tables that have such a column; see table_sort(). Return: whether one has it. */
bool report_sort(struct report *r, const char *column);

/*
 * Sorts the rows by @column: numbers largest first, texts by the alphabet. Return: whether there is
 * such a column.
 */
bool table_sort(struct table *t, const char *column);

/* Turns the order of the rows round. */
void table_reverse(struct table *t);

#endif /* VIEW_REPORT_H */
