// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

void pst_json_init(struct pst_json *j, FILE *out)
{
	*j = (struct pst_json){.out = out};
}

/* The length of the UTF-8 sequence at S, or 0 when there is none (RFC 3629: shortest form, no surrogates). */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char mask, lead;
		size_t len;
		uint32_t min;
	} forms[] = {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		uint32_t cp;

		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (left < forms[i].len)
			return 0;
		cp = s[0] & (unsigned char)~forms[i].mask;
		for (size_t k = 1; k < forms[i].len; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
			cp = cp << 6 | (s[k] & 0x3f);
		}
		if (cp < forms[i].min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
			return 0;
		return forms[i].len;
	}
	return 0;
}

static void put_string(FILE *out, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;

	fputc('"', out);
	for (size_t i = 0; i < len;) {
		size_t n = s[i] < 0x80 ? 1 : utf8_len(s + i, len - i);

		if (n > 1) {
			fwrite(s + i, 1, n, out);
		} else if (n == 0) {
			fputs("\\ufffd", out);
			n = 1;
		} else if (s[i] == '"' || s[i] == '\\') {
			fprintf(out, "\\%c", s[i]);
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			fprintf(out, "\\u%04x", s[i]);
		} else {
			fputc(s[i], out);
		}
		i += n;
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
