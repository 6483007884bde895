/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Verdicts, and answers to requests, for the daemon (enforcer/verdict.h). Nothing waits: 0, or
 * -errno when it is lost.
 */

#include "proxy/conn.h"
#include "proxy/managed.h"

int pst_tell_request(const struct pst_managed *m, const struct pst_conn *c,
		     const struct pst_pair_event *event);
int pst_tell_answer(const struct pst_managed *m, const struct pst_conn *c,
		    const struct pst_pair_answer *answer);

/* A connection that was not taken, under policy POLICY, for REASON, or is AUDITED. */
int pst_tell_connection(const struct pst_managed *m, const struct pst_conn_start *known,
			uint32_t policy, enum pst_outcome outcome, enum pst_reason reason);
