/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* llhttp reads the methods of a list, the core any token: other methods cannot be compared. */
static inline bool fuzz_is_known_method(const char *text, size_t len)
{
	static const char *const names[] = {
#define NAME(num, name, string) #string " ",
		HTTP_METHOD_MAP(NAME)
#undef NAME
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) <= len && !memcmp(names[i], text, strlen(names[i])))
			return true;
	return false;
}
