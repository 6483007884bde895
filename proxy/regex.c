// SPDX-License-Identifier: Apache-2.0
#include "proxy/regex.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/regex.h"
#include "proxy/translate.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <string.h>

struct pst_regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
	bool jit, is_twin; /* a twin's code is somebody else's */
};

void pst_regex_free(struct pst_regex **r)
{
	if (!*r)
		return;
	pcre2_match_context_free((*r)->limits);
	pcre2_jit_stack_free((*r)->stack);
	pcre2_match_data_free((*r)->data);
	if (!(*r)->is_twin)
		pcre2_code_free((*r)->code);
	free(*r);
	*r = NULL;
}

static int refuse(struct pst_diags *diags, const struct pst_pattern *pattern, const char *why)
{
	pst_diags_add(diags, PST_SEVERITY_ERROR, "regex-fallback", &pattern->pos,
		      "the pattern fits neither an automaton nor PCRE2: %s", why);
	return -E2BIG;
}

static int compile(const struct pst_pattern *pattern, const char *text, struct pst_diags *diags,
		   pcre2_code **ret_code)
{
	const uint32_t options = PCRE2_ANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR why[128] = "no memory";
	PCRE2_SIZE at;
	pcre2_code *code;
	int error = 0;

	if (!context)
		return -ENOMEM;
	/* Deeper trees do not come from the front end; a level is two groups at most. */
	pcre2_set_parens_nest_limit(context, 2 * PST_RE_MAX_HEIGHT + 8);
	code = pcre2_compile((PCRE2_SPTR)text, strlen(text), options, &error, &at, context);
	pcre2_compile_context_free(context);
	if (!code) {
		pcre2_get_error_message(error, why, sizeof(why));
		return refuse(diags, pattern, (const char *)why);
	}
	*ret_code = code;
	return 0;
}

static int prepare(struct pst_regex *r)
{
	r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
	r->limits = pcre2_match_context_create(NULL);
	if (!r->data || !r->limits)
		return -ENOMEM;
	pcre2_set_match_limit(r->limits, PST_REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, PST_REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(r->limits, PST_REGEX_HEAP_KIB);
	if (!r->jit)
		return 0;
	r->stack = pcre2_jit_stack_create(32 * 1024, PST_REGEX_STACK, NULL);
	if (!r->stack)
		return -ENOMEM;
	pcre2_jit_stack_assign(r->limits, NULL, r->stack);
	return 0;
}

int pst_regex_new(const struct pst_pattern *pattern, struct pst_diags *diags,
		  struct pst_regex **ret_regex)
{
	pst_auto_free char *text = NULL;
	struct pst_regex *r = NULL;
	size_t said = pst_diags_count(diags);
	int e = pst_translate(pattern, diags, &text);

	if (e == -E2BIG && pst_diags_count(diags) == said)
		return refuse(diags, pattern, "the translation is too long");
	if (e)
		return e;
	r = pst_mem_calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	e = compile(pattern, text, diags, &r->code);
	if (!e) {
		r->jit = !pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
		e = prepare(r);
	}
	if (e)
		pst_regex_free(&r);
	else
		*ret_regex = r;
	return e;
}

int pst_regex_twin(const struct pst_regex *of, struct pst_regex **ret_twin)
{
	struct pst_regex *r = pst_mem_calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	*r = (struct pst_regex){.code = of->code, .jit = of->jit, .is_twin = true};
	e = prepare(r);
	if (e)
		pst_regex_free(&r);
	else
		*ret_twin = r;
	return e;
}

static bool is_ascii(const char *text, size_t len)
{
	unsigned char all = 0;

	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

enum pst_regex_result pst_regex_match(struct pst_regex *r, const char *text, size_t len)
{
	int n;

	if (!is_ascii(text, len))
		return PST_REGEX_LIMIT;
	n = pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, 0, r->data, r->limits);
	if (n >= 0)
		return PST_REGEX_YES;
	return n == PCRE2_ERROR_NOMATCH ? PST_REGEX_NO : PST_REGEX_LIMIT;
}

bool pst_regex_is_jit(const struct pst_regex *r)
{
	return r->jit;
}
