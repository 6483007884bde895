/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Network namespaces and TCP connections for tests. Criterion runs every test in a process of its
 * own, so a test may move itself into a new namespace; it ends with the test.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Moves the test into a new network namespace whose loopback is up; skips the test when it may not.
 */
void t_enter_new_netns(void);

/* A process that sits in a network namespace of its own until it is ended. */
struct t_sitter {
	pid_t pid;
	uint64_t cookie;
};

/* Skips the test when namespaces cannot be made. */
struct t_sitter t_sitter_start(void);

void t_sitter_end(struct t_sitter *s);

/* How a connection's two ends see their addresses. */
enum t_family {
	T_V4,
	T_V6,
	T_MAPPED, /* AF_INET6 listener, AF_INET client: the accepted socket has mapped addresses */
};

struct t_pair {
	int client, server; /* non-negative: connected */
};

/* A TCP connection over loopback. Fails the test when it cannot be made. */
struct t_pair t_connect(enum t_family family);

void t_disconnect(struct t_pair *p);

/* The next recv() result within a second: bytes, or -errno. */
int t_recv(int fd, void *buf, int size);
