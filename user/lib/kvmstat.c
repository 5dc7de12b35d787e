// SPDX-License-Identifier: GPL-2.0
#include "lib/kvmstat.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* A VM's directory is called by the thread that made it and by its file: "1234-12". */
#define FOLDER	"/sys/kernel/debug/kvm"

static int folder_find(const char *root, pid_t pid, char *path, size_t size)
{
	char folder[PATH_MAX];
	struct dirent *d;
	int err = -ENOENT;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s" FOLDER, root);
	dir = opendir(folder);
	if (!dir)
		return -errno;
	while ((d = readdir(dir))) {
		char *end;

		if (strtol(d->d_name, &end, 10) != pid || *end != '-')
			continue;
		if (!err) {
			err = -EEXIST;
			break;
		}
		err = snprintf(path, size, "%s/%s", folder, d->d_name) < (int)size ?
			0 : -ENAMETOOLONG;
	}
	closedir(dir);
	return err;
}

int kvmstat_read(const char *root, pid_t pid, const char *name, uint64_t *value)
{
	char path[PATH_MAX], file[PATH_MAX + 64];
	unsigned long long number;
	int err;
	FILE *f;

	err = folder_find(root, pid, path, sizeof(path));
	if (err)
		return err;
	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "re");
	if (!f)
		return -errno;
	err = fscanf(f, "%llu", &number) == 1 ? 0 : -EINVAL;
	fclose(f);
	*value = number;
	return err;
}
