// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_cidr.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_selector.h"
#include "policy/inventory.h"
#include "policy/labels.h"

enum {
	BARE_IP_UNTIL = 20, /* Cilium 1.19 is the last to take an address alone */
	V4_BITS = 32,
	V6_BITS = 128,
};

static int invalid(struct pst_reader *r, const struct pst_yaml_node *n)
{
	return pst_diags_error(
		r->diags, "cidr-invalid", &n->pos,
		"expected a prefix like 10.0.0.0/8 or 2001:db8::/32, found \"%.64s\"", n->s);
}

static int read_prefix(struct pst_reader *r, const struct pst_yaml_node *n, bool may_be_bare,
		       struct pst_prefix *p)
{
	bool host_bits = false;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	if (pst_prefix_from_str(n->s, p, &host_bits))
		return invalid(r, n);
	p->pos = n->pos;
	if (!strchr(n->s, '/') && (!may_be_bare || pst_reader_at_least(r, BARE_IP_UNTIL)))
		return pst_diags_error(r->diags, "cidr-bare-ip", &n->pos,
				       "expected a prefix, found an address alone; write \"%s/%d\"",
				       n->s, p->is_v4 ? V4_BITS : V6_BITS);
	if (host_bits)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "cidr-host-bits", &n->pos,
			      "\"%s\" has bits behind its prefix; they have no meaning", n->s);
	return 0;
}

int pst_cnp_cidr_read(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_cidr_peer *peer)
{
	struct pst_prefix *p = pst_arena_alloc(r->arena, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*peer = (struct pst_cidr_peer){.pos = n->pos, .prefix = p};
	return read_prefix(r, n, true, p);
}

struct build {
	struct pst_cidr_peer *peer;
	const struct pst_yaml_node *except;
	size_t n_members;
};

static int read_cidr(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	struct pst_prefix *p = pst_arena_alloc(r->arena, sizeof(*p));

	if (!p)
		return -ENOMEM;
	b->n_members++;
	b->peer->prefix = p;
	return read_prefix(r, n, false, p);
}

static int read_group_ref(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e = pst_fields_text(r, n, &b->peer->group_name);

	b->n_members++;
	if (e || pst_name_is_valid(n->s))
		return e;
	return pst_diags_error(r->diags, "name-invalid", &n->pos,
			       "expected the name of a CiliumCIDRGroup, found \"%.64s\"", n->s);
}

static int read_group_selector(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	struct pst_selector *sel = pst_arena_alloc(r->arena, sizeof(*sel));

	if (!sel)
		return -ENOMEM;
	b->n_members++;
	b->peer->group_selector = sel;
	return pst_cnp_selector_read(r, n, NULL, PST_CNP_PLAIN, sel);
}

static int keep_except(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct build *)obj)->except = n;
	return pst_fields_expect(r, n, PST_YAML_LIST);
}

static const struct pst_field cidr_set_fields[] = {
	{.name = "cidr", .read = read_cidr},
	{.name = "cidrGroupRef", .read = read_group_ref},
	{.name = "cidrGroupSelector", .read = read_group_selector},
	{.name = "except", .read = keep_except},
};
static const struct pst_fields cidr_set_table = PST_FIELDS("a CIDR set", cidr_set_fields);

static bool contains(const struct pst_prefix *p, const struct pst_prefix *inner)
{
	if (p->is_v4 != inner->is_v4)
		return false;
	for (unsigned int bit = 0; bit < p->len; bit++) {
		if ((p->addr[bit / 8] ^ inner->addr[bit / 8]) & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

/* Cilium compares the exception's address only: an exception wider than the prefix passes. */
static int check_except(struct pst_reader *r, const struct pst_yaml_node *n,
			const struct pst_prefix *whole, const struct pst_prefix *except)
{
	if (!contains(whole, except))
		return pst_diags_error(r->diags, "cidr-except-outside", &n->pos,
				       "the exception \"%s\" does not lie in the prefix of line %u",
				       n->s, whole->pos.line);
	if (except->len <= whole->len)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "cidr-except-all", &n->pos,
			      "the exception \"%s\" leaves nothing of the prefix of line %u", n->s,
			      whole->pos.line);
	return 0;
}

static int read_except(struct pst_reader *r, const struct build *b, bool has_prefix)
{
	const struct pst_yaml_node *list = b->except;
	struct pst_prefix *v = pst_arena_calloc(r->arena, list->len, sizeof(*v));
	int worst = 0;

	if (!v)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		int e = read_prefix(r, c, false, &v[b->peer->n_except]);

		if (!e && has_prefix)
			e = check_except(r, c, b->peer->prefix, &v[b->peer->n_except]);
		b->peer->n_except += !e;
		worst = pst_fields_worse(worst, e);
	}
	b->peer->except = v;
	return worst;
}

int pst_cnp_cidr_set_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_cidr_peer *peer)
{
	struct build b = {.peer = peer};
	int e;

	*peer = (struct pst_cidr_peer){.pos = n->pos};
	e = pst_fields_read(r, &cidr_set_table, n, &b);
	if (b.except && b.except->kind == PST_YAML_LIST && e != -ENOMEM)
		e = pst_fields_worse(e, read_except(r, &b, !e && peer->prefix));
	if (n->kind != PST_YAML_MAPPING || b.n_members == 1 || e == -ENOMEM)
		return e;
	if (!b.n_members)
		return pst_diags_error(
			r->diags, "cidr-set-none", &n->pos,
			"expected one of cidr, cidrGroupRef and cidrGroupSelector, found none");
	return pst_diags_error(
		r->diags, "cidr-set-two", &n->pos,
		"expected one of cidr, cidrGroupRef and cidrGroupSelector, found more; write several elements");
}
