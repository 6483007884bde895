// SPDX-License-Identifier: Apache-2.0
#include "base/input.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct stat st;

/* The name of the descriptor FD. */
static const char *name_of(int fd)
{
	static char name[32];

	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	return name;
}

Test(input, a_regular_file_is_opened)
{
	int fd = pst_input_open("/proc/self/exe", false, &st);

	cr_expect_geq(fd, 0);
	cr_expect(S_ISREG(st.st_mode));
	close(fd);
}

Test(input, a_pipe_without_a_name_is_read_to_its_end)
{
	char got[8] = "";
	int ends[2], fd;

	cr_assert_eq(pipe(ends), 0);
	fd = pst_input_open(name_of(ends[0]), true, &st);
	cr_assert_geq(fd, 0);
	close(ends[0]);
	if (!fork()) {
		usleep(100 * 1000); /* the reader is there first, and waits */
		_exit(write(ends[1], "hello", 5) != 5);
	}
	close(ends[1]);
	cr_expect_eq(read(fd, got, sizeof(got)), 5);
	cr_expect_str_eq(got, "hello");
	cr_expect_eq(read(fd, got, sizeof(got)), 0);
	close(fd);
}

Test(input, who_reads_more_than_once_takes_no_pipe)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(pst_input_open(name_of(ends[0]), false, &st), -EINVAL);
}

Test(input, a_pipe_with_a_name_is_not_waited_for, .timeout = 10)
{
	char dir[] = "/tmp/postern-input-XXXXXX";

	cr_assert(mkdtemp(dir) && !chdir(dir));
	cr_assert_eq(mkfifo("pipe", 0644), 0);
	cr_expect_eq(pst_input_open("pipe", true, &st), -EINVAL);
	unlink("pipe");
	rmdir(dir);
}

Test(input, what_else_there_is_has_an_error_of_its_own)
{
	cr_expect_eq(pst_input_open("/", true, &st), -EISDIR);
	cr_expect_eq(pst_input_open("/dev/zero", true, &st), -EINVAL);
	cr_expect_eq(pst_input_open("/nonexistent", true, &st), -ENOENT);
}
