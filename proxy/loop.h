/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The proxy's first thread: policies, signals, the daemon's orders and its helper's answers. The
 * workers (proxy/team.h) serve the connections.
 *
 * SIGHUP reads the policy again: connections without HTTP rules, and those that the new policy
 * denies at L3/L4 or judges no more, end; the others take it over with their next request, at once
 * when nothing is on its way. A mistake changes nothing. SIGTERM and SIGINT end the listener, then
 * each connection as soon as nothing is on its way, and after some time the rest.
 */

#include "enforcer/reply.h"
#include "proxy/options.h"

/* Runs until it is told to end. 0, or -errno (logged). */
int pst_loop_run(const struct pst_proxy_options *o);
