// SPDX-License-Identifier: Apache-2.0
#include "base/diag.h"

#include "base/escape.h"
#include "base/mem.h"
#include "base/vec.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct diag_vec PST_VEC(struct pst_diag);

struct pst_diags {
	struct pst_arena *arena;
	struct diag_vec list;
	size_t errors;
};

static const char *const severity_names[] = {
	[PST_SEVERITY_ERROR] = "error",
	[PST_SEVERITY_WARNING] = "warning",
	[PST_SEVERITY_INFO] = "info",
};
static_assert(sizeof(severity_names) / sizeof(*severity_names) == PST_SEVERITY_MAX,
	      "a name for each severity");

struct pst_diags *pst_diags_new(void)
{
	struct pst_diags *d = pst_mem_calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->arena = pst_arena_new();
	if (!d->arena) {
		free(d);
		return NULL;
	}
	return d;
}

void pst_diags_free(struct pst_diags **d)
{
	if (!*d)
		return;
	pst_vec_free(&(*d)->list);
	pst_arena_free(&(*d)->arena);
	free(*d);
	*d = NULL;
}

/* Moves the texts of DIAG into D's arena and stores it; 0 or -ENOMEM. */
static int store(struct pst_diags *d, struct pst_diag diag, const char *text)
{
	const char *file = diag.pos.file;

	diag.message = pst_arena_strndup(d->arena, text, strlen(text));
	if (!diag.message)
		return -ENOMEM;
	if (file) {
		diag.pos.file = pst_arena_strndup(d->arena, file, strlen(file));
		if (!diag.pos.file)
			return -ENOMEM;
	}
	return pst_vec_push(&d->list, diag);
}

static void add_va(struct pst_diags *d, struct pst_diag diag, const char *fmt, va_list ap)
{
	char text[2048];

	if (diag.severity == PST_SEVERITY_ERROR)
		d->errors++;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (store(d, diag, text))
		d->errors++; /* lost for want of memory: still a failure */
}

void pst_diags_add(struct pst_diags *d, enum pst_severity severity, const char *id,
		   const struct pst_pos *pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_va(d, (struct pst_diag){.severity = severity, .id = id, .pos = *pos}, fmt, ap);
	va_end(ap);
}

int pst_diags_error(struct pst_diags *d, const char *id, const struct pst_pos *pos, const char *fmt,
		    ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_va(d, (struct pst_diag){.severity = PST_SEVERITY_ERROR, .id = id, .pos = *pos}, fmt,
	       ap);
	va_end(ap);
	return -EINVAL;
}

size_t pst_diags_count(const struct pst_diags *d)
{
	return d->list.n;
}

const struct pst_diag *pst_diags_at(const struct pst_diags *d, size_t i)
{
	return &d->list.v[i];
}

size_t pst_diags_errors(const struct pst_diags *d)
{
	return d->errors;
}

const char *pst_severity_str(enum pst_severity s)
{
	return severity_names[s];
}

/* Input reaches terminals through here. */
static void print_escaped(const char *s, FILE *out)
{
	pst_escape_print(out, s, strlen(s));
}

static void print_one(const struct pst_diag *d, FILE *out)
{
	if (d->pos.file) {
		print_escaped(d->pos.file, out);
		fputc(':', out);
	}
	if (d->pos.line)
		fprintf(out, "%u:%u:", d->pos.line, d->pos.col);
	if (d->pos.file || d->pos.line)
		fputc(' ', out);
	fprintf(out, "%s: ", severity_names[d->severity]);
	print_escaped(d->message, out);
	fprintf(out, " [%s]\n", d->id);
}

void pst_diags_print(const struct pst_diags *d, FILE *out)
{
	for (size_t i = 0; i < d->list.n; i++)
		print_one(&d->list.v[i], out);
}
