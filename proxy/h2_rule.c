// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_rule.h"

#include "proxy/core.h"
#include "proxy/h2_head.h"

/* What only the framing of HTTP/1 can say. */
enum {
	FOREIGN = PST_HTTP_CHUNKED | PST_HTTP_UPGRADE | PST_HTTP_LAST | PST_HTTP_CLOSE |
		  PST_HTTP_KEEP_ALIVE | PST_HTTP_OPTION_UPGRADE | PST_HTTP_VERSION_10
};

/* Reads TEXT as a head, which must end where TEXT does; its path may be of ANY_FORM. */
static enum pst_reason read_head(const struct pst_h2_judge *j, const struct pst_text_vec *text,
				 bool any_form, struct pst_http *ret_http)
{
	uint32_t index;
	const struct pst_table *t = pst_ruler_table(j->ruler, j->ruleset, &index);
	struct pst_src src = {.bytes = text->v};
	struct pst_walk w = {.http = ret_http, .table = t, .src = &src, .end = (uint32_t)text->n};

	if (text->n > PST_MAX_HEAD)
		return PST_REASON_HEAD_LONG;
	pst_http_request(ret_http, t, index);
	if (any_form)
		ret_http->flags |= PST_HTTP_ANY_FORM;
	pst_walk_head(&w);
	if (ret_http->state == PST_HTTP_ERROR)
		return ret_http->reason;
	if (ret_http->state != PST_HTTP_DONE || ret_http->stop != text->n ||
	    ret_http->flags & FOREIGN)
		return PST_REASON_H2_MALFORMED;
	return PST_REASON_NONE;
}

/* Does what rules do to headers. The result must still be the same request. */
static enum pst_reason change(const struct pst_h2_judge *j, const struct pst_text_vec *text,
			      const struct pst_http *before, const struct pst_ruler_answer *a,
			      struct pst_text_vec *out)
{
	struct pst_http after;

	if (pst_rewrite(text->v, text->n, a->actions, a->n_actions, out))
		return PST_REASON_NO_STATE;
	if (read_head(j, out, before->flags & PST_HTTP_ANY_FORM, &after) ||
	    after.flags != before->flags || after.length != before->length ||
	    after.method != before->method)
		return PST_REASON_REWRITE;
	return PST_REASON_NONE;
}

static struct pst_normal_result normalise(const struct pst_h2_judge *j, struct pst_text_vec *text)
{
	struct pst_normal_result r = pst_normal_line(pst_ruler_normal(j->ruler), text->v, text->n);

	text->n -= r.cut;
	memmove(text->v, text->v + r.cut, text->n);
	return r;
}

void pst_h2_judge(const struct pst_h2_judge *j, struct pst_text_vec *text,
		  struct pst_h2_verdict *ret_verdict)
{
	struct pst_h2_verdict v = {.rule = UINT32_MAX};
	struct pst_ruler_answer answer;
	struct pst_http http = {.method = PST_METHOD_OTHER};
	const struct pst_normal_result form = normalise(j, text);

	v.reason = read_head(j, text, form.kept || pst_ruler_is_any_form(j->ruler), &http);
	v.head = http.method == PST_METHOD_HEAD;
	v.no_body = v.head || http.method == PST_METHOD_GET;
	v.is_read = !v.reason;
	if (v.is_read) {
		pst_ruler_ask(j->ruler, j->ruleset, &http, text->v, &answer);
		v.allowed = answer.allowed;
		v.reason = answer.reason;
		v.rule = answer.rule;
		v.mismatches = answer.mismatches;
		v.n_mismatches = answer.n_mismatches;
	}
	if (v.allowed && form.redirect) {
		v.allowed = false;
		v.redirect = true;
		v.reason = PST_REASON_REDIRECTED;
	}
	if (v.allowed && answer.n_actions) {
		enum pst_reason refused = change(j, text, &http, &answer, &v.changed);

		v.allowed = !refused;
		v.reason = refused ? refused : v.reason;
	}
	if (!v.allowed)
		pst_vec_free(&v.changed);
	*ret_verdict = v;
}

void pst_h2_pass(const struct pst_text_vec *text, struct pst_h2_verdict *ret_verdict)
{
	static const char head[] = "HEAD ";

	*ret_verdict = (struct pst_h2_verdict){
		.allowed = true,
		.rule = UINT32_MAX,
		.head = text->n >= sizeof(head) - 1 && !memcmp(text->v, head, sizeof(head) - 1),
	};
}

/* The core reads them where HTTP/1.1 has them: behind the last chunk of a request. */
static enum pst_reason read_trailers(const struct pst_h2_judge *j, const struct pst_text_vec *text)
{
	static const char head[] =
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
	uint32_t index;
	const struct pst_table *t = pst_ruler_table(j->ruler, j->ruleset, &index);
	struct pst_src src = {.bytes = head};
	struct pst_http http;
	struct pst_walk w = {.http = &http, .table = t, .src = &src, .end = sizeof(head) - 1};

	pst_http_request(&http, t, index);
	pst_walk_head(&w);
	if (http.state != PST_HTTP_DONE)
		return PST_REASON_IMPOSSIBLE;
	pst_http_resume(&http);
	src.bytes = text->v;
	w.off = 0;
	w.end = (uint32_t)text->n;
	pst_walk_head(&w);
	if (http.state == PST_HTTP_ERROR)
		return http.reason;
	return http.state == PST_HTTP_DONE && http.stop == text->n ? PST_REASON_NONE
								   : PST_REASON_H2_MALFORMED;
}

enum pst_reason pst_h2_judge_trailers(const struct pst_h2_judge *j,
				      const struct pst_text_vec *lines)
{
	struct pst_text_vec text = {.v = NULL};
	enum pst_reason reason = PST_REASON_NO_STATE;

	if (!pst_text_append(&text, "0\r\n", 3) && !pst_text_append(&text, lines->v, lines->n) &&
	    !pst_text_append(&text, "\r\n", 2))
		reason = read_trailers(j, &text);
	if (!reason && pst_ruler_is_trailer_asked(j->ruler, j->ruleset, text.v, text.n))
		reason = PST_REASON_TRAILER;
	pst_vec_free(&text);
	return reason;
}
