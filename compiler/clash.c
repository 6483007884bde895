// SPDX-License-Identifier: Apache-2.0
#include "compiler/clash.h"

#include "policy/selector_algebra.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Then the loader of policies has said so. */
static bool is_known(const struct pst_portmap_conflict *c)
{
	const struct pst_selector *a = &c->first->spec->subject, *b = &c->second->spec->subject;

	return pst_selector_implies(a, b) || pst_selector_implies(b, a);
}

static int compare_pos(const struct pst_pos *a, const struct pst_pos *b)
{
	int r = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (!r)
		r = (a->line > b->line) - (a->line < b->line);
	return r ? r : (a->col > b->col) - (a->col < b->col);
}

static int compare_places(const struct pst_portmap_conflict *a,
			  const struct pst_portmap_conflict *b)
{
	int r = compare_pos(a->second_pos, b->second_pos);

	return r ? r : compare_pos(a->first_pos, b->first_pos);
}

int pst_clashes_add(struct pst_clashes *all, const struct pst_portmap_conflict *c, size_t subject)
{
	const struct pst_clash clash = {*c, subject};

	/* One port of a list after the other meets the same two. */
	if (all->n && !compare_places(&all->v[all->n - 1].conflict, c))
		return 0;
	return is_known(c) ? 0 : pst_vec_push(all, clash);
}

static int compare(const void *va, const void *vb)
{
	const struct pst_clash *a = va, *b = vb;
	int r = compare_places(&a->conflict, &b->conflict);

	return r ? r : (a->subject > b->subject) - (a->subject < b->subject);
}

void pst_clashes_settle(struct pst_clashes *all)
{
	size_t n = 0;

	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), compare);
	for (size_t i = 0; i < all->n; i++) {
		if (!n || compare_places(&all->v[n - 1].conflict, &all->v[i].conflict))
			all->v[n++] = all->v[i];
	}
	all->n = n;
}

void pst_clash_report(const struct pst_clash *clash, const char *whom, struct pst_diags *diags)
{
	const struct pst_portmap_conflict *c = &clash->conflict;
	const struct pst_policy *p = c->first->policy;

	pst_diags_add(
		diags, PST_SEVERITY_WARNING, "conflict-overlap", c->second_pos,
		"%s for the same peers: this rule and one of %s%s%s both select %s; what both mean is denied",
		c->what, p->ns, *p->ns ? "/" : "", p->name, whom);
	pst_diags_note(diags, c->first_pos, "the other rule");
}
