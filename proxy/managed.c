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

enum { FD_CONTROL = 3, FD_LEGS = 4 };

static int adopt(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_NONBLOCK))
		return pst_log_err(-errno, "--managed: descriptor %d is for posternd to give", fd);
	return 0;
}

int pst_managed_open(struct pst_managed *m)
{
	int r = adopt(FD_CONTROL);

	if (!r)
		r = adopt(FD_LEGS);
	if (r)
		return r;
	m->control = FD_CONTROL;
	m->legs = FD_LEGS;
	return 0;
}

void pst_managed_close(struct pst_managed *m)
{
	pst_managed_forget_all(m);
	pst_vec_free(&m->listeners);
	for (size_t i = m->next; i < m->waiting.n; i++)
		pst_cleanup_fd(&m->waiting.v[i].fd);
	pst_vec_free(&m->waiting);
	pst_cleanup_fd(&m->control);
	pst_cleanup_fd(&m->legs);
	m->control = m->legs = -1;
}

struct pst_front *pst_managed_listen(struct pst_managed *m, uint32_t place, int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	struct pst_front *l = pst_mem_calloc(1, sizeof(*l));

	if (!l || getsockname(fd, (struct sockaddr *)&at, &len) || pst_vec_push(&m->listeners, l)) {
		free(l);
		close(fd);
		return NULL;
	}
	pst_proxy_addr(&at, &l->port);
	l->fd = fd;
	l->place = place;
	return l;
}

static void forget(struct pst_managed *m, size_t i)
{
	close(m->listeners.v[i]->fd);
	free(m->listeners.v[i]);
	m->listeners.v[i] = m->listeners.v[--m->listeners.n];
}

void pst_managed_forget(struct pst_managed *m, uint32_t place)
{
	for (size_t i = m->listeners.n; i-- > 0;) {
		if (m->listeners.v[i]->place == place)
			forget(m, i);
	}
}

void pst_managed_forget_all(struct pst_managed *m)
{
	while (m->listeners.n)
		forget(m, m->listeners.n - 1);
}

/* What was answered takes room only until it is the larger part. */
static void compact(struct pst_managed *m)
{
	if (m->next < 64 || m->next < m->waiting.n / 2)
		return;
	m->waiting.n -= m->next;
	memmove(m->waiting.v, m->waiting.v + m->next, m->waiting.n * sizeof(*m->waiting.v));
	m->next = 0;
}

static int ask(struct pst_managed *m, uint32_t kind, const struct pst_question_asked *asked, int fd)
{
	const struct pst_wire w = {.kind = kind};
	int r;

	compact(m);
	if (pst_vec_push(&m->waiting, *asked))
		return -ENOMEM;
	r = pst_wire_send(m->legs, &w, fd);
	if (r)
		m->waiting.n--;
	return r;
}

int pst_managed_reach(struct pst_managed *m, struct pst_conn *c)
{
	const struct pst_question_asked asked = {.conn = c, .fd = -1};

	return ask(m, PST_WIRE_LEG, &asked, c->end[PST_CLIENT].fd);
}

int pst_managed_ask_origin(struct pst_managed *m, int fd)
{
	const struct pst_question_asked asked = {.fd = fd};

	return ask(m, PST_WIRE_ORIGIN, &asked, fd);
}

void pst_managed_give_up(struct pst_managed *m, const struct pst_conn *c)
{
	for (size_t i = m->next; i < m->waiting.n; i++) {
		if (m->waiting.v[i].conn == c)
			m->waiting.v[i].conn = NULL;
	}
}

int pst_managed_answer(struct pst_managed *m, struct pst_managed_answer *ret_answer)
{
	const struct pst_question_asked *asked;
	struct pst_wire w = {0};
	pst_auto_fd int leg = -1;
	int r = pst_wire_recv(m->legs, MSG_DONTWAIT, &w, &leg);

	if (!r && m->next == m->waiting.n)
		r = -EPROTO; /* an answer that nobody asked for */
	/* Without a free descriptor the message came, and the leg did not. */
	if (r && (r != -EPROTO || m->next == m->waiting.n))
		return r;
	if (r)
		w.error = r;
	asked = &m->waiting.v[m->next++];
	*ret_answer = (struct pst_managed_answer){
		.conn = asked->conn,
		.fd = asked->fd,
		.error = w.error,
		.client = w.client,
		.server = w.server,
	};
	if (asked->conn)
		pst_conn_reached(asked->conn, w.error ? w.error : PST_TAKE_FD(leg));
	return 0;
}
