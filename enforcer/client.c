// SPDX-License-Identifier: Apache-2.0
#include "enforcer/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"

static int tell(int err, const char *path)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		return pst_log_err(err, "no posternd answers at %s (is it running? see --socket)",
				   path);
	if (err == -EACCES)
		return pst_log_err(err, "may not ask the posternd at %s (ask as root)", path);
	return pst_log_err(err, "cannot ask the posternd at %s", path);
}

static int send_line(int fd, const char *request)
{
	char line[PST_CONTROL_REQUEST];
	int len = snprintf(line, sizeof(line), "%s\n", request);

	if (len < 0 || (size_t)len >= sizeof(line))
		return -E2BIG;
	for (int sent = 0; sent < len;) {
		ssize_t n = send(fd, line + sent, (size_t)(len - sent), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* A daemon that is full says so before it reads: its words are worth more. */
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0)
			return -errno;
		sent += (int)n;
	}
	return 0;
}

int pst_client_address(const char *path, struct sockaddr_un *ret_addr)
{
	size_t len = strlen(path);

	if (len >= sizeof(ret_addr->sun_path))
		return -ENAMETOOLONG;
	*ret_addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret_addr->sun_path, path, len);
	return 0;
}

int pst_client_ask(const char *path, const char *request, FILE **ret_answer)
{
	struct sockaddr_un to;
	pst_auto_fd int fd = -1;
	FILE *answer;
	int r;

	if (!path)
		path = PST_CONTROL_PATH;
	r = pst_client_address(path, &to);
	if (r)
		return tell(r, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return tell(-errno, path);
	r = send_line(fd, request);
	if (r)
		return tell(r, path);
	answer = fdopen(fd, "r");
	if (!answer)
		return tell(-errno, path);
	(void)PST_TAKE_FD(fd);
	*ret_answer = answer;
	return 0;
}
