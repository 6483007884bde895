/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The name of what lies in the maps: programs may share pinned maps, and with them the state of
 * open connections, only when both mean the same by every byte.
 *
 * "v3-0123456789abcdef": PST_ABI_VERSION, and a hash over the definition of every map, the layout
 * of its key and value by BTF (names, offsets, sizes, down to the integers), and the recogniser's
 * state table, whose row numbers lie in the state of each connection. A change of meaning that none
 * of these shows raises PST_ABI_VERSION.
 */

struct bpf_object;

enum { PST_SCHEMA_NAME = 32 }; /* bytes, with the terminator */

/* The schema of OBJ, which is open; it need not be loaded. 0, or -EINVAL: it has no BTF. */
int pst_schema_name(const struct bpf_object *obj, char ret_name[PST_SCHEMA_NAME]);
