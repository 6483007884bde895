// SPDX-License-Identifier: Apache-2.0
/*
 * The golden streams of testdata/http through the proxy: the verdicts and reasons are those of the
 * core alone, whatever the segmentation, and what reaches the server is what was sent.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "bpf/tests/core.h"
#include "bpf/tests/stream.h"
#include "bpf/tests/vectors.h"
#include "compiler/explain.h"
#include "proxy/tests/world.h"

static const char *const files[] = {"testdata/http/requests.md", "testdata/http/streams.md"};

enum { LEAST_VECTORS = 300, N_FILES = sizeof(files) / sizeof(*files) };

/* What the server has got, as the core reads it. */
static struct t_stream read_server(const struct t_stage *s)
{
	struct t_stream stream = {.any_form = pst_ruler_is_any_form(s->world->ruler)};
	const struct pst_src src = {.bytes = (const unsigned char *)s->out[PST_SERVER]};

	stream.table = t_core_table(&stream.ruleset);
	t_stream_feed(&stream, &src, 0, (__u32)s->n_out[PST_SERVER]);
	return stream;
}

/* The client sends a vector; the server answers what has reached it whole. */
static void play(struct t_stage *s, const struct t_vector *v, size_t step)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char switched[] = "HTTP/1.1 101 Switching Protocols\r\n"
				       "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n";
	unsigned int answered = 0;

	for (size_t at = 0; at < v->len && pst_pair_state(s->pair) == PST_PAIR_OPEN;) {
		size_t n = step && v->len - at > step ? step : v->len - at;
		struct t_stream got;

		t_stage_send(s, PST_CLIENT, (const char *)v->bytes + at, n, 0);
		at += n;
		got = read_server(s);
		/* The answer to the last request ends the connection: let all bytes come first. */
		while (answered < got.passed &&
		       (at == v->len || !(got.http.flags & PST_HTTP_LAST)) &&
		       pst_pair_state(s->pair) == PST_PAIR_OPEN) {
			answered++;
			t_stage_text(s, PST_SERVER,
				     got.opaque && answered == got.passed ? switched : ok);
			got = read_server(s);
		}
	}
}

static const char *reason_of(const struct t_stage *s)
{
	for (size_t i = 0; i < s->n_events; i++) {
		if (!s->events[i].allowed)
			return pst_explain_reason_name(s->events[i].reason);
	}
	return pst_explain_reason_name(PST_REASON_RULE);
}

static void try_vector(struct t_world *w, const struct t_vector *v, size_t step)
{
	struct t_stage s;
	struct t_stream got;

	t_stage_begin(&s, w);
	play(&s, v, step);
	/* A vector ends with its first denial; here the connection may go on. */
	if (!strcmp(v->reason, "no-rule-l7"))
		s.n_out[PST_SERVER] = s.before_denial;
	got = read_server(&s);
	cr_expect_str_eq(reason_of(&s), v->reason, "%s by %zu: expected %s, found %s", v->name,
			 step, v->reason, reason_of(&s));
	cr_expect_eq(got.passed, v->passed, "%s by %zu: expected %u to pass, found %u", v->name,
		     step, v->passed, got.passed);
	cr_expect(!got.reason, "%s by %zu: the server got what is refused", v->name, step);
	cr_expect_leq(s.n_out[PST_SERVER], v->len, "%s by %zu", v->name, step);
	cr_expect(!memcmp(s.out[PST_SERVER], v->bytes, s.n_out[PST_SERVER]),
		  "%s by %zu: the server got other bytes", v->name, step);
	if (v->allow && !v->unfinished && !got.opaque)
		cr_expect_eq(s.n_out[PST_SERVER], v->len, "%s by %zu: bytes are missing", v->name,
			     step);
	t_stage_end(&s);
}

/* Not denied here is HTTP/2; of what offers it another head reaches the server (test_offer.c). */
static bool is_otherwise_here(const struct t_vector *v)
{
	return !strcmp(v->name, "http2-preface") ||
	       (!strncmp(v->name, "h2c-offer", strlen("h2c-offer")) &&
		(v->allow || !strcmp(v->reason, "h2c-upgrade")));
}

/* How many vectors the file has. */
static size_t try_file(struct t_world *w, const char *path)
{
	static const size_t steps[] = {0, 1, 2, 3, 7, 13, 64, 100, 1000};
	struct t_vectors all = t_vectors_load(path);
	size_t n = all.n;

	for (size_t i = 0; i < all.n; i++) {
		for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
			if (is_otherwise_here(&all.v[i]))
				continue;
			/* Reading the long ones again after each byte takes for ever. */
			if (steps[k] && all.v[i].len / steps[k] > 5000)
				continue;
			try_vector(w, &all.v[i], steps[k]);
		}
	}
	t_vectors_free(&all);
	return n;
}

Test(vectors, every_golden_stream_gets_the_verdict_of_the_core_at_any_segmentation)
{
	struct t_world w;
	size_t n = 0;

	t_world_load(&w, "testdata/http/policy.yaml");
	for (int f = 0; f < N_FILES; f++)
		n += try_file(&w, files[f]);
	cr_assert_geq(n, LEAST_VECTORS);
	t_world_fini(&w);
}

Test(vectors, every_golden_path_is_judged_as_it_stands_where_any_form_is_allowed)
{
	struct t_world w;

	t_world_load(&w, "testdata/http/policy.yaml");
	pst_ruler_set_any_form(w.ruler, true);
	cr_assert_geq(try_file(&w, "testdata/http/paths.md"), 10);
	t_world_fini(&w);
}
