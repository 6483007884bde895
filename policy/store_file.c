// SPDX-License-Identifier: Apache-2.0
#include "policy/store_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void pst_store_release(struct pst_store_edition *e)
{
	if (!e || --e->refs)
		return;
	pst_policy_set_free(&e->set);
	free(e);
}

void pst_store_helds_free(struct pst_store_helds *h)
{
	for (size_t i = 0; i < h->n; i++)
		pst_store_release(h->v[i].edition);
	pst_vec_free(h);
}

void pst_store_refusals_free(struct pst_store_refusals *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free((char *)r->v[i].ns);
		free((char *)r->v[i].name);
		free((char *)r->v[i].message);
	}
	pst_vec_free(r);
}

void pst_store_file_free(struct pst_store_file *f)
{
	pst_store_helds_free(&f->held);
	pst_store_helds_free(&f->next);
	pst_store_refusals_free(&f->refusals);
	pst_store_refusals_free(&f->next_refusals);
	pst_store_release(f->fresh);
	free(f->text);
	free(f->name);
	free(f);
}

static bool is_named(const struct pst_policy *p, const char *ns, const char *name)
{
	return !strcmp(p->ns, ns) && !strcmp(p->name, name);
}

const struct pst_store_held *pst_store_find_held(const struct pst_store_helds *h, const char *ns,
						 const char *name)
{
	for (size_t i = 0; i < h->n; i++) {
		if (is_named(h->v[i].policy, ns, name))
			return &h->v[i];
	}
	return NULL;
}

int pst_store_hold(struct pst_store_file *f, const struct pst_store_held *h)
{
	if (pst_vec_push(&f->next, *h))
		return -ENOMEM;
	h->edition->refs++;
	return 0;
}

void pst_store_swap_in(struct pst_store_file *f)
{
	pst_store_helds_free(&f->held);
	pst_store_refusals_free(&f->refusals);
	f->held = f->next;
	f->refusals = f->next_refusals;
	f->next = (struct pst_store_helds){0};
	f->next_refusals = (struct pst_store_refusals){0};
	pst_store_release(f->fresh);
	f->fresh = NULL;
}
