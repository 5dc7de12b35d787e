/* SPDX-License-Identifier: GPL-2.0 */
/* The file that a recording is written to. */
#ifndef FILE_DISK_H
#define FILE_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * disk_open() - a file to write a recording to
 * @uid: who is to own it if it is new, 0 for the caller
 * @gid: the same
 *
 * Only what is new is given away: a link may lead to what is not the new owner's business.
 *
 * Return: the file, empty, or -1 with errno, EBUSY where another one records to it.
 */
int disk_open(const char *path, uid_t uid, gid_t gid);

/* Writes @head and behind it @rest, from @offset on. Return: 0 or -errno. */
int disk_write(int fd, const void *head, size_t head_len, const void *rest, size_t rest_len,
	       uint64_t offset);

/* Appends to @to the @len bytes that @from has at @offset. Return: 0 or -errno. */
int disk_copy(int from, int to, uint64_t offset, uint64_t len);

#endif /* FILE_DISK_H */
