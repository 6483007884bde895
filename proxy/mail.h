/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What threads tell a worker: it is woken by a descriptor and takes everything at once. What an
 * entry holds (a descriptor, a reference) goes over to the box, and from there to who takes it.
 */

#include "base/vec.h"
#include "enforcer/wire.h"
#include "proxy/front.h"
#include "proxy/policy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum pst_mail_kind {
	PST_MAIL_CONN,	 /* FD was accepted at a front with PORT, FROM there */
	PST_MAIL_ANSWER, /* of the helper: WIRE, with FD */
	PST_MAIL_LISTEN, /* FRONT */
	PST_MAIL_FORGET, /* the fronts of PLACE */
};

struct pst_mail {
	enum pst_mail_kind kind;
	int fd; /* -1: none */
	struct sockaddr_storage from;
	uint16_t port;
	uint32_t place;
	struct pst_front *front;
	struct pst_wire wire;
};

struct pst_mails PST_VEC(struct pst_mail);

/* What was in a box. */
struct pst_mail_taken {
	struct pst_mails mails;
	struct pst_proxy_policy *policy; /* to be in force; NULL: as before */
	bool end;			 /* no further connections */
};

struct pst_mailbox {
	pthread_mutex_t lock;
	struct pst_mail_taken in;
	int fd; /* readable when there is something */
	/* Since when something lies there that its owner has not taken; 0: nothing does. */
	atomic_uint_least64_t since_ms;
};

/* 0 or -errno. */
int pst_mailbox_init(struct pst_mailbox *m);
void pst_mailbox_fini(struct pst_mailbox *m);

/* 0; -ENOMEM: MAIL is the caller's still. */
int pst_mailbox_post(struct pst_mailbox *m, const struct pst_mail *mail, uint64_t now_ms);

/* These never fail. A policy that was not taken yet is replaced. */
void pst_mailbox_post_policy(struct pst_mailbox *m, struct pst_proxy_policy *policy,
			     uint64_t now_ms);
void pst_mailbox_post_end(struct pst_mailbox *m, uint64_t now_ms);

/* Everything; RET_TAKEN's list, which must be empty, is swapped for the box's. */
void pst_mailbox_take(struct pst_mailbox *m, struct pst_mail_taken *ret_taken);
