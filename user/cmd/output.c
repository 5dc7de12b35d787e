// SPDX-License-Identifier: GPL-2.0
#include "cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/pager.h"
#include "file/format.h"
#include "lib/format.h"
#include "render/render.h"

/* Whoever names one to write to means to read it, or has mixed up two names. */
static bool is_recording(const char *path)
{
	char magic[sizeof(((struct file_preamble *)0)->magic)];
	struct stat st;
	bool is;
	int fd;

	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	is = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	     !memcmp(magic, FILE_MAGIC, sizeof(magic));
	if (fd >= 0)
		close(fd);
	return is;
}

FILE *output_open(const struct options *o)
{
	FILE *out;

	if (!o->output)
		return stdout;
	if (is_recording(o->output)) {
		fprintf(stderr, "mmuscope: cannot write '%s': it is a recording, which that would "
			"destroy; name another file\n", o->output);
		return NULL;
	}
	out = fopen(o->output, "we");
	if (!out)
		fprintf(stderr, "mmuscope: cannot write '%s': %s\n", o->output, strerror(errno));
	return out;
}

FILE *output_open_paged(const struct options *o)
{
	if (!o->output)
		pager_start();
	return output_open(o);
}

static int output_failed(void)
{
	if (errno == EPIPE)
		return EXIT_OK;
	fprintf(stderr, "mmuscope: cannot write the output: %s\n", strerror(errno));
	return EXIT_FAILED;
}

int output_report(FILE *out, const struct options *o, struct report *r)
{
	int err = 0;

	if (!r || report_failed(r))
		err = -ENOMEM;
	else if (o->json)
		err = render_json(out, r);
	else if (o->page)
		render_html(out, r, o->page);
	else if (o->steady)
		render_text_steady(out, r, format_width(out), format_colour(out), o->steady);
	else
		render_text(out, r, format_width(out), format_colour(out));
	if (r)
		report_free(r);
	if (err) {
		fprintf(stderr, "mmuscope: not enough memory\n");
		return EXIT_FAILED;
	}
	return fflush(out) || ferror(out) ? output_failed() : EXIT_OK;
}

int output_finish(FILE *out)
{
	int code = fflush(out) || ferror(out) ? output_failed() : EXIT_OK, closed;

	closed = output_close(out);
	return code ? code : closed;
}

int output_close(FILE *out)
{
	if (out == stdout)
		return EXIT_OK;
	return fclose(out) ? output_failed() : EXIT_OK;
}
