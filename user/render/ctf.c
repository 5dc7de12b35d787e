// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/schema.h"
#include "render/export.h"

#define MAGIC		0xc1fc1fc1	/* of CTF 1.8 */
#define PACKET		(1 << 18)
#define VMS		65536
/* magic, stream id; begin, end, content, size, discarded */
#define PACKET_HEAD	(4 + 4 + 5 * 8)

/**
 * struct ctf
 * @packet: being filled, @len bytes of it
 * @first: time of its first event
 * @last: time of the last event; time must not go back within a stream
 * @lost: records known to be lost so far
 * @names: of VMs, by number
 */
struct ctf {
	int dir;
	FILE *stream;
	struct export_head head;
	uint8_t packet[PACKET];
	size_t len;
	uint64_t first;
	uint64_t last;
	uint64_t lost;
	char *names[VMS];
};

static bool dir_is_empty(int fd)
{
	DIR *dir = fdopendir(dup(fd));
	const struct dirent *e;
	size_t nr = 0;

	while (dir && (e = readdir(dir)))
		nr += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	if (dir)
		closedir(dir);
	return dir && !nr;
}

static FILE *file_open(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

struct ctf *ctf_begin(const char *path, const struct export_head *head, char *err, size_t len)
{
	struct ctf *c = calloc(1, sizeof(*c));

	if (!c) {
		snprintf(err, len, "not enough memory");
		return NULL;
	}
	c->head = *head;
	c->len = PACKET_HEAD;
	if (mkdir(path, 0755) && errno != EEXIST) {
		snprintf(err, len, "cannot make the folder '%s': %s", path, strerror(errno));
		goto fail;
	}
	c->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0) {
		snprintf(err, len, "cannot write to '%s': %s", path, strerror(errno));
		goto fail;
	}
	if (!dir_is_empty(c->dir)) {
		snprintf(err, len, "'%s' exists and is not empty: name another folder", path);
		goto fail_dir;
	}
	c->stream = file_open(c->dir, "stream");
	if (c->stream)
		return c;
	snprintf(err, len, "cannot write to '%s': %s", path, strerror(errno));
fail_dir:
	close(c->dir);
fail:
	free(c);
	return NULL;
}

static void put(struct ctf *c, const void *bytes, size_t len)
{
	memcpy(c->packet + c->len, bytes, len);
	c->len += len;
}

/* Writes what there is. Return: 0 or -errno. */
static int packet_write(struct ctf *c)
{
	uint64_t context[5] = { c->first, c->last, c->len * 8, c->len * 8, c->lost };
	uint32_t magic[2] = { MAGIC, 0 };
	size_t len = c->len;

	if (len == PACKET_HEAD)
		return 0;
	c->len = 0;
	put(c, magic, sizeof(magic));
	put(c, context, sizeof(context));
	if (fwrite(c->packet, 1, len, c->stream) != len)
		return -errno;
	return 0;
}

static int name_keep(struct ctf *c, const struct record_line *line)
{
	char **name = &c->names[line->rec->vm];

	if (!line->vm || (*name && !strcmp(*name, line->vm)))
		return 0;
	free(*name);
	*name = strdup(line->vm);
	return *name ? 0 : -ENOMEM;
}

static void put_field(struct ctf *c, const struct schema_field *f, const struct mmuscope_hdr *rec)
{
	if (f->type != TYPE_TEXT) {
		put(c, (const char *)rec + f->offset, f->size);
		return;
	}
	/* Readers end a text at its first NUL. */
	memset(c->packet + c->len, 0, f->size);
	record_get_text(f, rec, (char *)c->packet + c->len);
	c->len += f->size;
}

int ctf_record(struct ctf *c, const struct record_line *line)
{
	const struct mmuscope_hdr *rec = line->rec;
	const struct schema_event *e = schema_event(rec->type);
	int err = name_keep(c, line);

	if (!err && c->len + rec->size + 64 > PACKET) {
		err = packet_write(c);
		c->len = PACKET_HEAD;
	}
	if (err)
		return err;
	if (rec->type == MMUSCOPE_TYPE_lost)
		c->lost += ((const struct mmuscope_lost *)rec)->count;
	/* What was there before the recording began may come with an older time: see "ts". */
	if (rec->ts > c->last)
		c->last = rec->ts;
	if (c->len == PACKET_HEAD)
		c->first = c->last;
	put(c, &rec->type, sizeof(rec->type));
	put(c, &c->last, sizeof(c->last));
	/* The context, in the order of metadata. */
	put(c, &rec->ts, sizeof(rec->ts));
	put(c, &rec->dur, sizeof(rec->dur));
	put(c, &rec->vm, sizeof(rec->vm));
	put(c, &rec->vcpu, sizeof(rec->vcpu));
	put(c, &rec->flags, sizeof(rec->flags));
	for (size_t i = 0; i < e->nr; i++)
		if (e->fields[i].unit != UNIT_PAD)
			put_field(c, &e->fields[i], rec);
	return 0;
}

static void metadata_head(const struct ctf *c, FILE *out)
{
	fputs("/* CTF 1.8 */\n\n"
	      "typealias integer { size = 8; align = 8; signed = false; } := u8;\n"
	      "typealias integer { size = 16; align = 8; signed = false; } := u16;\n"
	      "typealias integer { size = 32; align = 8; signed = false; } := u32;\n"
	      "typealias integer { size = 32; align = 8; signed = true; } := s32;\n"
	      "typealias integer { size = 64; align = 8; signed = false; } := u64;\n"
	      "typealias integer { size = 8; align = 8; signed = false; base = 16; } := x8;\n"
	      "typealias integer { size = 32; align = 8; signed = false; base = 16; } := x32;\n"
	      "typealias integer { size = 64; align = 8; signed = false; base = 16; } := x64;\n"
	      "typealias integer { size = 8; align = 8; encoding = UTF8; } := text;\n"
	      "\ntrace {\n"
	      "\tmajor = 1;\n\tminor = 8;\n\tbyte_order = le;\n"
	      "\tpacket.header := struct { u32 magic; u32 stream_id; };\n};\n\n", out);
	fputs("env {\n\ttracer_name = \"mmuscope\";\n\ttracer_version = \"" MMUSCOPE_VERSION
	      "\";\n\thostname = ", out);
	record_quoted(out, c->head.host ?: "?");
	fputs(";\n\tkernel_release = ", out);
	record_quoted(out, c->head.kernel ?: "?");
	fputs(";\n", out);
	for (unsigned int vm = 0; vm < VMS; vm++) {
		if (!c->names[vm])
			continue;
		fprintf(out, "\tvm_%u = ", vm);
		record_quoted(out, c->names[vm]);
		fputs(";\n", out);
	}
	/* Where it is not known what time it was, times are since the boot: no minus is read. */
	fprintf(out, "};\n\nclock {\n\tname = monotonic;\n\tfreq = 1000000000;\n"
		"\toffset = %" PRId64 ";\n};\n\n",
		c->head.realtime_ns > 0 ? c->head.realtime_ns : 0);
	fputs("typealias integer { size = 64; align = 8; signed = false; "
	      "map = clock.monotonic.value; } := time;\n\n"
	      "stream {\n\tid = 0;\n"
	      "\tpacket.context := struct {\n"
	      "\t\ttime timestamp_begin; time timestamp_end;\n"
	      "\t\tu64 content_size; u64 packet_size; u64 events_discarded;\n\t};\n"
	      "\tevent.header := struct { u8 id; time timestamp; };\n"
	      "\tevent.context := struct { u64 _ts; u64 _dur; u16 _vm; u16 _vcpu; x8 _flags; };\n"
	      "};\n\n", out);
}

/* Names have an underscore, which readers take off: a field may be called like a keyword. */
static void metadata_field(FILE *out, const struct schema_field *f)
{
	static const char *const types[] = {
		[TYPE_u8] = "u8", [TYPE_u16] = "u16", [TYPE_u32] = "u32", [TYPE_s32] = "s32",
		[TYPE_u64] = "u64",
	};
	bool hex = f->unit == UNIT_ADDR || f->unit == UNIT_GFN || f->unit == UNIT_HEX;

	if (f->type == TYPE_TEXT) {
		fprintf(out, "\t\ttext _%s[%zu];\n", f->key, f->size);
	} else if (f->words) {
		fputs("\t\tenum : u8 {", out);
		for (size_t i = 0; i < f->words->nr; i++)
			fprintf(out, "%s \"%s\" = %u", i ? "," : "", f->words->words[i].name,
				f->words->words[i].value);
		fprintf(out, " } _%s;\n", f->key);
	} else {
		fprintf(out, "\t\t%s%s _%s;\n", hex && f->type != TYPE_s32 ? "x" : "",
			hex && f->type != TYPE_s32 ? types[f->type] + 1 : types[f->type], f->key);
	}
}

static int metadata_write(const struct ctf *c)
{
	FILE *out = file_open(c->dir, "metadata");
	int err;

	if (!out)
		return -errno;
	metadata_head(c, out);
	for (unsigned int type = 1; type < MMUSCOPE_TYPES; type++) {
		const struct schema_event *e = schema_event(type);

		if (!e)
			continue;
		fprintf(out, "/* %s */\nevent {\n\tid = %u;\n\tname = \"%s\";\n\tstream_id = 0;\n"
			"\tfields := struct {\n", e->doc, type, e->name);
		for (size_t i = 0; i < e->nr; i++)
			if (e->fields[i].unit != UNIT_PAD)
				metadata_field(out, &e->fields[i]);
		fputs("\t};\n};\n\n", out);
	}
	err = ferror(out) ? -EIO : 0;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

int ctf_end(struct ctf *c)
{
	int err = packet_write(c), again;

	if (fclose(c->stream) && !err)
		err = -errno;
	again = metadata_write(c);
	err = err ?: again;
	close(c->dir);
	for (unsigned int vm = 0; vm < VMS; vm++)
		free(c->names[vm]);
	free(c);
	return err;
}
