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
#include "enforcer/link.h"

enum {
	FIRST_MS = 20, /* then twice as long each time */
	LATER_MS = 2000,
	TRIES_MS = 60 * 1000, /* after that only when something changes */
	FULL_MS = 1000,	      /* between two readings of what has been read before */
};

struct addrs PST_VEC(struct pst_link_addr);

struct first {
	struct pst_link_addr addr;
	bool is_there;
};

struct home {
	int32_t netns;
	char *name; /* of the pod that it was found to be last, or NULL */
	struct firsts PST_VEC(struct first) first;
	struct addrs granted, due; /* ascending: in the map; to be there */
	bool is_seen, is_checked;
};

/* A pod of the inventory that a home is. */
struct claim {
	const char *name;
	size_t home;
};

struct claims PST_VEC(struct claim);

struct pst_homes {
	struct pst_homes_maps maps;
	int timer_fd;
	bool has_adopted;
	struct list PST_VEC(struct home) list;	     /* ascending by netns */
	struct links PST_VEC(struct pst_link) links; /* as they were last */
	uint64_t due_ms;			     /* 0: the timer is off */
	uint64_t full_ms;			     /* when all were read last */
	uint64_t tries_until_ms;
	unsigned int try_ms;
	bool is_full_due;
};

/* ---- the map ---- */

static struct pst_home_key key_of(const struct home *home, const struct pst_link_addr *addr)
{
	struct pst_home_key key = {.netns = home->netns};

	memcpy(key.addr, addr->b, sizeof(key.addr));
	return key;
}

static int grant(const struct pst_homes *h, const struct home *home,
		 const struct pst_link_addr *addr)
{
	const struct pst_home_key key = key_of(home, addr);
	const uint8_t yes = 1;

	return bpf_map_update_elem(h->maps.homes, &key, &yes, BPF_ANY) ? -errno : 0;
}

static void take_back(const struct pst_homes *h, const struct home *home,
		      const struct pst_link_addr *addr)
{
	const struct pst_home_key key = key_of(home, addr);

	bpf_map_delete_elem(h->maps.homes, &key);
}

static void describe(const struct home *home, struct pst_device *ret_device)
{
	const size_t n = home->granted.n;

	*ret_device = (struct pst_device){.netns = home->netns, .is_checked = home->is_checked};
	if (!home->is_checked)
		return;
	/* They ascend: the first is of IPv4 where there is one, and the last of IPv6. */
	memcpy(ret_device->own[0], home->granted.v[0].b, sizeof(ret_device->own[0]));
	memcpy(ret_device->own[1], home->granted.v[n - 1].b, sizeof(ret_device->own[1]));
}

/* Those that are not in the map yet come there with this. */
static void show(const struct pst_homes *h, const struct home *home)
{
	struct pst_device device;

	describe(home, &device);
	for (size_t i = 0; i < h->links.n; i++)
		if (h->links.v[i].peer_netns == home->netns)
			bpf_map_update_elem(h->maps.devices, &h->links.v[i].index, &device,
					    BPF_EXIST);
}

/* Nobody is checked by half of what he may. */
static void take_all_back(const struct pst_homes *h, struct home *home)
{
	home->is_checked = false;
	show(h, home);
	for (size_t i = 0; i < home->granted.n; i++)
		take_back(h, home, &home->granted.v[i]);
	home->granted.n = 0;
}

static int cmp_addr(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_link_addr));
}

static bool has(const struct addrs *addrs, const struct pst_link_addr *addr)
{
	return addrs->n && bsearch(addr, addrs->v, addrs->n, sizeof(*addrs->v), cmp_addr);
}

/* What is due is in the map before anything is checked by it. */
static int grant_due(const struct pst_homes *h, struct home *home)
{
	const size_t known = home->granted.n;
	int r = 0;

	for (size_t i = 0; !r && i < home->due.n; i++) {
		const struct addrs before = {.v = home->granted.v, .n = known};

		if (has(&before, &home->due.v[i]))
			continue;
		r = grant(h, home, &home->due.v[i]);
		if (!r)
			r = pst_vec_push(&home->granted, home->due.v[i]);
	}
	if (home->granted.n)
		qsort(home->granted.v, home->granted.n, sizeof(*home->granted.v), cmp_addr);
	return r;
}

/* What the devices know themselves goes before. */
static int take_others_back(const struct pst_homes *h, struct home *home)
{
	struct addrs others = {0};
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; !r && i < home->granted.n; i++)
		if (!has(&home->due, &home->granted.v[i]))
			r = pst_vec_push(&others, home->granted.v[i]);
	for (size_t i = 0; !r && i < home->granted.n; i++)
		if (has(&home->due, &home->granted.v[i]))
			home->granted.v[kept++] = home->granted.v[i];
	if (!r) {
		home->granted.n = kept;
		show(h, home);
	}
	for (size_t i = 0; !r && i < others.n; i++)
		take_back(h, home, &others.v[i]);
	pst_vec_free(&others);
	return r;
}

/* ONLY: what is not due goes. */
static void apply(const struct pst_homes *h, struct home *home, bool only)
{
	const size_t before = home->granted.n;
	const bool is_new = !home->is_checked;
	int r;

	if (!home->due.n) {
		if (only && home->granted.n)
			take_all_back(h, home);
		return;
	}
	r = grant_due(h, home);
	if (!r) {
		home->is_checked = true;
		r = only ? take_others_back(h, home) : 0;
	}
	if (r) {
		take_all_back(h, home);
		pst_log_err(r, "cannot tell the kernel where %s sends from: not checked",
			    home->name ? home->name : "a pod");
		return;
	}
	if (home->granted.n != before || is_new)
		show(h, home);
}

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
static int claim_first(struct home *home, size_t index, const struct pst_bundle *b,
		       struct claims *claims)
{
	int r = 0;

	for (size_t i = 0; !r && i < home->first.n; i++) {
		const struct first *f = &home->first.v[i];
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
		struct home *home = &h->list.v[i];
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

static int take_name(struct home *home, const char *name)
{
	char *copy;

	if (home->name && !strcmp(home->name, name))
		return 0;
	copy = pst_mem_strndup(name, strlen(name));
	if (!copy)
		return -ENOMEM;
	free(home->name);
	home->name = copy;
	return 0;
}

/* A name that is claimed and has no address is no pod's any more: it is kept until there is one. */
static int take_names(struct pst_homes *h, const struct claims *claims)
{
	int r = 0;

	for (size_t i = 0; !r && i < claims->n; i++) {
		struct home *home = &h->list.v[claims->v[i].home];

		if (home->due.n)
			r = take_name(home, claims->v[i].name);
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
		struct home *home = &h->list.v[i];

		if (home->due.n)
			qsort(home->due.v, home->due.n, sizeof(*home->due.v), cmp_addr);
		apply(h, home, only);
	}
	pst_vec_free(&claims);
	if (r)
		pst_log_err(
			r,
			"cannot tell which pods are behind devices: their sources stay as they were");
}

/* ---- what homes have ---- */

/* The first addresses that there are, and from then on which of them are still there. */
static void read_home(struct home *home)
{
	pst_auto_free struct pst_link_addr *v = NULL;
	struct addrs now = {0};
	bool is_first = !home->first.n;

	if (pst_link_addrs(home->netns, &v, &now.n))
		return; /* the namespace is going */
	now.v = v;
	if (now.n)
		qsort(now.v, now.n, sizeof(*now.v), cmp_addr);
	for (size_t i = 0; is_first && i < now.n; i++) {
		if (pst_vec_push(&home->first, (struct first){.addr = now.v[i]})) {
			home->first.n = 0;
			return; /* tried again */
		}
	}
	for (size_t i = 0; i < home->first.n; i++)
		home->first.v[i].is_there = has(&now, &home->first.v[i].addr);
}

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
		is_waiting |= !h->list.v[i].first.n;
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
		if (full || !h->list.v[i].first.n)
			read_home(&h->list.v[i]);
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
	const int32_t x = ((const struct home *)a)->netns, y = ((const struct home *)b)->netns;

	return (x > y) - (x < y);
}

static struct home *find_home(const struct pst_homes *h, int32_t netns)
{
	const struct home key = {.netns = netns};

	return h->list.n ? bsearch(&key, h->list.v, h->list.n, sizeof(key), cmp_home) : NULL;
}

static int cmp_link(const void *a, const void *b)
{
	const uint32_t x = ((const struct pst_link *)a)->index;
	const uint32_t y = ((const struct pst_link *)b)->index;

	return (x > y) - (x < y);
}

static bool was_there(const struct pst_homes *h, const struct pst_link *link)
{
	const struct pst_link *before =
		h->links.n ? bsearch(link, h->links.v, h->links.n, sizeof(*link), cmp_link) : NULL;

	return before && before->peer_netns == link->peer_netns;
}

static void forget(struct pst_homes *h, struct home *home)
{
	take_all_back(h, home);
	free(home->name);
	pst_vec_free(&home->first);
	pst_vec_free(&home->granted);
	pst_vec_free(&home->due);
}

/* A home ends with the last of its devices, and its number may then be another's. */
static void forget_gone(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->list.n; i++)
		h->list.v[i].is_seen = false;
	for (size_t i = 0; i < n; i++) {
		struct home *home = find_home(h, links[i].peer_netns);

		if (home && was_there(h, &links[i]))
			home->is_seen = true;
	}
	for (size_t i = 0; i < h->list.n; i++) {
		if (h->list.v[i].is_seen)
			h->list.v[kept++] = h->list.v[i];
		else
			forget(h, &h->list.v[i]);
	}
	h->list.n = kept;
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
			r = pst_vec_push(&h->list, (struct home){.netns = numbers.v[i]});
	if (h->list.n)
		qsort(h->list.v, h->list.n, sizeof(*h->list.v), cmp_home);
	pst_vec_free(&numbers);
	return r;
}

/* ---- what an earlier daemon has left ---- */

static void adopt_key(struct pst_homes *h, const struct pst_home_key *key)
{
	struct home *home = find_home(h, key->netns);
	struct first first = {.is_there = true};

	memcpy(first.addr.b, key->addr, sizeof(first.addr.b));
	if (!home || !home->is_seen || pst_vec_push(&home->first, first) ||
	    pst_vec_push(&home->granted, first.addr))
		bpf_map_delete_elem(h->maps.homes, key);
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

/* Devices that lead where they led have never stopped to do so. */
static int adopt(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	pst_auto_free struct pst_home_key *keys = NULL;
	size_t n_keys = 0;
	int r = list_keys(h->maps.homes, &keys, &n_keys);

	for (size_t i = 0; i < n; i++) {
		struct home *home = find_home(h, links[i].peer_netns);
		struct pst_device device;

		if (home && !bpf_map_lookup_elem(h->maps.devices, &links[i].index, &device))
			home->is_seen |= device.netns == links[i].peer_netns && device.is_checked;
	}
	for (size_t i = 0; i < n_keys; i++)
		adopt_key(h, &keys[i]);
	for (size_t i = 0; i < h->list.n; i++) {
		struct addrs *granted = &h->list.v[i].granted;

		if (granted->n)
			qsort(granted->v, granted->n, sizeof(*granted->v), cmp_addr);
		h->list.v[i].is_checked = granted->n > 0;
	}
	return r;
}

int pst_homes_links(struct pst_homes *h, const struct pst_link *links, size_t n)
{
	const uint64_t now = pst_clock_ms();
	bool has_new = false;
	int r;

	forget_gone(h, links, n);
	r = add_new(h, links, n, &has_new);
	if (!h->has_adopted)
		r = r ? r : adopt(h, links, n);
	h->has_adopted = true;
	h->links.n = 0;
	for (size_t i = 0; !r && i < n; i++)
		r = pst_vec_push(&h->links, links[i]);
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

void pst_homes_device(const struct pst_homes *h, int32_t netns, struct pst_device *ret_device)
{
	const struct home *home = find_home(h, netns);

	*ret_device = (struct pst_device){.netns = netns};
	if (home)
		describe(home, ret_device);
}

int pst_homes_new(const struct pst_homes_maps *maps, struct pst_homes **ret_homes)
{
	struct pst_homes *h = pst_mem_calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->maps = *maps;
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
		struct home *home = &(*h)->list.v[i];

		free(home->name);
		pst_vec_free(&home->first);
		pst_vec_free(&home->granted);
		pst_vec_free(&home->due);
	}
	pst_vec_free(&(*h)->list);
	pst_vec_free(&(*h)->links);
	pst_cleanup_fd(&(*h)->timer_fd);
	free(*h);
	*h = NULL;
}
