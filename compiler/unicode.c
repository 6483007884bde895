// SPDX-License-Identifier: Apache-2.0
#include "compiler/unicode.h"

#include <string.h>

#include "unicode_table.h"

#define N_CLASSES (sizeof(unicode_classes) / sizeof(*unicode_classes))
#define N_FOLDS	  (sizeof(unicode_folds) / sizeof(*unicode_folds))

const char pst_unicode_version[] = UNICODE_VERSION;

const struct pst_named_class *pst_unicode_classes(size_t *ret_n)
{
	*ret_n = N_CLASSES;
	return unicode_classes;
}

/* NAME against an entry of the table, as strcmp() would. */
static int compare_name(const char *name, size_t len, const char *entry)
{
	int order = strncmp(name, entry, len);

	return order || !entry[len] ? order : -1;
}

const struct pst_named_class *pst_unicode_class(const char *name, size_t len)
{
	size_t lo = 0, hi = N_CLASSES;

	/* Names hold no NUL; what does would look like its beginning below. */
	if (memchr(name, '\0', len))
		return NULL;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = compare_name(name, len, unicode_classes[mid].name);

		if (!order)
			return &unicode_classes[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

bool pst_unicode_has(const struct pst_named_class *class, uint32_t rune)
{
	size_t lo = 0, hi = class->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (class->ranges[mid].hi < rune)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < class->n && class->ranges[lo].lo <= rune;
}

/* The first entry that is not below RUNE. */
static size_t first_fold(uint32_t rune)
{
	size_t lo = 0, hi = N_FOLDS;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (unicode_folds[mid].rune < rune)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct pst_unicode_fold *pst_unicode_folds(uint32_t lo, uint32_t hi, size_t *ret_n)
{
	size_t first = first_fold(lo);

	*ret_n = first_fold(hi + 1) - first;
	return unicode_folds + first;
}

uint32_t pst_unicode_fold_next(uint32_t rune)
{
	size_t i = first_fold(rune);

	return i < N_FOLDS && unicode_folds[i].rune == rune ? unicode_folds[i].next : rune;
}
