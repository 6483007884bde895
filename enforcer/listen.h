/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A listening Unix socket in the file system, mode 0660.
 *
 * Who dies leaves his socket behind; it is replaced when nobody listens at it. One that somebody
 * listens at, or something else than a socket, is left alone.
 */

#include <sys/types.h>
#include <sys/un.h>

struct pst_listen {
	int fd; /* -1: closed */
	dev_t dev;
	ino_t ino;
	struct sockaddr_un addr;
};

/*
 * Makes the directory, too, when only that is missing. 0; or -errno, nothing logged, and a sentence
 * about it in RET_WHY: -EADDRINUSE somebody listens there, -EEXIST it is no socket.
 */
int pst_listen_open(const char *path, struct pst_listen *ret_listen, const char **ret_why);

/* Removes the socket's file if it is still the one that was made. */
void pst_listen_close(struct pst_listen *l);
