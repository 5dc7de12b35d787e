// SPDX-License-Identifier: GPL-2.0
/* The terminal itself: taking it over, giving it back, keys. */
#include "render/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "lib/format.h"
#include "render/screen_color.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ESCAPE_MS	25	/* after which an escape is a key of its own */

/* Those that end the process, and those that its owner may want to know of. */
static const int fatal[] = { SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };
static const int passed_on[] = { SIGINT, SIGTERM };

static struct {
	SCREEN *curses;
	struct termios before;
	char restore[128];		/* what makes the terminal as it was */
	size_t restore_len;
	struct sigaction fatal[ARRAY_SIZE(fatal)];
	struct sigaction passed_on[ARRAY_SIZE(passed_on)];
	volatile sig_atomic_t passed[ARRAY_SIZE(passed_on)];
	int kept;			/* what was written to standard error, -1 for nowhere */
	int error;			/* standard error itself */
} screen = { .kept = -1, .error = -1 };

/* Does nothing that a signal handler must not do. */
static void give_back(void)
{
	ssize_t ignored = write(STDOUT_FILENO, screen.restore, screen.restore_len);

	(void)ignored;
	tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

static void end_by(int number)
{
	give_back();
	signal(number, SIG_DFL);
	raise(number);
}

static void pass_on(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		if (number != passed_on[i])
			continue;
		if (screen.passed[i] || screen.passed_on[i].sa_handler == SIG_DFL)
			end_by(number);
		screen.passed[i] = 1;
		if (screen.passed_on[i].sa_handler != SIG_IGN)
			screen.passed_on[i].sa_handler(number);
	}
}

static void signals_take(void)
{
	struct sigaction action = { .sa_handler = end_by };

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &action, &screen.fatal[i]);
	action.sa_handler = pass_on;
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		screen.passed[i] = 0;
		sigaction(passed_on[i], &action, &screen.passed_on[i]);
	}
}

static void signals_give_back(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &screen.fatal[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		/* One that has been used up is back at its default. */
		if (screen.passed[i] && screen.passed_on[i].sa_flags & SA_RESETHAND)
			screen.passed_on[i].sa_handler = SIG_DFL;
		sigaction(passed_on[i], &screen.passed_on[i], NULL);
	}
}

/* Sequences of the terminal: end of attributes, cursor, the other page. */
static void restore_prepare(void)
{
	static const char *const names[] = { "sgr0", "cnorm", "rmkx", "rmcup" };

	screen.restore_len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *text = tigetstr(names[i]);
		size_t len = text && text != (char *)-1 ? strlen(text) : 0;

		if (screen.restore_len + len > sizeof(screen.restore))
			continue;
		memcpy(screen.restore + screen.restore_len, text ?: "", len);
		screen.restore_len += len;
	}
}

/* A sentence in the middle of the page would be gone with it. */
static void errors_keep(void)
{
	if (!isatty(STDERR_FILENO))
		return;
	screen.kept = memfd_create("errors", MFD_CLOEXEC);
	screen.error = screen.kept < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (screen.error >= 0)
		dup2(screen.kept, STDERR_FILENO);
}

static void errors_print(void)
{
	char buf[512];
	ssize_t len;

	if (screen.error >= 0) {
		dup2(screen.error, STDERR_FILENO);
		close(screen.error);
		lseek(screen.kept, 0, SEEK_SET);
		while ((len = read(screen.kept, buf, sizeof(buf))) > 0)
			if (write(STDERR_FILENO, buf, len) != len)
				break;
	}
	if (screen.kept >= 0)
		close(screen.kept);
	screen.kept = screen.error = -1;
}

/* Also for whoever calls exit(). */
static void at_exit(void)
{
	screen_close();
}

int screen_open(void)
{
	static bool registered;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &screen.before))
		return -ENOTTY;
	setlocale(LC_CTYPE, "");
	/* The size is the terminal's: one that a shell has exported does not change with it. */
	unsetenv("COLUMNS");
	unsetenv("LINES");
	screen.curses = newterm(NULL, stdout, stdin);
	if (!screen.curses)
		return -EINVAL;
	restore_prepare();
	errors_keep();
	signals_take();
	if (!registered)
		atexit(at_exit);
	registered = true;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	intrflush(stdscr, FALSE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	screen_color_begin(format_colour(stdout));
	return 0;
}

void screen_close(void)
{
	if (!screen.curses)
		return;
	endwin();
	delscreen(screen.curses);
	screen.curses = NULL;
	signals_give_back();
	errors_print();
}

int screen_key(void)
{
	static const struct { int curses, ours; } keys[] = {
		{ KEY_UP, SCREEN_UP }, { KEY_DOWN, SCREEN_DOWN },
		{ KEY_LEFT, SCREEN_LEFT }, { KEY_RIGHT, SCREEN_RIGHT },
		{ KEY_PPAGE, SCREEN_PAGE_UP }, { KEY_NPAGE, SCREEN_PAGE_DOWN },
		{ KEY_HOME, SCREEN_HOME }, { KEY_END, SCREEN_END },
		{ KEY_ENTER, SCREEN_ENTER }, { '\r', SCREEN_ENTER }, { '\n', SCREEN_ENTER },
		{ KEY_BACKSPACE, SCREEN_BACKSPACE }, { 127, SCREEN_BACKSPACE },
		{ '\b', SCREEN_BACKSPACE }, { 27, SCREEN_ESCAPE }, { '\t', SCREEN_TAB },
		{ KEY_BTAB, SCREEN_BACK_TAB }, { KEY_F(1), SCREEN_HELP },
		{ KEY_RESIZE, SCREEN_RESIZED },
	};
	int key = getch();

	if (key == ERR)
		return SCREEN_NOTHING;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (key == keys[i].curses)
			return keys[i].ours;
	return key < 256 ? key : SCREEN_OTHER;
}
