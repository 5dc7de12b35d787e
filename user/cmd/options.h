/* SPDX-License-Identifier: GPL-2.0 */
/* Options that subcommands share. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "source/source.h"

/* Keys of options without a letter begin here; --collector has its own in all subcommands. */
enum { OPTIONS_KEY = 256, OPTIONS_COLLECTOR = OPTIONS_KEY };

struct steady;

/**
 * struct options - what the command line said
 * @name: "mmuscope stat", for --help
 * @pid: -p, 0 when not given
 * @vm: --vm, or NULL
 * @duration_ns: -d, 0 when not given
 * @interval_ns: -i, 0 when not given
 * @ring_bytes: --ring-size, 0 for the source's default
 * @collector: --collector
 * @json: --json
 * @page: what reports are headed with as a page of HTML; NULL for text or JSON
 * @steady: columns of the table of reports that follow each other as text; NULL where they do not
 * @output: -o, or NULL
 * @source: --source, or NULL
 * @command: the command to run, ended by NULL, or NULL
 * @timed: the command only says how long; else its VMs are those that count
 */
struct options {
	const char *name;
	pid_t pid;
	const char *vm;
	uint64_t duration_ns;
	uint64_t interval_ns;
	size_t ring_bytes;
	enum collector_kind collector;
	bool json;
	const char *page;
	struct steady *steady;
	const char *output;
	const char *source;
	char **command;
	bool timed;
};

/* Groups of options: what is collected, where the output goes. Their input is struct options. */
extern const struct argp options_collect;
extern const struct argp options_output;
/* --help; the last child of every subcommand's argp. */
extern const struct argp options_help;

/**
 * options_parse() - parse a subcommand's arguments
 * @argp: the subcommand's, whose children take struct options as input
 *
 * Ends the process for --help and --list-options, and after one sentence on stderr for a mistake.
 */
void options_parse(const struct argp *argp, int argc, char **argv, struct options *o);

/* The value of --collector; ends the process for another word. */
enum collector_kind options_collector(const struct argp_state *state, const char *arg);

/* Hands @state's input on to all children; for ARGP_KEY_INIT of a subcommand's parser. */
void options_share(struct argp_state *state);

/* Prints one sentence about a mistake of the user, and how to get help, and ends the process. */
__attribute__((format(printf, 2, 3), noreturn))
void options_error(const struct argp_state *state, const char *format, ...);

#endif /* CMD_OPTIONS_H */
