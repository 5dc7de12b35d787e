/* SPDX-License-Identifier: GPL-2.0 */
/* Output: one-sentence errors at once, results collected and printed last. */
#ifndef LAB_GUEST_SAY_H
#define LAB_GUEST_SAY_H

#include <stdbool.h>
#include <stdint.h>

void say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Progress words ("ready", "done"): stdout, or stderr when stdout is JSON. */
void say_state(bool json, const char *word);

void out_str(const char *key, const char *value);
void out_num(const char *key, int64_t value);
/* CLOCK_MONOTONIC, the clock of traces. */
int64_t now_ns(void);
/* All that was collected, in one write, so that VMs do not mix their lines. */
void out_print(bool json);

#endif
