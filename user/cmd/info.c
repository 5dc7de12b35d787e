// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "cmd/about.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/recording.h"
#include "view/view.h"

static error_t info_parse(int key, char *arg, struct argp_state *state)
{
	return recording_parse(key, arg, state);
}

static const struct argp info_argp = {
	.parser = info_parse,
	.args_doc = "[FILE]",
	.doc = "Say what a recording holds: where and when it was made, its records, what is "
	       "lost.\nFILE is " RECORDING_NAME " unless named."
	       "\vExit code: 0 ok, 1 failure, 2 usage.",
	.children = (const struct argp_child[]){
		{ &options_output, 0, NULL, 0 },
		{ &options_help, 0, NULL, 0 },
		{ 0 },
	},
};

static void vm_section(struct report *r, const struct model *m)
{
	static const struct column columns[] = {
		{ "name", "VM", true, 0 }, { "pid", "pid", false, 0 },
		{ "mode", "mode", true, 0 }, { "vcpus", "vCPUs", false, 0 },
		{ "memory", "memory", false, 0 }, { "records", "records", false, 0 },
	};
	struct table *t = section_table(report_section(r, "vms", NULL, false), "list", "VMs",
					columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < model_vms(m); i++) {
		const struct vm *vm = model_vm(m, i);
		struct cell *row = table_row(t);
		uint64_t records = 0, bytes = slots_bytes(&vm->slots);

		for (size_t k = 0; k < MMUSCOPE_TYPES; k++)
			records += vm->past.records[k];
		row[0] = cell_text(vm->name);
		row[1] = vm->pid ? cell_id(vm->pid) : (struct cell){ 0 };
		row[2] = cell_text(schema_word_text(SET_mode, vm->mode));
		row[3] = cell_count(vm->nr_vcpus);
		row[4] = bytes ? cell_bytes(bytes) : (struct cell){ 0 };
		row[5] = cell_count(records);
	}
}

static struct report *describe(const struct recording *rec, const struct model *m)
{
	const struct view_window w = {
		.past = true, .elapsed_ns = source_file_elapsed(rec->source),
		.source = rec->source,
	};
	struct report *r = report_new("info");

	if (!r)
		return NULL;
	about_recording(r, rec, m);
	vm_section(r, m);
	about_host(r, rec);
	view_collection(r, m, &w);
	return r;
}

static int read_all(struct recording *r, FILE *out)
{
	struct model *m;
	int err, code;

	if (recording_open(r))
		return EXIT_FAILED;
	err = recording_model(r, &m);
	if (!err)
		err = model_fold(m);
	if (err)
		fprintf(stderr, "mmuscope: cannot read '%s': %s\n", r->path, strerror(-err));
	code = err ? EXIT_FAILED : output_report(out, &r->options, describe(r, m));
	if (m)
		model_free(m);
	return err ? code : recording_verdict(r, code);
}

int cmd_info(int argc, char **argv)
{
	struct recording r = RECORDING_INIT("mmuscope info");
	int code, closed;
	FILE *out;

	options_parse(&info_argp, argc, argv, &r.options);
	out = output_open_paged(&r.options);
	if (!out)
		return EXIT_FAILED;
	code = read_all(&r, out);
	recording_close(&r);
	closed = output_close(out);
	return code ? code : closed;
}
