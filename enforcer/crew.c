// SPDX-License-Identifier: Apache-2.0
#include "enforcer/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "enforcer/wire.h"

/* What the proxy finds open (proxy/managed.h), and the helper its own. */
enum { FD_CONTROL = 3, FD_LEGS = 4, FD_MAPS = 5 };

/* In a child: FDS[i] becomes descriptor 3 + i, everything above is closed. False: not possible. */
static bool keep_only(int *fds, int n)
{
	/* Out of the way of the numbers that they are to have. */
	for (int i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, 64);
		if (fds[i] < 0)
			return false;
	}
	for (int i = 0; i < n; i++) {
		if (dup2(fds[i], FD_CONTROL + i) < 0)
			return false;
	}
	return !close_range((unsigned int)(FD_CONTROL + n), ~0U, 0);
}

static void take_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The helper outlives a signal to all processes of the service: the proxy still needs it. */
static void be_helper(const struct pst_crew_opts *opts, int legs)
{
	const struct pst_legs_maps *m = &opts->maps;
	int fds[] = {legs, legs, m->ours, m->legs, m->origins, m->meant};
	const struct pst_legs_maps maps = {
		.ours = FD_MAPS, .legs = FD_MAPS + 1, .origins = FD_MAPS + 2, .meant = FD_MAPS + 3};

	take_signals();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (!keep_only(fds, 6))
		_exit(1);
	close(FD_CONTROL);
	_exit(pst_legs_run(&maps, FD_LEGS));
}

/* The command line of the proxy, filled from the front; the rest is NULL. */
struct command {
	const char *argv[24 + 2 * PST_REPLY_HEADERS];
	size_t n;
};

static void add(struct command *c, const char *option, const char *value)
{
	if (!value)
		return;
	c->argv[c->n++] = option;
	c->argv[c->n++] = value;
}

static void compose(const struct pst_crew_opts *opts, struct command *c)
{
	c->argv[c->n++] = opts->path;
	c->argv[c->n++] = "--managed";
	add(c, "--events", opts->events_fd < 0 ? "none" : opts->events);
	if (opts->show_queries)
		c->argv[c->n++] = "--show-queries";
	add(c, "--paths", opts->paths);
	add(c, "--escaped-slashes", opts->slashes);
	add(c, "--deny-body", opts->reply->body);
	add(c, "--deny-content-type", opts->reply->content_type);
	for (size_t i = 0; i < opts->reply->n_headers; i++)
		add(c, "--deny-header", opts->reply->headers[i]);
}

static void be_proxy(const struct pst_crew_opts *opts, int control, int legs)
{
	int fds[] = {control, legs};
	struct command c = {.n = 0};
	int out = opts->events_fd < 0 ? open("/dev/null", O_WRONLY) : opts->events_fd;

	compose(opts, &c);
	take_signals();
	if ((out != STDOUT_FILENO && dup2(out, STDOUT_FILENO) < 0) || !keep_only(fds, 2))
		_exit(1);
	execv(opts->path, (char *const *)c.argv);
	pst_log_err(-errno, "cannot run %s", opts->path);
	_exit(1);
}

static int begin(const struct pst_crew_opts *opts, const int control[2], const int legs[2],
		 struct pst_crew *c)
{
	c->helper = fork();
	if (!c->helper)
		be_helper(opts, legs[0]);
	if (c->helper < 0)
		return -errno;
	c->proxy = fork();
	if (!c->proxy)
		be_proxy(opts, control[1], legs[1]);
	return c->proxy < 0 ? -errno : 0;
}

int pst_crew_start(const struct pst_crew_opts *opts, struct pst_crew *ret_crew)
{
	struct pst_crew c = {.control = -1};
	int control[2] = {-1, -1}, legs[2] = {-1, -1};
	int r = pst_wire_pair(control);

	if (!r)
		r = pst_wire_pair(legs);
	if (!r)
		r = begin(opts, control, legs, &c);
	pst_cleanup_fd(&legs[0]);
	pst_cleanup_fd(&legs[1]);
	pst_cleanup_fd(&control[1]);
	c.control = control[0];
	if (!r) {
		*ret_crew = c;
		return 0;
	}
	pst_crew_kill(&c);
	return pst_log_err(r, "cannot start the proxy");
}

void pst_crew_leave(struct pst_crew *c)
{
	pst_cleanup_fd(&c->control);
	*c = (struct pst_crew){.control = -1};
}

static void kill_one(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void pst_crew_kill(struct pst_crew *c)
{
	pst_cleanup_fd(&c->control);
	kill_one(c->proxy);
	kill_one(c->helper);
	*c = (struct pst_crew){.control = -1};
}
