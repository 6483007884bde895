// SPDX-License-Identifier: Apache-2.0
#include "proxy/managed.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "proxy/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FD_CONTROL = 3,
	FD_LEGS = 4,
	FD_ANSWERS = 5,
	FD_VERDICTS = 6,
	FD_TALLY = 7,
	FD_WISH = 8,
};

static int adopt(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_NONBLOCK))
		return pst_log_err(-errno, "--managed: descriptor %d is for posternd to give", fd);
	return 0;
}

void pst_managed_init(struct pst_managed *m)
{
	*m = (struct pst_managed){.control = -1, .answers = -1, .verdicts = -1, .legs = -1};
	pthread_mutex_init(&m->asking, NULL);
}

int pst_managed_open(struct pst_managed *m)
{
	int r = adopt(FD_CONTROL);

	if (!r)
		r = adopt(FD_LEGS);
	if (!r)
		r = adopt(FD_ANSWERS);
	if (!r)
		r = adopt(FD_VERDICTS);
	if (r)
		return r;
	/* A daemon of another version has none, or another one: then it does not know the numbers.
	 */
	r = pst_tally_adopt(FD_TALLY, &m->tally);
	if (r)
		pst_log_err(r, "the daemon does not see what is counted");
	else
		close(FD_TALLY);
	r = pst_wish_adopt(FD_WISH, &m->wish);
	if (r)
		return pst_log_err(r, "--managed: the daemon's wish is for posternd to give");
	close(FD_WISH);
	m->control = FD_CONTROL;
	m->answers = FD_ANSWERS;
	m->verdicts = FD_VERDICTS;
	m->legs = FD_LEGS;
	return 0;
}

void pst_managed_close(struct pst_managed *m)
{
	pst_vec_free(&m->askers);
	pst_tally_free((const struct pst_tally **)&m->tally);
	pst_cleanup_fd(&m->control);
	pst_cleanup_fd(&m->answers);
	pst_cleanup_fd(&m->verdicts);
	pst_wish_free(&m->wish);
	pst_cleanup_fd(&m->legs);
	m->control = m->answers = m->verdicts = m->legs = -1;
	pthread_mutex_destroy(&m->asking);
}

struct pst_front *pst_managed_listen(uint32_t place, int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	uint16_t port;

	if (getsockname(fd, (struct sockaddr *)&at, &len)) {
		close(fd);
		return NULL;
	}
	pst_proxy_addr(&at, &port);
	return pst_front_new(fd, place, port);
}

/* What was answered takes room only until it is the larger part. */
static void compact(struct pst_managed *m)
{
	if (m->next < 64 || m->next < m->askers.n / 2)
		return;
	m->askers.n -= m->next;
	memmove(m->askers.v, m->askers.v + m->next, m->askers.n * sizeof(*m->askers.v));
	m->next = 0;
}

/* Under the lock: the order of the questions is that of who has asked. */
static int ask(struct pst_managed *m, uint32_t worker, enum pst_wire_kind kind, int fd)
{
	const struct pst_wire w = {.kind = kind};
	int r;

	if (m->legs < 0)
		return -EPIPE;
	compact(m);
	if (pst_vec_push(&m->askers, worker))
		return -ENOMEM;
	r = pst_wire_send(m->legs, &w, fd);
	if (r)
		m->askers.n--;
	return r;
}

int pst_managed_ask(struct pst_managed *m, uint32_t worker, enum pst_wire_kind kind, int fd)
{
	int r;

	pthread_mutex_lock(&m->asking);
	r = ask(m, worker, kind, fd);
	pthread_mutex_unlock(&m->asking);
	return r;
}

static int answer(struct pst_managed *m, struct pst_wire *w, int *leg, uint32_t *ret_worker)
{
	int r = pst_wire_recv(m->legs, MSG_DONTWAIT, w, leg);
	bool asked = m->next < m->askers.n;

	if (r == -EAGAIN)
		return r;
	/* Without a free descriptor the message came, and the leg did not. */
	if (asked && (!r || r == -EPROTO)) {
		w->error = r ? r : w->error;
		*ret_worker = m->askers.v[m->next++];
		return 0;
	}
	close(PST_TAKE_FD(m->legs));
	return r ? r : -EPROTO; /* an answer that nobody asked for */
}

int pst_managed_answer(struct pst_managed *m, struct pst_wire *ret_wire, int *ret_leg,
		       uint32_t *ret_worker)
{
	int r;

	*ret_wire = (struct pst_wire){.kind = 0};
	*ret_leg = -1;
	pthread_mutex_lock(&m->asking);
	r = answer(m, ret_wire, ret_leg, ret_worker);
	pthread_mutex_unlock(&m->asking);
	if (r)
		pst_cleanup_fd(ret_leg);
	return r;
}
