// SPDX-License-Identifier: Apache-2.0
/*
 * compile and inspect, as a user calls them.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/tests/run.h"

static const char inventory[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\n"
	"status: {podIP: 10.0.0.1}\n---\n"
	"apiVersion: v1\nkind: Pod\nmetadata: {name: tie, labels: {org: empire}}\n"
	"status: {podIP: 10.0.0.2}\n";

static char inventory_path[256], bundle_path[256];

static void setup(void)
{
	snprintf(inventory_path, sizeof(inventory_path), "%s",
		 write_temp("inv.yaml", inventory, strlen(inventory)));
	snprintf(bundle_path, sizeof(bundle_path), "/tmp/postern-cli-%d.bundle", (int)getpid());
}

static void teardown(void)
{
	unlink(inventory_path);
	unlink(bundle_path);
}

TestSuite(compile, .init = setup, .fini = teardown);

/* compile POLICIES for the inventory into the bundle. */
static const char *compile(const char *policies)
{
	static char words[2048];

	snprintf(words, sizeof(words), "compile %s --inventory %s -o %s", policies, inventory_path,
		 bundle_path);
	return words;
}

static const char *inspect(const char *options)
{
	static char words[512];

	snprintf(words, sizeof(words), "inspect %s%s", bundle_path, options);
	return words;
}

Test(compile, a_bundle_is_written_and_reported)
{
	struct stat st;

	expect_run(compile("testdata/semantics/demo.yaml"), 0,
		   "rule set 0: 1 HTTP rule, judged in the kernel\n  method", NULL);
	cr_assert_eq(stat(bundle_path, &st), 0);
	cr_assert_eq(st.st_mode & 0700, 0600);
	expect_run(inspect(""), 0,
		   " TCP 80 judge rule set 0  "
		   "testdata/semantics/demo.yaml:9:5 default/demo spec.ingress[0]",
		   NULL);
	expect_run(inspect(""), 0, "10.0.0.1/32  identity ", NULL);
	expect_run(inspect(""), 0, "default-deny ingress", NULL);
}

Test(compile, json_tells_the_same)
{
	struct run r = run_words(compile("testdata/semantics/demo.yaml --format json"));
	json_t *j = json_loads(r.out, 0, NULL);
	const char *where = NULL;
	int states = 0;

	cr_assert_eq(r.status, 0);
	cr_assert_eq(json_unpack(j, "{s:[{s:s,s:{s:{s:i}}}]}", "rule_sets", "where", &where,
				 "automata", "method", "states", &states),
		     0, "%s", r.out);
	cr_assert_str_eq(where, "kernel");
	cr_assert_eq(states, 5, "one for each letter of POST, and the start");
	json_decref(j);
	run_fini(&r);
	r = run_words(inspect(" --format json"));
	j = json_loads(r.out, 0, NULL);
	cr_assert_eq(json_array_size(json_object_get(j, "identity_list")), 4);
	cr_assert_eq(json_array_size(json_object_get(j, "address_list")), 2);
	json_decref(j);
	run_fini(&r);
}

/* "b", blanks around it and CRLF: what a value is made of, so more states than it has letters. */
Test(compile, the_automata_of_header_fields_are_counted_by_name)
{
	static const char policy[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{toPorts: [{ports: "
		"[{port: '80', protocol: TCP}], rules: {http: [{headers: ['X-B: bbbb']}, "
		"{headers: [X-A]}]}}]}]}\n";
	const char *path = write_temp("slots.yaml", policy, strlen(policy));
	const char *first = NULL, *second = NULL;
	int present = 0, value = 0, names = 0;
	char words[512];
	struct run r;
	json_t *j;

	snprintf(words, sizeof(words), "%s --format json", path);
	r = run_words(compile(words));
	j = json_loads(r.out, 0, NULL);
	cr_assert_eq(json_unpack(j, "{s:[{s:{s:{s:i}, s:[{s:s, s:i}, {s:s, s:i}]}}]}", "rule_sets",
				 "automata", "names", "states", &names, "headers", "name", &first,
				 "states", &present, "name", &second, "states", &value),
		     0, "%s%s", r.out, r.err);
	cr_assert_str_eq(first, "x-a");
	cr_assert_str_eq(second, "x-b");
	cr_assert_gt(value, present);
	cr_assert_gt(value, 4);
	cr_assert_gt(names, 10);
	json_decref(j);
	run_fini(&r);
	expect_run(inspect(""), 0, "  header    x-b: ", NULL);
}

Test(compile, the_automata_of_divided_paths_are_counted_one_by_one)
{
	struct run r = run_words(compile("testdata/http/divided.yaml --format json "
					 "--inventory testdata/inventory/demo.yaml"));
	json_t *j = json_loads(r.out, 0, NULL);
	const char *where = NULL, *why = NULL;
	int n = 0;
	json_t *more = NULL;

	cr_assert_eq(json_unpack(j, "{s:[{s:s, s:s, s:i, s:{s:o}}]}", "rule_sets", "where", &where,
				 "why", &why, "path_automata", &n, "automata", "more_paths", &more),
		     0, "%s%s", r.out, r.err);
	cr_assert_str_eq(where, "kernel");
	cr_assert(strstr(why, "need more than"), "%s", why);
	cr_assert_eq(n, 4);
	cr_assert_eq(json_array_size(more), 3);
	for (size_t i = 0; i < 3; i++)
		cr_assert_gt(json_integer_value(json_object_get(json_array_get(more, i), "states")),
			     20);
	json_decref(j);
	run_fini(&r);
	expect_run(inspect(""), 0, "judged in the kernel, paths in 4 automata: ", NULL);
	expect_run(inspect(""), 0, "  and path  ", NULL);
}

Test(compile, headers_are_shown_and_secrets_are_not)
{
	static const char text[] =
		"apiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: default}\n"
		"stringData: {t: s3cret}\n";
	static const char policy[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{toPorts: [{ports: "
		"[{port: '80', protocol: TCP}], rules: {http: [{headers: ['X-A: b', X-C], "
		"headerMatches: [{name: X-T, secret: {name: token}}]}]}}]}]}\n";
	char secrets[64], words[512];
	const char *path;
	struct run r;

	snprintf(secrets, sizeof(secrets), "%s", write_temp("secrets.yaml", text, strlen(text)));
	path = write_temp("headers.yaml", policy, strlen(policy));
	snprintf(words, sizeof(words), "%s --inventory %s", path, secrets);
	expect_run(compile(words), 0, "  header x-a: b  header x-c  header x-t: [redacted]\n",
		   NULL);
	for (int json = 0; json < 2; json++) {
		r = run_words(inspect(json ? " --format json" : ""));
		cr_expect_eq(r.status, 0);
		cr_expect(strstr(r.out, "[redacted]"));
		cr_expect_not(strstr(r.out, "s3cret"));
		run_fini(&r);
	}
	unlink(secrets);
	unlink(path);
}

Test(compile, equal_input_gives_equal_bytes)
{
	char first[1 << 16], second[1 << 16];
	size_t n, m;
	FILE *f;

	expect_run(compile("testdata/semantics"), 0, "rule set", "http-empty");
	f = fopen(bundle_path, "r");
	n = fread(first, 1, sizeof(first), f);
	fclose(f);
	expect_run(compile("testdata/semantics"), 0, "rule set", "http-empty");
	f = fopen(bundle_path, "r");
	m = fread(second, 1, sizeof(second), f);
	fclose(f);
	cr_assert_gt(n, 1000);
	cr_assert_eq(n, m);
	cr_assert_eq(memcmp(first, second, n), 0);
}

Test(compile, a_mistake_writes_nothing_and_keeps_what_was_there)
{
	static const char bad[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n"
		"spec:\n  endpointSelector: {}\n  ingress:\n  - toPorts:\n"
		"    - ports: [{port: \"80\", protocol: TCP}]\n"
		"      rules: {http: [{path: \"/a(\"}, {path: /b}]}\n";
	const char *path = write_temp("bad.yaml", bad, strlen(bad));
	char words[1024];
	struct stat before, after;

	expect_run(compile("testdata/semantics/demo.yaml"), 0, "rule set", NULL);
	cr_assert_eq(stat(bundle_path, &before), 0);
	snprintf(words, sizeof(words), "compile %s -o %s", path, bundle_path);
	expect_run(words, 1, NULL, "bad.yaml:9:32: error: ");
	expect_run(words, 1, NULL, "is not written");
	cr_assert_eq(stat(bundle_path, &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
	unlink(path);
}

Test(compile, files_that_cannot_be_read_or_written_give_status_3)
{
	char words[512];

	snprintf(words, sizeof(words), "compile /nonexistent.yaml -o %s", bundle_path);
	expect_run(words, 3, NULL, "/nonexistent.yaml: error: No such file");
	expect_run("compile testdata/semantics/demo.yaml -o /nonexistent/x", 3, NULL,
		   "cannot write /nonexistent/x");
	expect_run("inspect /nonexistent", 3, NULL, "cannot open /nonexistent");
	expect_run("inspect testdata/semantics/demo.yaml", 1, NULL, "not a postern bundle");
}

Test(compile, a_rule_set_for_the_fallback_is_a_warning_with_the_reason)
{
	static const char big[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n"
		"spec:\n  endpointSelector: {}\n  ingress:\n  - toPorts:\n"
		"    - ports: [{port: \"80\", protocol: TCP}]\n"
		"      rules: {http: [{path: \"/(a|b)*a(a|b){20}\"}]}\n";
	const char *path = write_temp("big.yaml", big, strlen(big));
	char words[1024];

	snprintf(words, sizeof(words), "compile %s --inventory %s -o %s", path, inventory_path,
		 bundle_path);
	expect_run(words, 0, "1 HTTP rule, fallback: the pattern needs more than 4096 states",
		   "warning: ");
	expect_run(inspect(""), 0, "TCP 80 fallback rule set 0", NULL);
	snprintf(words, sizeof(words),
		 "explain --policy %s --direction ingress --from a=b --to c=d --port 80 --path /a",
		 path);
	expect_run(words, 1, "fallback-unavailable", "ruleset-fallback");
	unlink(path);
}

Test(compile, what_is_no_regular_file_is_written_to_and_not_replaced)
{
	char link_path[300], words[1024];
	struct stat st;

	expect_run("compile testdata/semantics/demo.yaml -o /dev/null", 0, "rule sets", NULL);
	cr_assert_eq(stat("/dev/null", &st), 0);
	cr_assert(S_ISCHR(st.st_mode));
	expect_run("compile testdata/semantics/demo.yaml -o /tmp", 3, NULL, "cannot write /tmp");
	/* A link stays one, the file behind it is new. */
	expect_run(compile("testdata/semantics/demo.yaml"), 0, "rule set", NULL);
	snprintf(link_path, sizeof(link_path), "%s.link", bundle_path);
	cr_assert_eq(symlink(bundle_path, link_path), 0);
	snprintf(words, sizeof(words), "compile testdata/semantics/world.yaml -o %s", link_path);
	expect_run(words, 0, "rule sets", NULL);
	cr_assert_eq(lstat(link_path, &st), 0);
	cr_assert(S_ISLNK(st.st_mode));
	expect_run(inspect(""), 0, "HTTP rules        0\n", NULL);
	unlink(link_path);
}

/* The bytes of a file, NUL-terminated. */
static char *read_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *bytes = calloc(1, 1 << 20);

	cr_assert_not_null(f, "%s", path);
	*ret_len = fread(bytes, 1, (1 << 20) - 1, f);
	fclose(f);
	return bytes;
}

static void copy_file(const char *from, const char *to)
{
	size_t len;
	char *bytes = read_file(from, &len);
	FILE *f = fopen(to, "wb");

	cr_assert_eq(fwrite(bytes, 1, len, f), len);
	fclose(f);
	free(bytes);
}

/* Compiles a copy of the demo in a directory of its own, from there; its bundle's bytes. */
static char *compile_elsewhere(size_t *ret_len)
{
	char dir[] = "/tmp/postern-cli-XXXXXX", path[64], cwd[512];
	char *bytes;

	cr_assert_not_null(mkdtemp(dir));
	cr_assert_not_null(getcwd(cwd, sizeof(cwd)));
	snprintf(path, sizeof(path), "%s/policy.yaml", dir);
	copy_file("testdata/semantics/demo.yaml", path);
	snprintf(path, sizeof(path), "%s/pods.yaml", dir);
	copy_file(inventory_path, path);
	cr_assert_eq(chdir(dir), 0);
	expect_run("compile policy.yaml --inventory pods.yaml -o out", 0, "policies", NULL);
	bytes = read_file("out", ret_len);
	unlink("policy.yaml");
	unlink("pods.yaml");
	unlink("out");
	cr_assert_eq(chdir(cwd), 0);
	rmdir(dir);
	return bytes;
}

Test(compile, a_bundle_is_the_same_byte_for_byte_in_another_directory)
{
	size_t n[2];
	char *a = compile_elsewhere(&n[0]), *b = compile_elsewhere(&n[1]);

	cr_assert_gt(n[0], 1000);
	cr_assert_eq(n[0], n[1]);
	cr_assert_eq(memcmp(a, b, n[0]), 0);
	free(a);
	free(b);
}

static void write_bytes(const char *bytes, size_t len)
{
	FILE *f = fopen(bundle_path, "wb");

	cr_assert_eq(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

Test(compile, a_bundle_that_is_cut_off_or_changed_is_refused_with_status_1)
{
	size_t len;
	char *bytes;

	expect_run(compile("testdata/semantics/demo.yaml"), 0, "policies", NULL);
	bytes = read_file(bundle_path, &len);
	for (size_t n = 0; n < len; n += 1 + len / 37) {
		write_bytes(bytes, n);
		expect_run(inspect(""), 1, NULL, "bundle-invalid");
	}
	for (size_t at = 0; at < len; at += 1 + len / 101) {
		bytes[at] ^= 0x20;
		write_bytes(bytes, len);
		expect_run(inspect(" --format json"), 1, NULL, "bundle-invalid");
		bytes[at] ^= 0x20;
	}
	write_bytes(bytes, len);
	expect_run(inspect(""), 0, "rules: number, place, policy\n  0     ", NULL);
	expect_run("inspect /nonexistent", 3, NULL, "/nonexistent");
	expect_run("inspect", 2, NULL, "expected one BUNDLE");
	free(bytes);
}

/* Egress to port 53 of the endpoints LABEL, with a list of rules. */
#define READER(name, label, rules)                                                     \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"                   \
	"metadata: {name: " name "}\nspec:\n  endpointSelector: {matchLabels: {" label \
	"}}\n  egress:\n  - toPorts:\n    - ports: [{port: '53', protocol: TCP}]\n"    \
	"      rules: {" rules "}\n"

Test(compile, rules_that_conflict_for_an_endpoint_are_told_with_both_places)
{
	static const char policies[] = READER("a", "app: web", "dns: [{matchPattern: '*'}]")
		READER("b", "tier: x", "http: [{method: GET}]");
	static const char pods[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: both, labels: {app: web, tier: x}}\n"
		"status: {podIP: 10.0.0.1}\n";
	char path[256], with[256], words[1024];

	snprintf(path, sizeof(path), "%s", write_temp("two.yaml", policies, strlen(policies)));
	snprintf(with, sizeof(with), "%s", write_temp("both.yaml", pods, strlen(pods)));
	snprintf(words, sizeof(words), "compile %s --accept unsupported-dns -o %s", path,
		 bundle_path);
	expect_run(words, 0, "rule sets         0",
		   "two.yaml:20:15: warning: two readers of one connection for the same peers, "
		   "where an endpoint has the labels of both subjects: this rule and one of "
		   "default/a [conflict-overlap]");
	expect_run(words, 0, "rule sets", "two.yaml:10:15: note: the other rule");
	snprintf(words, sizeof(words), "compile %s --inventory %s --accept unsupported-dns -o %s",
		 path, with, bundle_path);
	expect_run(words, 0, "rule sets", "both select the endpoint default/both");
	expect_run(words, 0, "rule sets", "two.yaml:10:15: note: the other rule");
	expect_run(compile(path), 1, NULL, "unsupported-dns");
	unlink(path);
	unlink(with);
}

Test(compile, a_bundle_is_read_from_regular_files_only)
{
	char path[64], words[128];

	expect_run("inspect /dev/zero", 3, NULL, "cannot read /dev/zero: not a regular file");
	snprintf(path, sizeof(path), "/tmp/postern-cli-%d.fifo", (int)getpid());
	cr_assert_eq(mkfifo(path, 0600), 0);
	snprintf(words, sizeof(words), "inspect %s", path);
	expect_run(words, 3, NULL, "not a regular file");
	unlink(path);
}
