// SPDX-License-Identifier: Apache-2.0
/*
 * Leaks are looked for in the processes of the tests, which Criterion starts one by one and calls
 * boxfort-worker, and not in the one that starts them: that runs no line of ours, and now and then
 * loses one of its own time limits (48 bytes), by when tests end.
 */
#include <errno.h>
#include <string.h>

/* Asked for by the sanitizer's runtime, at the end of each process. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return strcmp(program_invocation_short_name, "boxfort-worker") != 0;
}
