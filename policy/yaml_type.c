// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const kind_names[] = {
	[PST_YAML_NULL] = "nothing (null)", [PST_YAML_BOOL] = "a boolean",
	[PST_YAML_NUMBER] = "a number",	    [PST_YAML_STRING] = "a string",
	[PST_YAML_LIST] = "a list",	    [PST_YAML_MAPPING] = "a mapping",
};
static_assert(sizeof(kind_names) / sizeof(*kind_names) == PST_YAML_KIND_MAX,
	      "a name for each kind");

/* Words that are no strings when written without quotes. */
static const struct {
	const char *word;
	enum pst_yaml_kind kind;
} words[] = {
	{"", PST_YAML_NULL},	   {"~", PST_YAML_NULL},      {"null", PST_YAML_NULL},
	{"Null", PST_YAML_NULL},   {"NULL", PST_YAML_NULL},   {"y", PST_YAML_BOOL},
	{"Y", PST_YAML_BOOL},	   {"yes", PST_YAML_BOOL},    {"Yes", PST_YAML_BOOL},
	{"YES", PST_YAML_BOOL},	   {"true", PST_YAML_BOOL},   {"True", PST_YAML_BOOL},
	{"TRUE", PST_YAML_BOOL},   {"on", PST_YAML_BOOL},     {"On", PST_YAML_BOOL},
	{"ON", PST_YAML_BOOL},	   {"n", PST_YAML_BOOL},      {"N", PST_YAML_BOOL},
	{"no", PST_YAML_BOOL},	   {"No", PST_YAML_BOOL},     {"NO", PST_YAML_BOOL},
	{"false", PST_YAML_BOOL},  {"False", PST_YAML_BOOL},  {"FALSE", PST_YAML_BOOL},
	{"off", PST_YAML_BOOL},	   {"Off", PST_YAML_BOOL},    {"OFF", PST_YAML_BOOL},
	{".nan", PST_YAML_NUMBER}, {".NaN", PST_YAML_NUMBER}, {".NAN", PST_YAML_NUMBER},
	{".inf", PST_YAML_NUMBER}, {".Inf", PST_YAML_NUMBER}, {".INF", PST_YAML_NUMBER},
};

static const char *skip_digits(const char *s, const char *digits)
{
	/* Underscores may stand between the digits of YAML 1.1 numbers. */
	while (*s && (*s == '_' || strchr(digits, *s)))
		s++;
	return s;
}

static bool is_prefixed_integer(const char *s)
{
	static const struct {
		char letter;
		const char *digits;
	} bases[] = {
		{'x', "0123456789abcdefABCDEF"},
		{'o', "01234567"},
		{'b', "01"},
	};

	if (s[0] != '0')
		return false;
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		if (tolower((unsigned char)s[1]) == bases[i].letter && s[2])
			return !*skip_digits(s + 2, bases[i].digits);
	}
	return false;
}

/* digits, with a fraction and an exponent or without; at least one digit. */
static bool is_decimal(const char *s)
{
	static const char digits[] = "0123456789";
	const char *p = isdigit((unsigned char)*s) ? skip_digits(s, digits) : s;
	bool any = p > s;

	if (*p == '.') {
		const char *fraction = ++p;

		p = skip_digits(p, digits);
		any = any || isdigit((unsigned char)*fraction);
	}
	if (!any)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!*p)
			return false;
		p = skip_digits(p, digits);
	}
	return !*p;
}

/* Most scalars are strings by their first character already. */
static bool may_be_typed(char first)
{
	return !first || strchr("~nNyYtToOfF.+-0123456789", first);
}

enum pst_yaml_kind pst_yaml_plain_kind(const char *s)
{
	const char *unsigned_part = s + (*s == '-' || *s == '+');

	if (!may_be_typed(*s))
		return PST_YAML_STRING;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(s, words[i].word))
			return words[i].kind;
	}
	if (is_prefixed_integer(unsigned_part) || is_decimal(unsigned_part))
		return PST_YAML_NUMBER;
	if (unsigned_part > s && !strcasecmp(unsigned_part, ".inf"))
		return PST_YAML_NUMBER;
	return PST_YAML_STRING;
}

bool pst_yaml_is_integer(const char *s)
{
	const char *unsigned_part = s + (*s == '-' || *s == '+');

	return is_prefixed_integer(unsigned_part) ||
	       (is_decimal(unsigned_part) && !strpbrk(unsigned_part, ".eE"));
}

const char *pst_yaml_kind_str(enum pst_yaml_kind kind)
{
	return kind_names[kind];
}
