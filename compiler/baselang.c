// SPDX-License-Identifier: Apache-2.0
#include "compiler/baselang.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/compat.h"
#include "bpf/http_states.h"
#include "compiler/byteclass.h"
#include "compiler/minimize.h"

#include "http_table.h"

/*
 * Where a field stands in the recogniser's table. Its text begins in state `entry` and is read by
 * cells without an action; the field is complete in states where the byte `end` has the action
 * `ends`. Where blanks come first, `begins` marks the cell of the first byte that counts.
 */
struct span {
	uint8_t entry, begins, ends;
	char end;
	const char *refused; /* a text that the action's C code refuses; "" is none */
	uint32_t max_len;
};

enum {
	/* "M T HTTP/1.1\r\nHost: H\r\n\r\n": what is in a head besides the three. */
	HEAD_REST = sizeof("  HTTP/1.1\r\nHost: \r\n\r\n") - 1,
	MAX_HOST = PST_MAX_HEAD - PST_MAX_METHOD - PST_MAX_TARGET - HEAD_REST,
};

static const struct span spans[PST_FIELD_MAX] = {
	[PST_FIELD_METHOD] = {PST_HTTP_START, PST_ACT_NONE, PST_ACT_METHOD_END, ' ', "CONNECT",
			      PST_MAX_METHOD},
	[PST_FIELD_PATH] = {PST_HTTP_TARGET, PST_ACT_NONE, PST_ACT_TARGET_END, ' ', "",
			    PST_MAX_TARGET},
	[PST_FIELD_HOST] = {PST_HTTP_HOST_WS, PST_ACT_HOST_BEGIN, PST_ACT_HOST_END, '\r', "",
			    MAX_HOST},
};

struct pst_baselang {
	struct pst_lang_base fields[PST_FIELD_MAX];
	struct pst_automaton *owned[PST_FIELD_MAX];
};

static uint32_t cell(unsigned int state, unsigned int byte)
{
	return pst_http_cell[(state << PST_HTTP_CLASS_BITS) + pst_http_class[byte]];
}

/* The state of the table behind BYTE, or ERROR when the field cannot go on with it. */
static unsigned int step(const struct span *s, unsigned int state, unsigned int byte)
{
	const uint32_t c = cell(state, byte), wanted = state == s->entry ? s->begins : PST_ACT_NONE;

	return c >> 8 == wanted ? c & 0xff : PST_HTTP_ERROR;
}

static bool is_end(const struct span *s, unsigned int state)
{
	const uint32_t c = cell(state, (unsigned char)s->end);

	/* An error's argument is a reason, not an action. */
	return (c & 0xff) != PST_HTTP_ERROR && c >> 8 == s->ends;
}

/*
 * A state of the automaton: the state of the table, and how many bytes of the refused text the text
 * is so far (`off`: it is no beginning of it). ERROR is 0, and so is the dead state.
 */
struct grid {
	const struct span *span;
	uint32_t width; /* columns of one state of the table */
};

static uint32_t number(const struct grid *g, unsigned int state, uint32_t matched)
{
	return state == PST_HTTP_ERROR ? 0 : state * g->width + matched;
}

static uint32_t grid_step(const struct grid *g, uint32_t at, unsigned int byte)
{
	const char *refused = g->span->refused;
	const uint32_t off = g->width - 1, matched = at % g->width;
	const bool more = matched < strlen(refused) && (unsigned char)refused[matched] == byte;

	return number(g, step(g->span, at / g->width, byte), more ? matched + 1 : off);
}

static bool grid_accepts(const struct grid *g, uint32_t at)
{
	const size_t len = strlen(g->span->refused);

	return is_end(g->span, at / g->width) && !(len && at % g->width == len);
}

/* Bytes of one class of the table are alike, but for those of the refused text. */
static bool are_alike(const struct grid *g, unsigned int a, unsigned int b)
{
	return pst_http_class[a] == pst_http_class[b] &&
	       (!a || !strchr(g->span->refused, (int)a)) &&
	       (!b || !strchr(g->span->refused, (int)b));
}

/* Numbers the classes; BYTES gets one byte of each. */
static uint32_t classify(const struct grid *g, struct pst_automaton *a, uint8_t *bytes)
{
	uint32_t n = 0;

	for (unsigned int b = 0; b < PST_BYTES; b++) {
		uint32_t c = 0;

		while (c < n && !are_alike(g, bytes[c], b))
			c++;
		if (c == n)
			bytes[n++] = (uint8_t)b;
		a->class_of[b] = (uint8_t)c;
	}
	return n;
}

static void fill(const struct grid *g, struct pst_automaton *a, const uint8_t *bytes)
{
	for (uint32_t at = g->width; at < a->n_states; at++) {
		for (uint32_t c = 0; c < a->n_classes; c++)
			a->next[(size_t)at * a->n_classes + c] = grid_step(g, at, bytes[c]);
		a->tags[at] = grid_accepts(g, at);
	}
	a->start = number(g, g->span->entry, 0);
}

static int build(const struct span *span, struct pst_automaton **ret_automaton)
{
	const struct grid g = {span, (uint32_t)strlen(span->refused) + 2};
	struct pst_automaton *a = pst_mem_calloc(1, sizeof(*a));
	uint8_t bytes[PST_BYTES];
	int r = -ENOMEM;

	if (!a)
		return r;
	a->n_states = PST_HTTP_STATE_MAX * g.width;
	a->n_classes = classify(&g, a, bytes);
	a->next = pst_mem_calloc((size_t)a->n_states * a->n_classes, sizeof(*a->next));
	a->tags = pst_mem_calloc(a->n_states, sizeof(*a->tags));
	if (a->next && a->tags) {
		fill(&g, a, bytes);
		r = pst_minimize(a, pst_automaton_default_limits.max_bytes, ret_automaton);
	}
	pst_automaton_free(&a);
	return r;
}

int pst_baselang_new(struct pst_baselang **ret_base)
{
	struct pst_baselang *b = pst_mem_calloc(1, sizeof(*b));
	int r = b ? 0 : -ENOMEM;

	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		r = build(&spans[f], &b->owned[f]);
		b->fields[f] = (struct pst_lang_base){b->owned[f], spans[f].max_len};
	}
	if (r)
		pst_baselang_free(&b);
	else
		*ret_base = b;
	return r;
}

void pst_baselang_free(struct pst_baselang **b)
{
	if (!*b)
		return;
	for (int f = 0; f < PST_FIELD_MAX; f++)
		pst_automaton_free(&(*b)->owned[f]);
	free(*b);
	*b = NULL;
}

const struct pst_lang_base *pst_baselang_of(const struct pst_baselang *b, enum pst_field field)
{
	return &b->fields[field];
}

const char *const *pst_baselang_usual(enum pst_field field)
{
	static const char *const methods[] = {"GET",   "POST", "PUT",	  "DELETE",
					      "PATCH", "HEAD", "OPTIONS", NULL};

	return field == PST_FIELD_METHOD ? methods : NULL;
}
