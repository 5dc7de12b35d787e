/* SPDX-License-Identifier: GPL-2.0 */
/* Names for addresses of guests' code, from files that the user has of these guests. */
#ifndef LIB_SYMBOLS_H
#define LIB_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols;

/**
 * symbols_open() - read functions from a System.map, a copy of /proc/kallsyms or an ELF file
 * @err: set to one sentence where that cannot be done
 *
 * A guest kernel that was moved at its boot (KASLR) has the addresses of its own /proc/kallsyms,
 * not those of its System.map or vmlinux.
 *
 * Return: the symbols, or NULL.
 */
struct symbols *symbols_open(const char *path, char *err, size_t len);

void symbols_close(struct symbols *s);

/**
 * symbols_find() - the function that has @address
 * @offset: set to how far into it
 *
 * Return: its name, which lives as long as @s, or NULL where there is none.
 */
const char *symbols_find(const struct symbols *s, uint64_t address, uint64_t *offset);

/* Symbols by VM; begins as { NULL, 0 }. */
struct guests {
	struct guest {
		char *vm;
		struct symbols *symbols;
		bool seen;
	} *list;
	size_t nr;
};

/* Takes "VM=FILE". Return: 0, or -1 with one sentence in @err. */
int guests_add(struct guests *g, const char *arg, char *err, size_t len);

void guests_free(struct guests *g);

/* There is a VM of this name. */
void guests_see(struct guests *g, const char *vm);

/* Return: the first name that no VM had so far, or NULL. */
const char *guests_unseen(const struct guests *g);

/**
 * guests_name() - "schedule+0x1c"
 * @g: may be NULL
 * @vm: name of the VM, may be NULL
 *
 * Return: @buf, or NULL where the VM's symbols or a function there are not known.
 */
const char *guests_name(const struct guests *g, const char *vm, uint64_t address, char *buf,
			size_t len);

/* Same, but the function alone. */
const char *guests_function(const struct guests *g, const char *vm, uint64_t address);

#endif /* LIB_SYMBOLS_H */
