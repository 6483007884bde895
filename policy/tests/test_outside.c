// SPDX-License-Identifier: Apache-2.0
#include "policy/outside.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/tests/helper.h"

#define GROUP(version, meta, spec)                                    \
	"{apiVersion: cilium.io/" version ", kind: CiliumCIDRGroup, " \
	"metadata: {" meta "}, spec: {" spec "}}\n---\n"
#define NAMES(name, list)                                                                     \
	"{apiVersion: externaldns.k8s.io/v1alpha1, kind: DNSEndpoint, metadata: {name: " name \
	"}, "                                                                                 \
	"spec: {endpoints: [" list "]}}\n---\n"

Test(outside, a_group_has_its_prefixes_and_labels)
{
	struct t_inventory i =
		t_inventory_parse(GROUP("v2", "name: b, labels: {zone: eu}",
					"externalCIDRs: [10.0.0.0/8, 'fd00::/8']")
					  GROUP("v2alpha1", "name: a", "externalCIDRs: []"));
	const struct pst_cidr_group *g;

	cr_assert_eq(pst_diags_count(i.diags), 0);
	cr_assert_eq(i.inv->n_cidr_groups, 2);
	cr_expect_str_eq(i.inv->cidr_groups[0].name, "a");
	cr_expect_eq(i.inv->cidr_groups[0].n_prefixes, 0);
	g = &i.inv->cidr_groups[1];
	cr_expect_str_eq(pst_labels_get(&g->labels, "cidrgroup", "zone"), "eu");
	cr_assert_eq(g->n_prefixes, 2);
	cr_expect_eq(g->prefixes[0].len, 96 + 8);
	cr_expect(g->prefixes[0].is_v4);
	cr_expect_eq(g->prefixes[1].len, 8);
	cr_expect_not(g->prefixes[1].is_v4);
	t_inventory_free(&i);
}

Test(outside, a_group_with_a_bad_prefix_or_a_second_one_of_its_name_is_refused)
{
	struct t_inventory i = t_inventory_parse(
		GROUP("v2", "name: a", "externalCIDRs: [10.0.0.0/8]")
			GROUP("v2", "name: a", "externalCIDRs: [11.0.0.0/8]")
				GROUP("v2", "name: bad", "externalCIDRs: [10.0.0.0/8, 10.0.0.1]"));

	cr_expect(t_has(i.diags, "duplicate-object"));
	cr_expect(t_has(i.diags, "address-invalid"));
	cr_assert_eq(i.inv->n_cidr_groups, 1);
	cr_expect_eq(i.inv->cidr_groups[0].prefixes[0].addr[12], 10);
	t_inventory_free(&i);
}

static void t_expect_name(const struct pst_inventory *inv, size_t at, const char *expected)
{
	char text[256], one[64];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", inv->names[at].name);

	for (size_t i = 0; i < inv->names[at].n_addrs; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, " %s",
			pst_addr_to_str(&inv->names[at].addrs[i], one, sizeof(one)));
	cr_expect_str_eq(text, expected);
}

Test(outside, the_address_records_of_a_name_are_joined)
{
	struct t_inventory i = t_inventory_parse(
		NAMES("one",
		      "{dnsName: B.Example.com., recordType: A, targets: [192.0.2.2, 192.0.2.1]}, "
		      "{dnsName: b.example.com, recordType: AAAA, targets: ['2001:db8::1']}, "
		      "{dnsName: a.example.com, recordType: CNAME, targets: [b.example.com]}")
			NAMES("two",
			      "{dnsName: b.example.com, recordType: A, targets: [192.0.2.2, 192.0.2.3]}, "
			      "{dnsName: a.example.com, recordType: A, targets: [192.0.2.9]}"));

	cr_assert_eq(pst_diags_count(i.diags), 0);
	cr_assert_eq(i.inv->n_names, 2);
	t_expect_name(i.inv, 0, "a.example.com 192.0.2.9");
	t_expect_name(i.inv, 1, "b.example.com 192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1");
	t_inventory_free(&i);
}

Test(outside, a_bad_record_is_refused_and_its_neighbours_stay)
{
	static const char *const bad[] = {
		"{dnsName: a.b, recordType: A, targets: [somewhere]}",
		"{dnsName: 'a b', recordType: A, targets: [192.0.2.1]}",
		"{dnsName: ., recordType: A, targets: [192.0.2.1]}",
		"{recordType: A, targets: [192.0.2.1]}",
		"{dnsName: a.b, recordType: A, targets: 192.0.2.1}",
		"name",
	};

	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
		struct t_inventory i;
		char text[512];

		snprintf(text, sizeof(text),
			 NAMES("one", "%s, {dnsName: c.d, recordType: A, targets: [192.0.2.7]}"),
			 bad[k]);
		i = t_inventory_parse(text);
		cr_expect_eq(pst_diags_errors(i.diags), 1, "%s", bad[k]);
		cr_assert_eq(i.inv->n_names, 1, "%s", bad[k]);
		t_expect_name(i.inv, 0, "c.d 192.0.2.7");
		t_inventory_free(&i);
	}
}
