/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The bundle: one compiled policy, ready to be loaded, inspected, signed or shipped.
 *
 * In memory it is plain arrays; the parts that the kernel takes have the shapes of bpf/abi.h with
 * slot 0 (the loader puts the slot in). On disk it is a versioned, checksummed file:
 * pst_bundle_write() and pst_bundle_read(). A file is untrusted input: pst_bundle_read() checks
 * everything, and pst_bundle_verify() (compiler/verify.c) is run on every bundle before it goes
 * near a kernel.
 */

#include "base/diag.h"
#include "bpf/abi.h"
#include "policy/selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pst_arena;

struct pst_bundle_identity {
	uint32_t id; /* a reserved number, or PST_ID_LOCAL and up */
	struct pst_labels labels;
	bool enforce[2]; /* by enum pst_dir: default deny */
	bool audit[2];	 /* all its policies are in audit: so is each entry that is not ALLOW */
};

struct pst_bundle_addr {
	uint8_t addr[16];
	uint32_t prefix; /* 0..128 */
	struct pst_addr_value value;
	const char *name; /* "namespace/pod", or NULL */
};

/* Without padding: as it is in memory it is in a file, too (compiler/bundle_file.h). */
struct pst_bundle_entry {
	struct pst_policy_key key;
	struct pst_policy_value value;
};

PST_STATIC_ASSERT(sizeof(struct pst_bundle_entry) == 28, "entries without padding");

/* What an HTTP rule asks of a request header, or does to it (compiler/header.h). */
struct pst_bundle_header {
	const char *name;  /* in lower case */
	const char *value; /* NULL: presence */
	bool secret;	   /* the value is a Secret's: not to be shown */
	uint8_t mismatch;  /* enum pst_mismatch: FAIL is a condition; LOG; else an action */
};

/* Where a rule (or HTTP rule) stands: what explain and events show. */
struct pst_bundle_rule {
	const char *policy; /* "namespace/name" or "name" */
	const char *path;   /* "spec.ingress[0].toPorts[0].rules.http[1]" */
	struct pst_pos pos;
	/* HTTP rules only; NULL when the field is absent. */
	const char *method, *target, *host;
	struct pst_bundle_header *headers; /* sorted by name */
	size_t n_headers;
};

/* The HTTP rules behind a rule set, so that user space can name the one that decided. */
struct pst_bundle_ruleset {
	struct pst_ruleset packed;
	uint32_t *rules; /* indexes into the bundle's rules */
	size_t n_rules;
	uint64_t *rule_tags; /* per rule: the tag bit of its combination */
	bool fallback;	     /* not for the kernel: packed and rule_tags are zero */
	/* Which limit, in words: of a fallback, or of paths in several automata. Else NULL. */
	const char *why;
};

/* identities ascend by id, addrs by (addr, prefix), entries by pst_bundle_entry_cmp(); none comes
 * twice. */
struct pst_bundle {
	struct pst_arena *arena;       /* owns everything below */
	struct pst_arena *entry_arena; /* NULL, or owns the entries */
	struct pst_bundle_identity *identities;
	size_t n_identities;
	struct pst_bundle_addr *addrs;
	size_t n_addrs;
	struct pst_bundle_entry *entries;
	size_t n_entries;
	struct pst_bundle_rule *rules;
	size_t n_rules;
	struct pst_bundle_ruleset *rulesets;
	size_t n_rulesets;
	uint32_t name_start, name_classes;
	uint32_t *cells;
	size_t n_cells;
	uint8_t *classes;
	size_t n_class_bytes;
	uint64_t *tags;
	size_t n_tags;
};

/* NULL is fine; *B becomes NULL. */
void pst_bundle_free(struct pst_bundle **b);

/*
 * Gives the memory of the entries back, which are most of a large bundle, if they have memory of
 * their own, as after a compilation or a reading; afterwards it has none.
 */
void pst_bundle_forget_entries(struct pst_bundle *b);

/* Order of entries: subject, direction, peer, prefix length, protocol, port. <0, 0, >0. */
int pst_bundle_entry_cmp(const struct pst_bundle_entry *a, const struct pst_bundle_entry *b);

/* Index of the first entry that is not before (SUBJECT, DIRECTION, PEER); n_entries when there is
 * none. */
size_t pst_bundle_lower_bound(const struct pst_bundle *b, uint32_t subject, enum pst_dir direction,
			      uint32_t peer);

/* Whether the subject has entries in the direction: only then does the kernel look it up there. */
bool pst_bundle_has_entries(const struct pst_bundle *b, uint32_t subject, enum pst_dir direction);

/* Writes the file form. 0 or -errno (logged). */
int pst_bundle_write(const struct pst_bundle *b, FILE *out);

/*
 * The same without its length and its checksum, which take as long as to write it: for who hands it
 * over in memory, where nothing is damaged on the way. Read by pst_bundle_parse_unsummed().
 */
int pst_bundle_write_unsummed(const struct pst_bundle *b, FILE *out);

/*
 * The file form from memory, without a look at the file's meaning: only the file form is checked.
 * NAME is what diagnostics call it. Who uses the result must pass it to pst_bundle_verify().
 */
int pst_bundle_parse(const char *name, const uint8_t *bytes, size_t len, struct pst_diags *diags,
		     struct pst_bundle **ret_bundle);
int pst_bundle_parse_unsummed(const char *name, const uint8_t *bytes, size_t len,
			      struct pst_diags *diags, struct pst_bundle **ret_bundle);

/*
 * Reads and verifies the file form. 0; -EINVAL with a diagnostic (id "bundle-invalid") that says
 * what is wrong at which byte; -ENOMEM; -errno of the file (logged).
 */
int pst_bundle_read(const char *path, struct pst_diags *diags, struct pst_bundle **ret_bundle);

/*
 * Complete check of a bundle: every index in range, every row inside the cells, every state
 * reachable only through valid rows, tag sets and rule sets in range, policy entries well-formed.
 * 0, or -EINVAL with a diagnostic. The kernel's walker relies on it.
 */
int pst_bundle_verify(const struct pst_bundle *b, struct pst_diags *diags);

/*
 * Fills the kernel's form of the tables (T is sizeof(struct pst_table), zeroed by this call).
 * B must have passed pst_bundle_verify().
 */
void pst_bundle_fill_table(const struct pst_bundle *b, struct pst_table *t);

/*
 * The same over an earlier table (or zeros): only what one of the two uses is touched, and the
 * generation is left as it is.
 */
void pst_bundle_renew_table(const struct pst_bundle *b, struct pst_table *t);
