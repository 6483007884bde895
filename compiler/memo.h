/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a compilation leaves for the next one, so that this one resolves only what has changed.
 *
 * The result is that of a compilation without it, byte for byte: a memo only spares the work. It is
 * of use as long as the scene (scene.h) is the same but for a few identities. Then a policy that is
 * still there means and selects whom it did, of those who are still there; and a subject that the
 * same rules select, in the same order, has the same entries, with the rules, rule sets and peers
 * under their present numbers, if whoever has come or gone belongs to those that PST_ID_ANY stands
 * for there. The rule sets themselves are made anew, in the order in which a compilation without a
 * memo would come to them.
 *
 * Automata are known by their patterns, and built if the last compilation had no such ones, or if
 * they were too large to keep.
 *
 * A policy is known by the address of its specs (compile.h says what that asks of the caller).
 */

#include "base/vec.h"
#include "compiler/larder.h"
#include "compiler/portmap.h"
#include "compiler/resolve.h"
#include "compiler/row.h"
#include "compiler/rowstore.h"
#include "compiler/scene.h"
#include "compiler/setpool.h"

/* Where a policy begins: in the catalogue's l4 rules and rules, and among all specs. */
struct pst_memo_place {
	const struct pst_spec *specs;
	uint32_t l4, rule, spec;
};

struct pst_memo_rules PST_VEC(uint32_t); /* places in the catalogue, ascending */

/* A subject in one direction: its entries, and the rule sets that these came to. */
struct pst_memo_row {
	size_t first, n; /* of the store's peers */
	size_t first_set, n_sets;
	bool enforce, audit;
	bool clashes; /* rules conflict: that has to be told again */
	struct pst_row_common common;
	size_t first_word; /* of the common signature */
};

struct pst_memo_sets {
	size_t first, n; /* of the rules of all sets */
	bool fallback;
};

/* Zeroed: nothing. */
struct pst_memo_findings {
	struct pst_scene scene;
	struct PST_VEC(struct pst_memo_place) places; /* of each policy, and of the end */
	struct pst_setpool whom;
	struct PST_VEC(uint32_t) peers;		     /* by l4 rule: whom it means */
	struct PST_VEC(uint32_t) selected;	     /* by spec */
	struct PST_VEC(struct pst_memo_rules) rules; /* of each row */
	struct PST_VEC(struct pst_memo_row) rows;    /* two per identity */
	size_t n_resolved;			     /* of them, the others were known */
	struct PST_VEC(uint16_t) named;		     /* rule sets, row by row */
	struct PST_VEC(uint64_t) signatures;	     /* the common ones, row by row */
	struct pst_rowstore store;
	size_t n_entries; /* that the rows have together */
	struct PST_VEC(struct pst_memo_sets) sets;
	struct pst_memo_rules set_rules;
};

void pst_memo_findings_fini(struct pst_memo_findings *f);

enum { PST_MEMO_AUTOMATA_BYTES = 8 << 20 };

struct pst_memo {
	struct pst_memo_findings last;
	struct pst_larder larder;
	bool is_known;
};

/* Notes where the policies of IN begin. 0 or -ENOMEM. */
int pst_memo_note_places(const struct pst_resolve_input *in, struct pst_memo_findings *now);

/* Puts NOW, which becomes empty, in the place of what was known. T has the rule sets. 0 or -ENOMEM.
 */
int pst_memo_keep(struct pst_memo *memo, const struct pst_ruleset_table *t,
		  struct pst_memo_findings *now);

/* One compilation's view of the last one's findings. */
struct pst_recall {
	const struct pst_memo_findings *last; /* NULL: they are of no use */
	const struct pst_memo_findings *now;
	const struct pst_http_sets *http;
	struct pst_scene_news news;
	uint32_t *l4;	/* of now: 1 + which it was, or 0 */
	uint32_t *spec; /* the same */
	uint32_t *rule; /* of then: 1 + which it is, or 0 */
	uint32_t *set;	/* the same */
	/* Of then: 1 + which it is now, or 0 as long as nobody has asked. */
	uint32_t *whom, *speech;
	uint64_t *bits; /* a set of now */
};

/*
 * MEMO may be NULL. The scene and the places of NOW must be known; HTTP is where rule sets are
 * made. 0 or -ENOMEM.
 */
int pst_recall_begin(const struct pst_memo *memo, const struct pst_memo_findings *now,
		     const struct pst_http_sets *http, struct pst_recall *ret_recall);

void pst_recall_fini(struct pst_recall *r);

/*
 * Of then, the number of the set whom the l4 rule or the spec of now means, or
 * PST_BUCKETS_NONE: not known. Those who have come are not in it.
 */
uint32_t pst_recall_peers(const struct pst_recall *r, size_t l4);
uint32_t pst_recall_selected(const struct pst_recall *r, size_t spec);

/* Adds set NUMBER of then, of those who are still there, to SET, or to the sets of NOW. */
void pst_recall_copy_set(const struct pst_recall *r, uint32_t number, uint64_t *set);
int pst_recall_keep_set(struct pst_recall *r, uint32_t number, struct pst_memo_findings *now,
			uint32_t *ret_number);

/* What pst_row_resolve() has found of ROW, and apart from that its entries, into NOW. 0 or -ENOMEM.
 */
int pst_memo_note_row(const struct pst_row_scratch *scratch, size_t n_rules,
		      struct pst_memo_findings *now, struct pst_memo_row *row);
int pst_memo_note_entries(const struct pst_row_entries *entries, struct pst_memo_findings *now,
			  struct pst_memo_row *row);

/*
 * The row of the identity SLOT in DIRECTION, whose rules are known and whose switches are in *ROW:
 * 1 and its entries and sets appended to NOW and in *ROW, 0 when it has to be resolved, or what
 * making a rule set failed with.
 */
int pst_recall_row(struct pst_recall *r, size_t slot, int direction, struct pst_memo_findings *now,
		   struct pst_memo_row *row);
