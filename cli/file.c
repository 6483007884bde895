// SPDX-License-Identifier: Apache-2.0
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/input.h"
#include "base/log.h"

int cli_file_open(const char *path, FILE **ret_in)
{
	pst_auto_fd int fd = -1;
	struct stat st;
	FILE *in;

	if (!strcmp(path, "-")) {
		*ret_in = stdin;
		return 0;
	}
	fd = pst_input_open(path, true, &st);
	if (fd == -EINVAL) {
		pst_log_err(0, "cannot read %s: not a regular file; \"-\" reads standard input",
			    path);
		return fd;
	}
	if (fd < 0)
		return fd == -EISDIR ? pst_log_err(fd, "cannot read %s", path)
				     : pst_log_err(fd, "cannot open %s", path);
	in = fdopen(fd, "r");
	if (!in)
		return pst_log_err(-errno, "cannot read %s", path);
	PST_TAKE_FD(fd);
	*ret_in = in;
	return 0;
}

void cli_file_close(FILE *in)
{
	if (in && in != stdin)
		fclose(in);
}

int cli_file_read_line(FILE *in, const char *name, size_t number, struct cli_line *line)
{
	int c;

	line->n = 0;
	errno = 0;
	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (line->n == CLI_LINE_MAX) {
			pst_log_err(0, "%s:%zu: the line is longer than %d MiB", name, number,
				    CLI_LINE_MAX >> 20);
			return -EFBIG;
		}
		if (pst_vec_push(line, (char)c))
			return pst_log_err(-ENOMEM, "cannot read %s", name);
	}
	if (ferror(in))
		return pst_log_err(errno ? -errno : -EIO, "cannot read %s", name);
	return c != EOF || line->n;
}

int cli_file_open_device(const char *path)
{
	int r, fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENXIO) {
		pst_log_err(0, "cannot write %s: nobody reads this pipe", path);
		return -ENXIO;
	}
	if (fd < 0)
		return pst_log_err(-errno, "cannot write %s", path);
	if (!fcntl(fd, F_SETFL, 0))
		return fd;
	r = pst_log_err(-errno, "cannot write %s", path);
	close(fd);
	return r;
}
