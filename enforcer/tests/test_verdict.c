// SPDX-License-Identifier: Apache-2.0
#include "enforcer/verdict.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static struct pst_verdict_record request(void)
{
	return (struct pst_verdict_record){
		.size = sizeof(struct pst_verdict_record) + 10,
		.policy = 1,
		.connection = 1,
		.rule = UINT32_MAX,
		.head_len = 10,
		.client_port = 1,
		.server_port = 2,
		.layer = PST_LAYER_L7,
		.outcome = PST_OUTCOME_ALLOWED,
		.reason = PST_REASON_RULE_FALLBACK,
		.n_wishes = PST_VERDICT_WISHES,
	};
}

static struct pst_verdict_record answer(void)
{
	struct pst_verdict_record v = request();

	v.size -= 10;
	v.head_len = v.n_wishes = 0;
	v.layer = PST_LAYER_ANSWER;
	v.reason = PST_REASON_REPLY;
	v.status = 200;
	v.latency_us = 5;
	return v;
}

static struct pst_verdict_record refusal(void)
{
	return (struct pst_verdict_record){
		.size = sizeof(struct pst_verdict_record),
		.policy = 1,
		.ruleset = UINT32_MAX,
		.rule = UINT32_MAX,
		.layer = PST_LAYER_L3L4,
		.outcome = PST_OUTCOME_DENIED,
		.reason = PST_REASON_PROXY_LIMIT,
	};
}

#define EXPECT_FLAW(make, change, words)                                                          \
	do {                                                                                      \
		struct pst_verdict_record v = make();                                             \
		const char *flaw;                                                                 \
		change;                                                                           \
		flaw = pst_verdict_flaw(&v);                                                      \
		cr_expect(flaw && !strcmp(flaw, words), "%s: %s", #change, flaw ? flaw : "none"); \
	} while (0)

Test(verdict, what_an_honest_proxy_says_has_no_flaw)
{
	struct pst_verdict_record v = request();

	cr_expect_null(pst_verdict_flaw(&v));
	v.outcome = PST_OUTCOME_DENIED;
	v.reason = PST_REASON_NO_RULE_L7;
	v.n_wishes = 0;
	v.is_h2 = 1;
	cr_expect_null(pst_verdict_flaw(&v));
	v = answer();
	cr_expect_null(pst_verdict_flaw(&v));
	v = refusal();
	cr_expect_null(pst_verdict_flaw(&v));
	v.client_port = 5;
	cr_expect_null(pst_verdict_flaw(&v));
	v.outcome = PST_OUTCOME_AUDITED;
	v.reason = PST_REASON_FALLBACK_GONE;
	cr_expect_null(pst_verdict_flaw(&v));
}

Test(verdict, lengths_must_be_those_of_a_record)
{
	EXPECT_FLAW(request, v.size--, "no record");
	EXPECT_FLAW(request, v.size++, "no record");
	EXPECT_FLAW(request, v.size = 0, "no record");
	EXPECT_FLAW(request, v.size = UINT32_MAX, "no record");
	EXPECT_FLAW(request, v.head_len = PST_EVENT_HEAD + 1;
		    v.size = sizeof(v) + v.head_len, "no record");
	EXPECT_FLAW(request, v.pad[9] = 1, "no record");
}

Test(verdict, words_must_be_some)
{
	static const char words[] = "words that are none";

	EXPECT_FLAW(request, v.layer = PST_LAYER_ANSWER + 1, words);
	EXPECT_FLAW(request, v.direction = 2, words);
	EXPECT_FLAW(request, v.outcome = PST_OUTCOME_AUDITED, words);
	EXPECT_FLAW(answer, v.outcome = PST_OUTCOME_AUDITED, words);
	EXPECT_FLAW(refusal, v.outcome = PST_OUTCOME_AUDITED + 1, words);
	EXPECT_FLAW(request, v.reason = PST_REASON_NONE, words);
	EXPECT_FLAW(request, v.reason = PST_REASON_MAX, words);
	EXPECT_FLAW(request, v.is_h2 = 2, words);
}

Test(verdict, a_request_is_one_of_a_connection_with_a_verdict_and_its_reason)
{
	static const char verdict[] = "a verdict that its reason is not for";

	EXPECT_FLAW(request, v.connection = 0, "a request of no connection");
	EXPECT_FLAW(request, v.client_port = 0, "a request of no connection");
	EXPECT_FLAW(request, v.server_port = 0, "a request of no connection");
	EXPECT_FLAW(request, v.reason = PST_REASON_NO_RULE_L7, verdict);
	EXPECT_FLAW(request, v.reason = PST_REASON_REPLY, verdict);
	EXPECT_FLAW(request, v.outcome = PST_OUTCOME_DENIED; v.n_wishes = 0, verdict);
	EXPECT_FLAW(request, v.outcome = PST_OUTCOME_DENIED;
		    v.reason = PST_REASON_HOST_BAD, "more of a request than there is");
	EXPECT_FLAW(request, v.n_wishes = PST_VERDICT_WISHES + 1,
		    "more of a request than there is");
	EXPECT_FLAW(request, v.status = 200, "more of a request than there is");
	EXPECT_FLAW(request, v.latency_us = 1, "more of a request than there is");
}

Test(verdict, an_answer_has_a_status_and_no_head)
{
	EXPECT_FLAW(answer, v.connection = 0, "an answer of no connection");
	EXPECT_FLAW(answer, v.server_port = 0, "an answer of no connection");
	EXPECT_FLAW(answer, v.outcome = PST_OUTCOME_DENIED, "an answer that is a verdict");
	EXPECT_FLAW(answer, v.reason = PST_REASON_RULE, "an answer that is a verdict");
	EXPECT_FLAW(answer, v.rule = 0, "an answer that is a verdict");
	EXPECT_FLAW(answer, v.status = 99, "an answer without a status");
	EXPECT_FLAW(answer, v.status = 1000, "an answer without a status");
	EXPECT_FLAW(answer, v.head_len = 1; v.size++, "more of an answer than there is");
	EXPECT_FLAW(answer, v.n_wishes = 1, "more of an answer than there is");
}

Test(verdict, a_connection_that_was_not_taken_has_no_requests)
{
	EXPECT_FLAW(refusal, v.outcome = PST_OUTCOME_ALLOWED, "a connection that was not refused");
	EXPECT_FLAW(refusal, v.reason = PST_REASON_L4_ALLOW, "a connection that was not refused");
	EXPECT_FLAW(refusal, v.connection = 1, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.number = 1, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.head_len = 1; v.size++, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.status = 200, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.latency_us = 1, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.n_wishes = 1, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.is_h2 = 1, "more of a connection than there is");
	EXPECT_FLAW(refusal, v.ruleset = 0, "more of a connection than there is");
}

Test(verdict, is_written_as_a_whole_or_not_at_all, .timeout = 30)
{
	struct pst_verdict_told v = {.r = request()};
	size_t written = 0, n = 0;
	int fds[2], r;
	char all[1 << 16];

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	for (v.r.head_len = 1; !(r = pst_verdict_write(fds[1], &v)); n++) {
		written += v.r.size;
		v.r.head_len = (uint16_t)(v.r.head_len * 7 % PST_EVENT_HEAD);
	}
	cr_expect_eq(r, -EAGAIN);
	cr_expect_gt(n, 100);
	for (size_t left = written; left;) {
		ssize_t got = read(fds[0], all, sizeof(all));

		cr_assert_gt(got, 0);
		left -= (size_t)got;
	}
	cr_expect_eq(read(fds[0], all, 1), -1);
	close(fds[0]);
	cr_expect_eq(pst_verdict_write(fds[1] = -1, &v), -EBADF);
}
