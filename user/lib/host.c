// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/host.h"

bool host_path(const struct host *host, const char *path, char *buf, size_t size)
{
	int len = snprintf(buf, size, "%s%s", host->root, path);

	return len >= 0 && (size_t)len < size;
}

int host_pread(const struct host *host, const char *path, uint64_t offset, void *buf, size_t size)
{
	char full[PATH_MAX];
	ssize_t got;
	int fd, err = 0;

	if (!host_path(host, path, full, sizeof(full)))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = pread(fd, buf, size, (off_t)offset);
	if (got < 0)
		err = -errno;
	else if ((size_t)got < size)
		err = -ENODATA;
	close(fd);
	return err;
}

static int line_trim(char *buf, size_t len)
{
	char *end = memchr(buf, '\n', len);
	size_t begin;

	len = end ? (size_t)(end - buf) : len;
	while (len && isspace((unsigned char)buf[len - 1]))
		len--;
	begin = 0;
	while (begin < len && isspace((unsigned char)buf[begin]))
		begin++;
	memmove(buf, buf + begin, len - begin);
	buf[len - begin] = '\0';
	return (int)(len - begin);
}

int host_read(const struct host *host, const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	ssize_t got;
	int fd;

	buf[0] = '\0';
	if (!host_path(host, path, full, sizeof(full)))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buf, size - 1);
	if (got < 0) {
		got = -errno;
		buf[0] = '\0';
	}
	close(fd);
	return got < 0 ? (int)got : line_trim(buf, (size_t)got);
}

bool host_exists(const struct host *host, const char *path)
{
	char full[PATH_MAX];

	return host_path(host, path, full, sizeof(full)) && access(full, F_OK) == 0;
}

int host_param(const struct host *host, const char *module, const char *param, char *buf,
	       size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, param);
	return host_read(host, path, buf, size);
}

int host_switched(const struct host *host, const char *module, const char *param)
{
	char value[16];

	if (host_param(host, module, param, value, sizeof(value)) <= 0)
		return -1;
	switch (value[0]) {
	case 'Y':
	case 'y':
		return 1;
	case 'N':
	case 'n':
		return 0;
	default:
		return atoi(value) != 0;
	}
}

void host_tell(struct host *host, const char *group, const char *name, enum host_state state,
	       const char *doc, const char *fmt, ...)
{
	struct host_fact *fact;
	va_list args;

	if (host->count == HOST_FACTS)
		return;
	fact = &host->facts[host->count++];
	fact->group = group;
	snprintf(fact->name, sizeof(fact->name), "%s", name);
	fact->state = state;
	fact->doc = doc;
	va_start(args, fmt);
	vsnprintf(fact->value, sizeof(fact->value), fmt, args);
	va_end(args);
}

/* "always [madvise] never" -> "madvise" */
static void choice_keep(char *text)
{
	char *open = strchr(text, '[');
	char *close = open ? strchr(open, ']') : NULL;

	if (!close)
		return;
	memmove(text, open + 1, (size_t)(close - open - 1));
	text[close - open - 1] = '\0';
}

void host_tell_settings(struct host *host, const char *group, const struct host_setting *settings,
			size_t count)
{
	char value[HOST_VALUE];

	for (size_t i = 0; i < count; i++) {
		int len = host_read(host, settings[i].path, value, sizeof(value));

		choice_keep(value);
		host_tell(host, group, settings[i].name, HOST_INFO, settings[i].doc, "%s",
			  len > 0 ? value : len == -EACCES || len == -EPERM ? "no permission" :
			  "not there");
	}
}

void host_examine(struct host *host, const char *root)
{
	memset(host, 0, sizeof(*host));
	host->root = root;
	host->users = -1;
	host_cpu_examine(host);
	host_kvm_examine(host);
	host_mm_examine(host);
	host_kernel_examine(host);
}

const struct host_fact *host_find(const struct host *host, const char *group, const char *name)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct host_fact *fact = &host->facts[i];

		if (strcmp(fact->group, group) == 0 && strcmp(fact->name, name) == 0)
			return fact;
	}
	return NULL;
}

enum host_state host_worst(const struct host *host)
{
	enum host_state worst = HOST_INFO;

	for (size_t i = 0; i < host->count; i++)
		if (host->facts[i].state > worst)
			worst = host->facts[i].state;
	return worst;
}

const char *host_state_name(enum host_state state)
{
	static const char *const names[] = {
		[HOST_INFO] = "info",
		[HOST_OK] = "ok",
		[HOST_WARN] = "warn",
		[HOST_BAD] = "bad",
	};

	return names[state];
}
