/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Network namespaces by cookie.
 *
 * The kernel programs name a namespace by its cookie (bpf_get_netns_cookie), a number that is never
 * used twice. SOCK_DESTROY works only from inside the namespace of the socket (kernel-facts 6.5),
 * so the daemon has to find a way in. The kernel has no call from the cookie to the namespace; what
 * it has is SO_NETNS_COOKIE of a socket that was opened there. So the set enters the namespaces
 * that can be seen, asks each for its cookie, and remembers where it got in:
 *
 *	/run/netns		bind mounts that container runtimes keep
 *	/run/docker/netns
 *	/proc/PID/ns/net	by ascending PID: a pod's first process before the short-lived ones
 *
 * Remembered are paths, not descriptors. A descriptor would pin the namespace: its interfaces,
 * routes and sockets would outlive the pod for as long as the daemon holds it. A path pins nothing,
 * but it may lead somewhere else tomorrow: processes and inode numbers are reused. Therefore every
 * use enters, asks for the cookie again, and works there only when it is the right one. No answer
 * rests on an inode or a PID.
 *
 * A cookie that is not known, or a path that has gone stale, causes a scan. A scan replaces the
 * whole memory, so what is gone is forgotten and what is new is found, whoever asked. Cookies can
 * be made to arrive at any rate (a container may create namespaces all day), so a scan starts only
 * when the last one is nine times its own duration ago, and at least 100 ms: scanning takes at most
 * a tenth of the time. Until then an unknown cookie is answered -EAGAIN, which means "ask again",
 * not "there is none". A scan enters at most PST_NETNS_MAX namespaces, the oldest first; the rest
 * are counted.
 *
 * The set moves the calling thread into the namespace and back. It is made for a daemon with one
 * thread. If there is no way back the process aborts: to go on in a pod's namespace would be worse
 * than to be started again (programs and maps are pinned; enforcement goes on).
 *
 * Needs: CAP_SYS_ADMIN to enter, CAP_SYS_PTRACE for /proc/PID/ns of other users' processes, the
 * host's PID namespace to see them. Not seen: a namespace that only a thread (not its process), or
 * only an open descriptor, refers to.
 */

#include <stdint.h>

struct pst_netns_set;

enum { PST_NETNS_MAX = 4096 };

struct pst_netns_stats {
	uint64_t scans;
	uint64_t refused;  /* scans that were not made because it was too early */
	uint64_t stale;	   /* remembered paths that no longer led to their namespace */
	uint64_t too_many; /* namespaces not entered because a scan had PST_NETNS_MAX already */
	uint32_t known;	   /* namespaces remembered now */
};

/* Runs inside the namespace; its result is handed on. Must not change namespaces itself. */
typedef int (*pst_netns_fn)(void *arg);

/* A set that knows the calling thread's own namespace. 0, -ENOMEM, or why that cannot be opened. */
int pst_netns_set_new(struct pst_netns_set **ret_set);

/* NULL is fine; *SET becomes NULL. */
void pst_netns_set_free(struct pst_netns_set **set);

/*
 * Calls FN(ARG) in the namespace with COOKIE and returns what FN returns. When FN was not called:
 * -EINVAL (cookie 0), -ESRCH (looked everywhere, not there), -EAGAIN (unknown, and too early to
 * look again), -EPERM (not there where the daemon was let in, and it was not let in everywhere),
 * -ENOMEM.
 */
int pst_netns_run(struct pst_netns_set *set, uint64_t cookie, pst_netns_fn fn, void *arg);

/* Runs inside a namespace; not 0 ends the round. Must not change namespaces itself. */
typedef int (*pst_netns_each_fn)(uint64_t cookie, void *arg);

/*
 * Looks for namespaces again, unless it is too early for that, and calls FN in each that is known,
 * the own one first. 0; -EAGAIN, it was too early; -ENOMEM; or what FN returned.
 */
int pst_netns_each(struct pst_netns_set *set, pst_netns_each_fn fn, void *arg);

/*
 * A socket (close-on-exec) that belongs to the namespace: its descriptor, or the errors of
 * pst_netns_run() and socket(2). While it is open the namespace stays alive: use it and close it.
 */
int pst_netns_socket(struct pst_netns_set *set, uint64_t cookie, int domain, int type,
		     int protocol);

/* Cookie of the namespace of socket FD; 0 or -errno. */
int pst_netns_cookie(int fd, uint64_t *ret_cookie);

/* Cookie of the namespace in which the set was made. */
uint64_t pst_netns_own(const struct pst_netns_set *set);

void pst_netns_stats(const struct pst_netns_set *set, struct pst_netns_stats *ret_stats);
