// SPDX-License-Identifier: Apache-2.0
#include "enforcer/starter.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pst_starter *starter;

/* Says its parent and its argument to the first descriptor. */
static void tell(void *arg, const int *fds, size_t n)
{
	dprintf(fds[0], "%d %s %zu", getppid(), (const char *)arg, n);
	_exit(7);
}

static void returns(void *arg, const int *fds, size_t n)
{
	(void)arg;
	(void)fds;
	(void)n;
}

static void setup(void)
{
	static char word[] = "word";
	const struct pst_start_job jobs[PST_START_MAX] = {
		[PST_START_READER] = {tell, word},
		[PST_START_HELPER] = {returns, NULL},
		[PST_START_PROXY] = {returns, NULL},
	};

	cr_assert_eq(pst_starter_open(jobs, &starter), 0);
	word[0] = 'x'; /* it has it as it was */
}

static void teardown(void)
{
	pst_starter_close(&starter);
}

TestSuite(starter, .init = setup, .fini = teardown, .timeout = 30);

Test(starter, what_it_starts_is_a_child_of_the_daemon_and_has_the_descriptors)
{
	char expected[64], got[64] = "";
	int fds[2], status = 0;
	pid_t pid = 0;

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(pst_starter_run(starter, PST_START_READER, (int[]){fds[1], fds[0]}, 2, &pid),
		     0);
	close(fds[1]);
	cr_expect_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(WEXITSTATUS(status), 7);
	snprintf(expected, sizeof(expected), "%d word 2", getpid());
	cr_expect_gt(read(fds[0], got, sizeof(got) - 1), 0);
	cr_expect_str_eq(got, expected);
	cr_expect_eq(read(fds[0], got, 1), 0, "it keeps a descriptor that was to be passed on");
}

Test(starter, a_job_that_returns_ends_its_process_and_not_the_starter)
{
	for (int i = 0; i < 3; i++) {
		int status = 0;
		pid_t pid = 0;

		cr_assert_eq(pst_starter_run(starter, PST_START_PROXY, NULL, 0, &pid), 0);
		cr_expect_eq(waitpid(pid, &status, 0), pid);
		cr_expect_eq(WEXITSTATUS(status), 1);
	}
}

Test(starter, what_it_does_not_know_it_does_not_start)
{
	pid_t pid = 1;

	cr_expect_eq(pst_starter_run(starter, PST_START_MAX, NULL, 0, &pid), -EPROTO);
	cr_expect_eq(pst_starter_run(starter, PST_START_PROXY, NULL, PST_START_FDS + 1, &pid),
		     -EINVAL);
	cr_expect_eq(pid, 1);
	cr_expect_eq(pst_starter_run(starter, PST_START_PROXY, NULL, 0, &pid), 0);
}

static pid_t its_pid(void)
{
	char path[64], children[64];
	pid_t child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	cr_assert_not_null(f);
	cr_assert_not_null(fgets(children, sizeof(children), f));
	fclose(f);
	child = (pid_t)strtol(children, NULL, 10);
	cr_assert_gt(child, 1);
	return child;
}

Test(starter, its_end_shows)
{
	struct pollfd p = {.fd = pst_starter_fd(starter), .events = POLLIN};
	pid_t pid = 0;

	cr_expect_eq(poll(&p, 1, 0), 0);
	kill(its_pid(), SIGKILL);
	cr_expect_eq(poll(&p, 1, 5000), 1);
	cr_expect_eq(pst_starter_run(starter, PST_START_PROXY, NULL, 0, &pid), -EPIPE);
}

Test(starter, one_that_is_stopped_keeps_the_daemon_waiting_for_seconds_and_counts_as_ended)
{
	struct pollfd p = {.fd = pst_starter_fd(starter), .events = POLLIN};
	pid_t pid = 0;

	kill(its_pid(), SIGSTOP);
	cr_expect_eq(pst_starter_run(starter, PST_START_PROXY, NULL, 0, &pid), -ETIMEDOUT);
	cr_expect_eq(poll(&p, 1, 0), 1);
	cr_expect_eq(pst_starter_run(starter, PST_START_PROXY, NULL, 0, &pid), -EPIPE);
	pst_starter_close(&starter); /* comes back */
}
