// SPDX-License-Identifier: Apache-2.0
#include "compiler/tests/re_random.h"

#include <string.h>

enum {
	DEPTH = 4,
	VALID = 28, /* pieces of text that are UTF-8, at the start of their table */
};

/* xorshift64*: any 64 bits but 0 are a seed. */
uint32_t re_random_below(struct re_random *r, uint32_t n)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

#define PICK(r, table) (table)[re_random_below(r, sizeof(table) / sizeof(*(table)))]

static const char *const atoms[] = {
	"a",
	"a",
	"a",
	"b",
	"b",
	"k",
	"S",
	"_",
	"/",
	"\\n",
	"\xc3\xa9",
	"\xe2\x84\xaa",
	".",
	".",
	"[ab]",
	"[^a]",
	"[^/]",
	"[^\xc3\xa9]",
	"[a-z_]",
	"\\d",
	"\\w",
	"\\W",
	"\\s",
	"\\S",
	"[[:alpha:]]",
	"[[:^word:]]",
	"[^\\w]",
	"[]a]",
	"[a-]",
	"\\x61",
	"\\x{e9}",
	"\\141",
	"\\Qa.\\E",
	"\\C",
	"^",
	"$",
	"\\b",
	"\\B",
	"\\A",
	"\\z",
	"()",
	"\\/",
	"\\_",
	"[\\x{80}-\\x{10ffff}]",
	"[\\x00-\\x{7ff}]",
	"[\\x{d7ff}-\\x{e001}]",
	"\\pL",
	"\\PL",
	"\\p{Lu}",
	"\\p{^Ll}",
	"\\P{^Lt}",
	"\\p{Greek}",
	"\\p{Any}",
	"\\P{Any}",
	"\\pN",
	"\xcf\x82",
	"\xc7\x85",
	"[\xce\xb1-\xcf\x89]",
	"[^\xcf\x83]",
	"[^\\P{Greek}\\PL]",
	"[\\P{^Lu}\\d]",
	"\\t",
	"\\x0a",
	"\\0",
	"\\x{10ffff}",
	"\\D",
	"\\pZ",
	"\\p{Nd}",
	"\\P{Han}",
	"[[:space:]]",
	"[[:punct:][:digit:]]",
	"[^[:^lower:]]",
	"[\\Qa-\\E]",
	"\\Q\\E",
	"\\Q*[b\\E",
	"[\\x{fffd}\\x{1f600}]",
	"[^\\n]",
};
/* Items of a class in brackets. */
static const char *const items[] = {
	"a",
	"b-z",
	"A-K",
	"_",
	"/",
	"-",
	"\\]",
	"\xc3\xa9",
	"\xce\xb1-\xcf\x83",
	"\\x{1c4}-\\x{1c6}",
	"\\x{80}-\\x{10ffff}",
	"\\d",
	"\\W",
	"\\S",
	"[:alpha:]",
	"[:^upper:]",
	"[:^ascii:]",
	"[:alnum:]",
	"[:blank:]",
	"[:cntrl:]",
	"[:graph:]",
	"[:print:]",
	"[:punct:]",
	"[:space:]",
	"[:xdigit:]",
	"[:word:]",
	"[:^digit:]",
	"\\s",
	"\\D",
	"\\x{1f600}",
	"\\\\",
	"\\pL",
	"\\PL",
	"\\p{Lu}",
	"\\P{Ll}",
	"\\p{^Lu}",
	"\\P{^Ll}",
	"\\p{Greek}",
	"\\P{Latin}",
	"\\p{Cs}",
	"\\p{Any}",
	"\\P{Any}",
};
static const char *const groups[] = {
	"(",	"(?:",	"(?i:",	   "(?i:",  "(?P<\xc3\xa9>", "(?s:",
	"(?m:", "(?U:", "(?im-s:", "(?-i:", "(?P<n>",	     "(?i-m:",
};
static const char *const repeats[] = {
	"*",	 "+",	 "?",	   "*?",   "+?",  "??",	   "{2}",    "{0}",   "{1,2}",
	"{0,2}", "{2,}", "{1,3}?", "{,2}", "{3}", "{2,5}", "{0,1}?", "{0,}?",
};
static const char *const flags[] = {"(?i)", "(?s)", "(?m)", "(?-i)", "(?ms)", "(?U)"};
static const char *const soup[] = {
	"a",	 "b",	  "(",	      ")",	  "(?:",
	"(?i)",	 "(?",	  "(?P<",     "n>",	  "|",
	"*",	 "+",	  "?",	      "{2}",	  "{",
	"}",	 ",",	  "1",	      "1001",	  "[",
	"]",	 "^",	  "$",	      "-",	  "[:",
	"alpha", ":]",	  "\\",	      "\\Q",	  "\\E",
	"\\x",	 "{41}",  "7",	      "\\d",	  "\\b",
	"\\C",	 ".",	  "\xc3\xa9", "\xc3",	  "\xff",
	":",	 "<",	  "=",	      "i",	  "z",
	"\\p",	 "\\P",	  "\\pL",     "\\p{",	  "{^",
	"Lu",	 "Greek", "Any",      "\xcf\x83", "(?P<\xc3\xa9>",
	"^",
};
static const char *const pieces[] = {
	"a",
	"a",
	"a",
	"b",
	"b",
	"A",
	"k",
	"K",
	"s",
	"S",
	"_",
	"/",
	"\n",
	" ",
	"7",
	".",
	"\xc3\xa9",
	"\xe2\x84\xaa",
	"\xc5\xbf",
	"\xf0\x9f\x98\x80",
	"\xc3\x89",
	"\xce\xa3",
	"\xcf\x82",
	"\xcf\x83",
	"\xc7\x84",
	"\xc7\x85",
	"\xc7\x86",
	"\xd9\xa0",
	"\xff",
	"\xe0\x80\x80",
	"\xed\xa0\x80",
	"\xc3",
	"\xf4\x90\x80\x80",
	"\x80",
	"\xdf\xbf",
};

struct out {
	char *buf;
	size_t n, size;
};

static void put(struct out *o, const char *s)
{
	size_t len = strlen(s);

	if (o->n + len + 1 > o->size)
		return;
	memcpy(o->buf + o->n, s, len);
	o->n += len;
}

static void put_alternatives(struct re_random *r, struct out *o, int depth);

static void put_class(struct re_random *r, struct out *o)
{
	put(o, re_random_below(r, 2) ? "[" : "[^");
	for (uint32_t n = 1 + re_random_below(r, 4); n; n--)
		put(o, PICK(r, items));
	put(o, "]");
}

static void put_atom(struct re_random *r, struct out *o, int depth)
{
	if (depth > 0 && !re_random_below(r, 3)) {
		put(o, PICK(r, groups));
		put_alternatives(r, o, depth - 1);
		put(o, ")");
	} else if (!re_random_below(r, 4)) {
		put_class(r, o);
	} else {
		put(o, PICK(r, atoms));
	}
}

static void put_concat(struct re_random *r, struct out *o, int depth)
{
	for (uint32_t n = re_random_below(r, 4); n; n--) {
		if (!re_random_below(r, 20))
			put(o, PICK(r, flags));
		put_atom(r, o, depth);
		if (!re_random_below(r, 3))
			put(o, PICK(r, repeats));
	}
}

static void put_alternatives(struct re_random *r, struct out *o, int depth)
{
	put_concat(r, o, depth);
	while (!re_random_below(r, 3)) {
		put(o, "|");
		put_concat(r, o, depth);
	}
}

size_t re_random_pattern(struct re_random *r, char *buf, size_t size)
{
	struct out o = {buf, 0, size};

	put_alternatives(r, &o, DEPTH);
	return o.n;
}

size_t re_random_soup(struct re_random *r, char *buf, size_t size)
{
	struct out o = {buf, 0, size};

	for (uint32_t n = 1 + re_random_below(r, 8); n; n--)
		put(&o, PICK(r, soup));
	return o.n;
}

size_t re_random_text(struct re_random *r, char *buf, size_t size)
{
	/* Mostly from the start of the table: valid, and likely to match. */
	uint32_t kinds = re_random_below(r, 4) ? VALID : sizeof(pieces) / sizeof(*pieces);
	struct out o = {buf, 0, size};

	for (uint32_t n = re_random_below(r, 7); n; n--)
		put(&o, pieces[re_random_below(r, kinds)]);
	return o.n;
}
