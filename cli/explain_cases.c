// SPDX-License-Identifier: Apache-2.0
/*
 * Many questions at once, one JSON object per line, each with the verdict that somebody expects. A
 * line is answered with "error" when its policy file has mistakes or needs what postern does not
 * know yet: it is counted, and it never counts as expected.
 *
 * expect_upstream_headers and expect_upstream_absent say with which fields the request shall reach
 * the server. What is allowed passes as it is, so the request itself answers them; unless a rule
 * adds, deletes or replaces fields: postern-proxy does that, explain does not, and the line is
 * "unsupported".
 */
#include "cli/explain.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "cli/file.h"
#include "cli/request.h"
#include "cli/verbs.h"
#include "compiler/explain.h"

static void drop_json(json_t **j)
{
	json_decref(*j);
}

struct totals {
	size_t met, missed, errors, unsupported;
};

/* What becomes of what a line expects to reach the server. */
enum upstream {
	UPSTREAM_NOTHING, /* it expects nothing, or the request is denied */
	UPSTREAM_MET,
	UPSTREAM_MISSED,
	UPSTREAM_UNSUPPORTED,
};

/* One line. */
struct one {
	const json_t *j;
	const char *dir; /* of the file that the line stands in */
	const char *file;
	size_t number;
	struct pst_arena *arena;
	const struct pst_cli_strings *inventories;
	struct pst_input in;
	const char *error; /* why there is no verdict; in the arena */
	struct pst_ruling ruling;
	struct pst_answer answer;
	enum upstream upstream;
	bool has_answer;
};

static int give_up(struct one *c, const char *what, const char *detail)
{
	c->error = pst_arena_printf(c->arena, "%s:%zu: %s%s", c->file, c->number, what, detail);
	return c->error ? -EINVAL : -ENOMEM;
}

static int no_object(struct one *c, const json_error_t *why)
{
	if (c->j)
		return give_up(c, "expected a JSON object, found JSON of another kind", "");
	c->error = pst_arena_printf(c->arena, "%s:%zu:%d: expected a JSON object: %s", c->file,
				    c->number, why->column > 0 ? why->column : 1, why->text);
	return c->error ? -EINVAL : -ENOMEM;
}

/* A misspelt "expect" would expect nothing. The last ones are its author's, or others': not looked
 * at. */
static int check_names(struct one *c)
{
	static const char *const names[] = {
		"id",
		"policy_file",
		"policy_namespace",
		"direction",
		"src_labels",
		"dst_labels",
		"dport",
		"proto",
		"named_ports",
		"method",
		"path",
		"host",
		"headers",
		"expect",
		"expect_upstream_headers",
		"expect_upstream_absent",
		"deny_as",
		"dst_ip",
		"needs",
		"note",
		"source",
	};
	const size_t n = sizeof(names) / sizeof(*names);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)c->j, key, value)
	{
		size_t i = 0;

		while (i < n && strcmp(key, names[i]) != 0)
			i++;
		if (i == n)
			return give_up(c, "a case has no field ", key);
	}
	return 0;
}

static const char *member_str(const struct one *c, const char *key)
{
	return json_string_value(json_object_get(c->j, key));
}

/* A string that must be there. */
static int need_str(struct one *c, const char *key, const char **ret)
{
	const char *s = member_str(c, key);

	if (!s)
		return give_up(c, "expected a string: ", key);
	*ret = s;
	return 0;
}

static int read_peer(struct one *c, const char *key, struct pst_peer *ret)
{
	const json_t *list = json_object_get(c->j, key);
	size_t n = json_array_size(list);
	const char **labels = pst_arena_calloc(c->arena, n, sizeof(*labels));
	int r;

	if (!labels)
		return -ENOMEM;
	if (!n)
		return give_up(c, "expected a list of labels: ", key);
	for (size_t i = 0; i < n; i++) {
		labels[i] = json_string_value(json_array_get(list, i));
		if (!labels[i])
			return give_up(c, "a label is not a string: ", key);
	}
	r = pst_peer_from_labels(labels, n, c->arena, c->in.diags, ret);
	return r == -EINVAL ? give_up(c, "not a label in ", key) : r;
}

/* "http-8080/TCP": 8080, as a port of the peer that accepts. */
static int read_named_port(struct one *c, const char *key, const json_t *value,
			   struct pst_named_port *port)
{
	const char *slash = strchr(key, '/');
	json_int_t number = json_integer_value(value);
	uint8_t protocol = 0;
	char *name;

	if (!slash || slash == key || pst_protocol_from_str(slash + 1, &protocol) || number < 1 ||
	    number > 65535)
		return give_up(c, "expected \"NAME/PROTOCOL\": NUMBER, found ", key);
	name = pst_arena_strndup(c->arena, key, (size_t)(slash - key));
	if (!name)
		return -ENOMEM;
	for (char *s = name; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	*port = (struct pst_named_port){name, (uint16_t)number, (enum pst_protocol)protocol};
	return 0;
}

static int read_named_ports(struct one *c, struct pst_peer *server)
{
	json_t *all = json_object_get(c->j, "named_ports");
	struct pst_named_port *v = pst_arena_calloc(c->arena, json_object_size(all), sizeof(*v));
	const char *key;
	json_t *value;
	int r = v ? 0 : -ENOMEM;

	json_object_foreach(all, key, value)
	{
		if (!r)
			r = read_named_port(c, key, value, &v[server->n_ports]);
		server->n_ports += !r;
	}
	server->ports = v;
	return r;
}

static int read_question(struct one *c, struct pst_question *q)
{
	const json_t *port = json_object_get(c->j, "dport");
	json_int_t number = json_integer_value(port);
	const char *direction = NULL, *protocol = NULL;
	int r = need_str(c, "direction", &direction);

	if (!r)
		r = need_str(c, "proto", &protocol);
	if (!r)
		r = read_peer(c, "src_labels", &q->from);
	if (!r)
		r = read_peer(c, "dst_labels", &q->to);
	if (!r)
		r = read_named_ports(c, &q->to);
	if (r)
		return r;
	if (strcmp(direction, "ingress") && strcmp(direction, "egress"))
		return give_up(c, "expected ingress or egress, found ", direction);
	q->direction = strcmp(direction, "egress") ? PST_DIRECTION_INGRESS : PST_DIRECTION_EGRESS;
	if (pst_protocol_from_str(protocol, &q->protocol))
		return give_up(c, "unknown protocol: ", protocol);
	if (!json_is_integer(port) || number < 0 || number > 65535)
		return give_up(c, "expected a port number: ", "dport");
	q->port = (uint16_t)number;
	return 0;
}

static int add_field(struct one *c, struct pst_cli_strings *fields, const char *name,
		     const json_t *value)
{
	const char *field;

	if (!json_is_string(value))
		return give_up(c, "the value of a header is not a string: ", name);
	field = pst_arena_printf(c->arena, "%s: %s", name, json_string_value(value));
	return field ? pst_vec_push(fields, field) : -ENOMEM;
}

/* A list of values is a field that is repeated. */
static int read_fields(struct one *c, struct pst_cli_strings *fields)
{
	json_t *all = json_object_get(c->j, "headers");
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach(all, name, value)
	{
		if (!r && !json_is_array(value))
			r = add_field(c, fields, name, value);
		for (size_t i = 0; !r && i < json_array_size(value); i++)
			r = add_field(c, fields, name, json_array_get(value, i));
	}
	return r;
}

static int judge_request(struct one *c)
{
	struct pst_cli_strings fields = {0};
	struct pst_request_parts request = {
		.method = member_str(c, "method"),
		.path = member_str(c, "path"),
		.host = member_str(c, "host"),
		.fields = &fields,
	};
	pst_auto_free char *bytes = NULL;
	const char *why = NULL;
	size_t len = 0, offset = 0;
	int r;

	c->ruling = pst_answer_l4(&c->answer);
	if (!request.method && !request.path)
		return 0;
	r = read_fields(c, &fields);
	if (!r) {
		r = pst_request_write(&request, &bytes, &len, &why);
		if (r == -EINVAL)
			r = give_up(c, why, "");
	}
	if (!r)
		c->ruling = pst_answer_request(&c->answer, bytes, len, &offset);
	pst_vec_free(&fields);
	return r;
}

/* Is NAME among the request's fields? With VALUE, unless it is NULL. */
static bool has_field(const struct one *c, const char *name, const char *value)
{
	json_t *all = json_object_get(c->j, "headers"), *values;
	const char *key;

	json_object_foreach(all, key, values)
	{
		size_t n = json_is_array(values) ? json_array_size(values) : 1;

		for (size_t i = 0; !strcasecmp(key, name) && i < n; i++) {
			const json_t *one =
				json_is_array(values) ? json_array_get(values, i) : values;

			if (!value || !strcmp(json_string_value(one), value))
				return true;
		}
	}
	return false;
}

static int expect_present(struct one *c, const json_t *all, bool *met)
{
	const char *name;
	json_t *value;

	if (all && !json_is_object(all))
		return give_up(c, "expected an object: ", "expect_upstream_headers");
	json_object_foreach((json_t *)all, name, value)
	{
		if (!json_is_string(value))
			return give_up(c, "the value of a header is not a string: ", name);
		*met = *met && has_field(c, name, json_string_value(value));
	}
	return 0;
}

static int expect_absent(struct one *c, const json_t *all, bool *met)
{
	if (all && !json_is_array(all))
		return give_up(c, "expected a list: ", "expect_upstream_absent");
	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *name = json_string_value(json_array_get(all, i));

		if (!name)
			return give_up(c, "a name is not a string: ", "expect_upstream_absent");
		*met = *met && !has_field(c, name, NULL);
	}
	return 0;
}

/* What reaches the server. A request that is denied does not, whatever the line expects of it. */
static int check_upstream(struct one *c)
{
	const json_t *present = json_object_get(c->j, "expect_upstream_headers");
	const json_t *absent = json_object_get(c->j, "expect_upstream_absent");
	bool met = true;
	int r = expect_present(c, present, &met);

	if (!r)
		r = expect_absent(c, absent, &met);
	if (r || !pst_ruling_passes(&c->ruling) || (!present && !absent))
		return r;
	if (c->ruling.reason == PST_REASON_RULE_FALLBACK)
		c->upstream = UPSTREAM_UNSUPPORTED;
	else
		c->upstream = met ? UPSTREAM_MET : UPSTREAM_MISSED;
	return 0;
}

/* The first error in the policies: the reason why there is no verdict. */
static int refuse_input(struct one *c)
{
	for (size_t i = 0; i < pst_diags_count(c->in.diags); i++) {
		const struct pst_diag *d = pst_diags_at(c->in.diags, i);

		if (d->severity != PST_SEVERITY_ERROR)
			continue;
		if (d->pos.file && d->pos.line)
			c->error = pst_arena_printf(c->arena, "%s:%u:%u: %s [%s]", d->pos.file,
						    d->pos.line, d->pos.col, d->message, d->id);
		else
			c->error = pst_arena_printf(c->arena, "%s: %s [%s]",
						    d->pos.file ? d->pos.file : c->file, d->message,
						    d->id);
		return c->error ? -EINVAL : -ENOMEM;
	}
	return give_up(c, "the policies could not be read", "");
}

static int load(struct one *c)
{
	const char *ns = member_str(c, "policy_namespace"), *file = NULL;
	struct pst_cli_strings one = {.n = 1};
	struct pst_input_paths paths = {.policies = &one, .inventories = c->inventories};
	const char *path;
	int status, r = need_str(c, "policy_file", &file);

	if (r)
		return r;
	path = pst_arena_printf(c->arena, "%s/%s", c->dir, file);
	if (!path)
		return -ENOMEM;
	one.v = &path;
	paths.default_ns = ns;
	status = pst_input_load(&c->in, &paths);
	if (status)
		return refuse_input(c);
	/* Documents of other kinds may be what the case is about: no verdict without them. */
	if (c->in.policies->n_skipped)
		return give_up(c,
			       "the policy file holds documents of kinds that postern does not "
			       "read: ",
			       file);
	return 0;
}

static int answer(struct one *c)
{
	struct pst_question q = {0};
	int r = check_names(c);

	if (!r)
		r = load(c);
	if (!r)
		r = read_question(c, &q);
	if (r)
		return r;
	if (pst_question_ask(&c->in, &q, &c->answer))
		return refuse_input(c);
	c->has_answer = true;
	r = judge_request(c);
	return r ? r : check_upstream(c);
}

static void write_verdict(const struct one *c, struct pst_json *j)
{
	if (c->error) {
		pst_json_str(j, "verdict", "error");
		pst_json_str(j, "reason", c->error);
		return;
	}
	pst_json_str(j, "verdict", pst_explain_verdict(&c->ruling));
	pst_json_str(j, "layer", pst_explain_layer(&c->ruling));
	if (pst_ruling_passes(&c->ruling))
		pst_json_null(j, "deny_as");
	else
		pst_json_str(j, "deny_as", c->ruling.l7 ? "403" : "drop");
	pst_json_str(j, "reason", pst_explain_reason_name(c->ruling.reason));
}

static void write_rule(const struct one *c, struct pst_json *j)
{
	const struct pst_bundle_rule *rule = c->error ? NULL : c->ruling.rule;
	char *place = NULL;

	if (rule)
		place = pst_arena_printf(c->arena, "%s:%u:%u", rule->pos.file ? rule->pos.file : "",
					 rule->pos.line, rule->pos.col);
	pst_json_str(j, "rule", place);
}

static void write_upstream(const struct one *c, struct pst_json *j)
{
	static const char *const names[] = {
		[UPSTREAM_MET] = "met",
		[UPSTREAM_MISSED] = "missed",
		[UPSTREAM_UNSUPPORTED] = "unsupported: a rule changes headers, which "
					 "postern-proxy does and explain does not",
	};

	if (!c->error && c->upstream)
		pst_json_str(j, "upstream", names[c->upstream]);
}

static int show(const struct one *c, struct totals *t)
{
	const char *expect = member_str(c, "expect");
	bool met = !c->error && expect && !strcmp(expect, pst_explain_verdict(&c->ruling));
	bool upstream = c->upstream == UPSTREAM_NOTHING || c->upstream == UPSTREAM_MET;
	struct pst_json j;

	if (c->error)
		t->errors++;
	else if ((met || !expect) && c->upstream == UPSTREAM_UNSUPPORTED)
		t->unsupported++;
	else if ((met || !expect) && upstream)
		t->met++;
	else
		t->missed++;
	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "id", member_str(c, "id"));
	write_verdict(c, &j);
	write_rule(c, &j);
	pst_json_str(&j, "expect", expect);
	write_upstream(c, &j);
	if (expect)
		pst_json_bool(&j, "met", met && upstream);
	pst_json_end(&j);
	return pst_json_finish(&j);
}

static int take_line(const char *line, size_t len, struct one *c, struct totals *t)
{
	json_t *j pst_cleanup(drop_json) = NULL;
	json_error_t why;
	int r;

	j = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	c->j = j;
	c->arena = pst_arena_new();
	if (!c->arena)
		return -ENOMEM;
	if (json_is_object(j))
		r = answer(c);
	else
		r = no_object(c, &why);
	if (r != -ENOMEM)
		r = show(c, t);
	if (c->has_answer)
		pst_answer_fini(&c->answer);
	pst_input_fini(&c->in);
	pst_arena_free(&c->arena);
	return r;
}

static int take_lines(FILE *in, const char *path, const char *dir,
		      const struct pst_cli_strings *inventories, struct totals *t)
{
	struct cli_line line = {0};
	size_t number = 1;
	int r;

	for (; (r = cli_file_read_line(in, path, number, &line)) > 0; number++) {
		struct one c = {
			.dir = dir, .file = path, .number = number, .inventories = inventories};

		r = line.n ? take_line(line.v, line.n, &c, t) : 0;
		if (r && !ferror(stdout))
			pst_log_err(r, "cannot answer %s", path);
		if (r)
			break;
	}
	pst_vec_free(&line);
	return r;
}

static void close_file(FILE **in)
{
	cli_file_close(*in);
}

int pst_explain_cases(const char *path, const struct pst_cli_strings *inventories)
{
	FILE *in pst_cleanup(close_file) = NULL;
	pst_auto_free char *dir = pst_mem_strndup(path, strlen(path));
	struct totals t = {0};
	char *slash;
	size_t n;

	if (!dir || cli_file_open(path, &in))
		return PST_EXIT_FAILED;
	slash = strrchr(dir, '/');
	if (slash)
		*slash = 0;
	if (in == stdin)
		path = "<stdin>";
	if (take_lines(in, path, slash ? dir : ".", inventories, &t))
		return PST_EXIT_FAILED;
	n = t.met + t.missed + t.errors + t.unsupported;
	fprintf(stderr, "%zu cases: %zu as expected, %zu not, %zu without a verdict", n, t.met,
		t.missed, t.errors);
	if (t.unsupported)
		fprintf(stderr, ", %zu with headers that postern-proxy changes", t.unsupported);
	fputc('\n', stderr);
	if (!n) {
		pst_log_err(0, "%s holds no case", path);
		return PST_EXIT_FAILED;
	}
	return t.missed || t.errors || t.unsupported ? PST_EXIT_NO : PST_EXIT_OK;
}
