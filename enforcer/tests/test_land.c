// SPDX-License-Identifier: Apache-2.0
#include "enforcer/land.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* DIR/in/file, DIR/in/link, which leads to DIR/out, a file; all made before. */
static char dir[] = "/tmp/postern-land-XXXXXX";

static int touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : close(fd);
}

static void set_up(void)
{
	cr_assert(mkdtemp(dir) && !chdir(dir));
	cr_assert(!mkdir("in", 0700) && !touch("in/file") && !touch("out"));
	cr_assert(!symlink("../out", "in/link"));
	if (!pst_land_version())
		cr_skip_test("this kernel has no Landlock");
}

TestSuite(land, .init = set_up, .timeout = 30);

/* The exit status of a child that has kept N PATHS and called BODY. */
static int kept(const char *const *paths, size_t n, int (*body)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || pst_land_keep(paths, n))
			_exit(100);
		_exit(body());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

static bool opens(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC) >= 0;
}

static bool is_refused(const char *path, int flags)
{
	return !opens(path, flags) && errno == EACCES;
}

static int reads_there_and_nowhere_else(void)
{
	if (!opens("in", O_RDONLY | O_DIRECTORY) || !opens("in/file", O_RDONLY))
		return 1;
	if (!is_refused("out", O_RDONLY) || !is_refused("in/link", O_RDONLY))
		return 2;
	if (!is_refused(".", O_RDONLY | O_DIRECTORY) || !is_refused("/etc/passwd", O_RDONLY))
		return 3;
	return is_refused("in/file", O_WRONLY) ? 0 : 4;
}

static int reads_a_file_and_not_its_neighbour(void)
{
	if (!opens("in/file", O_RDONLY))
		return 1;
	return is_refused("in", O_RDONLY | O_DIRECTORY) && is_refused("out", O_RDONLY) ? 0 : 2;
}

/* What the helper does in /proc, and the memory that somebody hands over. */
static int has_what_has_no_path(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!opens("/proc/thread-self/ns/net", O_RDONLY) || !opens(path, O_RDONLY))
		return 1;
	return is_refused("/proc/self/status", O_RDONLY) && is_refused("/dev/null", O_RDONLY) ? 0
											      : 2;
}

/* The helper's work. */
static int connects(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(server, (struct sockaddr *)&at, len) || listen(server, 1) ||
	    getsockname(server, (struct sockaddr *)&at, &len))
		return 1;
	return connect(client, (struct sockaddr *)&at, len) ? 2 : 0;
}

static int signals_nobody(void)
{
	if (!kill(getpid(), 0) && kill(getppid(), 0) && errno == EPERM)
		return 0;
	return 1;
}

Test(land, files_are_read_beneath_a_directory_and_nowhere_else)
{
	cr_expect_eq(kept((const char *[]){"in"}, 1, reads_there_and_nowhere_else), 0);
}

Test(land, a_path_that_is_not_there_is_left_out)
{
	cr_expect_eq(kept((const char *[]){"nowhere", "in"}, 2, reads_there_and_nowhere_else), 0);
}

Test(land, what_has_no_path_of_the_file_system_needs_no_leave)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd_create("x", 0));
	cr_expect_eq(kept((const char *[]){path, "in"}, 2, reads_there_and_nowhere_else), 0);
}

Test(land, a_file_is_kept_without_its_directory)
{
	cr_expect_eq(kept((const char *[]){"in/file"}, 1, reads_a_file_and_not_its_neighbour), 0);
}

Test(land, without_a_path_there_are_namespaces_and_memory)
{
	cr_expect_eq(kept(NULL, 0, has_what_has_no_path), 0);
}

Test(land, connections_are_as_before)
{
	cr_expect_eq(kept(NULL, 0, connects), 0);
}

Test(land, newer_kernels_also_keep_signals_in)
{
	if (pst_land_version() < 6)
		cr_skip_test("Landlock 6 keeps signals in");
	cr_expect_eq(kept(NULL, 0, signals_nobody), 0);
}
