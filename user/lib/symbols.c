// SPDX-License-Identifier: GPL-2.0
#include "lib/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/kallsyms.h"

/* A kernel with all its modules has 300,000. */
#define SYMBOLS_MAX	4000000
/* Names of Rust functions are the longest, up to 512. */
#define LINE_MAX_LEN	1024
/* Of the last function, whose end is not known. */
#define LAST_SIZE	(1 << 20)

/**
 * struct symbol
 * @size: in bytes, 0 where it is not known: up to the next one
 * @name: offset in the texts
 */
struct symbol {
	uint64_t address;
	uint64_t size;
	size_t name;
};

struct symbols {
	struct symbol *list;
	size_t nr;
	size_t room;
	char *texts;
	size_t len;
	size_t len_room;
};

/* Return: 0 or -errno. */
static int symbol_add(struct symbols *s, uint64_t address, uint64_t size, const char *name)
{
	size_t len = strlen(name) + 1, room;
	void *grown;

	if (s->nr == SYMBOLS_MAX)
		return -E2BIG;
	if (s->nr == s->room) {
		room = s->room ? 2 * s->room : 1024;
		grown = realloc(s->list, room * sizeof(*s->list));
		if (!grown)
			return -ENOMEM;
		s->list = grown;
		s->room = room;
	}
	if (s->len + len > s->len_room) {
		room = 2 * s->len_room + len;
		grown = realloc(s->texts, room);
		if (!grown)
			return -ENOMEM;
		s->texts = grown;
		s->len_room = room;
	}
	memcpy(s->texts + s->len, name, len);
	/* It goes to terminals and into other formats. */
	for (char *c = s->texts + s->len; *c; c++)
		if ((unsigned char)*c <= ' ' || *c > '~' || *c == ';' || *c == '"' || *c == '\\')
			*c = '?';
	s->list[s->nr++] = (struct symbol){ address, size, s->len };
	s->len += len;
	return 0;
}

static int map_read(struct symbols *s, FILE *in, const char *path, char *err, size_t len)
{
	char line[LINE_MAX_LEN];
	struct kallsym symbol;
	unsigned long nr = 0;
	bool zero = true;
	int ret = 0;

	while (!ret && fgets(line, sizeof(line), in)) {
		nr++;
		if (!strchr(line, '\n') || !kallsyms_line(line, &symbol)) {
			snprintf(err, len, "'%s' is no System.map, kallsyms or ELF file: line %lu "
				 "is not an address, a type and a name", path, nr);
			return -1;
		}
		zero &= !symbol.address;
		if (strchr("tTwW", symbol.type))
			ret = symbol_add(s, symbol.address, 0, symbol.name);
	}
	if (ret || ferror(in))
		snprintf(err, len, "cannot read '%s': %s", path, strerror(ret ? -ret : errno));
	else if (nr && zero)
		snprintf(err, len, "in '%s' all addresses are 0: in the guest, copy /proc/kallsyms "
			 "as root", path);
	return ret || ferror(in) || (nr && zero) ? -1 : 0;
}

static int section_read(struct symbols *s, Elf *elf, Elf_Scn *section, const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym sym;
	int ret = 0;

	for (int i = 0; !ret && data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, head->sh_link, sym.st_name);

		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_shndx != SHN_UNDEF && name &&
		    *name)
			ret = symbol_add(s, sym.st_value, sym.st_size, name);
	}
	return ret;
}

static int elf_read(struct symbols *s, int fd, const char *path, char *err, size_t len)
{
	Elf *elf = elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	Elf_Scn *section = NULL;
	GElf_Shdr head;
	int ret = 0;

	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		snprintf(err, len, "'%s' is no ELF file that can be read: %s", path,
			 elf_errmsg(-1) ?: "it is damaged");
		ret = -1;
	}
	while (!ret && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &head) && head.sh_type == SHT_SYMTAB)
			ret = section_read(s, elf, section, &head);
	if (ret < -1)
		snprintf(err, len, "cannot read '%s': %s", path, strerror(-ret));
	elf_end(elf);
	return ret ? -1 : 0;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* Of several names for one address, the first of the file. */
	return x->name < y->name ? -1 : 1;
}

struct symbols *symbols_open(const char *path, char *err, size_t len)
{
	struct symbols *s = calloc(1, sizeof(*s));
	FILE *in = fopen(path, "re");
	char magic[SELFMAG];
	int ret = -1;

	if (!s)
		snprintf(err, len, "not enough memory");
	else if (!in)
		snprintf(err, len, "cannot read '%s': %s", path, strerror(errno));
	if (!s || !in)
		goto out;
	if (fread(magic, 1, SELFMAG, in) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG)) {
		ret = elf_read(s, fileno(in), path, err, len);
	} else {
		rewind(in);
		ret = map_read(s, in, path, err, len);
	}
	if (!ret && !s->nr) {
		snprintf(err, len, "there are no functions in '%s'", path);
		ret = -1;
	}
out:
	if (in)
		fclose(in);
	if (!ret) {
		qsort(s->list, s->nr, sizeof(*s->list), compare);
		return s;
	}
	symbols_close(s);
	return NULL;
}

void symbols_close(struct symbols *s)
{
	if (s) {
		free(s->list);
		free(s->texts);
	}
	free(s);
}

const char *symbols_find(const struct symbols *s, uint64_t address, uint64_t *offset)
{
	size_t low = 0, high = s->nr;
	uint64_t size;

	/* The last that does not begin behind it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	low--;
	size = s->list[low].size ?: low + 1 < s->nr ?
		s->list[low + 1].address - s->list[low].address : LAST_SIZE;
	*offset = address - s->list[low].address;
	if (*offset >= size)
		return NULL;
	while (low && s->list[low - 1].address == s->list[low].address)
		low--;
	return s->texts + s->list[low].name;
}

int guests_add(struct guests *g, const char *arg, char *err, size_t len)
{
	const char *equals = strchr(arg, '=');
	struct guest *grown;

	if (!equals || equals == arg || !equals[1]) {
		snprintf(err, len, "--guest-symbols wants VM=FILE, not '%s'", arg);
		return -1;
	}
	grown = realloc(g->list, (g->nr + 1) * sizeof(*grown));
	if (grown) {
		g->list = grown;
		grown += g->nr;
		grown->vm = strndup(arg, equals - arg);
	}
	if (!grown || !grown->vm) {
		snprintf(err, len, "not enough memory");
		return -1;
	}
	grown->seen = false;
	grown->symbols = symbols_open(equals + 1, err, len);
	if (!grown->symbols) {
		free(grown->vm);
		return -1;
	}
	g->nr++;
	return 0;
}

void guests_free(struct guests *g)
{
	for (size_t i = 0; i < g->nr; i++) {
		free(g->list[i].vm);
		symbols_close(g->list[i].symbols);
	}
	free(g->list);
	*g = (struct guests){ NULL, 0 };
}

/* "qemu" is meant for "qemu:1234", a VM without a name, too: its process id changes. */
static bool is_meant(const char *given, const char *vm)
{
	size_t len = strlen(given);

	if (strncmp(given, vm, len))
		return false;
	return !vm[len] || (vm[len] == ':' && vm[len + 1] &&
			    !vm[len + 1 + strspn(vm + len + 1, "0123456789")]);
}

void guests_see(struct guests *g, const char *vm)
{
	for (size_t i = 0; i < g->nr; i++)
		g->list[i].seen |= is_meant(g->list[i].vm, vm);
}

const char *guests_unseen(const struct guests *g)
{
	for (size_t i = 0; i < g->nr; i++)
		if (!g->list[i].seen)
			return g->list[i].vm;
	return NULL;
}

static const char *find(const struct guests *g, const char *vm, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; g && vm && i < g->nr; i++)
		if (is_meant(g->list[i].vm, vm))
			return symbols_find(g->list[i].symbols, address, offset);
	return NULL;
}

const char *guests_name(const struct guests *g, const char *vm, uint64_t address, char *buf,
			size_t len)
{
	uint64_t offset;
	const char *name = find(g, vm, address, &offset);

	if (!name)
		return NULL;
	snprintf(buf, len, offset ? "%s+0x%" PRIx64 : "%s", name, offset);
	return buf;
}

const char *guests_function(const struct guests *g, const char *vm, uint64_t address)
{
	uint64_t offset;

	return find(g, vm, address, &offset);
}
