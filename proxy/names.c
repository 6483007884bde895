// SPDX-License-Identifier: Apache-2.0
#include "proxy/names.h"

#include "policy/policy.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

int pst_names_add(struct pst_names *names, const struct pst_bundle_rule *rule)
{
	for (size_t i = 0; i < rule->n_headers; i++) {
		const char *name = rule->headers[i].name;

		/* Whatever looks like a header that is only told of decides nothing. */
		if (rule->headers[i].mismatch != PST_MISMATCH_LOG &&
		    pst_names_kind(names, name, strlen(name)) != PST_NAME_ASKED &&
		    pst_vec_push(names, name))
			return -ENOMEM;
	}
	return 0;
}

static bool is_separator(char c)
{
	return c && strchr("!#$%&'*+.^_`|~-", c);
}

static bool is_alias(const char *known, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_separator(known[i]) ? !is_separator(name[i])
					   : strncasecmp(&known[i], &name[i], 1) != 0)
			return false;
	}
	return true;
}

enum pst_name_kind pst_names_kind(const struct pst_names *names, const char *name, size_t len)
{
	enum pst_name_kind kind = PST_NAME_OTHER;

	for (size_t i = 0; i < names->n; i++) {
		const char *known = names->v[i];

		if (strlen(known) != len)
			continue;
		if (!strncasecmp(known, name, len)) {
			if (kind == PST_NAME_OTHER)
				kind = PST_NAME_ASKED;
		} else if (is_alias(known, name, len)) {
			kind = PST_NAME_ALIAS;
		}
	}
	return kind;
}

enum pst_name_kind pst_names_worst(const struct pst_names *names, const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len;
	enum pst_name_kind worst = PST_NAME_OTHER;

	if (!names->n)
		return worst;
	while ((at = memchr(at, '\n', (size_t)(end - at))) && ++at < end) {
		const char *colon = memchr(at, ':', (size_t)(end - at));
		enum pst_name_kind kind;

		if (!colon)
			break;
		kind = pst_names_kind(names, at, (size_t)(colon - at));
		worst = kind > worst ? kind : worst;
	}
	return worst;
}
