// SPDX-License-Identifier: Apache-2.0
#include "proxy/mail.h"

#include "base/cleanup.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int pst_mailbox_init(struct pst_mailbox *m)
{
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0)
		return -errno;
	pthread_mutex_init(&m->lock, NULL);
	return 0;
}

void pst_mailbox_fini(struct pst_mailbox *m)
{
	if (m->fd < 0)
		return;
	for (size_t i = 0; i < m->in.mails.n; i++) {
		pst_cleanup_fd(&m->in.mails.v[i].fd);
		pst_front_unref(&m->in.mails.v[i].front);
	}
	pst_vec_free(&m->in.mails);
	pst_proxy_policy_unref(&m->in.policy);
	pthread_mutex_destroy(&m->lock);
	close(PST_TAKE_FD(m->fd));
}

/* Under the lock. */
static void wake(struct pst_mailbox *m, uint64_t now_ms)
{
	const uint64_t one = 1;

	if (m->since_ms)
		return;
	m->since_ms = now_ms;
	/* It can only fail when it is readable already. */
	if (write(m->fd, &one, sizeof(one)) < 0)
		return;
}

int pst_mailbox_post(struct pst_mailbox *m, const struct pst_mail *mail, uint64_t now_ms)
{
	int r;

	pthread_mutex_lock(&m->lock);
	r = pst_vec_push(&m->in.mails, *mail);
	if (!r)
		wake(m, now_ms);
	pthread_mutex_unlock(&m->lock);
	return r;
}

void pst_mailbox_post_policy(struct pst_mailbox *m, struct pst_proxy_policy *policy,
			     uint64_t now_ms)
{
	pthread_mutex_lock(&m->lock);
	pst_proxy_policy_unref(&m->in.policy);
	m->in.policy = policy;
	wake(m, now_ms);
	pthread_mutex_unlock(&m->lock);
}

void pst_mailbox_post_end(struct pst_mailbox *m, uint64_t now_ms)
{
	pthread_mutex_lock(&m->lock);
	m->in.end = true;
	wake(m, now_ms);
	pthread_mutex_unlock(&m->lock);
}

void pst_mailbox_take(struct pst_mailbox *m, struct pst_mail_taken *ret_taken)
{
	struct pst_mail_taken empty = *ret_taken;
	uint64_t times;

	empty.policy = NULL;
	empty.end = false;
	pthread_mutex_lock(&m->lock);
	*ret_taken = m->in;
	m->in = empty;
	m->since_ms = 0;
	if (read(m->fd, &times, sizeof(times)) < 0)
		times = 0; /* woken before, and nothing came since */
	pthread_mutex_unlock(&m->lock);
}
