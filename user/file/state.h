/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How things are while a recording is written: the records of VMs, vCPUs and memslots
 * that are valid, and the names of VMs. A flight recorder repeats them wherever
 * reading may begin.
 */
#ifndef FILE_STATE_H
#define FILE_STATE_H

#include <mmuscope/abi.h>

#include "lib/bytes.h"

struct state;

struct state *state_new(void);
void state_free(struct state *s);

/* Takes @rec into account if it is of state. Return: 0 or -ENOMEM. */
int state_feed(struct state *s, const struct mmuscope_hdr *rec);

/* Remembers a name. Return: 0 or -ENOMEM. */
int state_name(struct state *s, uint16_t vm, uint32_t pid, const char *name);

/* Whether the VM has a name, by any owner. */
bool state_has_name(const struct state *s, uint16_t vm);

/* Number of records, and one of them. */
size_t state_records(const struct state *s);
const struct mmuscope_hdr *state_record(const struct state *s, size_t index);

/* Adds the names, as a CHUNK_NAMES has them. */
void state_names(const struct state *s, struct bytes *out);

/* Adds one. */
void state_put_name(struct bytes *out, uint16_t vm, uint32_t pid, const char *name);

#endif /* FILE_STATE_H */
