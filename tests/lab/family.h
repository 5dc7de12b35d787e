/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Families of records in each mode: what was compared of them, and what the tool itself says
 * that it lacks on that kernel. Nothing here knows versions.
 */
#ifndef LAB_FAMILY_H
#define LAB_FAMILY_H

#include <stdbool.h>

/* What is compared from here on is of that family and mode; NULL: of none. */
void family_mode(const char *mode);
void family_of(const char *family);

/* One comparison, that held or not; @counted: of something that did happen. */
void family_compared(bool held, bool counted);

/*
 * Whether the collector has that hook, and loses nothing by the way it takes. Where it does not,
 * doctor has said so, and what hangs on the hook cannot be compared.
 */
bool family_has(const char *probe);

/* What is compared until the next family_of() or family_needs() hangs on that hook. */
void family_needs(const char *probe);

/* Whether a comparison can be made: what it hangs on is there. */
bool family_open(void);

/* To FOLDER/families.json. Return: 0 or -errno. */
int family_write(const char *folder);

#endif /* LAB_FAMILY_H */
