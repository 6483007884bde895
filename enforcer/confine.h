/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Giving up rights that a process does not need.
 *
 * System calls that are not on a list fail with EPERM, and are told (enforcer/calls.h). They do not
 * kill: a library's new version that tries something else first then goes on as on a kernel that
 * does not let it.
 */

#include <linux/capability.h>
#include <stdint.h>

#define PST_CAP(cap) (1ULL << (cap))

/*
 * What each process keeps, as far as the daemon was given it. What is needed is in the unit
 * (packaging/debian/postern.posternd.service), which a test compares with this; the rights over
 * files and limits (PST_CAPS_EXTRA) are not, and are used where somebody gave them.
 */
#define PST_CAPS_DAEMON                                                         \
	(PST_CAP(CAP_BPF) | PST_CAP(CAP_PERFMON) | PST_CAP(CAP_NET_ADMIN) |     \
	 PST_CAP(CAP_SYS_ADMIN) | PST_CAP(CAP_SYS_PTRACE) | PST_CAP(CAP_KILL) | \
	 PST_CAP(CAP_DAC_OVERRIDE))
/* The injector's two raw sockets are open before the daemon is confined. */
#define PST_CAPS_START PST_CAP(CAP_NET_RAW)
#define PST_CAPS_HELPER                                                       \
	(PST_CAP(CAP_BPF) | PST_CAP(CAP_NET_ADMIN) | PST_CAP(CAP_SYS_ADMIN) | \
	 PST_CAP(CAP_NET_BIND_SERVICE))
#define PST_CAPS_READER PST_CAP(CAP_DAC_READ_SEARCH)
/* The proxy becomes nobody, and says how many descriptors it is to have. */
#define PST_CAPS_PROXY	(PST_CAP(CAP_SETUID) | PST_CAP(CAP_SETGID) | PST_CAP(CAP_SYS_RESOURCE))
/* It opens the file of exports besides. */
#define PST_CAPS_STARTER \
	(PST_CAPS_HELPER | PST_CAPS_READER | PST_CAPS_PROXY | PST_CAP(CAP_DAC_OVERRIDE))
#define PST_CAPS_EXTRA                                              \
	(PST_CAP(CAP_DAC_OVERRIDE) | PST_CAP(CAP_DAC_READ_SEARCH) | \
	 PST_CAP(CAP_NET_BIND_SERVICE) | PST_CAP(CAP_SYS_RESOURCE))

/*
 * Of what this process may do only the capabilities KEEP (1 << CAP_...) remain, as far as it has
 * them, and it never gets others again, not by running a program either (no_new_privs). 0 or
 * -errno, logged.
 */
int pst_confine_caps(uint64_t keep);

/*
 * The process that reads files (enforcer/reader_run.h): it may open files to read them, watch them,
 * and use what it has; never make a socket, a process or a file, run a program, or make memory
 * executable. 0 or -errno, logged.
 */
int pst_confine_reader(void);

/*
 * The helper of the proxy (enforcer/legs.h): sockets of IP, network namespaces, elements of the
 * maps that it has. No file to write, no process, no other command of bpf(2) or ioctl(2). 0 or
 * -errno, logged.
 */
int pst_confine_helper(void);

/*
 * The daemon, when everything is open: what it does from then on. No process and no program (there
 * is enforcer/starter.h), no namespace but those of the network, no signal but SIGKILL, no memory
 * that is executable, no connection, no file to write, of bpf(2) nothing that attaches, detaches or
 * replaces. 0 or -errno,
 * logged.
 *
 * A call that is not on the list fails with EPERM there too, and is counted besides: enforcement
 * does not depend on the daemon, but a list that lacks something is a mistake that must show.
 */
int pst_confine_daemon(void);

/* How many calls of the daemon were refused. */
uint64_t pst_confine_refused(void);

/* Logs the last of them and how many, when there are new ones, once a second at most. */
void pst_confine_tell(uint64_t now_ms);
