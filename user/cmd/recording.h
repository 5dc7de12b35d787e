/* SPDX-License-Identifier: GPL-2.0 */
/* A recording being read by a subcommand: which one, and what of it. */
#ifndef CMD_RECORDING_H
#define CMD_RECORDING_H

#include <stdbool.h>

#include "cmd/head.h"
#include "cmd/options.h"
#include "lib/filter.h"
#include "lib/symbols.h"
#include "model/model.h"
#include "render/record.h"
#include "source/file.h"

/**
 * struct recording - a recording and what is wanted of it
 * @options: the first member, because all groups of options take it as their input
 * @path: of the recording
 * @from_ns: --time, since the begin
 * @to_ns: --time, UINT64_MAX for the end
 * @filter: --filter, or NULL
 * @guests: --guest-symbols
 * @types: families that the caller wants, to be set before recording_open()
 * @aside: called, unless NULL, for what the filter leaves out, of families in @aside_types
 * @aside_types: families that are read for that
 * @source: the recording, once open
 * @ended: it was read to its end
 * @asked: --vm or -p was given, @seen: for a VM that there is
 * @names: of VMs, as many as have room
 */
struct recording {
	struct options options;
	const char *path;
	uint64_t from_ns;
	uint64_t to_ns;
	struct filter *filter;
	struct guests guests;
	uint64_t types;
	int (*aside)(void *ctx, const struct mmuscope_hdr *rec);
	uint64_t aside_types;
	struct source *source;
	bool ended;
	bool asked;
	bool seen;
	char names[160];
};

#define RECORDING_INIT(command) { \
	.options = { .name = command }, .path = RECORDING_NAME, \
	.to_ns = UINT64_MAX, .types = UINT64_MAX, \
}

/* --time, --filter, -p, --vm and --guest-symbols. */
extern const struct argp recording_argp;

/* For a subcommand's parser, with what it does not take itself: FILE. */
error_t recording_parse(int key, char *arg, struct argp_state *state);

/* Return: 0, or -1 after one sentence on stderr. */
int recording_open(struct recording *r);

void recording_close(struct recording *r);

/**
 * recording_read() - call @take for each record that is wanted
 *
 * That is those that match the filter, and those of VMs, vCPUs, memslots and lost records, without
 * which the others say nothing. Ends when @take returns other than 0.
 *
 * Return: that, or -errno.
 */
int recording_read(struct recording *r, int (*take)(void *ctx, const struct mmuscope_hdr *rec),
		   void *ctx);

/**
 * recording_model() - what the recording adds up to, between --time's A and B
 * @r: without a filter
 * @m: set to the model, to be freed by the caller whatever is returned; NULL where memory was short
 *
 * As recording_read() with model_feed() for each record, and quicker: the sums in the recording
 * serve as well where they hold. The model is to be looked at, not to be fed.
 *
 * Return: 0 or -errno.
 */
int recording_model(struct recording *r, struct model **m);

/**
 * recording_lines() - call @take for each record that is to be shown, one by one
 *
 * Unlike recording_read(), what does not match the filter does not come, whatever it is. Ends when
 * @take returns other than 0.
 *
 * Return: that, or -errno.
 */
int recording_lines(struct recording *r, int (*take)(void *ctx, const struct record_line *line),
		    void *ctx);

/* Return: whether @rec, which @m was fed with, is of the VM that -p or --vm asks for. */
bool recording_is_shown(const struct recording *r, const struct model *m,
			const struct mmuscope_hdr *rec);

/*
 * Each says on stderr what is wrong: what of the recording could not be read; which VM was asked
 * for that is not there; either. Return: @code, or that of a failure.
 */
int recording_damage(const struct recording *r, int code);
int recording_strangers(const struct recording *r, int code);
int recording_verdict(const struct recording *r, int code);

#endif /* CMD_RECORDING_H */
