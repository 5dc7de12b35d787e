/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/mmuscope: one open file is one session. */
#ifndef MMUSCOPE_DEV_H
#define MMUSCOPE_DEV_H

int dev_init(void);
void dev_exit(void);

#endif /* MMUSCOPE_DEV_H */
