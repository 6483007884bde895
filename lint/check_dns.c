// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include "lint/cover.h"
#include "lint/rule_index.h"
#include "lint/walk.h"

/*
 * toFQDNs selects the addresses that the DNS proxy has seen in answers. The proxy sees only what a
 * DNS rule sends through it, so without one the name has no addresses (policy-semantics 1.3).
 */

enum {
	DNS_PORT = 53,
	MDNS_PORT = 5353, /* where OpenShift's DNS servers listen, and others behind a Service */
};

static bool has_dns_rule(const struct pst_rule_ref *ref)
{
	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		if (ref->rule->ports[i].n_dns)
			return true;
	}
	return false;
}

/* As most policies with names do. */
static bool is_in_spec(const struct pst_spec *spec)
{
	for (size_t i = 0; i < spec->n_rules; i++) {
		if (!spec->rules[i].refused &&
		    has_dns_rule(&(struct pst_rule_ref){.rule = &spec->rules[i]}))
			return true;
	}
	return false;
}

static bool is_learning(struct pst_rule_index *index, const struct pst_rule_ref *ref)
{
	struct pst_rule_cursor cursor = pst_rule_cursor_init(ref);
	const struct pst_rule_ref *other;

	while ((other = pst_rule_index_next(index, &cursor))) {
		if (pst_rule_index_selects_some(index, other, ref->spec))
			return true;
	}
	return !index->steps;
}

static void check_names(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *index)
{
	const struct pst_rule *rule = ref->rule;

	if (!rule->n_fqdns || is_in_spec(ref->spec) || is_learning(index, ref))
		return;
	pst_diags_add(
		env->diags, PST_SEVERITY_WARNING, "fqdn-without-dns",
		pst_lint_pos_or(&rule->peers_pos, &rule->pos),
		"these names never get addresses: no policy here has a \"dns\" rule for the same endpoints, so their lookups are not seen");
}

static bool is_dns_port(const struct pst_port *port)
{
	return port->name.s || !port->port || port->port == DNS_PORT || port->port == MDNS_PORT;
}

static void check_ports(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		const struct pst_port_rule *entry = &ref->rule->ports[i];

		for (size_t k = 0; entry->n_dns && k < entry->n_ports; k++) {
			if (is_dns_port(&entry->ports[k]))
				continue;
			pst_diags_add(
				env->diags, PST_SEVERITY_INFO, "dns-port", &entry->ports[k].pos,
				"DNS rules on port %u: servers listen on 53 as a rule, and policy sees the port behind the Service",
				entry->ports[k].port);
		}
		for (size_t k = 0; k < entry->n_dns; k++) {
			if (!pst_dns_rule_is_open(&entry->dns[k]))
				continue;
			pst_diags_add(
				env->diags, PST_SEVERITY_INFO, "dns-any-name", &entry->dns[k].pos,
				"every name may be looked up; data can leave in the names themselves");
			break;
		}
	}
}

int pst_check_dns(const struct pst_lint_env *env)
{
	struct pst_rule_index index;
	int r = pst_rule_index_init(&index, env->set, true, has_dns_rule);

	if (r)
		return r;
	pst_lint_each_rule(env, check_names, &index);
	pst_rule_index_report(&index, env, "names without DNS rules");
	pst_rule_index_fini(&index);
	pst_lint_each_rule(env, check_ports, NULL);
	return 0;
}
