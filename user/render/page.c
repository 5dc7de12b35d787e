// SPDX-License-Identifier: GPL-2.0
/* A report as a page: all that it holds, pictures first. */
#include <ctype.h>
#include <string.h>

#include "lib/format.h"
#include "render/html.h"
#include "render/layout.h"
#include "render/render.h"
#include "render/svg.h"

/* Cells of text that are longer than this go on below. */
#define SENTENCE	40

static const char rules[] =
"nav{margin:1em 0;line-height:2}nav a{margin-right:1em;display:inline-block}figure{margin:0}\n"
".facts{max-width:none}.facts span{display:inline-block;margin-right:1em;overflow-wrap:anywhere}\n"
".grid .card{padding-bottom:6px}.grid svg{margin:0}"
"@media(min-width:760px){.tall{grid-column:-2;grid-row:1/span 2}}\n"
".tables{display:flex;flex-wrap:wrap;gap:14px;margin-top:14px;align-items:flex-start}"
".tables .card{flex:0 1 auto;max-width:100%}.tables table{width:auto}\n"
/* A note is as wide as its table, which is not made wider by it. */
".tables .card p{width:0;min-width:max(100%,min(300px,75vw));margin:.6em 0 0}"
"td.long{white-space:normal;min-width:26ch}\n"
":root{--bar:color-mix(in srgb,var(--p5) 45%,transparent)}th.text,td.text{text-align:left}"
"td.share{background:linear-gradient(to right,var(--bar) var(--share),transparent var(--share)) "
"no-repeat 0 50%/100% 76%}\n"
"@media print{.grid{grid-template-columns:1fr 1fr}.tall{grid-column:auto;grid-row:auto}"
".tables .card{max-width:none}table{font-size:8pt}h2{break-after:avoid}}\n";

static bool is_picture(const struct block *b)
{
	return b->kind == BLOCK_HISTOGRAM || b->kind == BLOCK_SERIES || b->kind == BLOCK_SHARES ||
	       b->kind == BLOCK_HEAT;
}

/* Long paths may go on behind each of their folders, too. */
static void put_note(FILE *out, const char *note)
{
	char part[256];

	fputs("<p>", out);
	while (*note) {
		size_t len = strcspn(note, "/");

		len += note[len] == '/';
		len = len < sizeof(part) ? len : sizeof(part) - 1;
		snprintf(part, sizeof(part), "%.*s", (int)len, note);
		html_text(out, part);
		note += len;
		if (len > 1 && part[len - 1] == '/' && part[len - 2] != ' ' && *note)
			fputs("<wbr/>", out);
	}
	fputs("</p>\n", out);
}

/* What is said of block @b, behind it. */
static void put_captions(FILE *out, const struct block *b)
{
	for (b = b->next; b && b->kind == BLOCK_NOTE; b = b->next)
		if (b->caption)
			put_note(out, b->note);
}

static void put_picture(FILE *out, const struct block *b)
{
	fprintf(out, "<figure class=\"card%s\">", b->kind == BLOCK_HEAT ? " tall" : "");
	switch (b->kind) {
	case BLOCK_HISTOGRAM:
		svg_histogram(out, &b->histogram);
		break;
	case BLOCK_SERIES:
		svg_series(out, &b->series);
		break;
	case BLOCK_SHARES:
		svg_shares(out, &b->shares);
		break;
	case BLOCK_HEAT:
		svg_heat(out, &b->heat);
		break;
	case BLOCK_TABLE:
	case BLOCK_NOTE:
		break;
	}
	put_captions(out, b);
	fputs("</figure>\n", out);
}

static void put_facts(FILE *out, const struct section *s)
{
	bool any = false;
	char text[256];

	for (size_t i = 0; i < s->nr_facts; i++) {
		if (!layout_fact(&s->facts[i], text, sizeof(text)))
			continue;
		fputs(any ? "<span>" : "<p class=\"facts\"><span>", out);
		any = true;
		html_text(out, text);
		fputs("</span> ", out);
	}
	if (any)
		fputs("</p>\n", out);
}

static void put_cell(FILE *out, const struct column *column, const struct cell *c)
{
	char buf[FORMAT_MAX];

	if (column->text)
		fputs(strlen(layout_cell(c, buf)) > SENTENCE ? "<td class=\"text long\">" :
		      "<td class=\"text\">", out);
	else if (c->kind == CELL_PERCENT && c->real <= 100)
		fprintf(out, "<td class=\"share\" style=\"--share:%.1f%%\">", c->real);
	else
		fputs("<td>", out);
	html_text(out, layout_cell(c, buf));
	fputs("</td>", out);
}

static void put_table(FILE *out, const struct block *b)
{
	const struct table *t = &b->table;

	if (!t->nr_rows)
		return;
	fputs("<div class=\"card\">", out);
	if (t->title)
		html_element(out, "h3", "", t->title);
	fputs("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>", out);
	for (size_t i = 0; i < t->nr_columns; i++) {
		if (!t->columns[i].head)
			continue;
		fputs(t->columns[i].text ? "<th class=\"text\">" : "<th>", out);
		html_text(out, t->columns[i].head);
		fputs("</th>", out);
	}
	fputs("</tr></thead><tbody>\n", out);
	for (size_t r = 0; r < t->nr_rows; r++) {
		fputs("<tr>", out);
		for (size_t i = 0; i < t->nr_columns; i++)
			if (t->columns[i].head)
				put_cell(out, &t->columns[i], &t->rows[r * t->nr_columns + i]);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
	put_captions(out, b);
	fputs("</div>\n", out);
}

/* Calls @put for each of the blocks that it is for, within an element of class @class. */
static void put_blocks(FILE *out, const struct section *s, const char *class, bool pictures)
{
	bool any = false;

	for (const struct block *b = s->blocks; b; b = b->next) {
		if (b->kind == BLOCK_NOTE || is_picture(b) != pictures)
			continue;
		if (!any)
			fprintf(out, "<div class=\"%s\">\n", class);
		any = true;
		if (pictures)
			put_picture(out, b);
		else
			put_table(out, b);
	}
	if (any)
		fputs("</div>\n", out);
}

/* One of several that are a few sentences each, as findings: they are cards beside each other. */
static bool is_card(const struct section *s)
{
	for (const struct block *b = s->blocks; b; b = b->next)
		if (b->kind != BLOCK_NOTE)
			return false;
	return s->list && s->title;
}

static bool begins_cards(const struct section *before, const struct section *s)
{
	return is_card(s) && (!before || !is_card(before) || strcmp(before->key, s->key));
}

/* What cards are headed with: their key, as a headline. */
static void put_key(FILE *out, const char *key)
{
	char title[64];

	snprintf(title, sizeof(title), "%s", key);
	*title = toupper((unsigned char)*title);
	html_text(out, title);
}

/* What is said of the section, or of what is not there to be shown. */
static void put_notes_above(FILE *out, const struct section *s)
{
	bool shown = false;

	for (const struct block *b = s->blocks; b; b = b->next) {
		if (b->kind != BLOCK_NOTE)
			shown = b->kind != BLOCK_TABLE || b->table.nr_rows;
		else if (!b->caption || !shown)
			put_note(out, b->note);
	}
}

static void put_section(FILE *out, const struct section *before, const struct section *s,
			size_t nr)
{
	bool card = is_card(s), begins = begins_cards(before, s);

	if (before && is_card(before) && (!card || begins))
		fputs("</div>\n", out);
	if (begins) {
		fprintf(out, "<h2 id=\"s%zu\">", nr);
		put_key(out, s->key);
		fputs("</h2>\n<div class=\"grid\">\n", out);
	}
	if (card)
		fputs("<section class=\"card\">\n", out);
	else
		fprintf(out, "<section id=\"s%zu\">\n", nr);
	if (s->title)
		html_element(out, card ? "h3" : "h2", "", s->title);
	put_facts(out, s);
	put_notes_above(out, s);
	put_blocks(out, s, "grid", true);
	put_blocks(out, s, "tables", false);
	fputs("</section>\n", out);
	if (card && !s->next)
		fputs("</div>\n", out);
}

static void put_links(FILE *out, const struct report *r)
{
	const struct section *before = NULL;
	size_t nr = 0;

	fputs("<nav>", out);
	for (const struct section *s = r->sections; s; before = s, s = s->next, nr++) {
		if (!s->title || (is_card(s) && !begins_cards(before, s)))
			continue;
		fprintf(out, "<a href=\"#s%zu\">", nr);
		if (is_card(s))
			put_key(out, s->key);
		else
			html_text(out, s->title);
		fputs("</a> ", out);
	}
	fputs("</nav>\n", out);
}

void render_html(FILE *out, const struct report *r, const char *title)
{
	const struct section *before = NULL;
	size_t nr = 0;

	html_begin(out, title, rules);
	put_links(out, r);
	for (const struct section *s = r->sections; s; before = s, s = s->next)
		put_section(out, before, s, nr++);
	html_element(out, "p", "dim", "mmuscope " MMUSCOPE_VERSION);
	html_end(out);
}

#define TITLE 22

/* Where there is no heat map, what the report says instead. */
static void put_notes(FILE *out, const struct report *r)
{
	double y = TITLE;

	for (const struct section *s = r->sections; s; s = s->next)
		for (const struct block *b = s->blocks; b; b = b->next, y += TITLE)
			if (b->kind == BLOCK_NOTE)
				svg_text(out, "small", 0, y, b->note);
}

void render_svg(FILE *out, const struct report *r, const char *title)
{
	double height = 0, top = 0;

	for (const struct section *s = r->sections; s; s = s->next)
		for (const struct block *b = s->blocks; b; b = b->next)
			if (b->kind == BLOCK_HEAT)
				height += TITLE + svg_heat_height(&b->heat) + TITLE;
	svg_begin_file(out, height > 0 ? height : 2 * TITLE, title);
	if (height <= 0)
		put_notes(out, r);
	for (const struct section *s = r->sections; s; s = s->next) {
		for (const struct block *b = s->blocks; b; b = b->next) {
			if (b->kind != BLOCK_HEAT)
				continue;
			svg_text(out, "name", 0, top + 15, s->title ?: "");
			svg_heat_at(out, &b->heat, top + TITLE);
			top += TITLE + svg_heat_height(&b->heat) + TITLE;
		}
	}
	svg_end(out);
}
