// SPDX-License-Identifier: Apache-2.0
#include "enforcer/export.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/flow.h"

static char dir[64], path[80];
static struct pst_export *export;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/postern-test-export-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/flows", dir);
}

static void tear_down(void)
{
	char name[96];

	pst_export_close(&export);
	unlink(path);
	for (int i = 1; i < 9; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		unlink(name);
	}
	rmdir(dir);
}

TestSuite(export, .init = set_up, .fini = tear_down);

static void begin(struct pst_export_opts opts)
{
	opts.path = path;
	opts.node_name = "node-1";
	cr_assert_eq(pst_export_open(&opts, &export), 0);
}

/* What FILE, or FILE.N, has; "" when it is not there. */
static const char *content(int n)
{
	static char text[65536];
	char name[96];
	FILE *f;

	if (n)
		snprintf(name, sizeof(name), "%s.%d", path, n);
	else
		snprintf(name, sizeof(name), "%s", path);
	f = fopen(name, "r");
	text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

static void add(enum pst_flow_verdict verdict, const char *ns, const char *line)
{
	const struct pst_flow f = {
		.verdict = verdict,
		.source = {.ns = ns, .pod = "a", .ip = ""},
		.destination = {.ns = "b", .pod = "b", .ip = ""},
	};

	if (pst_export_wants(export, &f))
		pst_export_add(export, line, strlen(line));
}

Test(export, lines_are_appended_when_they_are_flushed)
{
	begin((struct pst_export_opts){.max_bytes = 1000});
	add(PST_FLOW_DROPPED, "a", "one\n");
	add(PST_FLOW_FORWARDED, "a", "two\n");
	cr_expect_str_eq(content(0), "");
	pst_export_flush(export);
	cr_expect_str_eq(content(0), "one\ntwo\n");
	pst_export_close(&export);
	begin((struct pst_export_opts){.max_bytes = 1000});
	add(PST_FLOW_DROPPED, "a", "three\n");
	pst_export_close(&export);
	cr_expect_str_eq(content(0), "one\ntwo\nthree\n", "closing flushes");
}

Test(export, a_full_file_becomes_the_first_backup_and_the_oldest_goes)
{
	begin((struct pst_export_opts){.max_bytes = 8, .n_backups = 2});
	for (const char *const *s =
		     (const char *const[]){"one\n", "two\n", "three\n", "four\n", "five\n", NULL};
	     *s; s++) {
		add(PST_FLOW_DROPPED, "a", *s);
		pst_export_flush(export);
	}
	cr_expect_str_eq(content(0), "five\n");
	cr_expect_str_eq(content(1), "four\n");
	cr_expect_str_eq(content(2), "three\n", "one and two, 8 bytes, are gone");
	cr_expect_str_eq(content(3), "");
	cr_expect_eq(pst_export_stats(export).written, 5);
}

Test(export, without_backups_a_full_file_begins_anew)
{
	begin((struct pst_export_opts){.max_bytes = 8});
	add(PST_FLOW_DROPPED, "a", "seven..\n");
	pst_export_flush(export);
	add(PST_FLOW_DROPPED, "a", "one\n");
	pst_export_flush(export);
	cr_expect_str_eq(content(0), "one\n");
	cr_expect_str_eq(content(1), "");
}

Test(export, a_file_that_was_moved_away_is_made_anew)
{
	char name[96];

	begin((struct pst_export_opts){.max_bytes = 1000});
	add(PST_FLOW_DROPPED, "a", "one\n");
	pst_export_flush(export);
	snprintf(name, sizeof(name), "%s.1", path);
	cr_assert_eq(rename(path, name), 0);
	add(PST_FLOW_DROPPED, "a", "two\n");
	pst_export_flush(export);
	cr_expect_str_eq(content(0), "two\n");
	cr_expect_str_eq(content(1), "one\n");
}

Test(export, one_allow_filter_and_no_deny_filter_must_match)
{
	static const char *const allow[] = {"--verdict DROPPED", "namespace=shop"};
	static const char *const deny[] = {"--from-namespace kube-system"};

	begin((struct pst_export_opts){
		.max_bytes = 1000, .allow = allow, .n_allow = 2, .deny = deny, .n_deny = 1});
	add(PST_FLOW_DROPPED, "a", "one\n");
	add(PST_FLOW_FORWARDED, "a", "two\n");
	add(PST_FLOW_FORWARDED, "shop", "three\n");
	add(PST_FLOW_DROPPED, "kube-system", "four\n");
	pst_export_add_record(export, "loss\n", 5);
	pst_export_flush(export);
	cr_expect_str_eq(content(0), "one\nthree\nloss\n");
}

Test(export, wrong_filters_are_refused)
{
	static const char *const bad[] = {"",	 "verdict", "verdict=MAYBE",	   "--no-such=1",
					  "not", "DROPPED", "verdict=DROPPED port"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct pst_export_opts opts = {
			.path = path, .max_bytes = 1000, .allow = &bad[i], .n_allow = 1};

		cr_expect_eq(pst_export_open(&opts, &export), -EINVAL, "%s", bad[i]);
	}
}

Test(export, only_regular_files_are_written)
{
	const struct pst_export_opts device = {.path = "/dev/null", .max_bytes = 1000};
	const struct pst_export_opts nowhere = {.path = "/nonexistent/flows", .max_bytes = 1000};

	cr_expect_eq(pst_export_open(&device, &export), -EINVAL);
	cr_expect_eq(pst_export_open(&nowhere, &export), -ENOENT);
}

/* The limit stands for a full disk: what is written of a line before it fails is taken back. */
Test(export, what_cannot_be_written_is_counted_and_told_when_it_can)
{
	const struct rlimit full = {10, RLIM_INFINITY}, room = {RLIM_INFINITY, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	begin((struct pst_export_opts){.max_bytes = 1000});
	add(PST_FLOW_DROPPED, "a", "one\n");
	pst_export_flush(export);
	setrlimit(RLIMIT_FSIZE, &full);
	add(PST_FLOW_DROPPED, "a", "two\n");
	add(PST_FLOW_DROPPED, "a", "three\n");
	pst_export_flush(export);
	setrlimit(RLIMIT_FSIZE, &room);
	cr_expect_str_eq(content(0), "one\n");
	cr_expect_eq(pst_export_stats(export).lost, 2);
	cr_expect_eq(pst_export_stats(export).error, -EFBIG);
	add(PST_FLOW_DROPPED, "a", "four\n");
	pst_export_flush(export);
	cr_expect_eq(pst_export_stats(export).error, 0);
	cr_expect_eq(pst_export_stats(export).written, 2);
	cr_expect_not_null(strstr(content(0), "\"num_events_lost\":\"2\""), "%s", content(0));
	cr_expect_str_eq(strrchr(content(0), '}') + 1, "\nfour\n");
}
