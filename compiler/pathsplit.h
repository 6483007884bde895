/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the paths of a rule set whose one automaton is over the budget are divided among several.
 *
 * What multiplies states is patterns that run on in the middle ("/.*x.*y") beside each other; those
 * that do not ("/a/b", "/a/.*") only add up. So the first kind is dealt out in turns, and those of
 * one prefix, which stand together and multiply most, come into different automata. The second
 * kind stays together, in the first automaton. It is a guess: what counts is whether the parts fit.
 */

#include "bpf/abi.h"
#include "compiler/automaton.h"

#include <stddef.h>
#include <stdint.h>

enum { PST_PATHSPLIT_PLANS = 2 * (PST_PATH_PARTS - 1) };

/*
 * Plan PLAN (from 0, fewer parts first) for PATTERNS: the part of each to RET_PART. The number of
 * parts, each with a pattern at least; 0 when the plan makes no sense for them.
 */
unsigned pst_pathsplit_plan(unsigned plan, const struct pst_pattern *patterns, size_t n,
			    uint8_t *ret_part);
