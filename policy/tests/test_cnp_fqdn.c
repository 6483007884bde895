// SPDX-License-Identifier: Apache-2.0
/* The names and patterns of toFQDNs and rules.dns, read alone. */
#include "policy/cnp_fqdn.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "policy/tests/helper.h"

struct t_fqdns {
	struct pst_arena *arena;
	struct pst_diags *diags;
	struct pst_fqdn *v;
	size_t n;
	int result;
};

static struct t_fqdns t_read(const char *list)
{
	static const struct pst_policy_options options = {.cilium_minor = PST_CILIUM_NEWEST};
	struct t_fqdns t = {.arena = pst_arena_new(), .diags = pst_diags_new()};
	const struct pst_yaml_input in = {.name = "test.yaml", .text = list, .len = strlen(list)};
	struct pst_reader r = {.arena = t.arena, .diags = t.diags, .options = &options};
	const struct pst_yaml_node *doc = NULL;

	cr_assert_eq(pst_yaml_parse(t.arena, &in, t.diags, &doc), 0, "%s", list);
	t.result = pst_cnp_fqdns_read(&r, doc, &t.v, &t.n);
	return t;
}

static void t_free(struct t_fqdns *t)
{
	pst_diags_free(&t->diags);
	pst_arena_free(&t->arena);
}

/* ID is what the list is refused with; NULL: it is fine. */
static void t_expect(const char *list, const char *id)
{
	struct t_fqdns t = t_read(list);

	cr_expect_eq(t.result, id ? -EINVAL : 0, "%s", list);
	cr_expect_eq(pst_diags_count(t.diags), id ? 1 : 0, "%s", list);
	if (id)
		cr_expect(t_has(t.diags, id), "%s", list);
	t_free(&t);
}

Test(cnp_fqdn, names_and_patterns_keep_their_text_and_place)
{
	struct t_fqdns t =
		t_read("- matchName: api.example.com\n- matchPattern: '*.example.com.'\n");

	cr_assert_eq(t.result, 0);
	cr_assert_eq(t.n, 2);
	cr_expect_str_eq(t.v[0].name.s, "api.example.com");
	cr_expect_null(t.v[0].pattern.s);
	cr_expect_eq(t.v[0].name.pos.line, 1);
	cr_expect_eq(t.v[0].name.pos.col, 14);
	cr_expect_null(t.v[1].name.s);
	cr_expect_str_eq(t.v[1].pattern.s, "*.example.com.");
	cr_expect_eq(t.v[1].pos.line, 2);
	t_free(&t);
}

Test(cnp_fqdn, an_empty_list_has_no_elements)
{
	struct t_fqdns t = t_read("[]");

	cr_expect_eq(t.result, 0);
	cr_expect_eq(t.n, 0);
	t_free(&t);
}

Test(cnp_fqdn, names_are_made_of_dns_characters_and_single_dots)
{
	t_expect("[{matchName: localhost}]", NULL);
	t_expect("[{matchName: example.com.}]", NULL);
	t_expect("[{matchName: _dmarc.Ex-ample.COM}]", NULL);
	t_expect("[{matchName: example..com}]", "fqdn-invalid");
	t_expect("[{matchName: .example.com}]", "fqdn-invalid");
	t_expect("[{matchName: .}]", "fqdn-invalid");
	t_expect("[{matchName: ''}]", "fqdn-invalid");
	t_expect("[{matchName: '*.example.com'}]", "fqdn-invalid");
	t_expect("[{matchName: 'example.com/x'}]", "fqdn-invalid");
	t_expect("[{matchName: 'ex ample.com'}]", "fqdn-invalid");
	t_expect("[{matchName: 'b\\xc3\\xbccher.example'}]", "fqdn-invalid");
}

Test(cnp_fqdn, patterns_may_have_stars_as_well)
{
	t_expect("[{matchPattern: '*'}]", NULL);
	t_expect("[{matchPattern: '*.example.com'}]", NULL);
	t_expect("[{matchPattern: 'api-*.example.*'}]", NULL);
	t_expect("[{matchPattern: '**.example.com'}]", NULL);
	t_expect("[{matchPattern: example.com}]", NULL);
	t_expect("[{matchPattern: '*..com'}]", "fqdn-invalid");
	t_expect("[{matchPattern: '.*'}]", "fqdn-invalid");
	t_expect("[{matchPattern: '[a-z]*.com'}]", "fqdn-invalid");
	t_expect("[{matchPattern: ''}]", "fqdn-invalid");
}

Test(cnp_fqdn, two_hundred_and_fifty_five_characters_are_the_limit)
{
	char name[300], list[400];

	memset(name, 'a', sizeof(name));
	for (size_t len = 254; len <= 256; len++) {
		snprintf(list, sizeof(list), "[{matchName: %.*s}]", (int)len, name);
		t_expect(list, len > 255 ? "fqdn-invalid" : NULL);
		snprintf(list, sizeof(list), "[{matchPattern: %.*s}]", (int)len, name);
		t_expect(list, len > 255 ? "fqdn-invalid" : NULL);
	}
}

Test(cnp_fqdn, exactly_one_of_name_and_pattern_is_given)
{
	t_expect("[{matchName: a.b, matchPattern: '*.b'}]", "fqdn-both");
	t_expect("[{matchName: a.b}, {matchPattern: '*.b'}]", NULL);
	t_expect("[{}]", "fqdn-empty");
	t_expect("[{matchName: null}]", "fqdn-empty");
	t_expect("[{matchNames: a.b}]", "unknown-field");
	t_expect("[a.b]", "type-mismatch");
	t_expect("{matchName: a.b}", "type-mismatch");
	t_expect("[{matchName: 1.2}]", "type-mismatch");
}

Test(cnp_fqdn, what_can_be_read_is_kept_beside_a_mistake)
{
	struct t_fqdns t = t_read("[{matchName: a.b}, {}, {matchName: 'a b'}, {matchName: c.d}]");

	cr_expect_eq(t.result, -EINVAL);
	cr_expect_eq(pst_diags_errors(t.diags), 2);
	cr_assert_eq(t.n, 2);
	cr_expect_str_eq(t.v[1].name.s, "c.d");
	t_free(&t);
}
