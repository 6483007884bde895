/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Conditions on request headers: from headers and headerMatches of an HTTP rule to what the bundle
 * says, and from there to patterns for the automata of a rule set.
 *
 * A condition is a name in lower case and a value, or presence. Values are compared exactly, as
 * Cilium's proxy does it: the field's lines are trimmed and joined with ',' first. The automaton of
 * a value sees the lines as they come, from the colon on, CRLF included, so its pattern is
 *
 *	[ \t]* VALUE [ \t]*\r\n
 *
 * where each ',' of VALUE may also be the end of one line and the beginning of the next, unless a
 * blank stands beside it: joining adds none.
 *
 * Never matched, with a warning that says why: a name that is no token (so also ":path"), a value
 * that no trimmed field can have, two values for one name, a Secret that the inventory does not
 * have and no value instead. Host and :authority become the rule's host.
 */

#include "base/diag.h"
#include "compiler/automaton.h"
#include "compiler/bundle.h"
#include "policy/policy.h"

#include <stddef.h>

struct pst_arena;
struct pst_inventory;

/* Where conditions are read: what does not change from rule to rule. */
struct pst_header_reader {
	const struct pst_inventory *inventory; /* of the Secrets */
	struct pst_arena *arena;
	struct pst_diags *diags;
};

/*
 * Fills OUT->headers from HTTP, a rule of namespace NS, and narrows OUT->host. 0; -EINVAL when
 * the rule matches no request, with a diagnostic; -ENOMEM.
 */
int pst_header_read(const struct pst_header_reader *r, const struct pst_http_rule *http,
		    const char *ns, struct pst_bundle_rule *out);

/* Whether it is a condition, which a request must meet; else it is LOG or an action. */
static inline bool pst_header_is_condition(const struct pst_bundle_header *h)
{
	return h->mismatch == PST_MISMATCH_FAIL;
}

/* Whether it is an action: ADD, DELETE or REPLACE. */
static inline bool pst_header_is_action(const struct pst_bundle_header *h)
{
	return h->mismatch != PST_MISMATCH_FAIL && h->mismatch != PST_MISMATCH_LOG;
}

/* Whether the rule changes requests, so that only a proxy can apply it. */
bool pst_header_acts(const struct pst_bundle_rule *rule);

/* Whether the rule wants headers without which it matches all the same (LOG and the actions). */
bool pst_header_wishes(const struct pst_bundle_rule *rule);

enum pst_header_found {
	PST_HEADER_AS_WANTED,
	PST_HEADER_REJECTED, /* it is there with another value */
	PST_HEADER_MISSING,  /* and was not to be deleted */
};

/* How the head BYTES has the header that H speaks about. */
enum pst_header_found pst_header_find(const struct pst_bundle_header *h, const char *bytes,
				      size_t len);

/* <0, 0, >0: as conditions and actions, without regard to LOG. */
int pst_header_cmp(const struct pst_bundle_rule *a, const struct pst_bundle_rule *b);

/* The names that the recogniser must know itself; tags are enum pst_header. */
extern const struct pst_pattern pst_header_names[];
extern const size_t pst_n_header_names;

/* NAME in any case. NULL: no memory. */
const char *pst_header_name_pattern(struct pst_arena *arena, const char *name);

/*
 * Names that are not NAME but become the same variable where applications see variables (WSGI, CGI:
 * X-Role and X_Role are HTTP_X_ROLE): what is neither letter nor digit may be any such byte. Empty
 * when there are none, or when the recogniser's own names cover them. NULL: no memory.
 */
const char *pst_header_alias_pattern(struct pst_arena *arena, const char *name);

/* The lines of a field whose joined value is VALUE. NULL: no memory. */
const char *pst_header_value_pattern(struct pst_arena *arena, const char *value);
