/* SPDX-License-Identifier: GPL-2.0 */
/* A running VM, looked at from outside: what slots and translate are made from. */
#ifndef CMD_INSPECT_H
#define CMD_INSPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "address/translate.h"
#include "view/report.h"

struct inspect;

/**
 * inspect_open() - find the VM that the user named and look at it
 * @name: what its owner calls it, or the owner's process id
 *
 * Return: to be given to inspect_close(), or NULL after one sentence on stderr.
 */
struct inspect *inspect_open(const char *name);
void inspect_close(struct inspect *in);

/* Looks again. Return: 0, or -errno after one sentence on stderr. */
int inspect_look(struct inspect *in);

pid_t inspect_pid(const struct inspect *in);
const char *inspect_name(const struct inspect *in);

/* What the last look found. */
const struct peek_area *inspect_area(const struct inspect *in);

/**
 * struct inspect_choice - through which eyes an address is seen
 * @vcpu: number of the vCPU, -1 for the first
 * @cr3: of the guest instead of the vCPU's, where @has_cr3
 */
struct inspect_choice {
	int64_t vcpu;
	bool has_cr3;
	uint64_t cr3;
};

/**
 * inspect_machine() - what translate() needs to know
 * @m: set; valid until the next look
 *
 * Return: the vCPU, or NULL after one sentence on stderr where there is none of that number.
 */
const struct peek_vcpu *inspect_machine(struct inspect *in, const struct inspect_choice *choice,
					struct machine *m);

/* Adds to @s what is not known, or not of this moment, and what is lost by that. */
void inspect_notes(const struct inspect *in, const struct inspect_choice *choice,
		   const struct peek_vcpu *v, const struct machine *m, struct section *s);

/* The rules of the tables of the VM's owner, as far as they are known: 0 levels if not. */
struct walk_rules inspect_host_rules(struct inspect *in);

/* Memory of the host and of the owner: for struct machine, with @in as its context. */
extern const struct translate_ops inspect_ops;

#endif /* CMD_INSPECT_H */
