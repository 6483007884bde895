// SPDX-License-Identifier: Apache-2.0
#include "proxy/ruler.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/explain.h"
#include "proxy/tests/world.h"

/* What the server gets of TEXT under RULES; "" when it is denied, with the reason in *RET_REASON.
 */
static const char *sent(const char *rules, const char *text, enum pst_reason *ret_reason)
{
	static char got[4096];
	struct t_world w;
	struct t_stage s;

	t_world_rules(&w, rules);
	t_stage_begin(&s, &w);
	t_stage_text(&s, PST_CLIENT, text);
	snprintf(got, sizeof(got), "%.*s", (int)s.n_out[PST_SERVER], s.out[PST_SERVER]);
	*ret_reason = t_stage_last(&s)->reason;
	t_stage_end(&s);
	t_world_fini(&w);
	return got;
}

static void expect_sent(const char *rules, const char *text, const char *wanted)
{
	enum pst_reason reason;
	const char *got = sent(rules, text, &reason);

	cr_expect_str_eq(got, wanted, "%s\nexpected \"%s\",\nfound \"%s\" (%s)", rules, wanted, got,
			 pst_explain_reason_name(reason));
}

static void expect_denied(const char *rules, const char *text, enum pst_reason wanted)
{
	enum pst_reason reason;
	const char *got = sent(rules, text, &reason);

	cr_expect_str_eq(got, "");
	cr_expect_str_eq(pst_explain_reason_name(reason), pst_explain_reason_name(wanted), "%s",
			 rules);
}

#define REQUEST(fields) "GET /a HTTP/1.1\r\nHost: b\r\n" fields "\r\n"
#define ACTION(what)                                                                \
	"        - {path: /a, headerMatches: [{mismatch: " what ", name: X-Token, " \
	"value: good}]}\n"

Test(actions, add_appends_a_line_unless_the_header_is_right)
{
	expect_sent(ACTION("ADD"), REQUEST(""), REQUEST("x-token: good\r\n"));
	expect_sent(ACTION("ADD"), REQUEST("X-Token: bad\r\n"),
		    REQUEST("X-Token: bad\r\nx-token: good\r\n"));
	expect_sent(ACTION("ADD"), REQUEST("X-Token:  good \r\n"), REQUEST("X-Token:  good \r\n"));
	expect_sent(ACTION("ADD"), REQUEST("X-Token: goods\r\n"),
		    REQUEST("X-Token: goods\r\nx-token: good\r\n"));
}

Test(actions, delete_takes_all_lines_unless_the_header_is_right)
{
	expect_sent(ACTION("DELETE"), REQUEST("X-Token: a\r\nY: z\r\nx-tOKEN: good\r\n"),
		    REQUEST("Y: z\r\n"));
	expect_sent(ACTION("DELETE"), REQUEST("X-Token: good\r\n"), REQUEST("X-Token: good\r\n"));
	expect_sent(ACTION("DELETE"), REQUEST("Y: z\r\n"), REQUEST("Y: z\r\n"));
	expect_sent(ACTION("DELETE"), REQUEST("X-Tokens: a\r\n"), REQUEST("X-Tokens: a\r\n"));
}

Test(actions, replace_leaves_one_right_line)
{
	expect_sent(ACTION("REPLACE"), REQUEST("X-Token: a\r\nY: z\r\nX-Token: b\r\n"),
		    REQUEST("Y: z\r\nx-token: good\r\n"));
	expect_sent(ACTION("REPLACE"), REQUEST(""), REQUEST("x-token: good\r\n"));
	expect_sent(ACTION("REPLACE"), REQUEST("X-Token: good\r\n"), REQUEST("X-Token: good\r\n"));
}

Test(actions, log_changes_nothing)
{
	expect_sent(ACTION("LOG"), REQUEST("X-Token: bad\r\n"), REQUEST("X-Token: bad\r\n"));
}

/* The names of one kind. */
static void print_told(const struct pst_pair_event *event, bool missing, FILE *out)
{
	for (size_t i = 0; i < event->n_mismatches; i++) {
		if (event->mismatches[i].is_missing == missing)
			fprintf(out, "%s ", event->mismatches[i].name);
	}
}

/* The headers that the event of TEXT names, "missing / rejected". */
static void expect_told(const char *rules, const char *text, const char *wanted)
{
	struct t_world w;
	struct t_stage s;
	char *told = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&told, &len);

	cr_assert(out);
	t_world_rules(&w, rules);
	pst_ruler_name_rules(w.ruler, true, NULL);
	t_stage_begin(&s, &w);
	t_stage_text(&s, PST_CLIENT, text);
	print_told(t_stage_last(&s), true, out);
	fputs("/ ", out);
	print_told(t_stage_last(&s), false, out);
	fclose(out);
	cr_expect_str_eq(told, wanted, "%s%s: \"%s\"", rules, text, told);
	free(told);
	t_stage_end(&s);
	t_world_fini(&w);
}

Test(actions, what_log_wants_in_vain_is_told)
{
	expect_told(ACTION("LOG"), REQUEST("X-Token: good\r\n"), "/ ");
	expect_told(ACTION("LOG"), REQUEST("X-Token: bad\r\n"), "/ x-token ");
	expect_told(ACTION("LOG"), REQUEST("X-Token: good\r\nX-Token: bad\r\n"), "/ x-token ");
	expect_told(ACTION("LOG"), REQUEST(""), "x-token / ");
	expect_told("        - {headerMatches: [{mismatch: LOG, name: A}, {mismatch: LOG, name: "
		    "Host, value: c}]}\n",
		    REQUEST("a:\r\n"), "/ host ");
}

Test(actions, log_of_every_rule_that_matches_is_told_whoever_decides_the_set)
{
	static const char rules[] = "        - {path: /a}\n" ACTION(
		"LOG") "        - {path: '/[ab]', headerMatches: [{mismatch: LOG, name: W}, "
		       "{mismatch: LOG, name: X-Token, value: bad}]}\n"
		       "        - {path: /b, headerMatches: [{mismatch: LOG, name: Z}]}\n";
	char with_action[1024];

	expect_told(rules, REQUEST("X-Token: bad\r\n"), "w / x-token ");
	snprintf(with_action, sizeof(with_action),
		 "%s        - {path: /b, headerMatches: [{mismatch: ADD, name: V, value: c}]}\n",
		 rules);
	expect_told(with_action, REQUEST("X-Token: bad\r\n"), "w / x-token ");
}

Test(actions, what_actions_change_is_told_as_it_came)
{
	expect_told(ACTION("ADD"), REQUEST(""), "x-token / ");
	expect_told(ACTION("REPLACE"), REQUEST("X-Token: bad\r\n"), "/ x-token ");
	expect_told(ACTION("DELETE"), REQUEST("X-Token: bad\r\n"), "/ x-token ");
	expect_told(ACTION("DELETE"), REQUEST(""), "/ ");
	expect_told(ACTION("ADD"), REQUEST("X-Token: good\r\n"), "/ ");
}

Test(actions, what_looks_like_a_header_of_logs_is_another_header)
{
	expect_told(ACTION("LOG"), REQUEST("X_Token: good\r\n"), "x-token / ");
	expect_sent(ACTION("LOG"), REQUEST("X_Token: good\r\n"), REQUEST("X_Token: good\r\n"));
}

Test(actions, of_many_headers_some_are_told_and_of_a_denied_request_none)
{
	expect_told("        - {headerMatches: [{mismatch: LOG, name: H1}, {mismatch: LOG, name: "
		    "H2}, {mismatch: LOG, name: H3}, {mismatch: LOG, name: H4}, {mismatch: LOG, "
		    "name: H5}, {mismatch: LOG, name: H6}, {mismatch: LOG, name: H7}, {mismatch: "
		    "LOG, name: H8}, {mismatch: LOG, name: H9}]}\n",
		    REQUEST(""), "h1 h2 h3 h4 h5 h6 h7 h8 / ");
	expect_told("        - {path: /b, headerMatches: [{mismatch: LOG, name: H1}]}\n",
		    REQUEST(""), "/ ");
}

Test(actions, every_rule_that_matches_acts)
{
	const char *rules = ACTION("REPLACE") "        - {path: '/[ab]', headerMatches: "
					      "[{mismatch: ADD, name: W, value: '1'}]}\n"
					      "        - {path: /b, headerMatches: "
					      "[{mismatch: ADD, name: Z, value: '1'}]}\n"
					      "        - {path: /a}\n";

	expect_sent(rules, REQUEST("X-Token: bad\r\n"), REQUEST("x-token: good\r\nw: 1\r\n"));
}

Test(actions, a_rule_that_does_not_match_does_nothing)
{
	const char *rules = "        - {path: /a, headers: ['Q: 1'], headerMatches: "
			    "[{mismatch: ADD, name: W, value: '1'}]}\n"
			    "        - {method: GET}\n";

	expect_sent(rules, REQUEST(""), REQUEST(""));
	expect_sent(rules, REQUEST("q: 1\r\n"), REQUEST("q: 1\r\nw: 1\r\n"));
}

Test(actions, a_request_that_no_rule_matches_is_denied)
{
	expect_denied(ACTION("ADD"), "GET /b HTTP/1.1\r\nHost: b\r\n\r\n", PST_REASON_NO_RULE_L7);
}

Test(actions, a_body_follows_a_changed_head)
{
	expect_sent(ACTION("ADD"), "POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc",
		    "POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\nx-token: good\r\n\r\nabc");
}

/* An action must not make another request of it. */
Test(actions, what_would_change_the_framing_is_refused)
{
	static const char *const rules[] = {
		"        - {path: /a, headerMatches: [{mismatch: ADD, name: Content-Length, value: '3'}]}\n",
		"        - {path: /a, headerMatches: [{mismatch: ADD, name: Transfer-Encoding, value: chunked}]}\n",
		"        - {path: /a, headerMatches: [{mismatch: REPLACE, name: Connection, value: close}]}\n",
		"        - {path: /a, headerMatches: [{mismatch: ADD, name: Content_Length, value: '3'}]}\n",
		"        - {path: /a, headerMatches: [{mismatch: ADD, name: Expect, value: 100-continue}]}\n",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		expect_denied(rules[i], REQUEST(""), PST_REASON_REWRITE);
}

Test(actions, a_look_alike_of_a_changed_header_is_refused)
{
	expect_denied(ACTION("REPLACE"), REQUEST("X_Token: bad\r\n"), PST_REASON_JUDGED_ALIAS);
	expect_denied(ACTION("REPLACE"), REQUEST("X.Token: bad\r\n"), PST_REASON_JUDGED_ALIAS);
}

Test(actions, a_changed_header_must_not_come_in_a_trailer)
{
	const char *head = "POST /a HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
	static const char *const names[] = {"X-Token", "x_token"};
	struct t_world w;

	t_world_rules(&w, ACTION("REPLACE"));
	for (size_t i = 0; i < 2; i++) {
		struct t_stage s;

		t_stage_begin(&s, &w);
		t_stage_text(&s, PST_CLIENT, head);
		t_stage_text(&s, PST_CLIENT, names[i]);
		t_stage_text(&s, PST_CLIENT, ": bad\r\n\r\n");
		cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_TRAILER, "%s", names[i]);
		cr_expect(!memmem(s.out[PST_SERVER], s.n_out[PST_SERVER], "bad", 3));
		t_stage_end(&s);
	}
	t_world_fini(&w);
}

Test(actions, a_changed_head_has_the_limit_of_any_head)
{
	static char text[PST_MAX_HEAD + 1], rules[] = ACTION("ADD");
	const char *begin = "GET /a HTTP/1.1\r\nHost: b\r\nX: ";
	enum pst_reason reason;

	memset(text, 'v', PST_MAX_HEAD);
	memcpy(text, begin, strlen(begin));
	memcpy(text + PST_MAX_HEAD - 4, "\r\n\r\n", 5);
	sent(rules, text, &reason);
	cr_assert_eq(reason, PST_REASON_REWRITE);
}

/* Sets that do not fit the kernel for other causes. */

#define HUGE "/(?:[ab]*a[ab]{20}|q)"

Test(oversize, a_pattern_over_the_budget_is_matched_by_pcre2)
{
	const char *rules = "        - {path: '" HUGE "'}\n";

	expect_sent(rules, "GET /abbbbbbbbbbbbbbbbbbbb HTTP/1.1\r\nHost: b\r\n\r\n",
		    "GET /abbbbbbbbbbbbbbbbbbbb HTTP/1.1\r\nHost: b\r\n\r\n");
	expect_denied(rules, "GET /bbbbbbbbbbbbbbbbbbbbb HTTP/1.1\r\nHost: b\r\n\r\n",
		      PST_REASON_NO_RULE_L7);
	expect_denied(rules, "GET /abbbbbbbbbbbbbbbbbbbb?x HTTP/1.1\r\nHost: b\r\n\r\n",
		      PST_REASON_NO_RULE_L7);
}

#define EXPLODES "/(?:[ab]*a[ab]{20}|(?:a|aa)+)[bc]"
#define A50	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

Test(oversize, a_match_without_an_answer_is_denied_by_name)
{
	struct t_world w;
	struct t_stage s;

	t_world_rules(&w, "        - {path: '" EXPLODES "'}\n");
	t_stage_begin(&s, &w);
	t_stage_text(&s, PST_CLIENT, "GET /" A50 A50 A50 "x HTTP/1.1\r\nHost: b\r\n\r\n");
	cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_REGEX_LIMIT);
	cr_expect_neq(t_stage_last(&s)->rule, UINT32_MAX, "the rule is named");
	cr_expect_eq(s.n_out[PST_SERVER], 0);
	t_stage_text(&s, PST_CLIENT, "GET /aab HTTP/1.1\r\nHost: b\r\n\r\n");
	cr_expect(t_stage_last(&s)->allowed, "the connection goes on");
	t_stage_end(&s);
	t_world_fini(&w);
}

Test(oversize, another_rule_still_allows_what_one_has_no_answer_to)
{
	const char *rules = "        - {path: '" EXPLODES "'}\n        - {path: '/a*x'}\n";
	const char *text = "GET /" A50 A50 A50 "x HTTP/1.1\r\nHost: b\r\n\r\n";

	expect_sent(rules, text, text);
}

Test(oversize, more_headers_than_slots_are_all_conditions)
{
	const char *rules = "        - {headers: [A, B, C, D, E, F, G, H, 'I: 1']}\n";

	expect_sent(rules, REQUEST("a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni: 1\r\n"),
		    REQUEST("a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni: 1\r\n"));
	expect_denied(rules, REQUEST("a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni: 2\r\n"),
		      PST_REASON_NO_RULE_L7);
}
