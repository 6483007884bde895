// SPDX-License-Identifier: Apache-2.0
/*
 * Random policies as texts, over pods of several namespaces, against what the semantics say about
 * scopes, default deny and precedence (sections 0, 1.3.1, 2, 3.2 and 5.5): the whole way from the
 * file to the verdict. The reference knows what each text means in words; it reads no selector.
 */
#include "compiler/judge.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEED = 5150,
	ROUNDS = 400,
	MAX_SPECS = 8,
	MAX_RULES = 3,
};

/* Who is at an end of a flow. The world and the own node have no namespace. */
struct party {
	const char *ns, *app, *team; /* team: label of the namespace */
	const char *addr;
};

static const struct party parties[] = {
	{"one", "a", "x", "10.0.0.1"},	  {"one", "b", "x", "10.0.0.2"},
	{"two", "a", "z", "10.0.0.3"},	  {"two", "b", "y", "10.0.0.4"},
	{"three", "a", "x", "10.0.0.5"},  {NULL, "world", NULL, "192.0.2.1"},
	{NULL, "host", NULL, "10.0.9.1"},
};

enum {
	N_PODS = 5,
	N_PARTIES = sizeof(parties) / sizeof(*parties),
	WORLD = 5,
	HOST = 6,
};

static bool is_pod(const struct party *p)
{
	return p->ns;
}

static bool is_world(const struct party *p)
{
	return p == &parties[WORLD];
}

static bool is_host(const struct party *p)
{
	return p == &parties[HOST];
}

/* In the namespace of the policy; NS NULL is a clusterwide one: in any. */
static bool in_scope(const struct party *p, const char *ns)
{
	return is_pod(p) && (!ns || !strcmp(p->ns, ns));
}

#define MEANS(name) static bool name(const struct party *p, const char *ns)

MEANS(everybody_in_scope)
{
	return in_scope(p, ns);
}

MEANS(a_in_scope)
{
	return in_scope(p, ns) && !strcmp(p->app, "a");
}

MEANS(others_in_scope)
{
	return in_scope(p, ns) && strcmp(p->app, "a") != 0;
}

MEANS(a_of_two)
{
	(void)ns;
	return is_pod(p) && !strcmp(p->ns, "two") && !strcmp(p->app, "a");
}

MEANS(of_two)
{
	(void)ns;
	return is_pod(p) && !strcmp(p->ns, "two");
}

MEANS(of_team_x)
{
	(void)ns;
	return is_pod(p) && !strcmp(p->team, "x");
}

MEANS(any_pod)
{
	(void)ns;
	return is_pod(p);
}

/* Whoever has no namespace is in no namespace, so he is not in this one either. */
MEANS(not_of_one)
{
	(void)ns;
	return !is_pod(p) || strcmp(p->ns, "one") != 0;
}

MEANS(the_world)
{
	(void)ns;
	return is_world(p);
}

MEANS(the_host)
{
	(void)ns;
	return is_host(p);
}

MEANS(the_cluster)
{
	(void)ns;
	return !is_world(p);
}

MEANS(all)
{
	(void)p;
	(void)ns;
	return true;
}

MEANS(nobody)
{
	(void)p;
	(void)ns;
	return false;
}

struct meaning {
	const char *text;
	bool (*means)(const struct party *p, const char *ns);
};

#define NAMESPACE "k8s:io.kubernetes.pod.namespace"

/* Behind "from" or "to". */
static const struct meaning peers[] = {
	{"Endpoints: [{}]", everybody_in_scope},
	{"Endpoints: [{matchLabels: {app: a}}]", a_in_scope},
	{"Endpoints: [{matchLabels: {'k8s:app': a}}]", a_in_scope},
	{"Endpoints: [{matchExpressions: [{key: app, operator: NotIn, values: [a]}]}]",
	 others_in_scope},
	{"Endpoints: [{matchLabels: {app: a, '" NAMESPACE "': two}}]", a_of_two},
	{"Endpoints: [{matchLabels: {io.kubernetes.pod.namespace: two}}]", of_two},
	{"Endpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.team: x}}]", of_team_x},
	{"Endpoints: [{matchExpressions: [{key: '" NAMESPACE "', operator: Exists}]}]", any_pod},
	{"Endpoints: [{matchExpressions: [{key: '" NAMESPACE
	 "', operator: NotIn, values: [one]}]}]",
	 not_of_one},
	{"Endpoints: [{matchLabels: {'reserved:world': ''}}]", the_world},
	{"Endpoints: []", nobody},
	{"Entities: [world]", the_world},
	{"Entities: [host]", the_host},
	{"Entities: [cluster]", the_cluster},
	{"Entities: [all]", all},
	{"Entities: [none]", nobody},
	{"CIDR: [192.0.2.0/24]", the_world},
	{"CIDR: [10.0.0.0/8]", nobody},
	{NULL, NULL}, /* absent */
};

static const struct meaning subjects[] = {
	{"{}", everybody_in_scope},
	{"{matchLabels: {app: a}}", a_in_scope},
	{"{matchExpressions: [{key: app, operator: NotIn, values: [a]}]}", others_in_scope},
};

struct rule {
	const struct meaning *peers;
	bool egress, deny, port;
};

struct spec {
	const char *ns; /* NULL: clusterwide */
	const struct meaning *subject;
	struct rule rules[MAX_RULES];
	size_t n_rules;
	int default_deny[2]; /* enableDefaultDeny: -1: unset */
};

static size_t pick(size_t n)
{
	return (size_t)rand() % n;
}

#define PICK(list) (&(list)[pick(sizeof(list) / sizeof(*(list)))])

static bool has_section(const struct spec *s, bool egress)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		if (s->rules[i].egress == egress)
			return true;
	}
	return false;
}

static struct spec random_spec(void)
{
	static const char *const namespaces[] = {"one", "two", "three", NULL};
	struct spec s = {.ns = *PICK(namespaces), .subject = PICK(subjects)};

	for (size_t n = 1 + pick(MAX_RULES); n; n--)
		s.rules[s.n_rules++] = (struct rule){
			.peers = PICK(peers),
			.egress = pick(2),
			.deny = !pick(3),
			.port = pick(2),
		};
	for (int d = 0; d < 2; d++)
		s.default_deny[d] = has_section(&s, d) && !pick(3) ? (int)pick(2) : -1;
	return s;
}

static void print_rules(FILE *f, const struct spec *s, bool egress, bool deny)
{
	bool first = true;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule *r = &s->rules[i];

		if (r->egress != egress || r->deny != deny)
			continue;
		if (first)
			fprintf(f, "  %s%s:\n", egress ? "egress" : "ingress", deny ? "Deny" : "");
		first = false;
		fprintf(f, "  - {");
		if (r->peers->text)
			fprintf(f, "%s%s%s", egress ? "to" : "from", r->peers->text,
				r->port ? ", " : "");
		if (r->port)
			fprintf(f, "toPorts: [{ports: [{port: '80', protocol: TCP}]}]");
		fprintf(f, "}\n");
	}
}

static void print_spec(FILE *f, const struct spec *s, size_t n)
{
	fprintf(f, "apiVersion: cilium.io/v2\nkind: Cilium%sNetworkPolicy\nmetadata: {name: p%zu",
		s->ns ? "" : "Clusterwide", n);
	if (s->ns)
		fprintf(f, ", namespace: %s", s->ns);
	fprintf(f, "}\nspec:\n  endpointSelector: %s\n", s->subject->text);
	if (s->default_deny[0] >= 0 || s->default_deny[1] >= 0)
		fprintf(f, "  enableDefaultDeny:\n");
	for (int d = 0; d < 2; d++) {
		if (s->default_deny[d] >= 0)
			fprintf(f, "    %s: %s\n", d ? "egress" : "ingress",
				s->default_deny[d] ? "true" : "false");
	}
	for (int i = 0; i < 4; i++)
		print_rules(f, s, i & 1, i & 2);
	fprintf(f, "---\n");
}

/* Without ports an absent peer is nobody, with them it is anybody. */
static bool rule_matches(const struct rule *r, const char *ns, const struct party *peer, int port)
{
	if (r->port && port != 80)
		return false;
	return r->peers->means ? r->peers->means(peer, ns) : r->port;
}

static bool reference(const struct spec *specs, size_t n, const struct party *subject,
		      const struct party *peer, bool egress, int port)
{
	bool enforce = false, allowed = false;

	for (size_t i = 0; i < n; i++) {
		const struct spec *s = &specs[i];

		if (!s->subject->means(subject, s->ns))
			continue;
		enforce |= s->default_deny[egress] < 0 ? has_section(s, egress)
						       : s->default_deny[egress] != 0;
		for (size_t k = 0; k < s->n_rules; k++) {
			const struct rule *r = &s->rules[k];

			if (r->egress != egress || !rule_matches(r, s->ns, peer, port))
				continue;
			if (r->deny)
				return false;
			allowed = true;
		}
	}
	return !enforce || allowed || (is_host(peer) && !egress);
}

static struct pst_inventory *make_inventory(struct pst_diags *diags)
{
	struct pst_inventory *inv = NULL;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < N_PODS; i++) {
		const struct party *p = &parties[i];

		fprintf(f,
			"{apiVersion: v1, kind: Pod, metadata: {name: p%zu, namespace: %s, "
			"labels: {app: %s}}, status: {podIP: %s}}\n---\n",
			i, p->ns, p->app, p->addr);
		if (i % 2 == 0)
			fprintf(f,
				"{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: "
				"{team: %s}}}\n---\n",
				p->ns, p->team);
	}
	fclose(f);
	cr_assert_eq(pst_inventory_parse("inventory", text, len, diags, &inv), 0);
	free(text);
	return inv;
}

static struct pst_policy_set *make_policies(const struct spec *specs, size_t n, char **ret_text,
					    struct pst_diags *diags)
{
	struct pst_policy_set *set = NULL;
	size_t len;
	FILE *f = open_memstream(ret_text, &len);

	for (size_t i = 0; i < n; i++)
		print_spec(f, &specs[i], i);
	fclose(f);
	cr_assert_eq(pst_policy_parse("policies", *ret_text, len, diags, &set), 0);
	return set;
}

static bool ask(const struct pst_bundle *b, const struct party *subject, const struct party *peer,
		bool egress, int port)
{
	struct pst_l4_query q = {.direction = egress, .protocol = 6, .port = (uint16_t)port};
	struct pst_addr addr;

	pst_addr_from_str(subject->addr, &addr);
	q.subject = pst_judge_addr(b, addr.b);
	pst_addr_from_str(peer->addr, &addr);
	q.peer = pst_judge_addr(b, addr.b).identity;
	return pst_judge_l4(b, &q).verdict == PST_VERDICT_ALLOW;
}

static void compare(const struct pst_bundle *b, const struct spec *specs, size_t n,
		    const char *text)
{
	for (size_t i = 0; i < (size_t)N_PODS * N_PARTIES * 4; i++) {
		const struct party *subject = &parties[i / 4 / N_PARTIES];
		const struct party *peer = &parties[i / 4 % N_PARTIES];
		const bool egress = i & 1;
		const int port = i & 2 ? 80 : 81;

		if (subject == peer)
			continue;
		cr_assert_eq(ask(b, subject, peer, egress, port),
			     reference(specs, n, subject, peer, egress, port),
			     "%s/%s %s %s/%s, port %d:\n%s", subject->ns, subject->app,
			     egress ? "to" : "from", peer->ns ? peer->ns : "", peer->app, port,
			     text);
	}
}

Test(scoping, texts_mean_what_the_semantics_say, .timeout = 300)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_inventory *inv = make_inventory(diags);
	struct pst_addr host;
	const struct pst_compile_opts opts = {.host_addrs = &host, .n_host_addrs = 1};

	pst_addr_from_str(parties[HOST].addr, &host);
	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct spec specs[MAX_SPECS];
		const size_t n = 1 + pick(MAX_SPECS);
		struct pst_policy_set *set;
		struct pst_bundle *b = NULL;
		char *text = NULL;

		for (size_t i = 0; i < n; i++)
			specs[i] = random_spec();
		set = make_policies(specs, n, &text, diags);
		if (pst_diags_errors(diags))
			pst_diags_print(diags, stderr);
		cr_assert_eq(pst_diags_errors(diags), 0, "%s", text);
		cr_assert_eq(pst_compile(set, inv, &opts, diags, &b), 0);
		compare(b, specs, n, text);
		pst_bundle_free(&b);
		pst_policy_set_free(&set);
		free(text);
	}
	pst_inventory_free(&inv);
	pst_diags_free(&diags);
}
