// SPDX-License-Identifier: Apache-2.0
#include "cli/tests/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/usage.h"

enum { MAX_WORDS = 64 };

struct run run_list(const char *const *words)
{
	char *argv[MAX_WORDS + 1] = {0};
	FILE *real_out = stdout, *real_err = stderr;
	struct run r = {0};
	size_t n = 0, len;
	const struct pst_cli_verb *verb = pst_cli_verb_find(words[0]);

	cr_assert_not_null(verb, "no verb %s", words[0]);
	for (; words[n]; n++) {
		cr_assert_lt(n, MAX_WORDS);
		argv[n] = (char *)words[n];
	}
	stdout = open_memstream(&r.out, &len);
	stderr = open_memstream(&r.err, &len);
	r.status = verb->run((int)n, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = real_out;
	stderr = real_err;
	return r;
}

struct run run_words(const char *words)
{
	char *copy = strdup(words), *save = NULL;
	const char *list[MAX_WORDS + 1] = {0};
	size_t n = 0;
	struct run r;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		list[n++] = w;
	r = run_list(list);
	free(copy);
	return r;
}

void run_fini(struct run *r)
{
	free(r->out);
	free(r->err);
}

static void expect_text(const char *words, const char *which, const char *found, const char *wanted)
{
	if (wanted)
		cr_expect(strstr(found, wanted), "postern %s: %s is \"%s\", expected \"%s\"", words,
			  which, found, wanted);
	else
		cr_expect_str_empty(found, "postern %s: %s", words, which);
}

void expect_run(const char *words, int status, const char *out, const char *err)
{
	struct run r = run_words(words);

	cr_expect_eq(r.status, status, "postern %s: status %d, expected %d\n%s%s", words, r.status,
		     status, r.out, r.err);
	expect_text(words, "standard output", r.out, out);
	expect_text(words, "standard error", r.err, err);
	run_fini(&r);
}

void expect_each(const char *prefix, const struct expected *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *words = NULL;

		cr_assert_gt(asprintf(&words, "%s%s", prefix, cases[i].words), 0);
		expect_run(words, cases[i].status, cases[i].out, cases[i].err);
		free(words);
	}
}

const char *write_temp(const char *name, const char *text, size_t len)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/postern-cli-%d-%s", (int)getpid(), name);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, len, f), len);
	fclose(f);
	return path;
}
