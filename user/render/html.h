/* SPDX-License-Identifier: GPL-2.0 */
/* Pages of HTML that need nothing else, no script either. */
#ifndef RENDER_HTML_H
#define RENDER_HTML_H

#include <stdio.h>

/*
 * Prints @text so that it is text in HTML, in SVG and in attributes, whatever it holds: also
 * what is no UTF-8, or may not be in XML, becomes U+FFFD.
 */
void html_text(FILE *out, const char *text);

/* html_element(out, "p", "dim", text): text in an element; @class may be "". */
void html_element(FILE *out, const char *tag, const char *class, const char *text);

/* Begins a page up to its headline, which is @title; @rules is CSS of its own, may be "". */
void html_begin(FILE *out, const char *title, const char *rules);

void html_end(FILE *out);

/*
 * CSS: colours, light and dark, that are apart for every kind of sight; pictures. A picture that
 * is a file of its own brings both along.
 */
extern const char html_colours[], html_pictures[];

#endif /* RENDER_HTML_H */
