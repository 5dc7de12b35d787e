/* SPDX-License-Identifier: GPL-2.0 */
/* The views: from the model to reports. */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "model/group.h"
#include "model/model.h"
#include "model/pictures.h"
#include "source/source.h"
#include "view/progress.h"
#include "view/report.h"

/**
 * struct view_counted - what KVM counted of a VM in the same time, to compare with
 * @flushes: of all vCPUs that interrupted one
 * @requests: all that were asked for, UINT64_MAX where this KVM does not count them
 */
struct view_counted {
	uint64_t flushes;
	uint64_t requests;
};

/**
 * struct view_window - which part of the model is looked at
 * @past: the folded intervals, else the running one
 * @elapsed_ns: how long that took
 * @name: only VMs of this name, NULL for all
 * @pid: only VMs of this process, 0 for all
 * @counted: asks KVM; returns whether it knows. NULL where there is no KVM to ask.
 * @ctx: for @counted
 * @progress: asks the kernel for a VM's sequence of invalidations, @twice to see it move; returns
 *	whether it knows. NULL where there is no kernel to ask.
 * @progress_ctx: for @progress
 * @pictures: what pictures are made of, NULL for a report without those by time and address
 * @begin_ns: when the pictures begin, since the begin of the recording
 * @source: where it all came from, asked for its probes and its cost
 */
struct view_window {
	bool past;
	uint64_t elapsed_ns;
	const char *name;
	uint32_t pid;
	bool (*counted)(const void *ctx, uint16_t vm, struct view_counted *c);
	const void *ctx;
	bool (*progress)(void *ctx, uint32_t pid, bool twice, struct view_progress *p);
	void *progress_ctx;
	const struct pictures *pictures;
	uint64_t begin_ns;
	const struct source *source;
};

/* Return: what became of the hook @name at @source, NULL where that has none or is NULL. */
const struct probe_status *view_probe(const struct source *source, const char *name);

/*
 * Return: whether a 0 of what the hook @name tells means that there was none; also true of a
 * @source that says nothing of hooks.
 */
bool view_seen(const struct source *source, const char *name);

/* Adds a section "vms" per VM with all of its tables. Return: number of VMs. */
size_t view_stat(struct report *r, const struct model *m, const struct view_window *w);

/* Adds the section "overview" with a table of VMs, those that faulted the longest first. */
void view_overview(struct report *r, const struct model *m, const struct view_window *w);

/* Adds the section "collection": how far the numbers can be trusted. @w has a source. */
void view_collection(struct report *r, const struct model *m, const struct view_window *w);

#define VIEW_UNKNOWN UINT64_MAX

/**
 * struct vm_memory - what the host knows of a VM's memory; bytes, VIEW_UNKNOWN where it does not
 * @resident, @swapped: of the memory that backs memslots
 * @huge: of @resident, mapped by huge pages
 * @merged: of the owner's memory, merged by KSM
 * @nodes: on which NUMA nodes, "" where that is not known
 * @domain: libvirt's name of it, "" where libvirt does not know it
 * @actual, @unused, @available: libvirt's figures: balloon, free in the guest, seen by the guest
 */
struct vm_memory {
	uint64_t resident;
	uint64_t swapped;
	uint64_t huge;
	uint64_t merged;
	char nodes[64];
	char domain[128];
	uint64_t actual;
	uint64_t unused;
	uint64_t available;
};

/**
 * struct view_host - who is asked what the host knows
 * @libvirt: whether libvirt was there to be asked
 * @memory: fills in all of @mem
 */
struct view_host {
	bool libvirt;
	void (*memory)(void *ctx, const struct vm *vm, struct vm_memory *mem);
	void *ctx;
};

/* Adds the section "list" with tables of VMs. */
void view_list(struct report *r, const struct model *m, const struct view_host *host);

/* Adds the section "groups" with a table of the rows of @g. */
void view_group(struct report *r, const struct group *g, const struct model *m,
		const struct view_window *w);

/* Return: whether @w looks at @vm at all. */
bool view_wants(const struct view_window *w, const struct vm *vm);

/**
 * struct view_heat - how large a heat map may be
 * @rows: addresses are put together until no more are needed; at least 2
 * @columns: times are put together until no more are needed
 */
struct view_heat {
	size_t rows;
	size_t columns;
};

/* Adds a section "heatmaps" per VM that faulted, with its heat map. Return: number of VMs. */
size_t view_heatmaps(struct report *r, const struct model *m, const struct view_window *w,
		     const struct view_heat *size);

/**
 * view_top() - add the section "top": a row for each VM that is there, and what all do together
 *
 * Return: the table, "vms", NULL where memory is short.
 */
struct table *view_top(struct report *r, const struct model *m, const struct view_window *w);

/**
 * view_top_group() - add the section "top": a row for each value of the keys of @g
 *
 * A row has the records of all families that have the keys and mean the same by them.
 *
 * Return: the table, "rows", NULL where memory is short. Its first columns are the keys.
 */
struct table *view_top_group(struct report *r, const struct group *g, const struct model *m,
			     const struct view_window *w);

/*
 * Adds what collecting costs, in ns per record and as a share of @vcpu_ns. Return: whether that is
 * known.
 */
bool view_cost(struct section *s, const struct source *src, uint64_t vcpu_ns);

/* Return: vCPU time of all VMs in the folded intervals. */
uint64_t view_vcpu_ns(const struct model *m);

/* Return: the value that @row has for the @key-th key of @g. */
struct cell view_key(struct report *r, const struct model *m, const struct group *g,
		     const struct group_row *row, size_t key);

/* What view_stat() is made of. */

/**
 * struct vm_view - one VM being looked at
 * @shares: shares of all records are true, because none was lost
 * @exit_shares: shares of all exits are true
 */
struct vm_view {
	const struct model *model;
	const struct vm *vm;
	const struct vm_stats *st;
	struct section *section;
	const struct view_window *window;
	uint64_t elapsed_ns;
	bool shares;
	bool exit_shares;
};

/* Pictures of one VM; nothing where nothing happened. */
void view_timeline(struct section *s, const struct view_window *w, const struct timeline *t);
void view_heat(struct section *s, const struct view_window *w, const struct model *m,
	       const struct vm_pictures *p, const struct view_heat *size);

/* What faults are, and what their time goes to. */
void view_shares(const struct vm_view *v);

/**
 * view_bins() - how bins of time are shown: to the end of what was recorded
 * @most: how many may be shown
 * @nr: set to how many are
 *
 * Return: how often they are put together in pairs.
 */
unsigned int view_bins(const struct view_window *w, const struct bins *b, size_t most, size_t *nr);

void view_faults(const struct vm_view *v);
void view_causes(const struct vm_view *v);
void view_times(const struct vm_view *v);
void view_stuck(const struct vm_view *v);

/* Return: where a vCPU is stuck, for a sentence. */
const char *view_stuck_where(struct report *r, const struct stuck_row *row);
void view_flushes(const struct vm_view *v);
void view_shadow(const struct vm_view *v);
void view_invalidations(const struct vm_view *v);
void view_dirty(const struct vm_view *v);
void view_huge_pages(const struct vm_view *v);
void view_slots(const struct vm_view *v);
void view_locks(const struct vm_view *v);
void view_other(const struct vm_view *v);
void view_exits(const struct vm_view *v);

/* Columns of every table that rests on a histogram, and what fills them from the cell on. */
#define VIEW_HIST_COLUMNS				\
	{ "count", "count", false, 0 },			\
	{ "rate", "/s", false, 3 },			\
	{ "ns", "time", false, 0 },			\
	{ "p50", "p50", false, 0 },			\
	{ "p90", "p90", false, 5 },			\
	{ "p99", "p99", false, 2 },			\
	{ "max", "max", false, 1 }

struct cell *view_hist_cells(const struct vm_view *v, struct cell *row, const struct hist *h);

/* Return: the share of @part, CELL_NONE where it would not be true. */
struct cell view_share(bool is_true, uint64_t part, uint64_t whole);

/* Return: "4K", "2M", "1G", or "nothing". */
const char *view_level(unsigned int level);

/* Return: records lost at any stage. */
uint64_t view_lost(const struct ledger *l);

/*
 * Return: whether what @l lost can be seen in shares and comparisons: one in 2,000 records is less
 * than a share's last digit, but one VM or vCPU that is not traced is all that it did.
 */
bool view_lost_much(const struct ledger *l);

/* Return: whether @l lost what would make shares of exits wrong. */
bool view_exits_complete(const struct ledger *l);

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* VIEW_VIEW_H */
