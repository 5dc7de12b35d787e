// SPDX-License-Identifier: GPL-2.0
/*
 * LD_PRELOAD=older.so: what speaks to the kernel module says that it is of another version.
 * What the module answers, and what the program says then, is theirs.
 */
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mmuscope/kmod.h>

int ioctl(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == MMUSCOPE_KMOD_HELLO)
		((struct mmuscope_kmod_hello *)arg)->schema++;
	return syscall(SYS_ioctl, fd, request, arg);
}
