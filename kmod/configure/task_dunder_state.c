// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>

unsigned int test(struct task_struct *task);
unsigned int test(struct task_struct *task)
{
	return task->__state;
}
