// SPDX-License-Identifier: Apache-2.0
#include "enforcer/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

int pst_notify(const char *state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	pst_auto_fd int fd = -1;
	size_t len;

	if (!path)
		return 0;
	len = strlen(path);
	if ((*path != '/' && *path != '@') || len >= sizeof(addr.sun_path))
		return -EINVAL;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = '\0'; /* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0
		       ? -errno
		       : 0;
}

int pst_notify_reloading(uint64_t now_ns)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_ns / 1000);
	return pst_notify(state);
}

int pst_notify_status(const char *fmt, ...)
{
	char state[256] = "STATUS=";
	const size_t label = strlen(state);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(state + label, sizeof(state) - label, fmt, ap);
	va_end(ap);
	return pst_notify(state);
}

/* A positive number in the environment; 0 where there is none. */
static uint64_t number(const char *name)
{
	const char *text = getenv(name);
	uint64_t value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || *end ? 0 : value;
}

void pst_notify_watchdog_init(struct pst_notify_watchdog *w)
{
	uint64_t usec = number("WATCHDOG_USEC");

	*w = (struct pst_notify_watchdog){0};
	if (getenv("WATCHDOG_PID") && number("WATCHDOG_PID") != (uint64_t)getpid())
		return;
	if (usec <= UINT64_MAX / 1000)
		w->period_ns = usec * 1000 / 2;
}

int pst_notify_watchdog_timeout(const struct pst_notify_watchdog *w, uint64_t now_ns)
{
	uint64_t ms;

	if (!w->period_ns)
		return -1;
	if (now_ns >= w->due_ns)
		return 0;
	ms = (w->due_ns - now_ns + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int pst_notify_watchdog_ping(struct pst_notify_watchdog *w, uint64_t now_ns)
{
	if (!w->period_ns || now_ns < w->due_ns)
		return 0;
	w->due_ns = now_ns + w->period_ns;
	return pst_notify("WATCHDOG=1");
}
