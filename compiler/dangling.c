// SPDX-License-Identifier: Apache-2.0
#include "compiler/dangling.h"

#include "compiler/peer.h"
#include "policy/fqdn.h"

struct reporter {
	const struct pst_inventory *inventory;
	struct pst_diags *diags;
};

static void report_group(const struct reporter *r, const struct pst_cidr_peer *peer, bool deny)
{
	const char *name = peer->group_name.s;

	if (!name || pst_peer_find_group(r->inventory, name))
		return;
	pst_diags_add(r->diags, PST_SEVERITY_WARNING, "cidr-group-unknown", &peer->group_name.pos,
		      "the inventory has no CiliumCIDRGroup \"%s\": this means %s", name,
		      deny ? "every address outside of the cluster" : "nobody");
}

static void report_service(const struct reporter *r, const struct pst_service_peer *peer,
			   const char *policy_ns, bool deny)
{
	const char *ns = peer->ns.s ? peer->ns.s : policy_ns;

	if (!peer->name.s || pst_peer_find_service(r->inventory, ns, peer->name.s))
		return;
	pst_diags_add(r->diags, PST_SEVERITY_WARNING, "service-unknown", &peer->name.pos,
		      "the inventory has no Service \"%s\" in the namespace \"%s\": this means %s",
		      peer->name.s, ns, deny ? "everybody" : "nobody");
}

static void report_name(const struct reporter *r, const struct pst_fqdn *fqdn)
{
	const struct pst_text *text = fqdn->name.s ? &fqdn->name : &fqdn->pattern;

	for (size_t i = 0; i < r->inventory->n_names; i++) {
		if (r->inventory->names[i].n_addrs &&
		    pst_fqdn_matches(fqdn, r->inventory->names[i].name))
			return;
	}
	pst_diags_add(
		r->diags, PST_SEVERITY_WARNING, "name-unknown", &text->pos,
		"the inventory has no address of \"%s\" (postern does not see DNS answers, it "
		"reads DNSEndpoint objects): this means nobody",
		text->s);
}

static void report_rule(const struct reporter *r, const struct pst_rule *rule,
			const char *policy_ns)
{
	for (size_t i = 0; i < rule->n_cidrs; i++)
		report_group(r, &rule->cidrs[i], rule->deny);
	for (size_t i = 0; i < rule->n_services; i++)
		report_service(r, &rule->services[i], policy_ns, rule->deny);
	for (size_t i = 0; i < rule->n_fqdns; i++)
		report_name(r, &rule->fqdns[i]);
}

void pst_dangling_report(const struct pst_policy_set *policies,
			 const struct pst_inventory *inventory, struct pst_diags *diags)
{
	const struct reporter r = {.inventory = inventory, .diags = diags};

	for (size_t p = 0; p < policies->n_policies; p++) {
		const struct pst_policy *policy = &policies->policies[p];

		for (size_t s = 0; s < policy->n_specs; s++) {
			for (size_t i = 0; i < policy->specs[s].n_rules; i++)
				report_rule(&r, &policy->specs[s].rules[i], policy->ns);
		}
	}
}
