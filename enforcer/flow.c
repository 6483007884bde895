// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/version.h"
#include "enforcer/flow_time.h"

static const char *const verdicts[] = {
	"VERDICT_UNKNOWN", "FORWARDED",	 "DROPPED", "ERROR",
	"AUDIT",	   "REDIRECTED", "TRACED",  "TRANSLATED",
};
static const char *const directions[] = {"TRAFFIC_DIRECTION_UNKNOWN", "INGRESS", "EGRESS"};
static const char *const l7_types[] = {"UNKNOWN_L7_TYPE", "REQUEST", "RESPONSE", "SAMPLE"};
static const char *const matches[] = {"none", "L3-Only",  "L3-L4",     "L4-Only",
				      "all",  "L3-Proto", "Proto-Only"};
static const struct {
	uint8_t number;
	const char *name;
	bool has_ports;
} protocols[] = {
	{1, "ICMPv4", false},  {6, "TCP", true},    {17, "UDP", true},
	{58, "ICMPv6", false}, {132, "SCTP", true},
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *pst_flow_verdict_name(enum pst_flow_verdict verdict)
{
	return verdict < COUNT(verdicts) ? verdicts[verdict] : verdicts[0];
}

const char *pst_flow_direction_name(enum pst_flow_direction direction)
{
	return direction < COUNT(directions) ? directions[direction] : directions[0];
}

const char *pst_flow_match_name(uint32_t match)
{
	return match < COUNT(matches) ? matches[match] : matches[0];
}

const char *pst_flow_protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	return NULL;
}

static void put_text(struct pst_json *j, const char *key, const char *value)
{
	if (*value)
		pst_json_str(j, key, value);
}

static void put_number(struct pst_json *j, const char *key, uint64_t value)
{
	if (value)
		pst_json_u64(j, key, value);
}

/* 64 bits: a string. */
static void put_long(struct pst_json *j, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	if (value)
		pst_json_str(j, key, text);
}

static void write_l4(struct pst_json *j, const struct pst_flow *f)
{
	const char *name = pst_flow_protocol_name(f->protocol);

	if (!name)
		return;
	pst_json_object(j, "l4");
	pst_json_object(j, name);
	put_number(j, "source_port", f->source.port);
	put_number(j, "destination_port", f->destination.port);
	pst_json_end(j);
	pst_json_end(j);
}

static void write_end(struct pst_json *j, const char *key, const struct pst_flow_end *e)
{
	pst_json_object(j, key);
	put_number(j, "identity", e->identity);
	put_text(j, "namespace", e->ns);
	if (e->n_labels) {
		pst_json_array(j, "labels");
		for (size_t i = 0; i < e->n_labels; i++)
			pst_json_str(j, NULL, e->labels[i]);
		pst_json_end(j);
	}
	put_text(j, "pod_name", e->pod);
	pst_json_end(j);
}

static void write_l7(struct pst_json *j, const struct pst_flow *f)
{
	pst_json_object(j, "l7");
	pst_json_str(j, "type", l7_types[f->l7]);
	put_long(j, "latency_ns", f->latency_ns);
	pst_json_object(j, "http");
	put_number(j, "code", f->code);
	put_text(j, "method", f->method);
	put_text(j, "url", f->url);
	put_text(j, "protocol", f->http_protocol);
	if (f->n_headers)
		pst_json_array(j, "headers");
	for (size_t i = 0; i < f->n_headers; i++) {
		pst_json_object(j, NULL);
		pst_json_str(j, "key", f->headers[i].key);
		put_text(j, "value", f->headers[i].value);
		pst_json_end(j);
	}
	if (f->n_headers)
		pst_json_end(j);
	pst_json_end(j);
	pst_json_end(j);
}

/* Cilium's own labels of a policy, and the place of the rule. */
static void write_policy_labels(struct pst_json *j, const struct pst_flow_policy *p)
{
	const struct {
		const char *prefix, *value;
	} labels[] = {{"k8s:io.cilium.k8s.policy.derived-from=", p->kind},
		      {"k8s:io.cilium.k8s.policy.name=", p->name},
		      {"k8s:io.cilium.k8s.policy.namespace=", p->ns},
		      {"postern:rule=", p->rule}};

	pst_json_array(j, "labels");
	for (size_t i = 0; i < COUNT(labels); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "%s%s", labels[i].prefix, labels[i].value);
		if (*labels[i].value)
			pst_json_str(j, NULL, text);
	}
	pst_json_end(j);
}

static void write_policies(struct pst_json *j, const struct pst_flow *f)
{
	static const char *const keys[2][2] = {{"egress_allowed_by", "egress_denied_by"},
					       {"ingress_allowed_by", "ingress_denied_by"}};
	bool denied = f->verdict != PST_FLOW_FORWARDED && f->verdict != PST_FLOW_REDIRECTED;

	if (!f->n_policies)
		return;
	pst_json_array(j, keys[f->direction == PST_FLOW_INGRESS][denied]);
	for (size_t i = 0; i < f->n_policies; i++) {
		const struct pst_flow_policy *p = &f->policies[i];

		pst_json_object(j, NULL);
		put_text(j, "name", p->name);
		put_text(j, "namespace", p->ns);
		write_policy_labels(j, p);
		put_long(j, "revision", p->revision);
		put_text(j, "kind", p->kind);
		pst_json_end(j);
	}
	pst_json_end(j);
}

static void write_names(struct pst_json *j, const char *key, const char **names, size_t n)
{
	if (!n)
		return;
	pst_json_array(j, key);
	for (size_t i = 0; i < n; i++)
		pst_json_str(j, NULL, names[i]);
	pst_json_end(j);
}

static void write_extensions(struct pst_json *j, const struct pst_flow *f)
{
	pst_json_object(j, "extensions");
	pst_json_str(j, "@type", "type.googleapis.com/google.protobuf.Struct");
	pst_json_object(j, "value");
	put_text(j, "reason", f->reason);
	put_text(j, "answer", f->answer);
	put_text(j, "judged_by", f->judged_by);
	write_names(j, "missing_headers", f->missing, f->n_missing);
	write_names(j, "rejected_headers", f->rejected, f->n_rejected);
	pst_json_end(j);
	pst_json_end(j);
}

static void write_what(struct pst_json *j, const struct pst_flow *f)
{
	pst_json_str(j, "Type", f->l7 ? "L7" : "L3_L4");
	put_text(j, "node_name", f->node_name);
	if (f->l7)
		write_l7(j, f);
	pst_json_object(j, "event_type");
	put_number(j, "type", (uint64_t)f->event_type);
	put_number(j, "sub_type", (uint64_t)f->event_sub_type);
	pst_json_end(j);
	if (f->direction)
		pst_json_str(j, "traffic_direction", directions[f->direction]);
	put_number(j, "policy_match_type", f->match_type);
	if (*f->drop_reason_desc)
		pst_json_str(j, "drop_reason_desc", f->drop_reason_desc);
	if (f->has_is_reply)
		pst_json_bool(j, "is_reply", f->is_reply);
	put_long(j, "socket_cookie", f->socket_cookie);
	write_policies(j, f);
	write_extensions(j, f);
	put_text(j, "Summary", f->summary);
}

static void write_flow(struct pst_json *j, const struct pst_flow *f, const char *time)
{
	pst_json_object(j, "flow");
	pst_json_str(j, "time", time);
	put_text(j, "uuid", f->uuid);
	pst_json_object(j, "emitter");
	pst_json_str(j, "name", "postern");
	pst_json_str(j, "version", PST_VERSION);
	pst_json_end(j);
	if (f->verdict)
		pst_json_str(j, "verdict", pst_flow_verdict_name(f->verdict));
	put_number(j, "drop_reason", f->drop_reason);
	pst_json_object(j, "IP");
	pst_json_str(j, "source", f->source.ip);
	pst_json_str(j, "destination", f->destination.ip);
	pst_json_str(j, "ipVersion", f->is_ipv6 ? "IPv6" : "IPv4");
	pst_json_end(j);
	write_l4(j, f);
	write_end(j, "source", &f->source);
	write_end(j, "destination", &f->destination);
	write_what(j, f);
	pst_json_end(j);
}

int pst_flow_write(FILE *out, const struct pst_flow *f)
{
	char time[PST_FLOW_TIME_TEXT];
	struct pst_json j;

	pst_flow_time_text(f->time, time);
	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	write_flow(&j, f, time);
	put_text(&j, "node_name", f->node_name);
	pst_json_str(&j, "time", time);
	pst_json_end(&j);
	return pst_json_finish(&j);
}
