/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/policy.h"

/* How a text is to be read; zero: the newest rules, by somebody who enforces. */
struct t_reading {
	unsigned int minor, features;
	bool lint;
	bool clusterwide;
};

/*
 * The ids that reading a policy of everybody with the single rule RULE of section SECTION gives:
 * errors as "a", warnings and infos as "~c", in the order of the reports, without repetitions; in a
 * static buffer.
 */
const char *t_ids(const struct t_reading *reading, const char *section, const char *rule);

/* The same of a whole file. */
const char *t_ids_of_file(const struct t_reading *reading, const char *text);

struct t_case {
	const char *rule, *expected;
};

/* Compares t_ids() with what is expected of each case. */
void t_ids_are(const struct t_reading *reading, const char *section, const struct t_case *cases,
	       size_t n);
