// SPDX-License-Identifier: Apache-2.0
#include "enforcer/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Is A inside of P? */
static bool is_inside(const struct pst_bundle_addr *a, const struct pst_host_prefix *p)
{
	const unsigned int bytes = p->len / 8, rest = p->len % 8;

	if (a->prefix < p->len || memcmp(a->addr, p->addr.b, bytes))
		return false;
	return !rest || !((a->addr[bytes] ^ p->addr.b[bytes]) >> (8 - rest));
}

bool pst_handover_is_own(const struct pst_bundle_addr *a, const struct pst_host_prefix *host,
			 size_t n_host)
{
	for (size_t i = 0; i < n_host; i++) {
		if (!(a->value.flags & PST_ADDR_ENDPOINT) && is_inside(a, &host[i]))
			return true;
	}
	return false;
}

static int cmp(const void *a, const void *b)
{
	const struct pst_bundle_addr *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	if (order)
		return order;
	return x->prefix < y->prefix ? -1 : x->prefix > y->prefix;
}

/* An endpoint with the address of the node replaces it. */
static bool is_taken(const struct pst_bundle *b, const struct pst_bundle_addr *own)
{
	const struct pst_bundle_addr *a =
		b->n_addrs ? bsearch(own, b->addrs, b->n_addrs, sizeof(*own), cmp) : NULL;

	return a && a->value.flags & PST_ADDR_ENDPOINT;
}

static bool has_host(const struct pst_bundle *b)
{
	for (size_t i = 0; i < b->n_identities; i++) {
		if (b->identities[i].id == PST_ID_HOST)
			return true;
	}
	return false;
}

/* Fills ADDRS, room for all; how many there are. */
static size_t merge(const struct pst_bundle *b, const struct pst_host_prefix *host, size_t n_host,
		    struct pst_bundle_addr *addrs)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_addrs; i++) {
		if (!pst_handover_is_own(&b->addrs[i], host, n_host))
			addrs[n++] = b->addrs[i];
	}
	for (size_t i = 0; i < n_host; i++) {
		struct pst_bundle_addr own = {
			.prefix = host[i].len,
			.value = {.identity = PST_ID_HOST, .flags = PST_ADDR_HOST},
		};

		memcpy(own.addr, host[i].addr.b, sizeof(own.addr));
		if (!is_taken(b, &own))
			addrs[n++] = own;
	}
	qsort(addrs, n, sizeof(*addrs), cmp);
	/* An address may be on two interfaces. */
	for (size_t i = 1; i < n; i++) {
		if (cmp(&addrs[i - 1], &addrs[i]))
			continue;
		memmove(&addrs[i], &addrs[i + 1], (n - i - 1) * sizeof(*addrs));
		i--;
		n--;
	}
	return n;
}

static int write_memfd(const struct pst_bundle *b)
{
	pst_auto_fd int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	pst_auto_file FILE *out = NULL;
	int copy = fd < 0 ? -1 : dup(fd), r;

	if (copy < 0)
		return -errno;
	out = fdopen(copy, "w");
	if (!out) {
		r = -errno;
		close(copy);
		return r;
	}
	r = pst_bundle_write(b, out);
	if (!r && (fflush(out) || fcntl(fd, F_ADD_SEALS, SEALS)))
		r = -errno;
	return r ? r : PST_TAKE_FD(fd);
}

int pst_handover_write(const struct pst_bundle *b, const struct pst_host_prefix *host,
		       size_t n_host)
{
	struct pst_bundle with_host = *b;
	pst_auto_free struct pst_bundle_addr *addrs =
		pst_mem_calloc(b->n_addrs + n_host + 1, sizeof(*addrs));

	if (!addrs)
		return -ENOMEM;
	if (!has_host(b))
		return -EINVAL;
	with_host.addrs = addrs;
	with_host.n_addrs = merge(b, host, n_host, addrs);
	return write_memfd(&with_host);
}
