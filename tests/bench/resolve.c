// SPDX-License-Identifier: Apache-2.0
/*
 * resolve [POLICIES [PODS]]: what it costs to resolve a cluster, by default 10,000 policies and
 * 5,000 pods: all of it, and one changed policy or pod.
 *
 * A namespace holds 100 policies and 50 pods: ten applications with five replicas. Policies allow
 * applications of the namespace on ports, some with HTTP rules, some prefixes outside, some the
 * world, some the whole cluster.
 */
#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/compile.h"
#include "compiler/resolver.h"
#include "tests/bench/spent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	ROUNDS = 5,
	EDITS = 51,
	APPS = 10,
	PER_NAMESPACE = 100,
	PODS_PER_NAMESPACE = 50,
};

static void report(const char *what, double *ms, size_t n)
{
	qsort(ms, n, sizeof(*ms), bench_cmp);
	printf("%-36s %10.3f %10.3f %10.3f ms (min, median, max of %zu)\n", what, ms[0], ms[n / 2],
	       ms[n - 1], n);
}

static void write_policy(FILE *f, size_t n, unsigned int port)
{
	size_t app = n % APPS, peer = (n / APPS + n) % APPS;

	fprintf(f,
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
		"metadata: {name: p%zu, namespace: ns-%zu}\nspec:\n"
		"  endpointSelector: {matchLabels: {app: app-%zu}}\n",
		n, n / PER_NAMESPACE, app);
	if (n % 16 == 5)
		fprintf(f,
			"  egress: [{toEntities: [world], toPorts: [{ports: [{port: '443'}]}]}]\n");
	else if (n % 16 == 7)
		fprintf(f,
			"  egress: [{toCIDRSet: [{cidr: 10.%zu.0.0/16, except: [10.%zu.9.0/24]}]}]\n",
			n % 200, n % 200);
	else if (n % 100 == 3)
		fprintf(f, "  ingress: [{fromEntities: [cluster], "
			   "toPorts: [{ports: [{port: '9090', protocol: TCP}]}]}]\n");
	else
		fprintf(f,
			"  ingress: [{fromEndpoints: [{matchLabels: {app: app-%zu}}], "
			"toPorts: [{ports: [{port: '%u', protocol: TCP}]%s}]}]\n",
			peer, port,
			n % 16 ? "" : ", rules: {http: [{method: GET, path: /api/.*}]}");
	fprintf(f, "---\n");
}

static void write_pod(FILE *f, size_t n)
{
	size_t in_ns = n % PODS_PER_NAMESPACE;

	fprintf(f,
		"{apiVersion: v1, kind: Pod, metadata: {name: pod-%zu, namespace: ns-%zu, labels: "
		"{app: app-%zu, pod-template-hash: h%zu}}, "
		"status: {podIPs: [{ip: 10.%zu.%zu.%zu}]}}\n---\n",
		n, n / PODS_PER_NAMESPACE, in_ns % APPS, n, 200 + n / 65536, n / 256 % 256,
		n % 256);
}

static struct pst_policy_set *parse_policies(size_t from, size_t n, unsigned int port,
					     struct pst_diags *diags)
{
	struct pst_policy_set *set = NULL;
	pst_auto_free char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < n; i++)
		write_policy(f, from + i, port);
	fclose(f);
	if (pst_policy_parse("policies", text, len, diags, &set))
		exit(3);
	return set;
}

static struct pst_inventory *parse_pods(size_t n, struct pst_diags *diags)
{
	struct pst_inventory *inv = NULL;
	pst_auto_free char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < n; i++)
		write_pod(f, i);
	fclose(f);
	if (pst_inventory_parse("pods", text, len, diags, &inv))
		exit(3);
	return inv;
}

/* A resolver with all of it; says how long that took. */
static struct pst_resolver *resolve_all(const struct pst_policy_set *set,
					const struct pst_inventory *inv, struct pst_diags *diags)
{
	const struct pst_resolve_input input = {.inventory = inv};
	struct pst_resolver_delta delta = {0};
	double at = bench_spent_ms();
	struct pst_resolver *r = pst_resolver_new(&input);

	if (!r)
		exit(3);
	for (size_t i = 0; i < set->n_policies; i++) {
		if (pst_resolver_put_policy(r, &set->policies[i], diags))
			exit(3);
	}
	if (pst_resolver_commit(r, &delta))
		exit(3);
	printf("a resolver of all: %.3f ms, %zu entries\n", bench_spent_ms() - at, delta.put.n);
	pst_resolver_delta_fini(&delta);
	return r;
}

/* One edit after the other, each with its commit. */
struct edits {
	struct pst_resolver *r;
	struct pst_resolver_delta delta;
	double ms[EDITS];
	size_t n, changed;
};

static void commit(struct edits *e, double since)
{
	if (pst_resolver_commit(e->r, &e->delta))
		exit(3);
	e->ms[e->n++] = bench_spent_ms() - since;
	e->changed += e->delta.put.n + e->delta.gone.n;
}

static void finish(struct edits *e, const char *what)
{
	report(what, e->ms, e->n);
	printf("%-36s %10.1f\n", "  entries that changed, on average",
	       (double)e->changed / (double)e->n);
	pst_resolver_delta_fini(&e->delta);
}

/* A port of a policy changes. */
static void change_policies(struct pst_resolver *r, size_t n_policies, struct pst_diags *diags)
{
	struct pst_policy_set *sets[EDITS];
	struct edits e = {.r = r};

	for (size_t i = 0; i < EDITS; i++) {
		double at;

		sets[i] = parse_policies((i * 7919 + 1) % n_policies, 1, 8443, diags);
		at = bench_spent_ms();
		if (pst_resolver_put_policy(r, sets[i]->policies, diags))
			exit(3);
		commit(&e, at);
	}
	finish(&e, "one changed policy");
	/* The resolver borrows them: the process ends before they are missed. */
}

/* A pod gets a label that nobody has, and goes. */
static void change_pods(struct pst_resolver *r, const struct pst_inventory *inv)
{
	struct edits come = {.r = r}, go = {.r = r};

	for (size_t i = 0; i < EDITS; i++) {
		struct pst_endpoint *e = &inv->endpoints[i * 7919 % inv->n_endpoints];
		struct pst_labels labels = {
			.v = pst_mem_calloc(e->labels.n + 1, sizeof(*labels.v))};
		double at;

		if (!labels.v)
			exit(3);
		for (size_t k = 0; k < e->labels.n; k++)
			labels.v[labels.n++] = e->labels.v[k];
		labels.v[labels.n++] = (struct pst_label){"k8s", "canary", "yes"};
		pst_labels_sort(&labels);
		e->labels = labels;
		at = bench_spent_ms();
		if (pst_resolver_put_endpoint(r, e))
			exit(3);
		commit(&come, at);
		at = bench_spent_ms();
		if (pst_resolver_drop_endpoint(r, e->ns, e->name))
			exit(3);
		commit(&go, at);
	}
	finish(&come, "a pod with a label of its own");
	finish(&go, "and it goes");
}

/* As when a deployment grows. */
static void add_replicas(struct pst_resolver *r, const struct pst_inventory *inv)
{
	struct pst_endpoint *v = pst_mem_calloc(EDITS, sizeof(*v));
	struct edits e = {.r = r};

	if (!v)
		exit(3);
	for (size_t i = 0; i < EDITS; i++) {
		double at;

		v[i] = inv->endpoints[(i * 6007 + 3) % inv->n_endpoints];
		v[i].ns = "replicas";
		at = bench_spent_ms();
		if (pst_resolver_put_endpoint(r, &v[i]))
			exit(3);
		commit(&e, at);
	}
	finish(&e, "one more replica");
}

int main(int argc, char **argv)
{
	size_t n_policies = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t n_pods = argc > 2 ? strtoul(argv[2], NULL, 10) : 5000;
	struct pst_diags *diags = pst_diags_new();
	double ms[ROUNDS], at = bench_spent_ms();
	struct pst_policy_set *set = parse_policies(0, n_policies, 8080, diags);
	struct pst_inventory *inv = parse_pods(n_pods, diags);
	struct pst_resolver *r;
	struct rusage usage;

	printf("%zu policies, %zu pods, read in %.0f ms\n", n_policies, n_pods,
	       bench_spent_ms() - at);
	for (int i = 0; i < ROUNDS; i++) {
		struct pst_bundle *b = NULL;

		at = bench_spent_ms();
		if (pst_compile(set, inv, NULL, diags, &b)) {
			pst_diags_print(diags, stderr);
			return 1;
		}
		ms[i] = bench_spent_ms() - at;
		if (!i)
			printf("%zu identities, %zu entries, %zu rule sets\n", b->n_identities,
			       b->n_entries, b->n_rulesets);
		pst_bundle_free(&b);
	}
	report("compile everything", ms, ROUNDS);
	getrusage(RUSAGE_SELF, &usage);
	printf("peak memory %ld MiB\n", usage.ru_maxrss / 1024);
	r = resolve_all(set, inv, diags);
	change_policies(r, n_policies, diags);
	add_replicas(r, inv);
	change_pods(r, inv);
	pst_resolver_free(&r);
	pst_policy_set_free(&set);
	pst_inventory_free(&inv);
	pst_diags_free(&diags);
	return 0;
}
