/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The names of reasons, for who reads test files: what is known of fields of documents and what is
 * known of fields of requests cannot be included at once.
 */

#include <stddef.h>

/* The name of reason number I, NULL behind the last one. */
const char *pst_test_reason_name(size_t i);
