// SPDX-License-Identifier: Apache-2.0
#include "compiler/rowstore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct pst_port_tail *tails_at(const struct pst_rowstore *s, size_t speech)
{
	return s->tails.v + s->speeches.v[speech].first;
}

/* Some of the tails, as a list of their own. */
static struct pst_port_tails list_of(const struct pst_rowstore *s, size_t first, size_t n)
{
	return (struct pst_port_tails){.v = s->tails.v + first, .n = n};
}

static bool is_speech(const struct pst_rowstore *s, uint32_t speech,
		      const struct pst_port_tails *tails)
{
	const struct pst_rowstore_speech *have = &s->speeches.v[speech];
	const struct pst_port_tails list = list_of(s, have->first, have->n);

	return pst_port_tails_same(&list, tails);
}

static uint64_t hash_at(const void *ctx, size_t number)
{
	const struct pst_rowstore *s = ctx;

	return pst_port_tails_hash(tails_at(s, number), s->speeches.v[number].n);
}

int pst_rowstore_find(struct pst_rowstore *s, size_t n, uint32_t *ret_speech)
{
	const struct pst_port_tails tails = list_of(s, s->tails.n, n);
	const struct pst_rowstore_speech fresh = {(uint32_t)s->tails.n, (uint32_t)n};
	const uint64_t hash = pst_port_tails_hash(tails.v, n);
	uint32_t i;

	if (s->tails.n + n > UINT32_MAX ||
	    pst_buckets_reserve(&s->by_tails, s->speeches.n, hash_at, s))
		return -ENOMEM;
	for (size_t at = hash; (i = pst_buckets_at(&s->by_tails, at)) != PST_BUCKETS_NONE; at++) {
		if (is_speech(s, i, &tails)) {
			*ret_speech = i;
			return 0;
		}
	}
	if (pst_vec_push(&s->speeches, fresh))
		return -ENOMEM;
	s->tails.n += n;
	*ret_speech = (uint32_t)s->speeches.n - 1;
	pst_buckets_add(&s->by_tails, hash, *ret_speech);
	return 0;
}

static struct pst_port_tail tail_of(const struct pst_bundle_entry *e)
{
	return (struct pst_port_tail){
		.prefixlen = e->key.prefixlen,
		.port = (uint16_t)(e->key.port_be[0] << 8 | e->key.port_be[1]),
		.protocol = e->key.protocol,
		.value = e->value,
	};
}

int pst_rowstore_add(struct pst_rowstore *s, const struct pst_bundle_entry *v, size_t n)
{
	size_t end;

	for (size_t i = 0; i < n; i = end) {
		struct pst_rowstore_peer peer = {.id = v[i].key.peer};

		for (end = i; end < n && v[end].key.peer == peer.id; end++)
			;
		if (pst_vec_reserve(&s->tails, s->tails.n + (end - i)))
			return -ENOMEM;
		for (size_t k = i; k < end; k++)
			s->tails.v[s->tails.n + (k - i)] = tail_of(&v[k]);
		if (pst_rowstore_find(s, end - i, &peer.speech) || pst_vec_push(&s->peers, peer))
			return -ENOMEM;
	}
	return 0;
}

static void put(struct pst_bundle_entry *to, const struct pst_policy_key *like, uint32_t peer,
		const struct pst_port_tail *tail)
{
	*to = (struct pst_bundle_entry){
		.key =
			{
				.prefixlen = tail->prefixlen,
				.subject = like->subject,
				.peer = peer,
				.direction = like->direction,
				.protocol = tail->protocol,
				.port_be = {(uint8_t)(tail->port >> 8), (uint8_t)tail->port},
			},
		.value = tail->value,
	};
}

struct pst_bundle_entry *pst_rowstore_write(const struct pst_rowstore *s, size_t first, size_t n,
					    const struct pst_policy_key *like,
					    struct pst_bundle_entry *to)
{
	for (size_t i = first; i < first + n; i++) {
		const struct pst_rowstore_peer *p = &s->peers.v[i];
		const struct pst_port_tail *tails = tails_at(s, p->speech);
		const size_t n_tails = s->speeches.v[p->speech].n;

		for (size_t k = 0; k < n_tails; k++)
			put(to++, like, p->id, &tails[k]);
	}
	return to;
}

void pst_rowstore_seal(struct pst_rowstore *s)
{
	free(s->by_tails.v);
	s->by_tails = (struct pst_buckets){0};
}

void pst_rowstore_fini(struct pst_rowstore *s)
{
	pst_rowstore_seal(s);
	pst_vec_free(&s->peers);
	pst_vec_free(&s->speeches);
	pst_vec_free(&s->tails);
}
