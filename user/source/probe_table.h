/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MMUSCOPE_PROBE_TABLE_H
#define MMUSCOPE_PROBE_TABLE_H

#include "source/probe.h"

extern const struct probe probe_table[];
extern const size_t probe_table_size;

#endif /* MMUSCOPE_PROBE_TABLE_H */
