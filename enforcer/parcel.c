// SPDX-License-Identifier: Apache-2.0
#include "enforcer/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"

#define MAGIC 0x6c65637261700a31ULL /* "1\nparcel" */

enum {
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	ID_MAX = 64,	 /* of a rule */
	NONE = 0xffffff, /* in place of a length: no text */
	TEXT_MAX = 64 << 10,
	NOTES_MAX = 64, /* of one diagnostic */
};

/* Both ends are the same program, so numbers are as they are in memory. */
struct head {
	uint64_t magic;
	uint64_t n_refused;
	uint64_t n_said;       /* diagnostics */
	uint64_t said_bytes;   /* behind the head */
	uint64_t bundle_bytes; /* behind these; 0: there is none */
	uint64_t changed;
};

/* Here, so that a fuzzer of this file needs nothing that reads files. */
void pst_reading_fini(struct pst_reading *r)
{
	pst_diags_free(&r->standing);
	pst_bundle_free(&r->bundle);
}

/* ---- writing ---- */

struct bytes PST_VEC(uint8_t);

/* Errors stick. */
struct writer {
	struct bytes out;
	int err;
};

static void put(struct writer *w, const void *bytes, size_t n)
{
	if (w->err || !n)
		return;
	w->err = pst_vec_reserve(&w->out, w->out.n + n);
	if (w->err)
		return;
	memcpy(w->out.v + w->out.n, bytes, n);
	w->out.n += n;
}

static void put_u32(struct writer *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

static void put_text(struct writer *w, const char *text)
{
	size_t n = text ? strnlen(text, TEXT_MAX) : 0;

	put_u32(w, text ? (uint32_t)n : NONE);
	put(w, text, n);
}

static void put_pos(struct writer *w, const struct pst_pos *pos)
{
	put_text(w, pos->file);
	put_u32(w, pos->line);
	put_u32(w, pos->col);
	put_u32(w, pos->end_line);
	put_u32(w, pos->end_col);
}

static void put_diag(struct writer *w, const struct pst_diag *d)
{
	uint32_t n_notes = 0;

	for (const struct pst_diag_note *n = d->notes; n && n_notes < NOTES_MAX; n = n->next)
		n_notes++;
	put_u32(w, d->severity);
	put_text(w, d->id);
	put_pos(w, &d->pos);
	put_text(w, d->message);
	put_u32(w, n_notes);
	for (const struct pst_diag_note *n = d->notes; n_notes--; n = n->next) {
		put_pos(w, &n->pos);
		put_text(w, n->message);
	}
}

/* How many there are; the last one says when some are left out. */
static uint64_t put_said(struct writer *w, const struct pst_diags *said)
{
	static char text[] = "there is more to say than is shown: mend these first";
	const struct pst_diag more = {
		.severity = PST_SEVERITY_ERROR,
		.id = "too-many-diagnostics",
		.message = text,
	};
	size_t n = said ? pst_diags_count(said) : 0;

	for (size_t i = 0; i < n; i++) {
		const size_t before = w->out.n;

		put_diag(w, pst_diags_at(said, i));
		if (w->out.n < PST_PARCEL_SAID_MAX - TEXT_MAX)
			continue;
		w->out.n = before;
		put_diag(w, &more);
		return i + 1;
	}
	return n;
}

static int write_whole(int fd, const void *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		bytes = (const char *)bytes + done;
		n -= (size_t)done;
	}
	return 0;
}

static int write_bundle(int fd, const struct pst_bundle *b)
{
	pst_auto_file FILE *out = NULL;
	int copy = b ? dup(fd) : -1, r;

	if (!b)
		return 0;
	out = copy < 0 ? NULL : fdopen(copy, "w");
	if (!out) {
		r = -errno;
		pst_cleanup_fd(&copy);
		return r;
	}
	setvbuf(out, NULL, _IONBF, 0); /* it comes in pieces */
	r = pst_bundle_write_unsummed(b, out);
	return !r && fflush(out) ? -errno : r;
}

/* The head comes last: how long the bundle is shows when it is written. */
static int fill(int fd, struct head *head, const struct bytes *said, const struct pst_bundle *b)
{
	struct stat st;
	int r = write_whole(fd, head, sizeof(*head));

	if (!r)
		r = write_whole(fd, said->v, said->n);
	if (!r)
		r = write_bundle(fd, b);
	if (r || fstat(fd, &st))
		return r ? r : -errno;
	head->said_bytes = said->n;
	head->bundle_bytes = (uint64_t)st.st_size - sizeof(*head) - said->n;
	if (pwrite(fd, head, sizeof(*head), 0) != sizeof(*head))
		return errno ? -errno : -EIO;
	return fcntl(fd, F_ADD_SEALS, SEALS) ? -errno : 0;
}

int pst_parcel_write(const struct pst_reading *r)
{
	struct head head = {.magic = MAGIC, .changed = r->changed, .n_refused = r->n_refused};
	struct writer said = {.err = 0};
	pst_auto_fd int fd = memfd_create("reading", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int e = fd < 0 ? -errno : 0;

	head.n_said = put_said(&said, r->standing);
	if (!e)
		e = said.err ? said.err : fill(fd, &head, &said.out, r->bundle);
	pst_vec_free(&said.out);
	return e ? e : PST_TAKE_FD(fd);
}

/* ---- reading ---- */

/* The first mistake sticks; after it everything is zero or empty. */
struct reader {
	const uint8_t *at;
	size_t left;
	const char *id; /* of the rule that came last, kept */
	int err;
};

static const void *get(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->err || r->left < n) {
		r->err = r->err ? r->err : -EPROTO;
		return NULL;
	}
	r->at += n;
	r->left -= n;
	return at;
}

static uint32_t get_u32(struct reader *r)
{
	const void *at = get(r, sizeof(uint32_t));
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, sizeof(value));
	return value;
}

/* Not ended by a NUL, and without one. NULL: there is none, or a mistake. */
static const char *get_text(struct reader *r, size_t *ret_n)
{
	const uint32_t n = get_u32(r);
	const char *text;

	*ret_n = 0;
	if (n == NONE)
		return NULL;
	if (n > TEXT_MAX)
		r->err = r->err ? r->err : -EPROTO;
	text = get(r, n);
	if (text && memchr(text, 0, n))
		r->err = -EPROTO;
	if (r->err)
		return NULL;
	*ret_n = n;
	return text;
}

/* A copy that belongs to SAID. */
static const char *keep_text(struct reader *r, struct pst_diags *said)
{
	size_t n;
	const char *text = get_text(r, &n), *copy = text ? pst_diags_keep(said, text, n) : NULL;

	if (text && !copy)
		r->err = -ENOMEM;
	return copy;
}

static struct pst_pos get_pos(struct reader *r, struct pst_diags *said)
{
	struct pst_pos pos = {.file = keep_text(r, said)};

	pos.line = get_u32(r);
	pos.col = get_u32(r);
	pos.end_line = get_u32(r);
	pos.end_col = get_u32(r);
	return pos;
}

/* Rules are words: they are printed as they are. */
static bool is_id(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text[i]))
			return false;
	}
	return n && n <= ID_MAX;
}

static void get_id(struct reader *r, struct pst_diags *said)
{
	size_t n;
	const char *text = get_text(r, &n);

	if (r->err || (text && r->id && strlen(r->id) == n && !memcmp(r->id, text, n)))
		return;
	if (!text || !is_id(text, n)) {
		r->err = -EPROTO;
		return;
	}
	r->id = pst_diags_keep(said, text, n);
	if (!r->id)
		r->err = -ENOMEM;
}

static void get_notes(struct reader *r, struct pst_diags *said)
{
	const uint32_t n = get_u32(r);

	if (n > NOTES_MAX)
		r->err = r->err ? r->err : -EPROTO;
	for (uint32_t i = 0; !r->err && i < n; i++) {
		const struct pst_pos pos = get_pos(r, said);
		size_t len;
		const char *text = get_text(r, &len);

		if (r->err || !text)
			r->err = r->err ? r->err : -EPROTO;
		else
			pst_diags_note(said, &pos, "%.*s", (int)len, text);
	}
}

static void get_diag(struct reader *r, struct pst_diags *said)
{
	const uint32_t severity = get_u32(r);
	struct pst_pos pos;
	const char *text;
	size_t len;

	get_id(r, said);
	pos = get_pos(r, said);
	text = get_text(r, &len);
	if (!r->err && (severity >= PST_SEVERITY_MAX || !text))
		r->err = -EPROTO;
	if (r->err)
		return;
	pst_diags_add(said, (enum pst_severity)severity, r->id, &pos, "%.*s", (int)len, text);
	get_notes(r, said);
}

static int get_said(const struct head *head, const uint8_t *bytes, struct pst_diags *said)
{
	struct reader r = {.at = bytes, .left = head->said_bytes};

	for (uint64_t i = 0; !r.err && i < head->n_said; i++)
		get_diag(&r, said);
	if (!r.err && r.left)
		return -EPROTO;
	return !r.err && pst_diags_is_lossy(said) ? -ENOMEM : r.err;
}

/* What is wrong with it is no fault of whoever wrote the policies: it goes to the log. */
static int get_bundle(const uint8_t *bytes, size_t len, struct pst_bundle **ret_bundle)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *b = NULL;
	int r = diags ? pst_bundle_parse_unsummed("the compiled policy", bytes, len, diags, &b)
		      : -ENOMEM;

	if (!r)
		r = pst_bundle_verify(b, diags);
	if (r && diags)
		pst_diags_print(diags, stderr);
	pst_diags_free(&diags);
	if (r) {
		pst_bundle_free(&b);
		return r == -ENOMEM ? r
				    : pst_log_err(-EINVAL,
						  "the compiled policy does not pass verification");
	}
	*ret_bundle = b;
	return 0;
}

/* 0: *RET_HEAD fits to LEN bytes. */
static int get_head(const uint8_t *bytes, size_t len, struct head *ret_head)
{
	struct head h;

	if (len < sizeof(h))
		return -EPROTO;
	memcpy(&h, bytes, sizeof(h));
	len -= sizeof(h);
	if (h.magic != MAGIC || h.changed > 1 || h.said_bytes > PST_PARCEL_SAID_MAX ||
	    h.n_said > h.said_bytes || h.said_bytes > len || h.bundle_bytes != len - h.said_bytes)
		return -EPROTO;
	*ret_head = h;
	return 0;
}

int pst_parcel_parse(const uint8_t *bytes, size_t len, struct pst_reading *ret_reading)
{
	struct pst_reading reading = {.standing = pst_diags_new()};
	struct head head = {0};
	int r = reading.standing ? get_head(bytes, len, &head) : -ENOMEM;

	if (!r)
		r = get_said(&head, bytes + sizeof(head), reading.standing);
	if (!r && head.bundle_bytes)
		r = get_bundle(bytes + sizeof(head) + head.said_bytes, head.bundle_bytes,
			       &reading.bundle);
	if (r) {
		pst_reading_fini(&reading);
		return r == -EPROTO ? pst_log_err(r, "what the reader of files says is no reading")
				    : r;
	}
	reading.n_refused = head.n_refused;
	reading.changed = head.changed;
	*ret_reading = reading;
	return 0;
}

/* So that no page of it is still to be found when it is read, which could fail. */
static bool is_filled(int fd, off_t size)
{
	return lseek(fd, 0, SEEK_HOLE) >= size;
}

/* What cannot be changed any more need not be copied. */
int pst_parcel_read(int fd, struct pst_reading *ret_reading)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *bytes;
	int r;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return pst_log_err(-EPROTO, "what the reader of files says can still be changed");
	if (fstat(fd, &st))
		return pst_log_err(-errno, "cannot examine what the reader of files says");
	if (st.st_size <= 0 || st.st_size > PST_PARCEL_MAX)
		return pst_log_err(-EPROTO, "the reader of files says %lld bytes at once",
				   (long long)st.st_size);
	if (!is_filled(fd, st.st_size))
		return pst_log_err(-EPROTO, "what the reader of files says has holes");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED)
		return pst_log_err(-errno, "cannot read what the reader of files says");
	r = pst_parcel_parse(bytes, (size_t)st.st_size, ret_reading);
	munmap(bytes, (size_t)st.st_size);
	return r;
}
