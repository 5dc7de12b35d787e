// SPDX-License-Identifier: GPL-2.0
#include "render/html.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Return: bytes of the UTF-8 character at @s that XML allows, 0 where there is none. */
static size_t character(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 : *s >> 3 == 30 ? 4 : 0;
	uint32_t c = len == 1 ? *s : *s & (0x7f >> len);

	for (size_t i = 1; i < len; i++) {
		/* So a NUL, too, ends the character, and is not read past. */
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!len || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    c == 0xfffe || c == 0xffff || c == 0x7f)
		return 0;
	return c < 0x20 && c != '\t' && c != '\n' ? 0 : len;
}

void html_text(FILE *out, const char *text)
{
	size_t len;

	for (; *text; text += len ?: 1) {
		len = character((const unsigned char *)text);
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fwrite(len ? text : REPLACEMENT, 1, len ?: strlen(REPLACEMENT), out);
		}
	}
}

void html_element(FILE *out, const char *tag, const char *class, const char *text)
{
	fprintf(out, *class ? "<%s class=\"%s\">" : "<%s>", tag, class);
	html_text(out, text);
	fprintf(out, "</%s>\n", tag);
}

/*
 * Parts of a whole are p0 to p5, after Okabe and Ito; shades of a heat map h1 to h8 are
 * viridis, from what is next to the background to what is farthest from it.
 */
const char html_colours[] =
":root{color-scheme:light dark;--bg:#f6f6f4;--card:#fff;--fg:#1c1d1f;--dim:#5b5f66;--line:#d4d5d8;"
"--void:#f0f0ee;--p0:#0072b2;--p1:#e69f00;--p2:#009e73;--p3:#d55e00;--p4:#cc79a7;--p5:#56b4e9;"
"--h1:#fde725;--h2:#a0da39;--h3:#4ac16d;--h4:#1fa187;--h5:#277f8e;--h6:#365c8d;--h7:#46327e;"
"--h8:#440154}\n"
"@media screen and (prefers-color-scheme:dark){:root{--bg:#15171a;--card:#1e2125;--fg:#e9eaec;"
"--dim:#a3a8b0;--line:#3a3e45;--void:#15171a;--p0:#56b4e9;--p1:#e69f00;--p2:#26b68c;--p3:#e8743b;"
"--p4:#dd9bc0;--p5:#3d83c0;--h1:#4c2a85;--h2:#46457f;--h3:#365c8d;--h4:#277f8e;--h5:#1fa187;"
"--h6:#4ac16d;--h7:#a0da39;--h8:#fde725}}\n"
"@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444}}\n";

const char html_pictures[] =
"svg{display:block;width:100%;height:auto;margin:10px 0;font:12px system-ui,sans-serif}"
"svg text{fill:var(--fg)}svg .head{font-weight:600}svg .name{font-size:15px;font-weight:600}\n"
"svg .small{font-size:11px;fill:var(--dim)}"
"svg .tiny{font-size:9px;fill:var(--dim)}svg .end{text-anchor:end}svg .mid{text-anchor:middle}"
"svg .num{font-variant-numeric:tabular-nums}\n"
"rect{stroke-width:0}.axis,.arrow{stroke:var(--dim);fill:none}.grid-line{stroke:var(--line);"
"fill:none}.void{fill:var(--void)}"
".hit{fill:transparent}.hit:hover{fill:var(--fg);fill-opacity:.12}\n"
".p0{fill:var(--p0)}.p1{fill:var(--p1)}.p2{fill:var(--p2)}.p3{fill:var(--p3)}.p4{fill:var(--p4)}"
".p5{fill:var(--p5)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}.h4{fill:var(--h4)}"
".h5{fill:var(--h5)}.h6{fill:var(--h6)}.h7{fill:var(--h7)}.h8{fill:var(--h8)}\n"
"svg .on{fill:#fff;font-size:8px}.slot0{fill:#5b5f66}.slot1{fill:#747a84}.slotx{fill:var(--p4)}"
".cells{shape-rendering:crispEdges}\n";

static const char page[] =
"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);"
"font:16px/1.5 system-ui,sans-serif;-webkit-text-size-adjust:100%}\n"
"main{max-width:1200px;margin:0 auto;padding:20px 14px 60px}h1{font-size:1.7rem;line-height:1.2;"
"margin:.4em 0;overflow-wrap:anywhere}h2{font-size:1.3rem;margin:2em 0 .6em;"
"overflow-wrap:anywhere}h3{font-size:1.08rem;margin:0}\n"
"p{margin:.5em 0;max-width:75ch;overflow-wrap:anywhere}.dim{color:var(--dim)}"
".grid{display:grid;gap:14px;"
"grid-template-columns:repeat(auto-fill,minmax(min(340px,100%),1fr))}\n"
".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;"
"min-width:0}.card p{font-size:.94rem}\n"
/* A shade where there is more to see, which what lies at an end covers. */
".scroll{overflow-x:auto;background:"
"linear-gradient(90deg,var(--card) 45%,transparent) 0 0/30px 100% no-repeat local,"
"linear-gradient(270deg,var(--card) 45%,transparent) 100% 0/30px 100% no-repeat local,"
"linear-gradient(90deg,var(--line),transparent) 0 0/12px 100% no-repeat scroll,"
"linear-gradient(270deg,var(--line),transparent) 100% 0/12px 100% no-repeat scroll}\n"
"table{border-collapse:collapse;font-size:.86rem;width:100%;"
"font-variant-numeric:tabular-nums}th,td{text-align:right;padding:3px 7px;"
"border-bottom:1px solid var(--line);white-space:nowrap}\n"
"th:first-child,td:first-child{text-align:left;padding-left:0}th{font-weight:600;vertical-align:"
"bottom}code{font-size:.92em;overflow-wrap:anywhere}a{color:inherit}\n"
"@media(max-width:480px){.card{padding:11px}table{font-size:.8rem}th,td{padding:3px 4px}}\n"
"@media print{main{max-width:none;padding:0}.card{break-inside:avoid}.scroll{overflow:visible}"
"body{font-size:11pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}"
"th,td{white-space:normal}}\n";

/* What is written is well-formed as XML, too, so that tests can tell whether it is. */
void html_begin(FILE *out, const char *title, const char *rules)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/><title>",
	      out);
	html_text(out, title);
	fprintf(out, "</title>\n<style>%s%s%s%s</style></head><body><main>\n", html_colours,
		html_pictures, page, rules);
	html_element(out, "h1", "", title);
}

void html_end(FILE *out)
{
	fputs("</main></body></html>\n", out);
}
