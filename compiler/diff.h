/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What do two sets of policies decide differently? A proof that it is nothing, or findings.
 *
 * Both sides are compiled like any others, with a cast of endpoints that stand for all: the pods of
 * the inventories, one pod of each cohort (compiler/cohort.h), the reserved identities, and one
 * address of each part of the address space that policies tell apart. For each subject, direction
 * and peer the two port maps are refined to spans in which both sides give one answer. Where HTTP
 * rules stand against HTTP rules, pst_rulediff() is asked.
 *
 * Only subjects that a changed policy selects can be treated differently by the same inventory: the
 * others are left out, and so are the policies that select none of those that are left. Subjects
 * whose peers together are too many are divided into scenes, each with bundles of its own.
 *
 * What a connection may carry is compared as the kernel judges it: an allow without HTTP rules lets
 * through what is no HTTP at all, so it is wider than every list of HTTP rules; a list that allows
 * no request is as good as a denial. What policies in audit deny passes. Rule sets that need the
 * fallback are compared by their patterns. Whatever could not be compared is a finding of its own
 * kind, never silence.
 */

#include "base/vec.h"
#include "compiler/bundle.h"
#include "compiler/diff_header.h"
#include "policy/inventory.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_diff_side {
	PST_DIFF_OLD,
	PST_DIFF_NEW,
	PST_DIFF_SIDES,
};

struct pst_diff_query {
	const struct pst_policy_set *policies[PST_DIFF_SIDES];
	const struct pst_inventory *inventory[PST_DIFF_SIDES]; /* may be the same object */
	/* Per policy: false, if an equal one is on the other side, too. NULL: all have changed. Not
	 * used with two inventories. */
	const bool *changed[PST_DIFF_SIDES];
	bool only_inventory; /* no pods but those of the inventories */
};

/* Cohorts of subjects, and of peers, past which only those are compared that policies name. */
enum { PST_DIFF_MAX_COHORTS = 1024 };

enum pst_diff_actor_kind {
	PST_DIFF_POD,	   /* of an inventory */
	PST_DIFF_LABELS,   /* any pod with these labels */
	PST_DIFF_NODE,	   /* of an inventory */
	PST_DIFF_RESERVED, /* host, ingress, ... */
	PST_DIFF_OUTSIDE,  /* addresses outside */
};

/* Who takes part in flows. */
struct pst_diff_actor {
	enum pst_diff_actor_kind kind;
	const char
		*name; /* "namespace/pod", of a node, "reserved:host", "10.0.0.0/8"; NULL: LABELS */
	struct pst_labels labels;
	struct pst_addr addr; /* OUTSIDE: one of the addresses that are meant */
	size_t n_alike;	      /* other pods that policies cannot tell from this one */
	bool subject;	      /* its own policies are compared */
	/* Per side. Who is not known there is a stranger: his address decides, and he has no
	 * policy of his own, so nothing is allowed to him as a subject. */
	bool known[PST_DIFF_SIDES];
	uint32_t id[PST_DIFF_SIDES];
};

enum pst_diff_kind {
	PST_DIFF_WIDENED,  /* NEW allows what OLD denies */
	PST_DIFF_NARROWED, /* the reverse */
	PST_DIFF_UNKNOWN,  /* could not be compared */
	PST_DIFF_KINDS,
};

/* Protocols by bit: pst_diff_protocols[bit]; the bit behind the last is every other protocol. */
enum { PST_DIFF_N_PROTOCOLS = 12 };
extern const uint8_t pst_diff_protocols[PST_DIFF_N_PROTOCOLS];
enum { PST_DIFF_ANY_PROTOCOL = (1 << (PST_DIFF_N_PROTOCOLS + 1)) - 1 };

/* A request that one side allows. */
struct pst_diff_request {
	bool irregular; /* what is not plain HTTP in normal form; the parts are an example */
	const char *method, *path;
	const char *host; /* NULL: none, HTTP/1.0 */
	struct pst_diff_header_lines headers;
};

/* What one side decides. */
struct pst_diff_verdict {
	enum pst_verdict verdict; /* FALLBACK: JUDGE, by rules that do not fit the kernel */
	bool audited; /* only reported: everything passes, VERDICT is what it would be in force */
	bool unknown_subject;		    /* the side has no such subject */
	const struct pst_bundle_rule *rule; /* of L3/L4; NULL: the default */
	const struct pst_bundle_rule *http; /* the first that allows the witness; NULL: none */
};

struct pst_diff_finding {
	enum pst_diff_kind kind;
	enum pst_direction direction;
	bool anybody;			  /* the peers are all that there are */
	uint32_t protocols;		  /* bits */
	uint16_t first, last;		  /* ports, or types of ICMP */
	const uint32_t *subjects, *peers; /* actors; each subject with each peer; the first of each,
					     the lowest protocol and `port` are the witness */
	size_t n_subjects, n_peers;
	uint16_t port;
	bool has_request;
	struct pst_diff_request request;
	struct pst_diff_verdict side[PST_DIFF_SIDES];
	const char *why; /* UNKNOWN: which limit */
};

/* A port name of policies, and which number pods of a cohort have for it. */
struct pst_diff_port_name {
	const char *name;
	uint16_t port;
};

/* What both sides were compiled to, for some of the subjects. */
struct pst_diff_scene {
	struct pst_bundle *bundles[PST_DIFF_SIDES];
};

struct pst_diff {
	struct pst_arena *arena; /* everything below lives here or in the bundles */
	struct PST_VEC(struct pst_diff_scene) scenes;
	struct PST_VEC(struct pst_diff_actor) actors;
	struct pst_diff_finding *findings; /* widened first, then narrowed, then unknown */
	size_t n_findings;
	struct pst_diff_port_name *port_names;
	size_t n_port_names;
	size_t count[PST_DIFF_KINDS]; /* UNKNOWN: with n_unresolved */
	/* Services, DNS names, CIDR groups and Secrets that no inventory has: their meaning is
	 * unknown. Each is a warning. Not counted with only_inventory: there it is nobody. */
	size_t n_unresolved;
	/* What a result without findings means. */
	bool all_subjects, all_peers;	   /* pods of every label set stood for; false: see above */
	size_t n_subjects, n_peers;	   /* peers: of the subject that has most */
	size_t n_policies[PST_DIFF_SIDES]; /* that have a say about a subject */
};

/*
 * 0; -ENOMEM; -E2BIG when a side does not fit the tables or there are too many differences (with a
 * diagnostic). Other mistakes of the policies are diagnostics, too: who wants all or nothing looks
 * at pst_diags_errors(). What Q points to must outlive the result.
 */
int pst_diff_run(const struct pst_diff_query *q, struct pst_diags *diags,
		 struct pst_diff **ret_diff);

/* NULL is fine; *D becomes NULL. */
void pst_diff_free(struct pst_diff **d);
