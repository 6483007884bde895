// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_header.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_tls.h"
#include "policy/nearest.h"

/*
 * The place of LEN bytes at OFFSET of TEXT. In a scalar with escapes or line breaks a byte has no
 * column of its own; then it is the place of the whole.
 */
static struct pst_pos place_in(const struct pst_text *text, size_t offset, size_t len)
{
	struct pst_pos pos = text->pos;

	if (pos.line != pos.end_line || pos.end_col - pos.col != text->len)
		return pos;
	pos.col += (uint32_t)offset;
	pos.end_col = pos.col + (uint32_t)len;
	return pos;
}

static int read_header(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_header_rule *header)
{
	const char *blank;
	size_t len;
	int e = pst_fields_text(r, n, &header->text);

	if (e)
		return e;
	header->name = header->text;
	blank = strchr(header->text.s, ' ');
	if (!blank)
		return 0;
	len = (size_t)(blank - header->text.s);
	header->value = (struct pst_text){
		.s = blank + 1,
		.len = header->text.len - len - 1,
		.pos = place_in(&header->text, len + 1, header->text.len - len - 1),
	};
	while (len && header->text.s[len - 1] == ':')
		len--;
	header->name.s = pst_arena_strndup(r->arena, header->text.s, len);
	header->name.len = len;
	header->name.pos = place_in(&header->text, 0, len);
	return header->name.s ? 0 : -ENOMEM;
}

int pst_cnp_headers_read(struct pst_reader *r, const struct pst_yaml_node *n,
			 struct pst_http_rule *rule)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	rule->headers = pst_arena_calloc(r->arena, n->len, sizeof(*rule->headers));
	if (!rule->headers)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		int e = read_header(r, c, &rule->headers[rule->n_headers]);

		rule->n_headers += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_header_match *)obj)->name);
}

static int read_value(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_text(r, n, &((struct pst_header_match *)obj)->value);
}

static int read_secret(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_secret_read(r, n, &((struct pst_header_match *)obj)->secret);
}

static const struct {
	const char *name;
	enum pst_mismatch mismatch;
} actions[] = {
	{"LOG", PST_MISMATCH_LOG},
	{"ADD", PST_MISMATCH_ADD},
	{"DELETE", PST_MISMATCH_DELETE},
	{"REPLACE", PST_MISMATCH_REPLACE},
};

static int read_mismatch(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		pst_nearest_offer(&near, actions[i].name);
		if (strcmp(actions[i].name, n->s))
			continue;
		((struct pst_header_match *)obj)->mismatch = actions[i].mismatch;
		return 0;
	}
	return pst_diags_error(r->diags, "unknown-header-action", &n->pos,
			       "expected LOG, ADD, DELETE or REPLACE, found \"%.32s\"%s", n->s,
			       pst_nearest_hint(&near, hint));
}

static const struct pst_field match_fields[] = {
	{.name = "name", .read = read_name},
	{.name = "value", .read = read_value},
	{.name = "secret", .read = read_secret},
	{.name = "mismatch", .read = read_mismatch},
};
static const struct pst_fields match_table = PST_FIELDS("a header match", match_fields);

static int read_match(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_header_match *match)
{
	int e;

	match->pos = n->pos;
	e = pst_fields_read(r, &match_table, n, match);
	if (!e && !match->name.len)
		return pst_diags_error(r->diags, "header-name-missing",
				       match->name.s ? &match->name.pos : &n->pos,
				       "a header match needs the name of a header");
	return e;
}

int pst_cnp_header_matches_read(struct pst_reader *r, const struct pst_yaml_node *n,
				struct pst_http_rule *rule)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	rule->matches = pst_arena_calloc(r->arena, n->len, sizeof(*rule->matches));
	if (!rule->matches)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		int e = read_match(r, c, &rule->matches[rule->n_matches]);

		rule->n_matches += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}
