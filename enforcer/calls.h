/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lists of system calls that a process keeps (seccomp): how they are written and put in force. What
 * is on them is said by enforcer/confine.c and proxy/confine.c.
 */

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A call that is allowed with a certain argument only; rows of one call are alternatives. */
struct pst_calls_rule {
	int call;
	struct scmp_arg_cmp arg;
};

struct pst_calls {
	const int *calls;
	size_t n_calls;
	const struct pst_calls_rule *rules;
	size_t n_rules;
};

/* Array to list. */
#define PST_CALLS(of_calls, of_rules)                                           \
	{                                                                       \
		(of_calls), sizeof(of_calls) / sizeof(*(of_calls)), (of_rules), \
			sizeof(of_rules) / sizeof(*(of_rules))                  \
	}

/* For a row of a rule. */
#define PST_CALLS_IS(n, value)		 SCMP_CMP(n, SCMP_CMP_EQ, value)
#define PST_CALLS_MASKED(n, mask, value) SCMP_CMP(n, SCMP_CMP_MASKED_EQ, mask, value)

/*
 * From now on this process, in all its threads, has the calls of the N LISTS and no others, and
 * never gets them back (no_new_privs). To end itself by abort() is on every list: a signal to this
 * process, SIGABRT, and to no other. Others fail with EPERM and are counted; with TELLS the
 * number of the call is written to stderr besides, the first, second, fourth, eighth time and so
 * on: whoever has been taken over cannot fill a log with it. Calls of another architecture, or of
 * x32, end the process. 0, or -errno, logged: nothing has changed.
 *
 * SIGSYS belongs to this from then on, and must not be blocked.
 */
int pst_calls_keep(const struct pst_calls *lists, size_t n, bool tells);

/* How many calls were refused; *RET_LAST is the number of the last one. */
uint64_t pst_calls_refused(int *ret_last);
