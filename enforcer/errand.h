/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon gave up and still needs now and then, as a descriptor: a process of the starter's
 * (enforcer/starter.h) makes it, hands it over and ends. Such a job knows from its beginning what
 * it is to do, or looks hard at what it is given: whoever asks may have been taken over.
 */

#include "enforcer/starter.h"

/*
 * Runs job WHAT with copies of N descriptors, and waits for it: a descriptor, or -errno: -ETIMEDOUT
 * when it has not made one within 5 s, and is ended.
 */
int pst_errand_run(struct pst_starter *s, enum pst_start what, const int *fds, size_t n);

/* For the job, whose first descriptor is TO: its RESULT, a descriptor or -errno. Does not return.
 */
void pst_errand_end(int to, int result) __attribute__((noreturn));

/*
 * A job: the link of a program, its second descriptor, to the network namespace that is its third.
 * Only programs that look up sockets are attached: of others, some may do anything to anybody.
 */
void pst_errand_be_linker(void *arg, const int *fds, size_t n);
