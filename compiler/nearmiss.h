/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rules that nearly allowed what was denied, and what they missed.
 *
 * Of an HTTP rule each field is looked at by itself: where its own automaton dies on the text, or
 * that the text ends too early. Of a rule of L3/L4 it is the peer that misses, or the port; rules
 * that miss both are only counted. The nearest of all are rules that fit and do not allow: of two
 * that conflict each denies what the other allows, one that wants a proof of the peer has none, one
 * that is closed was refused or is not enforced yet.
 *
 * The nearest come first: those that miss fewest fields, and of these, those that got furthest.
 */

#include "compiler/bundle.h"
#include "compiler/head.h"
#include "policy/inventory.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PST_NEARMISS_MAX = 5 };

enum pst_miss_how {
	PST_MISS_NOT,	  /* the field matches, or the rule does not ask for it */
	PST_MISS_LEAVES,  /* no text that begins like this can match: see `at` */
	PST_MISS_ENDS,	  /* it could still match, if it went on */
	PST_MISS_ABSENT,  /* the request does not have the field */
	PST_MISS_UNKNOWN, /* the pattern is too big to be looked at by itself */
};

struct pst_miss_field {
	const char *pattern; /* NULL: the rule does not ask for the field */
	enum pst_miss_how how;
	size_t at; /* LEAVES: bytes before the one with which it does */
};

struct pst_nearmiss_http {
	uint32_t rule; /* of the bundle */
	struct pst_miss_field field[PST_FIELD_MAX];
	const struct pst_bundle_header *header; /* the first that is not met; NULL: all are */
	size_t n_headers, n_unmet; /* conditions on headers, and those that are not met */
	bool has_header;	   /* the request has the field of `header`, with another value */
};

struct pst_nearmisses_http {
	struct pst_nearmiss_http v[PST_NEARMISS_MAX];
	size_t n, n_more; /* that are not shown */
};

/* The HTTP rules of RULESET and a request that none of them allows. 0 or -ENOMEM. */
int pst_nearmiss_http_find(const struct pst_bundle *b, uint32_t ruleset,
			   const struct pst_head *head, struct pst_nearmisses_http *ret_misses);

enum pst_miss_l4 {
	PST_MISS_CONFLICT, /* peer and port fit, but another rule wants something else there */
	PST_MISS_PROOF,	   /* the same, but it asks for authentication */
	PST_MISS_CLOSED,   /* peer and port fit, but the rule is closed */
	PST_MISS_PORT,	   /* the peer fits */
	PST_MISS_PEER,	   /* the port fits */
};

struct pst_nearmiss_l4 {
	uint32_t index; /* of the bundle's rules */
	const struct pst_rule *rule;
	enum pst_miss_l4 what;
	/* PEER: the first requirement that the peer does not meet, of the selector of which it
	 * meets most; NULL: the rule selects no labels. */
	const struct pst_requirement *requirement;
	const char *value;    /* what the peer has under the requirement's key; NULL: nothing */
	size_t n_unmet;	      /* requirements of that selector that are not met */
	const char *conflict; /* CONFLICT: "conflict-l7"; static */
	uint32_t other;	      /* CONFLICT: the rule that wants something else; may be the same */
};

struct pst_nearmisses_l4 {
	struct pst_nearmiss_l4 v[PST_NEARMISS_MAX];
	size_t n, n_more; /* that miss one thing and are not shown */
	size_t n_others;  /* that miss peer and port */
};

struct pst_nearmiss_l4_query {
	const struct pst_policy_set *policies; /* of which B was made */
	const struct pst_inventory *inventory;
	const struct pst_bundle *b;
	uint32_t subject, peer; /* identities of B */
	enum pst_dir direction;
	uint8_t protocol;
	uint16_t port;
};

/* The allow rules of a subject and a connection that none of them allows. 0 or -ENOMEM. */
int pst_nearmiss_l4_find(const struct pst_nearmiss_l4_query *q,
			 struct pst_nearmisses_l4 *ret_misses);
