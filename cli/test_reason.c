// SPDX-License-Identifier: Apache-2.0
#include "cli/test_reason.h"

#include "compiler/explain.h"

const char *pst_test_reason_name(size_t i)
{
	return i < PST_REASON_MAX ? pst_explain_reason_name((enum pst_reason)i) : NULL;
}
