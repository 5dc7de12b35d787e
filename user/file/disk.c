// SPDX-License-Identifier: GPL-2.0
#include "file/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

/* The file is nobody else's as long as it is open. What is no file of this kind has no locks. */
static bool file_lock(int fd)
{
	return !flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

int disk_open(const char *path, uid_t uid, gid_t gid)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC;
	int fd = open(path, flags | O_EXCL, 0600);
	bool made = fd >= 0;

	if (!made && errno == EEXIST)
		fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!file_lock(fd)) {
		close(fd);
		errno = EBUSY;
		return -1;
	}
	if (made ? uid && fchown(fd, uid, gid) : ftruncate(fd, 0) && errno != EINVAL) {
		close(fd);
		return -1;
	}
	return fd;
}

int disk_write(int fd, const void *head, size_t head_len, const void *rest, size_t rest_len,
	       uint64_t offset)
{
	struct iovec part[2] = { { (void *)head, head_len }, { (void *)rest, rest_len } };
	int at = 0;
	ssize_t n;

	while (at < 2) {
		if (!part[at].iov_len) {
			at++;
			continue;
		}
		n = pwritev(fd, part + at, 2 - at, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		offset += n;
		for (int i = at; i < 2 && n; i++) {
			size_t len = (size_t)n < part[i].iov_len ? (size_t)n : part[i].iov_len;

			part[i].iov_base = (char *)part[i].iov_base + len;
			part[i].iov_len -= len;
			n -= len;
		}
	}
	return 0;
}

int disk_copy(int from, int to, uint64_t offset, uint64_t len)
{
	char buf[65536];

	while (len) {
		ssize_t n = pread(from, buf, len < sizeof(buf) ? len : sizeof(buf), offset);

		if (n <= 0)
			return n ? -errno : -EIO;
		for (ssize_t done = 0, put; done < n; done += put) {
			put = write(to, buf + done, n - done);
			if (put < 0)
				return -errno;
		}
		offset += n;
		len -= n;
	}
	return 0;
}
