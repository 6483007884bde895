// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_pack.h"

#include <string.h>

#include "base/mem.h"
#include "enforcer/flow.h"

/* The same is done to every text: they are measured, then moved. */
typedef void (*text_fn)(const char **text, void *arg);

static void each_of_end(struct pst_flow_end *e, text_fn fn, void *arg)
{
	fn(&e->ip, arg);
	fn(&e->ns, arg);
	fn(&e->pod, arg);
	for (size_t i = 0; i < e->n_labels; i++)
		fn(&e->labels[i], arg);
}

static void each_text(struct pst_flow *f, text_fn fn, void *arg)
{
	const char **own[] = {&f->uuid,	     &f->node_name,	&f->drop_reason_desc, &f->method,
			      &f->url,	     &f->http_protocol, &f->reason,	      &f->answer,
			      &f->judged_by, &f->summary};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		fn(own[i], arg);
	each_of_end(&f->source, fn, arg);
	each_of_end(&f->destination, fn, arg);
	for (size_t i = 0; i < f->n_headers; i++) {
		fn(&f->headers[i].key, arg);
		fn(&f->headers[i].value, arg);
	}
	for (size_t i = 0; i < f->n_policies; i++) {
		fn(&f->policies[i].ns, arg);
		fn(&f->policies[i].name, arg);
		fn(&f->policies[i].kind, arg);
		fn(&f->policies[i].rule, arg);
	}
	for (size_t i = 0; i < f->n_missing; i++)
		fn(&f->missing[i], arg);
	for (size_t i = 0; i < f->n_rejected; i++)
		fn(&f->rejected[i], arg);
}

static void measure(const char **text, void *arg)
{
	*(size_t *)arg += *text ? strlen(*text) + 1 : 0;
}

/* ARG: where the next piece goes. */
static void *move(const void *from, size_t bytes, void *arg)
{
	char **at = arg, *to = *at;

	if (bytes)
		memcpy(to, from, bytes);
	*at += bytes;
	return to;
}

static void move_text(const char **text, void *arg)
{
	if (*text)
		*text = move(*text, strlen(*text) + 1, arg);
}

/* Lists of pointers and of what has pointers: aligned one behind the other. */
static void move_lists(struct pst_flow *f, char **at)
{
	f->source.labels = move(f->source.labels, f->source.n_labels * sizeof(char *), at);
	f->destination.labels =
		move(f->destination.labels, f->destination.n_labels * sizeof(char *), at);
	f->headers = move(f->headers, f->n_headers * sizeof(*f->headers), at);
	f->policies = move(f->policies, f->n_policies * sizeof(*f->policies), at);
	f->missing = move(f->missing, f->n_missing * sizeof(char *), at);
	f->rejected = move(f->rejected, f->n_rejected * sizeof(char *), at);
}

struct pst_flow *pst_flow_pack(const struct pst_flow *f, size_t *ret_bytes)
{
	struct pst_flow measured = *f, *packed;
	size_t bytes = sizeof(*f);
	char *at;

	bytes += (f->source.n_labels + f->destination.n_labels) * sizeof(char *);
	bytes += f->n_headers * sizeof(*f->headers) + f->n_policies * sizeof(*f->policies);
	bytes += (f->n_missing + f->n_rejected) * sizeof(char *);
	each_text(&measured, measure, &bytes);
	packed = pst_mem_calloc(1, bytes);
	if (!packed)
		return NULL;
	*packed = *f;
	at = (char *)(packed + 1);
	move_lists(packed, &at);
	each_text(packed, move_text, &at);
	*ret_bytes = bytes;
	return packed;
}
