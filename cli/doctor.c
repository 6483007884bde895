// SPDX-License-Identifier: Apache-2.0
/*
 * What this node can do. The daemon looks, by the same probe that chooses its modes when it starts:
 * the command has no library of BPF in it and needs none of the daemon's rights for its other
 * verbs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/usage.h"
#include "cli/verbs.h"

static bool fits(int written, size_t size)
{
	return written > 0 && (size_t)written < size;
}

/*
 * The posternd that belongs to this command: beside it, or in the sbin beside its bin. PATH is not
 * asked: the answer is usually wanted by root.
 */
static int find_daemon(char *buf, size_t size)
{
	static const char *const places[] = {"posternd", "../sbin/posternd"};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len < 0)
		return -errno;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (fits(snprintf(buf, size, "%s/%s", self, places[i]), size) && !access(buf, X_OK))
			return 0;
	}
	return -ENOENT;
}

static void become(const char *daemon, bool json, int out)
{
	if (dup2(out, STDOUT_FILENO) >= 0)
		execl(daemon, daemon, "--probe", "--format", json ? "json" : "text", (char *)NULL);
	fprintf(stderr, "postern: error: cannot run %s: %s\n", daemon, strerror(errno));
	_exit(PST_EXIT_FAILED);
}

/* Until the other end is closed: how much. Through stdio, where a full disk is noticed in the end.
 */
static size_t copy(int from)
{
	char bytes[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0)
			all += fwrite(bytes, 1, (size_t)n, stdout);
	}
	return all;
}

/* The exit status of the probe: 0, 1, or 3 for everything else. */
static int ask(const char *daemon, bool json)
{
	int ends[2], status;
	size_t said = 0;
	pid_t pid;

	if (access(daemon, X_OK) || pipe2(ends, O_CLOEXEC)) {
		pst_log_err(-errno, "cannot run %s", daemon);
		return PST_EXIT_FAILED;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		become(daemon, json, ends[1]);
	close(ends[1]);
	if (pid > 0)
		said = copy(ends[0]);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		pst_log_err(-errno, "cannot run %s", daemon);
		return PST_EXIT_FAILED;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) <= PST_EXIT_NO && !said && !ferror(stdout)) {
		pst_log_err(0, "%s --probe said nothing: expected a posternd", daemon);
		return PST_EXIT_FAILED;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) <= PST_EXIT_NO)
		return WEXITSTATUS(status);
	/* With 3 it has said why. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) != PST_EXIT_FAILED)
		pst_log_err(0, "%s --probe did not come to an end", daemon);
	return PST_EXIT_FAILED;
}

int pst_cli_doctor(int argc, char **argv)
{
	const struct pst_cli_verb *verb = pst_cli_verb_find("doctor");
	char found[PATH_MAX + 32];
	struct pst_cli_args args;
	const char *daemon;
	bool json;
	int r = pst_cli_parse(verb, argc, argv, &args);

	if (r)
		return r == -EINVAL ? PST_EXIT_USAGE : PST_EXIT_FAILED;
	r = pst_cli_format(&args, &json);
	if (!r && args.operands.n)
		r = (pst_cli_usage_error(verb, "takes no operands"), -EINVAL);
	daemon = pst_cli_value(&args, "posternd");
	pst_cli_args_fini(&args);
	if (r)
		return PST_EXIT_USAGE;
	if (daemon)
		return ask(daemon, json);
	r = find_daemon(found, sizeof(found));
	if (!r)
		return ask(found, json);
	pst_log_err(r, "cannot find posternd; name it with --posternd");
	return PST_EXIT_FAILED;
}
