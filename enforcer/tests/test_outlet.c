// SPDX-License-Identifier: Apache-2.0
#include "enforcer/outlet.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINES = 20000, LENGTH = 100 };

static struct pst_outlet *outlet;
static int ends[2]; /* reading, writing */

static void begin(void)
{
	cr_assert_eq(pst_outlet_open(ends[1], &outlet), 0);
}

static void write_line(const char *line)
{
	fprintf(pst_outlet_file(outlet), "%s\n", line);
	cr_assert_eq(fflush(pst_outlet_file(outlet)), 0);
}

/* Line I of LENGTH bytes, its end among them. */
static void write_numbered(int i)
{
	char line[LENGTH];

	memset(line, 'x', sizeof(line));
	line[snprintf(line, sizeof(line), "%d", i)] = 'x';
	line[LENGTH - 1] = '\0';
	write_line(line);
}

/* All that is there, until nothing is; its length. */
static size_t read_all(char *buf, size_t size)
{
	size_t n = 0;
	ssize_t r;

	cr_assert_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (n < size && (r = read(ends[0], buf + n, size - n)) > 0)
		n += (size_t)r;
	return n;
}

/* Writes more than fits; what comes out is whole lines in their order, and the others are counted.
 */
static void expect_whole_lines(void)
{
	static char got[LINES * LENGTH];
	int last = -1, seen = 0;
	size_t n;

	begin();
	for (int i = 0; i < LINES; i++)
		write_numbered(i);
	cr_assert_gt(pst_outlet_lost(outlet), 0);
	n = read_all(got, sizeof(got));
	write_numbered(LINES);
	n += read_all(got + n, sizeof(got) - n);
	cr_assert_eq(n % LENGTH, 0, "%zu bytes", n);
	for (size_t at = 0; at < n; at += LENGTH, seen++) {
		cr_assert_eq(got[at + LENGTH - 1], '\n');
		cr_assert_gt((int)strtol(got + at, NULL, 10), last);
		last = (int)strtol(got + at, NULL, 10);
	}
	cr_expect_eq(last, LINES, "who reads again gets what is new");
	cr_expect_eq((uint64_t)seen + pst_outlet_lost(outlet), LINES + 1);
	pst_outlet_close(&outlet);
}

Test(outlet, a_pipe_that_nobody_reads_holds_up_nobody, .timeout = 20)
{
	cr_assert_eq(pipe(ends), 0);
	expect_whole_lines();
	cr_expect_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0, "others may wait there");
}

Test(outlet, nor_does_a_socket, .timeout = 20)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ends[0] = pair[0];
	ends[1] = pair[1];
	expect_whole_lines();
}

Test(outlet, a_line_longer_than_the_pipe_is_told_as_far_as_it_goes_and_then_its_end, .timeout = 20)
{
	static char line[300000], got[400000];
	size_t n = 0;

	cr_assert_eq(pipe(ends), 0);
	begin();
	memset(line, 'y', sizeof(line) - 1);
	write_line(line);
	for (int i = 0; i < 8; i++) {
		n += read_all(got + n, sizeof(got) - n);
		write_line("short");
	}
	n += read_all(got + n, sizeof(got) - n);
	cr_assert_gt(n, sizeof(line));
	cr_expect_eq(memcmp(got, line, sizeof(line) - 1), 0);
	cr_expect_eq(memcmp(got + sizeof(line) - 1, "\nshort\n", 7), 0);
	pst_outlet_close(&outlet);
}

Test(outlet, a_reader_that_is_gone_is_no_end)
{
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	begin();
	close(ends[0]);
	write_line("a");
	write_line("b");
	cr_expect_eq(pst_outlet_lost(outlet), 2);
	pst_outlet_close(&outlet);
}

Test(outlet, a_file_gets_everything)
{
	char name[] = "/tmp/postern-outlet-XXXXXX";

	ends[1] = mkstemp(name);
	cr_assert_geq(ends[1], 0);
	begin();
	for (int i = 0; i < LINES; i++)
		write_numbered(i);
	cr_expect_eq(lseek(ends[1], 0, SEEK_END), LINES * LENGTH);
	cr_expect_eq(pst_outlet_lost(outlet), 0);
	pst_outlet_close(&outlet);
	unlink(name);
}
