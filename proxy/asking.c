// SPDX-License-Identifier: Apache-2.0
#include "proxy/asking.h"

#include "base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void pst_asking_fini(struct pst_asking *a)
{
	for (size_t i = a->next; i < a->waiting.n; i++)
		pst_cleanup_fd(&a->waiting.v[i].fd);
	pst_vec_free(&a->waiting);
}

/* What was answered takes room only until it is the larger part. */
static void compact(struct pst_asking *a)
{
	if (a->next < 64 || a->next < a->waiting.n / 2)
		return;
	a->waiting.n -= a->next;
	memmove(a->waiting.v, a->waiting.v + a->next, a->waiting.n * sizeof(*a->waiting.v));
	a->next = 0;
}

/* Nobody else takes this worker's answers, so its place may follow the question. */
static int ask(struct pst_asking *a, enum pst_wire_kind kind, struct pst_asked asked, int fd)
{
	int r;

	compact(a);
	if (pst_vec_reserve(&a->waiting, a->waiting.n + 1))
		return -ENOMEM;
	r = pst_managed_ask(a->managed, a->worker, kind, fd);
	if (!r)
		a->waiting.v[a->waiting.n++] = asked;
	return r;
}

int pst_asking_reach(struct pst_asking *a, struct pst_conn *c)
{
	return ask(a, PST_WIRE_LEG, (struct pst_asked){.conn = c, .fd = -1}, c->end[PST_CLIENT].fd);
}

int pst_asking_origin(struct pst_asking *a, int fd)
{
	return ask(a, PST_WIRE_ORIGIN, (struct pst_asked){.fd = fd}, fd);
}

void pst_asking_give_up(struct pst_asking *a, const struct pst_conn *c)
{
	for (size_t i = a->next; i < a->waiting.n; i++) {
		if (a->waiting.v[i].conn == c)
			a->waiting.v[i].conn = NULL;
	}
}

void pst_asking_answered(struct pst_asking *a, const struct pst_wire *w, int leg,
			 struct pst_asking_answer *ret_answer)
{
	pst_auto_fd int mine = leg;
	const struct pst_asked *asked = &a->waiting.v[a->next];

	assert(a->next < a->waiting.n);
	a->next++;
	*ret_answer = (struct pst_asking_answer){
		.conn = asked->conn,
		.fd = asked->fd,
		.error = w->error,
		.client = w->client,
		.server = w->server,
	};
	if (asked->conn)
		pst_conn_reached(asked->conn, w->error ? w->error : PST_TAKE_FD(mine));
}
