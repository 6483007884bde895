// SPDX-License-Identifier: Apache-2.0
#include "enforcer/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "enforcer/confine.h"
#include "enforcer/wire.h"

/* What the proxy finds open (proxy/managed.h), and the helper its own. */
enum { FD_CONTROL = 3, FD_LEGS = 4, FD_MAPS = 5 };

/* What each is given: the helper its socket and four maps; the proxy two sockets, and where
 * verdicts go, if anywhere. */
enum { FDS_HELPER = 5, FDS_PROXY = 2 };

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
	if (n != FDS_HELPER)
		_exit(1);
	fds[0] = given[0]; /* in the place of the control socket, which it does not have */
	memcpy(fds + 1, given, n * sizeof(*fds));
	if (!keep_only(fds, FDS_MAX))
		_exit(1);
	close(FD_CONTROL);
	if (pst_confine_caps(PST_CAPS_HELPER) || pst_confine_helper())
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

static void compose(const struct pst_crew_proxy *p, bool has_events, struct command *c)
{
	c->argv[c->n++] = p->path;
	c->argv[c->n++] = "--managed";
	add(c, "--events", has_events ? p->events : "none");
	if (p->show_queries)
		c->argv[c->n++] = "--show-queries";
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
	const bool has_events = n > FDS_PROXY;
	struct command c = {.n = 0};
	int out = has_events ? fds[FDS_PROXY] : open("/dev/null", O_WRONLY);

	compose(p, has_events, &c);
	take_signals();
	if (n < FDS_PROXY || dup2(out, STDOUT_FILENO) < 0 || !keep_only(fds, FDS_PROXY))
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

static int begin(const struct pst_crew_opts *opts, int control, const int legs[2],
		 struct pst_crew *c)
{
	const struct pst_legs_maps *m = &opts->maps;
	const int helper[FDS_HELPER] = {legs[0], m->ours, m->legs, m->origins, m->meant};
	const int proxy[] = {control, legs[1], opts->events_fd};
	int r = pst_starter_run(opts->starter, PST_START_HELPER, helper, FDS_HELPER, &c->helper);

	return r ? r
		 : pst_starter_run(opts->starter, PST_START_PROXY, proxy,
				   opts->events_fd < 0 ? FDS_PROXY : FDS_PROXY + 1, &c->proxy);
}

int pst_crew_start(const struct pst_crew_opts *opts, struct pst_crew *ret_crew)
{
	struct pst_crew c = {.control = -1};
	int control[2] = {-1, -1}, legs[2] = {-1, -1};
	int r = pst_wire_pair(control);

	if (!r)
		r = pst_wire_pair(legs);
	if (!r)
		r = begin(opts, control[1], legs, &c);
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
