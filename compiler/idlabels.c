// SPDX-License-Identifier: Apache-2.0
#include "compiler/idlabels.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ADDR_BITS = 128 };

static const struct pst_label kube_apiserver = {"reserved", "kube-apiserver", ""};

static const char *copy(struct pst_arena *arena, const char *s)
{
	return pst_arena_strndup(arena, s, strlen(s));
}

int pst_idlabels_copy(struct pst_arena *arena, const struct pst_labels *from,
		      struct pst_labels *ret_labels)
{
	struct pst_label *v = pst_arena_calloc(arena, from->n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < from->n; i++) {
		v[i].source = copy(arena, from->v[i].source);
		v[i].key = copy(arena, from->v[i].key);
		v[i].value = copy(arena, from->v[i].value);
		if (!v[i].source || !v[i].key || !v[i].value)
			return -ENOMEM;
	}
	*ret_labels = (struct pst_labels){.v = v, .n = from->n};
	return 0;
}

static int cmp_addr(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_addr));
}

/* Is one of the N addresses V one of the API server's? */
static bool is_apiserver(const struct pst_service *s, const struct pst_addr *v, size_t n)
{
	for (size_t i = 0; s && s->n_addrs && i < n; i++) {
		if (bsearch(&v[i], s->addrs, s->n_addrs, sizeof(*v), cmp_addr))
			return true;
	}
	return false;
}

struct pst_labels pst_idlabels_host(const struct pst_service *apiserver,
				    const struct pst_addr *addrs, size_t n_addrs)
{
	static struct pst_label v[] = {{"reserved", "host", ""},
				       {"reserved", "kube-apiserver", ""}};

	return (struct pst_labels){v, is_apiserver(apiserver, addrs, n_addrs) ? 2 : 1};
}

struct pst_labels pst_idlabels_world(void)
{
	static struct pst_label v = {"reserved", "world", ""};

	return (struct pst_labels){&v, 1};
}

int pst_idlabels_of_node(struct pst_arena *arena, const struct pst_service *apiserver,
			 const struct pst_node *node, bool by_label, struct pst_labels *ret_labels)
{
	const size_t n = by_label ? node->labels.n : 0;
	struct pst_labels labels = {.v = pst_arena_calloc(arena, n + 2, sizeof(*labels.v))};

	if (!labels.v)
		return -ENOMEM;
	labels.v[labels.n++] = (struct pst_label){"reserved", "remote-node", ""};
	if (is_apiserver(apiserver, node->addrs, node->n_addrs))
		labels.v[labels.n++] = kube_apiserver;
	for (size_t i = 0; i < n; i++)
		labels.v[labels.n++] = node->labels.v[i];
	pst_labels_sort(&labels);
	*ret_labels = labels;
	return 0;
}

int pst_idlabels_of_prefix(struct pst_arena *arena, const struct pst_service *apiserver,
			   const struct pst_prefix *prefix, struct pst_labels *ret_labels)
{
	struct pst_labels labels = {.v = pst_arena_calloc(arena, 3, sizeof(*labels.v))};
	const char *key = pst_prefix_to_str(arena, prefix);
	struct pst_addr addr;

	if (!labels.v || !key)
		return -ENOMEM;
	memcpy(addr.b, prefix->addr, sizeof(addr.b));
	labels.v[labels.n++] = (struct pst_label){"cidr", key, ""};
	if (prefix->len == ADDR_BITS && is_apiserver(apiserver, &addr, 1))
		labels.v[labels.n++] = kube_apiserver;
	labels.v[labels.n++] = (struct pst_label){"reserved", "world", ""};
	*ret_labels = labels;
	return 0;
}
