// SPDX-License-Identifier: Apache-2.0
#include "cli/observe_mask.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/nearest.h"

enum { NAME = 32, PATH = 64 };

#define PORTS(protocol) \
	"l4." protocol, "l4." protocol ".source_port", "l4." protocol ".destination_port"
#define END(end) end, end ".identity", end ".namespace", end ".labels", end ".pod_name"

/* Those of testdata/flows/flow.schema.json, in its order. */
const char *const pst_observe_paths[] = {
	"time",
	"uuid",
	"emitter",
	"emitter.name",
	"emitter.version",
	"verdict",
	"drop_reason",
	"IP",
	"IP.source",
	"IP.destination",
	"IP.ipVersion",
	"l4",
	PORTS("TCP"),
	PORTS("UDP"),
	PORTS("SCTP"),
	PORTS("ICMPv4"),
	PORTS("ICMPv6"),
	END("source"),
	END("destination"),
	"Type",
	"node_name",
	"l7",
	"l7.type",
	"l7.latency_ns",
	"l7.http",
	"l7.http.code",
	"l7.http.method",
	"l7.http.url",
	"l7.http.protocol",
	"l7.http.headers",
	"event_type",
	"event_type.type",
	"traffic_direction",
	"policy_match_type",
	"drop_reason_desc",
	"is_reply",
	"socket_cookie",
	"egress_allowed_by",
	"egress_denied_by",
	"ingress_allowed_by",
	"ingress_denied_by",
	"extensions",
	"Summary",
	NULL,
};

enum { PATHS = sizeof(pst_observe_paths) / sizeof(*pst_observe_paths) - 1 };

struct pst_observe_mask {
	bool wanted[PATHS];
};

int pst_observe_mask_new(struct pst_observe_mask **ret_mask)
{
	struct pst_observe_mask *m = pst_mem_calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*ret_mask = m;
	return 0;
}

void pst_observe_mask_free(struct pst_observe_mask **m)
{
	free(*m);
	*m = NULL;
}

/* Whether TEXT is PATH, each _x of which may be written X. */
static bool is_path(const char *text, const char *path)
{
	for (; *text && *path; text++, path++) {
		if (*text == *path)
			continue;
		if (*path != '_' || *text != toupper((unsigned char)*++path))
			return false;
	}
	return !*text && !*path;
}

/* Whether PATH leads through OUTER. */
static bool is_below(const char *path, const char *outer)
{
	size_t n = strlen(outer);

	return !strncmp(path, outer, n) && path[n] == '.';
}

static bool has_fields(size_t i)
{
	return pst_observe_paths[i + 1] && is_below(pst_observe_paths[i + 1], pst_observe_paths[i]);
}

static void explain(const char *path, size_t at, char *why, size_t size)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	if (!*path) {
		snprintf(why, size, "expected the path of a field at %zu", at);
		return;
	}
	pst_nearest_init(&near, path);
	for (size_t i = 0; i < PATHS; i++) {
		pst_nearest_offer(&near, pst_observe_paths[i]);
		if (!has_fields(i) && is_below(path, pst_observe_paths[i])) {
			snprintf(why, size, "at %zu: %s is whole, nothing in it can be chosen", at,
				 pst_observe_paths[i]);
			return;
		}
	}
	snprintf(why, size, "at %zu: \"%s\" is no field of a flow%s", at, path,
		 pst_nearest_hint(&near, hint));
}

static int add_path(struct pst_observe_mask *m, const char *path)
{
	for (size_t i = 0; i < PATHS; i++) {
		if (is_path(path, pst_observe_paths[i])) {
			m->wanted[i] = true;
			return 0;
		}
	}
	return -EINVAL;
}

int pst_observe_mask_add(struct pst_observe_mask *m, const char *text, char *why, size_t size)
{
	const char *at = text;

	for (;;) {
		size_t n = strcspn(at, ",");
		char path[PATH];

		/* What is cut off is longer than any path. */
		snprintf(path, sizeof(path), "%.*s", (int)(n < PATH ? n : PATH), at);
		if (add_path(m, path)) {
			explain(path, (size_t)(at - text) + 1, why, size);
			return -EINVAL;
		}
		if (!at[n])
			return 0;
		at += n + 1;
	}
}

/* Moves *PATH behind its first name. */
static void take_name(const char **path, char name[NAME])
{
	size_t n = strcspn(*path, ".");

	snprintf(name, NAME, "%.*s", (int)n, *path);
	*path += n + ((*path)[n] == '.');
}

/* NULL: FLOW does not have it. */
static json_t *find(const json_t *flow, const char *path)
{
	json_t *at = NULL;
	char name[NAME];

	do {
		take_name(&path, name);
		at = json_object_get(at ? at : flow, name);
	} while (at && *path);
	return at;
}

/* Puts VALUE where PATH leads. What is on the way is new, and OUT's own. */
static int put(json_t *out, const char *path, json_t *value)
{
	char name[NAME];

	take_name(&path, name);
	while (*path) {
		json_t *inner = json_object_get(out, name);

		if (!inner && json_object_set_new(out, name, json_object()))
			return -ENOMEM;
		out = inner ? inner : json_object_get(out, name);
		take_name(&path, name);
	}
	return json_object_set(out, name, value) ? -ENOMEM : 0;
}

/* What is in a field that is shown whole is there already. */
static bool is_covered(const struct pst_observe_mask *m, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (m->wanted[k] && is_below(pst_observe_paths[i], pst_observe_paths[k]))
			return true;
	}
	return false;
}

static json_t *apply(const struct pst_observe_mask *m, const json_t *flow)
{
	json_t *out = json_object();

	for (size_t i = 0; i < PATHS && out; i++) {
		const char *path = pst_observe_paths[i];
		json_t *value = m->wanted[i] && !is_covered(m, i) ? find(flow, path) : NULL;

		if (value && put(out, path, value)) {
			json_decref(out);
			out = NULL;
		}
	}
	return out;
}

json_t *pst_observe_mask_apply(const struct pst_observe_mask *m, const json_t *json)
{
	const json_t *flow = json_object_get(json, "flow");
	json_t *out, *masked = apply(m, flow ? flow : json);

	if (!masked || !flow)
		return masked;
	out = json_copy((json_t *)json);
	if (!out || json_object_set_new(out, "flow", masked)) {
		json_decref(out);
		return NULL;
	}
	return out;
}
