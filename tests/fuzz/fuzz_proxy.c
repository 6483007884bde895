// SPDX-License-Identifier: Apache-2.0
/*
 * A connection through the proxy: any client against a server that answers, and any server.
 *
 *	judged		what reaches the server is what the core alone allows, and nothing else
 *	cut		it does not depend on how the client's bytes are cut, nor do the verdicts
 *	answers		what reaches the client before the end are whole answers, or bytes of the
 *			server's as they came
 *	memory		nothing is held behind the end
 *	normal		where paths are brought into normal form, what reaches the server is in it
 *
 * The first byte chooses who is hostile (bit 7), the policy (bit 6: one that changes headers), how
 * paths are brought into normal form (bits 4 and 5), and how the bytes are cut.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pst_src {
	const uint8_t *bytes;
};

static int pst_src_load(const struct pst_src *src, uint32_t off, uint8_t *buf, uint32_t n)
{
	memcpy(buf, src->bytes + off, n);
	return 0;
}

#include "bpf/tests/stream.h"
#include "bpf/walk.h"

#include "compiler/compile.h"
#include "proxy/pair.h"

static const char form[] = "apiVersion: cilium.io/v2\n"
			   "kind: CiliumNetworkPolicy\n"
			   "metadata: {name: fuzz}\n"
			   "spec:\n"
			   "  endpointSelector: {matchLabels: {app: web}}\n"
			   "  ingress:\n"
			   "  - toPorts:\n"
			   "    - ports: [{port: '80', protocol: TCP}]\n"
			   "      rules:\n"
			   "        http:\n"
			   "        - {path: '/api/.*'}\n"
			   "        - {path: '/a', headers: ['X: a,b', X-P]}\n"
			   "        - {method: POST, headers: ['Content-Length: 3']}\n";

static const char actions[] =
	"        - {path: '/api/.*', headerMatches: [{mismatch: REPLACE, name: X, "
	"value: a}, {mismatch: ADD, name: X-Q, value: '1'}]}\n"
	"        - {path: '/[ab]', headerMatches: [{mismatch: DELETE, name: X, "
	"value: b}]}\n"
	"        - {path: '/(?:[ab]*a[ab]{20}|(?:a|aa)+)[bc]'}\n";

static const char inventory[] = "apiVersion: v1\n"
				"kind: Pod\n"
				"metadata: {name: web, labels: {app: web}}\n"
				"status: {podIPs: [{ip: 10.0.0.1}]}\n";

enum { MAX_INPUT = 8192, MAX_OUT = 1 << 17, MAX_EVENTS = 4096, WORLDS = 2 };

static struct world {
	struct pst_ruler *ruler;
	bool acts;
} worlds[WORLDS];
static struct pst_reply denied[2];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_world(struct world *w, bool acts)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *pods = NULL;
	struct pst_bundle *bundle = NULL;
	char policy[2048] = "";

	assert(diags);
	memcpy(policy, form, sizeof(form));
	if (acts)
		memcpy(policy + sizeof(form) - 1, actions, sizeof(actions));
	assert(!pst_policy_parse("policy", policy, strlen(policy), diags, &set));
	assert(!pst_inventory_parse("inventory", inventory, sizeof(inventory) - 1, diags, &pods));
	assert(!pst_compile(set, pods, NULL, diags, &bundle));
	assert(!pst_diags_errors(diags) && bundle->n_rulesets == 1);
	assert(bundle->rulesets[0].fallback == acts);
	assert(!pst_ruler_new(bundle, diags, &w->ruler));
	w->acts = acts;
	pst_inventory_free(&pods);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct pst_reply_opts opts = {.body = NULL};

	(void)argc;
	(void)argv;
	for (int i = 0; i < WORLDS; i++) {
		make_world(&worlds[i], i);
		assert(!pst_reply_make(&opts, i, &denied[i]));
	}
	return 0;
}

/* A connection and what came of it. */
struct run {
	const struct world *world;
	struct pst_pair *pair;
	struct pst_memory memory;
	struct pst_purse purse;
	uint8_t *out[2]; /* of a run that lives on: to make them is slow */
	size_t n_out[2];
	struct t_stream got; /* what the server has got, up to n_read */
	size_t n_read;
	size_t line; /* where the last request begins */
	bool in_line;
	size_t n_events;
	uint16_t events[MAX_EVENTS]; /* reason, and whether it was allowed */
};

static void on_event(void *ctx, const struct pst_pair_event *event)
{
	struct run *r = ctx;

	assert(r->n_events < MAX_EVENTS);
	r->events[r->n_events++] = (uint16_t)(event->reason << 1 | event->allowed);
}

static void begin(struct run *r, const struct world *w)
{
	struct pst_pair_opts opts = {
		.ruler = w->ruler,
		.purse = &r->purse,
		.denied = {&denied[0], &denied[1]},
		.on_event = on_event,
		.ctx = r,
	};

	uint8_t *out[2] = {r->out[0], r->out[1]};

	memset(r, 0, sizeof(*r));
	r->world = w;
	r->memory.limit = 1 << 20;
	r->purse.all = &r->memory;
	r->got.any_form = pst_ruler_normal(w->ruler) == PST_NORMAL_KEEP;
	r->got.table = pst_ruler_table(w->ruler, 0, &r->got.ruleset);
	assert(!pst_pair_new(&opts, &r->pair));
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		r->out[side] = out[side] ? out[side] : malloc(MAX_OUT);
		assert(r->out[side]);
	}
}

static void end(struct run *r)
{
	pst_pair_free(&r->pair);
	assert(!r->memory.used);
	pst_memory_fini(&r->memory);
}

static void collect(struct run *r)
{
	const char *at;
	size_t n;
	bool more = true;

	while (more) {
		more = false;
		for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
			while ((n = pst_pair_pending(r->pair, side, &at))) {
				assert(r->n_out[side] + n <= MAX_OUT);
				memcpy(r->out[side] + r->n_out[side], at, n);
				r->n_out[side] += n;
				pst_pair_sent(r->pair, side, n);
				more = true;
			}
		}
	}
}

/* As much as there is room for; how much that was. */
static size_t send_some(struct run *r, enum pst_side side, const uint8_t *bytes, size_t len)
{
	char *at;
	size_t room = pst_pair_room(r->pair, side, &at);

	len = len < room ? len : room;
	if (len) {
		memcpy(at, bytes, len);
		pst_pair_received(r->pair, side, len);
		collect(r);
	}
	return len;
}

/* Does the path part of TARGET have escaped slashes? */
static bool has_slashes(const char *target, size_t len)
{
	static const char *const escapes[] = {"%2F", "%2f", "%5C", "%5c"};
	const char *query = memchr(target, '?', len);
	size_t path = query ? (size_t)(query - target) : len;
	bool found = false;

	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++)
		found |= memmem(target, path, escapes[i], 3) != NULL;
	return found;
}

/* The request line LINE of LEN bytes, with its end, has a target in normal form. */
static void check_line(enum pst_normal mode, const uint8_t *line, size_t len)
{
	char copy[MAX_INPUT + 1];
	struct pst_normal_result again;
	const char *target;
	size_t target_len;

	assert(len < sizeof(copy));
	memcpy(copy, line, len);
	again = pst_normal_line(mode, copy, len);
	assert(!again.cut && !again.redirect && !memcmp(copy, line, len));
	target = pst_normal_location(copy, len, &target_len);
	assert(target && again.kept == has_slashes(target, target_len));
}

/* Before byte r->n_read is read. */
static void follow_line(struct run *r, bool was_inside)
{
	if (r->got.inside && !was_inside) {
		r->line = r->n_read;
		r->in_line = true;
	}
	if (!r->in_line || r->out[PST_SERVER][r->n_read] != '\n')
		return;
	r->in_line = false;
	if (pst_ruler_normal(r->world->ruler))
		check_line(pst_ruler_normal(r->world->ruler), r->out[PST_SERVER] + r->line,
			   r->n_read + 1 - r->line);
}

/* What the server has got so far, as the core alone reads it. */
static struct t_stream read_server(struct run *r)
{
	struct t_stream *s = &r->got;
	const struct pst_src src = {.bytes = r->out[PST_SERVER]};

	/* The table of a set that is decided rule by rule says only what a request is. */
	for (; r->n_read < r->n_out[PST_SERVER]; r->n_read++) {
		const bool was_inside = s->inside;

		t_stream_feed(s, &src, (uint32_t)r->n_read, (uint32_t)r->n_read + 1);
		follow_line(r, was_inside);
		if (s->reason == PST_REASON_NO_RULE_L7 && r->world->acts) {
			s->reason = 0;
			s->http.allow = 1;
			t_stream_stop(s);
		}
	}
	return *s;
}

static size_t next_piece(uint32_t *cut, size_t left)
{
	size_t n;

	if (!*cut)
		return left;
	*cut = *cut * 1103515245 + 12345;
	n = 1 + (*cut >> 16) % (*cut & 0x400 ? 200 : 9);
	return n < left ? n : left;
}

/* Any client; the server answers each request that it has got whole. */
static void play_client(struct run *r, const uint8_t *bytes, size_t len, uint32_t cut)
{
	static const uint8_t ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const uint8_t no[] = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n";
	unsigned int answered = 0;

	for (size_t at = 0; at < len && pst_pair_state(r->pair) == PST_PAIR_OPEN;) {
		size_t piece = next_piece(&cut, len - at), n;
		struct t_stream got;

		n = send_some(r, PST_CLIENT, bytes + at, piece);
		if (!n)
			break;
		at += n;
		got = read_server(r);
		assert(!got.reason);
		while (answered < got.passed && (at == len || !(got.http.flags & PST_HTTP_LAST)) &&
		       pst_pair_state(r->pair) == PST_PAIR_OPEN) {
			answered++;
			/* A handshake is refused: then HTTP goes on, and opaque means nothing. */
			if (got.opaque)
				return;
			send_some(r, PST_SERVER, got.http.method == PST_METHOD_HEAD ? no : ok,
				  sizeof(ok) - 1);
			got = read_server(r);
			assert(!got.reason);
		}
	}
}

static void try_client(const struct world *w, const uint8_t *bytes, size_t len, uint8_t cut)
{
	static struct run whole, pieces;
	size_t shared;

	begin(&whole, w);
	begin(&pieces, w);
	play_client(&whole, bytes, len, 0);
	play_client(&pieces, bytes, len, cut + 1U);
	/* A body that is refused: how much of it went before depends on the cuts. */
	shared = whole.n_out[PST_SERVER] < pieces.n_out[PST_SERVER] ? whole.n_out[PST_SERVER]
								    : pieces.n_out[PST_SERVER];
	assert(!memcmp(whole.out[PST_SERVER], pieces.out[PST_SERVER], shared));
	assert(whole.n_events == pieces.n_events);
	assert(!memcmp(whole.events, pieces.events, whole.n_events * sizeof(*whole.events)));
	end(&whole);
	end(&pieces);
}

/* Any server; the client asks for one thing and another. */
static void try_server(const struct world *w, const uint8_t *bytes, size_t len, uint32_t cut)
{
	static const char asks[] =
		"GET /api/a HTTP/1.1\r\nHost: b\r\n\r\n"
		"HEAD /api/b HTTP/1.1\r\nHost: b\r\n\r\n"
		"GET /no HTTP/1.1\r\nHost: b\r\n\r\n"
		"GET /api/c HTTP/1.1\r\nHost: b\r\nConnection: upgrade\r\n"
		"Upgrade: websocket\r\n\r\n"
		"POST /api/d HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc";
	static struct run r;

	begin(&r, w);
	send_some(&r, PST_CLIENT, (const uint8_t *)asks, sizeof(asks) - 1);
	for (size_t at = 0; at < len && pst_pair_state(r.pair) == PST_PAIR_OPEN;) {
		size_t n = send_some(&r, PST_SERVER, bytes + at, next_piece(&cut, len - at));

		if (!n)
			break;
		at += n;
	}
	if (pst_pair_state(r.pair) == PST_PAIR_OPEN)
		pst_pair_ended(r.pair, PST_SERVER);
	collect(&r);
	assert(pst_pair_state(r.pair) != PST_PAIR_OPEN || !pst_pair_is_idle(r.pair));
	/* Nothing but the proxy's own answers is added, one for each of few requests. */
	assert(r.n_out[PST_CLIENT] <= len + 2 * sizeof(struct pst_reply));
	end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct world *w;
	uint8_t *exact;
	size_t len;

	if (size < 2 || size > MAX_INPUT)
		return 0;
	/* HTTP/2 has a fuzzer of its own. */
	if (size > 5 && !memcmp(data + 1, "PRI *", 5))
		return 0;
	w = &worlds[data[0] >> 6 & 1];
	pst_ruler_set_normal(w->ruler, (enum pst_normal)(data[0] >> 4 & 3));
	len = size - 1;
	exact = malloc(len);
	assert(exact);
	memcpy(exact, data + 1, len);
	if (data[0] >> 7)
		try_server(w, exact, len, data[0] & 0xf);
	else
		try_client(w, exact, len, data[0] & 0xf);
	free(exact);
	return 0;
}
