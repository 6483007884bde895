/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A directory of the test's own, which is the working directory meanwhile. */

void t_scratch_enter(void);

/* Removes it with all that is in it. */
void t_scratch_leave(void);

/* A file of it with TEXT. */
void t_scratch_write(const char *path, const char *text);
