// SPDX-License-Identifier: Apache-2.0
/*
 * docs/reasons.md explains every reason, in the words of the list that all programs take them from.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compiler/explain.h"

/* What becomes of what has a reason of the kind, as the page says it. */
static const char *const outcomes[] = {
	[PST_KIND_ALLOW] = "passes", [PST_KIND_L7] = "403",   [PST_KIND_PARSE] = "403, end",
	[PST_KIND_DROP] = "dropped", [PST_KIND_KILL] = "end",
};

static const struct {
	const char *name, *text;
	enum pst_reason_kind kind;
} reasons[] = {
#define ROW(id, word, kind_, sentence) {word, sentence, PST_KIND_##kind_},
	PST_REASONS(ROW)
#undef ROW
};

/* What the page's table has to be; the caller frees it. */
static char *expected_table(void)
{
	char *table = NULL;
	size_t len;
	FILE *out = open_memstream(&table, &len);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		fprintf(out, "| `%s` | %s | %s |\n", reasons[i].name, outcomes[reasons[i].kind],
			reasons[i].text);
	fclose(out);
	return table;
}

Test(reasons, the_page_has_all_of_them_with_their_sentences)
{
	pst_auto_free char *table = expected_table(), *page = NULL;
	pst_auto_file FILE *file = fopen("docs/reasons.md", "r");
	size_t len = 0;

	cr_assert_not_null(file);
	cr_assert_gt(getdelim(&page, &len, 0, file), 0);
	cr_expect(strstr(page, table), "docs/reasons.md lacks this table:\n%s", table);
}
