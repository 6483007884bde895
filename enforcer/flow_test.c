// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/diag.h"
#include "base/mem.h"
#include "compiler/automaton.h"
#include "compiler/pattern.h"

static const char *const identities[] = {"unknown", "host",	  "world",	 "unmanaged",
					 "health",  "init",	  "remote-node", "kube-apiserver",
					 "ingress", "world-ipv4", "world-ipv6"};

enum { N_IDENTITIES = sizeof(identities) / sizeof(*identities) };

const char *pst_flow_identity_name(uint32_t identity)
{
	return identity < N_IDENTITIES ? identities[identity] : NULL;
}

/* Digits only, at most MAX. */
static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	*ret_number = strtoull(text, &end, 10);
	return *ret_number <= max;
}

static int expected(char *why, size_t size, const char *what)
{
	snprintf(why, size, "expected %s", what);
	return -EINVAL;
}

static int parse_verdict(struct pst_flow_test *t, char *why, size_t size)
{
	for (int i = 1; i < PST_FLOW_VERDICT_MAX; i++) {
		if (!strcasecmp(t->text, pst_flow_verdict_name((enum pst_flow_verdict)i))) {
			t->number = (uint64_t)i;
			return 0;
		}
	}
	return expected(why, size,
			"FORWARDED, DROPPED, ERROR, AUDIT, REDIRECTED, TRACED or TRANSLATED");
}

static bool match_verdict(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			  const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return f->verdict == t->number;
}

/* "NAMESPACE/PREFIX", "NAMESPACE/", "PREFIX": names of pods have a random tail. */
static bool match_pod(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		      const struct pst_flow *f, const struct pst_flow_end *end)
{
	const char *slash = strchr(t->text, '/');
	const char *prefix = slash ? slash + 1 : t->text;
	const char *ns = c->default_ns;
	size_t ns_len = ns ? strlen(ns) : 0;

	(void)f;
	if (slash && slash > t->text) {
		ns = t->text;
		ns_len = (size_t)(slash - t->text);
	}
	if (ns && (strlen(end->ns) != ns_len || strncmp(end->ns, ns, ns_len) != 0))
		return false;
	return *end->pod && !strncmp(end->pod, prefix, strlen(prefix));
}

static bool match_namespace(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			    const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)f;
	return !strcmp(end->ns, t->text);
}

static int parse_ip(struct pst_flow_test *t, char *why, size_t size)
{
	bool host_bits;

	if (pst_prefix_from_str(t->text, &t->prefix, &host_bits))
		return expected(why, size, "an address or a prefix, 10.0.0.0/8");
	return 0;
}

static bool match_ip(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		     const struct pst_flow *f, const struct pst_flow_end *end)
{
	const unsigned int bytes = t->prefix.len / 8, rest = t->prefix.len % 8;
	struct pst_addr a;

	(void)c, (void)f;
	if (pst_addr_from_str(end->ip, &a) || memcmp(a.b, t->prefix.addr, bytes) != 0)
		return false;
	return !rest || !((a.b[bytes] ^ t->prefix.addr[bytes]) >> (8 - rest));
}

static int parse_port(struct pst_flow_test *t, char *why, size_t size)
{
	return parse_number(t->text, 65535, &t->number) ? 0
							: expected(why, size, "a port, 0 to 65535");
}

static bool match_port(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		       const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c;
	return end->port == t->number && f->protocol;
}

static int parse_identity(struct pst_flow_test *t, char *why, size_t size)
{
	if (parse_number(t->text, UINT32_MAX, &t->number))
		return 0;
	for (t->number = 0; t->number < N_IDENTITIES; t->number++)
		if (!strcmp(t->text, identities[t->number]))
			return 0;
	return expected(why, size, "a number, or a reserved name such as host or world");
}

static bool match_identity(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			   const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)f;
	return end->identity == t->number;
}

static int parse_label(struct pst_flow_test *t, char *why, size_t size)
{
	if (!*t->text || strpbrk(t->text, " ()<>"))
		return expected(why, size, "KEY, !KEY, KEY=VALUE or KEY!=VALUE, joined by commas");
	return 0;
}

/* Is "source:key=value" of key KEY, which may have a source? Returns its value, or NULL. */
static const char *label_value(const char *label, const char *key, size_t len)
{
	const char *colon = strchr(label, ':'), *equals = strchr(label, '=');
	const char *bare = colon && (!equals || colon < equals) ? colon + 1 : label;

	for (const char *start = label; start;
	     start = start == label && bare != label ? bare : NULL) {
		if (strncmp(start, key, len) != 0)
			continue;
		if (start[len] == '=')
			return start + len + 1;
		if (!start[len])
			return "";
	}
	return NULL;
}

/* One requirement, LEN bytes at S. */
static bool meets(const struct pst_flow_end *end, const char *s, size_t len)
{
	bool absent = *s == '!';
	const char *key = s + absent, *equals = memchr(key, '=', len - absent);
	size_t key_len = equals ? (size_t)(equals - key) : len - absent;
	bool differs = equals && key_len && equals[-1] == '!';
	size_t value_len = equals ? (size_t)(s + len - equals - 1) : 0;

	key_len -= differs;
	for (size_t i = 0; i < end->n_labels; i++) {
		const char *value = label_value(end->labels[i], key, key_len);

		if (!value)
			continue;
		if (!equals)
			return !absent;
		if (strlen(value) == value_len && !strncmp(value, equals + 1, value_len))
			return !differs;
	}
	return absent || differs;
}

static bool match_label(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)f;
	for (const char *s = t->text; *s;) {
		size_t len = strcspn(s, ",");

		if (len && !meets(end, s, len))
			return false;
		s += len + (s[len] == ',');
	}
	return true;
}

static int parse_protocol(struct pst_flow_test *t, char *why, size_t size)
{
	static const char *const names[] = {"tcp",    "udp",	"sctp", "icmp",
					    "icmpv4", "icmpv6", "http"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(t->text, names[i]))
			return 0;
	return expected(why, size, "tcp, udp, sctp, icmp, icmpv4, icmpv6 or http");
}

static bool match_protocol(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			   const struct pst_flow *f, const struct pst_flow_end *end)
{
	const char *name = pst_flow_protocol_name(f->protocol);

	(void)c, (void)end;
	if (!strcasecmp(t->text, "http"))
		return f->l7;
	if (!name)
		return false;
	if (!strcasecmp(t->text, "icmp"))
		return !strncmp(name, "ICMP", 4);
	return !strcasecmp(t->text, name);
}

static int parse_type(struct pst_flow_test *t, char *why, size_t size)
{
	static const struct {
		const char *name;
		unsigned int number;
	} types[] = {{"l7", PST_FLOW_EVENT_L7},
		     {"policy-verdict", PST_FLOW_EVENT_POLICY_VERDICT},
		     {"drop", PST_FLOW_EVENT_DROP},
		     {"trace", PST_FLOW_EVENT_TRACE}};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(t->text, types[i].name)) {
			t->number = types[i].number;
			return 0;
		}
	}
	return expected(why, size, "l7, policy-verdict, drop or trace");
}

static bool match_type(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		       const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return (uint64_t)f->event_type == t->number;
}

static int parse_direction(struct pst_flow_test *t, char *why, size_t size)
{
	if (!strcasecmp(t->text, "ingress") || !strcasecmp(t->text, "egress"))
		return 0;
	return expected(why, size, "ingress or egress");
}

static bool match_direction(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			    const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return !strcasecmp(t->text, pst_flow_direction_name(f->direction));
}

static bool match_method(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			 const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return f->l7 && !strcasecmp(t->text, f->method);
}

/* Hubble looks for the pattern anywhere in the text. */
static int parse_pattern(struct pst_flow_test *t, char *why, size_t size)
{
	struct pst_diags *diags = pst_diags_new();
	size_t len = strlen(t->text) + sizeof("(?s:.*)(?:)(?s:.*)");
	char *re = pst_mem_calloc(1, len);
	int r = -ENOMEM;

	if (re && diags) {
		struct pst_pattern pattern = {.re = t->text, .len = strlen(t->text), .tag = 1};

		r = pst_pattern_check(&pattern, diags);
		snprintf(re, len, "(?s:.*)(?:%s)(?s:.*)", t->text);
		pattern.re = re;
		pattern.len = strlen(re);
		if (!r)
			r = pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags,
						&t->automaton);
	}
	if (r && r != -ENOMEM) {
		snprintf(why, size, "%s",
			 pst_diags_count(diags) ? pst_diags_at(diags, 0)->message
						: "the pattern cannot be used");
		r = -EINVAL;
	}
	free(re);
	pst_diags_free(&diags);
	return r;
}

static bool match_url(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		      const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return f->l7 && pst_automaton_match(t->automaton, f->url, strlen(f->url));
}

/* Behind the host, before the query. */
static bool match_path(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		       const struct pst_flow *f, const struct pst_flow_end *end)
{
	const char *path = strstr(f->url, "://");

	(void)c, (void)end;
	path = path ? strchr(path + 3, '/') : f->url;
	if (!path)
		path = "";
	return f->l7 && pst_automaton_match(t->automaton, path, strcspn(path, "?#"));
}

static int parse_status(struct pst_flow_test *t, char *why, size_t size)
{
	size_t digits = strspn(t->text, "0123456789");

	if (digits == 3 && !t->text[3])
		return 0;
	if (digits && digits < 3 && !strcmp(t->text + digits, "+"))
		return 0;
	return expected(why, size, "a status, 404, or the beginning of one, 5+");
}

static bool match_status(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			 const struct pst_flow *f, const struct pst_flow_end *end)
{
	char code[12];

	(void)c, (void)end;
	snprintf(code, sizeof(code), "%u", f->code);
	return f->l7 && f->code && !strncmp(code, t->text, strspn(t->text, "0123456789"));
}

static int parse_header(struct pst_flow_test *t, char *why, size_t size)
{
	return strchr(t->text, ':') ? 0 : expected(why, size, "NAME:VALUE");
}

static bool match_header(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			 const struct pst_flow *f, const struct pst_flow_end *end)
{
	size_t len = strcspn(t->text, ":");
	const char *value = t->text + len + 1;

	(void)c, (void)end;
	value += strspn(value, " ");
	for (size_t i = 0; i < f->n_headers; i++) {
		const struct pst_flow_header *h = &f->headers[i];

		if (strlen(h->key) == len && !strncasecmp(h->key, t->text, len) &&
		    !strcmp(h->value, value))
			return true;
	}
	return false;
}

static bool match_drop_reason(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			      const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return !strcasecmp(t->text, f->drop_reason_desc) || !strcmp(t->text, f->reason);
}

static bool match_uuid(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		       const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return !strcasecmp(t->text, f->uuid);
}

static bool match_node(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
		       const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return !strcmp(t->text, f->node_name);
}

static int parse_ip_version(struct pst_flow_test *t, char *why, size_t size)
{
	const char *digit = strncasecmp(t->text, "v", 1) ? t->text : t->text + 1;

	if (strcmp(digit, "4") != 0 && strcmp(digit, "6") != 0)
		return expected(why, size, "4, v4, 6 or v6");
	t->number = (uint64_t)(*digit - '0');
	return 0;
}

static bool match_ip_version(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			     const struct pst_flow *f, const struct pst_flow_end *end)
{
	(void)c, (void)end;
	return f->is_ipv6 == (t->number == 6);
}

const struct pst_flow_test_kind pst_flow_test_kinds[] = {
	{"verdict", "VERDICT", "FORWARDED, DROPPED, AUDIT, ...", false, parse_verdict,
	 match_verdict},
	{"pod", "[NS/]PREFIX", "pods by the beginning of their name", true, NULL, match_pod},
	{"namespace", "NS", "pods of a namespace", true, NULL, match_namespace},
	{"ip", "ADDRESS", "an address or a prefix", true, parse_ip, match_ip},
	{"port", "N", "a port", true, parse_port, match_port},
	{"label", "SELECTOR", "labels: KEY, !KEY, KEY=VALUE, KEY!=VALUE, joined by commas", true,
	 parse_label, match_label},
	{"identity", "ID", "an identity's number or reserved name", true, parse_identity,
	 match_identity},
	{"protocol", "PROTOCOL", "tcp, udp, sctp, icmp, icmpv4, icmpv6 or http", false,
	 parse_protocol, match_protocol},
	{"type", "TYPE", "l7, policy-verdict, drop or trace", false, parse_type, match_type},
	{"traffic-direction", "DIRECTION", "ingress or egress", false, parse_direction,
	 match_direction},
	{"http-method", "METHOD", "a method", false, NULL, match_method},
	{"http-path", "REGEX", "a pattern that is found in the path", false, parse_pattern,
	 match_path},
	{"http-url", "REGEX", "a pattern that is found in the URL", false, parse_pattern,
	 match_url},
	{"http-status", "STATUS", "a status, or the beginning of one: 5+", false, parse_status,
	 match_status},
	{"http-header", "NAME:VALUE", "a header, as far as flows tell it", false, parse_header,
	 match_header},
	{"drop-reason-desc", "REASON", "POLICY_DENIED, or a reason of postern: no-rule-l7", false,
	 NULL, match_drop_reason},
	{"ip-version", "N", "4 or 6", false, parse_ip_version, match_ip_version},
	{"node-name", "NAME", "the node that has seen it", false, NULL, match_node},
	{"uuid", "UUID", "one flow", false, NULL, match_uuid},
	{0},
};

int pst_flow_test_init(struct pst_flow_test *t, const struct pst_flow_test_kind *kind,
		       const char *value, char *why, size_t size)
{
	int r;

	*t = (struct pst_flow_test){.kind = kind, .text = pst_mem_strndup(value, strlen(value))};
	if (!t->text)
		return -ENOMEM;
	r = kind->parse ? kind->parse(t, why, size) : 0;
	if (r)
		pst_flow_test_fini(t);
	return r;
}

void pst_flow_test_fini(struct pst_flow_test *t)
{
	free(t->text);
	pst_automaton_free(&t->automaton);
	*t = (struct pst_flow_test){0};
}

bool pst_flow_test_matches(const struct pst_flow_test *t, const struct pst_flow_test_context *c,
			   const struct pst_flow *f, const struct pst_flow_end *end)
{
	return t->kind->matches(t, c, f, end);
}
