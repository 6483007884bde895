// SPDX-License-Identifier: Apache-2.0
/*
 * A whole connection on any input: a hostile client, the judge and the follower, and a server with
 * a small TCP of its own.
 *
 * The client has two streams, made of pieces of HTTP that the input chooses, and sends any range of
 * either, or of both mixed. What the judge passes TCP takes at once, later, or never; it prefers
 * the older or the newer copy of a byte. The server answers what it reads: with a length, in
 * chunks, early, refusing or accepting to switch protocols; and it may answer a HEAD with a body,
 * which reads like the answer that the client would like to see. On the other side of the wire the
 * judge sees the client's packets in order, and the follower sees the answers come in any order,
 * with forged ones among them.
 *
 *	read		what the server reads is allowed requests only, when it is judged from
 *			scratch
 *	judged		and its framing is byte for byte what was judged
 *	answers		the follower has counted the answers that were sent, or knows that it is
 *			lost; it believes in another protocol only if the server does
 *	bounds		judged is never further ahead of accepted than a window
 */
#include "tests/fuzz/bytes.h"

#include "bpf/follow.h"
#include "bpf/judge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "tests/fuzz/rules.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAM = 2048, LATE = 4, OPS = 400 };

static const char policy[] = FUZZ_POLICY("        - {path: '/api/.*'}\n");

static const struct pst_table *table;
static struct pst_raw shards[PST_RAW_SHARDS];
static uint32_t shard_here, now_us = 1;

static struct pst_raw *pst_raw_shard(uint32_t shard)
{
	return &shards[shard & (PST_RAW_SHARDS - 1)];
}

static uint32_t pst_raw_here(void)
{
	return shard_here;
}

static uint32_t pst_clock_us(const struct pst_src *src)
{
	(void)src;
	return now_us;
}

static void pst_follow_answered(const struct pst_follower *fw, uint32_t status, uint32_t us)
{
	assert(pst_flow_due(fw->flow) && status >= 100 && us);
}

static void pst_judge_allowed(const struct pst_judge *j)
{
	assert(j->flow->http.allow || j->packet->observe);
}

#define H "Host: b\r\n"

/* What the streams are made of. */
static const char *const pieces[] = {
	"GET /api/x HTTP/1.1\r\n" H "\r\n",
	"GET /adm/x HTTP/1.1\r\n" H "\r\n",
	"HEAD /api/x HTTP/1.1\r\n" H "\r\n",
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 32\r\n\r\n",
	"POST /adm/x HTTP/1.1\r\n" H "Content-Length: 32\r\n\r\n",
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 0 \r\n\r\n",
	"POST /api/x HTTP/1.1\r\n" H "Content-Length: 99\r\n\r\n",
	"POST /api/x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
	"GET /api/w HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	"GET /api/x HTTP/1.1\r\n" H "Connection: close\r\n\r\n",
	"GET /api/x HTTP/1.0\r\n\r\n",
	"POST /api/x HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
	"20\r\n",
	"1\r\nx\r\n",
	"5;a=\"b\"\r\nabcde\r\n",
	"0\r\n\r\n",
	"0\r\nA: b\r\n\r\n",
	"\r\n",
	"01234567890123456789012345678901",
	"hello",
	"X: 1\r\n",
	"GET /api/x HTTP/1.1\r\n",
	"\r\n\r\n",
	H,
};

enum { PIECES = sizeof(pieces) / sizeof(*pieces) };

struct input {
	const uint8_t *at, *end;
};

static uint32_t next_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* One end's TCP: bytes in a stream that begins at ISN. */
struct range {
	uint32_t at, len;
	uint8_t bytes[STREAM];
};

struct tcp {
	uint8_t bytes[STREAM];
	bool have[STREAM];
	uint32_t next; /* rcv_nxt, from the stream's beginning */
	bool newest_wins;
	uint32_t n_late;
	struct range late[LATE];
};

static void take(struct tcp *t, const struct range *r)
{
	for (uint32_t i = 0, k = r->at; i < r->len; i++, k++) {
		if (k < t->next || (t->have[k] && !t->newest_wins))
			continue;
		t->bytes[k] = r->bytes[i];
		t->have[k] = true;
	}
	while (t->next < STREAM && t->have[t->next])
		t->next++;
}

static void take_late(struct tcp *t, uint32_t i)
{
	take(t, &t->late[i]);
	t->late[i] = t->late[--t->n_late];
}

/* What passed: TCP has it now, later, or never. */
static void arrive(struct tcp *t, const struct range *r, uint32_t fate)
{
	if (fate % 4 == 0)
		return;
	if (fate % 4 != 1) {
		take(t, r);
		return;
	}
	if (t->n_late == LATE)
		take_late(t, fate / 4 % LATE);
	t->late[t->n_late++] = *r;
}

/* What the server makes of what it has read. */
struct reader {
	struct pst_http http;
	uint32_t at;   /* of the stream, read */
	uint64_t skip; /* bytes of data that are left */
	uint32_t requests;
	uint32_t head_bits, upgrade_bits; /* per request, modulo 32 */
	bool inside, switched, closed, stuck;
};

struct connection {
	struct pst_flow flow;
	struct tcp tcp;	   /* of the server */
	struct tcp client; /* of the client, on its side of the wire */
	struct reader reader;
	uint8_t streams[2][STREAM];
	uint32_t stream_len;
	uint8_t judged[STREAM]; /* the bytes that were judged, where they are framing */
	bool is_judged[STREAM];
	uint8_t sent[STREAM]; /* what the server has sent */
	uint32_t n_sent, answers, isn;
	bool at_client, lies, switched;
	bool denied; /* and waits for the answers before */
};

static void reader_stop(struct connection *c)
{
	struct reader *r = &c->reader;

	if (pst_http_continues(&r->http)) {
		pst_http_resume(&r->http);
		return;
	}
	r->inside = false;
	/* A server that was asked to switch reads on when it has answered. */
	r->stuck = r->http.flags & PST_HTTP_UPGRADE;
	r->closed = r->http.flags & PST_HTTP_LAST;
}

static void reader_head(struct connection *c)
{
	struct reader *r = &c->reader;
	uint32_t bit = 1U << (r->requests & (PST_MAX_DUE - 1));

	assert(r->http.state != PST_HTTP_ERROR);
	if (!(r->http.flags & PST_HTTP_TRAILER) && r->http.state == PST_HTTP_DONE) {
		assert(r->http.allow);
		r->head_bits = r->http.method == PST_METHOD_HEAD ? r->head_bits | bit
								 : r->head_bits & ~bit;
		r->upgrade_bits = r->http.flags & PST_HTTP_UPGRADE ? r->upgrade_bits | bit
								   : r->upgrade_bits & ~bit;
		r->requests++;
	}
	r->skip = r->http.length;
	if (!r->skip)
		reader_stop(c);
}

static void reader_framing(struct connection *c)
{
	struct reader *r = &c->reader;
	struct pst_src src = {.bytes = c->tcp.bytes, .len = c->tcp.next};
	struct pst_walk w = {
		.http = &r->http, .table = table, .src = &src, .off = r->at, .end = c->tcp.next};

	if (!r->inside)
		pst_http_request(&r->http, table, 0);
	r->inside = true;
	pst_walk_head(&w);
	for (uint32_t i = r->at; i < w.off; i++)
		assert(c->is_judged[i] && c->judged[i] == c->tcp.bytes[i]);
	r->at = w.off;
	if (pst_http_stopped(&r->http))
		reader_head(c);
}

/* The server reads what its TCP has. */
static void server_reads(struct connection *c)
{
	struct reader *r = &c->reader;

	while (r->at < c->tcp.next && !r->switched && !r->stuck) {
		uint32_t n = c->tcp.next - r->at;

		assert(!r->closed);
		if (!r->skip) {
			reader_framing(c);
			continue;
		}
		n = r->skip < n ? (uint32_t)r->skip : n;
		r->at += n;
		r->skip -= n;
		if (!r->skip)
			reader_stop(c);
	}
}

/* The follower sees a packet in the server's name. */
static void follow(struct connection *c, const struct range *r)
{
	struct pst_src src = {.bytes = r->bytes, .len = r->len};
	struct pst_packet p = {.seq = c->isn + r->at,
			       .len = r->len,
			       .accepted = c->isn + c->client.next,
			       .ordered = !c->at_client};

	if (!r->len)
		return;
	pst_follow_packet(&c->flow, table, &src, &p);
	assert(!(c->flow.follow & PST_FOLLOW_OPAQUE) || c->switched);
	if (!(c->flow.follow & PST_FOLLOW_LOST))
		assert(pst_flow_due(&c->flow) <= PST_MAX_DUE);
}

static void server_sends(struct connection *c, const char *text, struct input *in)
{
	uint32_t len = (uint32_t)strlen(text), at = c->n_sent;

	if (len > STREAM - c->n_sent)
		return;
	memcpy(c->sent + c->n_sent, text, len);
	c->n_sent += len;
	if (c->at_client)
		return; /* the network decides when it is seen */
	while (at < c->n_sent) {
		uint32_t n = 1 + next_byte(in);

		struct range r = {.at = at};

		n = n < c->n_sent - at ? n : c->n_sent - at;
		r.len = n;
		memcpy(r.bytes, c->sent + at, n);
		follow(c, &r);
		at += n;
	}
}

static const char *const answers[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
};

static const char *const head_answers[] = {
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
	/* A server that gives a HEAD a body, which the client has chosen. */
	"HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 x\r\n\r\nHTTP/1.1 101 x\r\n\r\n",
};

/* The server answers its next request. */
static void server_answers(struct connection *c, struct input *in)
{
	struct reader *r = &c->reader;
	uint32_t bit = 1U << (c->answers & (PST_MAX_DUE - 1)), how = next_byte(in);

	if (c->answers == r->requests || r->switched || c->n_sent > STREAM - 128)
		return;
	now_us++;
	c->answers++;
	if (r->upgrade_bits & bit && how & 1) {
		r->switched = c->switched = true;
		server_sends(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n", in);
		return;
	}
	if (r->upgrade_bits & bit)
		r->stuck = false; /* refused */
	if (r->head_bits & bit) {
		how %= sizeof(head_answers) / sizeof(*head_answers);
		c->lies |= how > 0;
		server_sends(c, head_answers[how], in);
	} else {
		server_sends(c, answers[how % 4], in);
	}
	server_reads(c);
}

/* At the client the answers come in any order, some twice, some never. */
static void network_delivers(struct connection *c, struct input *in)
{
	uint32_t how = next_byte(in), at = next_byte(in) * 4, len = 1 + next_byte(in);
	struct range r;

	if (how & 1)
		at = c->client.next;
	else if (how & 2)
		at = c->flow.followed - c->isn;
	if (!c->at_client || at >= c->n_sent)
		return;
	r = (struct range){.at = at, .len = len < c->n_sent - at ? len : c->n_sent - at};
	memcpy(r.bytes, c->sent + r.at, r.len);
	follow(c, &r);
	arrive(&c->client, &r, how >> 2);
}

/*
 * What somebody forges in the server's name, and the client's TCP discards: the follower must not
 * believe in another protocol for it, and what it counts is nobody's any more.
 */
static void network_forges(struct connection *c, struct input *in)
{
	static const char *const forged[] = {"HTTP/1.1 101 x\r\n\r\n", "HTTP/1.1 101 x\r\n",
					     "HTTP/1.1 204 x\r\n\r\n", "\r\n\r\n"};
	uint32_t how = next_byte(in), at = next_byte(in) * 4;
	const char *text = forged[how >> 2 & 3];
	struct range r = {.at = at, .len = (uint32_t)strlen(text)};

	if (how & 1)
		r.at = c->client.next;
	else if (how & 2)
		r.at = c->flow.followed - c->isn;
	if (!c->at_client || r.at > STREAM)
		return;
	memcpy(r.bytes, text, r.len);
	follow(c, &r);
}

/* Remembers what was judged in packet R, FROM .. TO of the stream. */
static void remember(struct connection *c, const struct range *r, uint32_t from, uint32_t to)
{
	for (uint32_t k = from; k < to && k < STREAM; k++) {
		if (k < r->at || k >= r->at + r->len)
			continue;
		c->judged[k] = r->bytes[k - r->at];
		c->is_judged[k] = true;
	}
}

static struct range pick(struct connection *c, struct input *in)
{
	uint32_t how = next_byte(in), judged = c->flow.judged - c->isn;
	struct range r = {.at = next_byte(in) * 8 + (how >> 5)};
	uint32_t len = 1 + next_byte(in), turn = next_byte(in) * 4;

	if (how & 1)
		r.at = judged;
	else if (how & 2)
		r.at = c->tcp.next;
	if (how & 4)
		len *= 8;
	if (c->at_client) { /* the client's kernel sends one stream, in order, and repeats it */
		r.at = how & 1 || r.at > judged ? judged : r.at;
		turn = STREAM;
		how &= ~16U;
	}
	if (r.at >= c->stream_len)
		return r;
	r.len = len < c->stream_len - r.at ? len : c->stream_len - r.at;
	for (uint32_t i = 0; i < r.len; i++)
		r.bytes[i] = c->streams[!!(how & 16) ^ (i >= turn)][r.at + i];
	return r;
}

/* What the server gets of a connection with a denied request, which waits for its answer. */
static uint32_t rule_on(struct connection *c, const struct pst_src *src, const struct pst_packet *p)
{
	uint32_t action;

	if (c->denied)
		return pst_judge_denied(&c->flow, src, p) >> 8;
	action = pst_judge_packet(&c->flow, table, src, p) >> 8;
	assert(!c->at_client || action != PST_ACTION_CUT);
	c->denied = action == PST_ACTION_DENY || action == PST_ACTION_CUT;
	return action;
}

/* False when the connection has ended. */
static bool client_sends(struct connection *c, struct input *in)
{
	struct pst_flow *f = &c->flow;
	uint32_t fate = next_byte(in), before = f->judged - c->isn, action;
	struct range r = pick(c, in);
	struct pst_src src = {.bytes = r.bytes, .len = r.len};
	struct pst_packet p = {.seq = c->isn + r.at,
			       .len = r.len,
			       .accepted = c->isn + c->tcp.next,
			       .ordered = c->at_client,
			       .renew = fate >> 7};

	if (!r.len)
		return true;
	if (c->at_client)
		pst_follow_confirm(f, c->isn + c->client.next);
	assert(!(f->follow & PST_FOLLOW_OPAQUE) || c->switched);
	action = rule_on(c, &src, &p);
	assert(pst_seq_diff(f->judged, p.accepted) <= PST_JUDGE_MAX_WINDOW || c->at_client);
	if (!(f->follow & PST_FOLLOW_OPAQUE))
		remember(c, &r, before, f->judged - c->isn);
	if (action == PST_ACTION_PASS)
		arrive(&c->tcp, &r, fate);
	server_reads(c);
	return c->denied || action == PST_ACTION_PASS || action == PST_ACTION_DROP;
}

static void build_streams(struct connection *c, struct input *in)
{
	uint32_t n = 1 + next_byte(in) % 24, len[2] = {0};

	for (uint32_t i = 0; i < 2 * n; i++) {
		const char *piece = pieces[next_byte(in) % PIECES];
		uint32_t add = (uint32_t)strlen(piece), which = i & 1;

		if (add > STREAM - len[which])
			continue;
		memcpy(c->streams[which] + len[which], piece, add);
		len[which] += add;
	}
	c->stream_len = len[0] > len[1] ? len[0] : len[1];
}

static void check_end(struct connection *c)
{
	const struct pst_flow *f = &c->flow;

	while (c->tcp.n_late)
		take_late(&c->tcp, 0);
	server_reads(c);
	if (f->follow & PST_FOLLOW_LOST || c->lies || c->at_client)
		return;
	assert(f->responses == c->answers);
	assert(!!(f->follow & PST_FOLLOW_OPAQUE) == c->switched);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	table = fuzz_rules_table(policy);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct connection connection;
	struct connection *c = &connection;
	struct input in = {.at = data, .end = data + size};
	uint32_t mode = next_byte(&in);
	bool alive = true;

	memset(c, 0, sizeof(*c));
	memset(c->streams, 'x', sizeof(c->streams));
	c->at_client = mode & 1;
	c->tcp.newest_wins = mode & 2;
	c->isn = mode & 4 ? 0U - next_byte(&in) * 4 : mode << 20;
	c->flow.flags = PST_FLOW_STREAM_KNOWN;
	c->flow.judged = c->flow.followed = c->isn;
	build_streams(c, &in);
	for (int i = 0; i < OPS && alive && in.at < in.end; i++) {
		uint32_t op = next_byte(&in);

		if (op % 8 < 4)
			alive = client_sends(c, &in);
		else if (op % 8 == 4 && c->tcp.n_late)
			take_late(&c->tcp, op / 8 % c->tcp.n_late);
		else if (op % 8 == 5)
			server_answers(c, &in);
		else if (op % 8 == 6 && op < 192)
			network_delivers(c, &in);
		else if (op % 8 == 6)
			network_forges(c, &in);
		else if (op & 8)
			shards[op >> 4 & (PST_RAW_SHARDS - 1)].taken += PST_RAW_SLOTS;
		else
			shard_here = op >> 4;
		server_reads(c);
	}
	check_end(c);
	return 0;
}
