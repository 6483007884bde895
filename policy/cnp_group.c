// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_group.h"

/* A list or mapping of strings; each is a condition. */
static int read_strings(struct pst_reader *r, const struct pst_yaml_node *n,
			enum pst_yaml_kind kind, struct pst_group_peer *peer)
{
	int worst = pst_fields_expect(r, n, kind);

	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next)
		worst = pst_fields_worse(worst, pst_fields_expect(r, c, PST_YAML_STRING));
	peer->n_conditions += n->len;
	return worst;
}

static int read_list(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_strings(r, n, PST_YAML_LIST, obj);
}

static int read_map(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_strings(r, n, PST_YAML_MAPPING, obj);
}

static int read_region(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (!e && n->len)
		((struct pst_group_peer *)obj)->n_conditions++;
	return e;
}

static const struct pst_field aws_fields[] = {
	{.name = "labels", .read = read_map},
	{.name = "region", .read = read_region},
	{.name = "securityGroupsIds", .read = read_list},
	{.name = "securityGroupsNames", .read = read_list},
};
static const struct pst_fields aws_table = PST_FIELDS("aws", aws_fields);

static int read_aws(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &aws_table, n, obj);
}

static const struct pst_field group_fields[] = {
	{.name = "aws", .read = read_aws},
};
static const struct pst_fields group_table = PST_FIELDS("a group", group_fields);

int pst_cnp_group_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_group_peer *peer)
{
	int e;

	*peer = (struct pst_group_peer){.pos = n->pos};
	e = pst_fields_read(r, &group_table, n, peer);
	if (!e && !peer->n_conditions)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "group-empty", &n->pos,
			      "the group names no condition: nothing tells what it selects");
	return e;
}
