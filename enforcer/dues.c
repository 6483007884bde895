// SPDX-License-Identifier: Apache-2.0
#include "enforcer/dues.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

#include "base/log.h"
#include "enforcer/clock.h"
#include "enforcer/wire.h"

enum { ERRNO_MAX = 4095 };

const char pst_dues_gone[] = "it has ended";

/* What it owes, and nothing else. An older policy's answer is as good as none. */
static const char *take(struct pst_dues *d, const struct pst_wire *w)
{
	if (w->kind == PST_WIRE_PING && d->ping_ms) {
		d->ping_ms = 0;
		return NULL;
	}
	if (w->kind != PST_WIRE_DONE || !d->policy_ms)
		return "it says what nobody has asked";
	if (w->id != d->policy_id)
		return NULL;
	d->policy_ms = 0;
	if (!w->error)
		return NULL;
	pst_log_err(w->error, "the proxy does not take over the policy");
	return "it is of no use";
}

/* Of the numbers that the kernel has for errors. */
static bool is_errno(int32_t error)
{
	return error <= 0 && error >= -ERRNO_MAX;
}

const char *pst_dues_hear(struct pst_dues *d, int answers)
{
	struct pst_wire w;
	int e = pst_wire_read(answers, &w);

	if (!e && !is_errno(w.error))
		e = -EPROTO;
	if (e == -EAGAIN)
		return NULL;
	if (e == -EPIPE)
		return pst_dues_gone;
	return e ? "what it says is no message" : take(d, &w);
}

static bool is_late(uint64_t since_ms)
{
	return since_ms && pst_clock_ms() - since_ms > PST_DUES_ANSWER_MS;
}

const char *pst_dues_missed(const struct pst_dues *d)
{
	if (d->is_deaf)
		return "it does not read what it is told";
	return is_late(d->policy_ms) || is_late(d->ping_ms) ? "it does not answer" : NULL;
}

const char *pst_dues_wait(struct pst_dues *d, int answers)
{
	const char *why = pst_dues_missed(d);

	while (!why && d->policy_ms) {
		struct pollfd p = {.fd = answers, .events = POLLIN};
		const uint64_t past = pst_clock_ms() - d->policy_ms;

		poll(&p, 1, past < PST_DUES_ANSWER_MS ? (int)(PST_DUES_ANSWER_MS - past) + 1 : 0);
		why = pst_dues_hear(d, answers);
		if (!why)
			why = pst_dues_missed(d);
	}
	return why;
}
