/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The policy in force in the proxy, and who the two ends of a connection are to it. Connections
 * hold the policy that they began under until they take the next one over. Each thread has a twin
 * of its own: a policy is asked by one thread alone.
 */

#include "compiler/judge.h"
#include "policy/inventory.h"
#include "proxy/ruler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct pst_wish;

struct pst_proxy_policy {
	struct pst_ruler *ruler;
	atomic_size_t refs;
	struct pst_proxy_policy *of; /* a twin's; else NULL */
	uint32_t id;		     /* the daemon's; 0: it is not the daemon's */
};

/* Files to be compiled, or a compiled bundle (then the others are empty): a file, or its bytes. */
struct pst_proxy_sources {
	const char **policies;
	size_t n_policies;
	const char **inventories;
	size_t n_inventories;
	const char *bundle;
	const uint8_t *bytes; /* NULL: the file has that name */
	size_t n_bytes;
	uint32_t id; /* the daemon's, of these bytes */
};

/* How its requests are judged. */
struct pst_proxy_judging {
	bool name_rules;	     /* answers name the rule */
	const struct pst_wish *wish; /* NULL, or they do while it wishes for all */
	bool any_form;		     /* paths need not be in normal form */
	enum pst_normal normal;	     /* or are brought into it */
};

/* One reference is the caller's. 0; -EINVAL when there are mistakes, which are on stderr then;
 * -ENOMEM; -errno (logged). */
int pst_proxy_policy_load(const struct pst_proxy_sources *sources,
			  const struct pst_proxy_judging *how,
			  struct pst_proxy_policy **ret_policy);
/* The same policy for another thread. 0 or -ENOMEM. */
int pst_proxy_policy_twin(struct pst_proxy_policy *of, struct pst_proxy_policy **ret_twin);

struct pst_proxy_policy *pst_proxy_policy_ref(struct pst_proxy_policy *p);
void pst_proxy_policy_unref(struct pst_proxy_policy **p);

/* The L3/L4 question about a connection. */
struct pst_proxy_question {
	enum pst_dir direction;
	const struct pst_addr *subject, *peer;
	uint16_t port;
};

/* FALLBACK and JUDGE both mean that the proxy judges by .ruleset. */
struct pst_l4_result pst_proxy_policy_ask(const struct pst_proxy_policy *p,
					  const struct pst_proxy_question *q);
