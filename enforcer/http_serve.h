/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small HTTP server for operators: GET of a few pages, by libmicrohttpd, in the daemon's thread.
 * At most 16 connections, of which one that says nothing for five seconds is closed.
 */

#include <stdbool.h>
#include <stdio.h>

struct pst_http_serve;

/* Whether ADDRESS is one: "127.0.0.1:9970", "[::1]:9970". It may be taken, or another machine's. */
bool pst_http_serve_is_address(const char *address);

/*
 * Writes the page PATH. False: there is none. *RET_STATUS is 200 unless it is changed.
 */
typedef bool (*pst_http_page_fn)(const char *path, FILE *out, unsigned int *ret_status, void *arg);

/*
 * Serves at ADDRESS, "127.0.0.1:9970" or "[::1]:9970", numbers only. 0; -EINVAL: it is no such
 * address; -EADDRINUSE and other -errno. Nothing is logged.
 */
int pst_http_serve_open(const char *address, pst_http_page_fn page, void *arg,
			struct pst_http_serve **ret_serve);

/* NULL is fine; *S becomes NULL. */
void pst_http_serve_close(struct pst_http_serve **s);

/* Readable when pst_http_serve_dispatch() has something to do. */
int pst_http_serve_fd(const struct pst_http_serve *s);
void pst_http_serve_dispatch(struct pst_http_serve *s);
