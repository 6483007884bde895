/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct pst_table;

/* The rules of one policy for one pod, app: web, as the kernel has them; they are rule set 0. */
struct pst_table *fuzz_rules_table(const char *policy);
