/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An input as a program: each byte decides what is done next. Behind its end there are zeros. */

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t fuzz_take(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}
