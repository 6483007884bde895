/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The daemon: reads policies and inventory, publishes generations, watches for changes, reports
 * verdicts, answers denials, until a signal ends it.
 *
 * Start is all or nothing: a mistake in any file, a kernel that cannot enforce, a cgroup that is
 * not there each end it with a message before anything is attached. Once it runs a mistake changes
 * nothing: it is reported, and the last good generation stays in force.
 */

#include "enforcer/options.h"

/* Exit statuses, as documented in the help text. */
enum {
	PST_EXIT_OK = 0,
	PST_EXIT_INVALID = 1,
	PST_EXIT_USAGE = 2,
	PST_EXIT_FAILED = 3,
};

/* Runs the daemon; returns an exit status. What it has pinned stays in force when it ends. */
int pst_service_run(const struct pst_options *opts);

/* Takes away what is pinned, open connections unharmed; PST_EXIT_OK or PST_EXIT_FAILED. */
int pst_service_detach(const struct pst_options *opts);

/* Shows what the kernel can do; PST_EXIT_OK when it can enforce, else 1. */
int pst_service_probe(const struct pst_options *opts);
