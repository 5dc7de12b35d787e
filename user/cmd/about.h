/* SPDX-License-Identifier: GPL-2.0 */
/* Where a recording comes from, as its head says. */
#ifndef CMD_ABOUT_H
#define CMD_ABOUT_H

#include "cmd/recording.h"
#include "model/model.h"
#include "view/report.h"

/* Adds the section "recording": the file, when and where it was made; @m was fed with all of it. */
void about_recording(struct report *r, const struct recording *rec, const struct model *m);

/* Adds the section "host": the host as doctor saw it when the recording began. */
void about_host(struct report *r, const struct recording *rec);

#endif /* CMD_ABOUT_H */
