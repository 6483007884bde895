// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <errno.h>

#include "lint/meaning.h"

static const pst_lint_check checks[] = {
	pst_check_patterns,   pst_check_shadow,	  pst_check_split,  pst_check_defaults,
	pst_check_dns,	      pst_check_history,  pst_check_peers,  pst_check_selectors,
	pst_check_headers,    pst_check_method,	  pst_check_path,   pst_check_host,
	pst_check_everything, pst_check_fallback, pst_check_subset, pst_check_conflicts,
};

int pst_lint_checks_run(const struct pst_lint_env *env)
{
	struct pst_lint_env with_meanings = *env;
	int r = 0;

	with_meanings.meanings = pst_meanings_new();
	if (!with_meanings.meanings)
		return -ENOMEM;
	for (size_t i = 0; !r && i < sizeof(checks) / sizeof(*checks); i++)
		r = checks[i](&with_meanings);
	if (!r)
		pst_meanings_report(with_meanings.meanings, env);
	pst_meanings_free(&with_meanings.meanings);
	return r;
}
