// SPDX-License-Identifier: Apache-2.0
#include "enforcer/listen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "enforcer/client.h"

enum { BACKLOG = 16 };

/* Is anybody there? A full backlog is somebody as well. */
static bool has_listener(const struct sockaddr_un *addr)
{
	pst_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || !connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ||
	       errno != ECONNREFUSED;
}

/* What stands in the way, removed when it is of no use to anybody. */
static int clear_path(const struct sockaddr_un *addr, const char **ret_why)
{
	struct stat st;

	if (lstat(addr->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		*ret_why = "there is something else than a socket";
		return -EEXIST;
	}
	if (has_listener(addr)) {
		*ret_why = "another process, probably a posternd, listens there";
		return -EADDRINUSE;
	}
	return unlink(addr->sun_path) ? -errno : 0;
}

/* The last directory of PATH: /run begins empty at each boot. */
static void make_directory(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = '\0';
	mkdir(dir, 0755); /* what is wrong with it is seen when the socket is made */
}

static int bind_quietly(int fd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0117);
	int r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno : 0;

	umask(mask);
	return r;
}

int pst_listen_open(const char *path, struct pst_listen *ret_listen, const char **ret_why)
{
	struct sockaddr_un addr;
	pst_auto_fd int fd = -1;
	struct stat st;
	int r;

	*ret_why = "cannot listen there";
	r = pst_client_address(path, &addr);
	if (r) {
		*ret_why = "the path is too long";
		return r;
	}
	make_directory(path);
	r = clear_path(&addr, ret_why);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_quietly(fd, &addr);
	if (r)
		return r;
	if (listen(fd, BACKLOG) || lstat(path, &st))
		return -errno;
	*ret_listen = (struct pst_listen){
		.fd = PST_TAKE_FD(fd), .dev = st.st_dev, .ino = st.st_ino, .addr = addr};
	return 0;
}

void pst_listen_close(struct pst_listen *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	if (!lstat(l->addr.sun_path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->addr.sun_path);
}
