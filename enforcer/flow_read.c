// SPDX-License-Identifier: Apache-2.0
/* Flows from JSON: what posternd writes, and what hubble does. */
#include "enforcer/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "enforcer/flow_time.h"

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* A number, or a string of digits: both are numbers in the JSON of protocol buffers. */
static uint64_t number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_string(v))
		return strtoull(json_string_value(v), NULL, 10);
	return json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v)
							       : 0;
}

/* An enumeration is its word, or its number. */
static unsigned int word(const json_t *o, const char *key, const char *(*name)(unsigned int),
			 unsigned int max)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_integer(v))
		return number(o, key) < max ? (unsigned int)number(o, key) : 0;
	for (unsigned int i = 1; json_is_string(v) && i < max; i++)
		if (!strcmp(json_string_value(v), name(i)))
			return i;
	return 0;
}

static const char *verdict_name(unsigned int i)
{
	return pst_flow_verdict_name((enum pst_flow_verdict)i);
}

static const char *direction_name(unsigned int i)
{
	return pst_flow_direction_name((enum pst_flow_direction)i);
}

static const char *l7_name(unsigned int i)
{
	static const char *const names[] = {"", "REQUEST", "RESPONSE", "SAMPLE"};

	return names[i];
}

static int read_end(const json_t *o, struct pst_arena *a, struct pst_flow_end *e)
{
	const json_t *labels = json_object_get(o, "labels"), *label;
	size_t i;

	e->identity = (uint32_t)number(o, "identity");
	e->ns = text(o, "namespace");
	e->pod = text(o, "pod_name");
	e->labels = pst_arena_calloc(a, json_array_size(labels) + 1, sizeof(*e->labels));
	if (!e->labels)
		return -ENOMEM;
	json_array_foreach(labels, i, label)
	{
		if (json_is_string(label))
			e->labels[e->n_labels++] = json_string_value(label);
	}
	return 0;
}

static void read_l4(const json_t *o, struct pst_flow *f)
{
	for (unsigned int protocol = 1; protocol < 256; protocol++) {
		const char *name = pst_flow_protocol_name((uint8_t)protocol);
		const json_t *l4 = name ? json_object_get(o, name) : NULL;

		if (!l4)
			continue;
		f->protocol = (uint8_t)protocol;
		f->source.port = (uint32_t)number(l4, "source_port");
		f->destination.port = (uint32_t)number(l4, "destination_port");
	}
}

static int read_l7(const json_t *o, struct pst_arena *a, struct pst_flow *f)
{
	const json_t *http = json_object_get(o, "http"), *headers, *h;
	size_t i;

	if (!o)
		return 0;
	f->l7 = (enum pst_flow_l7)word(o, "type", l7_name, PST_FLOW_SAMPLE + 1);
	f->latency_ns = number(o, "latency_ns");
	f->code = (uint32_t)number(http, "code");
	f->method = text(http, "method");
	f->url = text(http, "url");
	f->http_protocol = text(http, "protocol");
	headers = json_object_get(http, "headers");
	f->headers = pst_arena_calloc(a, json_array_size(headers) + 1, sizeof(*f->headers));
	if (!f->headers)
		return -ENOMEM;
	json_array_foreach(headers, i, h)
	{
		f->headers[f->n_headers++] =
			(struct pst_flow_header){text(h, "key"), text(h, "value")};
	}
	return 0;
}

static void read_policy(const json_t *o, struct pst_flow_policy *p)
{
	static const char rule[] = "postern:rule=";
	const json_t *label;
	size_t i;

	*p = (struct pst_flow_policy){
		.ns = text(o, "namespace"),
		.name = text(o, "name"),
		.kind = text(o, "kind"),
		.rule = "",
		.revision = number(o, "revision"),
	};
	json_array_foreach(json_object_get(o, "labels"), i, label)
	{
		const char *s = json_string_value(label);

		if (s && !strncmp(s, rule, strlen(rule)))
			p->rule = s + strlen(rule);
	}
}

static int read_policies(const json_t *o, struct pst_arena *a, struct pst_flow *f)
{
	static const char *const keys[] = {"egress_allowed_by", "egress_denied_by",
					   "ingress_allowed_by", "ingress_denied_by"};
	size_t n = 0, i;

	for (size_t k = 0; k < 4; k++)
		n += json_array_size(json_object_get(o, keys[k]));
	f->policies = pst_arena_calloc(a, n + 1, sizeof(*f->policies));
	if (!f->policies)
		return -ENOMEM;
	for (size_t k = 0; k < 4; k++) {
		const json_t *policy;

		json_array_foreach(json_object_get(o, keys[k]), i, policy)
		{
			read_policy(policy, &f->policies[f->n_policies++]);
		}
	}
	return 0;
}

static int read_names(const json_t *names, struct pst_arena *a, const char ***ret_names,
		      size_t *ret_n)
{
	size_t i, n = 0;
	const json_t *name;

	if (!json_array_size(names))
		return 0;
	*ret_names = pst_arena_calloc(a, json_array_size(names), sizeof(**ret_names));
	if (!*ret_names)
		return -ENOMEM;
	json_array_foreach(names, i, name)
	{
		if (json_is_string(name))
			(*ret_names)[n++] = json_string_value(name);
	}
	*ret_n = n;
	return 0;
}

/* What LOG was about. */
static int read_wishes(const json_t *o, struct pst_arena *a, struct pst_flow *f)
{
	const json_t *more = json_object_get(json_object_get(o, "extensions"), "value");
	int r = read_names(json_object_get(more, "missing_headers"), a, &f->missing, &f->n_missing);

	return r ? r
		 : read_names(json_object_get(more, "rejected_headers"), a, &f->rejected,
			      &f->n_rejected);
}

static void read_rest(const json_t *o, struct pst_flow *f)
{
	const json_t *reply = json_object_get(o, "is_reply");
	const json_t *event = json_object_get(o, "event_type");
	const json_t *more = json_object_get(json_object_get(o, "extensions"), "value");

	pst_flow_time_parse(text(o, "time"), &f->time);
	f->uuid = text(o, "uuid");
	f->node_name = text(o, "node_name");
	f->verdict = (enum pst_flow_verdict)word(o, "verdict", verdict_name, PST_FLOW_VERDICT_MAX);
	f->drop_reason = (uint32_t)number(o, "drop_reason");
	f->drop_reason_desc = text(o, "drop_reason_desc");
	f->event_type = (int)number(event, "type");
	f->event_sub_type = (int)number(event, "sub_type");
	f->direction = (enum pst_flow_direction)word(o, "traffic_direction", direction_name,
						     PST_FLOW_EGRESS + 1);
	f->match_type = (uint32_t)number(o, "policy_match_type");
	f->has_is_reply = json_is_boolean(reply);
	f->is_reply = json_is_true(reply);
	f->socket_cookie = number(o, "socket_cookie");
	f->reason = text(more, "reason");
	f->answer = text(more, "answer");
	f->judged_by = text(more, "judged_by");
	f->summary = text(o, "Summary");
}

int pst_flow_read(const json_t *json, struct pst_arena *a, struct pst_flow *ret_flow)
{
	const json_t *o = json_object_get(json, "flow") ? json_object_get(json, "flow") : json;
	const json_t *ip = json_object_get(o, "IP");
	struct pst_flow f = {.method = "", .url = "", .http_protocol = ""};
	int r;

	if (!json_is_object(o) || !(json_object_get(o, "verdict") || json_object_get(o, "Type")))
		return -EINVAL;
	f.source.ip = text(ip, "source");
	f.destination.ip = text(ip, "destination");
	f.is_ipv6 = !strcmp(text(ip, "ipVersion"), "IPv6");
	read_rest(o, &f);
	read_l4(json_object_get(o, "l4"), &f);
	r = read_end(json_object_get(o, "source"), a, &f.source);
	if (!r)
		r = read_end(json_object_get(o, "destination"), a, &f.destination);
	if (!r)
		r = read_l7(json_object_get(o, "l7"), a, &f);
	if (!r)
		r = read_policies(o, a, &f);
	if (!r)
		r = read_wishes(o, a, &f);
	if (!r)
		*ret_flow = f;
	return r;
}
