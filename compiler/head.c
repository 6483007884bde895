// SPDX-License-Identifier: Apache-2.0
#include "compiler/head.h"

#include <string.h>
#include <strings.h>

/* What stands from *AT up to DELIMITER or END; *AT moves behind the delimiter. */
static struct pst_span take(const char **at, const char *end, char delimiter)
{
	size_t left = (size_t)(end - *at);
	const char *stop = memchr(*at, delimiter, left);
	struct pst_span part = {.s = *at, .len = stop ? (size_t)(stop - *at) : left};

	*at = stop ? stop + 1 : end;
	return part;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct pst_span trim(struct pst_span s)
{
	while (s.len && is_blank(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len && (is_blank(s.s[s.len - 1]) || s.s[s.len - 1] == '\r'))
		s.len--;
	return s;
}

/* The next field line from *AT on; its value is trimmed. */
static struct pst_span take_field(const char **at, const char *end, struct pst_span *ret_value)
{
	struct pst_span value = take(at, end, '\n');
	const char *line = value.s, *line_end = value.s + value.len;
	struct pst_span name = take(&line, line_end, ':');

	value = (struct pst_span){.s = line, .len = (size_t)(line_end - line)};
	*ret_value = trim(value);
	return name;
}

static bool is_name(const struct pst_span *field, const char *name)
{
	return field->len == strlen(name) && !strncasecmp(field->s, name, field->len);
}

void pst_head_split(const char *bytes, size_t len, struct pst_head *ret_head)
{
	const char *at = bytes, *end = bytes + len;

	*ret_head = (struct pst_head){.bytes = bytes, .len = len};
	ret_head->field[PST_FIELD_METHOD] = take(&at, end, ' ');
	ret_head->field[PST_FIELD_PATH] = take(&at, end, ' ');
	take(&at, end, '\n');
	while (at < end) {
		struct pst_span value, field = take_field(&at, end, &value);

		if (is_name(&field, "host"))
			ret_head->field[PST_FIELD_HOST] = value;
	}
}

bool pst_head_has(const char *bytes, size_t len, const char *name, const char *value)
{
	const char *at = bytes, *end = bytes + len, *left = value;
	size_t lines = 0;

	take(&at, end, '\n');
	while (at < end) {
		struct pst_span part, field = take_field(&at, end, &part);

		if (!is_name(&field, name))
			continue;
		if (!value)
			return true;
		if (lines++ && *left++ != ',')
			return false;
		if (strncmp(left, part.s, part.len) || memchr(part.s, 0, part.len))
			return false;
		left += part.len;
	}
	return lines && !*left;
}
