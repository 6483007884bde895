/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The veth devices of a network namespace, as rtnetlink(7) tells them, and the addresses behind
 * them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_link {
	uint32_t index;
	int32_t peer_netns; /* id, in this namespace, of the namespace of the other end */
	char name[16];
};

/*
 * Every veth of the calling thread's network namespace whose other end is in another one, by
 * ascending index. *RET_LINKS is freed with free(). 0, -ENOMEM or -errno, not logged.
 */
int pst_link_list(struct pst_link **ret_links, size_t *ret_n);

struct pst_link_addr {
	uint8_t b[16]; /* IPv4 as ::ffff:a.b.c.d */
};

enum {
	PST_LINK_HERE = -1,	   /* the calling thread's own namespace */
	PST_LINK_MAX_ADDRS = 4096, /* of one namespace: who is in it may give it any number */
};

/* Not 0 ends the walk. */
typedef int (*pst_link_addr_fn)(const struct pst_link_addr *addr, void *arg);

/*
 * Calls FN for each address of each interface in the namespace with id NETNS (or PST_LINK_HERE).
 * What FN has ended it with; else 0, -E2BIG behind PST_LINK_MAX_ADDRS, -ENOMEM or -errno, not
 * logged.
 */
int pst_link_each_addr(int32_t netns, pst_link_addr_fn fn, void *arg);

/*
 * The same as a list, without those that are the namespace's own alone: of the loopback
 * (127.0.0.0/8, ::1) and link-local ones (169.254.0.0/16, fe80::/10). *RET_ADDRS is freed with
 * free(), and NULL when there are none. 0; 1: these are of the first PST_LINK_MAX_ADDRS, and there
 * are more; -ENOMEM or -errno, not logged.
 */
int pst_link_addrs(int32_t netns, struct pst_link_addr **ret_addrs, size_t *ret_n);

/* A socket (close-on-exec, non-blocking) that is readable when a link has changed; or -errno. */
int pst_link_watch(void);

/*
 * Takes in what has come to the socket of pst_link_watch(). Calls GONE for each device that was
 * deleted. True: notices were lost, and anything may have happened.
 */
bool pst_link_drain(int fd, void (*gone)(uint32_t index, void *arg), void *arg);

/* Are there filters at PARENT (TC_H_...) of the device? 1, 0 or -errno. */
int pst_link_has_filters(uint32_t index, uint32_t parent);
