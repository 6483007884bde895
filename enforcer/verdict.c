// SPDX-License-Identifier: Apache-2.0
#include "enforcer/verdict.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct pst_verdict_told) <= PIPE_BUF, "a pipe takes it as a whole");

static const bool is_allow[PST_REASON_MAX] = {
#define IS_ALLOW(name, kebab, kind, text) PST_KIND_##kind == PST_KIND_ALLOW,
	PST_REASONS(IS_ALLOW)
#undef IS_ALLOW
};

int pst_verdict_write(int fd, struct pst_verdict_told *v)
{
	ssize_t n;

	v->r.size = (uint32_t)sizeof(v->r) + v->r.head_len;
	n = write(fd, v, v->r.size);
	if (n < 0)
		return -errno;
	return n == (ssize_t)v->r.size ? 0 : -EIO;
}

/* An allowed request has a reason to be allowed, and one that is denied has none. */
static const char *flaw_of_request(const struct pst_verdict_record *v)
{
	const bool allowed = v->outcome == PST_OUTCOME_ALLOWED;

	if (!v->connection || !v->client_port || !v->server_port)
		return "a request of no connection";
	if (allowed ? v->reason != PST_REASON_RULE && v->reason != PST_REASON_RULE_FALLBACK
		    : is_allow[v->reason])
		return "a verdict that its reason is not for";
	if (v->n_wishes > (allowed ? PST_VERDICT_WISHES : 0) || v->status || v->latency_us)
		return "more of a request than there is";
	return NULL;
}

static const char *flaw_of_answer(const struct pst_verdict_record *v)
{
	if (!v->connection || !v->client_port || !v->server_port)
		return "an answer of no connection";
	if (v->outcome != PST_OUTCOME_ALLOWED || v->reason != PST_REASON_REPLY ||
	    v->rule != UINT32_MAX)
		return "an answer that is a verdict";
	if (v->status < 100 || v->status > 999)
		return "an answer without a status";
	return v->head_len || v->n_wishes ? "more of an answer than there is" : NULL;
}

static const char *flaw_of_connection(const struct pst_verdict_record *v)
{
	if (v->outcome == PST_OUTCOME_ALLOWED || is_allow[v->reason])
		return "a connection that was not refused";
	if (v->connection || v->number || v->head_len || v->status || v->latency_us ||
	    v->n_wishes || v->is_h2 || v->ruleset != UINT32_MAX)
		return "more of a connection than there is";
	return NULL;
}

static bool is_padded(const struct pst_verdict_record *v)
{
	static const uint8_t zeros[sizeof(v->pad)];

	return !memcmp(v->pad, zeros, sizeof(zeros));
}

const char *pst_verdict_flaw(const struct pst_verdict_record *v)
{
	if (v->head_len > PST_EVENT_HEAD || v->size != sizeof(*v) + v->head_len || !is_padded(v))
		return "no record";
	if (v->direction > PST_DIR_EGRESS || v->is_h2 > 1 ||
	    v->outcome > (v->layer == PST_LAYER_L3L4 ? PST_OUTCOME_AUDITED : PST_OUTCOME_ALLOWED) ||
	    v->reason == PST_REASON_NONE || v->reason >= PST_REASON_MAX)
		return "words that are none";
	switch (v->layer) {
	case PST_LAYER_L7:
		return flaw_of_request(v);
	case PST_LAYER_ANSWER:
		return flaw_of_answer(v);
	case PST_LAYER_L3L4:
		return flaw_of_connection(v);
	default:
		return "words that are none";
	}
}
