// SPDX-License-Identifier: Apache-2.0
#include "enforcer/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "enforcer/batch.h"
#include "enforcer/handover.h"
#include "enforcer/loader.h"

enum { AT_ONCE = 64 }; /* entries */

void pst_slot_fini(struct pst_slot *s)
{
	pst_judge_free(&s->judge);
	if (!s->is_borrowed) {
		pst_bundle_free(&s->bundle);
		free(s->addrs);
		free(s->names);
	}
	*s = (struct pst_slot){0};
}

/* Names. */

static int cmp_name(const void *a, const void *b)
{
	return memcmp(((const struct pst_slot_name *)a)->addr,
		      ((const struct pst_slot_name *)b)->addr, 16);
}

const char *pst_slot_name(const struct pst_slot *s, const uint8_t addr[16])
{
	const struct pst_slot_name key = {.addr = addr};
	const struct pst_slot_name *found =
		s->n_names ? bsearch(&key, s->names, s->n_names, sizeof(key), cmp_name) : NULL;

	return found ? found->name : NULL;
}

/* Addresses. */

static void add_addr(struct pst_slot *s, const uint8_t addr[16], uint32_t prefix,
		     const struct pst_addr_value *value)
{
	struct pst_slot_addr *a = &s->addrs[s->n_addrs++];

	a->key = (struct pst_addr_key){.prefixlen = 32 + prefix};
	memcpy(a->key.addr, addr, 16);
	a->value = *value;
}

/* Of one address that of an endpoint comes first. */
static int cmp_addr(const void *va, const void *vb)
{
	const struct pst_slot_addr *a = va, *b = vb;
	int r = memcmp(&a->key, &b->key, sizeof(a->key));

	return r ? r
		 : !(a->value.flags & PST_ADDR_ENDPOINT) - !(b->value.flags & PST_ADDR_ENDPOINT);
}

static void settle_addrs(struct pst_slot *s)
{
	size_t kept = 0;

	if (s->n_addrs)
		qsort(s->addrs, s->n_addrs, sizeof(*s->addrs), cmp_addr);
	for (size_t i = 0; i < s->n_addrs; i++) {
		if (!kept ||
		    memcmp(&s->addrs[kept - 1].key, &s->addrs[i].key, sizeof(s->addrs[i].key)))
			s->addrs[kept++] = s->addrs[i];
	}
	s->n_addrs = kept;
}

/* The key of ADDR's first BITS bits. */
static struct pst_addr_key key_of(const uint8_t addr[16], uint32_t bits)
{
	struct pst_addr_key key = {.prefixlen = 32 + bits};

	memcpy(key.addr, addr, (bits + 7) / 8);
	if (bits % 8)
		key.addr[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
	return key;
}

/* How many of the first N come before KEY. */
static size_t count_before(const struct pst_slot *s, size_t n, const struct pst_addr_key *key)
{
	size_t low = 0;

	while (low < n) {
		const size_t mid = low + (n - low) / 2;

		if (memcmp(&s->addrs[mid].key, key, sizeof(*key)) < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

/* Keys ascend by their length first, which is one byte that is not 0: one search for each length.
 */
struct pst_addr_value pst_slot_find(const struct pst_slot *s, const uint8_t addr[16])
{
	size_t n = s->n_addrs;

	while (n) {
		const uint32_t bits = s->addrs[n - 1].key.prefixlen - 32;
		const struct pst_addr_key key = key_of(addr, bits);
		const struct pst_addr_key first = {.prefixlen = key.prefixlen};
		const size_t i = count_before(s, n, &key);

		if (i < n && !memcmp(&s->addrs[i].key, &key, sizeof(key)))
			return s->addrs[i].value;
		n = count_before(s, n, &first);
	}
	return (struct pst_addr_value){.identity = PST_ID_WORLD};
}

static int list_addrs(struct pst_slot *s, const struct pst_host_prefix *host, size_t n_host)
{
	static const struct pst_addr_value node = {PST_ID_HOST, PST_ADDR_HOST};
	const struct pst_bundle *b = s->bundle;

	s->addrs = pst_mem_calloc(n_host + b->n_addrs, sizeof(*s->addrs));
	s->names = pst_mem_calloc(b->n_addrs, sizeof(*s->names));
	if (!s->addrs || !s->names)
		return -ENOMEM;
	for (size_t i = 0; i < n_host; i++)
		add_addr(s, host[i].addr.b, host[i].len, &node);
	for (size_t i = 0; i < b->n_addrs; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];

		if (!pst_handover_is_own(a, host, n_host))
			add_addr(s, a->addr, a->prefix, &a->value);
		if (a->name)
			s->names[s->n_names++] = (struct pst_slot_name){a->addr, a->name};
	}
	settle_addrs(s);
	if (s->n_names)
		qsort(s->names, s->n_names, sizeof(*s->names), cmp_name);
	return 0;
}

int pst_slot_init(struct pst_bundle **bundle, const struct pst_host_prefix *host, size_t n_host,
		  uint32_t generation, struct pst_slot *ret_slot)
{
	int r;

	*ret_slot = (struct pst_slot){
		.generation = generation,
		.content = generation,
		.bundle = *bundle,
	};
	*bundle = NULL;
	r = list_addrs(ret_slot, host, n_host);
	if (r)
		pst_slot_fini(ret_slot);
	return r;
}

/* Writing. */

static int put_addr(struct pst_batch *batch, const struct pst_slot_addr *a, uint32_t number)
{
	struct pst_addr_key key = a->key;

	key.slot = number;
	return pst_batch_put(batch, &key, &a->value);
}

static int drop_addr(struct pst_batch *batch, const struct pst_slot_addr *a, uint32_t number)
{
	struct pst_addr_key key = a->key;

	key.slot = number;
	return pst_batch_drop(batch, &key);
}

static int change_addrs(struct pst_batch *batch, const struct pst_slot *old,
			const struct pst_slot *now, uint32_t number)
{
	size_t i = 0, k = 0;
	int r = 0;

	while (!r && (i < old->n_addrs || k < now->n_addrs)) {
		int order = i == old->n_addrs ? 1 : -1;

		if (i < old->n_addrs && k < now->n_addrs)
			order = memcmp(&old->addrs[i].key, &now->addrs[k].key,
				       sizeof(now->addrs[k].key));
		if (order < 0)
			r = drop_addr(batch, &old->addrs[i], number);
		else if (order > 0 || memcmp(&old->addrs[i].value, &now->addrs[k].value,
					     sizeof(now->addrs[k].value)))
			r = put_addr(batch, &now->addrs[k], number);
		i += order <= 0;
		k += order >= 0;
	}
	return r ? r : pst_batch_flush(batch);
}

static bool same_value(const struct pst_policy_value *a, const struct pst_policy_value *b)
{
	return a->verdict == b->verdict && a->deny_rule == b->deny_rule &&
	       a->ruleset == b->ruleset && a->rule == b->rule;
}

static int put_policy(struct pst_batch *batch, const struct pst_bundle_entry *e, uint32_t number)
{
	struct pst_policy_key key = e->key;

	key.slot = number;
	return pst_batch_put(batch, &key, &e->value);
}

static int drop_policy(struct pst_batch *batch, const struct pst_bundle_entry *e, uint32_t number)
{
	struct pst_policy_key key = e->key;

	key.slot = number;
	return pst_batch_drop(batch, &key);
}

/* E is new, or has another value; or it is GONE. */
typedef int (*change_fn)(void *arg, const struct pst_bundle_entry *e, bool gone);

/* How many of the first entries are surely the same in both: most of them, mostly. */
static size_t count_same(const struct pst_bundle_entry *old, const struct pst_bundle_entry *now,
			 size_t most)
{
	size_t n = 0;

	while (n + AT_ONCE <= most && !memcmp(old + n, now + n, AT_ONCE * sizeof(*now)))
		n += AT_ONCE;
	return n;
}

/* Calls CHANGE for each key whose value differs. OLD may be NULL: nothing. */
static int walk_changes(const struct pst_bundle *old, const struct pst_bundle *now,
			change_fn change, void *arg)
{
	const size_t n_old = old ? old->n_entries : 0;
	size_t i = 0, k = 0;
	int r = 0;

	while (!r && (i < n_old || k < now->n_entries)) {
		const size_t left = n_old - i, to_come = now->n_entries - k;
		const size_t same = left && to_come ? count_same(&old->entries[i], &now->entries[k],
								 left < to_come ? left : to_come)
						    : 0;
		int order = left ? -1 : 1;

		if (same) {
			i += same;
			k += same;
			continue;
		}
		if (left && to_come)
			order = pst_bundle_entry_cmp(&old->entries[i], &now->entries[k]);
		if (order || !same_value(&old->entries[i].value, &now->entries[k].value))
			r = change(arg, order < 0 ? &old->entries[i] : &now->entries[k], order < 0);
		i += order <= 0;
		k += order >= 0;
	}
	return r;
}

static int note_key(void *keys, const struct pst_bundle_entry *e, bool gone)
{
	(void)gone;
	return pst_vec_push((struct pst_slot_keys *)keys, e->key);
}

int pst_slot_compare(const struct pst_bundle *old, const struct pst_bundle *now,
		     struct pst_slot_keys *keys)
{
	return walk_changes(old, now, note_key, keys);
}

struct writing {
	struct pst_batch *batch;
	uint32_t number;
};

static int write_change(void *arg, const struct pst_bundle_entry *e, bool gone)
{
	const struct writing *w = arg;

	return gone ? drop_policy(w->batch, e, w->number) : put_policy(w->batch, e, w->number);
}

static int cmp_entry(const void *a, const void *b)
{
	return pst_bundle_entry_cmp(a, b);
}

/* What NOW has of the keys is put, what it has not is dropped: also what was never there. */
static int write_keys(struct writing *w, const struct pst_slot_keys *keys,
		      const struct pst_bundle *now)
{
	int r = 0;

	for (size_t i = 0; !r && i < keys->n; i++) {
		const struct pst_bundle_entry key = {.key = keys->v[i]};
		const struct pst_bundle_entry *found =
			now->n_entries ? bsearch(&key, now->entries, now->n_entries, sizeof(key),
						 cmp_entry)
				       : NULL;

		r = write_change(w, found ? found : &key, !found);
	}
	return r;
}

static int change_policies(struct pst_batch *batch, const struct pst_slot_step *step,
			   uint32_t number)
{
	struct writing w = {.batch = batch, .number = number};
	int r = 0;

	if (!step->old->lacks_entries)
		r = walk_changes(step->old->bundle, step->now->bundle, write_change, &w);
	else
		for (size_t i = 0; !r && i < step->n_since; i++)
			r = write_keys(&w, step->since[i], step->now->bundle);
	return r ? r : pst_batch_flush(batch);
}

/* The kernel may look at the table as soon as it has its number: written last. */
static void write_table(struct pst_table *table, const struct pst_slot *old,
			const struct pst_slot *now)
{
	if (!old->is_known)
		memset(table, 0, sizeof(*table));
	pst_bundle_renew_table(now->bundle, table);
	__atomic_store_n(&table->generation, now->generation, __ATOMIC_SEQ_CST);
}

static int change_maps(struct pst_loader *l, uint32_t number, const struct pst_slot_step *step)
{
	struct pst_batch *addrs = pst_loader_addrs(l), *policies = pst_loader_policies(l);
	int r = addrs && policies ? 0 : -ENOMEM;

	if (!r && !step->old->is_known)
		r = pst_loader_clear_slot(l, number);
	if (!r)
		r = change_addrs(addrs, step->old, step->now, number);
	if (!r)
		r = change_policies(policies, step, number);
	if (!r)
		pst_log(PST_LOG_DEBUG, "%zu addresses and %zu policy entries changed in the maps",
			pst_batch_written(addrs), pst_batch_written(policies));
	pst_batch_free(&addrs);
	pst_batch_free(&policies);
	return r;
}

/* Whether it is known what differs. */
static bool is_complete(const struct pst_slot_step *step)
{
	for (size_t i = 0; step->old->lacks_entries && i < step->n_since; i++) {
		if (!step->since[i])
			return false;
	}
	return true;
}

int pst_slot_write(struct pst_loader *l, uint32_t number, const struct pst_slot_step *step)
{
	static const struct pst_slot unknown = {0};
	struct pst_table *table = pst_loader_table(l, number);
	struct pst_slot_step whole = *step;
	int r;

	if (!is_complete(step))
		whole.old = &unknown;
	__atomic_store_n(&table->generation, 0, __ATOMIC_SEQ_CST);
	r = change_maps(l, number, &whole);
	if (r)
		return pst_log_err(r, "cannot enter the new generation into the maps");
	write_table(table, whole.old, whole.now);
	return 0;
}
