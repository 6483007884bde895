/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names for findings that outlive edits elsewhere in the file.
 *
 * A fingerprint is made of the rule, the file's path from the top of the repository, the text of
 * the line without the blanks around it, and, since one line may stand several times, a number:
 * which of its like the finding is, in the order of places. So it stays when lines are added above
 * and when the indentation changes, and it goes when the line itself is edited: then somebody
 * should look again. The message is no part of it, nor is the severity.
 *
 * The hash is FNV-1a of 64 bits: fingerprints tell findings apart, they keep nobody out.
 */

#include "lint/lint.h"

/*
 * Stores paths and fingerprints into the N sorted findings; strings live in RESULT's arena. RESULT
 * has root and sources. 0 or -ENOMEM.
 */
int pst_fingerprints_set(struct pst_lint_result *result, struct pst_finding *findings, size_t n);
