// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff_header.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/policy.h"

static bool same_header(const struct pst_bundle_header *a, const struct pst_bundle_header *b)
{
	return !strcmp(a->name, b->name) && !a->value == !b->value &&
	       (!a->value || !strcmp(a->value, b->value));
}

static bool same_condition(const struct pst_diff_condition *a, const struct pst_diff_condition *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_header(a->headers[i], b->headers[i]))
			return false;
	}
	return true;
}

int pst_diff_conditions_add(struct pst_diff_conditions *c, struct pst_arena *arena,
			    const struct pst_bundle_rule *rule, uint32_t *ret_number)
{
	struct pst_diff_condition one = {
		.headers = pst_arena_calloc(arena, rule->n_headers, sizeof(*one.headers)),
	};
	size_t i = 0;

	if (!one.headers)
		return -ENOMEM;
	for (size_t k = 0; k < rule->n_headers; k++) {
		if (rule->headers[k].mismatch == PST_MISMATCH_FAIL)
			one.headers[one.n++] = &rule->headers[k];
	}
	*ret_number = 0;
	if (!one.n)
		return 0;
	while (i < c->n && !same_condition(&c->v[i], &one))
		i++;
	*ret_number = (uint32_t)i + 1;
	return i < c->n ? 0 : pst_vec_push(c, one);
}

static bool has(const struct pst_diff_condition *c, const struct pst_bundle_header *wanted)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!strcmp(c->headers[i]->name, wanted->name))
			return !wanted->value || same_header(c->headers[i], wanted);
	}
	return false;
}

bool pst_diff_conditions_implies(const struct pst_diff_conditions *c, uint32_t a, uint32_t b)
{
	const struct pst_diff_condition *more = &c->v[a - 1];

	for (size_t i = 0; b && i < c->v[b - 1].n; i++) {
		if (!has(more, c->v[b - 1].headers[i]))
			return false;
	}
	return true;
}

static bool is_asked_for(const struct pst_diff_conditions *c, const char *name, const char *value)
{
	const struct pst_bundle_header wanted = {.name = name, .value = value};

	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < c->v[i].n; k++) {
			if (same_header(c->v[i].headers[k], &wanted))
				return true;
		}
	}
	return false;
}

/* A value that no condition asks for; of Content-Length a number, and so on. */
static const char *any_value(const struct pst_diff_conditions *c, struct pst_arena *arena,
			     const char *name)
{
	static const struct {
		const char *name, *value;
	} fixed[] = {{"transfer-encoding", "chunked"},
		     {"connection", "close"},
		     {"upgrade", "websocket"},
		     {"expect", "100-continue"}};
	const bool number = !strcmp(name, "content-length");
	const char *value = number ? "0" : "x";

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (!strcmp(fixed[i].name, name))
			return fixed[i].value;
	}
	for (size_t i = 1; value && is_asked_for(c, name, value); i++)
		value = number ? pst_arena_printf(arena, "%zu", i)
			       : pst_arena_printf(arena, "x%zu", i);
	return value;
}

int pst_diff_conditions_lines(const struct pst_diff_conditions *c, struct pst_arena *arena,
			      uint32_t number, struct pst_diff_header_lines *ret_lines)
{
	const struct pst_diff_condition *one = number ? &c->v[number - 1] : NULL;
	const size_t n = one ? one->n : 0;
	struct pst_bundle_header *v = pst_arena_calloc(arena, n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		v[i] = *one->headers[i];
		if (!v[i].value)
			v[i].value = any_value(c, arena, v[i].name);
		if (!v[i].value)
			return -ENOMEM;
	}
	*ret_lines = (struct pst_diff_header_lines){.v = v, .n = n};
	return 0;
}

void pst_diff_conditions_fini(struct pst_diff_conditions *c)
{
	pst_vec_free(c);
}
