// SPDX-License-Identifier: Apache-2.0
#include "compiler/tests/re_compare.h"

#include <errno.h>
#include <string.h>

static const struct pst_automaton_limits limits = {
	.max_states = 2000,
	.max_nodes = 20000,
	.max_bytes = 4 << 20,
};

void re_pair_init(struct re_pair *p, const char *re, size_t len)
{
	const struct pst_pattern pattern = {
		.re = re,
		.len = len,
		.pos = {.line = 1, .col = 1, .end_line = 1, .end_col = 1 + (uint32_t)len},
		.tag = 1,
	};

	*p = (struct re_pair){.re = re, .len = len, .diags = pst_diags_new()};
	p->error = pst_automaton_build(&pattern, 1, &limits, p->diags, &p->ours);
	p->theirs = re2_oracle_new(re, len);
}

void re_pair_fini(struct re_pair *p)
{
	re2_oracle_free(p->theirs);
	pst_automaton_free(&p->ours);
	pst_diags_free(&p->diags);
}

bool re_pair_agrees(const struct re_pair *p)
{
	enum re2_oracle_verdict theirs = re2_oracle_verdict(p->theirs);

	/* Whoever refuses gives exactly one reason. */
	if (pst_diags_count(p->diags) != (p->error ? 1 : 0))
		return false;
	if (p->error)
		return theirs != RE2_ORACLE_OK || p->error == -E2BIG;
	return theirs != RE2_ORACLE_BAD || memmem(p->re, p->len, "(?<", 3);
}

/* The length of the well-formed sequence at S, 0 for none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80			  ? 1
		   : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
		   : s[0] >= 0xe0 && s[0] <= 0xef ? 3
		   : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						  : 0;

	if (!n || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static bool is_utf8(const char *text, size_t len)
{
	while (len) {
		size_t n = utf8_length((const unsigned char *)text, len);

		if (!n)
			return false;
		text += n;
		len -= n;
	}
	return true;
}

bool re_pair_agrees_on(const struct re_pair *p, const char *text, size_t len)
{
	bool ours;

	if (!p->ours || re2_oracle_verdict(p->theirs) != RE2_ORACLE_OK)
		return true;
	if (memchr(p->re, '|', p->len) && !is_utf8(text, len))
		return true;
	ours = pst_automaton_match(p->ours, text, len);
	return ours == re2_oracle_match(p->theirs, text, len);
}
