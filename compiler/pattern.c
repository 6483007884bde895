// SPDX-License-Identifier: Apache-2.0
#include "compiler/pattern.h"

#include "compiler/regex.h"

#include <errno.h>

int pst_pattern_check(const struct pst_pattern *pattern, struct pst_diags *diags)
{
	struct pst_classes classes = {0};
	struct pst_re_tree tree = {0};
	int r = pst_re_parse(pattern, &classes, diags, &tree);

	pst_re_tree_fini(&tree);
	pst_classes_fini(&classes);
	return r == -E2BIG ? -EINVAL : r;
}
