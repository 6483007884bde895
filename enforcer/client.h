/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The control socket, from outside. One connection asks one thing: a line of JSON,
 *
 *	{"version": 1, "request": "status"}
 *
 * and reads lines of JSON until the daemon closes. Requests are status, endpoints, policy, each
 * answered by one line that holds an object of the request's name, and observe, answered by one
 * line per flow (docs/observe.md). What cannot be answered is {"version": 1, "error": "..."}.
 * When it is answered, everything that the kernel decided before is in it and in the events.
 */

#include <stdio.h>
#include <sys/un.h>

#define PST_CONTROL_PATH "/run/postern/posternd.sock"

enum {
	PST_CONTROL_VERSION = 1,
	PST_CONTROL_REQUEST = 4096, /* bytes of a request, its line end included */
};

/* The address of the socket PATH. 0, or -ENAMETOOLONG. */
int pst_client_address(const char *path, struct sockaddr_un *ret_addr);

/*
 * Asks the daemon that listens at PATH (NULL: PST_CONTROL_PATH). REQUEST is one line of JSON
 * without its end. 0 and the answer, to be read and closed by the caller; or -errno, logged with
 * what it means.
 */
int pst_client_ask(const char *path, const char *request, FILE **ret_answer);
