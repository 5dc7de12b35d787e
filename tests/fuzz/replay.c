// SPDX-License-Identifier: GPL-2.0
/*
 * Gives each file of a folder to the fuzz target that it is linked with; where it
 * comes back, that is a test passed. For the folders that hold what a fuzzer found
 * worth keeping, and what it once broke.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static bool replay(const char *path)
{
	FILE *f = fopen(path, "r");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END))
		return false;
	size = ftell(f);
	rewind(f);
	/* Exactly as large as the file: a byte too many read is an error. */
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, f) != (size_t)size)
		return false;
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return true;
}

int main(void)
{
	const char *folder = FUZZ_CORPUS;
	unsigned int nr = 0, failed = 0;
	DIR *dir = opendir(folder);
	struct dirent *d;
	char path[512];

	while (dir && (d = readdir(dir))) {
		bool ok;

		if (*d->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		ok = replay(path);
		failed += !ok;
		printf("%sok %u - %s\n", ok ? "" : "not ", ++nr, d->d_name);
	}
	if (dir)
		closedir(dir);
	if (!nr)
		printf("not ok 1 - nothing is in %s\n", folder);
	return !nr || failed;
}
