/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers that the user typed. */
#ifndef LIB_PARSE_H
#define LIB_PARSE_H

#include <stddef.h>
#include <stdint.h>

/* Each returns 0 and sets its last argument, or -EINVAL for anything but one number in range. */
int parse_seconds(const char *text, uint64_t *ns);	/* "1.5", "1.5s", "200ms"; more than 0 */
int parse_time(const char *text, uint64_t *ns);		/* "1ms", "2.5us", "300ns", "1s", "70" */
int parse_bytes(const char *text, uint64_t *bytes);	/* "4096", "512K", "8M", "1G" */
int parse_number(const char *text, uint64_t max, uint64_t *number);
int parse_address(const char *text, uint64_t *address);	/* "0x7f00", "ffff0000": hexadecimal */

/**
 * parse_distance() - number of edits that make @b of @a
 *
 * Return: Levenshtein's distance; for words longer than 31 bytes only their begin counts.
 */
unsigned int parse_distance(const char *a, const char *b);

#endif /* LIB_PARSE_H */
