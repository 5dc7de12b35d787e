// SPDX-License-Identifier: GPL-2.0
/* The same guests under EPT, NPT and shadow paging, side by side. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "lab/report.h"
#include "lab/run.h"

enum { KEY_MACHINE = 512, KEY_MODES, KEY_KERNEL, KEY_HTML };

/**
 * struct lab_options - what the command line said
 * @o: first, so that shared parsers find theirs
 * @action: "list" or "run"
 * @modes: as given, or NULL for all
 */
struct lab_options {
	struct options o;
	const char *action;
	bool machine[LAB_MACHINES];
	bool any_machine;
	const char *modes;
	const char *kernel;
	const char *html;
	bool chosen[LAB_WORKLOADS];
	bool any;
};

/* Takes the next word of a list with commas. Return: NULL at its end. */
static char *next_word(char **list)
{
	return strsep(list, ",");
}

static void parse_machines(const struct argp_state *state, struct lab_options *l, const char *arg)
{
	char *copy = strdup(arg), *rest = copy, *word;
	size_t i;

	while (copy && (word = next_word(&rest))) {
		for (i = 0; i < LAB_MACHINES && strcmp(lab_machines[i].name, word); i++)
			;
		if (i == LAB_MACHINES)
			options_error(state, "--machine wants amd, intel or host, not '%s'", word);
		l->machine[i] = l->any_machine = true;
	}
	free(copy);
}

static void parse_modes(const struct argp_state *state, struct lab_options *l, char *arg)
{
	char *copy = strdup(arg), *rest = copy, *word;

	while (copy && (word = next_word(&rest)))
		if (strcmp(word, "npt") && strcmp(word, "ept") && strcmp(word, "shadow"))
			options_error(state, "--modes wants ept, npt or shadow, not '%s'", word);
	free(copy);
	l->modes = arg;
}

static void parse_workload(const struct argp_state *state, struct lab_options *l, const char *arg)
{
	const struct lab_workload *w;
	const char *like;

	if (!l->action) {
		if (strcmp(arg, "list") && strcmp(arg, "run"))
			options_error(state, "lab wants 'list' or 'run', not '%s'", arg);
		l->action = arg;
		return;
	}
	if (!strcmp(l->action, "list"))
		options_error(state, "lab list takes no argument, but there is '%s'", arg);
	w = lab_workload_find(arg);
	if (!w) {
		like = lab_workload_like(arg);
		options_error(state, "there is no workload '%s'%s%s%s", arg,
			      like ? ", did you mean '" : "", like ?: "", like ? "'?" : "");
	}
	l->chosen[w - lab_workloads] = l->any = true;
}

static bool mode_wanted(const struct lab_options *l, const char *mode)
{
	char *copy = l->modes ? strdup(l->modes) : NULL, *rest = copy, *word;
	bool wanted = !copy;

	while (copy && (word = next_word(&rest)))
		wanted |= !strcmp(word, mode);
	free(copy);
	return wanted;
}

static bool side_wanted(const struct lab_options *l, size_t machine, const char *mode)
{
	return l->machine[machine] && mode_wanted(l, mode);
}

static void parse_end(const struct argp_state *state, struct lab_options *l)
{
	if (!l->action)
		options_error(state, "lab wants 'list' or 'run'");
	if (!l->any_machine)
		l->machine[LAB_AMD] = true;
	if (l->machine[LAB_HOST] && l->modes)
		options_error(state, "--modes is for emulated machines: the host's KVM stays as it "
			      "was loaded");
	for (size_t i = 0; i < LAB_HOST; i++)
		if (l->machine[i] && !side_wanted(l, i, lab_machines[i].tdp) &&
		    !side_wanted(l, i, "shadow"))
			options_error(state, "machine %s has no mode of '%s', but %s and shadow",
				      lab_machines[i].name, l->modes, lab_machines[i].tdp);
}

static error_t lab_parse(int key, char *arg, struct argp_state *state)
{
	struct lab_options *l = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_share(state);
		return 0;
	case KEY_MACHINE:
		parse_machines(state, l, arg);
		return 0;
	case KEY_MODES:
		parse_modes(state, l, arg);
		return 0;
	case KEY_KERNEL:
		l->kernel = arg;
		return 0;
	case KEY_HTML:
		l->html = arg;
		return 0;
	case ARGP_KEY_ARG:
		parse_workload(state, l, arg);
		return 0;
	case ARGP_KEY_END:
		parse_end(state, l);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp lab_argp = {
	.options = (const struct argp_option[]){
		{ "machine", KEY_MACHINE, "MACHINE", 0,
		  "Where: amd (default), intel, both as amd,intel, or host, this machine's own KVM",
		  0 },
		{ "modes", KEY_MODES, "MODE,...", 0,
		  "Only these of npt, ept and shadow (default: all that the machine has)", 0 },
		{ "kernel", KEY_KERNEL, "VERSION", 0,
		  "Linux to boot: 6.1 (default), 5.10, 6.12 or newest", 0 },
		{ "html", KEY_HTML, "FILE", 0, "Also write a page with pictures to FILE", 0 },
		{ 0 },
	},
	.parser = lab_parse,
	.args_doc = "list\nrun [WORKLOAD...]",
	.doc = "Run the same guests under EPT, NPT and shadow paging, and compare.\n"
	       "Without WORKLOAD, all are run. Needs no virtualization of the hardware: real KVM "
	       "runs in an emulated machine."
	       "\vExit code: 0 ok, 1 failure, or numbers that are not to be trusted; 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static void choose(const struct lab_options *l, struct lab_result *r)
{
	bool emulated = l->machine[LAB_AMD] || l->machine[LAB_INTEL];

	for (size_t k = 0; k < LAB_HOST; k++) {
		const struct lab_machine *m = &lab_machines[k];
		const char *modes[] = { m->tdp, "shadow" };

		for (size_t i = 0; i < 2; i++) {
			if (!side_wanted(l, k, modes[i]))
				continue;
			r->side[r->nr].machine = m;
			r->side[r->nr].emulated = true;
			snprintf(r->side[r->nr++].mode, sizeof(r->side[0].mode), "%s", modes[i]);
		}
	}
	if (l->machine[LAB_HOST])
		r->side[r->nr++].machine = &lab_machines[LAB_HOST];
	for (size_t i = 0; i < LAB_WORKLOADS; i++)
		r->chosen[i] = l->any ? l->chosen[i] : emulated || !lab_workloads[i].changes_host;
}

static int make_folders(struct lab_result *r, char *dir, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, size, "%s/mmuscope-lab.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		fprintf(stderr, "mmuscope: cannot make %s: %s\n", dir, strerror(errno));
		return -errno;
	}
	for (size_t i = 0; i < r->nr; i++) {
		snprintf(r->side[i].dir, sizeof(r->side[i].dir), "%s/%s-%s", dir,
			 r->side[i].machine->name, *r->side[i].mode ? r->side[i].mode : "kvm");
		if (mkdir(r->side[i].dir, 0700)) {
			fprintf(stderr, "mmuscope: cannot make %s: %s\n", r->side[i].dir,
				strerror(errno));
			return -errno;
		}
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int write_page(FILE *page, const char *path, const struct lab_result *r)
{
	lab_page(page, r);
	if (!fflush(page) && !ferror(page))
		return EXIT_OK;
	fprintf(stderr, "mmuscope: cannot write '%s': %s\n", path, strerror(errno));
	return EXIT_FAILED;
}

static int report(FILE *out, FILE *page, const struct lab_options *l, struct lab_result *r)
{
	int code = EXIT_OK, printed;

	for (size_t i = 0; i < r->nr; i++)
		if (lab_side_read(&r->side[i], r->chosen))
			code = EXIT_FAILED;
	if (page)
		code = write_page(page, l->html, r) ?: code;
	printed = output_report(out, &l->o, lab_report(r, l->o.json));
	return printed ?: code;
}

static int run(FILE *out, FILE *page, const struct lab_options *l)
{
	static struct lab_result r;
	struct lab_place place;
	time_t begin = time(NULL);
	int err, code = EXIT_FAILED;
	char dir[PATH_MAX / 2];

	choose(l, &r);
	if (lab_place_find(&place) || make_folders(&r, dir, sizeof(dir)))
		return EXIT_FAILED;
	err = lab_run(&place, &r, l->kernel ?: "6.1");
	r.seconds = time(NULL) - begin;
	if (!err)
		code = report(out, page, l, &r);
	/* Of a run that failed, what it left says why. */
	if (err != -EIO)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return err == -EINTR ? 130 : err == -EINVAL ? EXIT_USAGE : code;
}

/* Files are opened before: a run takes long, and would be for nothing. */
static int run_to_files(const struct lab_options *l)
{
	FILE *out = output_open(&l->o), *page = NULL;
	int code, closed;

	if (!out)
		return EXIT_FAILED;
	if (l->html) {
		page = fopen(l->html, "we");
		if (!page) {
			fprintf(stderr, "mmuscope: cannot write '%s': %s\n", l->html,
				strerror(errno));
			output_close(out);
			return EXIT_FAILED;
		}
	}
	code = run(out, page, l);
	if (page)
		fclose(page);
	closed = output_close(out);
	return code ?: closed;
}

static int list(const struct lab_options *l)
{
	FILE *out = output_open(&l->o);
	int code, closed;

	if (!out)
		return EXIT_FAILED;
	code = output_report(out, &l->o, lab_report_list());
	closed = output_close(out);
	return code ?: closed;
}

int cmd_lab(int argc, char **argv)
{
	struct lab_options l = { .o = { .name = "mmuscope lab" } };

	options_parse(&lab_argp, argc, argv, &l.o);
	return !strcmp(l.action, "list") ? list(&l) : run_to_files(&l);
}
