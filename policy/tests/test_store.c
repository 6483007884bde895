// SPDX-License-Identifier: Apache-2.0
#include "policy/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "policy/tests/helper.h"
#include "policy/tests/scratch.h"

/* A policy that allows PORT; a second rule allows what is not a port when BAD. */
#define ONE(name, port, more)                                         \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"  \
	"metadata: {name: " name "}\nspec:\n  endpointSelector: {}\n" \
	"  ingress:\n  - toPorts: [{ports: [{port: '" port "', protocol: TCP}]}]\n" more
#define POLICY(name, port)	 ONE(name, port, "")
#define WITH_MISTAKE(name, port) ONE(name, port, "  - toPorts: [{ports: [{port: '70000'}]}]\n")
#define UNREADABLE(name)                                             \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n" \
	"metadata: {name: " name "}\nspec: {endpointSelector: {}, ingres: []}\n"
#define NAMELESS                                                     \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n" \
	"metadata: {nam: a}\nspec: {endpointSelector: {}, ingress: [{}]}\n"
#define HALF_WRITTEN "---\napiVersion: cilium.io/v2\nkind: Cilium"

static struct pst_policy_store *store;

static struct pst_policy_store *t_store_of(const char *path)
{
	const struct pst_policy_store_opts opts = {.paths = &path, .n_paths = 1};
	struct pst_policy_store *s = pst_policy_store_new(&opts);

	cr_assert_not_null(s);
	return s;
}

static void t_enter(void)
{
	t_scratch_enter();
	cr_assert_eq(mkdir("d", 0700), 0);
	store = t_store_of("d");
}

static void t_leave(void)
{
	pst_policy_store_free(&store);
	t_scratch_leave();
}

/* Refreshes; how many errors there were. */
static size_t t_refresh(void)
{
	struct pst_diags *diags = pst_diags_new();
	size_t errors;

	cr_assert_eq(pst_policy_store_refresh(store, diags), 0);
	errors = pst_diags_errors(diags);
	pst_diags_free(&diags);
	return errors;
}

/* "a:80 b:81": what is in force, with the port of the first rule that is not refused. */
static const char *t_in_force(void)
{
	static char text[1024];
	const struct pst_policy_set *set = pst_policy_store_set(store);

	text[0] = 0;
	for (size_t i = 0; i < set->n_policies; i++) {
		const struct pst_policy *p = &set->policies[i];
		const size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s:%u", len ? " " : "", p->name,
			 p->specs[0].rules[0].ports[0].ports[0].port);
	}
	return text;
}

/* "a kept, b not kept, the file kept" */
static const char *t_refused(void)
{
	static char text[1024];
	size_t n;
	const struct pst_policy_refusal *r = pst_policy_store_refusals(store, &n);

	text[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? ", " : "",
			 r[i].name ? r[i].name : "the file", r[i].kept ? "kept" : "not kept");
	}
	return text;
}

static void t_is(const char *in_force, const char *refused)
{
	cr_assert_str_eq(t_in_force(), in_force);
	cr_assert_str_eq(t_refused(), refused);
}

TestSuite(store, .init = t_enter, .fini = t_leave);

Test(store, follows_files_that_come_change_and_go)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	cr_assert_eq(t_refresh(), 0);
	t_is("a:80", "");
	t_scratch_write("d/2.yaml", POLICY("b", "81") POLICY("c", "82"));
	cr_assert_eq(t_refresh(), 0);
	t_is("a:80 b:81 c:82", "");
	t_scratch_write("d/1.yaml", POLICY("a", "90"));
	t_scratch_write("d/2.yaml", POLICY("c", "82"));
	cr_assert_eq(t_refresh(), 0);
	t_is("a:90 c:82", "");
	cr_assert_eq(unlink("d/1.yaml"), 0);
	cr_assert_eq(t_refresh(), 0);
	t_is("c:82", "");
}

Test(store, a_policy_with_a_mistake_leaves_its_last_good_version_and_its_neighbours_in_force)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80") POLICY("b", "81"));
	t_refresh();
	t_scratch_write("d/1.yaml", WITH_MISTAKE("a", "90") POLICY("b", "91"));
	cr_assert_eq(t_refresh(), 1);
	t_is("a:80 b:91", "a kept");
	t_scratch_write("d/1.yaml", POLICY("a", "92") POLICY("b", "91"));
	cr_assert_eq(t_refresh(), 0);
	t_is("a:92 b:91", "");
}

Test(store, what_never_was_good_is_in_force_as_far_as_it_can_be_read)
{
	t_scratch_write("d/1.yaml", WITH_MISTAKE("a", "80") UNREADABLE("b"));
	cr_assert_eq(t_refresh(), 2);
	t_is("a:80", "a not kept, b not kept");
	cr_assert(pst_policy_store_set(store)->policies[0].specs[0].rules[1].refused);
}

Test(store, a_policy_that_cannot_be_read_leaves_its_last_good_version)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80") POLICY("b", "81"));
	t_refresh();
	t_scratch_write("d/1.yaml", UNREADABLE("a") POLICY("b", "91"));
	cr_assert_eq(t_refresh(), 1);
	t_is("b:91 a:80", "a kept");
}

Test(store, the_last_good_version_is_found_in_another_file)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_refresh();
	cr_assert_eq(unlink("d/1.yaml"), 0);
	t_scratch_write("d/2.yaml", WITH_MISTAKE("a", "90"));
	t_refresh();
	t_is("a:80", "a kept");
	/* And its arena lives on, although its file is gone for long. */
	t_scratch_write("d/3.yaml", POLICY("c", "82"));
	t_refresh();
	t_refresh();
	t_is("a:80 c:82", "a kept");
}

Test(store, a_half_written_file_takes_nothing_away)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80") POLICY("b", "81"));
	t_refresh();
	t_scratch_write("d/1.yaml", POLICY("a", "90") HALF_WRITTEN);
	cr_assert_geq(t_refresh(), 1);
	t_is("a:90 b:81", "the file kept");
	t_scratch_write("d/1.yaml", "");
	t_refresh();
	t_is("a:90 b:81", "the file kept");
}

/* A link to itself: nobody can read that, root neither. */
Test(store, what_is_removed_is_gone_though_another_directory_cannot_be_read)
{
	cr_assert_eq(mkdir("d/sub", 0700), 0);
	cr_assert_eq(mkdir("d/sub2", 0700), 0);
	t_scratch_write("d/a.yaml", POLICY("a", "1"));
	t_scratch_write("d/b.yaml", POLICY("b", "2"));
	t_scratch_write("d/sub/c.yaml", POLICY("c", "3"));
	t_scratch_write("d/sub2/d.yaml", POLICY("d", "4"));
	t_refresh();
	t_is("a:1 b:2 c:3 d:4", "");
	cr_assert_eq(rename("d/sub", "away"), 0);
	cr_assert_eq(symlink("sub", "d/sub"), 0);
	cr_assert_eq(unlink("d/a.yaml"), 0);
	cr_assert_eq(unlink("d/sub2/d.yaml"), 0);
	t_refresh();
	t_is("b:2 c:3", "");
	cr_assert_eq(unlink("d/sub"), 0);
	t_refresh();
	t_is("b:2", "");
}

Test(store, a_policy_whose_name_is_lost_stays_under_its_old_name)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_refresh();
	t_scratch_write("d/1.yaml", NAMELESS);
	t_refresh();
	cr_assert_str_eq(t_in_force(), "a:80");
}

Test(store, a_path_that_vanishes_takes_nothing_away)
{
	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_refresh();
	cr_assert_eq(rename("d", "e"), 0);
	cr_assert_geq(t_refresh(), 1);
	t_is("a:80", "");
	cr_assert_eq(rename("e", "d"), 0);
	t_scratch_write("d/1.yaml", POLICY("b", "81"));
	cr_assert_eq(t_refresh(), 0);
	t_is("b:81", "");
}

Test(store, reads_only_what_has_changed)
{
	struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_scratch_write("d/2.yaml", POLICY("b", "81"));
	t_refresh();
	cr_assert_eq(pst_policy_store_n_read(store), 2);
	/* Too fresh for their times to tell: looked at once more, and found to be the same. */
	t_refresh();
	cr_assert_eq(pst_policy_store_n_read(store), 0);
	sleep(3);
	t_refresh();
	t_refresh();
	cr_assert_eq(pst_policy_store_n_read(store), 0);
	t_is("a:80 b:81", "");
	/* Of the same size, and with its old time. */
	t_scratch_write("d/2.yaml", POLICY("b", "91"));
	cr_assert_eq(utimensat(AT_FDCWD, "d/2.yaml", long_ago, 0), 0);
	t_refresh();
	cr_assert_eq(pst_policy_store_n_read(store), 1);
	t_is("a:80 b:91", "");
}

Test(store, two_policies_of_one_name_are_both_in_force)
{
	struct pst_diags *diags = pst_diags_new();

	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_scratch_write("d/2.yaml", POLICY("a", "81"));
	cr_assert_eq(pst_policy_store_refresh(store, diags), 0);
	cr_assert(t_has(diags, "same-name"));
	t_is("a:80 a:81", "");
	pst_diags_free(&diags);
}

static int t_dislikes_b(void *ctx, const struct pst_policy *policy, struct pst_diags *diags)
{
	(void)ctx;
	if (!strcmp(policy->name, "b"))
		pst_diags_error(diags, "disliked", &policy->pos, "nobody likes this");
	return 0;
}

Test(store, a_further_check_refuses_like_the_reader)
{
	const char *path = "d";
	const struct pst_policy_store_opts opts = {
		.paths = &path, .n_paths = 1, .check = t_dislikes_b};
	const struct pst_policy_refusal *refusals;
	size_t n;

	pst_policy_store_free(&store);
	store = pst_policy_store_new(&opts);
	t_scratch_write("d/1.yaml", POLICY("a", "80") POLICY("b", "81"));
	cr_assert_eq(t_refresh(), 1);
	t_is("a:80 b:81", "b not kept");
	refusals = pst_policy_store_refusals(store, &n);
	cr_assert_str_eq(refusals[0].id, "disliked");
	cr_assert_str_eq(refusals[0].message, "nobody likes this");
	cr_assert_str_eq(refusals[0].file, "d/1.yaml");
	cr_assert_eq(refusals[0].line, 10);
}

Test(store, a_refresh_without_memory_changes_nothing)
{
	bool failed = true;

	t_scratch_write("d/1.yaml", POLICY("a", "80") POLICY("b", "81"));
	t_refresh();
	t_scratch_write("d/1.yaml", WITH_MISTAKE("a", "90") UNREADABLE("c"));
	t_scratch_write("d/2.yaml", POLICY("d", "83"));
	for (long n = 0; failed; n++) {
		struct pst_diags *diags = pst_diags_new();
		int r;

		pst_mem_fail_after(n);
		r = pst_policy_store_refresh(store, diags);
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		if (failed && r) {
			cr_assert_eq(r, -ENOMEM);
			t_is("a:80 b:81", "");
		} else if (failed) {
			cr_assert(pst_diags_is_lossy(diags), "allocation %ld", n);
		}
		pst_diags_free(&diags);
		if (!r)
			break;
	}
	t_refresh();
	t_is("a:80 d:83", "a kept, c not kept");
}

/* One file, or none of that name. */
static int t_refresh_some(const char *const *names, size_t n)
{
	struct pst_diags *diags = pst_diags_new();
	int r = pst_policy_store_refresh_some(store, names, n, diags);

	pst_diags_free(&diags);
	return r;
}

Test(store, when_it_is_known_what_changed_only_that_is_read)
{
	const char *const names[] = {"d/2.yaml", "d/1.yaml"};

	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_scratch_write("d/2.yaml", POLICY("b", "81"));
	t_scratch_write("d/3.yaml", POLICY("c", "82"));
	t_refresh();
	t_scratch_write("d/1.yaml", POLICY("a", "90"));
	t_scratch_write("d/2.yaml", WITH_MISTAKE("b", "91"));
	t_scratch_write("d/3.yaml", POLICY("c", "92"));
	cr_assert_eq(t_refresh_some(names, 1), 0);
	cr_assert_eq(pst_policy_store_n_read(store), 1);
	cr_assert_eq(pst_policy_store_n_files(store), 3);
	t_is("a:80 b:81 c:82", "b kept");
	t_scratch_write("d/2.yaml", POLICY("b", "91") POLICY("d", "83"));
	cr_assert_eq(t_refresh_some(names, 2), 0);
	cr_assert_eq(pst_policy_store_n_read(store), 2);
	t_is("a:90 b:91 d:83 c:82", "");
	t_refresh();
	cr_assert_eq(pst_policy_store_n_read(store), 1);
	t_is("a:90 b:91 d:83 c:92", "");
}

Test(store, when_files_have_come_or_gone_it_asks_to_look_at_everything)
{
	static const char *const other[][2] = {
		{"d/1.yaml", "d/new.yaml"},
		{"d/1.yaml", "d/gone.yaml"},
		{"d/1.yaml", "d"},
		{"d/1.yaml", "./d/2.yaml"},
	};

	t_scratch_write("d/1.yaml", POLICY("a", "80"));
	t_scratch_write("d/2.yaml", POLICY("b", "81"));
	t_scratch_write("d/gone.yaml", POLICY("g", "85"));
	t_refresh();
	t_scratch_write("d/1.yaml", POLICY("a", "90"));
	t_scratch_write("d/new.yaml", POLICY("e", "84"));
	cr_assert_eq(remove("d/gone.yaml"), 0);
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		cr_assert_eq(t_refresh_some(other[i], 2), -ESTALE);
		t_is("a:80 b:81 g:85", "");
	}
	t_refresh();
	t_is("a:90 b:81 e:84", "");
}

Test(store, while_a_path_cannot_be_read_it_asks_to_look_at_everything)
{
	const char *const paths[] = {"d", "missing"};
	const struct pst_policy_store_opts opts = {.paths = paths, .n_paths = 2};
	const char *const name = "d/1.yaml";

	pst_policy_store_free(&store);
	store = pst_policy_store_new(&opts);
	t_scratch_write(name, POLICY("a", "80"));
	cr_assert_eq(t_refresh(), 1);
	t_scratch_write(name, POLICY("a", "90"));
	cr_assert_eq(t_refresh_some(&name, 1), -ESTALE);
	cr_assert_eq(mkdir("missing", 0700), 0);
	t_scratch_write("missing/2.yaml", POLICY("b", "81"));
	cr_assert_eq(t_refresh(), 0);
	t_is("a:90 b:81", "");
	cr_assert_eq(t_refresh_some(&name, 1), 0);
}

Test(store, a_file_given_as_a_path_must_hold_policies_the_next_time_too)
{
	const char *const name = "1.yaml";

	pst_policy_store_free(&store);
	store = t_store_of(name);
	t_scratch_write(name, POLICY("a", "80"));
	t_refresh();
	t_scratch_write(name, "kind: ConfigMap\napiVersion: v1\n");
	cr_assert_eq(t_refresh_some(&name, 1), 0);
	t_is("a:80", "the file kept");
	t_refresh();
	t_is("a:80", "the file kept");
}

Test(store, a_change_that_there_was_no_memory_for_is_not_forgotten)
{
	const char *const one = "d/1.yaml", *const two = "d/2.yaml";
	struct pst_diags *diags = pst_diags_new();

	t_scratch_write(one, POLICY("a", "80"));
	t_scratch_write(two, POLICY("b", "81"));
	t_refresh();
	t_scratch_write(one, POLICY("a", "90"));
	pst_mem_fail_after(0);
	cr_assert_eq(pst_policy_store_refresh_some(store, &one, 1, diags), -ENOMEM);
	pst_mem_fail_after(-1);
	pst_diags_free(&diags);
	t_scratch_write(two, POLICY("b", "91"));
	cr_assert_eq(t_refresh_some(&two, 1), -ESTALE);
	t_refresh();
	t_is("a:90 b:91", "");
}

Test(store, a_look_at_some_files_without_memory_changes_nothing)
{
	const char *const name = "d/1.yaml";
	int r = -ENOMEM;

	t_scratch_write(name, POLICY("a", "80") POLICY("b", "81"));
	t_refresh();
	t_scratch_write(name, POLICY("a", "90"));
	for (long n = 0; r; n++) {
		struct pst_diags *diags = pst_diags_new();

		pst_mem_fail_after(n);
		r = pst_policy_store_refresh_some(store, &name, 1, diags);
		pst_mem_fail_after(-1);
		pst_diags_free(&diags);
		cr_assert(!r || r == -ENOMEM, "allocation %ld", n);
		if (!r)
			break;
		t_is("a:80 b:81", "");
		/* After a failure everything is looked at: begin as if there had been none. */
		t_scratch_write(name, POLICY("a", "80") POLICY("b", "81"));
		t_refresh();
		t_scratch_write(name, POLICY("a", "90"));
	}
	t_is("a:90", "");
}
