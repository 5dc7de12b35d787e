// SPDX-License-Identifier: GPL-2.0
/* top on the terminal: what the keys do. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/top.h"
#include "lib/format.h"
#include "render/grid.h"
#include "render/screen.h"

/* After a change of what is counted nobody wants to wait a whole interval. */
#define FIRST_NS	300000000ULL

enum mode { MODE_TABLE, MODE_FILTER, MODE_HELP };

/**
 * struct browse - what the user is doing
 * @before: the filter before it was changed
 * @frozen: the report stays
 * @turned: something else is looked at, the running interval is to be given up
 * @help_top: first line of the help that is shown
 */
struct browse {
	struct top *top;
	struct grid grid;
	enum mode mode;
	char before[GRID_TEXT];
	bool frozen;
	bool turned;
	bool quit;
	size_t help_top;
	int err;
};

static const char *const help[] = {
	" Up Down PgUp PgDn Home End   select",
	" Enter  look into the selected row",
	" Esc    back to where it was opened",
	" Tab    the same by something else:",
	"        vCPU, kind of fault, cause,",
	"        memslot, guest instruction",
	" < >    sort by another column",
	" r      sort the other way round",
	" /      only rows with this text;",
	"        Esc while typing: as before",
	" Space  freeze, and go on",
	" ?      this help",
	" q      quit",
	"",
	" time   in the faults of an interval,",
	"        from the exit to the entry",
	" %vCPU  of the time of the VM's vCPUs",
	" p50    of the faults, as p99",
	" inv    invalidations by the host",
	" dirty  pages that dirty logging told",
	" other  all other records",
	NULL,
};

static void draw(struct browse *b)
{
	static const char *const table_keys[] = {
		"q quit", "? help", "Enter open", "/ filter", "<> sort", "r reverse",
		"Space freeze", NULL,
	};
	static const char *const row_keys[] = {
		"Esc back", "Tab by ...", "? help", "Enter open", "/ filter", "<> sort",
		"r reverse", "Space freeze", "q quit", NULL,
	};
	char title[64], clock[16], every[FORMAT_MAX], path[FOCUS_PATH + GRID_TEXT + 16];
	bool vms = focus_on_vms(&b->top->focus);
	time_t now = time(NULL);
	size_t len;

	if (b->mode == MODE_HELP) {
		screen_draw_text("mmuscope top: any other key ends this help", help, b->help_top);
		return;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	snprintf(title, sizeof(title), "mmuscope top  %s, every %s", clock,
		 format_ns(every, top_interval(b->top)));
	focus_path(&b->top->focus, path);
	len = strlen(path);
	if (*b->grid.filter && b->mode != MODE_FILTER)
		snprintf(path + len, sizeof(path) - len, ", with '%s'", b->grid.filter);
	screen_draw(&(struct screen_page){
		.title = title, .state = b->frozen ? "FROZEN" : NULL,
		.report = b->top->report, .path = path, .grid = &b->grid,
		.empty = !b->top->report ? "Counting ..." : *b->grid.filter ?
			 "No row has this text." : vms ? "No VM is running." :
			 "Nothing happened in this interval.",
		.keys = vms ? table_keys : row_keys,
		.prompt = b->mode == MODE_FILTER ? b->grid.filter : NULL,
	});
}

/* Something else is looked at: what was counted until now does not fit it. */
static void turn(struct browse *b, int err)
{
	if (err == -ENOENT)
		return;
	b->err = err;
	b->turned = true;
	b->frozen = false;
	grid_reset(&b->grid);
	top_forget(b->top);
}

static void open_selected(struct browse *b)
{
	const struct cell *row = grid_selected(&b->grid);

	if (row)
		turn(b, focus_open(&b->top->focus, session_model(b->top->session), b->top->group,
				   row));
}

static void go_back(struct browse *b)
{
	if (*b->grid.filter) {
		*b->grid.filter = '\0';
		b->err = grid_show(&b->grid, b->grid.table);
	} else {
		turn(b, focus_close(&b->top->focus));
	}
}

static void begin_filter(struct browse *b)
{
	memcpy(b->before, b->grid.filter, sizeof(b->before));
	b->mode = MODE_FILTER;
}

static void key_move(struct browse *b, int key)
{
	long page = screen_rows() ? screen_rows() : 1;

	switch (key) {
	case SCREEN_UP: case 'k':
		grid_move(&b->grid, -1);
		break;
	case SCREEN_DOWN: case 'j':
		grid_move(&b->grid, 1);
		break;
	case SCREEN_PAGE_UP:
		grid_move(&b->grid, -page);
		break;
	case SCREEN_PAGE_DOWN:
		grid_move(&b->grid, page);
		break;
	case SCREEN_HOME:
		grid_move(&b->grid, -(long)b->grid.nr);
		break;
	case SCREEN_END:
		grid_move(&b->grid, b->grid.nr);
		break;
	}
}

static void key_table(struct browse *b, int key)
{
	switch (key) {
	case 'q':
		b->quit = true;
		break;
	case '?': case 'h': case SCREEN_HELP:
		b->mode = MODE_HELP;
		b->help_top = 0;
		break;
	case SCREEN_ENTER: case SCREEN_RIGHT:
		open_selected(b);
		break;
	case SCREEN_ESCAPE: case SCREEN_LEFT: case SCREEN_BACKSPACE:
		go_back(b);
		break;
	case SCREEN_TAB: case SCREEN_BACK_TAB:
		if (!focus_on_vms(&b->top->focus))
			turn(b, focus_turn(&b->top->focus, key == SCREEN_TAB ? 1 : -1));
		break;
	case '>': case '<':
		b->err = grid_sort_next(&b->grid, key == '>' ? 1 : -1);
		break;
	case 'r':
		b->grid.reverse = !b->grid.reverse;
		if (!*b->grid.sort)
			snprintf(b->grid.sort, sizeof(b->grid.sort), "ns");
		b->err = grid_show(&b->grid, b->grid.table);
		break;
	case '/':
		begin_filter(b);
		break;
	case ' ':
		b->frozen = !b->frozen && b->top->report;
		break;
	default:
		key_move(b, key);
	}
}

static void key_filter(struct browse *b, int key)
{
	char *text = b->grid.filter;
	size_t len = strlen(text);

	if (key == SCREEN_ENTER || key == SCREEN_ESCAPE)
		b->mode = MODE_TABLE;
	if (key == SCREEN_ESCAPE)
		memcpy(text, b->before, sizeof(b->before));
	if (key == SCREEN_BACKSPACE && len)
		text[len - 1] = '\0';
	if (key < 256 && !iscntrl(key) && len + 1 < sizeof(b->grid.filter)) {
		text[len] = key;
		text[len + 1] = '\0';
	}
	b->err = grid_show(&b->grid, b->grid.table);
}

static void key_help(struct browse *b, int key)
{
	size_t last = sizeof(help) / sizeof(help[0]) - 2;

	if (key == SCREEN_DOWN && b->help_top < last)
		b->help_top++;
	else if (key == SCREEN_UP && b->help_top)
		b->help_top--;
	else if (key != SCREEN_UP && key != SCREEN_DOWN && key != SCREEN_RESIZED)
		b->mode = MODE_TABLE;
}

/* Does what the keys say that were pressed. Return: whether to end the running interval. */
static bool keys(void *ctx)
{
	static void (*const does[])(struct browse *, int) = {
		[MODE_TABLE] = key_table, [MODE_FILTER] = key_filter, [MODE_HELP] = key_help,
	};
	struct browse *b = ctx;
	bool any = false;
	int key;

	while (!b->quit && !b->turned && !b->err && (key = screen_key()) != SCREEN_NOTHING) {
		does[b->mode](b, key);
		any = true;
	}
	if (any && !b->quit)
		draw(b);
	return b->quit || b->turned || b->err;
}

static void refresh(struct browse *b)
{
	uint64_t begin = session_clock();

	b->err = top_refresh(b->top, !b->turned && !b->frozen);
	if (!b->err)
		b->err = grid_show(&b->grid, b->top->table);
	draw(b);
	if (!b->turned && !b->frozen)
		b->top->refresh_ns = session_clock() - begin;
}

/* Made-up records come to an end; what they were can be looked at. */
static void wait_for_keys(struct browse *b)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	while (!keys(b) && !session_stopped())
		poll(&in, 1, -1);
}

static int run(struct browse *b, uint64_t end)
{
	struct top *top = b->top;
	uint64_t next = session_clock(), interval, shown = 0;

	while (!b->quit && !b->err && !top_over(top, end) && !(top->nr && shown == top->nr)) {
		interval = top_interval(top);
		if (!top->report && interval > FIRST_NS)
			interval = FIRST_NS;
		next += interval;
		if (session_run(top->session, next < end ? next : end, keys, b))
			return EXIT_FAILED;
		if (b->quit || b->err)
			break;
		if (b->turned)
			next = session_clock();
		else
			shown++;
		refresh(b);
		b->turned = false;
		if (session_ended(top->session))
			wait_for_keys(b);
	}
	return b->err ? EXIT_FAILED : EXIT_OK;
}

int top_browse(struct top *top, uint64_t end)
{
	struct browse b = { .top = top };
	int code, err = screen_open();

	if (err) {
		fprintf(stderr, "mmuscope: the terminal cannot be drawn on (TERM is wrong?); "
			"--batch prints lines\n");
		return EXIT_FAILED;
	}
	snprintf(b.grid.sort, sizeof(b.grid.sort), "%s", top->sort ?: "ns");
	draw(&b);
	code = run(&b, end);
	screen_close();
	if (b.err)
		fprintf(stderr, "mmuscope: not enough memory\n");
	grid_free(&b.grid);
	return code;
}
