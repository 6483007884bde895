// SPDX-License-Identifier: Apache-2.0
#include "compiler/header.h"

#include "base/mem.h"
#include "compiler/head.h"
#include "compiler/pattern.h"
#include "policy/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Field names, any case. Letters are spelt as classes: under (?i) RE2 would also fold the Kelvin
 * sign and the long s.
 */
#define NAME(text, header)                                                        \
	{                                                                         \
		.re = (text), .len = sizeof(text) - 1, .tag = PST_HEADER_##header \
	}
const struct pst_pattern pst_header_names[] = {
	NAME("[Hh][Oo][Ss][Tt]", HOST),
	NAME("[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh]", CONTENT_LENGTH),
	NAME("[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr]-[Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]",
	     TRANSFER_ENCODING),
	NAME("[Uu][Pp][Gg][Rr][Aa][Dd][Ee]", UPGRADE),
	NAME("[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]", CONNECTION),
	NAME("[Ee][Xx][Pp][Ee][Cc][Tt]", EXPECT),
	NAME("[Cc][Oo][Nn][Tt][Ee][Nn][Tt]_[Ll][Ee][Nn][Gg][Tt][Hh]", ALIAS),
	NAME("[Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr]_[Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]", ALIAS),
};
#undef NAME
const size_t pst_n_header_names = sizeof(pst_header_names) / sizeof(*pst_header_names);

/* The rule being read. */
struct rule {
	const struct pst_header_reader *r;
	const struct pst_http_rule *http;
	const char *ns;
	struct pst_bundle_rule *out;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_token(const char *s)
{
	static const char others[] = "!#$%&'*+-.^_`|~0123456789";

	if (!*s)
		return false;
	for (; *s; s++) {
		if (!is_letter(*s) && !strchr(others, *s))
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The bytes of one character at S, 0 when it is none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char lo, hi, lo2, hi2;
		size_t n;
	} forms[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (s[0] < forms[i].lo || s[0] > forms[i].hi)
			continue;
		if (forms[i].n > left ||
		    (forms[i].n > 1 && (s[1] < forms[i].lo2 || s[1] > forms[i].hi2)))
			return 0;
		for (size_t k = 2; k < forms[i].n; k++) {
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		}
		return forms[i].n;
	}
	return 0;
}

/* Can trimmed and joined lines of a field say this? Patterns are UTF-8, so values are. */
static bool is_value(const char *s, size_t len)
{
	size_t n;

	if (len && (is_blank(s[0]) || is_blank(s[len - 1])))
		return false;
	for (size_t i = 0; i < len; i += n) {
		n = utf8_len((const unsigned char *)s + i, len - i);
		if (!n || ((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	}
	return true;
}

static int never(const struct rule *rule, const struct pst_pos *pos, const char *name,
		 const char *why)
{
	pst_diags_add(rule->r->diags, PST_SEVERITY_WARNING, "header-never", pos,
		      "the HTTP rule matches no request: the header \"%.64s\" %s", name, why);
	return -EINVAL;
}

static const struct pst_secret_value *find_secret(const struct rule *rule,
						  const struct pst_secret *secret)
{
	const struct pst_inventory *inv = rule->r->inventory;
	const char *ns = secret->ns.s && secret->ns.len ? secret->ns.s : rule->ns;

	for (size_t i = 0; inv && i < inv->n_secrets; i++) {
		if (!strcmp(inv->secrets[i].ns, ns) &&
		    !strcmp(inv->secrets[i].name, secret->name.s))
			return &inv->secrets[i];
	}
	return NULL;
}

/* A condition as it is written; value NULL: presence. */
struct written {
	const char *name, *value;
	size_t len;
	const struct pst_pos *pos;
	bool secret;
	enum pst_mismatch mismatch;
};

static const char *quote(struct pst_arena *arena, const char *s, size_t len)
{
	char *text = pst_arena_alloc(arena, 2 * len + 1), *at = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (strchr("\\.+*?()|[]{}^$", s[i]))
			*at++ = '\\';
		*at++ = s[i];
	}
	*at = '\0';
	return text;
}

/* 1, 0 or -ENOMEM. What the dialect does not have is reported where patterns are checked. */
static int host_matches(const char *re, const char *text, size_t len)
{
	const struct pst_pattern pattern = {.re = re, .len = strlen(re), .tag = 1};
	struct pst_automaton *a = NULL;
	struct pst_diags *unused = pst_diags_new();
	int r = unused ? pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, unused, &a)
		       : -ENOMEM;

	if (!r)
		r = pst_automaton_match(a, text, len) != 0;
	pst_automaton_free(&a);
	pst_diags_free(&unused);
	return r == -EINVAL || r == -E2BIG ? 0 : r;
}

/* Host has rules of its own: it comes once, and HTTP/1.0 may leave it out. */
static int add_host(const struct rule *rule, const struct written *w)
{
	const char *old = rule->out->host;
	int r = 1;

	if (w->mismatch != PST_MISMATCH_FAIL)
		return never(rule, w->pos, w->name, "is the host, which cannot be changed");
	if (!w->value) {
		if (!old)
			rule->out->host = "\\C*";
		return 0;
	}
	if (old)
		r = host_matches(old, w->value, w->len);
	if (r <= 0)
		return r ? r : never(rule, w->pos, w->name, "contradicts the rule's host");
	rule->out->host = quote(rule->r->arena, w->value, w->len);
	return rule->out->host ? 0 : -ENOMEM;
}

/* Joins W with what is known of its name. 1: done, 0: it is new, or a negative errno. */
static int merge(const struct rule *rule, const struct written *w, const char *name)
{
	for (size_t i = 0; i < rule->out->n_headers; i++) {
		struct pst_bundle_header *h = &rule->out->headers[i];

		if (h->mismatch != PST_MISMATCH_FAIL || w->mismatch != PST_MISMATCH_FAIL ||
		    strcmp(h->name, name))
			continue;
		if (!w->value)
			return 1;
		if (h->value && strcmp(h->value, w->value))
			return never(rule, w->pos, name, "has to have two values at once");
		h->value = w->value;
		h->secret |= w->secret;
		return 1;
	}
	return 0;
}

static const char *lower_name(const struct rule *rule, const char *text)
{
	char *name = pst_arena_strndup(rule->r->arena, text, strlen(text));

	for (char *c = name; c && *c; c++)
		*c = lower(*c);
	return name;
}

static void append(const struct rule *rule, const struct written *w, const char *name,
		   const char *value)
{
	rule->out->headers[rule->out->n_headers++] = (struct pst_bundle_header){
		.name = name,
		.value = value,
		.secret = w->secret,
		.mismatch = (uint8_t)w->mismatch,
	};
}

static int add(const struct rule *rule, struct written *w)
{
	const char *name = lower_name(rule, w->name);
	int r;

	if (!name)
		return -ENOMEM;
	if (w->value && !is_value(w->value, w->len))
		return never(rule, w->pos, name,
			     "cannot have the value: a blank at an end, or a control byte");
	if (!strcmp(name, "host") || !strcmp(name, ":authority"))
		return add_host(rule, w);
	if (!is_token(name))
		return never(rule, w->pos, name, "is no header's name");
	if (w->value) {
		w->value = pst_arena_strndup(rule->r->arena, w->value, w->len);
		if (!w->value)
			return -ENOMEM;
	}
	r = merge(rule, w, name);
	if (r)
		return r < 0 ? r : 0;
	append(rule, w, name, w->value);
	return 0;
}

/* Nothing depends on it: what no request can have is told of each. */
static int add_logged(const struct rule *rule, const struct written *w)
{
	static const char never_sent[] = " ";
	const char *name = lower_name(rule, w->name), *value = NULL;

	if (!name)
		return -ENOMEM;
	if (w->value) {
		value = memchr(w->value, 0, w->len)
				? never_sent
				: pst_arena_strndup(rule->r->arena, w->value, w->len);
		if (!value)
			return -ENOMEM;
	}
	append(rule, w, !strcmp(name, ":authority") ? "host" : name, value);
	return 0;
}

/* The value comes from the Secret, or else from the rule; an empty one is none. */
static int resolve_value(const struct rule *rule, const struct pst_header_match *m,
			 struct written *w)
{
	const struct pst_secret_value *secret = NULL;

	if (m->secret.name.s)
		secret = find_secret(rule, &m->secret);
	if (secret) {
		w->value = secret->len ? secret->value : NULL;
		w->len = secret->len;
		w->secret = true;
	} else if (m->value.len) {
		w->value = m->value.s;
		w->len = m->value.len;
	} else if (m->secret.name.s) {
		return never(rule, &m->secret.name.pos, m->name.s,
			     "has its value in a Secret that the inventory does not have");
	}
	return 0;
}

static int add_match(const struct rule *rule, const struct pst_header_match *m)
{
	struct written w = {.name = m->name.s, .pos = &m->pos, .mismatch = m->mismatch};
	int r = resolve_value(rule, m, &w);

	if (r)
		return r;
	return m->mismatch == PST_MISMATCH_LOG ? add_logged(rule, &w) : add(rule, &w);
}

static int cmp_header(const void *va, const void *vb)
{
	const struct pst_bundle_header *a = va, *b = vb;
	int r = strcmp(a->name, b->name);

	if (!r)
		r = a->mismatch - b->mismatch;
	if (!r)
		r = !!a->value - !!b->value;
	return r || !a->value ? r : strcmp(a->value, b->value);
}

int pst_header_read(const struct pst_header_reader *r, const struct pst_http_rule *http,
		    const char *ns, struct pst_bundle_rule *out)
{
	const struct rule rule = {.r = r, .http = http, .ns = ns, .out = out};
	int e = 0;

	if (!http->n_headers && !http->n_matches)
		return 0;
	out->headers = pst_arena_calloc(r->arena, http->n_headers + http->n_matches,
					sizeof(*out->headers));
	if (!out->headers)
		return -ENOMEM;
	for (size_t i = 0; !e && i < http->n_headers; i++) {
		const struct pst_header_rule *h = &http->headers[i];
		struct written w = {
			.name = h->name.s,
			.value = h->value.s,
			.len = h->value.len,
			.pos = &h->text.pos,
		};

		e = add(&rule, &w);
	}
	for (size_t i = 0; !e && i < http->n_matches; i++)
		e = add_match(&rule, &http->matches[i]);
	if (!e && out->n_headers)
		qsort(out->headers, out->n_headers, sizeof(*out->headers), cmp_header);
	return e;
}

bool pst_header_acts(const struct pst_bundle_rule *rule)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		if (pst_header_is_action(&rule->headers[i]))
			return true;
	}
	return false;
}

bool pst_header_wishes(const struct pst_bundle_rule *rule)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		if (!pst_header_is_condition(&rule->headers[i]))
			return true;
	}
	return false;
}

enum pst_header_found pst_header_find(const struct pst_bundle_header *h, const char *bytes,
				      size_t len)
{
	if (pst_head_has(bytes, len, h->name, h->value))
		return PST_HEADER_AS_WANTED;
	if (h->value && pst_head_has(bytes, len, h->name, NULL))
		return PST_HEADER_REJECTED;
	return h->mismatch == PST_MISMATCH_DELETE ? PST_HEADER_AS_WANTED : PST_HEADER_MISSING;
}

/* The first from *AT on that is not LOG, NULL: none; *AT moves behind it. */
static const struct pst_bundle_header *next_not_logged(const struct pst_bundle_rule *rule,
						       size_t *at)
{
	while (*at < rule->n_headers) {
		const struct pst_bundle_header *h = &rule->headers[(*at)++];

		if (h->mismatch != PST_MISMATCH_LOG)
			return h;
	}
	return NULL;
}

int pst_header_cmp(const struct pst_bundle_rule *a, const struct pst_bundle_rule *b)
{
	size_t at_a = 0, at_b = 0;

	for (;;) {
		const struct pst_bundle_header *x = next_not_logged(a, &at_a);
		const struct pst_bundle_header *y = next_not_logged(b, &at_b);
		int r = x && y ? cmp_header(x, y) : !!x - !!y;

		if (r || !x)
			return r;
	}
}

/* Writes C in any case; returns the place behind it. */
static char *put_exact(char *at, char c)
{
	if (is_letter(c)) {
		*at++ = '[';
		*at++ = (char)(lower(c) - 'a' + 'A');
		*at++ = lower(c);
		*at++ = ']';
		return at;
	}
	if (strchr(".+*|^$", c))
		*at++ = '\\';
	*at++ = c;
	return at;
}

static const char separators[] = "!#$%&'*+.^_`|~-";

static bool is_separator(char c)
{
	return c && strchr(separators, c);
}

/* Writes the class of what may stand for a separator, but not EXCEPT (0: all of them). */
static char *put_separators(char *at, char except)
{
	*at++ = '[';
	for (const char *c = separators; *c; c++) {
		if (*c != except)
			*at++ = *c;
	}
	*at++ = ']';
	return at;
}

const char *pst_header_name_pattern(struct pst_arena *arena, const char *name)
{
	char *text = pst_arena_alloc(arena, 4 * strlen(name) + 1), *at = text;

	if (!text)
		return NULL;
	for (; *name; name++)
		at = put_exact(at, *name);
	*at = '\0';
	return text;
}

/* NAME up to its byte N, something else for that one, then as it may be. */
static char *put_alias(char *at, const char *name, size_t n)
{
	for (size_t i = 0; name[i]; i++) {
		if (i < n || !is_separator(name[i]))
			at = put_exact(at, name[i]);
		else
			at = put_separators(at, i == n ? name[i] : 0);
	}
	return at;
}

/* The recogniser refuses aliases of these itself. */
static bool is_framing(const char *name)
{
	static const char *const framing[] = {"content?length", "transfer?encoding"};

	for (size_t k = 0; k < sizeof(framing) / sizeof(*framing); k++) {
		size_t i = 0;

		while (framing[k][i] && (framing[k][i] == '?' ? is_separator(name[i])
							      : framing[k][i] == lower(name[i])))
			i++;
		if (!framing[k][i] && !name[i])
			return true;
	}
	return false;
}

const char *pst_header_alias_pattern(struct pst_arena *arena, const char *name)
{
	size_t len = strlen(name), n = 0;
	char *text, *at;

	for (size_t i = 0; i < len; i++)
		n += is_separator(name[i]);
	text = pst_arena_alloc(arena, n * len * sizeof(separators) + n * len * 2 + 1);
	if (!text || is_framing(name))
		return text;
	at = text;
	for (size_t i = 0; i < len; i++) {
		if (!is_separator(name[i]))
			continue;
		if (at != text)
			*at++ = '|';
		at = put_alias(at, name, i);
	}
	*at = '\0';
	return text;
}

/* Where joining may have put the ',' at AT of the LEN bytes of VALUE. */
static bool may_join(const char *value, size_t len, size_t at)
{
	return (!at || !is_blank(value[at - 1])) && (at + 1 == len || !is_blank(value[at + 1]));
}

static void put(char **at, const char *s, size_t len)
{
	memcpy(*at, s, len);
	*at += len;
}

const char *pst_header_value_pattern(struct pst_arena *arena, const char *value)
{
	static const char begin[] = "[ \t]*", end[] = "[ \t]*\r\n";
	static const char join[] = "(?:,|[ \t]*\r\n[ \t]*)";
	size_t len = strlen(value);
	char *text = pst_arena_alloc(arena, sizeof(begin) + len * sizeof(join) + sizeof(end));
	char *at = text;

	if (!text)
		return NULL;
	put(&at, begin, sizeof(begin) - 1);
	for (size_t i = 0; i < len; i++) {
		if (value[i] == ',' && may_join(value, len, i)) {
			put(&at, join, sizeof(join) - 1);
			continue;
		}
		if (strchr("\\.+*?()|[]{}^$", value[i]))
			*at++ = '\\';
		*at++ = value[i];
	}
	put(&at, end, sizeof(end)); /* with the NUL */
	return text;
}
