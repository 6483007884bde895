// SPDX-License-Identifier: Apache-2.0
#include "enforcer/homes.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/bundle.h"
#include "enforcer/clock.h"
#include "enforcer/home.h"
#include "enforcer/link.h"

enum {
	FIRST_MS = 20, /* then twice as long each time */
	LATER_MS = 2000,
	TRIES_MS = 60 * 1000, /* after that only when something changes */
	FULL_MS = 1000,	      /* between two readings of what has been read before */
};

/* A pod of the inventory that a home is. */
struct claim {
	const char *name;
	size_t home;
};

struct claims PST_VEC(struct claim);

struct pst_homes {
	struct pst_home_kernel kernel;
	int timer_fd;
	bool has_adopted;
	struct list PST_VEC(struct pst_home) list; /* ascending by netns */
	uint64_t due_ms;			   /* 0: the timer is off */
	uint64_t full_ms;			   /* when all were read last */
	uint64_t tries_until_ms;
	unsigned int try_ms;
	bool is_full_due;
};

/* ---- who is at home ---- */

static int cmp_key(const void *key, const void *entry)
{
	const struct pst_bundle_addr *a = entry;
	int r = memcmp(key, a->addr, sizeof(a->addr));

	return r ? r : 128 - (int)a->prefix;
}

static bool is_endpoint(const struct pst_bundle_addr *a)
{
	return a->prefix == 128 && a->value.flags & PST_ADDR_ENDPOINT;
}

/* The endpoint with ADDR, or NULL. */
static const struct pst_bundle_addr *find_endpoint(const struct pst_bundle *b,
						   const struct pst_link_addr *addr)
{
	const struct pst_bundle_addr *a =
		b->n_addrs ? bsearch(addr->b, b->addrs, b->n_addrs, sizeof(*b->addrs), cmp_key)
			   : NULL;

	return a && is_endpoint(a) ? a : NULL;
}

/* What was never found to be anybody may be who had its addresses, also where they are gone. */
static int claim_first(struct pst_home *home, size_t index, const struct pst_bundle *b,
		       struct claims *claims)
{
	int r = 0;

	for (size_t i = 0; !r && i < home->first.n; i++) {
		const struct pst_home_first *f = &home->first.v[i];
		const struct pst_bundle_addr *a =
			f->is_there || !home->name ? find_endpoint(b, &f->addr) : NULL;

		if (a && a->name)
			r = pst_vec_push(claims, (struct claim){a->name, index});
		else if (a)
			r = pst_vec_push(&home->due, f->addr);
	}
	return r;
}

static int claim(struct pst_homes *h, const struct pst_bundle *b, struct claims *claims)
{
	int r = 0;

	for (size_t i = 0; !r && i < h->list.n; i++) {
		struct pst_home *home = &h->list.v[i];
		const size_t before = claims->n;

		home->due.n = 0;
		r = claim_first(home, i, b, claims);
		if (!r && claims->n == before && !home->due.n && home->name)
			r = pst_vec_push(claims, (struct claim){home->name, i});
	}
	return r;
}

static int cmp_claim(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->home > y->home) - (x->home < y->home);
}

static size_t lower_bound(const struct claims *claims, const char *name)
{
	size_t low = 0, high = claims->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (strcmp(claims->v[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* All addresses of a pod are due at the homes that claim it. Those of a bundle ascend. */
static int collect(struct pst_homes *h, const struct pst_bundle *b, const struct claims *claims)
{
	int r = 0;

	for (size_t i = 0; !r && i < b->n_addrs; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];
		struct pst_link_addr addr;

		if (!a->name || !is_endpoint(a))
			continue;
		memcpy(addr.b, a->addr, sizeof(addr.b));
		for (size_t k = lower_bound(claims, a->name);
		     !r && k < claims->n && !strcmp(claims->v[k].name, a->name); k++) {
			if (!k || cmp_claim(&claims->v[k - 1], &claims->v[k]))
				r = pst_vec_push(&h->list.v[claims->v[k].home].due, addr);
		}
	}
	return r;
}

/* A name that is claimed and has no address is no pod's any more: it is kept until there is one. */
static int take_names(struct pst_homes *h, const struct claims *claims)
{
	int r = 0;

	for (size_t i = 0; !r && i < claims->n; i++) {
		struct pst_home *home = &h->list.v[claims->v[i].home];

		if (home->due.n)
			r = pst_home_take_name(home, claims->v[i].name);
	}
	return r;
}

static void settle(struct pst_homes *h, const struct pst_bundle *b, bool only)
{
	struct claims claims = {0};
	int r = claim(h, b, &claims);

	if (claims.n)
		qsort(claims.v, claims.n, sizeof(*claims.v), cmp_claim);
	if (!r)
		r = collect(h, b, &claims);
	if (!r)
		r = take_names(h, &claims);
	for (size_t i = 0; !r && i < h->list.n; i++) {
		struct pst_home *home = &h->list.v[i];

		if (home->due.n)
			qsort(home->due.v, home->due.n, sizeof(*home->due.v), pst_home_addr_cmp);
		pst_home_apply(&h->kernel, home, only);
	}
	pst_vec_free(&claims);
	if (r)
		pst_log_err(
			r,
			"cannot tell which pods are behind devices: their sources stay as they were");
}

/* ---- what homes have ---- */

static void set_due(struct pst_homes *h, uint64_t now, unsigned int ms)
{
	const struct itimerspec t = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L}};

	if (h->due_ms && h->due_ms <= now + ms)
		return;
	h->due_ms = now + ms;
	timerfd_settime(h->timer_fd, 0, &t, NULL);
}

static void plan(struct pst_homes *h, uint64_t now)
{
	bool is_waiting = false;

	for (size_t i = 0; i < h->list.n; i++)
		is_waiting |= !pst_home_is_read(&h->list.v[i]);
	if (is_waiting && now < h->tries_until_ms) {
		set_due(h, now, h->try_ms);
		h->try_ms = h->try_ms * 2 < LATER_MS ? h->try_ms * 2 : LATER_MS;
	}
	if (h->is_full_due)
		set_due(h, now,
			(unsigned int)(h->full_ms + FULL_MS > now ? h->full_ms + FULL_MS - now
								  : 1));
}

void pst_homes_look(struct pst_homes *h, const struct pst_bundle *bundle)
{
	const uint64_t now = pst_clock_ms();
	const bool full = now >= h->full_ms + FULL_MS;

	for (size_t i = 0; i < h->list.n; i++)
		if (full || !pst_home_is_read(&h->list.v[i]))
			pst_home_read(&h->list.v[i]);
	if (full) {
		h->full_ms = now;
		h->is_full_due = false;
	}
	settle(h, bundle, true);
	plan(h, now);
}

void pst_homes_know(struct pst_homes *h, const struct pst_bundle *bundle)
{
	settle(h, bundle, false);
	h->is_full_due = true;
	plan(h, pst_clock_ms());
}

/* ---- which homes there are ---- */

static int cmp_home(const void *a, const void *b)
{
	const int32_t x = ((const struct pst_home *)a)->netns,
		      y = ((const struct pst_home *)b)->netns;

	return (x > y) - (x < y);
}

static struct pst_home *find_home(const struct pst_homes *h, int32_t netns)
{
	const struct pst_home key = {.netns = netns};

	return h->list.n ? bsearch(&key, h->list.v, h->list.n, sizeof(key), cmp_home) : NULL;
}

static int cmp_link(const void *a, const void *b)
{
	const uint32_t x = ((const struct pst_link *)a)->index;
	const uint32_t y = ((const struct pst_link *)b)->index;

	return (x > y) - (x < y);
}

/* The same device as it was last, or NULL. */
static const struct pst_link *find_link(const struct pst_homes *h, const struct pst_link *link)
{
	return h->kernel.links.n ? bsearch(link, h->kernel.links.v, h->kernel.links.n,
					   sizeof(*link), cmp_link)
				 : NULL;
}

/*
 * Who has the rights takes a device along into a namespace that he has made. It was given to the
 * pod all the same, and whatever else is there was not.
 */
static int add_moved(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		const struct pst_link *before = find_link(h, &links[i]);
		struct pst_home moved = {.netns = links[i].peer_netns};
		const struct pst_home *from;

		if (!before || before->peer_netns == moved.netns || find_home(h, moved.netns))
			continue;
		from = find_home(h, before->peer_netns);
		if (!from || !pst_home_is_read(from))
			continue;
		pst_home_inherit(&h->kernel, &moved, from);
		moved.is_seen = true;
		r = pst_vec_push(&h->list, moved);
		qsort(h->list.v, h->list.n, sizeof(*h->list.v), cmp_home);
	}
	return r;
}

/* A home ends with the last of its devices, and its number may then be another's. */
static int forget_gone(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	size_t kept = 0;
	int r;

	for (size_t i = 0; i < h->list.n; i++)
		h->list.v[i].is_seen = false;
	for (size_t i = 0; i < n; i++) {
		struct pst_home *home = find_home(h, links[i].peer_netns);
		const struct pst_link *before = find_link(h, &links[i]);

		if (home && before && before->peer_netns == home->netns)
			home->is_seen = true;
	}
	r = add_moved(h, links, n);
	for (size_t i = 0; i < h->list.n; i++) {
		if (h->list.v[i].is_seen)
			h->list.v[kept++] = h->list.v[i];
		else
			pst_home_forget(&h->kernel, &h->list.v[i]);
	}
	h->list.n = kept;
	return r;
}

static int cmp_number(const void *a, const void *b)
{
	const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* True in *RET_NEW: there are some that were not there before. */
static int add_new(struct pst_homes *h, const struct pst_link *links, size_t n, bool *ret_new)
{
	struct numbers PST_VEC(int32_t) numbers = {0};
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		if (!find_home(h, links[i].peer_netns))
			r = pst_vec_push(&numbers, links[i].peer_netns);
	if (numbers.n)
		qsort(numbers.v, numbers.n, sizeof(*numbers.v), cmp_number);
	*ret_new = numbers.n > 0;
	for (size_t i = 0; !r && i < numbers.n; i++)
		if (!i || numbers.v[i] != numbers.v[i - 1])
			r = pst_vec_push(&h->list, (struct pst_home){.netns = numbers.v[i]});
	if (h->list.n)
		qsort(h->list.v, h->list.n, sizeof(*h->list.v), cmp_home);
	pst_vec_free(&numbers);
	return r;
}

/* ---- what an earlier daemon has left ---- */

/* A device that leads elsewhere than it did. */
struct move {
	int32_t from, to;
};

struct moves PST_VEC(struct move);

static int take_key(struct pst_home *home, const struct pst_home_key *key)
{
	struct pst_home_first first = {.is_there = true};

	memcpy(first.addr.b, key->addr, sizeof(first.addr.b));
	return pst_vec_push(&home->first, first) || pst_vec_push(&home->granted, first.addr);
}

/* It was never another's while there was no daemon, as if there had been one (add_moved()). */
static void follow(struct pst_homes *h, const struct pst_home_key *key, const struct moves *moves)
{
	struct pst_home_key moved = *key;
	const uint8_t yes = 1;

	for (size_t i = 0; i < moves->n; i++) {
		struct pst_home *home = find_home(h, moves->v[i].to);

		moved.netns = moves->v[i].to;
		if (moves->v[i].from != key->netns || home->is_seen)
			continue;
		if (bpf_map_update_elem(h->kernel.maps.homes, &moved, &yes, BPF_ANY))
			continue; /* it may send from less */
		if (take_key(home, key))
			bpf_map_delete_elem(h->kernel.maps.homes, &moved);
		else
			home->is_cut = false;
	}
}

static void adopt_key(struct pst_homes *h, const struct pst_home_key *key,
		      const struct moves *moves)
{
	struct pst_home *home = find_home(h, key->netns);

	follow(h, key, moves);
	if (home && home->is_seen)
		home->is_cut = false;
	if (!home || !home->is_seen || take_key(home, key))
		bpf_map_delete_elem(h->kernel.maps.homes, key);
}

static int list_keys(int map, struct pst_home_key **ret_keys, size_t *ret_n)
{
	struct keys PST_VEC(struct pst_home_key) keys = {0};
	struct pst_home_key key;
	int r = 0;

	while (!r && !bpf_map_get_next_key(map, keys.n ? &keys.v[keys.n - 1] : NULL, &key))
		r = pst_vec_push(&keys, key);
	if (r) {
		pst_vec_free(&keys);
		return r;
	}
	*ret_keys = keys.v;
	*ret_n = keys.n;
	return 0;
}

/*
 * Devices that lead where they led have never stopped to do so, and the others were taken along.
 * Who was checked and has nothing in the map may send as nobody.
 */
static int adopt_links(struct pst_homes *h, const struct pst_link *links, size_t n,
		       struct moves *moves)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		struct pst_home *home = find_home(h, links[i].peer_netns);
		struct pst_device device;

		if (!home ||
		    bpf_map_lookup_elem(h->kernel.maps.devices, &links[i].index, &device) ||
		    !device.is_checked)
			continue;
		home->is_cut = true;
		if (device.netns == home->netns)
			home->is_seen = true;
		else
			r = pst_vec_push(moves, (struct move){device.netns, home->netns});
	}
	return r;
}

static int adopt(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	pst_auto_free struct pst_home_key *keys = NULL;
	struct moves moves = {0};
	size_t n_keys = 0;
	int r = list_keys(h->kernel.maps.homes, &keys, &n_keys);

	r = r ? r : adopt_links(h, links, n, &moves);
	for (size_t i = 0; i < n_keys; i++)
		adopt_key(h, &keys[i], &moves);
	pst_vec_free(&moves);
	for (size_t i = 0; i < h->list.n; i++) {
		struct pst_home_addrs *granted = &h->list.v[i].granted;

		if (granted->n)
			qsort(granted->v, granted->n, sizeof(*granted->v), pst_home_addr_cmp);
		h->list.v[i].is_checked = granted->n > 0 || h->list.v[i].is_cut;
	}
	return r;
}

int pst_homes_links(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	const uint64_t now = pst_clock_ms();
	bool has_new = false;
	int r;

	r = forget_gone(h, links, n);
	r = r ? r : add_new(h, links, n, &has_new);
	if (!h->has_adopted)
		r = r ? r : adopt(h, links, n);
	h->has_adopted = true;
	h->kernel.links.n = 0;
	for (size_t i = 0; !r && i < n; i++)
		r = pst_vec_push(&h->kernel.links, links[i]);
	if (has_new) {
		h->try_ms = FIRST_MS;
		h->tries_until_ms = now + TRIES_MS;
		plan(h, now);
	}
	return r;
}

/* ---- the whole ---- */

int pst_homes_fd(const struct pst_homes *h)
{
	return h->timer_fd;
}

void pst_homes_dispatch(struct pst_homes *h, const struct pst_bundle *bundle)
{
	uint64_t times;

	if (read(h->timer_fd, &times, sizeof(times)) != sizeof(times))
		return;
	h->due_ms = 0;
	if (bundle)
		pst_homes_look(h, bundle);
}

size_t pst_homes_count(const struct pst_homes *h, size_t *ret_unchecked)
{
	size_t checked = 0;

	for (size_t i = 0; i < h->list.n; i++)
		checked += h->list.v[i].is_checked;
	*ret_unchecked = h->list.n - checked;
	return checked;
}

size_t pst_homes_big(const struct pst_homes *h)
{
	size_t big = 0;

	for (size_t i = 0; i < h->list.n; i++)
		big += h->list.v[i].is_big;
	return big;
}

void pst_homes_device(const struct pst_homes *h, int32_t netns, struct pst_device *ret_device)
{
	const struct pst_home *home = find_home(h, netns);

	*ret_device = (struct pst_device){.netns = netns};
	if (home)
		pst_home_describe(home, ret_device);
}

int pst_homes_new(const struct pst_homes_maps *maps, struct pst_homes **ret_homes)
{
	struct pst_homes *h = pst_mem_calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->kernel.maps = *maps;
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->timer_fd < 0) {
		int r = pst_log_err(-errno, "cannot make a timer");

		free(h);
		return r;
	}
	*ret_homes = h;
	return 0;
}

void pst_homes_free(struct pst_homes **h)
{
	if (!*h)
		return;
	for (size_t i = 0; i < (*h)->list.n; i++) {
		pst_home_fini(&(*h)->list.v[i]);
	}
	pst_vec_free(&(*h)->list);
	pst_vec_free(&(*h)->kernel.links);
	pst_cleanup_fd(&(*h)->timer_fd);
	free(*h);
	*h = NULL;
}
