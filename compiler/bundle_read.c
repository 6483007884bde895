// SPDX-License-Identifier: Apache-2.0
/*
 * The reader takes the file for hostile: a count is compared with the bytes that are left (an
 * element has a least size) before anything is allocated, strings end inside the file and hold no
 * NUL, and nothing is left over at the end.
 */
#include "compiler/bundle_file.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/bundle.h"
#include "policy/policy.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

struct bytes PST_VEC(uint8_t);

/* Whether numbers in a file are in another order than in memory. */
enum { TURNS = __BYTE_ORDER != __LITTLE_ENDIAN };

/* The last strings by what they look like: of a large bundle most have been there before. */
enum { RECENT = 256 };

/* The first mistake sticks and is reported once; after it every read gives zero. */
struct reader {
	const char *name;
	const uint8_t *bytes;
	size_t len, at;
	struct pst_arena *arena;
	struct pst_diags *diags;
	bool is_unsummed;
	struct recent {
		const char *s;
		uint32_t len;
	} recent[RECENT];
	int err;
};

static void fail(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct reader *r, const char *fmt, ...)
{
	const struct pst_pos pos = {.file = r->name};
	char text[256];
	va_list ap;

	if (r->err)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->err = pst_diags_error(r->diags, "bundle-invalid", &pos, "byte %zu: %s", r->at, text);
}

static size_t left(const struct reader *r)
{
	return r->len - r->at;
}

static uint64_t get(struct reader *r, size_t width)
{
	uint64_t le = 0;

	/* Far from the end there are eight bytes to be had at once. */
	if (!r->err && left(r) >= sizeof(le)) {
		memcpy(&le, r->bytes + r->at, sizeof(le));
		r->at += width;
		return le64toh(le) & UINT64_MAX >> (64 - 8 * width);
	}
	if (!r->err && left(r) < width)
		fail(r, "expected a number of %zu bytes, found the end of the file", width);
	if (r->err)
		return 0;
	memcpy(&le, r->bytes + r->at, width);
	r->at += width;
	return le64toh(le);
}

static void get_bytes(struct reader *r, void *to, size_t n)
{
	if (!r->err && left(r) < n)
		fail(r, "expected %zu bytes, found the end of the file", n);
	if (r->err || !n)
		return;
	memcpy(to, r->bytes + r->at, n);
	r->at += n;
}

static bool get_bool(struct reader *r)
{
	uint64_t v = get(r, 1);

	if (v > 1)
		fail(r, "expected 0 or 1, found %u", (unsigned int)v);
	return v == 1;
}

static struct recent *recent_like(struct reader *r, const uint8_t *s, uint32_t len)
{
	uint64_t first = 0, last = 0;
	const size_t n = len < sizeof(first) ? len : sizeof(first);

	memcpy(&first, s, n);
	memcpy(&last, s + len - n, n);
	return &r->recent[((first ^ last * 31 ^ len) * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

/* A copy of the LEN bytes that come, without a NUL in them. */
static const char *keep_str(struct reader *r, uint32_t len)
{
	const uint8_t *bytes = r->bytes + r->at;
	struct recent *known = recent_like(r, bytes, len);

	if (!known->s || known->len != len || memcmp(known->s, bytes, len)) {
		known->s = pst_arena_strndup(r->arena, (const char *)bytes, len);
		known->len = len;
	}
	return known->s;
}

/* The string, or NULL where the file says NULL. */
static const char *get_str(struct reader *r)
{
	uint32_t len = (uint32_t)get(r, 4);
	const char *s;

	if (r->err || len == PST_BUNDLE_NO_STRING)
		return NULL;
	if (left(r) < len) {
		fail(r, "a string of %u bytes reaches beyond the end of the file", len);
		return NULL;
	}
	if (memchr(r->bytes + r->at, 0, len)) {
		fail(r, "a string contains a NUL byte");
		return NULL;
	}
	s = keep_str(r, len);
	if (!s)
		r->err = -ENOMEM;
	r->at += len;
	return s;
}

/*
 * A count of elements and an array for them. LEAST is the fewest bytes that an element takes in the
 * file, so what is allocated stays in proportion to the file.
 */
static size_t get_count(struct reader *r, const char *what, size_t least)
{
	uint64_t n = get(r, 4);

	if (r->err)
		return 0;
	if (n > left(r) / least) {
		fail(r, "%llu %s do not fit into the %zu bytes that are left",
		     (unsigned long long)n, what, left(r));
		return 0;
	}
	return n;
}

static void *get_array(struct reader *r, const char *what, size_t least, size_t size, size_t *ret_n)
{
	const size_t n = get_count(r, what, least);
	void *array = r->err ? NULL : pst_arena_calloc(r->arena, n, size);

	*ret_n = 0;
	if (r->err)
		return NULL;
	if (!array)
		r->err = -ENOMEM;
	else
		*ret_n = n;
	return array;
}

static void get_pos(struct reader *r, struct pst_pos *pos)
{
	pos->file = get_str(r);
	pos->line = (uint32_t)get(r, 4);
	pos->col = (uint32_t)get(r, 4);
	pos->end_line = (uint32_t)get(r, 4);
	pos->end_col = (uint32_t)get(r, 4);
}

static void get_identity(struct reader *r, struct pst_bundle_identity *id)
{
	id->id = (uint32_t)get(r, 4);
	id->enforce[0] = get_bool(r);
	id->enforce[1] = get_bool(r);
	id->audit[0] = get_bool(r);
	id->audit[1] = get_bool(r);
	id->labels.v = get_array(r, "labels", 12, sizeof(*id->labels.v), &id->labels.n);
	for (size_t i = 0; !r->err && i < id->labels.n; i++) {
		struct pst_label *l = &id->labels.v[i];

		l->source = get_str(r);
		l->key = get_str(r);
		l->value = get_str(r);
		if (!l->source || !l->key || !l->value)
			fail(r, "a label without source, key or value");
	}
}

static void get_identities(struct reader *r, struct pst_bundle *b)
{
	b->identities = get_array(r, "identities", 10, sizeof(*b->identities), &b->n_identities);
	for (size_t i = 0; !r->err && i < b->n_identities; i++)
		get_identity(r, &b->identities[i]);
}

static void get_addrs(struct reader *r, struct pst_bundle *b)
{
	b->addrs = get_array(r, "addresses", 32, sizeof(*b->addrs), &b->n_addrs);
	for (size_t i = 0; !r->err && i < b->n_addrs; i++) {
		struct pst_bundle_addr *a = &b->addrs[i];

		get_bytes(r, a->addr, sizeof(a->addr));
		a->prefix = (uint32_t)get(r, 4);
		a->value.identity = (uint32_t)get(r, 4);
		a->value.flags = (uint32_t)get(r, 4);
		a->name = get_str(r);
	}
}

static void get_entries(struct reader *r, struct pst_bundle *b)
{
	struct pst_arena *others = r->arena;

	r->arena = b->entry_arena;
	b->entries = get_array(r, "policy entries", sizeof(*b->entries), sizeof(*b->entries),
			       &b->n_entries);
	r->arena = others;
	get_bytes(r, b->entries, b->n_entries * sizeof(*b->entries));
	for (size_t i = 0; TURNS && i < b->n_entries; i++)
		pst_bundle_entry_turn(&b->entries[i]);
}

static void get_headers(struct reader *r, struct pst_bundle_rule *rule)
{
	rule->headers = get_array(r, "headers", 10, sizeof(*rule->headers), &rule->n_headers);
	for (size_t i = 0; !r->err && i < rule->n_headers; i++) {
		struct pst_bundle_header *h = &rule->headers[i];

		h->name = get_str(r);
		h->value = get_str(r);
		h->secret = get_bool(r);
		h->mismatch = (uint8_t)get(r, 1);
		if (!h->name || h->mismatch > PST_MISMATCH_REPLACE)
			fail(r, "a header without name, or with an action that does not exist");
	}
}

static void get_rules(struct reader *r, struct pst_bundle *b)
{
	b->rules = get_array(r, "rules", 44, sizeof(*b->rules), &b->n_rules);
	for (size_t i = 0; !r->err && i < b->n_rules; i++) {
		struct pst_bundle_rule *rule = &b->rules[i];

		rule->policy = get_str(r);
		rule->path = get_str(r);
		get_pos(r, &rule->pos);
		rule->method = get_str(r);
		rule->target = get_str(r);
		rule->host = get_str(r);
		get_headers(r, rule);
	}
}

static void get_slots(struct reader *r, struct pst_ruleset *packed)
{
	packed->name_start = (uint32_t)get(r, 4);
	packed->name_classes = (uint32_t)get(r, 4);
	packed->n_slots = (uint32_t)get(r, 4);
	if (packed->n_slots > PST_HEADER_SLOTS) {
		fail(r, "%u judged fields, a rule set has %d at most", packed->n_slots,
		     PST_HEADER_SLOTS);
		packed->n_slots = 0;
	}
	for (uint32_t k = 0; k < packed->n_slots; k++) {
		packed->slot_absent[k] = get(r, 8);
		packed->slot_start[k] = (uint32_t)get(r, 4);
		packed->slot_classes[k] = (uint32_t)get(r, 4);
	}
}

static void get_more_paths(struct reader *r, struct pst_ruleset *packed)
{
	packed->n_more_paths = (uint32_t)get(r, 4);
	if (packed->n_more_paths > PST_PATH_MORE) {
		fail(r, "%u further automata of paths, a rule set has %d at most",
		     packed->n_more_paths, PST_PATH_MORE);
		packed->n_more_paths = 0;
	}
	for (uint32_t i = 0; i < packed->n_more_paths; i++) {
		packed->more_path_start[i] = (uint32_t)get(r, 4);
		packed->more_path_classes[i] = (uint32_t)get(r, 4);
	}
}

static void get_ruleset(struct reader *r, struct pst_bundle_ruleset *s)
{
	s->fallback = get_bool(r);
	s->why = get_str(r);
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		s->packed.absent[f] = get(r, 8);
		s->packed.start[f] = (uint32_t)get(r, 4);
		s->packed.classes[f] = (uint32_t)get(r, 4);
	}
	get_slots(r, &s->packed);
	get_more_paths(r, &s->packed);
	s->rules = get_array(r, "HTTP rules", 12, sizeof(*s->rules), &s->n_rules);
	s->rule_tags = pst_arena_calloc(r->arena, s->n_rules, sizeof(*s->rule_tags));
	if (!s->rule_tags)
		r->err = r->err ? r->err : -ENOMEM;
	for (size_t i = 0; !r->err && i < s->n_rules; i++) {
		s->rules[i] = (uint32_t)get(r, 4);
		s->rule_tags[i] = get(r, 8);
	}
}

static void get_rulesets(struct reader *r, struct pst_bundle *b)
{
	b->rulesets = get_array(r, "rule sets", 73, sizeof(*b->rulesets), &b->n_rulesets);
	for (size_t i = 0; !r->err && i < b->n_rulesets; i++)
		get_ruleset(r, &b->rulesets[i]);
}

static void get_tables(struct reader *r, struct pst_bundle *b)
{
	b->name_start = (uint32_t)get(r, 4);
	b->name_classes = (uint32_t)get(r, 4);
	b->cells = get_array(r, "cells", 4, sizeof(*b->cells), &b->n_cells);
	for (size_t i = 0; !r->err && i < b->n_cells; i++)
		b->cells[i] = (uint32_t)get(r, 4);
	b->classes = get_array(r, "class bytes", 1, 1, &b->n_class_bytes);
	get_bytes(r, b->classes, b->n_class_bytes);
	b->tags = get_array(r, "tag sets", 8, sizeof(*b->tags), &b->n_tags);
	for (size_t i = 0; !r->err && i < b->n_tags; i++)
		b->tags[i] = get(r, 8);
}

static void get_header(struct reader *r)
{
	uint8_t found[PST_BUNDLE_MAGIC_BYTES] = {0};
	uint64_t version, abi, length, crc;

	get_bytes(r, found, sizeof(found));
	if (!r->err && memcmp(found, PST_BUNDLE_MAGIC, sizeof(found)))
		fail(r, "this is not a postern bundle");
	version = get(r, 4);
	if (!r->err && version != PST_BUNDLE_FILE_VERSION)
		fail(r, "bundle version %llu, this program reads version %d",
		     (unsigned long long)version, PST_BUNDLE_FILE_VERSION);
	abi = get(r, 4);
	if (!r->err && abi != PST_ABI_VERSION)
		fail(r, "table version %llu, this program reads version %d: compile it again",
		     (unsigned long long)abi, PST_ABI_VERSION);
	length = get(r, 8);
	crc = get(r, 4);
	if (!r->err && length != (r->is_unsummed ? 0 : left(r)))
		fail(r, "the header announces %llu bytes, %zu follow", (unsigned long long)length,
		     left(r));
	if (!r->err && crc != (r->is_unsummed ? 0 : crc32_z(0, r->bytes + r->at, left(r))))
		fail(r, "the checksum is wrong: the file is damaged");
}

static int parse(struct reader *r, struct pst_bundle **ret_bundle)
{
	struct pst_bundle *b;

	r->arena = pst_arena_new();
	b = r->arena ? pst_arena_alloc(r->arena, sizeof(*b)) : NULL;
	if (!b) {
		pst_arena_free(&r->arena);
		return -ENOMEM;
	}
	b->arena = r->arena;
	b->entry_arena = pst_arena_new();
	if (!b->entry_arena) {
		pst_bundle_free(&b);
		return -ENOMEM;
	}
	get_header(r);
	get_identities(r, b);
	get_addrs(r, b);
	get_entries(r, b);
	get_rules(r, b);
	get_rulesets(r, b);
	get_tables(r, b);
	if (!r->err && left(r))
		fail(r, "%zu bytes behind the end of the bundle", left(r));
	if (r->err) {
		pst_bundle_free(&b);
		return r->err;
	}
	*ret_bundle = b;
	return 0;
}

int pst_bundle_parse(const char *name, const uint8_t *bytes, size_t len, struct pst_diags *diags,
		     struct pst_bundle **ret_bundle)
{
	struct reader r = {.name = name, .bytes = bytes, .len = len, .diags = diags};

	return parse(&r, ret_bundle);
}

int pst_bundle_parse_unsummed(const char *name, const uint8_t *bytes, size_t len,
			      struct pst_diags *diags, struct pst_bundle **ret_bundle)
{
	struct reader r = {
		.name = name, .bytes = bytes, .len = len, .diags = diags, .is_unsummed = true};

	return parse(&r, ret_bundle);
}

static int read_all(const char *path, struct bytes *ret)
{
	/* A FIFO that nobody writes to is refused, not waited for. */
	pst_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return pst_log_err(-errno, "cannot open %s", path);
	if (S_ISDIR(st.st_mode))
		return pst_log_err(-EISDIR, "cannot read %s", path);
	if (!S_ISREG(st.st_mode)) {
		pst_log_err(0, "cannot read %s: not a regular file", path);
		return -ENODEV;
	}
	if (st.st_size > PST_BUNDLE_MAX_FILE_BYTES)
		return pst_log_err(-EFBIG, "%s", path);
	if (pst_vec_reserve(ret, (size_t)st.st_size + 1))
		return -ENOMEM;
	/* One byte more than expected: a file that grows meanwhile is caught by its length field.
	 */
	while (ret->n < ret->cap) {
		ssize_t n = read(fd, ret->v + ret->n, ret->cap - ret->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pst_log_err(-errno, "cannot read %s", path);
		if (!n)
			break;
		ret->n += (size_t)n;
	}
	return 0;
}

int pst_bundle_read(const char *path, struct pst_diags *diags, struct pst_bundle **ret_bundle)
{
	struct bytes bytes = {0};
	struct pst_bundle *b = NULL;
	int r = read_all(path, &bytes);

	if (!r)
		r = pst_bundle_parse(path, bytes.v, bytes.n, diags, &b);
	if (!r)
		r = pst_bundle_verify(b, diags);
	pst_vec_free(&bytes);
	if (r) {
		pst_bundle_free(&b);
		return r;
	}
	*ret_bundle = b;
	return 0;
}
