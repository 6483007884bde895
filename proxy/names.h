/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Field names that the rules of a set speak about, and their look-alikes: what the automaton of
 * names says in the kernel (compiler/header.h), for sets that have none.
 */

#include "base/vec.h"
#include "compiler/bundle.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_names PST_VEC(const char *);

enum pst_name_kind {
	PST_NAME_OTHER,
	PST_NAME_ASKED,
	PST_NAME_ALIAS, /* not asked for, but the same variable behind WSGI or CGI */
};

/* Adds the names of RULE, each once. 0 or -ENOMEM. */
int pst_names_add(struct pst_names *names, const struct pst_bundle_rule *rule);

enum pst_name_kind pst_names_kind(const struct pst_names *names, const char *name, size_t len);

/* The worst kind of the field lines BYTES, behind their first line. */
enum pst_name_kind pst_names_worst(const struct pst_names *names, const char *bytes, size_t len);
