// SPDX-License-Identifier: Apache-2.0
/* Preloaded: the map SMALL_MAP of whoever loads a skeleton has room for SMALL_MAP_ENTRIES. */
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int bpf_object__load_skeleton(struct bpf_object_skeleton *s)
{
	int (*next)(struct bpf_object_skeleton *) =
		(int (*)(struct bpf_object_skeleton *))dlsym(RTLD_NEXT, __func__);
	const char *name = getenv("SMALL_MAP"), *entries = getenv("SMALL_MAP_ENTRIES");

	for (int i = 0; name && entries && i < s->map_cnt; i++) {
		struct bpf_map_skeleton *map = (void *)((char *)s->maps + i * s->map_skel_sz);

		if (strcmp(map->name, name))
			continue;
		if (bpf_map__set_max_entries(*map->map, (unsigned)strtoul(entries, NULL, 10)))
			abort();
	}
	return next(s);
}
