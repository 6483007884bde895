// SPDX-License-Identifier: Apache-2.0
#include "compiler/nearlist.h"

#include "compiler/nearmiss.h"

#include <string.h>

static char *element(const struct pst_nearlist *list, size_t i)
{
	return (char *)list->v + i * list->size;
}

void pst_nearlist_insert(const struct pst_nearlist *list, const void *m)
{
	size_t at = *list->n;

	while (at && list->is_nearer(m, element(list, at - 1)))
		at--;
	if (*list->n == PST_NEARMISS_MAX)
		++*list->n_more;
	else
		++*list->n;
	if (at == PST_NEARMISS_MAX)
		return;
	memmove(element(list, at + 1), element(list, at), (*list->n - 1 - at) * list->size);
	memcpy(element(list, at), m, list->size);
}
