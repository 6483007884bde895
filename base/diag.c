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
	bool lost_last; /* the diagnostic added last is not in the list */
	bool is_lossy;	/* something was lost for want of memory */
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

/* Names of files come in runs: the last one is shared. */
static const char *keep_name(struct pst_diags *d, const char *file)
{
	const struct pst_diag *last = d->list.n ? &d->list.v[d->list.n - 1] : NULL;

	if (last && last->pos.file && !strcmp(last->pos.file, file))
		return last->pos.file;
	return pst_arena_strndup(d->arena, file, strlen(file));
}

/* Moves TEXT and the file's name of *POS into D's arena; 0 or -ENOMEM. */
static int keep_texts(struct pst_diags *d, const char *text, struct pst_pos *pos, char **ret_text)
{
	char *copy = pst_arena_strndup(d->arena, text, strlen(text));
	const char *file = NULL;

	if (pos->file)
		file = keep_name(d, pos->file);
	if (!copy || (pos->file && !file))
		return -ENOMEM;
	pos->file = file;
	*ret_text = copy;
	return 0;
}

static int store(struct pst_diags *d, struct pst_diag diag, const char *text)
{
	int r = keep_texts(d, text, &diag.pos, &diag.message);

	return r ? r : pst_vec_push(&d->list, diag);
}

/* What a hostile or a very sick input fills memory with helps nobody. */
static bool is_full(struct pst_diags *d)
{
	static const struct pst_pos nowhere;

	if (d->list.n < PST_DIAGS_MAX)
		return false;
	if (d->list.n == PST_DIAGS_MAX)
		store(d,
		      (struct pst_diag){
			      .severity = PST_SEVERITY_ERROR,
			      .id = "too-many-diagnostics",
			      .pos = nowhere,
		      },
		      "there is more to say than is shown: mend these first");
	d->errors++;
	return true;
}

/* Lost for want of memory: still a failure. */
static void lose(struct pst_diags *d)
{
	d->errors++;
	d->is_lossy = true;
}

static void add_va(struct pst_diags *d, struct pst_diag diag, const char *fmt, va_list ap)
{
	char text[2048];

	d->lost_last = is_full(d);
	if (d->lost_last)
		return;

	if (diag.severity == PST_SEVERITY_ERROR)
		d->errors++;
	vsnprintf(text, sizeof(text), fmt, ap);
	d->lost_last = store(d, diag, text);
	if (d->lost_last)
		lose(d);
}

static void note_va(struct pst_diags *d, const struct pst_pos *pos, const char *fmt, va_list ap)
{
	struct pst_diag_note *note = pst_arena_alloc(d->arena, sizeof(*note));
	struct pst_diag_note **end = &d->list.v[d->list.n - 1].notes;
	char text[2048], *copy;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (note)
		*note = (struct pst_diag_note){.pos = *pos};
	if (!note || keep_texts(d, text, &note->pos, &copy)) {
		lose(d);
		return;
	}
	note->message = copy;
	while (*end)
		end = &(*end)->next;
	*end = note;
}

void pst_diags_note(struct pst_diags *d, const struct pst_pos *pos, const char *fmt, ...)
{
	va_list ap;

	if (d->lost_last || !d->list.n)
		return;
	va_start(ap, fmt);
	note_va(d, pos, fmt, ap);
	va_end(ap);
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

const char *pst_diags_keep(struct pst_diags *d, const char *text, size_t len)
{
	return pst_arena_strndup(d->arena, text, len);
}

size_t pst_diags_count(const struct pst_diags *d)
{
	return d->list.n;
}

const struct pst_diag *pst_diags_at(const struct pst_diags *d, size_t i)
{
	return &d->list.v[i];
}

bool pst_diags_is_lossy(const struct pst_diags *d)
{
	return d->is_lossy;
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

static void print_place(const struct pst_pos *pos, FILE *out)
{
	if (pos->file) {
		print_escaped(pos->file, out);
		fputc(':', out);
	}
	if (pos->line)
		fprintf(out, "%u:%u:", pos->line, pos->col);
	if (pos->file || pos->line)
		fputc(' ', out);
}

static void print_one(const struct pst_diag *d, FILE *out)
{
	print_place(&d->pos, out);
	fprintf(out, "%s: ", severity_names[d->severity]);
	print_escaped(d->message, out);
	fprintf(out, " [%s]\n", d->id);
	for (const struct pst_diag_note *n = d->notes; n; n = n->next) {
		print_place(&n->pos, out);
		fputs("note: ", out);
		print_escaped(n->message, out);
		fputc('\n', out);
	}
}

void pst_diags_print(const struct pst_diags *d, FILE *out)
{
	for (size_t i = 0; i < d->list.n; i++)
		print_one(&d->list.v[i], out);
}
