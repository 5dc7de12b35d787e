// SPDX-License-Identifier: GPL-2.0
/* Which of the collectors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/source.h"

/* A hook that the tool wants and does without, NULL where it has all. */
static const struct probe_status *wanted_missing(const struct source *src)
{
	const struct probe_status *list;
	size_t count = src->ops->probes(src, &list);

	for (size_t i = 0; i < count; i++) {
		if (list[i].need != PROBE_OPTIONAL && list[i].state == PROBE_MISSING)
			return &list[i];
	}
	return NULL;
}

/*
 * eBPF needs nothing to be built or loaded, so that it comes first. Where it lacks
 * something the kernel module is asked, and taken if it lacks nothing.
 */
static struct source *auto_open(const struct source_config *cfg, char *msg, size_t len)
{
	const struct probe_status *missing = NULL;
	char why[192] = "", other[192];
	struct source *bpf, *kmod;
	int err;

	bpf = source_bpf_open(cfg, msg, len);
	err = errno;
	if (bpf)
		missing = wanted_missing(bpf);
	if (bpf && !missing) {
		msg[0] = '\0';
		return bpf;
	}
	if (bpf)
		snprintf(why, sizeof(why), "eBPF cannot have %s (%s)", missing->name,
			 missing->why);
	else
		snprintf(why, sizeof(why), "%s", msg);
	kmod = source_kmod_open(cfg, other, sizeof(other));
	if (kmod && bpf && wanted_missing(kmod)) {
		kmod->ops->close(kmod);
		kmod = NULL;
	}
	if (kmod) {
		if (bpf)
			bpf->ops->close(bpf);
		snprintf(msg, len, "collecting with the kernel module: %s", why);
		return kmod;
	}
	if (bpf)
		msg[0] = '\0';
	errno = err;
	return bpf;
}

struct source *source_live_open(const struct source_config *cfg, char *msg, size_t len)
{
	struct source *src;

	if (cfg->collector == COLLECTOR_AUTO)
		return auto_open(cfg, msg, len);
	src = cfg->collector == COLLECTOR_BPF ? source_bpf_open(cfg, msg, len) :
						source_kmod_open(cfg, msg, len);
	if (src)
		msg[0] = '\0';
	return src;
}
