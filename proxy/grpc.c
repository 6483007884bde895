// SPDX-License-Identifier: Apache-2.0
#include "proxy/grpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char type[] = "\ncontent-type: application/grpc";

/* Behind the type stands nothing, "+proto" and the like, or a parameter. */
bool pst_grpc_is_call(const struct pst_text_vec *head)
{
	const char *found = memmem(head->v, head->n, type, sizeof(type) - 1);
	const char *end = found ? found + sizeof(type) - 1 : NULL;

	return end && end < head->v + head->n && *end && strchr("\r+;", *end);
}

int pst_grpc_message(const char *text, size_t len, struct pst_text_vec *out)
{
	out->n = 0;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++) {
		bool plain = text[i] >= ' ' && text[i] <= '~' && text[i] != '%';

		if (pst_vec_reserve(out, out->n + 4))
			return -ENOMEM;
		out->n += (size_t)snprintf(out->v + out->n, 4, plain ? "%c" : "%%%02X",
					   (unsigned char)text[i]);
	}
	return 0;
}
