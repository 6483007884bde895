/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside policy/yaml.c: from libyaml's events to the tree of one document.
 *
 * yaml.c cuts the text into pieces and runs libyaml over them, yaml_build.c makes nodes of events,
 * yaml_alias.c keeps the anchors, yaml_merge.c ends mappings (merge keys, duplicate keys).
 *
 * All functions here return 0, -ENOMEM, or -E2BIG after the diagnostic for a limit: then the rest
 * of the document must not be read. Any other mistake is reported, spoils the document, and 0 is
 * returned.
 */

#include "policy/srcmap.h"
#include "policy/yaml.h"

#include <yaml.h>

/* A name for a node. Its weight and height are known when the node is complete. */
struct pst_yaml_anchor {
	const char *name;
	struct pst_yaml_node *node;
	uint64_t weight; /* of the expanded tree; while it is open: what stood before it */
	unsigned int height;
	bool open;
	struct pst_yaml_anchor *next; /* in the same bucket, older ones behind */
};

/* A list or mapping whose end has not come yet. */
struct pst_yaml_frame {
	struct pst_yaml_node *node;
	struct pst_yaml_node *last; /* its last child so far */
	struct pst_yaml_node *end;  /* what was placed last: that, or the value of a merge key */
	struct pst_yaml_node *key;  /* of a mapping: the key that waits for its value */
	struct pst_yaml_anchor *anchor;
	unsigned int height; /* of what is complete below, and this one: 1 when there is nothing */
	bool key_merges;     /* the waiting key is a plain << */
	struct pst_yaml_node *merge; /* the value of << */
	bool merge_is_alias;
	size_t n_before_merge; /* children that stand before it */
};

enum { PST_YAML_BUCKETS = 64 };

struct pst_yaml_builder {
	struct pst_arena *arena;
	struct pst_diags *diags;
	enum pst_severity template_severity;
	struct pst_srcmap map;
	/* The document. */
	struct pst_yaml_frame stack[PST_YAML_MAX_DEPTH];
	size_t depth;
	size_t n_nodes;
	struct pst_yaml_node *doc; /* its root */
	bool broken;		   /* a mistake was found in it */
	struct pst_yaml_anchor *anchors[PST_YAML_BUCKETS];
	size_t n_anchors;
	/* The file. */
	size_t n_mistakes;
	uint64_t written; /* the weight of all nodes in the text */
	uint64_t aliased; /* the weight that aliases have added */
};

/* Forgets the document; the arena is the caller's. */
void pst_yaml_builder_reset(struct pst_yaml_builder *b);

int pst_yaml_builder_take(struct pst_yaml_builder *b, const yaml_event_t *ev);

/* Notes that the diagnostic just added spoils the document. */
void pst_yaml_spoil(struct pst_yaml_builder *b);

/* A node of KIND with room for the LEN bytes of a scalar's text; NULL when there is no memory. */
struct pst_yaml_node *pst_yaml_node_new(struct pst_yaml_builder *b, enum pst_yaml_kind kind,
					struct pst_pos pos, size_t len);

/* yaml_alias.c: gives N the name NAME (NULL: none); *RET_ANCHOR may be NULL then. */
int pst_yaml_anchor_open(struct pst_yaml_builder *b, struct pst_yaml_node *n, const char *name,
			 struct pst_yaml_anchor **ret_anchor);

/* N is complete and has HEIGHT; A may be NULL. */
void pst_yaml_anchor_close(const struct pst_yaml_builder *b, struct pst_yaml_anchor *a,
			   unsigned int height);

/* A copy of the node that NAME stands for, with the place POS, and its height. After a mistake it
 * is a node of kind NULL. */
int pst_yaml_alias(struct pst_yaml_builder *b, const char *name, const struct pst_pos *pos,
		   struct pst_yaml_node **ret_node, unsigned int *ret_height);

/* yaml_merge.c: all of F's own children are there. */
int pst_yaml_mapping_end(struct pst_yaml_builder *b, struct pst_yaml_frame *f);
