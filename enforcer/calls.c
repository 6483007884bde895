// SPDX-License-Identifier: Apache-2.0
#include "enforcer/calls.h"

#include <errno.h>

#include "base/log.h"

static int allow(scmp_filter_ctx ctx, const struct pst_calls *list)
{
	int r = 0;

	for (size_t i = 0; !r && i < list->n_calls; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, list->calls[i], 0);
	for (size_t i = 0; !r && i < list->n_rules; i++)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, list->rules[i].call, 1,
					   &list->rules[i].arg);
	return r;
}

int pst_calls_keep(const struct pst_calls *lists, size_t n, uint32_t action)
{
	scmp_filter_ctx ctx = seccomp_init(action);
	int r = ctx ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

	for (size_t i = 0; !r && i < n; i++)
		r = allow(ctx, &lists[i]);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r ? pst_log_err(r, "cannot give up system calls") : 0;
}
