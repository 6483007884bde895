// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/vectors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VECTORS = 512, MAX_BYTES = 128 * 1024 };

/* One byte of the text at *S, an escape resolved. */
static unsigned char unescape(const char **s)
{
	const char *p = *s;
	char hex[3] = {0};

	if (*p != '\\') {
		*s = p + 1;
		return (unsigned char)*p;
	}
	*s = p + 2;
	switch (p[1]) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '\\':
		return '\\';
	case 'x':
		memcpy(hex, p + 2, 2);
		*s = p + 4;
		return (unsigned char)strtoul(hex, NULL, 16);
	default:
		cr_assert_fail("unknown escape \\%c", p[1]);
	}
	return 0;
}

static void put(struct t_vector *v, unsigned char byte)
{
	cr_assert_lt(v->len, MAX_BYTES);
	v->bytes[v->len++] = byte;
}

/* {X*N}: S is behind the brace; returns what is behind the closing one. */
static const char *put_repeated(struct t_vector *v, const char *s)
{
	const char *end = strchr(s, '}');
	const char *star = end ? memrchr(s, '*', (size_t)(end - s)) : NULL;
	unsigned long count;

	cr_assert(star, "%s: bad repetition", v->name);
	count = strtoul(star + 1, NULL, 10);
	for (unsigned long i = 0; i < count; i++)
		for (const char *p = s; p < star;)
			put(v, unescape(&p));
	return end + 1;
}

static void put_line(struct t_vector *v, const char *s)
{
	while (*s) {
		if (*s == '{')
			s = put_repeated(v, s + 1);
		else
			put(v, unescape(&s));
	}
}

/* The number behind WORD, or DEFLT when it is not there. */
static unsigned int number_behind(const char *line, const char *word, unsigned int deflt)
{
	const char *at = strstr(line, word);
	char *end;
	unsigned long n;

	if (!at || !at[strlen(word)])
		return deflt;
	at += strlen(word);
	n = strtoul(at, &end, 10);
	cr_assert(end != at && !*end, "expected a number behind \"%s\": %s", word, line);
	return (unsigned int)n;
}

/* "allow [N]", "deny REASON [after N]" or "unfinished [after N]". */
static void verdict(struct t_vector *v, const char *line)
{
	bool unfinished = !strncmp(line, "unfinished", strlen("unfinished"));
	bool allow = !strncmp(line, "allow", strlen("allow"));
	const char *reason = allow || unfinished ? "rule-matched" : line + strlen("deny ");
	int n = (int)strcspn(reason, " ");

	if (!allow && !unfinished && strncmp(line, "deny ", strlen("deny ")) != 0)
		return; /* prose */
	cr_assert(n > 0 && n < (int)sizeof(v->reason), "expected a reason: %s", line);
	v->unfinished = unfinished;
	v->allow = allow || unfinished;
	v->passed = allow ? number_behind(line, "allow ", 1) : number_behind(line, " after ", 0);
	snprintf(v->reason, sizeof(v->reason), "%.*s", n, reason);
}

static void begin(struct t_vectors *all, const char *name)
{
	struct t_vector *v = &all->v[all->n++];

	cr_assert_leq(all->n, MAX_VECTORS);
	snprintf(v->name, sizeof(v->name), "%.*s", (int)sizeof(v->name) - 1, name);
	v->bytes = malloc(MAX_BYTES);
	cr_assert(v->bytes);
}

struct t_vectors t_vectors_load(const char *path)
{
	struct t_vectors all = {.v = calloc(MAX_VECTORS, sizeof(*all.v))};
	FILE *f = fopen(path, "re");
	char line[1024];

	cr_assert(all.v && f, "%s", path);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "## ", 3))
			begin(&all, line + 3);
		else if (all.n && !strncmp(line, "> ", 2))
			put_line(&all.v[all.n - 1], line + 2);
		else if (all.n)
			verdict(&all.v[all.n - 1], line);
	}
	fclose(f);
	for (size_t i = 0; i < all.n; i++)
		cr_assert(all.v[i].reason[0], "%s: no verdict for %s", path, all.v[i].name);
	return all;
}

void t_vectors_free(struct t_vectors *vectors)
{
	for (size_t i = 0; i < vectors->n; i++)
		free(vectors->v[i].bytes);
	free(vectors->v);
}
