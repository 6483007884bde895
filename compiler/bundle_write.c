// SPDX-License-Identifier: Apache-2.0
#include "compiler/bundle_file.h"

#include "base/log.h"
#include "base/mem.h"
#include "compiler/bundle.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	PIECE = 64 << 10,
	SPARE = sizeof(uint64_t), /* behind the last byte */
};

/*
 * All is put piece by piece, so it takes no memory that grows with the bundle; and twice where the
 * bytes are counted and summed up, which stands in front of them.
 */
struct writer {
	uint8_t *piece;
	size_t filled;
	uint64_t n; /* before this piece */
	bool sums;
	uint32_t crc;
	FILE *out; /* NULL: they are counted and summed up */
	int err;
};

static void flush_bytes(struct writer *w, const void *bytes, size_t n)
{
	if (w->sums)
		w->crc = (uint32_t)crc32_z(w->crc, bytes, n);
	if (w->out && !w->err && fwrite(bytes, 1, n, w->out) != n)
		w->err = errno ? -errno : -EIO;
	w->n += n;
}

static void flush(struct writer *w)
{
	flush_bytes(w, w->piece, w->filled);
	w->filled = 0;
}

static void put(struct writer *w, uint64_t value, size_t width)
{
	const uint64_t le = htole64(value);

	if (w->filled + width > PIECE)
		flush(w);
	memcpy(w->piece + w->filled, &le, sizeof(le)); /* what is too much is written over */
	w->filled += width;
}

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	if (n >= PIECE) { /* is a piece */
		flush(w);
		flush_bytes(w, at, n);
		return;
	}
	while (n) {
		size_t some = n < PIECE - w->filled ? n : PIECE - w->filled;

		memcpy(w->piece + w->filled, at, some);
		w->filled += some;
		at += some;
		n -= some;
		if (w->filled == PIECE)
			flush(w);
	}
}

static void put_str(struct writer *w, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	put(w, s ? len : PST_BUNDLE_NO_STRING, 4);
	put_bytes(w, s, len);
}

static void put_pos(struct writer *w, const struct pst_pos *pos)
{
	put_str(w, pos->file);
	put(w, pos->line, 4);
	put(w, pos->col, 4);
	put(w, pos->end_line, 4);
	put(w, pos->end_col, 4);
}

static void put_identities(struct writer *w, const struct pst_bundle *b)
{
	put(w, b->n_identities, 4);
	for (size_t i = 0; i < b->n_identities; i++) {
		const struct pst_bundle_identity *id = &b->identities[i];

		put(w, id->id, 4);
		put(w, id->enforce[0], 1);
		put(w, id->enforce[1], 1);
		put(w, id->audit[0], 1);
		put(w, id->audit[1], 1);
		put(w, id->labels.n, 4);
		for (size_t k = 0; k < id->labels.n; k++) {
			put_str(w, id->labels.v[k].source);
			put_str(w, id->labels.v[k].key);
			put_str(w, id->labels.v[k].value);
		}
	}
}

static void put_addrs(struct writer *w, const struct pst_bundle *b)
{
	put(w, b->n_addrs, 4);
	for (size_t i = 0; i < b->n_addrs; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];

		put_bytes(w, a->addr, sizeof(a->addr));
		put(w, a->prefix, 4);
		put(w, a->value.identity, 4);
		put(w, a->value.flags, 4);
		put_str(w, a->name);
	}
}

static void put_entries(struct writer *w, const struct pst_bundle *b)
{
	put(w, b->n_entries, 4);
	if (__BYTE_ORDER == __LITTLE_ENDIAN) {
		put_bytes(w, b->entries, b->n_entries * sizeof(*b->entries));
		return;
	}
	for (size_t i = 0; i < b->n_entries; i++) {
		struct pst_bundle_entry e = b->entries[i];

		pst_bundle_entry_turn(&e);
		put_bytes(w, &e, sizeof(e));
	}
}

static void put_headers(struct writer *w, const struct pst_bundle_rule *rule)
{
	put(w, rule->n_headers, 4);
	for (size_t i = 0; i < rule->n_headers; i++) {
		put_str(w, rule->headers[i].name);
		put_str(w, rule->headers[i].value);
		put(w, rule->headers[i].secret, 1);
		put(w, rule->headers[i].mismatch, 1);
	}
}

static void put_rules(struct writer *w, const struct pst_bundle *b)
{
	put(w, b->n_rules, 4);
	for (size_t i = 0; i < b->n_rules; i++) {
		const struct pst_bundle_rule *r = &b->rules[i];

		put_str(w, r->policy);
		put_str(w, r->path);
		put_pos(w, &r->pos);
		put_str(w, r->method);
		put_str(w, r->target);
		put_str(w, r->host);
		put_headers(w, r);
	}
}

static void put_slots(struct writer *w, const struct pst_ruleset *packed)
{
	put(w, packed->name_start, 4);
	put(w, packed->name_classes, 4);
	put(w, packed->n_slots, 4);
	for (uint32_t k = 0; k < packed->n_slots; k++) {
		put(w, packed->slot_absent[k], 8);
		put(w, packed->slot_start[k], 4);
		put(w, packed->slot_classes[k], 4);
	}
}

static void put_more_paths(struct writer *w, const struct pst_ruleset *packed)
{
	put(w, packed->n_more_paths, 4);
	for (uint32_t i = 0; i < packed->n_more_paths; i++) {
		put(w, packed->more_path_start[i], 4);
		put(w, packed->more_path_classes[i], 4);
	}
}

static void put_rulesets(struct writer *w, const struct pst_bundle *b)
{
	put(w, b->n_rulesets, 4);
	for (size_t i = 0; i < b->n_rulesets; i++) {
		const struct pst_bundle_ruleset *s = &b->rulesets[i];

		put(w, s->fallback, 1);
		put_str(w, s->why);
		for (int f = 0; f < PST_FIELD_MAX; f++) {
			put(w, s->packed.absent[f], 8);
			put(w, s->packed.start[f], 4);
			put(w, s->packed.classes[f], 4);
		}
		put_slots(w, &s->packed);
		put_more_paths(w, &s->packed);
		put(w, s->n_rules, 4);
		for (size_t k = 0; k < s->n_rules; k++) {
			put(w, s->rules[k], 4);
			put(w, s->rule_tags[k], 8);
		}
	}
}

static void put_tables(struct writer *w, const struct pst_bundle *b)
{
	put(w, b->name_start, 4);
	put(w, b->name_classes, 4);
	put(w, b->n_cells, 4);
	for (size_t i = 0; i < b->n_cells; i++)
		put(w, b->cells[i], 4);
	put(w, b->n_class_bytes, 4);
	put_bytes(w, b->classes, b->n_class_bytes);
	put(w, b->n_tags, 4);
	for (size_t i = 0; i < b->n_tags; i++)
		put(w, b->tags[i], 8);
}

static void put_body(struct writer *w, const struct pst_bundle *b)
{
	put_identities(w, b);
	put_addrs(w, b);
	put_entries(w, b);
	put_rules(w, b);
	put_rulesets(w, b);
	put_tables(w, b);
}

static void put_header(struct writer *w, const struct writer *counted)
{
	put_bytes(w, PST_BUNDLE_MAGIC, PST_BUNDLE_MAGIC_BYTES);
	put(w, PST_BUNDLE_FILE_VERSION, 4);
	put(w, PST_ABI_VERSION, 4);
	put(w, counted->n, 8);
	put(w, counted->crc, 4);
}

static int write_pieces(const struct pst_bundle *b, bool sums, uint8_t *piece, FILE *out)
{
	struct writer counted = {.piece = piece, .sums = true};
	struct writer w = {.piece = piece, .out = out};

	if (sums) {
		put_body(&counted, b);
		flush(&counted);
	}
	put_header(&w, &counted);
	put_body(&w, b);
	flush(&w);
	if (!w.err && fflush(out))
		w.err = errno ? -errno : -EIO;
	return w.err;
}

static int write_bundle(const struct pst_bundle *b, bool sums, FILE *out)
{
	uint8_t *piece = pst_mem_calloc(1, PIECE + SPARE);
	int r = piece ? write_pieces(b, sums, piece, out) : -ENOMEM;

	free(piece);
	return r ? pst_log_err(r, "cannot write the bundle") : 0;
}

int pst_bundle_write(const struct pst_bundle *b, FILE *out)
{
	return write_bundle(b, true, out);
}

int pst_bundle_write_unsummed(const struct pst_bundle *b, FILE *out)
{
	return write_bundle(b, false, out);
}
