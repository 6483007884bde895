/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which policies decided a verdict, and what they looked at. */

#include "bpf/abi.h"
#include "enforcer/flow.h"

struct pst_bundle;
struct pst_judge;
struct pst_verdict_record;

/* Where a generation's bundle, judge and names of addresses come from; NULL when it is gone. */
struct pst_flow_source {
	const struct pst_bundle *(*bundle)(const void *arg, uint32_t generation);
	struct pst_judge *(*judge)(const void *arg, uint32_t generation);
	const char *(*name)(const void *arg, uint32_t generation, const uint8_t addr[16]);
	const void *arg;
};

/* An event, and by whom. */
struct pst_flow_event {
	const struct pst_event *e;
	/* Not the kernel but the proxy has judged; what it says of that, which has been looked at
	 * (enforcer/judged.h). Else NULL. */
	const struct pst_verdict_record *proxy;
};

enum { PST_FLOW_POLICIES = 16 }; /* more are not named */

/*
 * Fills in policies and match_type of F. An allow names the rule that matched. A denial by rule
 * names that rule; one by default names the policies that restrict the subject: their HTTP rules
 * that did not match, or their rules for others. None when the generation is gone. 0 or -ENOMEM.
 */
int pst_flow_policies(const struct pst_flow_source *source, const struct pst_flow_event *e,
		      struct pst_arena *a, struct pst_flow *f);
