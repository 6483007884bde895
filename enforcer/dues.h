/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the proxy owes the daemon: whether it has taken over a policy, and now and then a sign of
 * life. Its words come through a pipe (enforcer/wire.h). A proxy that says what it was not asked,
 * or no message at all, or does not answer in time, is to be ended: the caller does that, when one
 * of these functions says why.
 */

#include <stdbool.h>
#include <stdint.h>

/* In this time the proxy has to answer. */
enum { PST_DUES_ANSWER_MS = 10 * 1000 };

struct pst_dues {
	uint32_t policy_id; /* of the last one that it was sent */
	/* Since when it owes an answer (enforcer/clock.h); 0: it does not. */
	uint64_t policy_ms; /* whether it has taken the policy over */
	uint64_t ping_ms;
	bool is_deaf; /* it has not read what it was sent, or cannot be sent anything */
};

/* Why the proxy is to be ended, when its end itself is the reason: told by that alone. */
extern const char pst_dues_gone[];

/* Takes one word from the pipe ANSWERS, which does not wait, if there is one. NULL, or why the
 * proxy is to be ended. */
const char *pst_dues_hear(struct pst_dues *d, int answers);

/* The same for what it did not do. */
const char *pst_dues_missed(const struct pst_dues *d);

/* Waits until it has said what became of the policy: not for ever. NULL, or why it is to be ended.
 */
const char *pst_dues_wait(struct pst_dues *d, int answers);
