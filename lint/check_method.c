// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lint/never.h"
#include "lint/pattern_scan.h"
#include "lint/walk.h"

/* IANA's registry of HTTP methods, and PURGE, which caches understand. */
static const char *const methods[] = {
	"GET",
	"HEAD",
	"POST",
	"PUT",
	"DELETE",
	"CONNECT",
	"OPTIONS",
	"TRACE",
	"PATCH",
	"ACL",
	"BASELINE-CONTROL",
	"BIND",
	"CHECKIN",
	"CHECKOUT",
	"COPY",
	"LABEL",
	"LINK",
	"LOCK",
	"MERGE",
	"MKACTIVITY",
	"MKCALENDAR",
	"MKCOL",
	"MKREDIRECTREF",
	"MKWORKSPACE",
	"MOVE",
	"ORDERPATCH",
	"PROPFIND",
	"PROPPATCH",
	"PURGE",
	"QUERY",
	"REBIND",
	"REPORT",
	"SEARCH",
	"UNBIND",
	"UNCHECKOUT",
	"UNLINK",
	"UNLOCK",
	"UPDATE",
	"UPDATEREDIRECTREF",
	"VERSION-CONTROL",
};

enum { WORD_SIZE = 64 };

static const char *find_method(const char *word, bool exact)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (exact ? !strcmp(word, methods[i]) : !strcasecmp(word, methods[i]))
			return methods[i];
	}
	return NULL;
}

/* RFC 9110, 5.6.2: what a method is made of. */
static bool is_token(const char *word)
{
	while (*word && (isalnum((unsigned char)*word) || strchr("!#$%&'*+-.^_`|~", *word)))
		word++;
	return !*word;
}

/* Says what is strange about a WORD that is not registered. */
static void check_word(const struct pst_lint_env *env, const struct pst_pos *pos, const char *word)
{
	const char *meant = find_method(word, false);

	if (meant)
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "method-lower-case", pos,
			"methods are compared with their case: \"%s\" does not match %s requests",
			word, meant);
	else if (!is_token(word))
		pst_diags_add(
			env->diags, PST_SEVERITY_ERROR, "method-never-matches", pos,
			"\"%s\" cannot be the method of a request; alternatives are written GET|PUT",
			word);
	else
		pst_diags_add(env->diags, PST_SEVERITY_WARNING, "method-unknown", pos,
			      "\"%s\" is no registered HTTP method", word);
}

static int check_method(const struct pst_lint_env *env, const struct pst_text *text)
{
	struct pst_branch branch = {0};
	struct pst_scan scan;
	char word[WORD_SIZE];
	int r = 0;

	if (!text->len)
		return 0;
	if (!pst_scan_pattern(text, &scan))
		return pst_never_check(env, PST_FIELD_METHOD, text);
	while (!r && pst_scan_next_branch(&scan, &branch)) {
		struct pst_pos pos;

		if (branch.from >= branch.to)
			continue;
		pos = pst_scan_pos(&scan, branch.from, branch.to);
		if (!pst_branch_text(&scan, &branch, word, sizeof(word)) || find_method(word, true))
			r = pst_never_check_branch(env, PST_FIELD_METHOD, &scan, &branch);
		else
			check_word(env, &pos, word);
	}
	return r;
}

/* Is WORD one of the alternatives? True as well when that cannot be told. */
static bool may_have_method(const struct pst_text *text, const char *method)
{
	struct pst_branch branch = {0};
	struct pst_scan scan;
	char word[WORD_SIZE];

	if (!text->len || !pst_scan_pattern(text, &scan))
		return true;
	while (pst_scan_next_branch(&scan, &branch)) {
		if (!pst_branch_text(&scan, &branch, word, sizeof(word)) || !strcmp(word, method))
			return true;
	}
	return false;
}

static bool same_text(const struct pst_text *a, const struct pst_text *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->s, b->s, a->len));
}

enum { MAX_COMPARED = 64 }; /* HTTP rules of one list */

/* Does another rule of the list let HEAD through where HTTP does with GET? */
static bool has_head(const struct pst_port_rule *entry, const struct pst_http_rule *http)
{
	if (entry->n_http > MAX_COMPARED)
		return true;
	for (size_t i = 0; i < entry->n_http; i++) {
		const struct pst_http_rule *other = &entry->http[i];

		if (may_have_method(&other->method, "HEAD") &&
		    (!other->path.len || same_text(&other->path, &http->path)))
			return true;
	}
	return false;
}

static bool is_get_only(const struct pst_text *method)
{
	return method->len && !may_have_method(method, "HEAD") && may_have_method(method, "GET");
}

/* One finding for a list: who forgot HEAD once forgot it everywhere. */
static void check_head(const struct pst_lint_env *env, const struct pst_port_rule *entry)
{
	for (size_t i = 0; i < entry->n_http; i++) {
		const struct pst_http_rule *http = &entry->http[i];

		if (!is_get_only(&http->method) || has_head(entry, http))
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_INFO, "get-without-head", &http->method.pos,
			"GET does not include HEAD: health checks and caches that send it are denied");
		return;
	}
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	int *r = ctx;

	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		const struct pst_port_rule *entry = &ref->rule->ports[i];

		for (size_t k = 0; !*r && k < entry->n_http; k++)
			*r = check_method(env, &entry->http[k].method);
		check_head(env, entry);
	}
}

int pst_check_method(const struct pst_lint_env *env)
{
	int r = 0;

	pst_lint_each_rule(env, check_rule, &r);
	return r;
}
