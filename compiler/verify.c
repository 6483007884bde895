// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel's walker relies on, checked completely.
 *
 * The column in a cell says whose cell it is (bpf/abi.h), so no cell can have two meanings, and
 * what a walk can read is shown twice. First for each cell by itself: what it names exists,
 * whichever row and byte it is read with, and none belongs to the dead row. So no walk leaves the
 * tables. Then every automaton is walked from its start: each row is read with one class map only,
 * and has no columns but those that the map names. Each row is looked into once, so the work is
 * bounded by the number of cells whatever the file says. Cells that no walk meets are no mistake: a
 * rule set that did not fit leaves the automata behind that were made for it first.
 */
#include "compiler/bundle.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/identity.h"
#include "compiler/pack.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct verifier {
	const struct pst_bundle *b;
	struct pst_diags *diags;
	uint32_t *map;		       /* per row: 1 + its class map, 0: not reached */
	struct PST_VEC(uint32_t) todo; /* rows that were reached and not looked into */
	/* Those of the policy entry before: the next one often has the same, or the next. */
	const struct pst_bundle_identity *subject, *peer;
};

static int bad(struct verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int bad(struct verifier *v, const char *fmt, ...)
{
	static const struct pst_pos nowhere;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return pst_diags_error(v->diags, "bundle-invalid", &nowhere, "%s", text);
}

static int check_sizes(struct verifier *v)
{
	const struct pst_bundle *b = v->b;
	const struct {
		const char *what;
		size_t n, least, most;
	} sizes[] = {
		{"cells", b->n_cells, 1, PST_CELLS},
		{"class bytes", b->n_class_bytes, PST_PACK_MAP_BYTES, PST_CLASS_BYTES},
		{"tag sets", b->n_tags, 1, PST_TAGS},
		{"rule sets", b->n_rulesets, 0, UINT16_MAX + 1},
		{"addresses", b->n_addrs, 0, PST_ADDR_ENTRIES},
		{"policy entries", b->n_entries, 0, PST_POLICY_ENTRIES},
		{"rules", b->n_rules, 0, UINT32_MAX},
		{"identities", b->n_identities, 0, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (sizes[i].n < sizes[i].least || sizes[i].n > sizes[i].most)
			return bad(v, "%zu %s, expected %zu to %zu", sizes[i].n, sizes[i].what,
				   sizes[i].least, sizes[i].most);
	}
	return 0;
}

/* Identities. */

static const struct pst_bundle_identity *find_identity(const struct pst_bundle *b, uint32_t id)
{
	size_t low = 0, high = b->n_identities;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->identities[mid].id == id)
			return &b->identities[mid];
		if (b->identities[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* The same; *LAST is what was found last and becomes what is found, unless it is nothing. */
static const struct pst_bundle_identity *
find_again(const struct pst_bundle *b, const struct pst_bundle_identity **last, uint32_t id)
{
	const struct pst_bundle_identity *found = *last;

	if (found && found->id != id && found + 1 < b->identities + b->n_identities)
		found++;
	if (!found || found->id != id)
		found = find_identity(b, id);
	if (found)
		*last = found;
	return found;
}

static int cmp_label(const struct pst_label *a, const struct pst_label *b)
{
	int r = strcmp(a->source, b->source);

	if (!r)
		r = strcmp(a->key, b->key);
	return r ? r : strcmp(a->value, b->value);
}

static int check_identity(struct verifier *v, const struct pst_bundle_identity *id)
{
	for (size_t i = 1; i < id->labels.n; i++) {
		if (cmp_label(&id->labels.v[i - 1], &id->labels.v[i]) >= 0)
			return bad(v, "identity %u: its labels are not sorted", id->id);
	}
	if (id->id == PST_ID_ANY)
		return bad(v, "identity 0 is no identity");
	if (!pst_identity_is_subject(id) && (id->enforce[0] || id->enforce[1]))
		return bad(v, "identity %u is reserved and cannot be in default deny", id->id);
	if (!pst_identity_is_subject(id) && (id->audit[0] || id->audit[1]))
		return bad(v, "identity %u is reserved and cannot be in audit", id->id);
	return 0;
}

static int check_identities(struct verifier *v)
{
	for (size_t i = 0; i < v->b->n_identities; i++) {
		const struct pst_bundle_identity *id = &v->b->identities[i];

		if (i && v->b->identities[i - 1].id >= id->id)
			return bad(v, "identity %u does not stand behind a smaller one", id->id);
		if (check_identity(v, id))
			return -EINVAL;
	}
	return 0;
}

/* Addresses. */

static bool has_host_bits(const struct pst_bundle_addr *a)
{
	for (uint32_t bit = a->prefix; bit < 128; bit++) {
		if (a->addr[bit / 8] & (0x80 >> (bit % 8)))
			return true;
	}
	return false;
}

/* A wrong flag would make the kernel pass by a deny rule, or deny what nobody denies. */
static uint32_t expected_flags(const struct pst_bundle *b, const struct pst_bundle_identity *id)
{
	static const uint32_t enforce[2] = {
		[PST_DIR_INGRESS] = PST_ADDR_ENFORCE_INGRESS,
		[PST_DIR_EGRESS] = PST_ADDR_ENFORCE_EGRESS,
	};
	static const uint32_t audit[2] = {
		[PST_DIR_INGRESS] = PST_ADDR_AUDIT_INGRESS,
		[PST_DIR_EGRESS] = PST_ADDR_AUDIT_EGRESS,
	};
	uint32_t flags = PST_ADDR_ENDPOINT;

	if (id->id == PST_ID_HOST)
		return PST_ADDR_HOST;
	if (!pst_identity_is_subject(id))
		return 0;
	for (int d = 0; d < 2; d++) {
		if (id->enforce[d] || pst_bundle_has_entries(b, id->id, d))
			flags |= enforce[d];
		flags |= id->audit[d] ? audit[d] : 0;
	}
	return flags;
}

static int check_addr(struct verifier *v, size_t i)
{
	const struct pst_bundle_addr *a = &v->b->addrs[i];
	const struct pst_bundle_identity *id = find_identity(v->b, a->value.identity);

	if (a->prefix > 128)
		return bad(v, "address %zu: a prefix of %u bits", i, a->prefix);
	if (has_host_bits(a))
		return bad(v, "address %zu: bits behind its prefix", i);
	if (!id)
		return bad(v, "address %zu: identity %u does not exist", i, a->value.identity);
	if (a->value.flags != expected_flags(v->b, id))
		return bad(v, "address %zu: flags %#x, its identity asks for %#x", i,
			   a->value.flags, expected_flags(v->b, id));
	return 0;
}

static int check_addrs(struct verifier *v)
{
	const struct pst_bundle_addr *addrs = v->b->addrs;

	for (size_t i = 0; i < v->b->n_addrs; i++) {
		int order = i ? memcmp(addrs[i - 1].addr, addrs[i].addr, 16) : -1;

		if (check_addr(v, i))
			return -EINVAL;
		if (order > 0 || (!order && addrs[i - 1].prefix >= addrs[i].prefix))
			return bad(v, "address %zu does not stand behind a smaller one", i);
	}
	return 0;
}

/* Policy entries. */

static bool key_has_host_bits(const struct pst_policy_key *k)
{
	uint32_t port = (uint32_t)k->port_be[0] << 8 | k->port_be[1];
	uint32_t port_bits;

	if (k->prefixlen == PST_POLICY_STATIC_BITS)
		return k->protocol || port;
	port_bits = k->prefixlen - PST_POLICY_STATIC_BITS - 8;
	return (port & (0xffffu >> port_bits)) != 0;
}

static int check_key(struct verifier *v, size_t i)
{
	const struct pst_policy_key *k = &v->b->entries[i].key;
	const struct pst_bundle_identity *subject = find_again(v->b, &v->subject, k->subject);

	if (k->prefixlen != PST_POLICY_STATIC_BITS && (k->prefixlen < PST_POLICY_STATIC_BITS + 8 ||
						       k->prefixlen > PST_POLICY_STATIC_BITS + 24))
		return bad(v, "policy entry %zu: a prefix of %u bits", i, k->prefixlen);
	if (k->slot)
		return bad(v, "policy entry %zu: slot %u in a bundle", i, k->slot);
	if (k->direction > PST_DIR_EGRESS)
		return bad(v, "policy entry %zu: direction %u", i, k->direction);
	if (key_has_host_bits(k))
		return bad(v, "policy entry %zu: bits behind its prefix", i);
	if (!subject || !pst_identity_is_subject(subject))
		return bad(v, "policy entry %zu: subject %u is no endpoint", i, k->subject);
	if (k->peer != PST_ID_ANY && !find_again(v->b, &v->peer, k->peer))
		return bad(v, "policy entry %zu: peer %u does not exist", i, k->peer);
	return 0;
}

/* A wrong one would make the kernel pass what an enforced policy denies. */
static bool is_audited(struct verifier *v, const struct pst_policy_key *k,
		       const struct pst_policy_value *val)
{
	const struct pst_bundle_identity *subject = find_again(v->b, &v->subject, k->subject);

	return subject && subject->audit[k->direction] && val->verdict != PST_VERDICT_ALLOW;
}

static int check_value(struct verifier *v, size_t i)
{
	const struct pst_policy_key *k = &v->b->entries[i].key;
	const struct pst_policy_value *val = &v->b->entries[i].value;
	bool http = val->verdict == PST_VERDICT_JUDGE || val->verdict == PST_VERDICT_FALLBACK;

	if (val->verdict > PST_VERDICT_FALLBACK)
		return bad(v, "policy entry %zu: verdict %u", i, val->verdict);
	if ((val->deny_rule & ~PST_POLICY_AUDIT) > (val->verdict == PST_VERDICT_DENY))
		return bad(v, "policy entry %zu: deny_rule %u", i, val->deny_rule);
	if (!(val->deny_rule & PST_POLICY_AUDIT) != !is_audited(v, k, val))
		return bad(v, "policy entry %zu: its audit is not that of its subject", i);
	if (val->rule != UINT32_MAX && val->rule >= v->b->n_rules)
		return bad(v, "policy entry %zu: rule %u of %zu", i, val->rule, v->b->n_rules);
	if (!http)
		return val->ruleset ? bad(v, "policy entry %zu: a rule set without HTTP rules", i)
				    : 0;
	if (val->ruleset >= v->b->n_rulesets)
		return bad(v, "policy entry %zu: rule set %u of %zu", i, val->ruleset,
			   v->b->n_rulesets);
	/* What the kernel can judge may be for the proxy all the same: its workload asks for that.
	 */
	if (v->b->rulesets[val->ruleset].fallback && val->verdict != PST_VERDICT_FALLBACK)
		return bad(v, "policy entry %zu: its verdict contradicts rule set %u", i,
			   val->ruleset);
	if (k->prefixlen == PST_POLICY_STATIC_BITS || k->protocol != IPPROTO_TCP)
		return bad(v, "policy entry %zu: HTTP rules on something other than TCP", i);
	return 0;
}

static int check_entries(struct verifier *v)
{
	const struct pst_bundle_entry *e = v->b->entries;

	for (size_t i = 0; i < v->b->n_entries; i++) {
		bool first = !i || e[i - 1].key.subject != e[i].key.subject ||
			     e[i - 1].key.peer != e[i].key.peer ||
			     e[i - 1].key.direction != e[i].key.direction;

		if (check_key(v, i) || check_value(v, i))
			return -EINVAL;
		if (i && pst_bundle_entry_cmp(&e[i - 1], &e[i]) >= 0)
			return bad(v, "policy entry %zu does not stand behind a smaller one", i);
		if (first && e[i].key.peer != PST_ID_ANY &&
		    e[i].key.prefixlen != PST_POLICY_STATIC_BITS)
			return bad(v, "policy entry %zu: peer %u of subject %u has no catch-all", i,
				   e[i].key.peer, e[i].key.subject);
	}
	return 0;
}

/* Rules and rule sets. */

static int check_rules(struct verifier *v)
{
	for (size_t i = 0; i < v->b->n_rules; i++) {
		if (!v->b->rules[i].policy || !v->b->rules[i].path)
			return bad(v, "rule %zu has no policy or no path", i);
	}
	return 0;
}

static int check_ruleset_rules(struct verifier *v, size_t i)
{
	const struct pst_bundle_ruleset *s = &v->b->rulesets[i];

	for (size_t k = 0; k < s->n_rules; k++) {
		uint64_t tag = s->rule_tags[k];

		if (s->rules[k] >= v->b->n_rules)
			return bad(v, "rule set %zu: rule %u of %zu", i, s->rules[k],
				   v->b->n_rules);
		if (k && s->rules[k - 1] >= s->rules[k])
			return bad(v, "rule set %zu: its rules are not in document order", i);
		if (s->fallback ? tag != 0 : !tag || (tag & (tag - 1)))
			return bad(v, "rule set %zu: rule %u has not exactly one tag", i,
				   s->rules[k]);
	}
	if (s->fallback && !s->why)
		return bad(v, "rule set %zu: a fallback does not say why", i);
	return 0;
}

/* Automata. */

/* An automaton: its class map and what may be in its tag sets. */
struct walked {
	uint32_t map;
	uint32_t columns; /* one more than the largest that the map names */
	bool names;	  /* tag sets are numbers, not bit sets */
};

/* In verifier.map: that the row loops has been seen (PST_CELL_LOOPS). */
enum { LOOPS_INDEED = 1U << 31 };

static int reach(struct verifier *v, const struct walked *w, uint32_t row)
{
	uint32_t known = v->map[row] & ~LOOPS_INDEED;

	if (!row || known == 1 + w->map)
		return 0;
	if (known)
		return bad(v, "the row at cell %u has two class maps, at bytes %u and %u", row,
			   known - 1, w->map);
	v->map[row] = 1 + w->map;
	return pst_vec_push(&v->todo, row);
}

/* What an automaton of field names may say: an enum pst_header, and 1 + a slot. */
static bool is_name_tag(uint64_t tag)
{
	return (tag & PST_HEADER_MASK) < PST_HEADER_MAX &&
	       tag >> PST_HEADER_SLOT_SHIFT <= PST_HEADER_SLOTS;
}

static int check_tag(struct verifier *v, const struct walked *w, uint32_t row, uint32_t tag)
{
	if (w->names && !is_name_tag(v->b->tags[tag]))
		return bad(v, "the row at cell %u names field %llu, which does not exist", row,
			   (unsigned long long)v->b->tags[tag]);
	return 0;
}

/* Where BYTE leads from ROW. */
static uint32_t next_row(const struct verifier *v, const struct walked *w, uint32_t row,
			 unsigned int byte)
{
	uint32_t column = v->b->classes[w->map + byte];
	uint32_t next = pst_pack_cell(v->b->cells, v->b->n_cells, row, column);

	if (next == UINT32_MAX)
		next = pst_pack_cell(v->b->cells, v->b->n_cells, row, PST_COLUMN_ELSE);
	return next == UINT32_MAX ? 0 : next;
}

/* A cell leads to ROW and says that it loops. */
static int check_loops(struct verifier *v, const struct walked *w, uint32_t row)
{
	if (v->map[row] & LOOPS_INDEED)
		return 0;
	for (unsigned int byte = PST_LOOP_FIRST; byte <= PST_LOOP_LAST; byte++)
		if (next_row(v, w, row, byte) != row)
			return bad(v, "the row at cell %u does not loop, as a cell says", row);
	v->map[row] |= LOOPS_INDEED;
	return 0;
}

/* That the value exists has been checked: check_cells(). */
static int check_column(struct verifier *v, const struct walked *w, uint32_t row, uint32_t column)
{
	uint32_t value = pst_pack_cell(v->b->cells, v->b->n_cells, row, column);
	int r;

	if (value == UINT32_MAX)
		return 0;
	if (column >= w->columns)
		return bad(v, "cell %u is column %u of the row at cell %u, its class map has %u",
			   row + column, column, row, w->columns);
	if (column == PST_COLUMN_TAGS)
		return check_tag(v, w, row, value);
	r = reach(v, w, value);
	if (!r && v->b->cells[row + column] & PST_CELL_LOOPS)
		r = check_loops(v, w, value);
	return r;
}

static int check_row(struct verifier *v, const struct walked *w, uint32_t row)
{
	int r = 0;

	for (uint32_t column = 0; !r && column < PST_COLUMNS; column++)
		r = check_column(v, w, row, column);
	return r;
}

/* One more than the largest column that the map at OFFSET names; 0 when the map is not valid. */
static uint32_t map_columns(const struct pst_bundle *b, uint32_t offset)
{
	uint32_t most = 0;

	if (offset > b->n_class_bytes || b->n_class_bytes - offset < PST_PACK_MAP_BYTES)
		return 0;
	for (uint32_t i = 0; i < PST_PACK_MAP_BYTES; i++) {
		uint32_t column = b->classes[offset + i];

		if (column < PST_COLUMN_CLASS)
			return 0;
		if (column > most)
			most = column;
	}
	return most + 1;
}

/* NAMES: tag sets are numbers, not bit sets. */
static int walk(struct verifier *v, uint32_t start, uint32_t map, bool names)
{
	const struct walked w = {map, map_columns(v->b, map), names};
	int r;

	if (!w.columns)
		return bad(v, "the class map at byte %u of %zu is not valid", map,
			   v->b->n_class_bytes);
	if (start >= v->b->n_cells)
		return bad(v, "an automaton starts at cell %u of %zu", start, v->b->n_cells);
	r = reach(v, &w, start);
	while (!r && v->todo.n)
		r = check_row(v, &w, v->todo.v[--v->todo.n]);
	return r;
}

static int check_no_slot(struct verifier *v, size_t i, uint32_t k)
{
	const struct pst_ruleset *p = &v->b->rulesets[i].packed;

	return p->slot_start[k] || p->slot_classes[k] || p->slot_absent[k]
		       ? bad(v, "rule set %zu: slot %u of %u is in use", i, k, p->n_slots)
		       : 0;
}

/* Further automata of the path; the places behind them are 0. */
static int check_more_paths(struct verifier *v, size_t i)
{
	const struct pst_bundle_ruleset *s = &v->b->rulesets[i];
	const struct pst_ruleset *p = &s->packed;
	int r = 0;

	if (p->n_more_paths > PST_PATH_MORE)
		return bad(v, "rule set %zu: %u further automata of its paths", i, p->n_more_paths);
	if (p->n_more_paths ? !s->why : s->why != NULL)
		return bad(v, "rule set %zu: why its paths are divided and whether do not agree",
			   i);
	for (uint32_t k = 0; !r && k < PST_PATH_MORE; k++) {
		if (k < p->n_more_paths)
			r = walk(v, p->more_path_start[k], p->more_path_classes[k], false);
		else if (p->more_path_start[k] || p->more_path_classes[k])
			r = bad(v, "rule set %zu: further automaton %u of %u is in use", i, k,
				p->n_more_paths);
	}
	return r;
}

static int check_ruleset(struct verifier *v, size_t i)
{
	static const struct pst_ruleset nothing;
	const struct pst_bundle_ruleset *s = &v->b->rulesets[i];
	int r = check_ruleset_rules(v, i);

	if (!r && s->fallback)
		return memcmp(&s->packed, &nothing, sizeof(nothing))
			       ? bad(v, "rule set %zu: a fallback with automata", i)
			       : 0;
	if (!r && s->packed.n_slots > PST_HEADER_SLOTS)
		return bad(v, "rule set %zu: %u slots", i, s->packed.n_slots);
	if (!r && i >= PST_RULESETS)
		return bad(v, "rule set %zu: the table holds %d", i, PST_RULESETS);
	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		if (f != PST_FIELD_HOST && s->packed.absent[f])
			return bad(v, "rule set %zu: a request always has a method and a path", i);
		r = walk(v, s->packed.start[f], s->packed.classes[f], false);
	}
	if (!r)
		r = check_more_paths(v, i);
	for (uint32_t k = 0; !r && k < PST_HEADER_SLOTS; k++)
		r = k < s->packed.n_slots
			    ? walk(v, s->packed.slot_start[k], s->packed.slot_classes[k], false)
			    : check_no_slot(v, i, k);
	return r;
}

static int walk_names(struct verifier *v, size_t i)
{
	const struct pst_bundle_ruleset *s = &v->b->rulesets[i];

	if (s->fallback)
		return 0;
	return walk(v, s->packed.name_start, s->packed.name_classes, true);
}

/* Each cell by itself. */
static int check_cells(struct verifier *v)
{
	for (uint32_t i = 0; i < v->b->n_cells; i++) {
		uint32_t column = v->b->cells[i] >> PST_COLUMN_SHIFT;
		uint32_t value = v->b->cells[i] & ((1u << PST_COLUMN_SHIFT) - 1);

		if (v->b->cells[i] && i == column)
			return bad(v, "cell %u belongs to the dead row", i);
		if (column == PST_COLUMN_TAGS && value >= v->b->n_tags)
			return bad(v, "cell %u names tag set %u of %zu", i, value, v->b->n_tags);
		if (value == PST_CELL_LOOPS)
			return bad(v, "cell %u says that the dead row loops", i);
		if (column != PST_COLUMN_TAGS)
			value &= ~(uint32_t)PST_CELL_LOOPS;
		if (column != PST_COLUMN_TAGS && value >= v->b->n_cells)
			return bad(v, "cell %u leads to %u of %zu", i, value, v->b->n_cells);
	}
	return 0;
}

static int check_tables(struct verifier *v)
{
	int r = check_cells(v);

	if (r)
		return r;
	if (v->b->tags[0])
		return bad(v, "tag set 0 is not empty");
	/* Names first, so that each of their rows is looked into as one. */
	r = walk(v, v->b->name_start, v->b->name_classes, true);
	for (size_t i = 0; !r && i < v->b->n_rulesets; i++)
		r = walk_names(v, i);
	for (size_t i = 0; !r && i < v->b->n_rulesets; i++)
		r = check_ruleset(v, i);
	return r;
}

static int walk_all(struct verifier *v)
{
	int r = -ENOMEM;

	v->map = pst_mem_calloc(v->b->n_cells, sizeof(*v->map));
	if (v->map)
		r = check_tables(v);
	free(v->map);
	pst_vec_free(&v->todo);
	return r;
}

int pst_bundle_verify(const struct pst_bundle *b, struct pst_diags *diags)
{
	struct verifier v = {.b = b, .diags = diags};
	static int (*const checks[])(struct verifier *) = {
		check_sizes, check_identities, check_entries, check_addrs, check_rules, walk_all,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		int r = checks[i](&v);

		if (r)
			return r;
	}
	return 0;
}
