// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/tests/run.h"

#define DIR	  "testdata/diff/"
#define OLD	  DIR "old"
#define NEW	  DIR "new"
#define INVENTORY DIR "inventory.yaml"

enum { MAX_WORDS = 64 };

Test(diff, the_same_in_other_words_is_the_same)
{
	expect_run("diff " OLD " " OLD, 0, "same: both decide alike, for all pods", "0 of 1");
	expect_run("diff " OLD " " DIR "reworded", 0, "same: both decide alike, for all pods",
		   "0 widened, 0 narrowed, 0 unknown; 1 of 1 and 2 of 2 policies");
}

Test(diff, a_difference_names_the_rules_of_both_sides)
{
	expect_run(
		"diff " OLD " " NEW, 1,
		"widened: ingress of any pod with app=checkout in shop from any pod with "
		"app=frontend in shop; any pod with app=frontend,role=monitoring in shop, TCP 8080\n",
		"2 widened, 1 narrowed, 0 unknown");
	expect_run("diff " OLD " " NEW, 1,
		   "  old      deny: no HTTP rule allows it, under " OLD
		   "/checkout.yaml:7:7 shop/checkout spec.ingress[0]\n"
		   "  new      allow by " NEW "/checkout.yaml:13:17 shop/checkout "
		   "spec.ingress[0].toPorts[0].rules.http[0]\n",
		   "");
	expect_run(
		"diff " OLD " " NEW, 1,
		"--port 8080 --method 'POST' --path '/v1/pay' --host 'a'\n  old      allow by " OLD
		"/checkout.yaml:14:17 ",
		"");
	expect_run("diff " OLD " " NEW, 1, "any pod with role=monitoring in shop, TCP 9090\n", "");
}

/* Words as a shell makes them, as far as the report needs it. */
static size_t split(char *line, const char **words, size_t n)
{
	while (*line && n < MAX_WORDS - 1) {
		bool quoted = false;
		char *to = line;

		words[n++] = line;
		for (; *line && (quoted || *line != ' '); line++) {
			if (*line == '\'')
				quoted = !quoted;
			else
				*to++ = *line;
		}
		line += *line == ' ';
		*to = 0;
	}
	words[n] = NULL;
	return n;
}

static int explain(const char *policy, const char *args)
{
	const char *words[MAX_WORDS] = {"explain", "--policy", policy};
	char *copy = strdup(args);
	struct run r;
	int status;

	split(copy, words, 3);
	r = run_list(words);
	status = r.status;
	cr_expect(status == 0 || status == 1, "%s: status %d\n%s", args, status, r.err);
	run_fini(&r);
	free(copy);
	return status;
}

/* Asks both sides about each witness of the report. */
static size_t check_witnesses(const char *old, const char *new)
{
	const char *const words[] = {"diff", old, new, NULL};
	struct run r = run_list(words);
	size_t n = 0;
	bool widened = false;
	char *rest = NULL;

	for (char *line = strtok_r(r.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		static const char mark[] = "  witness  ";

		if (!strncmp(line, "widened:", 8) || !strncmp(line, "narrowed:", 9))
			widened = line[0] == 'w';
		if (strncmp(line, mark, sizeof(mark) - 1))
			continue;
		line += sizeof(mark) - 1;
		cr_expect_eq(explain(new, line), !widened, "%s", line);
		cr_expect_eq(explain(old, line), widened, "%s", line);
		n++;
	}
	run_fini(&r);
	return n;
}

Test(diff, explain_decides_every_witness_differently)
{
	cr_expect_eq(check_witnesses(OLD, NEW), 3);
	cr_expect_eq(check_witnesses(NEW, OLD), 3);
	cr_expect_eq(check_witnesses("testdata/semantics/demo.yaml", OLD), 10);
}

Test(diff, fail_on_says_which_differences_count)
{
	/* Nothing is narrowed by a new rule. */
	expect_run("diff " OLD " " NEW " --fail-on widened", 1, "narrowed: ", "");
	expect_run("diff " OLD " " NEW " --fail-on narrowed", 1, "widened: ", "");
	expect_run("diff " OLD " " NEW " --fail-on any", 1, "widened: ", "");
	expect_run("diff testdata/diff/none " NEW " --fail-on narrowed", 3, NULL,
		   "testdata/diff/none");
}

static const char grown[] = "apiVersion: cilium.io/v2\n"
			    "kind: CiliumNetworkPolicy\n"
			    "metadata: {name: a}\n"
			    "spec:\n"
			    "  endpointSelector: {matchLabels: {app: a}}\n"
			    "  ingress:\n"
			    "  - fromEndpoints: [{matchLabels: {app: b}}]\n";

static void expect_grown(const char *more, const char *words, int status, const char *out)
{
	char text[1024], line[512];
	const char *path;

	path = write_temp("grown.yaml", grown, strlen(grown));
	snprintf(text, sizeof(text), "%s", path);
	path = strdup(text);
	snprintf(text, sizeof(text), "%s%s", grown, more);
	snprintf(line, sizeof(line), "diff %s %s %s", path,
		 write_temp("more.yaml", text, strlen(text)), words);
	expect_run(line, status, out, "");
	unlink(path);
	unlink(write_temp("more.yaml", "", 0));
	free((void *)path);
}

Test(diff, what_only_widens_passes_where_narrowing_fails)
{
	static const char more[] = "  - fromEndpoints: [{matchLabels: {app: c}}]\n"
				   "    toPorts: [{ports: [{port: \"53\"}]}]\n";

	expect_grown(more, "", 1, "app=c in default, TCP, UDP, SCTP 53\n");
	expect_grown(more, "--fail-on widened", 1, "widened");
	expect_grown(more, "--fail-on narrowed", 0, "widened");
	expect_grown("", "", 0, "same");
}

Test(diff, an_allow_without_http_rules_is_wider_than_any_list_of_them)
{
	static const char all[] = "  - fromEndpoints: [{matchLabels: {app: b}}]\n"
				  "    toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: "
				  "{http: [{}]}}]\n";

	/* The plain allow of app=b is there as well, and makes it superfluous. */
	expect_grown(all, "", 0, "same");
}

Test(diff, the_inventory_gives_names_and_can_be_all_there_is)
{
	expect_run("diff " OLD " " NEW " --inventory " INVENTORY, 1,
		   "widened: ingress of shop/checkout-1 (and 1 like it) from shop/frontend-1; any "
		   "pod with",
		   "");
	expect_run("diff " OLD " " NEW " --inventory " INVENTORY " --only-inventory", 1,
		   "widened: ingress of shop/checkout-1 (and 1 like it) from shop/frontend-1, TCP "
		   "8080\n",
		   "1 widened, 1 narrowed");
	expect_run("diff " OLD " " OLD " --inventory " INVENTORY " --only-inventory", 0,
		   "same: both decide alike, for the pods of the inventory\n", "");
}

static const char *changed_inventory(void)
{
	static const char text[] =
		"apiVersion: v1\nkind: Pod\n"
		"metadata: {name: checkout-1, namespace: shop, labels: {app: checkout}}\n"
		"---\napiVersion: v1\nkind: Pod\n"
		"metadata: {name: frontend-1, namespace: shop, labels: {app: other}}\n"
		"---\napiVersion: v1\nkind: Pod\n"
		"metadata: {name: job, namespace: shop, labels: {app: job}}\n";

	return write_temp("inventory.yaml", text, sizeof(text) - 1);
}

Test(diff, an_inventory_of_each_side_compares_pods_by_name)
{
	char words[512];

	snprintf(words, sizeof(words),
		 "diff " OLD " " OLD " --old-inventory " INVENTORY " --new-inventory %s",
		 changed_inventory());
	expect_run(words, 1, "narrowed: ingress of shop/checkout-1", "");
	expect_run(words, 1, "from shop/frontend-1, TCP 8080\n", "");
	/* A new pod without a policy: everybody may talk to it. */
	expect_run(words, 1, "widened: ingress of shop/job from anybody, any protocol\n", "");
	expect_run(words, 1, "  old      deny: there is no such pod\n", "");
	unlink(changed_inventory());
}

Test(diff, json_has_everything_and_is_valid)
{
	struct run r = run_words("diff " OLD " " NEW " --format json");
	json_error_t error;
	json_t *root = json_loads(r.out, 0, &error), *finding, *witness;

	cr_assert(root, "%s", error.text);
	cr_expect_str_eq(json_string_value(json_object_get(root, "result")), "different");
	cr_expect_eq(json_integer_value(json_object_get(root, "widened")), 2);
	cr_expect(json_is_true(json_object_get(json_object_get(root, "scope"), "all_pods")));
	finding = json_array_get(json_object_get(root, "findings"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(finding, "kind")), "widened");
	cr_expect_eq(json_integer_value(json_object_get(finding, "first_port")), 8080);
	witness = json_object_get(finding, "witness");
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(witness, "request"), "path")),
		"/v1/itemsa");
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(witness, "peer"), "peer")),
		"app=frontend,io.kubernetes.pod.namespace=shop");
	cr_expect_eq(
		json_integer_value(json_object_get(
			json_object_get(json_object_get(finding, "new"), "http_rule"), "line")),
		13);
	json_decref(root);
	run_fini(&r);
}

Test(diff, the_report_can_go_to_a_file)
{
	char path[] = "/tmp/postern-diff-XXXXXX", words[256], line[64] = "";
	FILE *f;

	close(mkstemp(path));
	snprintf(words, sizeof(words), "diff " OLD " " OLD " -o %s", path);
	expect_run(words, 0, NULL, "0 widened");
	f = fopen(path, "r");
	cr_assert_not_null(fgets(line, sizeof(line), f));
	cr_expect_eq(strncmp(line, "same: ", 6), 0);
	fclose(f);
	unlink(path);
}

Test(diff, mistakes_on_the_command_line_are_usage)
{
	expect_run("diff " OLD, 2, NULL, "expected OLD and NEW");
	expect_run("diff " OLD " " OLD " " OLD, 2, NULL, "expected OLD and NEW");
	expect_run("diff - -", 2, NULL, "for one file");
	expect_run("diff " OLD " " NEW " --fail-on error", 2, NULL, "widened, narrowed or any");
	expect_run("diff " OLD " " NEW " --format xml", 2, NULL, "text or json");
	expect_run("diff " OLD " " NEW " --only-inventory", 2, NULL, "needs an --inventory");
	expect_run("diff " OLD " " NEW " --inventory a --new-inventory b", 2, NULL,
		   "cannot be combined");
	expect_run("diff " OLD " " NEW " --accept regex-syntax", 2, NULL, "--accept");
}

Test(diff, what_cannot_be_read_has_no_answer)
{
	static const char bad[] = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
				  "metadata: {name: a}\nspec: {endpointSelector: {}, ingress: 7}\n";
	char words[256];

	snprintf(words, sizeof(words), "diff %s " OLD,
		 write_temp("bad.yaml", bad, sizeof(bad) - 1));
	expect_run(words, 1, NULL, "no answer");
	unlink(write_temp("bad.yaml", "", 0));
	expect_run("diff " OLD " /nonexistent", 3, NULL, "/nonexistent");
}

static const char with_headers[] =
	"apiVersion: cilium.io/v2\n"
	"kind: CiliumNetworkPolicy\n"
	"metadata: {name: a}\n"
	"spec:\n"
	"  endpointSelector: {matchLabels: {app: a}}\n"
	"  ingress:\n"
	"  - toPorts:\n"
	"    - ports: [{port: \"80\", protocol: TCP}]\n"
	"      rules: {http: [{path: /x, headers: [\"X-Team: shop\"%s]}]}\n";

/* Two policies that differ in what stands behind the first header; must not be the same path. */
static void write_pair(const char *old, const char *new, char paths[2][256])
{
	const char *const more[] = {old, new};
	const char *const names[] = {"headers-old.yaml", "headers-new.yaml"};

	for (int i = 0; i < 2; i++) {
		char text[1024];
		int n = snprintf(text, sizeof(text), "%.*s%s%s",
				 (int)(strstr(with_headers, "%s") - with_headers), with_headers,
				 more[i], strstr(with_headers, "%s") + 2);

		snprintf(paths[i], 256, "%s", write_temp(names[i], text, (size_t)n));
	}
}

Test(diff, witnesses_of_headers_are_header_lines_and_explain_takes_them)
{
	char paths[2][256], words[600];

	write_pair("", ", X-Debug", paths);
	cr_expect_eq(check_witnesses(paths[0], paths[1]), 1);
	cr_expect_eq(check_witnesses(paths[1], paths[0]), 1);
	snprintf(words, sizeof(words), "diff %s %s", paths[0], paths[1]);
	expect_run(words, 1, "--path '/x' --header 'x-team: shop' --host 'a'\n", "1 narrowed");
	/* Presence is implied by a value. */
	write_pair("", ", X-Team", paths);
	expect_run(words, 0, "same: both decide alike", "0 widened");
	/* Text stays text, and a quote stays inside of its word. */
	write_pair(", \"X-N: \xc3\xa9's\"", ", X-M", paths);
	expect_run(words, 1, "--header 'x-n: \xc3\xa9'\\''s' --header 'x-team: shop'", "");
	unlink(paths[0]);
	unlink(paths[1]);
}

Test(diff, names_that_the_inventory_does_not_have_are_unknown_and_not_equal)
{
	static const char more[] =
		"  egress:\n"
		"  - toFQDNs: [{matchName: example.com}]\n"
		"    toPorts: [{ports: [{port: \"443\"}]}]\n"
		"  - toServices: [{k8sService: {serviceName: db, namespace: default}}]\n";
	static const char selected[] =
		"  egress:\n"
		"  - toServices: [{k8sServiceSelector: {selector: {matchLabels: {a: b}}}}]\n";

	static const char secret[] =
		"  - toPorts:\n"
		"    - ports: [{port: \"80\", protocol: TCP}]\n"
		"      rules: {http: [{headerMatches: [{name: X-A, secret: {name: s}}]}]}\n";

	/* A section of egress is a difference of its own. */
	expect_grown(more, "", 1,
		     "unknown: 2 Services, DNS names, CIDR groups or Secrets are not in");
	expect_grown(more, "--fail-on widened", 1, "unknown: ");
	expect_grown(more, "--format json", 1, "\"unresolved\":2");
	expect_grown(selected, "", 1, "unknown: 1 Services");
	expect_grown(secret, "", 1, "unknown: 1 Services");
	expect_grown(more, "--fail-on widened --only-inventory --inventory " INVENTORY, 0, "same");
}

/* The policy of the pod web, with ANNOTATIONS; the path of a file. */
static const char *annotated(const char *name, const char *annotations)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
		 "metadata: {name: a%s}\nspec:\n  endpointSelector: {matchLabels: {app: web}}\n"
		 "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n"
		 "      rules: {http: [{path: /a}]}\n",
		 annotations);
	return write_temp(name, text, strlen(text));
}

Test(diff, audit_is_a_difference_in_what_is_allowed)
{
	char audit[256], force[256], words[1024];

	snprintf(audit, sizeof(audit), "%s",
		 annotated("audit.yaml", ", annotations: {postern.io/audit: \"true\"}"));
	snprintf(force, sizeof(force), "%s", annotated("force.yaml", ""));
	snprintf(words, sizeof(words), "diff %s %s", audit, force);
	expect_run(words, 1, "  old      audit: allowed and reported, in force by the HTTP rules",
		   "0 widened, 4 narrowed, 0 unknown");
	expect_run(words, 1,
		   "  old      audit: allowed and reported, in force deny: no rule allows it\n"
		   "  new      deny: no rule allows it\n",
		   "");
	snprintf(words, sizeof(words), "diff %s %s --fail-on narrowed", force, audit);
	expect_run(words, 0, "\n  new      audit: allowed and reported", "4 widened, 0 narrowed");
	snprintf(words, sizeof(words), "diff %s %s --format json", force, audit);
	expect_run(words, 1, "\"decides\":\"http-rules\",\"audited\":true", "");
	snprintf(words, sizeof(words), "diff %s %s --in-force", force, audit);
	expect_run(words, 0, "same: both decide alike", "");
	snprintf(words, sizeof(words), "diff %s %s", audit, audit);
	expect_run(words, 0, "same: both decide alike", "");
	unlink(audit);
	unlink(force);
}

Test(diff, a_selector_of_labels_that_no_identity_has_opens_nothing)
{
	static const char form[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec:\n  endpointSelector: {matchLabels: {app: web}}\n"
		"  ingress: [{fromEndpoints: [{matchLabels: {pod-template-hash: %s}}]}]\n";
	char text[512], old[256], words[1024];
	const char *new;

	snprintf(text, sizeof(text), form, "one");
	snprintf(old, sizeof(old), "%s", write_temp("old.yaml", text, strlen(text)));
	snprintf(text, sizeof(text), form, "two");
	new = write_temp("new.yaml", text, strlen(text));
	snprintf(words, sizeof(words), "diff %s %s", old, new);
	expect_run(words, 0, "same: both decide alike, for all pods", "");
	unlink(old);
	unlink(new);
}
