/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sends connections whose rules the kernel cannot judge to the userspace proxy.
 *
 * Which these are the policy map says, at the moment when a connection begins (bpf/sklookup.bpf.c
 * at the server, bpf/connect.bpf.c at the client).
 * Here the proxy is started when a policy has such entries for the first time, is told each policy
 * before it is published, and gets a listener in every network namespace that holds an address of
 * such a workload: a place. Namespaces are looked through after each publication, for some time
 * once a second and then now and then, and when a denied connection says that one was missed.
 *
 * Nothing that the proxy does or leaves undone keeps the daemon waiting but one thing: whether it
 * has taken over a policy that is about to be published, for PST_DUES_ANSWER_MS at most. A
 * proxy that does not read, does not answer, or says what it was not asked is ended. What it and
 * its helper write to stderr is told as theirs (enforcer/said.h).
 *
 * When the proxy ends, its connections end; its listeners are gone with it, and new connections are
 * denied (fallback-unavailable) until it is back, a second later or after up to a minute when it
 * does not stay. Connections that the kernel judges know nothing of all this.
 */

#include "compiler/bundle.h"
#include "enforcer/hostaddr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_judged_opts;
struct pst_loader;
struct pst_netns_set;
struct pst_proxied;
struct pst_redirect;
struct pst_starter;

struct pst_redirect_opts {
	bool is_off;		     /* there is to be no proxy */
	struct pst_starter *starter; /* of the proxy and its helper; must outlive the redirect */
	const struct pst_judged_opts *judged; /* who hears what the proxy has judged */
};

/* L and NETNS are not owned and must outlive it. 0, -ENOMEM, or -errno, logged. */
int pst_redirect_new(const struct pst_loader *l, struct pst_netns_set *netns,
		     const struct pst_redirect_opts *opts, struct pst_redirect **ret_redirect);

/* Nothing is steered any more; the proxy ends what is on its way. NULL is fine; *R becomes NULL. */
void pst_redirect_free(struct pst_redirect **r);

/*
 * BUNDLE, with the node's own addresses HOST, is about to be published: the proxy has it when this
 * returns, or is ended. Failures are logged; the kernel then denies.
 */
void pst_redirect_prepare(struct pst_redirect *r, const struct pst_bundle *bundle,
			  const struct pst_host_prefix *host, size_t n_host);

/*
 * A client of SERVER has tried HTTP/2, which the kernel has refused, by a rule of WORKLOAD, either
 * of the two: what begins there from now on is for the proxy. True: that is new, and BUNDLE, the
 * policy in force, is to be prepared again. Who is no endpoint of it is not learned.
 */
bool pst_redirect_learn(struct pst_redirect *r, const struct pst_bundle *bundle,
			const uint8_t workload[16], const struct pst_end *server);

/* Looks for workloads now: what was prepared is published. */
void pst_redirect_look(struct pst_redirect *r);

/* A connection was denied for want of a listener: looks now, or as soon as the last time is a while
 * ago. */
void pst_redirect_missed(struct pst_redirect *r);

/* What was prepared last is in force as GENERATION. */
void pst_redirect_published(struct pst_redirect *r, uint32_t generation);

/* The proxy is to tell of allowed requests as well, or is not. */
void pst_redirect_want_all(struct pst_redirect *r, bool all);

/* What the proxy has judged until now is told, if it has not been. */
void pst_redirect_hear(struct pst_redirect *r);

/* What all proxies so far have counted. */
void pst_redirect_count(const struct pst_redirect *r, struct pst_proxied *ret_proxied);

/* Becomes readable; then dispatch. */
int pst_redirect_fd(const struct pst_redirect *r);
void pst_redirect_dispatch(struct pst_redirect *r);

/* How often a proxy of this process has ended, or was ended, before it was to. */
uint64_t pst_redirect_ends(void);
