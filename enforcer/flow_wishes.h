/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Headers that rules want and do not insist on (headerMatches with mismatch: LOG): which of them an
 * allowed request has not, or with another value. All rules that match are looked at. Names alone
 * are told: what a value should have been may be a Secret's, what it was is a client's.
 */

#include "bpf/abi.h"
#include "enforcer/flow.h"
#include "enforcer/flow_policy.h"

enum { PST_FLOW_WISHES = 16 }; /* more are not told */

/*
 * Fills in missing and rejected of F, which live in A; their texts are the bundle's. Nothing where
 * the kernel has judged and the head of E is not whole, or its generation is gone. Of what the
 * proxy has judged it says it, the actions of rules included. 0 or -ENOMEM.
 */
int pst_flow_wishes(const struct pst_flow_source *source, const struct pst_flow_event *e,
		    struct pst_arena *a, struct pst_flow *f);
