// SPDX-License-Identifier: GPL-2.0
/* The lab's results as a page of HTML: nothing to load, no script. */
#include <stdlib.h>
#include <string.h>

#include "lab/report.h"
#include "lab/svg.h"
#include "lib/format.h"
#include "render/html.h"
#include "render/svg.h"

/* Of guests of the lab. */
#define GUEST_LEVELS 4

/* Blue is hardware, orange is shadow paging: apart for every kind of sight, and in grey. */
static const char rules[] =
":root{--tdp0:#0063a8;--tdp1:#4aa3dc;--sh0:#c14f00;--sh1:#e2a13c;--idle:#e7e8ea;--guest:#2b2e33;"
"--ontdp:#fff;--onsh:#fff;--onguest:#fff}\n"
"@media screen and (prefers-color-scheme:dark){:root{--tdp0:#4aa3e6;--tdp1:#a5d4f7;--sh0:#f0762b;"
"--sh1:#f7c87e;--idle:#31353b;--guest:#d9dbdf;--ontdp:#08131c;--onsh:#1f0d00;--onguest:#15171a}}\n"
".say{border-left:3px solid var(--tdp0);padding-left:10px}\n"
".tdp0{fill:var(--tdp0);stroke:var(--tdp0)}.tdp1{fill:var(--tdp1);stroke:var(--tdp1)}"
".sh0{fill:var(--sh0);stroke:var(--sh0)}.sh1{fill:var(--sh1);stroke:var(--sh1)}\n"
".idle{fill:var(--idle)}.guest{fill:var(--guest)}"
".page{fill:none;stroke:var(--fg);stroke-width:1.5}\n"
"svg .tdp0-t{fill:var(--ontdp)}svg .sh0-t{fill:var(--onsh)}svg .guest-t{fill:var(--onguest)}"
"svg .tdp0-t,svg .sh0-t,svg .guest-t{stroke:none;font-size:10px}\n"
".tip{fill:var(--dim)}.short{fill:none;stroke-width:2.5}"
".line{fill:none;stroke-width:2.2;stroke-linejoin:round}.line.tdp1{stroke-dasharray:6 3}"
".line.sh0{stroke-dasharray:10 2 2 2}.line.sh1{stroke-dasharray:2 2}\n"
".key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}"
".key.tdp0{background:var(--tdp0)}.key.tdp1{background:var(--tdp1)}.key.sh0{background:var(--sh0)}"
".key.sh1{background:var(--sh1)}.keys span{white-space:nowrap;margin-right:1em}\n"
"details{margin-top:8px;font-size:.9rem}summary{cursor:pointer;color:var(--dim)}\n";

static void page_head(FILE *out)
{
	html_begin(out, "EPT, NPT and shadow paging, side by side", rules);
	html_element(out, "p", "dim", "The same guests on real KVM, under each kind of memory "
		     "virtualization. mmuscope " MMUSCOPE_VERSION " traced them.");
}

static void page_keys(FILE *out, const struct lab_result *r)
{
	char name[64];

	fputs("<p class=\"keys\">", out);
	for (size_t i = 0; i < r->nr; i++) {
		fprintf(out, "<span><i class=\"key %s\"></i>", svg_class(r, &r->side[i]));
		html_text(out, lab_side_name(name, sizeof(name), &r->side[i]));
		fputs("</span>", out);
	}
	fputs("</p>\n", out);
}

static void table_head(FILE *out, const struct lab_result *r, const char *first)
{
	fputs("<div class=\"scroll\"><table><thead><tr><th>", out);
	html_text(out, first);
	for (size_t i = 0; i < r->nr; i++) {
		fputs("</th><th>", out);
		html_text(out, r->side[i].machine->title);
		fputs("<br/>", out);
		html_text(out, lab_mode_name(r->side[i].mode));
	}
	fputs("</th></tr></thead><tbody>\n", out);
}

static void table_row_print(FILE *out, const struct lab_result *r, size_t w, enum lab_quantity q)
{
	char buf[2 * FORMAT_MAX];

	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_numbers *n = &r->side[i].numbers[w];

		fprintf(out, "<td>%s</td>", !n->there ? "-" :
			svg_value(buf, &r->side[i], q, n->value[q]));
	}
	fputs("</tr>\n", out);
}

static void page_overview(FILE *out, const struct lab_result *r)
{
	fputs("<h2>Exits per operation</h2>\n<div class=\"card\">", out);
	table_head(out, r, "work");
	for (size_t w = 0; w < LAB_WORKLOADS; w++) {
		if (!r->chosen[w])
			continue;
		fprintf(out, "<tr><td><a href=\"#%s\">%s</a></td>", lab_workloads[w].name,
			lab_workloads[w].name);
		table_row_print(out, r, w, LAB_EXITS_PER_OP);
	}
	fputs("</tbody></table></div></div>\n", out);
}

static unsigned int tdp_levels(const struct lab_side *s)
{
	const char *levels = lab_side_fact(s, "tdp_levels");

	return lab_side_tdp(s) ? levels ? strtoul(levels, NULL, 10) : 4 : 0;
}

static void page_walk(FILE *out, const struct lab_side *s)
{
	unsigned int tdp = tdp_levels(s), refs = tdp ? (GUEST_LEVELS + 1) * (tdp + 1) - 1 :
		GUEST_LEVELS;
	char name[64], text[320];

	fprintf(out, "<div class=\"card\" id=\"walk-%s\">", s->mode);
	snprintf(text, sizeof(text), "%s: %s%u memory references", tdp ?
		 lab_side_name(name, sizeof(name), s) : "Shadow paging", tdp ? "up to " : "", refs);
	html_element(out, "h3", "", text);
	svg_path(out, s->mode);
	svg_walk(out, s->mode, GUEST_LEVELS, tdp);
	if (tdp)
		snprintf(text, sizeof(text), "On a TLB miss the CPU walks the guest's %u levels "
			 "itself. Each of its tables, and the page, lies at a guest physical "
			 "address, which takes %u more references: (%u + 1) x (%u + 1) - 1 = %u. "
			 "KVM is needed where an entry is missing here.",
			 GUEST_LEVELS, tdp, GUEST_LEVELS, tdp, refs);
	else
		snprintf(text, sizeof(text), "On a TLB miss the CPU walks %u levels, as without a "
			 "guest. KVM pays for that: it has to copy each entry of the guest's "
			 "tables, and to notice when the guest changes one.", refs);
	html_element(out, "p", "", text);
	fputs("</div>\n", out);
}

static void page_walks(FILE *out, const struct lab_result *r)
{
	bool shadow = false;

	fputs("<h2>The translations</h2>\n<div class=\"grid\">\n", out);
	for (size_t i = 0; i < r->nr; i++) {
		if (!*r->side[i].mode || (!lab_side_tdp(&r->side[i]) && shadow))
			continue;
		shadow |= !lab_side_tdp(&r->side[i]);
		page_walk(out, &r->side[i]);
	}
	fputs("</div>\n", out);
}

static void page_reasons(FILE *out, const struct lab_result *r, size_t w)
{
	char name[64], count[FORMAT_MAX];

	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_numbers *n = &r->side[i].numbers[w];

		if (!n->nr_reasons)
			continue;
		fputs("<p>Exits, ", out);
		html_text(out, lab_side_name(name, sizeof(name), &r->side[i]));
		fputs(": ", out);
		for (size_t k = 0; k < n->nr_reasons; k++) {
			fputs(k ? ", " : "", out);
			html_text(out, n->reason[k].name);
			fprintf(out, " %s", format_count(count, n->reason[k].count));
		}
		fputs("</p>\n", out);
	}
}

static void page_numbers(FILE *out, const struct lab_result *r, size_t w)
{
	fputs("<details><summary>All numbers</summary>", out);
	table_head(out, r, "");
	for (enum lab_quantity q = 0; q < LAB_QUANTITIES; q++) {
		fprintf(out, "<tr><td>%s%s</td>", lab_quantities[q].unit != LAB_UNIT_TIME ? "" :
			r->side[0].emulated ? "instr." : "time", lab_quantities[q].label);
		table_row_print(out, r, w, q);
	}
	fputs("</tbody></table></div>", out);
	page_reasons(out, r, w);
	fputs("</details>\n", out);
}

static uint64_t operations(const struct lab_result *r, size_t w)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->side[i].numbers[w].ops)
			return r->side[i].numbers[w].ops;
	return 0;
}

static void page_workload(FILE *out, const struct lab_result *r, size_t w)
{
	static const enum lab_quantity shown[] = {
		LAB_EXITS_PER_OP, LAB_EXIT_TIME_PER_OP, LAB_TABLES, LAB_FLUSHES,
	};
	const struct lab_workload *l = &lab_workloads[w];
	uint64_t ops = operations(r, w);
	char buf[FORMAT_MAX];

	fprintf(out, "<section class=\"card\" id=\"%s\"><h3>%s</h3>\n<p class=\"dim\">", l->name,
		l->name);
	if (ops)
		fprintf(out, "%s %s. ", format_count(buf, ops), l->many);
	fputs("</p>\n", out);
	html_element(out, "p", "", l->look);
	for (size_t i = 0; ops && i < sizeof(shown) / sizeof(*shown); i++)
		svg_bars(out, r, w, shown[i]);
	lab_svg_histogram(out, r, w);
	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_side *tdp = lab_result_tdp(r, &r->side[i]);
		char *text = tdp ? lab_sentence(l, tdp, &r->side[i]) : NULL;

		if (text)
			html_element(out, "p", "say", text);
		free(text);
	}
	if (ops)
		page_numbers(out, r, w);
	else
		html_element(out, "p", "", "Not possible here.");
	fputs("</section>\n", out);
}

static void page_machines(FILE *out, const struct lab_result *r)
{
	char name[64];

	fputs("<h2>The machines</h2>\n<div class=\"grid\">\n", out);
	for (size_t i = 0; i < r->nr; i++) {
		const struct lab_side *s = &r->side[i];

		fputs("<div class=\"card\">", out);
		html_element(out, "h3", "", lab_side_name(name, sizeof(name), s));
		html_element(out, "p", "", s->machine->what);
		fputs("<p>", out);
		for (size_t k = 0; k < s->nr_facts; k++) {
			fputs(k ? "<br/><code>" : "<code>", out);
			html_text(out, s->fact[k].key);
			fputs(" = ", out);
			html_text(out, s->fact[k].value);
			fputs("</code>", out);
		}
		fprintf(out, "</p><p>%u fault counts were known in advance; all are exact.</p>"
			"</div>\n",
			s->known);
	}
	fputs("</div>\n", out);
}

void lab_page(FILE *out, const struct lab_result *r)
{
	page_head(out);
	page_keys(out, r);
	page_overview(out, r);
	page_walks(out, r);
	fputs("<h2>Work by work</h2>\n", out);
	page_keys(out, r);
	fputs("<div class=\"grid\">\n", out);
	for (size_t w = 0; w < LAB_WORKLOADS; w++)
		if (r->chosen[w])
			page_workload(out, r, w);
	fputs("</div>\n", out);
	page_machines(out, r);
	fputs("<h2>How it was measured</h2>\n", out);
	for (size_t i = 0; lab_method[i]; i++)
		html_element(out, "p", "", lab_method[i]);
	html_end(out);
}
