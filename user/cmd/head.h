/* SPDX-License-Identifier: GPL-2.0 */
/* What a recording says of itself: where, when and how it was made. */
#ifndef CMD_HEAD_H
#define CMD_HEAD_H

#include <jansson.h>

#include "cmd/options.h"
#include "cmd/session.h"

/* The recording that is meant where none is named. */
#define RECORDING_NAME	"mmuscope.data"

/* Return: the head for a recording of @s, to be given to json_decref(); NULL without memory. */
json_t *head_make(const struct options *o, const struct session *s, char **argv);

/* Return: whether the recording of @head ended with a command, and not when somebody wanted it. */
bool head_until_command(const json_t *head);

#endif /* CMD_HEAD_H */
