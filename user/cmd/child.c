// SPDX-License-Identifier: GPL-2.0
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the new process: waits for the go, or for the parent's end. */
static void run(int go, int error, char **command)
{
	char byte;
	int err;

	if (read(go, &byte, 1) != 1)
		_exit(127);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	err = errno;
	_exit(write(error, &err, sizeof(err)) == sizeof(err) ? 127 : 126);
}

int child_prepare(struct child *c, char **command)
{
	int go[2], error[2], err;

	*c = (struct child){ .pid = -1 };
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = -errno;
		goto err_go;
	}
	c->pid = fork();
	if (c->pid < 0) {
		err = -errno;
		goto err_error;
	}
	if (c->pid == 0) {
		close(go[1]);
		close(error[0]);
		run(go[0], error[1], command);
	}
	close(go[0]);
	close(error[1]);
	c->go = go[1];
	c->error = error[0];
	return 0;
err_error:
	close(error[0]);
	close(error[1]);
err_go:
	close(go[0]);
	close(go[1]);
	return err;
}

int child_start(struct child *c)
{
	int err = 0;

	if (write(c->go, "", 1) != 1)
		return -errno;
	/* The pipe closes when the command runs; until then it may tell why it does not. */
	while (read(c->error, &err, sizeof(err)) < 0 && errno == EINTR)
		;
	return -err;
}

bool child_done(void *child)
{
	struct child *c = child;

	if (!c->ended && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->ended = true;
	return c->ended;
}

void child_wait(struct child *c)
{
	if (!c->ended && waitpid(c->pid, &c->status, 0) == c->pid)
		c->ended = true;
}

void child_end(struct child *c)
{
	/* One that was never started waits for this, and not for a signal. */
	close(c->go);
	if (!child_done(c)) {
		kill(c->pid, SIGTERM);
		while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
			;
		c->ended = true;
	}
	close(c->error);
}

int child_code(const struct child *c)
{
	return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}
