// SPDX-License-Identifier: Apache-2.0
#include "proxy/clock.h"

#include <limits.h>
#include <time.h>

void pst_clock_init(struct pst_clock *c)
{
	for (int i = 0; i < PST_WAIT_MAX; i++)
		c->lists[i].prev = c->lists[i].next = &c->lists[i];
	pst_clock_read(c);
}

void pst_clock_read(struct pst_clock *c)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	c->now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void pst_clock_set(struct pst_clock *c, struct pst_timer *t, enum pst_wait wait)
{
	struct pst_timer *list = &c->lists[wait];

	if (wait == t->wait && wait != PST_WAIT_IDLE && wait != PST_WAIT_REST)
		return;
	if (t->next) {
		t->prev->next = t->next;
		t->next->prev = t->prev;
		t->prev = t->next = NULL;
	}
	t->wait = wait;
	if (wait == PST_WAIT_NONE)
		return;
	t->at_ms = c->now_ms + c->after_ms[wait];
	t->prev = list->prev;
	t->next = list;
	list->prev->next = t;
	list->prev = t;
}

int pst_clock_next(const struct pst_clock *c)
{
	uint64_t least = UINT64_MAX;

	for (int i = PST_WAIT_NONE + 1; i < PST_WAIT_MAX; i++) {
		const struct pst_timer *first = c->lists[i].next;

		if (first != &c->lists[i] && first->at_ms < least)
			least = first->at_ms;
	}
	if (least == UINT64_MAX)
		return -1;
	if (least <= c->now_ms)
		return 0;
	return least - c->now_ms < INT_MAX ? (int)(least - c->now_ms) : INT_MAX;
}

struct pst_timer *pst_clock_due(struct pst_clock *c)
{
	for (int i = PST_WAIT_NONE + 1; i < PST_WAIT_MAX; i++) {
		struct pst_timer *first = c->lists[i].next;

		if (first != &c->lists[i] && first->at_ms <= c->now_ms)
			return first;
	}
	return NULL;
}
