/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* postern-proxy's command line. */

#include "bpf/abi.h"
#include "enforcer/reply.h"
#include "policy/inventory.h"
#include "proxy/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/* At most. Without --threads not more than PST_PROXY_THREADS_UNASKED. */
enum { PST_PROXY_THREADS = 64, PST_PROXY_THREADS_UNASKED = 16 };

enum pst_proxy_events {
	PST_PROXY_EVENTS_DENIED,
	PST_PROXY_EVENTS_ALL,
	PST_PROXY_EVENTS_NONE,
};

struct pst_proxy_endpoint {
	struct sockaddr_storage addr;
	socklen_t len; /* 0: not given */
};

struct pst_proxy_options {
	struct pst_proxy_sources sources; /* strings belong to argv */
	struct pst_proxy_endpoint listen, upstream;
	enum pst_dir direction;
	struct pst_addr subject, peer;
	bool has_subject, has_peer; /* else the addresses of the connections */
	uint32_t port;		    /* that policies speak about; 0: the upstream's */
	uint32_t threads;	    /* 0: one for each processor that there is, within limits */
	uint32_t max_connections;
	uint32_t max_memory_mib;
	uint32_t workload_connections, workload_memory_mib; /* of one workload */
	uint32_t head_timeout_s, idle_timeout_s, drain_timeout_s;
	enum pst_proxy_events events;
	struct pst_reply_opts reply; /* the 403; strings belong to argv */
	bool any_form;		     /* paths need not be in normal form */
	enum pst_normal normal;	     /* or are brought into it */
	enum pst_normal slashes;     /* what was said about escaped slashes; OFF: nothing */
	bool show_queries;
	bool managed; /* by posternd, which has started this */
	bool help, version;
};

/* 0; -EINVAL after telling on stderr what was expected; -ENOMEM. Release with
 * pst_proxy_options_fini(). */
int pst_proxy_options_parse(int argc, char **argv, struct pst_proxy_options *ret_opts);
void pst_proxy_options_fini(struct pst_proxy_options *o);

void pst_proxy_options_help(FILE *out);

/* The address of a socket address, and its port. */
struct pst_addr pst_proxy_addr(const struct sockaddr_storage *addr, uint16_t *ret_port);
