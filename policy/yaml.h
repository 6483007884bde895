/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * YAML (and JSON, which is YAML) to trees of nodes with places, one document at a time.
 *
 * libyaml delivers events; this module builds the tree. Anchors, aliases and merge keys mean what
 * they mean to Kubernetes' reader, and the module is strict where readers are known to disagree:
 *
 *   - a key that stands twice in one mapping is an error that names both places;
 *   - an alias is the anchored node with the alias's own place; what is below keeps its place.
 *     Anchors may be set again, and are forgotten at the end of the document;
 *   - a plain "<<" merges a mapping, or a list of mappings: keys of the mapping itself win, then
 *     earlier ones of the list. Kubernetes' reader lets what is merged win over a key that stands
 *     before the "<<", other readers do not: that is an error;
 *   - tags must agree with the text (!!str !!map !!seq !!int !!float !!bool !!null), others are
 *     refused;
 *   - a NUL inside a scalar is refused, so strings end where they end;
 *   - depth, size, number of nodes and what aliases add are limited (the constants below).
 *
 * Plain scalars are typed as Kubernetes' YAML reader does it (YAML 1.1): `true`, `yes`, `8080`,
 * `1e3`, `~` are no strings; who wants a string there refuses them. Quoted and block scalars are
 * strings.
 *
 * Errors are diagnostics: yaml-syntax, yaml-encoding, yaml-nul, yaml-key, yaml-duplicate-key,
 * yaml-tag, yaml-alias, yaml-alias-limit, yaml-merge, yaml-limit, and helm-template (policy/helm.h)
 * where the text breaks at a "{{". A document with a mistake is dropped and the next one is read;
 * after a syntax error or a limit, reading goes on at the next line that begins with "---". More
 * than PST_YAML_MAX_MISTAKES lose the rest of the file.
 */

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_arena;

enum {
	PST_YAML_MAX_SIZE = 16 << 20,
	PST_YAML_MAX_DEPTH = 64,
	PST_YAML_MAX_NODES = 1000000, /* per document, keys included */
	PST_YAML_MAX_DOCUMENTS = 1000000,
	PST_YAML_MAX_ANCHORS = 1000, /* per document */
	PST_YAML_MAX_MISTAKES = 100,
	/*
	 * What aliases may add to a file: this, and as much again as is written without them. One
	 * node weighs 1, and 1 more for each 64 bytes of a scalar.
	 */
	PST_YAML_MAX_ALIASED = 100000,
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
 * Children are a chain in document order; merged ones follow the mapping's own. In a mapping each
 * child is a value and carries its key, which is a scalar of any kind.
 */
struct pst_yaml_node {
	struct pst_pos pos; /* of a quoted scalar: what is inside the quotes */
	enum pst_yaml_kind kind;
	size_t len;			 /* of s; of a list or mapping: the number of children */
	const char *s;			 /* scalars: the text, NUL-terminated, without NUL inside */
	const struct pst_yaml_node *key; /* NULL outside mappings */
	const struct pst_yaml_node *first; /* first child */
	const struct pst_yaml_node *next;  /* next sibling; pst_yaml_parse(): the next document */
};

struct pst_yaml_input {
	const char *name; /* for diagnostics; must outlive what TAKE keeps of the nodes' places */
	const char *text;
	size_t len;
	/* Of the diagnostic helm-template, which a linter takes lightly; zeroed: an error. */
	enum pst_severity template_severity;
	bool skip_foreign; /* of no concern here: see policy/object.h */
};

/*
 * Takes one document; a document without content is a node of kind NULL. The nodes are gone
 * afterwards. 0; -EINVAL (refused; the next document comes nevertheless); any other negative errno
 * to stop.
 */
typedef int (*pst_yaml_take)(void *ctx, const struct pst_yaml_node *doc);

/*
 * Parses IN and hands each usable document to TAKE. Memory is that of the largest document.
 *
 * Returns 0; -EINVAL after adding diagnostics, or when TAKE has returned it; -ENOMEM; or the error
 * with which TAKE has stopped.
 */
int pst_yaml_each(const struct pst_yaml_input *in, struct pst_diags *diags, pst_yaml_take take,
		  void *ctx);

/*
 * The same with all documents at once, in ARENA. Stores the chain of usable documents (NULL:
 * none). -ENOMEM leaves *RET_DOCS untouched.
 */
int pst_yaml_parse(struct pst_arena *arena, const struct pst_yaml_input *in,
		   struct pst_diags *diags, const struct pst_yaml_node **ret_docs);

/* The value of KEY in mapping MAP; NULL when it is absent, null, or MAP is NULL or no mapping. */
const struct pst_yaml_node *pst_yaml_get(const struct pst_yaml_node *map, const char *key);

/* The type that Kubernetes' reader gives to the plain scalar S. */
enum pst_yaml_kind pst_yaml_plain_kind(const char *s);

/* Of a plain scalar that is a number: is it an integer? */
bool pst_yaml_is_integer(const char *s);

/* "a string", "a list", ...: for messages. */
const char *pst_yaml_kind_str(enum pst_yaml_kind kind);
