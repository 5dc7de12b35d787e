// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a recording: opened, read to its end, and given to the model. CRCs are
 * not looked at, so that changed bytes get past them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "model/group.h"
#include "model/model.h"
#include "source/file.h"

/* Each VM and vCPU of a model takes memory, which the tool's own limit bounds, and nothing here. */
#define VMS	16
#define VCPUS	64

/* A group for each way to find a value. */
static const char keys[] = "vm,vcpu,access,rip,slot,level";

static void read_all(struct source *src)
{
	struct model *m = model_new(source_file_name, src);
	const struct mmuscope_hdr *rec;
	struct group *g;
	char text[256];

	g = group_new(keys, text, sizeof(text));
	while (m && g && source_file_next(src, &rec) == 1) {
		if (rec->vm >= VMS || (rec->vcpu >= VCPUS && rec->vcpu != MMUSCOPE_NO_VCPU))
			continue;
		if (model_feed(m, rec) || group_feed(g, m, rec))
			abort();
	}
	source_file_damage(src, text, sizeof(text));
	source_file_elapsed(src);
	if (m)
		model_free(m);
	group_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file_config cfg = { .to_ns = UINT64_MAX, .types = UINT64_MAX };
	int fd = memfd_create("recording", 0);
	char path[32], err[256];
	struct source *src;

	chunk_sums_ignored = true;
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cfg.path = path;
	src = source_file_open(&cfg, err, sizeof(err));
	if (src) {
		read_all(src);
		src->ops->close(src);
	}
	close(fd);
	return 0;
}
