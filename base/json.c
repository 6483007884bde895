// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include "base/escape.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

void pst_json_init(struct pst_json *j, FILE *out)
{
	*j = (struct pst_json){.out = out};
}

/* Bytes at the start of S that are ASCII and stand for themselves: nearly all that is written. */
static size_t plain_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= ' ' && s[n] <= '~' && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* U+0080 to U+009F are controls as well, and terminals obey them: \u like the others. */
static size_t put_character(FILE *out, const char *s, size_t left)
{
	size_t n = pst_escape_utf8_len(s, left);
	unsigned char c = (unsigned char)*s;

	if (n == 0)
		fputs("\\ufffd", out);
	else if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (pst_escape_shown_len(s, n))
		fwrite(s, 1, n, out);
	else
		fprintf(out, "\\u%04x", n == 1 ? c : (unsigned char)s[1]);
	return n ? n : 1;
}

static void put_string(FILE *out, const char *s, size_t len)
{
	fputc('"', out);
	for (size_t i = 0; i < len;) {
		size_t plain = plain_len(s + i, len - i);

		fwrite(s + i, 1, plain, out);
		i += plain;
		if (i < len)
			i += put_character(out, s + i, len - i);
	}
	fputc('"', out);
}

/* Comma and key in front of the next value. */
static void begin_value(struct pst_json *j, const char *key)
{
	uint32_t bit = UINT32_C(1) << j->depth;

	if (j->depth && (j->has_item & bit))
		fputc(',', j->out);
	j->has_item |= bit;
	if (key && !(j->is_array & bit)) {
		put_string(j->out, key, strlen(key));
		fputc(':', j->out);
	}
}

static void open_level(struct pst_json *j, const char *key, bool array)
{
	begin_value(j, key);
	fputc(array ? '[' : '{', j->out);
	assert(j->depth + 1 < MAX_DEPTH);
	j->depth++;
	j->has_item &= ~(UINT32_C(1) << j->depth);
	if (array)
		j->is_array |= UINT32_C(1) << j->depth;
	else
		j->is_array &= ~(UINT32_C(1) << j->depth);
}

void pst_json_object(struct pst_json *j, const char *key)
{
	open_level(j, key, false);
}

void pst_json_array(struct pst_json *j, const char *key)
{
	open_level(j, key, true);
}

void pst_json_end(struct pst_json *j)
{
	assert(j->depth > 0);
	fputc(j->is_array & (UINT32_C(1) << j->depth) ? ']' : '}', j->out);
	j->depth--;
}

void pst_json_strn(struct pst_json *j, const char *key, const char *value, size_t len)
{
	begin_value(j, key);
	put_string(j->out, value, len);
}

void pst_json_str(struct pst_json *j, const char *key, const char *value)
{
	if (!value)
		pst_json_null(j, key);
	else
		pst_json_strn(j, key, value, strlen(value));
}

void pst_json_u64(struct pst_json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void pst_json_i64(struct pst_json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void pst_json_bool(struct pst_json *j, const char *key, bool value)
{
	begin_value(j, key);
	fputs(value ? "true" : "false", j->out);
}

void pst_json_null(struct pst_json *j, const char *key)
{
	begin_value(j, key);
	fputs("null", j->out);
}

int pst_json_finish(struct pst_json *j)
{
	fputc('\n', j->out);
	if (fflush(j->out) || ferror(j->out))
		return -EIO;
	return 0;
}
