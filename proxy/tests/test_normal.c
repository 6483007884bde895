// SPDX-License-Identifier: Apache-2.0
/* Paths in normal form: what becomes of each, and that nothing else is judged or sent. */
#include "proxy/normal.h"

#include "bpf/abi.h"
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/explain.h"
#include "proxy/tests/h2_peer.h"
#include "proxy/tests/world.h"

enum { LONGEST = 4096, LEAST_VECTORS = 60, ROUNDS = 30000 };

/* A line of testdata/http/normal.md: "mode target -> outcome [target]". */
struct vector {
	enum pst_normal mode;
	char target[256], outcome[64], becomes[256];
};

static enum pst_normal mode_of(const char *word)
{
	static const char *const words[] = {"off", "redirect", "reject", "keep"};

	for (int i = 0; i < 4; i++) {
		if (!strcmp(words[i], word))
			return (enum pst_normal)i;
	}
	cr_assert_fail("no mode: %s", word);
	return PST_NORMAL_OFF;
}

static bool read_vector(const char *line, struct vector *v)
{
	char mode[16];

	v->becomes[0] = '\0';
	if (line[0] != '|' || sscanf(line, "| %15[a-z] | `%255[^`]` | %63[a-z0-9-] | `%255[^`]` |",
				     mode, v->target, v->outcome, v->becomes) < 3)
		return false;
	if (!strcmp(mode, "mode"))
		return false;
	v->mode = mode_of(mode);
	return true;
}

static struct t_world world;

static struct t_h2 *ask_h2(const struct vector *v, struct t_h2_stream **ret_stream)
{
	char head[512];
	struct t_h2 *t = t_h2_new(&world);

	snprintf(head, sizeof(head), ":method: GET\n:scheme: http\n:authority: b\n:path: %s\n",
		 v->target);
	*ret_stream = t_h2_ask(t, head, 0);
	return t;
}

static bool holds(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what));
}

/* The same target by HTTP/1.1, cut at STEP: what the server gets, what the client hears. */
static void try_http1(const struct vector *v, size_t step)
{
	char request[512], line[512];
	struct t_stage s;
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: b\r\n\r\n", v->target);

	t_stage_begin(&s, &world);
	t_stage_send(&s, PST_CLIENT, request, (size_t)n, step);
	cr_assert_eq(s.n_events, 1, "%s: %zu events", v->target, s.n_events);
	if (!strcmp(v->outcome, "allow")) {
		n = snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\nHost: b\r\n\r\n", v->becomes);
		cr_expect(s.events[0].allowed, "%s: %s", v->target,
			  pst_explain_reason_name(s.events[0].reason));
		cr_expect(s.n_out[PST_SERVER] == (size_t)n &&
				  !memcmp(s.out[PST_SERVER], line, (size_t)n),
			  "%s by %zu: the server got %.*s", v->target, step,
			  (int)s.n_out[PST_SERVER], s.out[PST_SERVER]);
	} else {
		cr_expect_str_eq(pst_explain_reason_name(s.events[0].reason), v->outcome, "%s: %s",
				 v->target, pst_explain_reason_name(s.events[0].reason));
		cr_expect_eq(s.n_out[PST_SERVER], 0, "%s: the server heard of it", v->target);
	}
	if (!strcmp(v->outcome, "target-redirected")) {
		snprintf(line, sizeof(line), "\r\nlocation: %s\r\n", v->becomes);
		cr_expect(holds(s.out[PST_CLIENT], s.n_out[PST_CLIENT], "HTTP/1.1 307 "));
		cr_expect(holds(s.out[PST_CLIENT], s.n_out[PST_CLIENT], line), "%s: %.*s",
			  v->target, (int)s.n_out[PST_CLIENT], s.out[PST_CLIENT]);
	}
	t_stage_end(&s);
}

static void try_http2(const struct vector *v)
{
	struct t_h2_stream *s;
	struct t_h2 *t = ask_h2(v, &s);
	char line[512];

	if (!strcmp(v->outcome, "allow")) {
		snprintf(line, sizeof(line),
			 ":method: GET\n:scheme: http\n:authority: b\n:path: %s\n\n", v->becomes);
		cr_expect_eq(t->peer[PST_SERVER].n, 1, "%s", v->target);
		cr_expect_str_eq(t->peer[PST_SERVER].streams[0].head, line);
	} else {
		cr_expect_eq(t->peer[PST_SERVER].n, 0, "%s: the server heard of it", v->target);
		cr_expect_str_eq(pst_explain_reason_name(t_h2_last(t)->reason), v->outcome,
				 "%s over HTTP/2: %s", v->target,
				 pst_explain_reason_name(t_h2_last(t)->reason));
	}
	if (!strcmp(v->outcome, "target-redirected")) {
		snprintf(line, sizeof(line), ":status: 307\nlocation: %s\n\n", v->becomes);
		cr_expect_str_eq(s->head, line);
	}
	t_h2_free(t);
}

Test(normal, every_vector_is_judged_and_sent_in_normal_form_over_both_versions)
{
	FILE *f = fopen("testdata/http/normal.md", "r");
	char line[1024];
	struct vector v;
	size_t n = 0;

	cr_assert(f);
	t_world_load(&world, "testdata/http/policy.yaml");
	while (fgets(line, sizeof(line), f)) {
		if (!read_vector(line, &v))
			continue;
		pst_ruler_set_normal(world.ruler, v.mode);
		for (size_t step = 0; step < 8; step++)
			try_http1(&v, step);
		try_http2(&v);
		n++;
	}
	fclose(f);
	t_world_fini(&world);
	cr_assert_geq(n, LEAST_VECTORS, "only %zu vectors", n);
}

/* A target made of what normalising is about. */
static size_t make_target(unsigned int *seed, char *out, size_t max)
{
	static const char *const pieces[] = {"/",   "/",   ".",	  "..",	  "\\",	 "%2F", "%2f",
					     "%5C", "%2e", "%2E", "%25",  "2f",	 "%61", "%7E",
					     "a",   "b;x", ";",	  "..;x", "%41", "%00", "%zz",
					     "%",   "?",   "#",	  "%3F",  "~"};
	size_t n = 1, k = (size_t)rand_r(seed) % 12;

	out[0] = '/';
	for (size_t i = 0; i < k; i++) {
		const char *p = pieces[(size_t)rand_r(seed) % (sizeof(pieces) / sizeof(*pieces))];
		size_t len = strlen(p);

		if (n + len > max)
			break;
		memcpy(out + n, p, len);
		n += len;
	}
	return n;
}

/* Does the target that was sent hold what a server might read otherwise than the rules did? */
static void check_form(enum pst_normal mode, const char *target)
{
	char path[LONGEST];
	size_t n = strcspn(target, "?");
	bool kept;

	snprintf(path, sizeof(path), "%.*s", (int)n, target);
	cr_assert_eq(path[0], '/');
	kept = strstr(path, "%2F") || strstr(path, "%2f") || strstr(path, "%5C");
	cr_assert(!strstr(path, "//"), "%s", target);
	cr_assert(!strstr(path, "/../") && !strstr(path, "/./"), "%s", target);
	cr_assert(n < 3 || strcmp(path + n - 3, "/..") != 0, "%s", target);
	cr_assert(n < 2 || strcmp(path + n - 2, "/.") != 0, "%s", target);
	cr_assert(!strchr(path, '\\') && !strcasestr(path, "%2e"), "%s", target);
	cr_assert(!kept || mode == PST_NORMAL_KEEP, "%s", target);
	/* Nor what is such a segment when slashes are decoded. */
	for (char *at; (at = strcasestr(path, "%2f")) || (at = strcasestr(path, "%5c"));) {
		*at = '/';
		memmove(at + 1, at + 3, strlen(at + 3) + 1);
	}
	cr_assert(!strstr(path, "/../") && !strstr(path, "/./") && !strstr(path, "/..;"), "%s",
		  target);
}

/* Sends TARGET to a server of which everything is allowed. What it, or the client, is told. */
static bool send_target(const char *target, char *ret_got, bool *ret_redirected)
{
	char head[LONGEST + 64], *got, *end;
	struct t_stage s;
	int n = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: b\r\n\r\n", target);
	enum pst_side to;

	t_stage_begin(&s, &world);
	t_stage_send(&s, PST_CLIENT, head, (size_t)n, 0);
	*ret_redirected = t_stage_last(&s)->reason == PST_REASON_REDIRECTED;
	to = *ret_redirected ? PST_CLIENT : PST_SERVER;
	if (!s.n_out[to]) {
		t_stage_end(&s);
		return false;
	}
	got = memmem(s.out[to], s.n_out[to], *ret_redirected ? "location: " : "GET ",
		     *ret_redirected ? 10 : 4);
	cr_assert(got, "%s", target);
	got = strchr(got, ' ') + 1;
	end = got + strcspn(got, " \r");
	snprintf(ret_got, LONGEST, "%.*s", (int)(end - got), got);
	t_stage_end(&s);
	return true;
}

static void try_target(enum pst_normal mode, const char *target)
{
	char once[LONGEST], twice[LONGEST], got[LONGEST];
	size_t len = strlen(target);
	struct pst_normal_result r;
	bool redirected;

	memcpy(once, target, len + 1);
	r = pst_normal_target(mode, once, len);
	len -= r.cut;
	once[len] = '\0';
	memcpy(twice, once, len + 1);
	cr_assert_eq(pst_normal_target(mode, twice, len).cut, 0, "%s, then %s", target, once);
	cr_assert_str_eq(twice, once);
	pst_ruler_set_normal(world.ruler, mode);
	if (!send_target(target, got, &redirected))
		return;
	cr_assert_str_eq(got, once, "%s", target);
	cr_assert_eq(redirected, r.redirect, "%s", target);
	check_form(mode, got);
	cr_assert(!strchr(target, '?') == !strchr(got, '?'));
	cr_assert(!strchr(got, '?') || !strcmp(strchr(target, '?'), strchr(got, '?')), "%s: %s",
		  target, got);
}

Test(normal, what_is_sent_has_one_form_and_to_normalise_it_again_changes_nothing)
{
	unsigned int seed = 7;
	char target[LONGEST];

	t_world_rules(&world, "        - {}\n");
	for (int i = 0; i < ROUNDS; i++) {
		target[make_target(&seed, target, sizeof(target) - 64)] = '\0';
		try_target((enum pst_normal)(1 + i % 3), target);
	}
	t_world_fini(&world);
}

static void expect_line(const char *line, const char *becomes)
{
	char bytes[256];
	size_t len = strlen(line);
	struct pst_normal_result r;

	memcpy(bytes, line, len + 1);
	r = pst_normal_line(PST_NORMAL_REDIRECT, bytes, len);
	cr_expect_str_eq(bytes + r.cut, becomes);
}

Test(normal, what_is_no_request_line_stays_as_it_is)
{
	expect_line("GET /a/../b HTTP/1.1\r\n", "GET /b HTTP/1.1\r\n");
	expect_line("GET /a/../b\r\nX: /c/../d e\r\n", "GET /b\r\nX: /c/../d e\r\n");
	expect_line("GET /a/../b HTTP/1.1", "GET /a/../b HTTP/1.1");
	expect_line("GET * HTTP/1.1\r\n/../", "GET * HTTP/1.1\r\n/../");
	expect_line("GET http://a//b/../c HTTP/1.1\r\n", "GET http://a//b/../c HTTP/1.1\r\n");
	expect_line("GET\r\n /a/../b\r\n", "GET\r\n /a/../b\r\n");
	expect_line("\r\n", "\r\n");
}

Test(normal, a_line_is_waited_for_as_long_as_one_may_come)
{
	char line[PST_MAX_TARGET + 100];

	memset(line, 'A', sizeof(line));
	cr_expect(!pst_normal_is_ready(line, 1));
	cr_expect(!pst_normal_is_ready(line, PST_MAX_TARGET));
	cr_expect(pst_normal_is_ready(line, sizeof(line)));
	cr_expect(pst_normal_is_ready("get", 3), "the core refuses it by name");
	cr_expect(pst_normal_is_ready("\x16\x03\x01", 3), "a client of TLS");
}

/* The verdict of one head, and what the server got of it. */
struct outcome {
	enum pst_reason reason;
	size_t n;
	char sent[256];
};

static struct outcome try_head(const char *head, size_t len, size_t step)
{
	struct outcome o = {.n = 0};
	struct t_stage s;

	t_stage_begin(&s, &world);
	t_stage_send(&s, PST_CLIENT, head, len, step);
	cr_assert_eq(s.n_events, 1, "%zu events of %.40s by %zu", s.n_events, head, step);
	cr_assert_leq(s.n_out[PST_SERVER], sizeof(o.sent));
	o.reason = s.events[0].reason;
	o.n = s.n_out[PST_SERVER];
	memcpy(o.sent, s.out[PST_SERVER], o.n);
	t_stage_end(&s);
	return o;
}

static void expect_cuts_alike(const char *head, size_t len, enum pst_reason reason)
{
	struct outcome whole = try_head(head, len, 0);

	cr_expect_eq(whole.reason, reason, "%.40s: %s", head,
		     pst_explain_reason_name(whole.reason));
	for (size_t step = 1; step < len; step = step < 16 ? step + 1 : step * 8) {
		struct outcome o = try_head(head, len, step);

		cr_expect_eq(o.reason, whole.reason, "%.40s by %zu: %s", head, step,
			     pst_explain_reason_name(o.reason));
		cr_expect(o.n == whole.n && !memcmp(o.sent, whole.sent, o.n),
			  "%.40s by %zu: the server got %.*s", head, step, (int)o.n, o.sent);
	}
}

Test(normal, what_becomes_of_a_line_does_not_depend_on_how_it_is_cut)
{
	static const struct {
		const char *head;
		enum pst_reason reason;
	} rows[] = {
		{"`ET /x/..//api/a HTTP/1.1\r\nHost: b\r\n\r\n", PST_REASON_RULE},
		{"7 //api/a HTTP/1.1\r\nHost: b\r\n\r\n", PST_REASON_RULE},
		{"M-SEARCH //api/a HTTP/1.1\r\nHost: b\r\n\r\n", PST_REASON_RULE},
		{"get //api/a HTTP/1.1\r\nHost: b\r\n\r\n", PST_REASON_METHOD},
		{"\r\nGET //api/a HTTP/1.1\r\nHost: b\r\n\r\n", PST_REASON_NOT_HTTP},
		{"GET //api/a\nHost: b\r\n\r\n", PST_REASON_TARGET_SLASHES},
		{"GET //api/a HTTP/1.1\nHost: b\r\n\r\n", PST_REASON_TARGET_SLASHES},
		{"GET //api/a HTTP/1.1\r\r\nHost: b\r\n\r\n", PST_REASON_LINE_END},
	};

	t_world_rules(&world, "        - {path: '/api/.*'}\n");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_REDIRECT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_cuts_alike(rows[i].head, strlen(rows[i].head), rows[i].reason);
	t_world_fini(&world);
}

Test(normal, a_line_that_is_too_long_stays_too_long_however_it_is_cut)
{
	static const char begin[] = "GET /api/", end[] = "a HTTP/1.1\r\nHost: b\r\n\r\n";
	static char head[PST_MAX_TARGET + 256];
	size_t n = sizeof(begin) - 1;

	memcpy(head, begin, n);
	for (; n < PST_MAX_TARGET + 128; n += 2)
		memcpy(head + n, "./", 2);
	memcpy(head + n, end, sizeof(end));
	t_world_rules(&world, "        - {path: '/api/.*'}\n");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_REDIRECT);
	expect_cuts_alike(head, n + sizeof(end) - 1, PST_REASON_TARGET_DOTS);
	t_world_fini(&world);
}

static const char dotted[] = "GET /x/../api/%61 HTTP/1.1\r\nHost: b\r\n\r\n";

Test(normal, each_request_of_a_connection_is_normalised_also_when_they_come_at_once)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char sent[] = "GET /api/a HTTP/1.1\r\nHost: b\r\n\r\n";
	char three[256];
	struct t_stage s;
	int n = snprintf(three, sizeof(three), "%s%s%s", dotted, dotted, dotted);

	t_world_load(&world, "testdata/http/policy.yaml");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_REDIRECT);
	t_stage_begin(&s, &world);
	t_stage_send(&s, PST_CLIENT, three, (size_t)n, 0);
	for (size_t i = 1; i <= 3; i++) {
		cr_assert_eq(s.n_out[PST_SERVER], i * (sizeof(sent) - 1));
		t_stage_text(&s, PST_SERVER, ok);
	}
	cr_assert_str_eq(s.out[PST_SERVER] + s.n_out[PST_SERVER] - strlen(sent), sent);
	t_stage_end(&s);
	t_world_fini(&world);
}

Test(normal, a_line_that_does_not_come_is_a_head_that_does_not_come)
{
	struct t_stage s;
	const char *said;

	t_world_load(&world, "testdata/http/policy.yaml");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_KEEP);
	t_stage_begin(&s, &world);
	t_stage_text(&s, PST_CLIENT, "GET /api");
	cr_expect(pst_pair_is_in_head(s.pair));
	pst_pair_time_out(s.pair);
	cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_TIMEOUT);
	cr_expect_gt(pst_pair_pending(s.pair, PST_CLIENT, &said), 12);
	cr_expect(!memcmp(said, "HTTP/1.1 403", 12));
	t_stage_end(&s);
	t_stage_begin(&s, &world);
	t_stage_text(&s, PST_CLIENT, "GET /api");
	t_stage_close(&s, PST_CLIENT);
	cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_HEAD_CUT);
	t_stage_end(&s);
	t_world_fini(&world);
}

Test(normal, a_redirected_request_with_a_body_ends_the_connection)
{
	struct t_stage s;

	t_world_load(&world, "testdata/http/policy.yaml");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_REDIRECT);
	t_stage_begin(&s, &world);
	t_stage_text(&s, PST_CLIENT,
		     "POST /api%2Fa HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc");
	cr_expect(holds(s.out[PST_CLIENT], s.n_out[PST_CLIENT], "location: /api/a\r\n"));
	cr_expect(holds(s.out[PST_CLIENT], s.n_out[PST_CLIENT], "connection: close\r\n"));
	cr_expect_eq(pst_pair_state(s.pair), PST_PAIR_CLOSING);
	cr_expect_eq(s.n_out[PST_SERVER], 0);
	t_stage_end(&s);
	t_world_fini(&world);
}

Test(normal, a_header_is_added_to_the_request_in_normal_form)
{
	static const char sent[] = "GET /api/a%2Fb HTTP/1.1\r\nHost: b\r\nx-a: b\r\n\r\n";
	struct t_stage s;

	t_world_rules(&world, "        - {path: \"/api/.*\", headerMatches: [{name: X-A, value: b, "
			      "mismatch: ADD}]}\n");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_KEEP);
	t_stage_begin(&s, &world);
	t_stage_text(&s, PST_CLIENT, "GET /y/../api//a%2Fb HTTP/1.1\r\nHost: b\r\n\r\n");
	cr_expect_eq(s.n_out[PST_SERVER], sizeof(sent) - 1, "%.*s", (int)s.n_out[PST_SERVER],
		     s.out[PST_SERVER]);
	cr_expect(!memcmp(s.out[PST_SERVER], sent, sizeof(sent) - 1));
	t_stage_end(&s);
	t_world_fini(&world);
}

Test(normal, a_call_of_grpc_hears_it_in_its_way)
{
	struct t_h2_stream *s;
	struct t_h2 *t;

	t_world_load(&world, "testdata/http/policy.yaml");
	pst_ruler_set_normal(world.ruler, PST_NORMAL_REDIRECT);
	t = t_h2_new(&world);
	s = t_h2_ask(t,
		     ":method: POST\n:scheme: http\n:authority: b\n:path: /api%2Fx\n"
		     "content-type: application/grpc\nte: trailers\n",
		     5);
	cr_expect_str_eq(s->head, ":status: 200\ncontent-type: application/grpc\ngrpc-status: 13\n"
				  "grpc-message: The path has escaped slashes\n\n");
	cr_expect_eq(t->peer[PST_SERVER].n, 0);
	t_h2_free(t);
	t_world_fini(&world);
}
