// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

static const pst_lint_check checks[] = {
	pst_check_patterns,
};

int pst_lint_checks_run(const struct pst_lint_env *env)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(checks) / sizeof(*checks); i++)
		r = checks[i](env);
	return r;
}
