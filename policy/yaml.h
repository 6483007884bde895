/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * YAML (and JSON, which is YAML) to a tree of nodes with places.
 *
 * libyaml delivers events; this module builds the tree and is strict where parsers are known to
 * disagree:
 *
 *   - a key that stands twice in one mapping is an error that names both places;
 *   - anchors, aliases and merge keys are refused ("not supported yet");
 *   - tags are refused, but for those that say what the node is anyway (!!str, !!map, !!seq);
 *   - a NUL inside a scalar is refused, so strings end where they end;
 *   - depth, size and number of nodes are limited (the constants below).
 *
 * Plain scalars are typed as Kubernetes' YAML reader does it (YAML 1.1): `true`, `yes`, `8080`,
 * `1e3`, `~` are no strings; who wants a string there refuses them. Quoted and block scalars are
 * strings.
 *
 * Errors are diagnostics with the ids yaml-syntax, yaml-duplicate-key, yaml-unsupported, yaml-nul
 * and yaml-limit. After a mistake inside a document that document is not usable and the next one is
 * read; after a syntax error or a limit the rest of the file is lost.
 */

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_arena;

enum {
	PST_YAML_MAX_SIZE = 16 << 20,
	PST_YAML_MAX_DEPTH = 64,
	PST_YAML_MAX_NODES = 1000000, /* per file, keys included */
};

enum pst_yaml_kind {
	PST_YAML_NULL,
	PST_YAML_BOOL,
	PST_YAML_NUMBER,
	PST_YAML_STRING,
	PST_YAML_LIST,
	PST_YAML_MAPPING,
	PST_YAML_KIND_MAX,
};

/*
 * Children are a chain in document order. In a mapping each child is a value and carries its key,
 * which is a scalar of any kind.
 */
struct pst_yaml_node {
	enum pst_yaml_kind kind;
	struct pst_pos pos;		 /* of a quoted scalar: what is inside the quotes */
	const char *s;			 /* scalars: the text, NUL-terminated, without NUL inside */
	size_t len;			 /* of s; of a list or mapping: the number of children */
	const struct pst_yaml_node *key; /* NULL outside mappings */
	const struct pst_yaml_node *first; /* first child */
	const struct pst_yaml_node *next;  /* next sibling; of a document: the next document */
};

struct pst_yaml_input {
	const char *name; /* for diagnostics; must outlive the nodes */
	const char *text;
	size_t len;
};

/*
 * Parses all documents of IN into nodes of ARENA. Stores the chain of usable documents (NULL: none;
 * a document without content is a node of kind NULL).
 *
 * Returns 0; -EINVAL after adding diagnostics, with *RET_DOCS holding the documents that are still
 * usable; -ENOMEM with *RET_DOCS untouched.
 */
int pst_yaml_parse(struct pst_arena *arena, const struct pst_yaml_input *in,
		   struct pst_diags *diags, const struct pst_yaml_node **ret_docs);

/* The value of KEY in mapping MAP; NULL when it is absent, null, or MAP is NULL or no mapping. */
const struct pst_yaml_node *pst_yaml_get(const struct pst_yaml_node *map, const char *key);

/* The type that Kubernetes' reader gives to the plain scalar S. */
enum pst_yaml_kind pst_yaml_plain_kind(const char *s);

/* "a string", "a list", ...: for messages. */
const char *pst_yaml_kind_str(enum pst_yaml_kind kind);
