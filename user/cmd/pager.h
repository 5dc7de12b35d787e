/* SPDX-License-Identifier: GPL-2.0 */
/* What fills more than a screen goes through a pager, as with git. */
#ifndef CMD_PAGER_H
#define CMD_PAGER_H

/*
 * Sends standard output through the pager of the environment (MMUSCOPE_PAGER, PAGER, else less) if
 * it is a terminal. Whoever ends the process then waits for the pager.
 */
void pager_start(void);

/* Makes pager_start() do nothing. */
void pager_forbid(void);

#endif /* CMD_PAGER_H */
