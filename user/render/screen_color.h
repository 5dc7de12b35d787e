/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The colours of the screen. On the terminal's own background, which may be light or dark, only
 * those are readable that are neither: red and magenta. Everything else is done by attributes.
 */
#ifndef RENDER_SCREEN_COLOR_H
#define RENDER_SCREEN_COLOR_H

#include <ncurses.h>
#include <stdbool.h>

enum screen_color { COLOR_PLAIN, COLOR_BAD, COLOR_KEY };

static inline void screen_color_begin(bool wanted)
{
	if (!wanted || !has_colors() || start_color() == ERR)
		return;
	/* Without a background of its own the terminal would get a black one. */
	if (use_default_colors() == ERR)
		return;
	init_pair(COLOR_BAD, COLOR_RED, -1);
	init_pair(COLOR_KEY, COLOR_MAGENTA, -1);
}

#endif /* RENDER_SCREEN_COLOR_H */
