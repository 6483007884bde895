/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What bash, zsh and fish offer behind "posternd", from the table of options. */

#include <stdio.h>

#include "enforcer/options.h"

/* Writes the script for SHELL. 0, or -EINVAL: SHELL is none of the three. */
int pst_completion_write(const char *shell, FILE *out);
