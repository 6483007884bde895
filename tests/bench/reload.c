// SPDX-License-Identifier: Apache-2.0
/*
 * reload POLICIES PODS FILE [ROUNDS]: what one changed policy costs the reader of the policies, in
 * processor time, and what it holds of the memory. FILE, below POLICIES, has a port changed ROUNDS
 * times, the first one that is written with quotes and four digits.
 */
#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/compile.h"
#include "enforcer/sources.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ROUNDS = 1000 };

enum stage { READ, VERIFY, STAGES };

static const char *const stage_names[STAGES] = {"from the files to a bundle", "verify it"};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int cmp_double(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static void print_memory(const char *when)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "RssAnon:", 8))
			printf("anonymous memory %s: %.1f MiB, %.1f of it in use\n", when,
			       strtod(line + 8, NULL) / 1024,
			       (double)mallinfo2().uordblks / 1048576 +
				       (double)mallinfo2().hblkhd / 1048576);
	}
	if (f)
		fclose(f);
}

/* The text of FILE with another port. */
static void change(const char *file, const char *text, int port)
{
	const char *at = strstr(text, "port: '");
	FILE *f = at ? fopen(file, "we") : NULL;

	if (!f)
		exit(2);
	fprintf(f, "%.*s%d%s", (int)(at + 7 - text), text, port, at + 11);
	fclose(f);
}

static char *slurp(const char *file)
{
	char *text = pst_mem_calloc(1, 1 << 16);
	FILE *f = fopen(file, "re");

	if (!text || !f || !fread(text, 1, (1 << 16) - 1, f))
		exit(2);
	fclose(f);
	return text;
}

static struct pst_bundle *take(struct pst_reading *r)
{
	struct pst_bundle *b = r->bundle;

	r->bundle = NULL;
	pst_reading_fini(r);
	return b;
}

int main(int argc, char **argv)
{
	static double ms[STAGES][MAX_ROUNDS];
	long rounds = argc > 4 ? strtol(argv[4], NULL, 10) : 20;
	struct pst_bundle *b;
	struct pst_reading reading;
	struct pst_sources *s;
	char *text;

	if (argc < 4 || rounds < 1 || rounds > MAX_ROUNDS)
		return 2;
	text = slurp(argv[3]);
	s = pst_sources_new((const char *const *)&argv[1], 1, (const char *const *)&argv[2], 1);
	if (!s || pst_sources_read(s, &reading))
		return 1;
	b = take(&reading);
	malloc_trim(0);
	print_memory("after the first reading");
	for (int i = 0; i < (int)rounds; i++) {
		struct pst_diags *diags = pst_diags_new();
		double at;

		change(argv[3], text, 8100 + i);
		at = now_ms();
		if (pst_sources_read_some(s, (const char *const *)&argv[3], 1, &reading))
			return 1;
		ms[READ][i] = now_ms() - at;
		pst_bundle_free(&b);
		b = take(&reading);
		at = now_ms();
		if (pst_bundle_verify(b, diags))
			return 1;
		ms[VERIFY][i] = now_ms() - at;
		pst_diags_free(&diags);
	}
	print_memory("after the last");
	for (int k = 0; k < STAGES; k++) {
		qsort(ms[k], (size_t)rounds, sizeof(**ms), cmp_double);
		printf("%-32s %8.2f %8.2f %8.2f ms (min, median, max of %ld)\n", stage_names[k],
		       ms[k][0], ms[k][rounds / 2], ms[k][rounds - 1], rounds);
	}
	pst_bundle_free(&b);
	pst_sources_free(&s);
	free(text);
	return 0;
}
