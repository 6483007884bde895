// SPDX-License-Identifier: Apache-2.0
#include "cli/test_form.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "cli/test_reason.h"
#include "policy/labels.h"
#include "policy/nearest.h"

static const struct pst_cli_strings no_fields;

void pst_test_form_init(struct pst_test_form *form, const struct pst_test_pods *pods)
{
	*form = (struct pst_test_form){
		.pods = pods,
		.protocol = PST_PROTOCOL_TCP,
		.request = {.fields = &no_fields},
	};
}

/* N elements of a list, or the one that stands there without a list. */
static const struct pst_yaml_node *elements(const struct pst_yaml_node *n, size_t *ret_n)
{
	*ret_n = n->kind == PST_YAML_LIST ? n->len : 1;
	return n->kind == PST_YAML_LIST ? n->first : n;
}

static int refuse_empty(struct pst_reader *r, const struct pst_yaml_node *n, const char *what)
{
	return pst_diags_error(r->diags, "test-empty", &n->pos,
			       "expected at least one %s, found an empty list", what);
}

/* The parsers of command lines know no places: their message goes to POS. */
static int move_mistake(struct pst_reader *r, int err, const struct pst_diags *from,
			const struct pst_pos *pos)
{
	if (err != -EINVAL)
		return err;
	return pst_diags_error(r->diags, pst_diags_at(from, 0)->id, pos, "%s",
			       pst_diags_at(from, 0)->message);
}

struct labels_form {
	struct PST_VEC(const char *) list;
};

static int add_label(struct pst_reader *r, struct labels_form *f, const char *key,
		     const char *value)
{
	const char *text = pst_arena_printf(r->arena, "%s=%s", key, value);

	return text ? pst_vec_push(&f->list, text) : -ENOMEM;
}

static int read_labels(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	for (const struct pst_yaml_node *c = worst ? NULL : n->first; c; c = c->next) {
		int e = pst_fields_expect(r, c, PST_YAML_STRING);

		worst = pst_fields_worse(worst, e ? e : add_label(r, obj, c->key->s, c->s));
	}
	return worst;
}

static int read_namespace(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	return e ? e : add_label(r, obj, "k8s:" PST_LABEL_NAMESPACE, n->s);
}

static const struct pst_field peer_fields[] = {
	{.name = "labels", .required = true, .read = read_labels},
	{.name = "namespace", .read = read_namespace},
};
static const struct pst_fields peer_table = PST_FIELDS("a pod", peer_fields);

static int read_pod(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_peer *ret)
{
	struct pst_diags *found pst_cleanup(pst_diags_free) = pst_diags_new();
	struct labels_form form = {0};
	int e = found ? pst_fields_read(r, &peer_table, n, &form) : -ENOMEM;

	if (!e)
		e = move_mistake(
			r, pst_peer_from_labels(form.list.v, form.list.n, r->arena, found, ret),
			found, &n->pos);
	pst_vec_free(&form.list);
	return e;
}

static int unknown_pod(struct pst_reader *r, const struct pst_test_pods *pods,
		       const struct pst_yaml_node *n)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < pods->n; i++)
		pst_nearest_offer(&near, pods->v[i].name);
	return pst_diags_error(
		r->diags, "test-peer", &n->pos,
		"expected a name from \"pods\", an address or labels like app=web, found \"%.64s\"%s",
		n->s, pst_nearest_hint(&near, hint));
}

static int read_peer_text(struct pst_reader *r, const struct pst_test_pods *pods,
			  const struct pst_yaml_node *n, struct pst_peer *ret)
{
	struct pst_diags *found pst_cleanup(pst_diags_free) = NULL;

	for (size_t i = 0; i < pods->n; i++) {
		if (strcmp(pods->v[i].name, n->s))
			continue;
		*ret = pods->v[i].peer;
		return 0;
	}
	if (!strpbrk(n->s, "=:.,"))
		return unknown_pod(r, pods, n);
	found = pst_diags_new();
	if (!found)
		return -ENOMEM;
	return move_mistake(r, pst_peer_parse(n->s, r->arena, found, ret), found, &n->pos);
}

static int read_peer(struct pst_reader *r, const struct pst_test_pods *pods,
		     const struct pst_yaml_node *n, struct pst_peer *ret)
{
	int e;

	if (n->kind == PST_YAML_MAPPING)
		return read_pod(r, n, ret);
	e = pst_fields_expect(r, n, PST_YAML_STRING);
	return e ? e : read_peer_text(r, pods, n, ret);
}

int pst_test_pods_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_test_pods *pods)
{
	static const struct pst_test_pods none;
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	for (const struct pst_yaml_node *c = worst ? NULL : n->first; c; c = c->next) {
		struct pst_test_pod pod = {
			.name = pst_arena_strndup(r->arena, c->key->s, c->key->len),
		};
		int e = pod.name ? read_peer(r, &none, c, &pod.peer) : -ENOMEM;

		worst = pst_fields_worse(worst, e ? e : pst_vec_push(pods, pod));
	}
	return worst;
}

static int read_peers(struct pst_reader *r, const struct pst_test_pods *pods,
		      const struct pst_yaml_node *n, struct pst_test_peers *ret)
{
	struct pst_test_peers peers = {0};
	size_t count;
	const struct pst_yaml_node *c = elements(n, &count);
	int worst = count ? 0 : refuse_empty(r, n, "peer");

	peers.v = pst_arena_calloc(r->arena, count, sizeof(*peers.v));
	if (!peers.v)
		return -ENOMEM;
	for (; peers.n < count; c = c->next) {
		struct pst_test_peer *p = &peers.v[peers.n++];

		worst = pst_fields_worse(worst, read_peer(r, pods, c, &p->peer));
		p->text = c->kind == PST_YAML_STRING ? pst_arena_strndup(r->arena, c->s, c->len)
						     : pst_arena_printf(r->arena, "#%zu", peers.n);
		if (!p->text)
			return -ENOMEM;
	}
	*ret = peers;
	return worst;
}

static int read_from(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;

	return read_peers(r, f->pods, n, &f->from);
}

static int read_to(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;

	return read_peers(r, f->pods, n, &f->to);
}

/* Which of the N words of LIST stands at node N; -EINVAL after a diagnostic. */
static int read_word(struct pst_reader *r, const struct pst_yaml_node *n, const char *const *list,
		     size_t *ret_index)
{
	char hint[PST_NEAREST_HINT_SIZE], all[128] = "";
	int e = pst_fields_expect(r, n, PST_YAML_STRING);
	struct pst_nearest near;
	size_t len = 0;

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; list[i]; i++) {
		if (!strcmp(list[i], n->s)) {
			*ret_index = i;
			return 0;
		}
		pst_nearest_offer(&near, list[i]);
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
					!i	      ? ""
					: list[i + 1] ? ", "
						      : " or ",
					list[i]);
	}
	return pst_diags_error(r->diags, "test-value", &n->pos,
			       "%s: expected %s, found \"%.64s\"%s", n->key->s, all, n->s,
			       pst_nearest_hint(&near, hint));
}

static int read_direction(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	static const char *const words[] = {"both", "ingress", "egress", NULL};
	struct pst_test_form *f = obj;
	size_t i;
	int e = read_word(r, n, words, &i);

	if (!e)
		f->direction = (enum pst_test_direction)i;
	return e;
}

static int read_expect(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	static const char *const words[] = {"allow", "deny", "audit", NULL};
	struct pst_test_form *f = obj;
	size_t i;
	int e = read_word(r, n, words, &i);

	if (e)
		return e;
	f->expect.verdict = words[i];
	f->has_expect = true;
	return 0;
}

static int read_layer(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	static const char *const words[] = {"l3l4", "l7", NULL};
	struct pst_test_form *f = obj;
	size_t i;
	int e = read_word(r, n, words, &i);

	if (!e)
		f->expect.layer = words[i];
	return e;
}

static int read_reason(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;
	char hint[PST_NEAREST_HINT_SIZE];
	int e = pst_fields_expect(r, n, PST_YAML_STRING);
	struct pst_nearest near;

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; pst_test_reason_name(i); i++) {
		const char *name = pst_test_reason_name(i);

		pst_nearest_offer(&near, name);
		if (strcmp(name, n->s))
			continue;
		f->expect.reason = name;
		return 0;
	}
	return pst_diags_error(r->diags, "test-value", &n->pos,
			       "reason: expected the name of a reason such as no-rule-l7, found "
			       "\"%.64s\"%s",
			       n->s, pst_nearest_hint(&near, hint));
}

static int read_string(struct pst_reader *r, const struct pst_yaml_node *n, const char **ret)
{
	struct pst_text text;
	int e = pst_fields_text(r, n, &text);

	if (!e && !text.len)
		e = pst_diags_error(r->diags, "test-value", &n->pos,
				    "%.64s: expected a text, found \"\"",
				    n->key ? n->key->s : "list element");
	if (!e)
		*ret = text.s;
	return e;
}

static int read_rule(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;

	return read_string(r, n, &f->expect.rule);
}

static int read_port(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;
	unsigned int port;
	int e = pst_fields_uint(r, n, 65535, &port);

	if (e)
		return e;
	f->port = (uint16_t)port;
	f->has_port = true;
	return 0;
}

static int read_protocol(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (!e && pst_protocol_from_str(n->s, &f->protocol))
		e = pst_diags_error(r->diags, "test-value", &n->pos,
				    "protocol: expected TCP, UDP, SCTP, ICMP or ICMPv6, found "
				    "\"%.32s\"",
				    n->s);
	return e;
}

static int read_method(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_request_parts *q = obj;

	return read_string(r, n, &q->method);
}

static int read_path(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_request_parts *q = obj;

	return read_string(r, n, &q->path);
}

static int read_host(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_request_parts *q = obj;

	return read_string(r, n, &q->host);
}

static int read_headers(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_request_parts *q = obj;
	struct pst_cli_strings *fields = pst_arena_alloc(r->arena, sizeof(*fields));
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (!fields)
		return -ENOMEM;
	fields->v = pst_arena_calloc(r->arena, n->len, sizeof(*fields->v));
	if (!fields->v)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next)
		worst = pst_fields_worse(worst, read_string(r, c, &fields->v[fields->n++]));
	q->fields = fields;
	return worst;
}

static const struct pst_field request_fields[] = {
	{.name = "method", .read = read_method},
	{.name = "path", .read = read_path},
	{.name = "host", .read = read_host},
	{.name = "headers", .read = read_headers},
};
static const struct pst_fields request_table = PST_FIELDS("a request", request_fields);

/* "GET /path", or a path alone. */
static int read_line(struct pst_reader *r, const struct pst_yaml_node *n,
		     struct pst_request_parts *q)
{
	const char *text = NULL, *blank;
	int e = read_string(r, n, &text);

	if (e)
		return e;
	blank = strchr(text, ' ');
	if (blank) {
		q->method = pst_arena_strndup(r->arena, text, (size_t)(blank - text));
		text = blank + 1;
	}
	q->path = text;
	return blank && !q->method ? -ENOMEM : 0;
}

/* Whatever cannot be written as bytes is found here, where its place is known. */
static int check_parts(struct pst_reader *r, const struct pst_yaml_node *n,
		       const struct pst_request_parts *q)
{
	pst_auto_free char *bytes = NULL;
	const char *why = NULL;
	size_t len;
	int e = pst_request_write(q, &bytes, &len, &why);

	return e == -EINVAL ? pst_diags_error(r->diags, "test-request", &n->pos, "%s", why) : e;
}

static int read_one_request(struct pst_reader *r, const struct pst_yaml_node *n,
			    struct pst_request_parts *q)
{
	int e = n->kind == PST_YAML_STRING ? read_line(r, n, q)
					   : pst_fields_read(r, &request_table, n, q);

	return e ? e : check_parts(r, n, q);
}

static int read_request(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;

	f->has_request = true;
	return read_one_request(r, n, &f->request);
}

/* Each takes from "request" what it does not say itself: read after it, see read_form(). */
static int read_requests(struct pst_reader *r, const struct pst_yaml_node *n,
			 struct pst_test_form *f)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (!n->len)
		return refuse_empty(r, n, "request");
	f->requests.n = 0;
	f->requests.v = pst_arena_calloc(r->arena, n->len, sizeof(*f->requests.v));
	if (!f->requests.v)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		struct pst_request_parts *q = &f->requests.v[f->requests.n++];

		*q = f->request;
		worst = pst_fields_worse(worst, read_one_request(r, c, q));
	}
	return worst;
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_test_form *f = obj;
	int e = pst_fields_text(r, n, &f->name);

	if (!e && !f->name.len)
		e = pst_diags_error(r->diags, "test-value", &n->pos,
				    "name: expected a text, found \"\"");
	return e;
}

/* Whatever a test and "defaults" have in common. */
#define COMMON_FIELDS                                                                             \
	{.name = "from", .read = read_from}, {.name = "to", .read = read_to},                     \
		{.name = "direction", .read = read_direction},                                    \
		{.name = "port", .read = read_port}, {.name = "protocol", .read = read_protocol}, \
		{.name = "request", .read = read_request},                                        \
		{.name = "expect", .read = read_expect}, {.name = "reason", .read = read_reason}, \
		{.name = "layer", .read = read_layer},                                            \
	{                                                                                         \
		.name = "rule", .read = read_rule                                                 \
	}

static const struct pst_field default_fields[] = {COMMON_FIELDS};
static const struct pst_fields default_table = PST_FIELDS("\"defaults\"", default_fields);

static const struct pst_field test_fields[] = {
	{.name = "name", .required = true, .read = read_name},
	/* Read behind the others, whose values it takes over. */
	{.name = "requests", .use = PST_FIELD_UNREAD},
	COMMON_FIELDS,
};
static const struct pst_fields test_table = PST_FIELDS("a test", test_fields);

int pst_test_defaults_read(struct pst_reader *r, const struct pst_yaml_node *n,
			   struct pst_test_form *form)
{
	int e = pst_fields_read(r, &default_table, n, form);

	/* Parts that requests share do not make one of a test about a connection. */
	form->has_request = false;
	return e;
}

static int missing(struct pst_reader *r, const struct pst_yaml_node *n, const char *field)
{
	return pst_diags_error(r->diags, "missing-field", &n->pos,
			       "a test needs the field \"%s\", here or in \"defaults\"", field);
}

static int check(struct pst_reader *r, const struct pst_yaml_node *n, const struct pst_test_form *f)
{
	int worst = 0;

	if (!f->from.n)
		worst = missing(r, n, "from");
	if (!f->to.n)
		worst = missing(r, n, "to");
	if (!f->has_port)
		worst = missing(r, n, "port");
	if (!f->has_expect)
		worst = missing(r, n, "expect");
	if ((f->has_request || f->requests.n) && f->protocol != PST_PROTOCOL_TCP)
		worst = pst_diags_error(r->diags, "test-request", &n->pos,
					"a test with a request needs the protocol TCP");
	return worst;
}

int pst_test_form_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_test_form *form)
{
	const struct pst_yaml_node *requests = pst_yaml_get(n, "requests");
	int worst = pst_fields_read(r, &test_table, n, form);

	if (requests)
		worst = pst_fields_worse(worst, read_requests(r, requests, form));
	return worst ? worst : check(r, n, form);
}
