/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The policies that are in force, as files change: object by object, with the last good version of
 * what is broken now (policy-semantics 0.1, settled (b)).
 *
 * A policy is known by its namespace and name. What a refresh finds:
 *
 *	a policy without mistakes	is in force
 *	one with mistakes		its last good version stays in force; without one it is in
 *					force as far as it can be read: its refused rules are
 *					closed, so it never means more than it says
 *	one that cannot be read		its last good version stays in force, if there is one
 *	a file that cannot be read to	what can be read of it is taken; every policy that it
 *	its end				held before and that is not found now stays in force
 *	a policy or a file that is	is not in force any more
 *	gone
 *	a file or a directory that	whatever was found there or below it stays
 *	cannot be read, or a path
 *	that is not there
 *
 * Files that have not changed (same inode, size and times, the last change not too recent for the
 * times to tell) are not read again.
 */

#include "policy/policy.h"

struct pst_policy_store;

/* Why a policy, or part of a file, is not in force as it is written now. Lives until the next
 * refresh that reads its file. */
struct pst_policy_refusal {
	const char *ns, *name; /* name NULL: mistakes of a file that belong to no policy */
	const char *id;	       /* of the first mistake; static */
	const char *message;
	const char *file;
	uint32_t line, col;
	bool kept; /* the last good version is in force, or all that the file held */
};

/* Looks for further mistakes in a policy: they become diagnostics. 0 or -ENOMEM. */
typedef int (*pst_policy_store_check)(void *ctx, const struct pst_policy *policy,
				      struct pst_diags *diags);

struct pst_policy_store_opts {
	const char *const *paths; /* copied; as for pst_policy_load() */
	size_t n_paths;
	const struct pst_policy_options *reading; /* NULL: the default; copied, its lists are not */
	pst_policy_store_check check;		  /* NULL: none */
	void *check_ctx;
};

/* NULL: no memory. Nothing is read yet. */
struct pst_policy_store *pst_policy_store_new(const struct pst_policy_store_opts *opts);

/* NULL is fine; *S becomes NULL. */
void pst_policy_store_free(struct pst_policy_store **s);

/*
 * Reads what has changed. Diagnostics are about files that were read now, and about all policies
 * together. 0, also when there are mistakes; -ENOMEM, and everything is as before.
 */
int pst_policy_store_refresh(struct pst_policy_store *s, struct pst_diags *diags);

/*
 * The same when nothing but the files NAMES (as they are named in diagnostics) can have changed:
 * only these are looked at. -ESTALE, and nothing has happened: one of them is no known file, or
 * cannot be found any more, or the last look failed or could not read a path; everything has to be
 * looked at.
 */
int pst_policy_store_refresh_some(struct pst_policy_store *s, const char *const *names, size_t n,
				  struct pst_diags *diags);

/*
 * What is in force, in the order of paths and names. The set lives until the next refresh; the
 * specs of a policy in it until the one after that, so that whoever follows the changes can compare
 * them.
 */
const struct pst_policy_set *pst_policy_store_set(const struct pst_policy_store *s);

/* All refusals that stand. *RET_N of them; NULL when there are none. */
const struct pst_policy_refusal *pst_policy_store_refusals(const struct pst_policy_store *s,
							   size_t *ret_n);

/* Files known, and files that were new or had another text at the last refresh. */
size_t pst_policy_store_n_files(const struct pst_policy_store *s);
size_t pst_policy_store_n_read(const struct pst_policy_store *s);
