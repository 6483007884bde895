// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lint/walk.h"

/* The traps of headers and headerMatches (policy-semantics 4.3, 4.4). */

/* RFC 9110, 5.6.2. */
static bool is_token(const struct pst_text *name)
{
	for (size_t i = 0; i < name->len; i++) {
		if (!isalnum((unsigned char)name->s[i]) && !strchr("!#$%&'*+-.^_`|~", name->s[i]))
			return false;
	}
	return name->len;
}

static bool is_listed(const struct pst_text *name, const char *const *list)
{
	for (; *list; list++) {
		if (!strcasecmp(name->s, *list))
			return true;
	}
	return false;
}

static const char *const joined[] = {"Accept",
				     "Accept-Encoding",
				     "Accept-Language",
				     "Cache-Control",
				     "Cookie",
				     "Forwarded",
				     "TE",
				     "Via",
				     "X-Forwarded-For",
				     "X-Forwarded-Host",
				     "X-Forwarded-Proto",
				     NULL};

/* Of one connection (RFC 9110, 7.6.1; RFC 7540, 3.2.1). TE is not among them: gRPC sends it. */
static const char *const of_hop[] = {"Connection",	 "HTTP2-Settings",    "Keep-Alive",
				     "Proxy-Connection", "Transfer-Encoding", NULL};

static const char *const secret[] = {"Authorization", "Cookie",	      "Proxy-Authorization",
				     "X-Api-Key",     "X-Auth-Token", NULL};

/* A header that is wanted with a value; both forms of a rule come down to it. */
struct wanted {
	const struct pst_text *name, *value;
	const struct pst_pos *pos;
};

static void check_name(const struct pst_lint_env *env, const struct wanted *w)
{
	const char *colon = memchr(w->name->s, ':', w->name->len);

	if (is_token(w->name))
		return;
	if (colon && colon != w->name->s && colon[1] && !w->value->s)
		pst_diags_add(
			env->diags, PST_SEVERITY_ERROR, "header-without-space", w->pos,
			"this asks for a header that is named \"%.64s\", which no request has; write \"%.*s: %.64s\"",
			w->name->s, (int)(colon - w->name->s), w->name->s, colon + 1);
	else
		pst_diags_add(
			env->diags, PST_SEVERITY_ERROR, "header-name-invalid", w->pos,
			"\"%.64s\" is not the name of a header: letters, digits and !#$%%&'*+-.^_`|~ only",
			w->name->s);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void check_value(const struct pst_lint_env *env, const struct wanted *w)
{
	const struct pst_text *v = w->value;

	if (!v->s || !v->len || (!is_blank(v->s[0]) && !is_blank(v->s[v->len - 1])))
		return;
	pst_diags_add(
		env->diags, PST_SEVERITY_ERROR, "header-blank", w->pos,
		"the value of %.64s can never be this: blanks around a value are not part of it",
		w->name->s);
}

/* What is asked for is about the connection that a request comes on, not about the request. */
static void check_hop(const struct pst_lint_env *env, const struct wanted *w)
{
	if (is_listed(w->name, of_hop))
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "header-of-connection", w->pos,
			"%.64s is about one connection: proxies take it away before they look at rules, and HTTP/2 does not have it",
			w->name->s);
	if (!strcasecmp(w->name->s, "Upgrade") && w->value->len &&
	    strcasecmp(w->value->s, "websocket"))
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "header-of-connection", w->pos,
			"a request that asks for anything but websocket is refused, or proxies take this header away before they look at rules");
}

static void check_meaning(const struct pst_lint_env *env, const struct wanted *w)
{
	if (!strcasecmp(w->name->s, "Host") || !strcasecmp(w->name->s, ":authority"))
		pst_diags_add(env->diags, PST_SEVERITY_WARNING, "header-host", w->pos,
			      "the host of a request has a field of its own: \"host\"");
	check_hop(env, w);
	if (w->value->len && is_listed(w->name, joined))
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "header-joined", w->pos,
			"clients and proxies may send %.64s several times or with several values; all of them together are compared with this one",
			w->name->s);
	if (w->value->len && is_listed(w->name, secret))
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "header-secret", w->pos,
			"a secret in plain text: whoever may read the policy may send this header; use headerMatches with a secret");
}

static void check_wanted(const struct pst_lint_env *env, const struct wanted *w)
{
	if (!w->name->s) /* refused by the loader */
		return;
	if (!strcasecmp(w->name->s, ":authority") || is_token(w->name))
		check_meaning(env, w);
	else
		check_name(env, w);
	check_value(env, w);
}

static void check_http(const struct pst_lint_env *env, const struct pst_http_rule *http)
{
	for (size_t i = 0; i < http->n_headers; i++) {
		const struct pst_header_rule *h = &http->headers[i];

		check_wanted(env, &(struct wanted){&h->name, &h->value, &h->text.pos});
	}
	for (size_t i = 0; i < http->n_matches; i++) {
		const struct pst_header_match *m = &http->matches[i];

		if (m->mismatch == PST_MISMATCH_FAIL || m->mismatch == PST_MISMATCH_LOG)
			check_wanted(env, &(struct wanted){&m->name, &m->value, &m->pos});
	}
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		for (size_t k = 0; k < ref->rule->ports[i].n_http; k++)
			check_http(env, &ref->rule->ports[i].http[k]);
	}
}

int pst_check_headers(const struct pst_lint_env *env)
{
	pst_lint_each_rule(env, check_rule, NULL);
	return 0;
}
