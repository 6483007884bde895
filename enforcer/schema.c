// SPDX-License-Identifier: Apache-2.0
#include "enforcer/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "http_table.h"

enum { MAX_DEPTH = 16 }; /* types within types; ours have four */

/* FNV-1a: it tells builds apart, it keeps nobody out. */
static void add(uint64_t *hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ bytes[i]) * 0x100000001b3ULL;
}

static void add_number(uint64_t *hash, uint64_t number)
{
	add(hash, &number, sizeof(number));
}

static void add_text(uint64_t *hash, const char *text)
{
	add(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* What a type is made of, in the order in which it is found. */
struct walk {
	uint64_t *hash;
	const struct btf *btf;
	uint32_t todo[MAX_DEPTH * 64];
	size_t n;
};

/* False when there is no room: the type is too big to be one of ours. */
static bool push(struct walk *w, uint32_t id)
{
	if (w->n == sizeof(w->todo) / sizeof(*w->todo))
		return false;
	w->todo[w->n++] = id;
	return true;
}

static const struct btf_type *resolve(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int i = 0; t && i < MAX_DEPTH && (btf_is_mod(t) || btf_is_typedef(t)); i++)
		t = btf__type_by_id(btf, t->type);
	return t;
}

static bool add_members(struct walk *w, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		add_text(w->hash, btf__name_by_offset(w->btf, m[i].name_off));
		add_number(w->hash, btf_member_bit_offset(t, i));
		if (!push(w, m[i].type))
			return false;
	}
	return true;
}

static bool add_one(struct walk *w, uint32_t id)
{
	const struct btf_type *t = resolve(w->btf, id);

	if (!t)
		return id == 0; /* a map may have no type of key */
	add_number(w->hash, btf_kind(t));
	if (btf_is_array(t)) {
		add_number(w->hash, btf_array(t)->nelems);
		return push(w, btf_array(t)->type);
	}
	add_number(w->hash, t->size);
	add_text(w->hash, btf__name_by_offset(w->btf, t->name_off));
	return !btf_is_composite(t) || add_members(w, t);
}

static bool add_type(uint64_t *hash, const struct btf *btf, uint32_t id)
{
	struct walk w = {.hash = hash, .btf = btf};
	bool ok = push(&w, id);

	while (ok && w.n)
		ok = add_one(&w, w.todo[--w.n]);
	return ok;
}

static bool add_map(uint64_t *hash, const struct btf *btf, const struct bpf_map *map)
{
	add_text(hash, bpf_map__name(map));
	add_number(hash, bpf_map__type(map));
	add_number(hash, bpf_map__key_size(map));
	add_number(hash, bpf_map__value_size(map));
	add_number(hash, bpf_map__max_entries(map));
	add_number(hash, bpf_map__map_flags(map));
	return add_type(hash, btf, bpf_map__btf_key_type_id(map)) &&
	       add_type(hash, btf, bpf_map__btf_value_type_id(map));
}

int pst_schema_name(const struct bpf_object *obj, char ret_name[PST_SCHEMA_NAME])
{
	const struct btf *btf = bpf_object__btf(obj);
	uint64_t hash = 0xcbf29ce484222325ULL;
	const struct bpf_map *map;

	if (!btf)
		return -EINVAL;
	bpf_object__for_each_map(map, obj)
	{
		if (!bpf_map__is_internal(map) && !add_map(&hash, btf, map))
			return -EINVAL;
	}
	add(&hash, pst_http_class, sizeof(pst_http_class));
	add(&hash, pst_http_cell, sizeof(pst_http_cell));
	snprintf(ret_name, PST_SCHEMA_NAME, "v%d-%016" PRIx64, PST_ABI_VERSION, hash);
	return 0;
}
