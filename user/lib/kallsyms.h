/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of /proc/kallsyms and System.map: "address type name", and a module's name behind a tab. */
#ifndef MMUSCOPE_KALLSYMS_H
#define MMUSCOPE_KALLSYMS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct kallsym - a symbol of a kernel
 * @address: 0 where it is hidden (kptr_restrict)
 * @type: as nm prints it
 * @name: within the line
 */
struct kallsym {
	uint64_t address;
	char type;
	char *name;
};

/* Takes @line apart, which is changed. Return: whether it is such a line. */
bool kallsyms_line(char *line, struct kallsym *symbol);

#endif /* MMUSCOPE_KALLSYMS_H */
