// SPDX-License-Identifier: Apache-2.0
#include "compiler/tests/re2_oracle.h"

#include <memory>
#include <re2/re2.h>

struct re2_oracle {
	std::unique_ptr<re2::RE2> re;
};

static re2::RE2::Options quiet()
{
	re2::RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(64 << 20);
	return options;
}

struct re2_oracle *re2_oracle_new(const char *re, size_t len)
{
	auto *o = new re2_oracle;

	o->re = std::make_unique<re2::RE2>(re2::StringPiece(re, len), quiet());
	return o;
}

enum re2_oracle_verdict re2_oracle_verdict(const struct re2_oracle *o)
{
	switch (o->re->error_code()) {
	case re2::RE2::NoError:
		return RE2_ORACLE_OK;
	case re2::RE2::ErrorRepeatSize:
	case re2::RE2::ErrorPatternTooLarge:
		return RE2_ORACLE_TOO_LARGE;
	default:
		return RE2_ORACLE_BAD;
	}
}

bool re2_oracle_match(const struct re2_oracle *o, const char *text, size_t len)
{
	return re2::RE2::FullMatch(re2::StringPiece(text, len), *o->re);
}

bool re2_oracle_find(const struct re2_oracle *o, const char *text, size_t len, size_t from,
		     size_t *ret_begin, size_t *ret_end)
{
	re2::StringPiece match;

	if (!o->re->Match(re2::StringPiece(text, len), from, len, re2::RE2::UNANCHORED, &match, 1))
		return false;
	*ret_begin = static_cast<size_t>(match.data() - text);
	*ret_end = *ret_begin + match.size();
	return true;
}

bool re2_oracle_is_literal(const struct re2_oracle *o)
{
	std::string least, most;

	return o->re->PossibleMatchRange(&least, &most, 16) && least == most;
}

void re2_oracle_free(struct re2_oracle *o)
{
	delete o;
}
