// SPDX-License-Identifier: Apache-2.0
#include "cli/test_file.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "cli/test_form.h"
#include "policy/load.h"

struct loader {
	struct pst_diags *diags;
	struct pst_test_suites *suites;
	const struct pst_load_file *file;
	bool any; /* the file has a suite, with mistakes or without */
};

/* A document: what must be read in an order of its own is only noted at first. */
struct document {
	const struct pst_yaml_node *policies, *inventory, *pods, *defaults, *tests;
};

#define NOTE(field)                                                                             \
	static int note_##field(struct pst_reader *r, const struct pst_yaml_node *n, void *obj) \
	{                                                                                       \
		(void)r;                                                                        \
		((struct document *)obj)->field = n;                                            \
		return 0;                                                                       \
	}
NOTE(policies)
NOTE(inventory)
NOTE(pods)
NOTE(defaults)
NOTE(tests)

static const struct pst_field document_fields[] = {
	{.name = "policies", .required = true, .read = note_policies},
	{.name = "inventory", .read = note_inventory},
	{.name = "pods", .read = note_pods},
	{.name = "defaults", .read = note_defaults},
	{.name = "tests", .required = true, .read = note_tests},
};
static const struct pst_fields document_table = PST_FIELDS("a test file", document_fields);

static void suite_free(struct pst_test_suite **s)
{
	struct pst_arena *arena;

	if (!*s)
		return;
	pst_vec_free(&(*s)->cases);
	arena = (*s)->arena;
	*s = NULL;
	pst_arena_free(&arena);
}

void pst_test_suites_fini(struct pst_test_suites *suites)
{
	for (size_t i = 0; i < suites->n; i++)
		suite_free(&suites->v[i]);
	pst_vec_free(suites);
}

static struct pst_test_suite *suite_new(const char *file)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_test_suite *s = arena ? pst_arena_alloc(arena, sizeof(*s)) : NULL;
	const char *name = s ? pst_arena_strndup(arena, file, strlen(file)) : NULL;

	if (!name) {
		pst_arena_free(&arena);
		return NULL;
	}
	s->arena = arena;
	s->file = name;
	return s;
}

static int add_path(struct pst_arena *arena, struct pst_cli_strings *paths, const char *path)
{
	const char *copy = pst_arena_strndup(arena, path, strlen(path));
	const char **bigger = pst_arena_calloc(arena, paths->n + 1, sizeof(*bigger));

	if (!copy || !bigger)
		return -ENOMEM;
	if (paths->n)
		memcpy(bigger, paths->v, paths->n * sizeof(*bigger));
	bigger[paths->n] = copy;
	paths->v = bigger;
	paths->n++;
	return 0;
}

/* A path or pattern of a test file means files beside it. */
static int expand(struct pst_reader *r, const struct pst_yaml_node *n, const char *file,
		  struct pst_cli_strings *paths)
{
	const char *slash = strrchr(file, '/');
	const char *pattern =
		pst_arena_printf(r->arena, "%.*s%s",
				 slash && n->s[0] != '/' ? (int)(slash + 1 - file) : 0, file, n->s);
	glob_t found = {0};
	int e = pattern ? 0 : -ENOMEM;

	if (e)
		return e;
	switch (glob(pattern, 0, NULL, &found)) {
	case 0:
		for (size_t i = 0; !e && i < found.gl_pathc; i++)
			e = add_path(r->arena, paths, found.gl_pathv[i]);
		break;
	case GLOB_NOMATCH:
		e = pst_diags_error(r->diags, "file-missing", &n->pos,
				    "expected a file, a directory or a pattern of such, relative "
				    "to this file; there is none: %.200s",
				    pattern);
		break;
	default:
		e = -ENOMEM;
	}
	globfree(&found);
	return e;
}

static int read_paths(struct pst_reader *r, const struct pst_yaml_node *n, const char *file,
		      struct pst_cli_strings *paths)
{
	bool is_list = n->kind == PST_YAML_LIST;
	int worst = 0;

	if (is_list && !n->len)
		return pst_diags_error(r->diags, "test-empty", &n->pos,
				       "%s: expected at least one path, found an empty list",
				       n->key->s);
	for (const struct pst_yaml_node *c = is_list ? n->first : n; c;
	     c = is_list ? c->next : NULL) {
		int e = pst_fields_expect(r, c, PST_YAML_STRING);

		worst = pst_fields_worse(worst, e ? e : expand(r, c, file, paths));
	}
	return worst;
}

static const char *request_text(struct pst_arena *arena, const struct pst_request_parts *q)
{
	return pst_arena_printf(arena, "%s %s%s%s", q->method ? q->method : "GET",
				q->path ? q->path : "/", q->host ? " of " : "",
				q->host ? q->host : "");
}

/* A case of a table is called by what it has for itself. */
static const char *case_name(struct pst_arena *arena, const struct pst_test_form *f,
			     const struct pst_test_peer *from, const struct pst_test_peer *to,
			     const struct pst_request_parts *q)
{
	const char *request = f->requests.n ? request_text(arena, q) : "";

	if (!request)
		return NULL;
	return pst_arena_printf(arena, "%s%s%s%s%s%s%s", f->name.s, f->from.n > 1 ? ", from " : "",
				f->from.n > 1 ? from->text : "", f->to.n > 1 ? ", to " : "",
				f->to.n > 1 ? to->text : "", f->requests.n ? ": " : "", request);
}

static int add_case(struct pst_test_suite *s, const struct pst_test_form *f, const size_t index[3],
		    const struct pst_pos *pos)
{
	const struct pst_test_peer *from = &f->from.v[index[0]], *to = &f->to.v[index[1]];
	const struct pst_request_parts *q = f->requests.n ? &f->requests.v[index[2]] : &f->request;
	struct pst_test_case c = {
		.name = case_name(s->arena, f, from, to, q),
		.pos = *pos,
		.from = from->peer,
		.to = to->peer,
		.direction = f->direction,
		.protocol = f->protocol,
		.port = f->port,
		.has_request = f->requests.n || f->has_request,
		.request = *q,
		.expect = f->expect,
	};

	c.pos.file = s->file;
	return c.name ? pst_vec_push(&s->cases, c) : -ENOMEM;
}

static int unfold(struct pst_test_suite *s, const struct pst_test_form *f,
		  const struct pst_pos *pos)
{
	size_t n_requests = f->requests.n ? f->requests.n : 1;
	int r = 0;

	for (size_t i = 0; i < f->from.n; i++) {
		for (size_t k = 0; k < f->to.n; k++) {
			for (size_t q = 0; !r && q < n_requests; q++)
				r = add_case(s, f, (const size_t[]){i, k, q}, pos);
		}
	}
	return r;
}

static int read_tests(struct pst_reader *r, const struct pst_yaml_node *n,
		      const struct pst_test_form *defaults, struct pst_test_suite *s)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	for (const struct pst_yaml_node *c = worst ? NULL : n->first; c; c = c->next) {
		struct pst_test_form form = *defaults;
		int e = pst_test_form_read(r, c, &form);

		worst = pst_fields_worse(worst, e ? e : unfold(s, &form, &c->pos));
	}
	return worst;
}

static int read_suite(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_test_suite *s)
{
	struct document d = {0};
	struct pst_test_pods pods = {0};
	struct pst_test_form defaults;
	int worst = pst_fields_read(r, &document_table, n, &d);

	pst_test_form_init(&defaults, &pods);
	if (d.policies)
		worst = pst_fields_worse(worst, read_paths(r, d.policies, s->file, &s->policies));
	if (d.inventory)
		worst = pst_fields_worse(worst,
					 read_paths(r, d.inventory, s->file, &s->inventories));
	if (d.pods)
		worst = pst_fields_worse(worst, pst_test_pods_read(r, d.pods, &pods));
	if (d.defaults)
		worst = pst_fields_worse(worst, pst_test_defaults_read(r, d.defaults, &defaults));
	if (d.tests)
		worst = pst_fields_worse(worst, read_tests(r, d.tests, &defaults, s));
	pst_vec_free(&pods);
	return worst;
}

static bool is_object(const struct pst_yaml_node *doc)
{
	return pst_yaml_get(doc, "apiVersion") && pst_yaml_get(doc, "kind");
}

static int take_document(void *ctx, const struct pst_yaml_node *doc)
{
	static const struct pst_policy_options options = {.cilium_minor = PST_CILIUM_NEWEST};
	struct loader *l = ctx;
	struct pst_test_suite *s pst_cleanup(suite_free) = NULL;
	struct pst_reader r = {.diags = l->diags, .options = &options};
	int e;

	if (doc->kind == PST_YAML_NULL || (is_object(doc) && !l->file->by_name))
		return 0;
	l->any = true;
	s = suite_new(l->file->name);
	if (!s)
		return -ENOMEM;
	r.arena = s->arena;
	e = read_suite(&r, doc, s);
	if (!e)
		e = pst_vec_push(l->suites, s);
	if (!e)
		s = NULL;
	return e;
}

static int take_file(void *ctx, const struct pst_load_file *file)
{
	struct loader *l = ctx;
	const struct pst_yaml_input in = {.name = file->name, .text = file->text, .len = file->len};
	const struct pst_pos whole = {.file = file->name};
	int e;

	l->file = file;
	l->any = false;
	e = pst_yaml_each(&in, l->diags, take_document, l);
	if (!e && !l->any && file->by_name)
		pst_diags_error(l->diags, "empty-file", &whole,
				"expected tests, found no document");
	return e == -EINVAL ? 0 : e;
}

int pst_test_load(const struct pst_cli_strings *paths, struct pst_diags *diags,
		  struct pst_test_suites *suites)
{
	struct loader l = {.diags = diags, .suites = suites};

	return pst_load_paths(paths->v, paths->n, diags, take_file, &l);
}
