// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's state on one screen: first whether all is well, then what is enforced, last what was
 * dropped and what is wrong.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/verbs.h"

enum { LABEL = 13 };

static void begin(FILE *out, const char *label)
{
	fprintf(out, "%-*s", LABEL, label);
}

/* Only what is not as it should be. */
static void print_reader(const json_t *reader, FILE *out)
{
	const char *state = pst_cli_text(reader, "state");
	const bool lost = json_is_false(json_object_get(reader, "knows_last_good"));

	if (!reader || (!strcmp(state, "running") && !lost))
		return;
	begin(out, "reader");
	pst_cli_put(out, state, 0);
	fprintf(out, ", ended %" JSON_INTEGER_FORMAT " times%s\n", pst_cli_number(reader, "ends"),
		lost ? "; what was good last is not known any more: mend the files" : "");
}

static void print_health(const json_t *s, FILE *out)
{
	bool ok = !strcmp(pst_cli_text(s, "health"), "ok");

	begin(out, "health");
	fputs(ok ? "OK" : "STALE: the files as they are now are not in force", out);
	fputs("\n", out);
	print_reader(json_object_get(s, "reader"), out);
	begin(out, "daemon");
	fputs("posternd ", out);
	pst_cli_put(out, pst_cli_text(s, "version"), 0);
	fprintf(out, ", pid %" JSON_INTEGER_FORMAT " on ", pst_cli_number(s, "pid"));
	pst_cli_put(out, pst_cli_text(s, "node_name"), 0);
	fputs(", since ", out);
	pst_cli_put(out, pst_cli_text(s, "started"), 0);
	fputc('\n', out);
	begin(out, "generation");
	fprintf(out, "%" JSON_INTEGER_FORMAT ", in force since ", pst_cli_number(s, "generation"));
	pst_cli_put(out, pst_cli_text(s, "published"), 0);
	fputc('\n', out);
}

static void print_mode(const json_t *s, FILE *out)
{
	const json_t *mode = json_object_get(s, "mode");
	const char *pins = json_string_value(json_object_get(mode, "pins"));

	if (json_is_true(json_object_get(mode, "audit"))) {
		begin(out, "AUDIT");
		fputs("nothing is denied; what would be is reported\n", out);
	}
	begin(out, "enforcing");
	fputs("below cgroup ", out);
	pst_cli_put(out, pst_cli_text(mode, "cgroup"), 0);
	fputs(pins ? ", pinned in " : ", not pinned", out);
	pst_cli_put(out, pins ? pins : "", 0);
	fputc('\n', out);
	begin(out, "answers");
	fprintf(out, "403 by the daemon %s, by the kernel at a local sender %s\n",
		json_is_true(json_object_get(mode, "answers")) ? "on" : "off",
		json_is_true(json_object_get(mode, "courtesy")) ? "on" : "off");
}

static void print_homes(const json_t *v, FILE *out)
{
	const json_int_t unknown = pst_cli_number(v, "unknown");

	if (!v)
		return;
	begin(out, "source IPs");
	if (!json_is_true(json_object_get(v, "on"))) {
		fputs("not verified\n", out);
		return;
	}
	fprintf(out, "verified of %" JSON_INTEGER_FORMAT " pods", pst_cli_number(v, "verified"));
	if (unknown)
		fprintf(out,
			", not of %" JSON_INTEGER_FORMAT
			" network namespaces: no pod's of the inventory, or the kernel could not be told",
			unknown);
	fputc('\n', out);
}

static void print_export(const json_t *e, FILE *out)
{
	const char *error = json_string_value(json_object_get(e, "error"));

	if (!e)
		return;
	begin(out, "export");
	pst_cli_put(out, pst_cli_text(e, "path"), 0);
	fprintf(out, ": %" JSON_INTEGER_FORMAT " flows written, %" JSON_INTEGER_FORMAT " lost",
		pst_cli_number(e, "written"), pst_cli_number(e, "lost"));
	fputs(error ? "; it cannot be written: " : "", out);
	pst_cli_put(out, error ? error : "", 0);
	fputc('\n', out);
}

/* Only once there was a proxy. */
static void print_proxy(const json_t *p, FILE *out)
{
	static const char *const protocols[] = {"http1", "http2"};
	const json_t *down = json_object_get(p, "downstream"), *up = json_object_get(p, "upstream");

	if (!p)
		return;
	begin(out, "proxy");
	fprintf(out,
		"%s, started %" JSON_INTEGER_FORMAT " times; %" JSON_INTEGER_FORMAT
		" of %" JSON_INTEGER_FORMAT " connections open, %" JSON_INTEGER_FORMAT
		" of %" JSON_INTEGER_FORMAT " to servers\n",
		json_is_true(json_object_get(p, "is_up")) ? "up" : "DOWN",
		pst_cli_number(p, "starts"), pst_cli_number(down, "open"),
		pst_cli_number(down, "total"), pst_cli_number(up, "open"),
		pst_cli_number(up, "total"));
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		const json_t *n = json_object_get(p, protocols[i]);

		begin(out, "");
		fprintf(out,
			"%s: %" JSON_INTEGER_FORMAT " forwarded, %" JSON_INTEGER_FORMAT
			" denied, %" JSON_INTEGER_FORMAT " parse errors\n",
			protocols[i], pst_cli_number(n, "forwarded"), pst_cli_number(n, "denied"),
			pst_cli_number(n, "parse_errors"));
	}
}

static void print_proxy_refusals(const json_t *p, FILE *out)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(p, "refused"), i, row)
	{
		begin(out, i ? "" : "by the proxy");
		pst_cli_put(out, pst_cli_text(row, "reason"), 26);
		fprintf(out,
			" requests %7" JSON_INTEGER_FORMAT "  connections %3" JSON_INTEGER_FORMAT
			"\n",
			pst_cli_number(row, "requests"), pst_cli_number(row, "connections"));
	}
}

static void print_sources(const json_t *s, FILE *out)
{
	const json_t *source;
	size_t i;

	json_array_foreach(json_object_get(s, "sources"), i, source)
	{
		begin(out, i ? "" : "sources");
		pst_cli_put(out, pst_cli_text(source, "kind"), 10);
		pst_cli_put(out, pst_cli_text(source, "path"), 0);
		fputc('\n', out);
	}
}

static void print_policy(const json_t *s, FILE *out)
{
	const json_t *sets = json_object_get(s, "rulesets"), *set;
	size_t i;

	begin(out, "policies");
	fprintf(out, "%" JSON_INTEGER_FORMAT " with %" JSON_INTEGER_FORMAT " rules\n",
		pst_cli_number(s, "policies"), pst_cli_number(s, "rules"));
	begin(out, "endpoints");
	fprintf(out,
		"%" JSON_INTEGER_FORMAT " addresses, %" JSON_INTEGER_FORMAT
		" identities (postern endpoints)\n",
		pst_cli_number(s, "endpoint_addresses"), pst_cli_number(s, "identities"));
	begin(out, "rule sets");
	fprintf(out,
		"%" JSON_INTEGER_FORMAT " in the kernel, %" JSON_INTEGER_FORMAT " in fallback\n",
		pst_cli_number(sets, "kernel"), pst_cli_number(sets, "fallback"));
	json_array_foreach(json_object_get(sets, "fallback_because"), i, set)
	{
		begin(out, "");
		pst_cli_put(out, pst_cli_text(set, "policy"), 0);
		fputs(": ", out);
		pst_cli_put(out, pst_cli_text(set, "why"), 0);
		fputc('\n', out);
	}
}

static void print_maps(const json_t *s, FILE *out)
{
	const json_t *map;
	size_t i;

	json_array_foreach(json_object_get(s, "maps"), i, map)
	{
		json_int_t used = pst_cli_number(map, "used"), size = pst_cli_number(map, "size");

		begin(out, i ? "" : "map fill");
		pst_cli_put(out, pst_cli_text(map, "name"), 14);
		fprintf(out, "%8" JSON_INTEGER_FORMAT " of %8" JSON_INTEGER_FORMAT "  %5.1f %%\n",
			used, size, size ? 100.0 * (double)used / (double)size : 0.0);
	}
}

static void print_counts(const json_t *s, const char *key, const char *label, FILE *out)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(s, key), i, row)
	{
		begin(out, i ? "" : label);
		pst_cli_put(out, pst_cli_text(row, "reason"), 26);
		fprintf(out,
			" ingress %8" JSON_INTEGER_FORMAT "  egress %8" JSON_INTEGER_FORMAT "\n",
			pst_cli_number(row, "ingress"), pst_cli_number(row, "egress"));
	}
}

static void print_finding(const json_t *f, FILE *out)
{
	pst_cli_put(out, pst_cli_text(f, "file"), 0);
	fprintf(out, ":%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT ": ",
		pst_cli_number(f, "line"), pst_cli_number(f, "column"));
	pst_cli_put(out, pst_cli_text(f, "severity"), 0);
	fputs(": ", out);
	pst_cli_put(out, pst_cli_text(f, "message"), 0);
	fputs(" [", out);
	pst_cli_put(out, pst_cli_text(f, "rule"), 0);
	fputs("]\n", out);
}

static void print_findings(const json_t *s, FILE *out)
{
	const json_t *list = json_object_get(s, "findings"), *finding;
	json_int_t left_out = pst_cli_number(s, "findings_left_out");
	size_t i;

	if (!json_array_size(list))
		return;
	fputs("\nWhat the files were found to be, read last at ", out);
	pst_cli_put(out, pst_cli_text(s, "read"), 0);
	fputs(":\n", out);
	json_array_foreach(list, i, finding)
	{
		print_finding(finding, out);
	}
	if (left_out)
		fprintf(out, "and %" JSON_INTEGER_FORMAT " more\n", left_out);
}

static void print(const json_t *s, FILE *out)
{
	json_int_t lost = pst_cli_number(s, "lost_events");

	print_health(s, out);
	print_mode(s, out);
	print_homes(json_object_get(s, "source_ip_verification"), out);
	print_proxy(json_object_get(s, "proxy"), out);
	print_export(json_object_get(s, "export"), out);
	print_sources(s, out);
	print_policy(s, out);
	print_maps(s, out);
	print_counts(s, "passed", "passed", out);
	print_counts(s, "drops", "drops", out);
	print_counts(s, "audited", "audited", out);
	print_proxy_refusals(json_object_get(s, "proxy"), out);
	if (lost) {
		begin(out, "lost");
		fprintf(out, "%" JSON_INTEGER_FORMAT " reports of verdicts\n", lost);
	}
	print_findings(s, out);
}

int pst_cli_status(int argc, char **argv)
{
	static const struct pst_cli_question question = {.request = "status", .print = print};

	return pst_cli_ask("status", &question, argc, argv);
}
