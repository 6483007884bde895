// SPDX-License-Identifier: Apache-2.0
#include "enforcer/learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/abi.h"

void pst_learned_fini(struct pst_learned *l)
{
	pst_vec_free(l);
}

bool pst_learned_has(const struct pst_learned *l, const uint8_t addr[16])
{
	for (size_t i = 0; i < l->n; i++) {
		if (!memcmp(l->v[i].b, addr, sizeof(l->v[i].b)))
			return true;
	}
	return false;
}

static int cmp_addr(const void *a, const void *b)
{
	const struct pst_bundle_addr *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	return order ? order : (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

bool pst_learned_is_endpoint(const struct pst_bundle *b, const uint8_t addr[16])
{
	struct pst_bundle_addr key = {.prefix = 128};
	const struct pst_bundle_addr *found;

	memcpy(key.addr, addr, sizeof(key.addr));
	found = b->n_addrs ? bsearch(&key, b->addrs, b->n_addrs, sizeof(key), cmp_addr) : NULL;
	return found && found->value.flags & PST_ADDR_ENDPOINT;
}

int pst_learned_add(struct pst_learned *l, const uint8_t addr[16])
{
	struct pst_learned_addr a;

	if (pst_learned_has(l, addr))
		return 0;
	if (l->n >= PST_HTTP2_SERVERS)
		return -ENOSPC;
	memcpy(a.b, addr, sizeof(a.b));
	return pst_vec_push(l, a);
}

void pst_learned_keep(struct pst_learned *l, const struct pst_bundle *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (pst_learned_is_endpoint(b, l->v[i].b))
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
}
