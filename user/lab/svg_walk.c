// SPDX-License-Identifier: GPL-2.0
/* Drawings of the translation: each memory reference of a walk is a box. */
#include <string.h>

#include "lab/svg.h"
#include "render/svg.h"

#define BOX_H	22
#define ROW	32

static void box(FILE *out, const char *class, double x, double y, double w, const char *text)
{
	char middle[32];

	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
		"rx=\"3\"/>", class, x, y, w, BOX_H);
	snprintf(middle, sizeof(middle), "mid %s-t", class);
	svg_text(out, middle, x + w / 2, y + 15, text);
}

static void arrow(FILE *out, double x, double y, double dx, double dy)
{
	double tip_x = x + dx, tip_y = y + dy;

	fprintf(out, "<path class=\"arrow\" d=\"M%.1f %.1f L%.1f %.1f\"/>", x, y, tip_x, tip_y);
	if (dx > 0)
		fprintf(out, "<path class=\"tip\" d=\"M%.1f %.1f l-5 -3 v6 z\"/>", tip_x, tip_y);
	else
		fprintf(out, "<path class=\"tip\" d=\"M%.1f %.1f l-3 -5 h6 z\"/>", tip_x, tip_y);
}

/* One table: the walk under shadow paging, or of a machine without a guest. */
static void walk_one(FILE *out, unsigned int levels)
{
	double w = 44, gap = (SVG_WIDTH - (levels + 1) * w) / levels, y = 26;
	char text[32];

	svg_begin(out, 108, "the walk under shadow paging");
	svg_text(out, "small", 0, 14, "shadow table, guest virtual to host physical");
	for (unsigned int i = 0; i < levels; i++) {
		snprintf(text, sizeof(text), "%u: L%u", i + 1, levels - i);
		box(out, "sh0", i * (w + gap), y, w, text);
		arrow(out, i * (w + gap) + w, y + BOX_H / 2.0, gap - 1, 0);
	}
	box(out, "page", levels * (w + gap), y, w, "page");
	y += ROW + 14;
	svg_text(out, "small", 0, 66, "the guest's own tables, which KVM copies from");
	for (unsigned int i = 0; i < levels; i++) {
		snprintf(text, sizeof(text), "L%u", levels - i);
		box(out, "idle", i * (w + gap), y + 4, w, text);
	}
	svg_end(out);
}

/* Each row: the TDP table is walked to find a guest table, or at last the page. */
static void walk_two(FILE *out, const char *mode, unsigned int levels, unsigned int tdp_levels)
{
	double left = 56, w = 42, gap = (SVG_WIDTH - left - (tdp_levels + 1) * w) / tdp_levels;
	unsigned int n = 0;
	char text[64];
	double y = 24;

	svg_begin(out, 26 + (levels + 1) * ROW, "the walk through two tables");
	snprintf(text, sizeof(text), "%s table, guest physical to host physical",
		 lab_mode_name(mode));
	svg_text(out, "small", left, 14, text);
	for (unsigned int g = 0; g <= levels; g++, y += ROW) {
		if (g < levels)
			snprintf(text, sizeof(text), g ? "gL%u at" : "CR3: gL%u", levels - g);
		else
			snprintf(text, sizeof(text), "page at");
		svg_text(out, "small", 0, y + 15, text);
		for (unsigned int h = 0; h < tdp_levels; h++) {
			snprintf(text, sizeof(text), "%u: L%u", ++n, tdp_levels - h);
			box(out, "tdp0", left + h * (w + gap), y, w, text);
			arrow(out, left + h * (w + gap) + w, y + BOX_H / 2.0, gap - 1, 0);
		}
		if (g < levels)
			snprintf(text, sizeof(text), "%u: gL%u", ++n, levels - g);
		else
			snprintf(text, sizeof(text), "page");
		box(out, g < levels ? "guest" : "page", left + tdp_levels * (w + gap), y, w, text);
		if (g < levels)
			arrow(out, left + tdp_levels * (w + gap) + w / 2, y + BOX_H, 0,
			      ROW - BOX_H - 1);
	}
	svg_end(out);
}

void svg_walk(FILE *out, const char *mode, unsigned int levels, unsigned int tdp_levels)
{
	if (tdp_levels)
		walk_two(out, mode, levels, tdp_levels);
	else
		walk_one(out, levels);
}

void svg_path(FILE *out, const char *mode)
{
	static const char *const place[] = {
		"guest virtual", "guest physical", "host virtual", "host physical",
	};
	static const char *const step[] = {
		"the guest's page tables", "memslot: KVM's list of the VM's memory",
		"the host's page tables",
	};
	bool shadow = !strcmp(mode, "shadow");
	double y = 4;

	svg_begin(out, 176, "from a guest's address to memory");
	for (unsigned int i = 0; i < 4; i++, y += 48) {
		box(out, i == 3 ? "page" : "idle", 0, y, 108, place[i]);
		if (i == 3)
			break;
		arrow(out, 54, y + BOX_H, 0, 48 - BOX_H - 1);
		svg_text(out, "small", 62, y + BOX_H + 17, step[i]);
	}
	/* What the CPU goes by, once KVM has gone the long way. */
	fprintf(out, "<path class=\"short %s\" d=\"M112 %d H326 V159 H114\"/>"
		"<path class=\"tip\" d=\"M112 159 l6 -4 v8 z\"/>"
		"<text class=\"mid head\" x=\"216\" y=\"%d\">%s</text>",
		shadow ? "sh0" : "tdp0", shadow ? 15 : 63, shadow ? 11 : 59,
		shadow ? "shadow table, made by KVM" : mode[0] == 'n' ? "NPT, filled by KVM" :
		"EPT, filled by KVM");
	svg_end(out);
}
