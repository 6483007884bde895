// SPDX-License-Identifier: Apache-2.0
#include "enforcer/home.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "bpf/abi.h"

static struct pst_home_key key_of(const struct pst_home *home, const struct pst_link_addr *addr)
{
	struct pst_home_key key = {.netns = home->netns};

	memcpy(key.addr, addr->b, sizeof(key.addr));
	return key;
}

static int grant(const struct pst_home_kernel *k, const struct pst_home *home,
		 const struct pst_link_addr *addr)
{
	const struct pst_home_key key = key_of(home, addr);
	const uint8_t yes = 1;

	return bpf_map_update_elem(k->maps.homes, &key, &yes, BPF_ANY) ? -errno : 0;
}

static void take_back(const struct pst_home_kernel *k, const struct pst_home *home,
		      const struct pst_link_addr *addr)
{
	const struct pst_home_key key = key_of(home, addr);

	bpf_map_delete_elem(k->maps.homes, &key);
}

void pst_home_describe(const struct pst_home *home, struct pst_device *ret_device)
{
	const size_t n = home->granted.n;

	*ret_device = (struct pst_device){.netns = home->netns, .is_checked = home->is_checked};
	if (!home->is_checked || !n)
		return;
	/* They ascend: the first is of IPv4 where there is one, and the last of IPv6. */
	memcpy(ret_device->own[0], home->granted.v[0].b, sizeof(ret_device->own[0]));
	memcpy(ret_device->own[1], home->granted.v[n - 1].b, sizeof(ret_device->own[1]));
}

/* Those that are not in the map yet come there with this. */
static void show(const struct pst_home_kernel *k, const struct pst_home *home)
{
	struct pst_device device;

	pst_home_describe(home, &device);
	for (size_t i = 0; i < k->links.n; i++)
		if (k->links.v[i].peer_netns == home->netns)
			bpf_map_update_elem(k->maps.devices, &k->links.v[i].index, &device,
					    BPF_EXIST);
}

/* Nobody is checked by half of what he may. */
static void take_all_back(const struct pst_home_kernel *k, struct pst_home *home)
{
	const size_t n = home->granted.n;

	home->is_checked = home->is_cut;
	home->granted.n = 0;
	show(k, home);
	for (size_t i = 0; i < n; i++)
		take_back(k, home, &home->granted.v[i]);
}

int pst_home_addr_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_link_addr));
}

static bool has(const struct pst_home_addrs *addrs, const struct pst_link_addr *addr)
{
	return addrs->n && bsearch(addr, addrs->v, addrs->n, sizeof(*addrs->v), pst_home_addr_cmp);
}

/* What is due is in the map before anything is checked by it. */
static int grant_due(const struct pst_home_kernel *k, struct pst_home *home)
{
	const size_t known = home->granted.n;
	int r = 0;

	for (size_t i = 0; !r && i < home->due.n; i++) {
		const struct pst_home_addrs before = {.v = home->granted.v, .n = known};

		if (has(&before, &home->due.v[i]))
			continue;
		r = grant(k, home, &home->due.v[i]);
		if (!r)
			r = pst_vec_push(&home->granted, home->due.v[i]);
	}
	if (home->granted.n)
		qsort(home->granted.v, home->granted.n, sizeof(*home->granted.v),
		      pst_home_addr_cmp);
	return r;
}

/* What the devices know themselves goes before. */
static int take_others_back(const struct pst_home_kernel *k, struct pst_home *home)
{
	struct pst_home_addrs others = {0};
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
		show(k, home);
	}
	for (size_t i = 0; !r && i < others.n; i++)
		take_back(k, home, &others.v[i]);
	pst_vec_free(&others);
	return r;
}

void pst_home_apply(const struct pst_home_kernel *k, struct pst_home *home, bool only)
{
	const size_t before = home->granted.n;
	const bool is_new = !home->is_checked;
	int r;

	if (!home->due.n && !home->is_cut) {
		if (only && home->granted.n)
			take_all_back(k, home);
		return;
	}
	r = grant_due(k, home);
	if (!r) {
		home->is_checked = true;
		r = only ? take_others_back(k, home) : 0;
	}
	if (r) {
		take_all_back(k, home);
		pst_log_err(r, "cannot tell the kernel where %s sends from: %s",
			    home->name ? home->name : "a pod",
			    home->is_cut ? "it may send as nobody" : "not checked");
		return;
	}
	if (home->granted.n != before || is_new)
		show(k, home);
}

int pst_home_take_name(struct pst_home *home, const char *name)
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

bool pst_home_is_read(const struct pst_home *home)
{
	return home->first.n || home->is_cut;
}

void pst_home_read(struct pst_home *home)
{
	pst_auto_free struct pst_link_addr *v = NULL;
	struct pst_home_addrs now = {0};
	const bool is_first = !pst_home_is_read(home);
	const int r = pst_link_addrs(home->netns, &v, &now.n);

	if (r < 0)
		return; /* the namespace is going */
	if (r && !home->is_big)
		pst_log(PST_LOG_WARNING,
			"%s has more than %d addresses: the others are not looked at%s",
			home->name ? home->name : "a network namespace", PST_LINK_MAX_ADDRS,
			is_first ? ", and are not its if they are a pod's or a node's" : "");
	home->is_big = r;
	now.v = v;
	if (now.n)
		qsort(now.v, now.n, sizeof(*now.v), pst_home_addr_cmp);
	for (size_t i = 0; is_first && i < now.n; i++) {
		if (pst_vec_push(&home->first, (struct pst_home_first){.addr = now.v[i]})) {
			home->first.n = 0;
			return; /* tried again */
		}
	}
	home->is_cut |= is_first && r;
	for (size_t i = 0; i < home->first.n; i++)
		home->first.v[i].is_there = has(&now, &home->first.v[i].addr);
}

void pst_home_inherit(const struct pst_home_kernel *k, struct pst_home *to,
		      const struct pst_home *from)
{
	int r = from->name ? pst_home_take_name(to, from->name) : 0;

	for (size_t i = 0; !r && i < from->first.n; i++)
		r = pst_vec_push(&to->first, from->first.v[i]);
	for (size_t i = 0; !r && i < from->granted.n; i++) {
		r = grant(k, to, &from->granted.v[i]);
		if (!r)
			r = pst_vec_push(&to->granted, from->granted.v[i]);
	}
	to->is_cut = from->is_cut;
	to->is_checked = to->is_cut || (!r && from->is_checked);
	if (r)
		pst_log_err(r, "cannot follow a pod's device to another namespace: not checked");
}

void pst_home_forget(const struct pst_home_kernel *k, struct pst_home *home)
{
	home->is_cut = false;
	take_all_back(k, home);
	pst_home_fini(home);
}

void pst_home_fini(struct pst_home *home)
{
	free(home->name);
	pst_vec_free(&home->first);
	pst_vec_free(&home->granted);
	pst_vec_free(&home->due);
}
