// SPDX-License-Identifier: Apache-2.0
#include "lint/fingerprint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "lint/root.h"
#include "lint/source.h"

struct print {
	uint64_t hash;
	size_t index; /* of the finding */
};

/* A zero byte ends each part, so that "a" + "bc" is not "ab" + "c". */
static uint64_t add(uint64_t hash, const char *s, size_t len)
{
	for (size_t i = 0; i <= len; i++) {
		hash ^= i < len ? (unsigned char)s[i] : 0;
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static uint64_t hash_finding(struct pst_lint_result *result, const struct pst_finding *f)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	const char *line = "";
	size_t len = 0;

	if (f->pos.file && f->pos.line)
		line = pst_sources_line(result->sources, f->pos.file, f->pos.line, &len);
	for (; line && len && is_blank(*line); line++)
		len--;
	while (line && len && is_blank(line[len - 1]))
		len--;
	hash = add(hash, f->rule->id, strlen(f->rule->id));
	hash = add(hash, f->path ? f->path : "", f->path ? strlen(f->path) : 0);
	return add(hash, line ? line : "", line ? len : 0);
}

static int compare(const void *va, const void *vb)
{
	const struct print *a = va, *b = vb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Findings of one file are neighbours: its path is worked out once. */
static int set_paths(struct pst_lint_result *result, struct pst_finding *findings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pst_finding *f = &findings[i];

		if (!f->pos.file)
			continue;
		if (i && f[-1].pos.file && !strcmp(f[-1].pos.file, f->pos.file))
			f->path = f[-1].path;
		else
			f->path = pst_root_relative(result->arena, result->root, f->pos.file);
		if (!f->path)
			return -ENOMEM;
	}
	return 0;
}

int pst_fingerprints_set(struct pst_lint_result *result, struct pst_finding *findings, size_t n)
{
	pst_auto_free struct print *prints = pst_mem_calloc(n, sizeof(*prints));
	size_t ordinal = 0;

	if (!prints || set_paths(result, findings, n))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		prints[i] = (struct print){hash_finding(result, &findings[i]), i};
	if (n)
		qsort(prints, n, sizeof(*prints), compare);
	for (size_t i = 0; i < n; i++) {
		struct pst_finding *f = &findings[prints[i].index];

		ordinal = i && prints[i].hash == prints[i - 1].hash ? ordinal + 1 : 1;
		f->fingerprint = pst_arena_printf(result->arena, "%016" PRIx64 ":%zu",
						  prints[i].hash, ordinal);
		if (!f->fingerprint)
			return -ENOMEM;
	}
	return 0;
}
