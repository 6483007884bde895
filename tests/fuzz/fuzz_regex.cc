// SPDX-License-Identifier: Apache-2.0
/*
 * The regex compiler against RE2. The input is a pattern, a NUL or newline, and texts between
 * further ones. compiler/tests/re_compare.h lists the differences that are meant to be.
 */
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" {
#include "compiler/tests/re_compare.h"
}

/* Longer patterns only make RE2 slow. */
static const size_t max_input = 512;

static size_t piece_length(const char *s, size_t len)
{
	const void *end = memchr(s, '\n', len);

	return end ? static_cast<size_t>(static_cast<const char *>(end) - s) : len;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = reinterpret_cast<const char *>(data);
	size_t len = piece_length(s, size);
	struct re_pair pair;

	if (size > max_input)
		return 0;
	re_pair_init(&pair, s, len);
	if (!re_pair_agrees(&pair))
		abort();
	while (len < size) {
		s += len + 1;
		size -= len + 1;
		len = piece_length(s, size);
		if (!re_pair_agrees_on(&pair, s, len))
			abort();
	}
	re_pair_fini(&pair);
	return 0;
}
