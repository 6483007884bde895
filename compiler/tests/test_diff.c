// SPDX-License-Identifier: Apache-2.0
/*
 * Random pairs of policy sets: what the comparison says against flows and requests one by one, as
 * the offline judge decides them on bundles that were compiled for the purpose.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/diff.h"
#include "compiler/judge.h"
#include "compiler/tests/model.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

enum {
	ROUNDS = 100,
	FLOWS = 2000,
	SEED = 81727,
};

#define POD(app, more)                                              \
	"k8s:app=" app " k8s:io.cilium.k8s.policy.cluster=default " \
	"k8s:io.kubernetes.pod.namespace=default" more

static const char *const pods[] = {
	POD("web", ""), POD("web", " k8s:tier=front"), POD("db", ""), POD("db", " k8s:tier=back"),
	POD("job", ""),
};

static const char *const subjects[] = {"k8s:app=web", "k8s:app=db", "k8s:tier=front", ""};
static const char *const peers[] = {"k8s:app=web",    "k8s:app=job",   "k8s:tier=back",	  "",
				    "reserved:world", "reserved:host", "reserved:ingress"};
static const char *const cidrs[] = {"192.0.2.0/24", "192.0.2.0/25", "0.0.0.0/0", "::/0",
				    "192.0.2.7"};
static const char *const methods[] = {NULL, "GET", "GET|POST", ".*"};
static const char *const paths[] = {NULL, "/a", "/a.*", "/a(/.*)?", "/b", ".*", "/[ab]", "//x"};
static const char *const hosts[] = {NULL, NULL, "a", "a|b"};
static const uint16_t ports[] = {0, 80, 443, 8080, 1, 65535};

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

#define PICK(seed, table) ((table)[next(seed) % COUNT(table)])

static void add_header(struct model *m, struct pst_http_rule *h, uint32_t *seed)
{
	/* "x" is what a witness would take for presence, were it not asked for. */
	static const char *const texts[][2] = {
		{"X-A", NULL}, {"X-A", "1"}, {"X-A", "x"}, {"x-b", NULL}, {"x-b", "1"}};
	const char *const *text = PICK(seed, texts);

	if (!h->headers)
		h->headers = pst_arena_calloc(m->arena, 2, sizeof(*h->headers));
	h->headers[h->n_headers++] = (struct pst_header_rule){
		.text = {.s = text[0], .len = strlen(text[0])},
		.name = {.s = text[0], .len = strlen(text[0])},
		.value = {.s = text[1], .len = text[1] ? strlen(text[1]) : 0},
	};
}

static void add_http(struct model *m, struct pst_port_rule *p, uint32_t *seed)
{
	for (uint32_t n = next(seed) % 3 + 1; n; n--) {
		struct pst_http_rule *h =
			model_http(m, p, PICK(seed, methods), PICK(seed, paths), PICK(seed, hosts));

		for (uint32_t k = next(seed) % 4 ? 0 : next(seed) % 2 + 1; k; k--)
			add_header(m, h, seed);
	}
}

static void add_rule(struct model *m, struct pst_spec *spec, uint32_t *seed)
{
	struct pst_rule *rule =
		model_rule(m, spec, next(seed) % 4 ? PST_DIRECTION_INGRESS : PST_DIRECTION_EGRESS,
			   !(next(seed) % 4));

	if (next(seed) % 4)
		model_peer(m, rule, PICK(seed, peers));
	else if (next(seed) % 2)
		model_cidr(m, rule, PICK(seed, cidrs), NULL);
	if (!(next(seed) % 3))
		return;
	for (uint32_t n = next(seed) % 2 + 1; n; n--) {
		const bool http = !rule->deny && next(seed) % 2;
		struct pst_port_rule *p = model_port(
			m, rule, http || next(seed) % 2 ? PST_PROTOCOL_TCP : PST_PROTOCOL_ANY,
			PICK(seed, ports), 0);

		if (http && p->ports[0].port)
			add_http(m, p, seed);
		else if (next(seed) % 4 == 0 && p->ports[0].port)
			p->ports[0].end_port = (uint16_t)(p->ports[0].port + next(seed) % 9);
		if (p->ports[0].end_port < p->ports[0].port)
			p->ports[0].end_port = p->ports[0].port;
	}
}

static void add_policies(struct model *m, uint32_t *seed)
{
	for (uint32_t n = next(seed) % 2 + 1; n; n--) {
		struct pst_spec *spec = model_policy(m, "p", PICK(seed, subjects));

		for (uint32_t k = next(seed) % 3 + 1; k; k--)
			add_rule(m, spec, seed);
		if (!(next(seed) % 5))
			spec->default_deny[PST_DIRECTION_INGRESS] = false;
	}
}

/* Two sets with one inventory; mostly of one kind, so that they are often nearly equal. */
struct pair {
	struct model m[PST_DIFF_SIDES];
	struct pst_diags *diags;
	struct pst_diff *diff;
};

static void pair_init(struct pair *p, uint32_t seed)
{
	const uint32_t twist = next(&seed) % 3;
	uint32_t audit = seed;

	*p = (struct pair){.diags = pst_diags_new()};
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		uint32_t own = seed;

		model_init(&p->m[s]);
		for (size_t i = 0; i < COUNT(pods); i++) {
			static const char *const names[] = {"a", "b", "c", "d", "e"};
			char addr[32];

			snprintf(addr, sizeof(addr), "10.0.0.%zu", i + 1);
			model_endpoint(&p->m[s], names[i], pods[i], addr);
		}
		add_policies(&p->m[s], &own);
		if (twist && s == PST_DIFF_NEW)
			add_policies(&p->m[s], &own);
		/* Now and then one in audit, also of sets that are else the same. */
		for (size_t i = 0; i < p->m[s].set.n_policies; i++)
			p->m[s].set.policies[i].audit = !(next(&audit) % 6);
	}
}

static void compare(struct pair *p)
{
	const struct pst_diff_query q = {
		.policies = {&p->m[0].set, &p->m[1].set},
		.inventory = {&p->m[0].inventory, &p->m[0].inventory},
	};

	cr_assert_eq(pst_diff_run(&q, p->diags, &p->diff), 0);
	cr_assert_eq(pst_diags_errors(p->diags), 0);
}

static void pair_fini(struct pair *p)
{
	pst_diff_free(&p->diff);
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		model_fini(&p->m[s]);
	pst_diags_free(&p->diags);
}

/* A flow with a request, between endpoints of the test's own inventory. */
struct question {
	const char *subject; /* labels */
	const char *peer;    /* labels, or NULL: the address */
	struct pst_addr addr;
	enum pst_dir direction;
	uint8_t protocol;
	uint16_t port;
	char request[512];
};

enum { MAX_CROWD = 128 };

/* One side, compiled for a crowd of pods; the comparison knows nothing of it. */
struct court {
	struct pst_endpoint crowd[MAX_CROWD];
	struct pst_addr addrs[MAX_CROWD];
	const char *labels[MAX_CROWD];
	size_t n;
	struct pst_bundle *b;
	struct pst_judge *j;
};

static void court_add(struct court *c, struct pair *p, const char *labels)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!strcmp(c->labels[i], labels))
			return;
	}
	cr_assert_lt(c->n, MAX_CROWD);
	c->labels[c->n] = labels;
	c->addrs[c->n] = (struct pst_addr){{1, (uint8_t)c->n}};
	c->crowd[c->n] = (struct pst_endpoint){
		.name = "pod",
		.ns = "court",
		.labels = model_labels(&p->m[0], labels),
		.addrs = &c->addrs[c->n],
		.n_addrs = 1,
	};
	c->n++;
}

static void court_open(struct court *c, struct pair *p, int side)
{
	struct model m = p->m[side];

	m.inventory.endpoints = c->crowd;
	m.inventory.n_endpoints = c->n;
	c->b = model_compile(&m, p->diags);
	cr_assert_eq(pst_judge_new(c->b, &c->j), 0);
}

static void court_close(struct court *c)
{
	pst_judge_free(&c->j);
	pst_bundle_free(&c->b);
}

static struct pst_addr_value find(const struct court *c, const char *labels)
{
	size_t i = 0;

	while (i < c->n && strcmp(c->labels[i], labels))
		i++;
	cr_assert_lt(i, c->n, "%s", labels);
	return pst_judge_addr(c->b, c->addrs[i].b);
}

static bool is_allowed(const struct court *c, const struct question *q)
{
	struct pst_l4_query l4 = {
		.subject = find(c, q->subject),
		.peer = q->peer ? find(c, q->peer).identity
				: pst_judge_addr(c->b, q->addr.b).identity,
		.direction = q->direction,
		.protocol = q->protocol,
		.port = q->port,
	};
	struct pst_l4_result r = pst_judge_l4(c->b, &l4);
	struct pst_l7_result l7 = {0};

	if (r.audited)
		return true;
	if (r.verdict != PST_VERDICT_JUDGE)
		return r.verdict == PST_VERDICT_ALLOW;
	pst_judge_request(c->j, r.ruleset, q->request, strlen(q->request), 0, &l7);
	return l7.allowed;
}

static void write_labels(const struct pst_labels *labels, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < labels->n; i++)
		n += (size_t)snprintf(to + n, size - n, "%s%s:%s=%s", i ? " " : "",
				      labels->v[i].source, labels->v[i].key, labels->v[i].value);
}

static void write_request(const struct pst_diff_request *r, struct question *q)
{
	char host[64] = "", *at = q->request, *end = q->request + sizeof(q->request);

	if (r->host)
		snprintf(host, sizeof(host), "Host: %s\r\n", r->host);
	at += snprintf(at, (size_t)(end - at), "%s %s HTTP/1.%d\r\n%s", r->method, r->path,
		       r->host != NULL, host);
	for (size_t i = 0; i < r->headers.n; i++)
		at += snprintf(at, (size_t)(end - at), "%s: %s\r\n", r->headers.v[i].name,
			       r->headers.v[i].value);
	snprintf(at, (size_t)(end - at), "\r\n");
}

static uint8_t lowest_protocol(uint32_t bits)
{
	for (int i = 0; i < PST_DIFF_N_PROTOCOLS; i++) {
		if (bits >> i & 1)
			return pst_diff_protocols[i];
	}
	return 0;
}

/* The labels of an actor, as long as P lives. */
static const char *text_of(struct pair *p, uint32_t actor)
{
	const struct pst_labels *l = &p->diff->actors.v[actor].labels;
	char text[512] = "";

	write_labels(l, text, sizeof(text));
	return pst_arena_strndup(p->m[0].arena, text, strlen(text));
}

/* Asks the judges about the witness of F: it must be decided as F says. */
static void check_finding(struct pair *p, const struct court *courts,
			  const struct pst_diff_finding *f, uint32_t seed)
{
	const struct pst_diff_actor *peer = &p->diff->actors.v[f->peers[0]];
	struct question q = {
		.subject = text_of(p, f->subjects[0]),
		.peer = peer->kind == PST_DIFF_OUTSIDE ? NULL : text_of(p, f->peers[0]),
		.addr = peer->addr,
		.direction = (enum pst_dir)f->direction,
		.protocol = lowest_protocol(f->protocols),
		.port = f->port,
	};
	const bool widened = f->kind == PST_DIFF_WIDENED;

	cr_assert_neq(f->kind, PST_DIFF_UNKNOWN);
	if (f->has_request)
		write_request(&f->request, &q);
	for (int side = 0; side < PST_DIFF_SIDES; side++)
		cr_assert_eq(is_allowed(&courts[side], &q), widened == (side == PST_DIFF_NEW),
			     "seed %u: %s %s -> %s port %u: %s", seed,
			     widened ? "widened" : "narrowed", q.subject,
			     q.peer ? q.peer : peer->name, f->port, q.request);
}

/* Is there a finding of KIND about the subject and peer that Q asks about, at its port? */
static bool is_found(const struct pair *p, const struct question *q, enum pst_diff_kind kind)
{
	for (size_t i = 0; i < p->diff->n_findings; i++) {
		const struct pst_diff_finding *f = &p->diff->findings[i];
		bool protocol = f->protocols >> PST_DIFF_N_PROTOCOLS & 1;

		for (int k = 0; k < PST_DIFF_N_PROTOCOLS; k++)
			protocol |= f->protocols >> k & 1 && pst_diff_protocols[k] == q->protocol;
		if (f->kind == kind && (enum pst_dir)f->direction == q->direction && protocol &&
		    f->first <= q->port && q->port <= f->last)
			return true;
	}
	return false;
}

/* Pods that are in no inventory as well: their labels combine what selectors ask for. */
static const char *const strangers[] = {
	POD("job", " k8s:tier=back"),
	POD("job", " k8s:tier=front"),
	POD("other", " k8s:new=1"),
	"k8s:app=web k8s:io.cilium.k8s.policy.cluster=default "
	"k8s:io.kubernetes.pod.namespace=elsewhere",
	"k8s:tier=front k8s:io.cilium.k8s.policy.cluster=default "
	"k8s:io.kubernetes.pod.namespace=default",
};

static const char *const more_peers[] = {"reserved:host", "reserved:ingress"};

static void ask_at_random(struct question *q, uint32_t *seed)
{
	static const char *const addrs[] = {"192.0.2.7", "192.0.2.1", "192.0.2.200", "8.8.8.8",
					    "2001:db8::1"};
	static const char *const asked[] = {"/", "/a", "/a/b", "/ab", "/b", "/b/c", "//x", "/c"};
	static const char *const verbs[] = {"GET", "POST", "PUT"};
	static const char *const lines[] = {
		"", "", "x-a: 1\r\n", "X-A: 2\r\n", "x-b: 1\r\nx-a: x\r\n", "x-a: y\r\nx-b: y\r\n"};
	static const uint16_t some[] = {80, 443, 8080, 1, 2, 65535, 81, 5000, 0, 8088};
	static const uint8_t protocols[] = {6, 6, 6, 17, 1, 47, 132};
	const uint32_t kind = next(seed) % 4;

	q->subject = next(seed) % 2 ? PICK(seed, pods) : PICK(seed, strangers);
	q->peer = kind == 0   ? NULL
		  : kind == 1 ? PICK(seed, more_peers)
		  : kind == 2 ? PICK(seed, pods)
			      : PICK(seed, strangers);
	pst_addr_from_str(PICK(seed, addrs), &q->addr);
	q->direction = next(seed) % 4 ? PST_DIR_INGRESS : PST_DIR_EGRESS;
	q->protocol = PICK(seed, protocols);
	q->port = PICK(seed, some);
	snprintf(q->request, sizeof(q->request), "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
		 PICK(seed, verbs), PICK(seed, asked), next(seed) % 2 ? "a" : "b",
		 PICK(seed, lines));
}

/* Flows at random: how many are decided differently without a finding that says so? */
static int count_unsaid(const struct pair *p, const struct court *courts, uint32_t seed)
{
	uint32_t s = seed;
	int n = 0;

	for (int i = 0; i < FLOWS; i++) {
		struct question q = {0};
		bool old, new;

		ask_at_random(&q, &s);
		old = is_allowed(&courts[PST_DIFF_OLD], &q);
		new = is_allowed(&courts[PST_DIFF_NEW], &q);
		if (old == new || is_found(p, &q, new ? PST_DIFF_WIDENED : PST_DIFF_NARROWED))
			continue;
		n++;
		cr_log_info("seed %u: subject %s, peer %s, direction %d, protocol %u, port %u, %s",
			    seed, q.subject, q.peer ? q.peer : "an address", q.direction,
			    q.protocol, q.port, q.request);
	}
	return n;
}

static void gather(struct pair *p, struct court *c)
{
	for (size_t i = 0; i < COUNT(pods); i++)
		court_add(c, p, pods[i]);
	for (size_t i = 0; i < COUNT(strangers); i++)
		court_add(c, p, strangers[i]);
	for (size_t i = 0; i < COUNT(more_peers); i++)
		court_add(c, p, more_peers[i]);
	for (size_t i = 0; i < p->diff->n_findings; i++) {
		const struct pst_diff_finding *f = &p->diff->findings[i];

		court_add(c, p, text_of(p, f->subjects[0]));
		if (p->diff->actors.v[f->peers[0]].kind != PST_DIFF_OUTSIDE)
			court_add(c, p, text_of(p, f->peers[0]));
	}
}

/* Returns how many differences went unsaid. */
static int check(struct pair *p, uint32_t seed)
{
	struct court courts[PST_DIFF_SIDES] = {0};
	int unsaid;

	for (int side = 0; side < PST_DIFF_SIDES; side++) {
		gather(p, &courts[side]);
		court_open(&courts[side], p, side);
	}
	for (size_t i = 0; i < p->diff->n_findings; i++)
		check_finding(p, courts, &p->diff->findings[i], seed);
	unsaid = count_unsaid(p, courts, seed);
	for (int side = 0; side < PST_DIFF_SIDES; side++)
		court_close(&courts[side]);
	return unsaid;
}

Test(diff, witnesses_are_decided_differently_and_nothing_else_differs)
{
	size_t equal = 0, widened = 0, narrowed = 0, headers = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct pair p;

		pair_init(&p, SEED + i);
		compare(&p);
		for (size_t k = 0; k < p.diff->n_findings; k++)
			headers += p.diff->findings[k].request.headers.n != 0;
		cr_assert_eq(check(&p, SEED + i), 0, "seed %u", SEED + i);
		equal += !p.diff->n_findings;
		widened += p.diff->count[PST_DIFF_WIDENED];
		narrowed += p.diff->count[PST_DIFF_NARROWED];
		pair_fini(&p);
	}
	cr_log_info("%zu equal, %zu widened, %zu narrowed, %zu by headers", equal, widened,
		    narrowed, headers);
	cr_assert_gt(headers, 3);
	cr_assert_gt(equal, ROUNDS / 8);
	cr_assert_gt(widened, ROUNDS / 4);
	cr_assert_gt(narrowed, ROUNDS / 4);
}

Test(diff, the_flows_at_random_notice_what_is_not_said)
{
	size_t noticed = 0, differing = 0;

	for (uint32_t i = 0; i < ROUNDS / 5; i++) {
		struct pair p;

		pair_init(&p, SEED + i);
		compare(&p);
		differing += p.diff->n_findings != 0;
		p.diff->n_findings = 0;
		noticed += check(&p, SEED + i) != 0;
		pair_fini(&p);
	}
	/* What differs at a single port or path can be missed by some thousand flows. */
	cr_assert_gt(noticed, differing / 2);
}

/* The pods of NEW's own inventory: others may have their labels, some are gone. */
struct moved {
	const char *labels[PST_DIFF_SIDES][COUNT(pods)]; /* NULL: not there */
};

static void move_pods(struct pair *p, struct moved *moved, uint32_t *seed)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	char addr[32];

	for (int side = 0; side < PST_DIFF_SIDES; side++)
		p->m[side].inventory.n_endpoints = 0;
	for (size_t i = 0; i < COUNT(pods); i++) {
		for (int side = 0; side < PST_DIFF_SIDES; side++) {
			const bool same = side == PST_DIFF_OLD || next(seed) % 2;

			moved->labels[side][i] = same ? pods[i] : PICK(seed, pods);
			if (!(next(seed) % 6))
				moved->labels[side][i] = NULL;
			snprintf(addr, sizeof(addr), "10.0.%d.%zu", side, i + 1);
			if (moved->labels[side][i])
				model_endpoint(&p->m[side], names[i], moved->labels[side][i], addr);
		}
	}
}

/* What SIDE decides about pod FROM and pod TO; Q has the rest. */
static bool is_moved_allowed(const struct court *c, const struct moved *moved, int side,
			     const size_t who[2], struct question *q)
{
	const char *const *labels = moved->labels[side];
	char addr[32];

	if (!labels[who[0]])
		return false;
	q->subject = labels[who[0]];
	q->peer = labels[who[1]];
	/* Gone: its address is what it was on the other side. */
	snprintf(addr, sizeof(addr), "10.0.%d.%zu", !side, who[1] + 1);
	pst_addr_from_str(addr, &q->addr);
	return is_allowed(c, q);
}

/* The labels of a pod that is gone may be a replica's. */
static bool has_replica(const struct moved *moved, int side, size_t pod)
{
	const char *labels = moved->labels[!side][pod];

	for (size_t i = 0; labels && i < COUNT(pods); i++) {
		if (moved->labels[side][i] && !strcmp(moved->labels[side][i], labels))
			return true;
	}
	return false;
}

static void ask_moved(struct pair *p, const struct court *courts, const struct moved *moved,
		      uint32_t *seed)
{
	struct question q = {0};
	const size_t who[] = {next(seed) % COUNT(pods), next(seed) % COUNT(pods)};
	bool allowed[PST_DIFF_SIDES];

	ask_at_random(&q, seed);
	for (int side = 0; side < PST_DIFF_SIDES; side++) {
		for (int k = 0; k < 2; k++) {
			/* Gone from both, or replaced: another test's business. */
			if (!moved->labels[side][who[k]] &&
			    (!moved->labels[!side][who[k]] || has_replica(moved, side, who[k])))
				return;
		}
		allowed[side] = is_moved_allowed(&courts[side], moved, side, who, &q);
	}
	if (allowed[0] != allowed[1])
		cr_assert(is_found(p, &q, allowed[1] ? PST_DIFF_WIDENED : PST_DIFF_NARROWED),
			  "pods %zu and %zu, direction %d, protocol %u, port %u, %s", who[0],
			  who[1], q.direction, q.protocol, q.port, q.request);
}

Test(diff, with_two_inventories_pods_are_compared_by_name)
{
	size_t differing = 0;

	for (uint32_t i = 0; i < ROUNDS / 2; i++) {
		struct court courts[PST_DIFF_SIDES] = {0};
		struct moved moved;
		struct pair p;
		uint32_t seed = SEED + i;

		pair_init(&p, seed);
		move_pods(&p, &moved, &seed);
		const struct pst_diff_query q = {
			.policies = {&p.m[0].set, &p.m[1].set},
			.inventory = {&p.m[0].inventory, &p.m[1].inventory},
		};
		cr_assert_eq(pst_diff_run(&q, p.diags, &p.diff), 0);
		differing += p.diff->n_findings != 0;
		for (int side = 0; side < PST_DIFF_SIDES; side++) {
			for (size_t k = 0; k < COUNT(pods); k++)
				court_add(&courts[side], &p, pods[k]);
			for (size_t k = 0; k < COUNT(strangers); k++)
				court_add(&courts[side], &p, strangers[k]);
			court_open(&courts[side], &p, side);
		}
		for (int k = 0; k < FLOWS; k++)
			ask_moved(&p, courts, &moved, &seed);
		for (int side = 0; side < PST_DIFF_SIDES; side++)
			court_close(&courts[side]);
		pair_fini(&p);
	}
	cr_assert_gt(differing, ROUNDS / 4);
}

/* A subject of its own for each policy, and two keys of peers that no other policy names. */
static void add_keys(struct model *m, int policies, int keys, bool twist)
{
	char text[64];

	for (int i = 0; i < policies; i++) {
		struct pst_spec *spec;

		snprintf(text, sizeof(text), "k8s:app=s%d", i);
		spec = model_policy(m, "p", text);
		for (int k = 0; k < keys; k++) {
			struct pst_rule *rule = model_rule(m, spec, PST_DIRECTION_INGRESS, false);

			snprintf(text, sizeof(text), "k8s:key%d-%d=on", i, k);
			model_peer(m, rule, text);
			model_port(m, rule, PST_PROTOCOL_TCP, (uint16_t)(80 + k),
				   twist && i == policies / 2 && !k ? 82 : 0);
		}
	}
}

static void compare_keys(struct pair *p, int policies, int keys)
{
	*p = (struct pair){.diags = pst_diags_new()};
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		model_init(&p->m[s]);
		add_keys(&p->m[s], policies, keys, s == PST_DIFF_NEW);
	}
	compare(p);
}

Test(diff, subjects_whose_peers_together_are_too_many_are_still_proven)
{
	struct pair p;

	/* 2^16 cohorts of peers for all, four for each. */
	compare_keys(&p, MODEL_POLICIES, 2);
	cr_expect(p.diff->all_subjects);
	cr_expect(p.diff->all_peers);
	cr_expect_eq(p.diff->n_subjects, MODEL_POLICIES);
	cr_expect_eq(p.diff->count[PST_DIFF_WIDENED], 2);
	cr_expect_eq(p.diff->count[PST_DIFF_NARROWED], 0);
	cr_expect_eq(check(&p, SEED), 0);
	pair_fini(&p);
}

Test(diff, a_subject_whose_peers_are_too_many_is_compared_and_not_called_proven)
{
	struct pair p;

	compare_keys(&p, 1, 12);
	cr_expect(p.diff->all_subjects);
	cr_expect_not(p.diff->all_peers);
	cr_expect_gt(p.diff->count[PST_DIFF_WIDENED], 0);
	pair_fini(&p);
}

Test(diff, policies_that_have_not_changed_are_set_aside)
{
	bool changed[PST_DIFF_SIDES][MODEL_POLICIES] = {{0}};
	struct pst_diff_query q;
	struct pair p;

	p = (struct pair){.diags = pst_diags_new()};
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		model_init(&p.m[s]);
		add_keys(&p.m[s], MODEL_POLICIES, 2, s == PST_DIFF_NEW);
		changed[s][MODEL_POLICIES / 2] = true;
	}
	q = (struct pst_diff_query){
		.policies = {&p.m[0].set, &p.m[1].set},
		.inventory = {&p.m[0].inventory, &p.m[0].inventory},
		.changed = {changed[0], changed[1]},
	};
	cr_assert_eq(pst_diff_run(&q, p.diags, &p.diff), 0);
	cr_expect_eq(p.diff->n_subjects, 1);
	cr_expect_eq(p.diff->n_policies[0], 1);
	cr_expect_eq(p.diff->count[PST_DIFF_WIDENED], 2);
	cr_expect_eq(check(&p, SEED), 0);
	pair_fini(&p);
}

Test(diff, no_memory_is_an_error_wherever_it_ends)
{
	struct pair p;
	bool failed = true;

	pair_init(&p, SEED + 3);
	/* Compilation has a test of its own for each allocation: here every seventh will do. */
	for (long n = 0; failed; n += 7) {
		const struct pst_diff_query q = {
			.policies = {&p.m[0].set, &p.m[1].set},
			.inventory = {&p.m[0].inventory, &p.m[0].inventory},
		};
		int r;

		pst_mem_fail_after(n);
		r = pst_diff_run(&q, p.diags, &p.diff);
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert(failed || !r);
		cr_assert(!r || r == -ENOMEM, "allocation %ld: %d", n, r);
		if (!r)
			pst_diff_free(&p.diff);
	}
	pair_fini(&p);
}
