// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded: the wall clock is as many seconds off as the file CLOCK_FILE says now. The machine's
 * own stays as it is.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ts)
{
	const char *path = id == CLOCK_REALTIME ? getenv("CLOCK_FILE") : NULL;
	char text[32] = "";
	int r = (int)syscall(SYS_clock_gettime, id, ts), fd = path ? open(path, O_RDONLY) : -1;

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		ts->tv_sec += strtol(text, NULL, 10);
	if (fd >= 0)
		close(fd);
	return r;
}
