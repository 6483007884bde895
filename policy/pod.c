// SPDX-License-Identifier: Apache-2.0
#include "policy/pod.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"

/* One element of podIPs: {ip: ...}. */
static int read_pod_ip(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *pod)
{
	const struct pst_yaml_node *ip = pst_yaml_get(n, "ip");
	int e = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (e)
		return e;
	if (!ip)
		return pst_diags_error(r->diags, "missing-field", &n->pos,
				       "an element of podIPs needs the field \"ip\"");
	return pst_kube_addr_read(r, ip, &pod->addrs);
}

static int read_addrs(struct pst_reader *r, const struct pst_yaml_node *status, struct pst_pod *pod)
{
	const struct pst_yaml_node *one = pst_yaml_get(status, "podIP");
	const struct pst_yaml_node *all;
	int worst = pst_kube_get(r, status, "podIPs", PST_YAML_LIST, &all);

	if (worst || pod->ended || pod->host_network)
		return worst;
	if (pst_kube_addrs_reserve(r, &pod->addrs, 1 + (all ? all->len : 0)))
		return -ENOMEM;
	if (one)
		worst = pst_kube_addr_read(r, one, &pod->addrs);
	for (const struct pst_yaml_node *c = all ? all->first : NULL; c; c = c->next)
		worst = pst_fields_worse(worst, read_pod_ip(r, c, pod));
	return worst;
}

/* Policies name ports in lower case. */
static const char *lower(struct pst_arena *arena, const struct pst_text *text)
{
	char *copy = pst_arena_strndup(arena, text->s, text->len);

	for (char *p = copy; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static int read_protocol(struct pst_reader *r, const struct pst_yaml_node *n,
			 enum pst_protocol *ret_protocol)
{
	static const struct {
		const char *name;
		enum pst_protocol protocol;
	} protocols[] = {
		{"TCP", PST_PROTOCOL_TCP},
		{"UDP", PST_PROTOCOL_UDP},
		{"SCTP", PST_PROTOCOL_SCTP},
	};
	struct pst_text text = {.s = "TCP"};
	int e = pst_kube_text(r, n, "protocol", &text);

	if (e)
		return e;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strcmp(protocols[i].name, text.s))
			continue;
		*ret_protocol = protocols[i].protocol;
		return 0;
	}
	return pst_diags_error(r->diags, "unknown-protocol", &text.pos,
			       "expected TCP, UDP or SCTP, found \"%.32s\"", text.s);
}

/* One element of containers[].ports. Without a name it has no bearing on policies. */
static int read_port(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *pod)
{
	const struct pst_yaml_node *number;
	struct pst_named_port port = {0};
	struct pst_text name = {0};
	unsigned int value = 0;
	int e = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (e)
		return e;
	e = pst_kube_text(r, n, "name", &name);
	if (e || !name.len)
		return e;
	e = pst_kube_get(r, n, "containerPort", PST_YAML_NUMBER, &number);
	if (!e && number)
		e = pst_fields_uint(r, number, UINT16_MAX, &value);
	if (!e)
		e = read_protocol(r, n, &port.protocol);
	if (e || !value)
		return e;
	port.port = (uint16_t)value;
	port.name = lower(r->arena, &name);
	if (!port.name)
		return -ENOMEM;
	pod->ports[pod->n_ports++] = port;
	return 0;
}

/* The ports of one container: walks them, or only counts them when there is no room yet. */
static int read_container(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *pod,
			  size_t *n_ports)
{
	const struct pst_yaml_node *ports;
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (!worst)
		worst = pst_kube_get(r, n, "ports", PST_YAML_LIST, &ports);
	if (worst || !ports)
		return worst;
	*n_ports += ports->len;
	for (const struct pst_yaml_node *c = pod->ports ? ports->first : NULL; c; c = c->next)
		worst = pst_fields_worse(worst, read_port(r, c, pod));
	return worst;
}

static int read_ports(struct pst_reader *r, const struct pst_yaml_node *spec, struct pst_pod *pod)
{
	/* Sidecars among the init containers have ports as well. */
	static const char *const lists[] = {"containers", "initContainers"};
	size_t n_ports = 0;
	int worst = 0;

	for (int pass = 0; !worst && pass < 2; pass++) {
		for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
			const struct pst_yaml_node *list;
			int e = pst_kube_get(r, spec, lists[i], PST_YAML_LIST, &list);

			worst = pst_fields_worse(worst, e);
			for (const struct pst_yaml_node *c = e || !list ? NULL : list->first; c;
			     c = c->next)
				worst = pst_fields_worse(worst,
							 read_container(r, c, pod, &n_ports));
		}
		if (pass || worst)
			continue;
		pod->ports = pst_arena_calloc(r->arena, n_ports, sizeof(*pod->ports));
		if (!pod->ports)
			return -ENOMEM;
	}
	return worst;
}

static int read_spec(struct pst_reader *r, const struct pst_yaml_node *spec, struct pst_pod *pod)
{
	const struct pst_yaml_node *host = pst_yaml_get(spec, "hostNetwork");
	struct pst_text account = {0};
	int e = host ? pst_fields_bool(r, host, &pod->host_network) : 0;

	e = pst_fields_worse(e, pst_kube_text(r, spec, "serviceAccountName", &account));
	if (!e && account.len) {
		if (!pst_label_value_is_valid(account.s))
			return pst_diags_error(r->diags, "name-invalid", &account.pos,
					       "\"%.64s\" is not the name of a service account",
					       account.s);
		pod->service_account = account.s;
	}
	return e == -ENOMEM ? e : pst_fields_worse(e, read_ports(r, spec, pod));
}

static int read_status(struct pst_reader *r, const struct pst_yaml_node *status,
		       struct pst_pod *pod)
{
	struct pst_text phase = {.s = ""};
	int e = pst_kube_text(r, status, "phase", &phase);

	pod->ended = !strcmp(phase.s, "Succeeded") || !strcmp(phase.s, "Failed");
	return e ? e : read_addrs(r, status, pod);
}

/* postern.io/mode: who judges the requests to the pod. What is not understood is no choice. */
static int read_mode(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *pod)
{
	const struct pst_yaml_node *metadata, *annotations;
	struct pst_text mode = {.s = ""};
	int e = pst_kube_get(r, n, "metadata", PST_YAML_MAPPING, &metadata);

	if (!e)
		e = pst_kube_get(r, metadata, "annotations", PST_YAML_MAPPING, &annotations);
	if (!e)
		e = pst_kube_text(r, annotations, "postern.io/mode", &mode);
	if (e)
		return e;
	pod->proxied = !strcmp(mode.s, "proxy");
	if (*mode.s && !pod->proxied && strcmp(mode.s, "kernel"))
		return pst_diags_error(r->diags, "mode-unknown", &mode.pos,
				       "postern.io/mode: expected proxy or kernel, found \"%.32s\"",
				       mode.s);
	return 0;
}

int pst_pod_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *ret_pod)
{
	const struct pst_yaml_node *spec, *status;
	struct pst_pod pod = {0};
	int e = pst_kube_get(r, n, "spec", PST_YAML_MAPPING, &spec);

	e = pst_fields_worse(e, pst_kube_get(r, n, "status", PST_YAML_MAPPING, &status));
	if (e)
		return e;
	e = pst_kube_meta_read(r, n, &pod.meta);
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_mode(r, n, &pod));
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_spec(r, spec, &pod));
	if (e != -ENOMEM)
		e = pst_fields_worse(e, read_status(r, status, &pod));
	if (!e)
		*ret_pod = pod;
	return e;
}
