// SPDX-License-Identifier: Apache-2.0
#include "policy/conflict_kind.h"

#include <string.h>

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

/* Whatever is not below goes together: no parser with any, and TLS with HTTP. */
static bool parsers_conflict(const struct pst_wish *a, const struct pst_wish *b)
{
	enum pst_parser low = a->parser < b->parser ? a->parser : b->parser;
	enum pst_parser high = a->parser < b->parser ? b->parser : a->parser;

	return low != PST_PARSER_NONE && low != high &&
	       !(low == PST_PARSER_TLS && high == PST_PARSER_HTTP);
}

static bool terminating_conflict(const struct pst_wish *a, const struct pst_wish *b)
{
	return differ(a->terminating, b->terminating);
}

static bool originating_conflict(const struct pst_wish *a, const struct pst_wish *b)
{
	return differ(a->originating, b->originating);
}

static bool auth_conflict(const struct pst_wish *a, const struct pst_wish *b)
{
	return a->rule->auth != PST_AUTH_NONE && b->rule->auth != PST_AUTH_NONE &&
	       a->rule->auth != b->rule->auth;
}

static bool listeners_conflict(const struct pst_wish *a, const struct pst_wish *b)
{
	return differ(a->listener, b->listener) &&
	       a->entry->listener->priority == b->entry->listener->priority;
}

static bool has_server_names(const struct pst_wish *w)
{
	return w->entry && w->entry->n_server_names;
}

static bool has_l7(const struct pst_wish *w)
{
	return w->entry && (w->entry->n_http || w->entry->n_dns);
}

static bool server_names_conflict(const struct pst_wish *a, const struct pst_wish *b)
{
	if (a->terminating || b->terminating)
		return false;
	return (has_server_names(a) && has_l7(b)) || (has_server_names(b) && has_l7(a));
}

static const struct pst_pos *parser_pos(const struct pst_wish *w)
{
	const struct pst_port_rule *e = w->entry;

	switch (w->parser) {
	case PST_PARSER_HTTP:
		return &e->http_pos;
	case PST_PARSER_DNS:
		return &e->dns_pos;
	case PST_PARSER_LISTENER:
		return &e->listener->pos;
	default:
		break;
	}
	if (e->terminating_tls)
		return &e->terminating_tls->pos;
	return e->originating_tls ? &e->originating_tls->pos : &e->server_names[0].pos;
}

static const struct pst_pos *terminating_pos(const struct pst_wish *w)
{
	return &w->entry->terminating_tls->pos;
}

static const struct pst_pos *originating_pos(const struct pst_wish *w)
{
	return &w->entry->originating_tls->pos;
}

static const struct pst_pos *auth_pos(const struct pst_wish *w)
{
	return w->rule->auth_pos.line ? &w->rule->auth_pos : &w->rule->pos;
}

static const struct pst_pos *server_names_pos(const struct pst_wish *w)
{
	return has_server_names(w) ? &w->entry->server_names[0].pos : parser_pos(w);
}

const struct pst_conflict_kind pst_conflict_kinds[PST_CONFLICT_KINDS] = {
	{"conflict-l7", "two readers of one connection", parsers_conflict, parser_pos},
	{"conflict-terminating-tls", "two different terminatingTLS", terminating_conflict,
	 terminating_pos},
	{"conflict-originating-tls", "two different originatingTLS", originating_conflict,
	 originating_pos},
	{"conflict-authentication", "two different authentication modes", auth_conflict, auth_pos},
	{"conflict-listener", "two listeners of the same priority", listeners_conflict, parser_pos},
	{"conflict-server-names", "server names and L7 rules without terminatingTLS",
	 server_names_conflict, server_names_pos},
};

unsigned int pst_conflict_kinds_between(const struct pst_wish *a, const struct pst_wish *b)
{
	unsigned int bits = 0;

	for (unsigned int k = 0; k < PST_CONFLICT_KINDS; k++)
		bits |= (unsigned int)pst_conflict_kinds[k].conflict(a, b) << k;
	return bits;
}
