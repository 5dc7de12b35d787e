/* SPDX-License-Identifier: GPL-2.0 */
/* The rings as the device and the session see them; writing is in mmuscope.h. */
#ifndef MMUSCOPE_RING_H
#define MMUSCOPE_RING_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/types.h>

/**
 * rings_alloc() - a ring for each CPU that is there
 * @bytes: of one, a power of two, at least a page
 *
 * Return: 0 or -ENOMEM, and then there is none.
 */
int rings_alloc(u32 bytes);

/* No probe may be running. Mappings in user space stay good and get nothing more. */
void rings_free(void);

/* Maps a part of the ring of @cpu; @offset in pages from its begin. */
int ring_mmap(struct vm_area_struct *vma, unsigned int cpu, unsigned long offset);

/* Sleeps for records: EPOLLIN when a ring has some. */
__poll_t rings_poll(struct file *file, poll_table *wait);

/* Records written, of all rings. */
u64 rings_records(void);

#endif /* MMUSCOPE_RING_H */
