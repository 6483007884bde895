// SPDX-License-Identifier: Apache-2.0
#include "policy/load.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/policy.h"
#include "policy/tests/helper.h"
#include "policy/tests/scratch.h"
#include "policy/yaml.h"

#define CNP(name)                                                                            \
	"{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: " name "}, " \
	"spec: {endpointSelector: {}, ingress: [{}]}}\n"

struct t_loaded {
	int r;
	struct pst_diags *diags;
	struct pst_policy_set *set;
};

static struct t_loaded t_load(const char *path)
{
	struct t_loaded l = {.diags = pst_diags_new()};

	l.r = pst_policy_load(&path, 1, l.diags, &l.set);
	return l;
}

static void t_free(struct t_loaded *l)
{
	pst_policy_set_free(&l->set);
	pst_diags_free(&l->diags);
}

/* Loading PATH fails with ERR and says ID about PLACE; nothing is stored. */
static void t_fails(const char *path, int err, const char *id, const char *place)
{
	struct t_loaded l = t_load(path);

	cr_expect_eq(l.r, err, "%s: %d", path, l.r);
	cr_expect(t_has(l.diags, id), "%s", path);
	cr_expect_str_eq(pst_diags_at(l.diags, 0)->pos.file, place);
	cr_expect_null(l.set);
	t_free(&l);
}

TestSuite(load, .init = t_scratch_enter, .fini = t_scratch_leave);

Test(load, a_path_that_does_not_exist_is_an_error)
{
	t_fails("nowhere.yaml", -ENOENT, "file-missing", "nowhere.yaml");
}

Test(load, a_directory_without_files_is_an_error)
{
	mkdir("empty", 0755);
	mkdir("empty/below", 0755);
	t_scratch_write("empty/README.md", "nothing");
	t_fails("empty", -ENOENT, "no-files", "empty");
}

Test(load, a_directory_is_walked_in_the_order_of_names)
{
	struct t_loaded l;

	mkdir("d", 0755);
	mkdir("d/b", 0755);
	t_scratch_write("d/c.yml", CNP("third"));
	t_scratch_write("d/b/x.json", CNP("second"));
	t_scratch_write("d/a.yaml", CNP("first"));
	t_scratch_write("d/z.txt", "{not: read");
	t_scratch_write("d/.hidden.yaml", "{not: read");
	l = t_load("d");
	cr_assert_eq(l.r, 0);
	cr_assert_eq(pst_diags_count(l.diags), 0);
	cr_assert_eq(l.set->n_policies, 3);
	cr_expect_str_eq(l.set->policies[0].name, "first");
	cr_expect_str_eq(l.set->policies[1].name, "second");
	cr_expect_str_eq(l.set->policies[2].name, "third");
	cr_expect_str_eq(l.set->policies[1].pos.file, "d/b/x.json");
	t_free(&l);
}

Test(load, a_file_without_a_policy_is_an_error_by_name_and_counted_in_a_directory)
{
	struct t_loaded l;

	mkdir("d", 0755);
	t_scratch_write("d/other.yaml", "{apiVersion: v1, kind: Service}\n");
	l = t_load("d/other.yaml");
	cr_assert(t_has(l.diags, "no-policy"));
	t_free(&l);
	l = t_load("d");
	cr_assert_eq(l.r, 0);
	cr_assert_eq(pst_diags_count(l.diags), 0);
	cr_assert_eq(l.set->n_skipped, 1);
	t_free(&l);
}

Test(load, a_file_given_by_name_needs_no_known_ending)
{
	struct t_loaded l;

	t_scratch_write("policy.txt", CNP("a"));
	l = t_load("policy.txt");
	cr_assert_eq(l.r, 0);
	cr_assert_eq(l.set->n_policies, 1);
	t_free(&l);
}

Test(load, links_to_files_are_followed_as_in_a_mounted_config_map)
{
	struct t_loaded l;

	mkdir("d", 0755);
	mkdir("d/..2026", 0755);
	t_scratch_write("d/..2026/p.yaml", CNP("a"));
	cr_assert_eq(symlink("..2026", "d/..data"), 0);
	cr_assert_eq(symlink("..data/p.yaml", "d/p.yaml"), 0);
	l = t_load("d");
	cr_assert_eq(l.r, 0);
	cr_assert_eq(l.set->n_policies, 1);
	cr_assert_eq(pst_diags_count(l.diags), 0);
	t_free(&l);
}

Test(load, a_circle_of_links_ends_in_an_error)
{
	mkdir("d", 0755);
	t_scratch_write("d/a.yaml", CNP("a"));
	cr_assert_eq(symlink("..", "d/up"), 0);
	cr_assert_eq(symlink("d", "e"), 0);
	t_fails("d", -ELOOP, "directory-loop", "d/up/d");
}

Test(load, a_dangling_link_named_like_a_policy_is_an_error)
{
	mkdir("d", 0755);
	t_scratch_write("d/a.yaml", CNP("a"));
	cr_assert_eq(symlink("gone", "d/b.yaml"), 0);
	t_fails("d", -ENOENT, "file-missing", "d/b.yaml");
}

Test(load, a_pipe_in_a_directory_is_not_waited_for)
{
	mkdir("d", 0755);
	cr_assert_eq(mkfifo("d/a.yaml", 0644), 0);
	t_fails("d", -EINVAL, "file-unreadable", "d/a.yaml");
}

Test(load, a_file_over_the_limit_is_refused)
{
	int fd = open("big.yaml", O_CREAT | O_WRONLY, 0644);

	cr_assert_eq(ftruncate(fd, PST_YAML_MAX_SIZE + 1), 0);
	close(fd);
	t_fails("big.yaml", -E2BIG, "file-too-large", "big.yaml");
}

Test(load, a_sparse_file_of_a_gibibyte_is_refused_without_being_read)
{
	int fd = open("huge.yaml", O_CREAT | O_WRONLY, 0644);
	struct rusage before, after;

	cr_assert_eq(ftruncate(fd, (off_t)1 << 30), 0);
	close(fd);
	getrusage(RUSAGE_SELF, &before);
	t_fails("huge.yaml", -E2BIG, "file-too-large", "huge.yaml");
	getrusage(RUSAGE_SELF, &after);
	cr_expect_lt(after.ru_maxrss - before.ru_maxrss, 8 * 1024, "%ld KiB more",
		     after.ru_maxrss - before.ru_maxrss);
}

Test(load, a_file_of_the_largest_size_is_read)
{
	struct t_loaded l;
	FILE *f;

	t_scratch_write("full.yaml", CNP("a"));
	f = fopen("full.yaml", "a");
	cr_assert_not_null(f);
	for (long size = ftell(f); size < PST_YAML_MAX_SIZE; size++)
		cr_assert_neq(putc('\n', f), EOF);
	cr_assert_eq(ftell(f), PST_YAML_MAX_SIZE);
	cr_assert_eq(fclose(f), 0);
	l = t_load("full.yaml");
	cr_expect_eq(l.r, 0);
	cr_expect_eq(pst_diags_count(l.diags), 0);
	cr_expect_eq(l.set->n_policies, 1);
	t_free(&l);
}

Test(load, a_name_that_is_empty_has_a_place)
{
	t_fails("", -ENOENT, "file-missing", "\"\"");
}

Test(load, a_pipe_or_a_device_by_name_is_not_waited_for, .timeout = 10)
{
	cr_assert_eq(mkfifo("pipe", 0644), 0);
	t_fails("pipe", -EINVAL, "file-unreadable", "pipe");
	t_fails("/dev/zero", -EINVAL, "file-unreadable", "/dev/zero");
}

/* Standard input gives BYTES, through a pipe that a child fills. */
static void t_feed(const char *bytes, size_t len)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	if (!fork()) {
		close(fds[0]);
		for (size_t done = 0; done < len;) {
			ssize_t n = write(fds[1], bytes + done, len - done);

			if (n <= 0)
				break;
			done += (size_t)n;
		}
		_exit(0);
	}
	close(fds[1]);
	cr_assert_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
}

Test(load, a_dash_is_standard_input)
{
	struct t_loaded l;

	t_feed(CNP("a"), strlen(CNP("a")));
	l = t_load("-");
	cr_assert_eq(l.r, 0);
	cr_assert_eq(l.set->n_policies, 1);
	cr_expect_str_eq(l.set->policies[0].pos.file, "<stdin>");
	t_free(&l);
}

Test(load, standard_input_has_the_limit_of_files)
{
	char *text = malloc(PST_YAML_MAX_SIZE + 1);

	memset(text, '\n', PST_YAML_MAX_SIZE + 1);
	t_feed(text, PST_YAML_MAX_SIZE + 1);
	free(text);
	t_fails("-", -E2BIG, "file-too-large", "<stdin>");
}

/* Runs in a process of its own, so the loss of rights hurts nobody. */
Test(load, what_may_not_be_read_is_named_and_the_others_are_read)
{
	const struct pst_policy_options lint = {.lint = true};
	const char *const paths[] = {"d"};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	uid_t me = geteuid();

	mkdir("d", 0755);
	mkdir("d/closed", 0);
	t_scratch_write("d/a.yaml", CNP("a"));
	t_scratch_write("d/b.yaml", CNP("b"));
	t_scratch_write("d/z.yaml", CNP("z"));
	cr_assert_eq(chmod("d/b.yaml", 0), 0);
	cr_assert_eq(chmod(".", 0755), 0);
	if (!me)
		cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(pst_policy_load(paths, 1, diags, &set), -EACCES);
	cr_expect_null(set);
	cr_expect_eq(pst_policy_load_with(&lint, paths, 1, diags, &set), 0);
	if (!me)
		cr_assert_eq(seteuid(me), 0);
	cr_assert_not_null(set);
	cr_expect_eq(set->n_policies, 2);
	cr_expect_eq(pst_diags_count(diags), 4);
	cr_expect_str_eq(pst_diags_at(diags, 0)->pos.file, "d/b.yaml");
	cr_expect_str_eq(pst_diags_at(diags, 1)->pos.file, "d/closed");
	for (size_t i = 0; i < pst_diags_count(diags); i++)
		cr_expect_str_eq(pst_diags_at(diags, i)->id, "file-unreadable");
	chmod("d/closed", 0755);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

/* Each level has two links to the next one: 2^17 paths, no loop, 18 directories. */
Test(load, links_that_multiply_the_directories_end_in_an_error, .timeout = 60)
{
	struct t_loaded l;

	for (int i = 0; i < 17; i++) {
		char here[32], up[32], link[48];

		snprintf(here, sizeof(here), "n%d", i);
		snprintf(up, sizeof(up), "../n%d", i + 1);
		mkdir(here, 0755);
		for (int k = 0; k < 2; k++) {
			snprintf(link, sizeof(link), "%s/%d", here, k);
			cr_assert_eq(symlink(up, link), 0);
		}
	}
	mkdir("n17", 0755);
	l = t_load("n0");
	cr_expect_eq(l.r, -E2BIG);
	cr_expect_eq(pst_diags_count(l.diags), 1);
	cr_expect(t_has(l.diags, "too-many-directories"));
	t_free(&l);
}

static int t_stop_at_once(void *ctx, const struct pst_load_file *file)
{
	(void)file;
	++*(int *)ctx;
	return -ECANCELED;
}

Test(load, whoever_takes_the_files_can_stop)
{
	const char *const paths[] = {"a.yaml", "b.yaml"};
	struct pst_diags *diags = pst_diags_new();
	int n = 0;

	t_scratch_write("a.yaml", "a");
	t_scratch_write("b.yaml", "b");
	cr_assert_eq(pst_load_paths(paths, 2, diags, t_stop_at_once, &n), -ECANCELED);
	cr_assert_eq(n, 1);
	pst_diags_free(&diags);
}

Test(load, all_paths_are_looked_at_even_after_a_mistake)
{
	const char *const paths[] = {"gone", "bad.yaml", "also-gone"};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	t_scratch_write("bad.yaml", "{");
	cr_assert_eq(pst_policy_load(paths, 3, diags, &set), -ENOENT);
	cr_assert_eq(pst_diags_errors(diags), 3);
	cr_assert_null(set);
	pst_diags_free(&diags);
}

Test(load, several_paths_make_one_set)
{
	const char *const paths[] = {"a.yaml", "d"};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	mkdir("d", 0755);
	t_scratch_write("a.yaml", CNP("a"));
	t_scratch_write("d/b.yaml", CNP("b"));
	cr_assert_eq(pst_policy_load(paths, 2, diags, &set), 0);
	cr_assert_eq(set->n_policies, 2);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

static size_t t_lint(const char *text, struct pst_diags *diags)
{
	const struct pst_policy_options options = {.lint = true};
	const struct pst_policy_source source = {"test.yaml", text, strlen(text)};
	struct pst_policy_set *set = NULL;
	size_t skipped;

	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	skipped = set->n_skipped;
	pst_policy_set_free(&set);
	return skipped;
}

Test(load, a_linter_passes_over_what_is_no_kubernetes_object)
{
	static const char *const foreign[] = {
		"replicas: 3\nimage: {tag: latest}\n",
		"- one\n- two\n",
		"just text\n",
		"kind: Config\nclusters: []\n",
		"apiVersion: 5\nkind: [x]\n",
	};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		struct pst_diags *diags = pst_diags_new();

		cr_expect_eq(t_lint(foreign[i], diags), 1, "%s", foreign[i]);
		for (size_t k = 0; k < pst_diags_count(diags); k++)
			cr_expect_str_eq(pst_diags_at(diags, k)->id, "no-policy");
		pst_diags_free(&diags);
	}
}

Test(load, a_linter_does_not_pass_over_a_policy_whose_keys_are_misspelt)
{
	static const char *const meant[] = {
		"apiversion: cilium.io/v2\nkind: CiliumNetworkPolicy\n",
		"apiVersion: cilium.io/v2\nKind: CiliumNetworkPolicy\n",
		"apiVersion: v1\nkin: CiliumClusterwideNetworkPolicy\n",
	};

	for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++) {
		struct pst_diags *diags = pst_diags_new();

		cr_expect_eq(t_lint(meant[i], diags), 0);
		cr_expect(t_has(diags, "missing-field"), "%s", meant[i]);
		pst_diags_free(&diags);
	}
}
