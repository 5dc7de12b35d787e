/* SPDX-License-Identifier: GPL-2.0 */
/* What libvirt knows of its running domains, where it is installed and answers. */
#ifndef LIB_LIBVIRT_H
#define LIB_LIBVIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LIBVIRT_UNKNOWN	UINT64_MAX

/**
 * struct libvirt_domain - a running domain; bytes, LIBVIRT_UNKNOWN where it does not tell
 * @name: its name, cut to fit
 * @pid: of its process, 0 where libvirt has noted none
 * @actual: what the balloon leaves to the guest
 * @unused: of that, what the guest's kernel has free
 * @available: what the guest's kernel sees as its memory
 */
struct libvirt_domain {
	char name[128];
	pid_t pid;
	uint64_t actual;
	uint64_t unused;
	uint64_t available;
};

struct libvirt_domains {
	struct libvirt_domain *list;
	size_t nr;
};

/**
 * libvirt_read() - ask libvirt, at LIBVIRT_DEFAULT_URI or where it connects by default
 * @d: set, to be freed with libvirt_free()
 * @why: a sentence, where it was not to be asked
 *
 * It is asked by a process of its own: a daemon that hangs must not hang the caller, who
 * waits for some seconds at most.
 *
 * Return: 0; -ENOENT where libvirt is not installed, -ENOTCONN where it is not running,
 * -ETIMEDOUT where it did not answer, or another -errno.
 */
int libvirt_read(struct libvirt_domains *d, char *why, size_t len);
void libvirt_free(struct libvirt_domains *d);

/* Return: the domain of that process or, where libvirt tells no process, of that name; or NULL. */
const struct libvirt_domain *libvirt_find(const struct libvirt_domains *d, pid_t pid,
					  const char *name);

#endif /* LIB_LIBVIRT_H */
