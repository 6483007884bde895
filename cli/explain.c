// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/nearmiss.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/verbs.h"
#include "compiler/explain.h"

/* The request of the command line; none of its parts given: there is none. */
struct asked {
	const struct pst_input *in;
	const struct pst_question *question;
	struct pst_request_parts request;
	bool has_request;
	bool json, any_form;
	const char *raw;
	struct cli_near_request written; /* the request as it was judged */
};

const char *pst_explain_layer(const struct pst_ruling *r)
{
	return r->l7 ? "l7" : "l3l4";
}

const char *pst_explain_verdict(const struct pst_ruling *r)
{
	if (r->audited)
		return "audit";
	return r->allowed ? "allow" : "deny";
}

static int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end = NULL;
	unsigned long value;

	if (!text[0] || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int parse_direction(const struct pst_cli_args *args, struct pst_question *q)
{
	const char *text = pst_cli_value(args, "direction");

	if (text && !strcmp(text, "ingress"))
		q->direction = PST_DIRECTION_INGRESS;
	else if (text && !strcmp(text, "egress"))
		q->direction = PST_DIRECTION_EGRESS;
	else
		return pst_cli_usage_error(
			args->verb, "expected ingress or egress behind --direction, found %s%s%s",
			text ? "\"" : "no --direction", text ? text : "", text ? "\"" : "");
	return PST_EXIT_OK;
}

static int parse_port(const struct pst_cli_args *args, struct pst_question *q)
{
	const char *port = pst_cli_value(args, "port");
	const char *protocol = pst_cli_value(args, "protocol");
	unsigned long number = 0;

	q->protocol = PST_PROTOCOL_TCP;
	if (protocol && pst_protocol_from_str(protocol, &q->protocol))
		return pst_cli_usage_error(args->verb,
					   "expected TCP, UDP, SCTP, ICMP or ICMPv6 behind "
					   "--protocol, found \"%s\"",
					   protocol);
	if (!port)
		return pst_cli_usage_error(args->verb, "expected --port with a number from 0 to "
						       "65535, found no --port");
	if (parse_number(port, 65535, &number))
		return pst_cli_usage_error(
			args->verb, "expected a number from 0 to 65535 behind --port, found \"%s\"",
			port);
	q->port = (uint16_t)number;
	return PST_EXIT_OK;
}

static int parse_peer(const struct pst_cli_args *args, const char *option, struct pst_arena *arena,
		      struct pst_peer *ret_peer)
{
	struct pst_diags *diags pst_cleanup(pst_diags_free) = pst_diags_new();
	const char *text = pst_cli_value(args, option);
	int r;

	if (!diags)
		return PST_EXIT_FAILED;
	if (!text)
		return pst_cli_usage_error(args->verb, "expected --%s PEER: labels or an address",
					   option);
	r = pst_peer_parse(text, arena, diags, ret_peer);
	if (r == -EINVAL)
		return pst_cli_usage_error(args->verb, "--%s: %s", option,
					   pst_diags_at(diags, 0)->message);
	pst_diags_print(diags, stderr);
	return r ? PST_EXIT_FAILED : PST_EXIT_OK;
}

static int parse_question(const struct pst_cli_args *args, struct pst_arena *arena,
			  struct pst_question *q)
{
	int status = PST_EXIT_OK;

	if (args->operands.n)
		return pst_cli_usage_error(args->verb, "there is no operand, found \"%s\"",
					   args->operands.v[0]);
	if (!pst_cli_all(args, "policy")->n)
		return pst_cli_usage_error(args->verb, "expected at least one --policy FILE");
	status = parse_direction(args, q);
	if (!status)
		status = parse_peer(args, "from", arena, &q->from);
	if (!status)
		status = parse_peer(args, "to", arena, &q->to);
	if (!status)
		status = parse_port(args, q);
	return status;
}

static int parse_asked(const struct pst_cli_args *args, const struct pst_question *q,
		       struct asked *a)
{
	*a = (struct asked){
		.request =
			{
				.method = pst_cli_value(args, "method"),
				.path = pst_cli_value(args, "path"),
				.host = pst_cli_value(args, "host"),
				.fields = pst_cli_all(args, "header"),
			},
		.raw = pst_cli_value(args, "raw"),
	};
	a->has_request =
		a->request.method || a->request.path || a->request.host || a->request.fields->n;
	if (pst_cli_format(args, &a->json) || pst_cli_paths(args, &a->any_form))
		return PST_EXIT_USAGE;
	if (a->has_request && a->raw)
		return pst_cli_usage_error(args->verb, "--raw holds whole requests: it cannot be "
						       "combined with parts of one");
	if ((a->has_request || a->raw) && q->protocol != PST_PROTOCOL_TCP)
		return pst_cli_usage_error(args->verb, "a request needs --protocol TCP");
	return PST_EXIT_OK;
}

/* HTTP rules are listed when they decide and nobody asked for a request. */
static const struct pst_bundle_ruleset *open_rules(const struct pst_answer *a,
						   const struct asked *asked)
{
	bool http = a->l4.verdict == PST_VERDICT_JUDGE || a->l4.verdict == PST_VERDICT_FALLBACK;

	return http && !asked->has_request ? &a->b->rulesets[a->l4.ruleset] : NULL;
}

static void print_rule(const char *title, const struct pst_bundle_rule *rule)
{
	if (!rule)
		return;
	printf("%s", title);
	pst_report_rule_text(rule, stdout);
	putchar('\n');
}

static void print_rules(const struct pst_answer *a, const struct pst_bundle_ruleset *set)
{
	const bool fallback = a->l4.verdict == PST_VERDICT_FALLBACK || set->fallback;

	if (a->l4.audited)
		puts(fallback
			     ? "audit: the HTTP rules need postern-proxy, which policies in audit "
			       "do not get: every request is forwarded, the connection is "
			       "reported as AUDIT"
			     : "allow at L3/L4; the HTTP rules are of policies in audit: what they "
			       "do not allow is forwarded, and reported as AUDIT");
	else
		puts(set->fallback
			     ? "allow at L3/L4; the HTTP rules need postern-proxy, without it "
			       "every request is denied"
			     : "allow at L3/L4; HTTP rules decide on each request");
	print_rule("  by      ", pst_answer_l4(a).rule);
	for (size_t i = 0; i < set->n_rules; i++) {
		const struct pst_bundle_rule *r = &a->b->rules[set->rules[i]];

		print_rule("  rule    ", r);
		printf("          method ");
		pst_report_str(r->method ? r->method : "(any)", stdout);
		printf("  path ");
		pst_report_str(r->target ? r->target : "(any)", stdout);
		printf("  host ");
		pst_report_str(r->host ? r->host : "(any)", stdout);
		putchar('\n');
	}
}

/* A denial for want of a rule: which ones came near? */
static bool has_near(const struct pst_ruling *r)
{
	return !r->allowed &&
	       (r->reason == PST_REASON_NO_RULE_L4 || r->reason == PST_REASON_NO_RULE_L7);
}

static struct cli_near_query near_query(const struct pst_answer *a, const struct asked *asked,
					const struct pst_ruling *r)
{
	return (struct cli_near_query){
		.in = asked->in,
		.question = asked->question,
		.answer = a,
		.request = r->l7 ? &asked->written : NULL,
	};
}

static int print_text(const struct pst_answer *a, const struct asked *asked,
		      const struct pst_ruling *r)
{
	const struct pst_bundle_ruleset *set = open_rules(a, asked);
	const struct cli_near_query near = near_query(a, asked, r);

	if (set) {
		print_rules(a, set);
		return 0;
	}
	if (r->audited)
		printf("audit: forwarded, and reported as AUDIT; in force it would be denied: %s\n",
		       pst_explain_reason_text(r->reason));
	else
		printf("%s: %s\n", pst_explain_verdict(r), pst_explain_reason_text(r->reason));
	printf("  reason  %s\n", pst_explain_reason_name(r->reason));
	printf("  layer   %s\n", pst_explain_layer(r));
	print_rule("  rule    ", r->rule);
	if (r->l7)
		print_rule("  l4 rule ", pst_answer_l4(a).rule);
	return has_near(r) ? cli_near_print(&near, stdout) : 0;
}

static void write_http_rules(const struct pst_answer *a, const struct pst_bundle_ruleset *set,
			     struct pst_json *j)
{
	pst_json_array(j, "http_rules");
	for (size_t i = 0; i < set->n_rules; i++) {
		const struct pst_bundle_rule *r = &a->b->rules[set->rules[i]];

		pst_json_object(j, NULL);
		pst_report_rule_json(r, j, "rule");
		pst_json_str(j, "method", r->method);
		pst_json_str(j, "path", r->target);
		pst_json_str(j, "host", r->host);
		pst_json_end(j);
	}
	pst_json_end(j);
}

static int print_json(const struct pst_answer *a, const struct asked *asked,
		      const struct pst_ruling *r)
{
	const struct pst_bundle_ruleset *set = open_rules(a, asked);
	const struct cli_near_query near = near_query(a, asked, r);
	struct pst_json j;
	int e = 0;

	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "verdict", pst_explain_verdict(r));
	pst_json_str(&j, "in_force", r->allowed ? "allow" : "deny");
	pst_json_bool(&j, "audited", a->l4.audited);
	pst_json_str(&j, "layer", pst_explain_layer(r));
	pst_json_str(&j, "reason", pst_explain_reason_name(r->reason));
	pst_json_str(&j, "text", pst_explain_reason_text(r->reason));
	pst_report_rule_json(r->rule, &j, "rule");
	pst_report_rule_json(pst_answer_l4(a).rule, &j, "l4_rule");
	pst_json_u64(&j, "subject", a->l4.subject);
	pst_json_u64(&j, "peer", a->l4.peer);
	if (set)
		write_http_rules(a, set, &j);
	if (has_near(r))
		e = cli_near_json(&near, &j);
	pst_json_end(&j);
	return e ? e : pst_json_finish(&j);
}

static int show(const struct pst_answer *a, const struct asked *asked, const struct pst_ruling *r)
{
	if (asked->json ? print_json(a, asked, r) : print_text(a, asked, r))
		return PST_EXIT_FAILED;
	return pst_ruling_passes(r) ? PST_EXIT_OK : PST_EXIT_NO;
}

static int answer(const struct pst_cli_verb *verb, const struct pst_answer *a, struct asked *asked)
{
	pst_auto_free char *bytes = NULL;
	const char *why = NULL;
	struct pst_ruling ruling = pst_answer_l4(a);
	size_t len = 0, offset = 0;
	int r;

	if (asked->raw)
		return pst_explain_raw(a, asked->raw, asked->json);
	if (asked->has_request) {
		r = pst_request_write(&asked->request, &bytes, &len, &why);
		if (r == -EINVAL)
			return pst_cli_usage_error(verb, "%s", why);
		if (r)
			return PST_EXIT_FAILED;
		ruling = pst_answer_request(a, bytes, len, &offset);
		asked->written = (struct cli_near_request){ruling.head, ruling.head_len};
	}
	return show(a, asked, &ruling);
}

static int load_and_answer(const struct pst_cli_args *args, const struct pst_question *q,
			   const struct asked *asked)
{
	struct asked about = *asked;
	struct pst_input in pst_cleanup(pst_input_fini) = {0};
	const struct pst_input_paths paths = {
		.policies = pst_cli_all(args, "policy"),
		.inventories = pst_cli_all(args, "inventory"),
		.accept = pst_cli_all(args, "accept"),
		.in_force = pst_cli_value(args, "in-force"),
	};
	struct pst_answer a;
	int status = pst_input_check_accept(args);

	if (status)
		return status;
	status = pst_input_load(&in, &paths);
	if (!status)
		status = pst_question_ask(&in, q, &a);
	pst_input_print(&in);
	if (status == PST_EXIT_NO)
		fprintf(stderr, "postern explain: the input has errors: no answer, because what is "
				"left of it could mislead\n");
	if (status)
		return status;
	about.in = &in;
	about.question = q;
	pst_judge_set_any_form(a.judge, about.any_form);
	status = answer(args->verb, &a, &about);
	pst_answer_fini(&a);
	return status;
}

static int explain(const struct pst_cli_args *args)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct pst_question q = {0};
	struct asked asked;
	int status;

	if (!arena)
		return PST_EXIT_FAILED;
	status = parse_question(args, arena, &q);
	if (!status)
		status = parse_asked(args, &q, &asked);
	return status ? status : load_and_answer(args, &q, &asked);
}

/* --cases brings its own questions: whatever else would be part of one is a mistake. */
static int explain_cases(const struct pst_cli_args *args)
{
	bool json;

	for (size_t i = 0; i < args->verb->n_options; i++) {
		const char *name = args->verb->options[i].name;

		if (args->values[i].n && strcmp(name, "cases") && strcmp(name, "inventory") &&
		    strcmp(name, "format"))
			return pst_cli_usage_error(args->verb,
						   "--%s cannot be combined with --cases", name);
	}
	if (args->operands.n)
		return pst_cli_usage_error(args->verb, "there is no operand, found \"%s\"",
					   args->operands.v[0]);
	if (pst_cli_format(args, &json))
		return PST_EXIT_USAGE;
	return pst_explain_cases(pst_cli_value(args, "cases"), pst_cli_all(args, "inventory"));
}

int pst_cli_explain(int argc, char **argv)
{
	struct pst_cli_args args;
	int status, r = pst_cli_parse(pst_cli_verb_find("explain"), argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	status = pst_cli_value(&args, "cases") ? explain_cases(&args) : explain(&args);
	pst_cli_args_fini(&args);
	return status;
}
