// SPDX-License-Identifier: Apache-2.0
/*
 * Each kind of corruption of a good bundle is found. A row of the table below says what is changed
 * and a word of the message that must tell it.
 */
#include "compiler/bundle.h"

#include "compiler/pack.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <string.h>

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b;

static void setup(void)
{
	struct pst_spec *s;
	struct pst_rule *allow, *deny;
	struct pst_port_rule *ports;

	model_init(&m);
	diags = pst_diags_new();
	model_endpoint(&m, "web", "k8s:app=web k8s:tier=front", "10.0.0.1");
	model_endpoint(&m, "db", "k8s:app=db k8s:tier=back", "10.0.0.2");
	s = model_policy(&m, "p", "k8s:app=web");
	allow = model_rule(&m, s, PST_DIRECTION_INGRESS, false);
	model_peer(&m, allow, "k8s:app=db");
	ports = model_port(&m, allow, PST_PROTOCOL_TCP, 80, 0);
	model_http(&m, ports, "GET", "/a", "h");
	model_http(&m, ports, "POST", "/b", NULL);
	deny = model_rule(&m, s, PST_DIRECTION_INGRESS, true);
	model_port(&m, deny, PST_PROTOCOL_TCP, 81, 0);
	b = model_compile(&m, diags);
}

static void teardown(void)
{
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	model_fini(&m);
}

static struct pst_bundle_entry *entry_with(uint8_t verdict)
{
	for (size_t i = 0; i < b->n_entries; i++) {
		if (b->entries[i].value.verdict == verdict)
			return &b->entries[i];
	}
	cr_assert_fail("the model has no entry with verdict %d", verdict);
	return NULL;
}

/* The cell of the first row of the path automaton where '/' is read. */
static uint32_t *slash_cell(void)
{
	const struct pst_ruleset *set = &b->rulesets[0].packed;

	return &b->cells[set->start[PST_FIELD_PATH] +
			 b->classes[set->classes[PST_FIELD_PATH] + '/']];
}

/* The value of the cell becomes VALUE, the column stays. */
static void set_value(uint32_t *cell, uint32_t value)
{
	*cell = (*cell & ~0u << PST_COLUMN_SHIFT) | value;
}

/* Some cell with the tags of a path. */
static uint32_t *tag_cell(void)
{
	uint32_t *cell = slash_cell();
	uint32_t row = *cell & PST_CELL_MASK;

	row = b->cells[row + b->classes[b->rulesets[0].packed.classes[PST_FIELD_PATH] + 'a']] &
	      PST_CELL_MASK;
	cr_assert_eq(b->cells[row + PST_COLUMN_TAGS] >> PST_COLUMN_SHIFT, PST_COLUMN_TAGS);
	return &b->cells[row + PST_COLUMN_TAGS];
}

static uint8_t *path_map(void)
{
	return &b->classes[b->rulesets[0].packed.classes[PST_FIELD_PATH]];
}

static void few_cells(void)
{
	b->n_cells = 0;
}

static void many_cells(void)
{
	b->n_cells = PST_CELLS + 1;
}

static void no_tags(void)
{
	b->n_tags = 0;
}

static void no_classes(void)
{
	b->n_class_bytes = 255;
}

static void dead_row(void)
{
	b->cells[77] = 1 | 77u << PST_COLUMN_SHIFT;
}

static void dead_row_leads_on(void)
{
	b->cells[0] = 1;
}

static void empty_tag(void)
{
	b->tags[0] = 1;
}

static void next_outside(void)
{
	set_value(slash_cell(), (uint32_t)b->n_cells);
}

/* The first bit that the walker's mask would take away. */
static void next_masked(void)
{
	*slash_cell() |= PST_CELLS;
}

static void loops_without_looping(void)
{
	*slash_cell() |= PST_CELL_LOOPS;
}

static void dead_row_loops(void)
{
	set_value(slash_cell(), PST_CELL_LOOPS);
}

static void start_loops(void)
{
	b->rulesets[0].packed.start[PST_FIELD_HOST] |= PST_CELL_LOOPS;
}

static void next_of_another_automaton(void)
{
	set_value(slash_cell(), b->rulesets[0].packed.start[PST_FIELD_METHOD]);
}

/* Room for a row behind the last one. */
static void grow_cells(void)
{
	size_t n = b->n_cells + PST_COLUMNS;
	uint32_t *cells = pst_arena_calloc(b->arena, n, sizeof(*cells));

	cr_assert_not_null(cells);
	memcpy(cells, b->cells, b->n_cells * sizeof(*cells));
	b->cells = cells;
	b->n_cells = n;
}

static void column_not_in_the_map(void)
{
	uint32_t start = b->rulesets[0].packed.start[PST_FIELD_PATH];

	grow_cells();
	b->cells[start + 255] = start | 255u << PST_COLUMN_SHIFT;
}

/* A cell that no walk meets, and one such with tags. */
static void stray_next_outside(void)
{
	grow_cells();
	b->cells[b->n_cells - 1] = (uint32_t)b->n_cells | PST_COLUMN_CLASS << PST_COLUMN_SHIFT;
}

static void stray_tag_outside(void)
{
	grow_cells();
	b->cells[b->n_cells - 1] = (uint32_t)b->n_tags | PST_COLUMN_TAGS << PST_COLUMN_SHIFT;
}

static void tag_outside(void)
{
	set_value(tag_cell(), (uint32_t)b->n_tags);
}

static void start_outside(void)
{
	b->rulesets[0].packed.start[PST_FIELD_HOST] = (uint32_t)b->n_cells;
}

static void map_outside(void)
{
	b->rulesets[0].packed.classes[PST_FIELD_HOST] = (uint32_t)b->n_class_bytes - 255;
}

static void map_far_outside(void)
{
	b->rulesets[0].packed.classes[PST_FIELD_HOST] = UINT32_MAX;
}

static void column_zero(void)
{
	path_map()['/'] = 0;
}

static void column_of_tags(void)
{
	path_map()['/'] = PST_COLUMN_TAGS;
}

static void name_start_outside(void)
{
	b->name_start = (uint32_t)b->n_cells;
}

static void name_tag(void)
{
	b->name_start = b->rulesets[0].packed.start[PST_FIELD_PATH];
	b->name_classes = b->rulesets[0].packed.classes[PST_FIELD_PATH];
	for (size_t i = 1; i < b->n_tags; i++)
		b->tags[i] = PST_HEADER_MAX;
}

static void absent_method(void)
{
	b->rulesets[0].packed.absent[PST_FIELD_METHOD] = 1;
}

static void absent_path(void)
{
	b->rulesets[0].packed.absent[PST_FIELD_PATH] = 1;
}

static void many_more_paths(void)
{
	b->rulesets[0].packed.n_more_paths = PST_PATH_MORE + 1;
}

static void more_path_outside(void)
{
	b->rulesets[0].packed.n_more_paths = 1;
	b->rulesets[0].why = "too many";
	b->rulesets[0].packed.more_path_start[0] = (uint32_t)b->n_cells;
}

static void more_path_map_outside(void)
{
	b->rulesets[0].packed.n_more_paths = PST_PATH_MORE;
	b->rulesets[0].why = "too many";
	b->rulesets[0].packed.more_path_classes[PST_PATH_MORE - 1] = UINT32_MAX;
}

/* The kernel walks all places, whatever the number says. */
static void more_path_uncounted(void)
{
	b->rulesets[0].packed.more_path_start[PST_PATH_MORE - 1] =
		b->rulesets[0].packed.start[PST_FIELD_PATH];
}

static void divided_without_a_reason(void)
{
	b->rulesets[0].packed.n_more_paths = 1;
}

static void reason_without_need(void)
{
	b->rulesets[0].why = "too many";
}

static void rule_outside(void)
{
	b->rulesets[0].rules[1] = (uint32_t)b->n_rules;
}

static void rule_order(void)
{
	b->rulesets[0].rules[1] = b->rulesets[0].rules[0];
}

static void rule_without_tag(void)
{
	b->rulesets[0].rule_tags[0] = 0;
}

static void rule_with_two_tags(void)
{
	b->rulesets[0].rule_tags[0] = 3;
}

static void fallback_with_tables(void)
{
	b->rulesets[0].fallback = true;
	b->rulesets[0].why = "too many";
	memset(b->rulesets[0].rule_tags, 0, b->rulesets[0].n_rules * sizeof(uint64_t));
	entry_with(PST_VERDICT_JUDGE)->value.verdict = PST_VERDICT_FALLBACK;
}

static void fallback_without_a_reason(void)
{
	b->rulesets[0].fallback = true;
	memset(b->rulesets[0].rule_tags, 0, b->rulesets[0].n_rules * sizeof(uint64_t));
	entry_with(PST_VERDICT_JUDGE)->value.verdict = PST_VERDICT_FALLBACK;
}

static void judge_of_a_fallback(void)
{
	b->rulesets[0].fallback = true;
	b->rulesets[0].why = "too many";
}

static void ruleset_outside(void)
{
	entry_with(PST_VERDICT_JUDGE)->value.ruleset = (uint16_t)b->n_rulesets;
}

static void ruleset_without_http(void)
{
	entry_with(PST_VERDICT_DENY)->value.ruleset = 1;
}

static void http_on_udp(void)
{
	entry_with(PST_VERDICT_JUDGE)->key.protocol = 17;
}

static void verdict_unknown(void)
{
	entry_with(PST_VERDICT_JUDGE)->value.verdict = 4;
}

static void audit_of_its_own(void)
{
	entry_with(PST_VERDICT_DENY)->value.deny_rule |= PST_POLICY_AUDIT;
}

static void allowing_deny_rule(void)
{
	entry_with(PST_VERDICT_ALLOW)->value.deny_rule = 1;
}

static void entry_rule_outside(void)
{
	entry_with(PST_VERDICT_JUDGE)->value.rule = (uint32_t)b->n_rules;
}

static void prefix_short(void)
{
	b->entries[0].key.prefixlen = PST_POLICY_STATIC_BITS - 1;
}

static void prefix_odd(void)
{
	b->entries[0].key.prefixlen = PST_POLICY_STATIC_BITS + 3;
}

static void prefix_long(void)
{
	b->entries[0].key.prefixlen = PST_POLICY_STATIC_BITS + 25;
}

static void port_behind_prefix(void)
{
	entry_with(PST_VERDICT_JUDGE)->key.prefixlen--;
	entry_with(PST_VERDICT_JUDGE)->key.port_be[1] |= 1;
}

static void slot_set(void)
{
	b->entries[0].key.slot = 1;
}

static void direction_unknown(void)
{
	b->entries[0].key.direction = 2;
}

static void subject_reserved(void)
{
	b->entries[0].key.subject = PST_ID_HOST;
}

static void peer_unknown(void)
{
	b->entries[b->n_entries - 1].key.peer = 77777;
}

static void entries_swapped(void)
{
	struct pst_bundle_entry e = b->entries[0];

	b->entries[0] = b->entries[1];
	b->entries[1] = e;
}

static void entry_twice(void)
{
	b->entries[1] = b->entries[0];
}

/* Leaves out the entry with prefix length STATIC of the last peer. */
static void catch_all_missing(void)
{
	for (size_t i = b->n_entries; i-- > 0;) {
		if (b->entries[i].key.prefixlen != PST_POLICY_STATIC_BITS ||
		    i + 1 == b->n_entries || b->entries[i + 1].key.peer != b->entries[i].key.peer)
			continue;
		memmove(&b->entries[i], &b->entries[i + 1],
			(b->n_entries - i - 1) * sizeof(*b->entries));
		b->n_entries--;
		return;
	}
	cr_assert_fail("no peer with a catch-all and something behind it");
}

static void identity_zero(void)
{
	b->identities[0].id = 0;
}

static void identity_order(void)
{
	b->identities[1].id = b->identities[0].id;
}

static void reserved_enforced(void)
{
	b->identities[0].enforce[0] = true;
}

static void labels_unsorted(void)
{
	struct pst_labels *l = &b->identities[b->n_identities - 1].labels;
	struct pst_label first = l->v[0];

	l->v[0] = l->v[1];
	l->v[1] = first;
}

static void addr_prefix(void)
{
	b->addrs[0].prefix = 129;
}

static void addr_host_bits(void)
{
	b->addrs[0].prefix = 100;
}

static void addr_identity(void)
{
	b->addrs[0].value.identity = 4242;
}

static void addr_flags(void)
{
	b->addrs[0].value.flags |= 1u << 9;
}

static void addr_not_enforced(void)
{
	b->addrs[0].value.flags &= ~(uint32_t)PST_ADDR_ENFORCE_INGRESS;
}

static void addr_twice(void)
{
	b->addrs[1] = b->addrs[0];
}

static void rule_without_path(void)
{
	b->rules[0].path = NULL;
}

static const struct {
	const char *name;
	void (*corrupt)(void);
	const char *says;
} corruptions[] = {
	{"few cells", few_cells, "cells"},
	{"many cells", many_cells, "cells"},
	{"no tags", no_tags, "tag sets"},
	{"no classes", no_classes, "class bytes"},
	{"dead row", dead_row, "dead row"},
	{"dead row leads on", dead_row_leads_on, "dead row"},
	{"empty tag", empty_tag, "tag set 0"},
	{"next outside", next_outside, "leads to"},
	{"next masked", next_masked, "leads to"},
	{"loops without looping", loops_without_looping, "does not loop"},
	{"dead row loops", dead_row_loops, "dead row loops"},
	{"start loops", start_loops, "starts at cell"},
	{"next of another automaton", next_of_another_automaton, "two class maps"},
	{"column not in the map", column_not_in_the_map, "its class map has"},
	{"stray next outside", stray_next_outside, "leads to"},
	{"stray tag outside", stray_tag_outside, "tag set"},
	{"tag outside", tag_outside, "tag set"},
	{"start outside", start_outside, "starts at cell"},
	{"map outside", map_outside, "class map"},
	{"map far outside", map_far_outside, "class map"},
	{"column zero", column_zero, "class map"},
	{"column of tags", column_of_tags, "class map"},
	{"name start outside", name_start_outside, "starts at cell"},
	{"name tag", name_tag, "names field"},
	{"absent method", absent_method, "always has"},
	{"absent path", absent_path, "always has"},
	{"many more paths", many_more_paths, "further automata of its paths"},
	{"more path outside", more_path_outside, "starts at cell"},
	{"more path's map outside", more_path_map_outside, "class map"},
	{"more path uncounted", more_path_uncounted, "is in use"},
	{"divided without a reason", divided_without_a_reason, "why its paths are divided"},
	{"reason without need", reason_without_need, "why its paths are divided"},
	{"rule outside", rule_outside, "rule"},
	{"rule order", rule_order, "document order"},
	{"rule without tag", rule_without_tag, "exactly one tag"},
	{"rule with two tags", rule_with_two_tags, "exactly one tag"},
	{"fallback with tables", fallback_with_tables, "fallback with automata"},
	{"fallback without a reason", fallback_without_a_reason, "does not say why"},
	{"judge of a fallback", judge_of_a_fallback, "contradicts"},
	{"rule set outside", ruleset_outside, "rule set"},
	{"rule set without HTTP", ruleset_without_http, "without HTTP"},
	{"HTTP on UDP", http_on_udp, "than TCP"},
	{"verdict unknown", verdict_unknown, "verdict 4"},
	{"allowing deny rule", allowing_deny_rule, "deny_rule"},
	{"audit of its own", audit_of_its_own, "its audit is not that of its subject"},
	{"entry's rule outside", entry_rule_outside, "rule"},
	{"prefix short", prefix_short, "prefix"},
	{"prefix odd", prefix_odd, "prefix"},
	{"prefix long", prefix_long, "prefix"},
	{"port behind prefix", port_behind_prefix, "behind its prefix"},
	{"slot set", slot_set, "slot 1"},
	{"direction unknown", direction_unknown, "direction 2"},
	{"subject reserved", subject_reserved, "no endpoint"},
	{"peer unknown", peer_unknown, "peer 77777"},
	{"entries swapped", entries_swapped, "smaller one"},
	{"entry twice", entry_twice, "smaller one"},
	{"catch-all missing", catch_all_missing, "catch-all"},
	{"identity zero", identity_zero, "identity 0"},
	{"identity order", identity_order, "smaller one"},
	{"reserved enforced", reserved_enforced, "default deny"},
	{"labels unsorted", labels_unsorted, "not sorted"},
	{"address prefix", addr_prefix, "129 bits"},
	{"address host bits", addr_host_bits, "behind its prefix"},
	{"address identity", addr_identity, "4242"},
	{"address flags", addr_flags, "flags"},
	{"address not enforced", addr_not_enforced, "flags"},
	{"address twice", addr_twice, "smaller one"},
	{"rule without path", rule_without_path, "no path"},
};

TestSuite(verify, .init = setup, .fini = teardown);

Test(verify, what_the_compiler_makes_is_valid)
{
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	cr_assert_eq(pst_diags_count(diags), 0);
}

Test(verify, every_corruption_is_found_and_named)
{
	for (size_t i = 0; i < sizeof(corruptions) / sizeof(*corruptions); i++) {
		teardown();
		setup();
		corruptions[i].corrupt();
		cr_assert_neq(pst_bundle_verify(b, diags), 0, "not found: %s", corruptions[i].name);
		cr_assert_eq(pst_diags_count(diags), 1, "%s", corruptions[i].name);
		cr_expect_str_eq(pst_diags_at(diags, 0)->id, "bundle-invalid");
		cr_expect_not_null(strstr(pst_diags_at(diags, 0)->message, corruptions[i].says),
				   "%s: \"%s\" does not say \"%s\"", corruptions[i].name,
				   pst_diags_at(diags, 0)->message, corruptions[i].says);
	}
}

/* Whatever one cell is changed to is refused or harmless: no byte leads out of the tables. */
Test(verify, a_table_that_passes_can_be_walked_with_any_byte)
{
	static const uint32_t changes[] = {1, 2, 0xff, 1u << 20, 1u << 24, 0xff000000};
	enum { CHANGES = sizeof(changes) / sizeof(*changes) };
	const struct pst_ruleset *set = &b->rulesets[0].packed;
	size_t passed = 0;

	for (size_t i = 0; i < b->n_cells * CHANGES; i++) {
		uint32_t *cell = &b->cells[i / CHANGES], was = *cell;
		uint32_t row = set->start[PST_FIELD_PATH];

		*cell ^= changes[i % CHANGES];
		for (uint32_t k = 0; k < 100 && !pst_bundle_verify(b, diags); k++) {
			uint32_t column = b->classes[set->classes[PST_FIELD_PATH] + k * 37 % 256];
			uint32_t next = pst_pack_cell(b->cells, b->n_cells, row, column);

			row = next == UINT32_MAX ? 0 : next;
			cr_assert_lt(row, b->n_cells);
			passed += !k;
		}
		*cell = was;
	}
	cr_assert_gt(passed, 0);
	cr_assert_lt(passed, b->n_cells * CHANGES);
}
