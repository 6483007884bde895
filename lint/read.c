// SPDX-License-Identifier: Apache-2.0
#include "lint/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/input.h"
#include "base/mem.h"
#include "policy/fields.h"
#include "policy/policy.h"
#include "policy/yaml.h"

/*
 * The whole file into *TEXT, which the caller frees. 0 or a negative errno; -EINVAL for what is
 * neither a file to read (base/input.h) nor /dev/null, which holds nothing.
 */
static int read_text(const char *file, char **text, size_t *len)
{
	pst_auto_fd int fd = -1;
	struct stat st;
	size_t cap = 0;

	if (!strcmp(file, "/dev/null"))
		return pst_mem_grow(text, &cap, 1, 1);
	fd = pst_input_open(file, true, &st);
	if (fd < 0)
		return fd;
	while (*len <= PST_YAML_MAX_SIZE) {
		ssize_t got;

		if (pst_mem_grow(text, &cap, *len + 65536, 1))
			return -ENOMEM;
		got = read(fd, *text + *len, cap - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return 0;
		*len += (size_t)got;
	}
	return -EFBIG;
}

/* The tables speak of fields and types; here all of that is one rule. */
static void pass_on(const struct pst_lint_reading *reading, const struct pst_diags *from,
		    struct pst_diags *to)
{
	for (size_t i = 0; i < pst_diags_count(from); i++) {
		const struct pst_diag *d = pst_diags_at(from, i);
		const char *id = reading->id_invalid;

		if (reading->keep && !strncmp(d->id, reading->keep, strlen(reading->keep)))
			id = d->id;
		pst_diags_add(to, d->severity, id, &d->pos, "%s", d->message);
		for (const struct pst_diag_note *n = d->notes; n; n = n->next)
			pst_diags_note(to, &n->pos, "%s", n->message);
	}
}

static int parse(const struct pst_lint_reading *reading, struct pst_reader *r,
		 const struct pst_yaml_input *in, void *obj)
{
	const struct pst_yaml_node *docs = NULL;
	int e = pst_yaml_parse(r->arena, in, r->diags, &docs);

	if (e == -ENOMEM || !docs)
		return e;
	if (docs->next)
		pst_diags_error(r->diags, reading->id_invalid, &docs->next->pos,
				"expected one document, found another one");
	if (docs->kind == PST_YAML_NULL)
		return 0;
	if (docs->kind != PST_YAML_MAPPING)
		return pst_diags_error(r->diags, reading->id_invalid, &docs->pos,
				       "expected a mapping, found %s",
				       pst_yaml_kind_str(docs->kind));
	return pst_fields_read(r, reading->fields, docs, obj);
}

int pst_lint_read(const struct pst_lint_reading *reading, struct pst_arena *a,
		  struct pst_diags *diags, void *obj)
{
	static const struct pst_policy_options options = {.cilium_minor = PST_CILIUM_NEWEST,
							  .lint = true};
	const struct pst_pos whole = {.file = reading->file};
	struct pst_diags *own = pst_diags_new();
	struct pst_reader r = {.arena = a, .diags = own, .options = &options};
	pst_auto_free char *text = NULL;
	struct pst_yaml_input in = {.name = reading->file};
	int e = own ? read_text(reading->file, &text, &in.len) : -ENOMEM;

	if (e && e != -ENOMEM)
		pst_diags_error(diags, reading->id_unreadable, &whole, "%s%s",
				e == -EINVAL ? "not a regular file" : strerror(-e),
				e == -ENOENT && reading->made_by ? reading->made_by : "");
	if (!e) {
		in.text = text;
		e = parse(reading, &r, &in, obj);
		pass_on(reading, own, diags);
		if (pst_diags_is_lossy(own))
			e = -ENOMEM;
	}
	pst_diags_free(&own);
	return e == -ENOMEM ? e : 0;
}
