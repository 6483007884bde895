// SPDX-License-Identifier: Apache-2.0
#include "enforcer/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "enforcer/confine.h"
#include "enforcer/land.h"
#include "enforcer/verdict.h"
#include "enforcer/wire.h"

/* What the proxy finds open (proxy/managed.h), and the helper its own. */
enum { FD_CONTROL = 3, FD_LEGS = 4, FD_MAPS = 5 };

/* What each keeps: the helper its socket and four maps; the proxy two sockets, two pipes, its tally
 * and the daemon's wish. Behind these each is given its stderr. */
enum { FDS_HELPER = 5, FDS_MADE = 4, FDS_PROXY = FDS_MADE + 2 };

enum { FDS_MAX = PST_START_FDS };

/* FDS[i] becomes descriptor 3 + i, everything above is closed. False: not possible. */
static bool keep_only(const int *fds, int n)
{
	int aside[FDS_MAX];

	/* Out of the way of the numbers that they are to have. */
	for (int i = 0; i < n; i++) {
		aside[i] = fcntl(fds[i], F_DUPFD, 64);
		if (aside[i] < 0)
			return false;
	}
	for (int i = 0; i < n; i++) {
		if (dup2(aside[i], FD_CONTROL + i) < 0)
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
void pst_crew_be_helper(void *arg, const int *given, size_t n)
{
	const struct pst_legs_maps maps = {
		.ours = FD_MAPS, .legs = FD_MAPS + 1, .origins = FD_MAPS + 2, .meant = FD_MAPS + 3};
	int fds[FDS_MAX];

	(void)arg;
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	take_signals();
	prctl(PR_SET_NAME, "postern-helper");
	if (n != FDS_HELPER + 1 || dup2(given[FDS_HELPER], STDERR_FILENO) < 0)
		_exit(1);
	fds[0] = given[0]; /* in the place of the control socket, which it does not have */
	memcpy(fds + 1, given, FDS_HELPER * sizeof(*fds));
	if (!keep_only(fds, FDS_HELPER + 1))
		_exit(1);
	close(FD_CONTROL);
	/* Of files it needs the namespace that it is in, which has no path. */
	if (pst_confine_caps(PST_CAPS_HELPER) || pst_land_keep(NULL, 0) || pst_confine_helper())
		_exit(1);
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

static void compose(const struct pst_crew_proxy *p, struct command *c)
{
	c->argv[c->n++] = p->path;
	c->argv[c->n++] = "--managed";
	add(c, "--paths", p->paths);
	add(c, "--escaped-slashes", p->slashes);
	add(c, "--threads", p->threads);
	add(c, "--workload-connections", p->workload_connections);
	add(c, "--workload-memory", p->workload_memory);
	add(c, "--deny-body", p->reply->body);
	add(c, "--deny-content-type", p->reply->content_type);
	for (size_t i = 0; i < p->reply->n_headers; i++)
		add(c, "--deny-header", p->reply->headers[i]);
}

void pst_crew_be_proxy(void *arg, const int *fds, size_t n)
{
	const struct pst_crew_proxy *p = arg;
	struct command c = {.n = 0};
	int out = open("/dev/null", O_WRONLY);

	compose(p, &c);
	take_signals();
	if (n != FDS_PROXY + 1 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(fds[FDS_PROXY], STDERR_FILENO) < 0 || !keep_only(fds, FDS_PROXY))
		_exit(1);
	execv(p->path, (char *const *)c.argv);
	pst_log_err(-errno, "cannot run %s", p->path);
	_exit(1);
}

/* The proxy of the same build. */
static int beside_this_program(char path[PATH_MAX])
{
	static const char name[] = "postern-proxy";
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(name));
	char *slash;

	if (n < 0)
		return -errno;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	memcpy(slash + 1, name, sizeof(name));
	return 0;
}

int pst_crew_path(const char *given, char ret_path[PATH_MAX])
{
	if (!given)
		return beside_this_program(ret_path);
	if (!strcmp(given, "off"))
		given = "";
	if (strlen(given) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret_path, given, strlen(given) + 1);
	return 0;
}

/* The ends of what is between the three: the daemon's, and those that are given away. */
struct ends {
	int control, answers, verdicts, proxy_said, helper_said;
	int proxy[FDS_MADE], proxy_stderr;
	int legs, helper_stderr; /* the helper's */
};

/* Nobody waits: neither the daemon for words, nor they for it to listen. */
static int open_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

static int open_ends(struct ends *e)
{
	int control[2], legs[2];
	int r = pst_wire_pair_oneway(control);

	if (r)
		return r;
	e->control = control[0];
	e->proxy[0] = control[1];
	r = pst_wire_pair(legs);
	if (r)
		return r;
	e->legs = legs[0];
	e->proxy[1] = legs[1];
	r = open_pipe(&e->answers, &e->proxy[2]);
	if (!r)
		r = open_pipe(&e->verdicts, &e->proxy[3]);
	/* Where more is not allowed, less must do. */
	if (!r)
		fcntl(e->verdicts, F_SETPIPE_SZ, PST_VERDICT_PIPE);
	if (!r)
		r = open_pipe(&e->proxy_said, &e->proxy_stderr);
	return r ? r : open_pipe(&e->helper_said, &e->helper_stderr);
}

static int begin(const struct pst_crew_opts *opts, const struct ends *e, struct pst_crew *c)
{
	const struct pst_legs_maps *m = &opts->maps;
	const int helper[] = {e->legs, m->ours, m->legs, m->origins, m->meant, e->helper_stderr};
	const int proxy[] = {e->proxy[0],    e->proxy[1],   e->proxy[2],    e->proxy[3],
			     opts->tally_fd, opts->wish_fd, e->proxy_stderr};
	int r = pst_starter_run(opts->starter, PST_START_HELPER, helper, FDS_HELPER + 1,
				&c->helper);

	return r ? r
		 : pst_starter_run(opts->starter, PST_START_PROXY, proxy, FDS_PROXY + 1, &c->proxy);
}

static void close_given(const struct ends *e)
{
	for (int i = 0; i < FDS_MADE; i++)
		pst_cleanup_fd(&e->proxy[i]);
	pst_cleanup_fd(&e->proxy_stderr);
	pst_cleanup_fd(&e->legs);
	pst_cleanup_fd(&e->helper_stderr);
}

int pst_crew_start(const struct pst_crew_opts *opts, struct pst_crew *ret_crew,
		   struct pst_crew_said *ret_said)
{
	struct ends e = {-1, -1, -1, -1, -1, {-1, -1, -1, -1}, -1, -1, -1};
	struct pst_crew c = {.proxy = 0};
	int r = open_ends(&e);

	if (!r)
		r = begin(opts, &e, &c);
	close_given(&e);
	c.control = e.control;
	c.answers = e.answers;
	if (!r) {
		*ret_crew = c;
		*ret_said = (struct pst_crew_said){
			.proxy = e.proxy_said, .helper = e.helper_said, .verdicts = e.verdicts};
		return 0;
	}
	pst_cleanup_fd(&e.verdicts);
	pst_cleanup_fd(&e.proxy_said);
	pst_cleanup_fd(&e.helper_said);
	pst_crew_kill(&c);
	return pst_log_err(r, "cannot start the proxy");
}

static void close_ours(struct pst_crew *c)
{
	pst_cleanup_fd(&c->control);
	pst_cleanup_fd(&c->answers);
}

void pst_crew_leave(struct pst_crew *c)
{
	close_ours(c);
	*c = (struct pst_crew){.control = -1, .answers = -1};
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
	close_ours(c);
	kill_one(c->proxy);
	kill_one(c->helper);
	*c = (struct pst_crew){.control = -1, .answers = -1};
}
