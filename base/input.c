// SPDX-License-Identifier: Apache-2.0
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

static bool is_nameless_pipe(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISFIFO(st->st_mode) && !fstatfs(fd, &fs) && fs.f_type == PIPEFS_MAGIC;
}

int pst_input_open(const char *path, bool pipes, struct stat *ret_st)
{
	pst_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, ret_st))
		return -errno;
	if (S_ISDIR(ret_st->st_mode))
		return -EISDIR;
	if (!S_ISREG(ret_st->st_mode) && !(pipes && is_nameless_pipe(fd, ret_st)))
		return -EINVAL;
	if (fcntl(fd, F_SETFL, 0))
		return -errno;
	return PST_TAKE_FD(fd);
}
