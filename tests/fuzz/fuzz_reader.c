// SPDX-License-Identifier: Apache-2.0
/*
 * Any messages, in any order, from the process that reads files to the daemon: words that may not
 * come now, numbers that do not exist, too short, too long, with descriptors of all kinds or too
 * many, and anything as lines of its log. Between them the daemon asks.
 *
 * A second daemon, written down here as what it has to answer, says what must come of each message:
 * what is taken, what ends the reader, what the daemon sends. Nothing may stay open, and no line of
 * the log may be taken for the daemon's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enforcer/parcel.h"
#include "enforcer/reader.h"
#include "enforcer/wire.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/rules.h"
#include "tests/fuzz/told.h"

enum {
	AN_HOUR_MS = 3600 * 1000,
	STARTS_MAX = 3, /* of one input: each takes milliseconds */
	LINES_MAX = 4000,
	SENT_MAX = 64,
};

/* What can come with a message. */
enum given {
	NOTHING_GIVEN,
	CHANGED,	  /* a reading with a bundle */
	UNCHANGED,	  /* one without */
	MISTAKEN,	  /* with a bundle, and mistakes */
	MISTAKEN_WITHOUT, /* mistakes alone, nothing has changed */
	CHANGED_WITHOUT,  /* a change, and no bundle */
	FIRST_UNUSABLE,	  /* these are no readings: */
	OPEN_TO_CHANGES = FIRST_UNUSABLE,
	WITH_A_HOLE,
	EMPTY,
	NO_READING,
	A_PIPE,
	A_DIRECTORY,
	GIVEN_MAX,
};

static int given[GIVEN_MAX];

/* The daemon as it should be. */
struct model {
	bool is_up, has_begun, is_fresh, is_late, is_blind, is_silent;
	unsigned int owed, missed;
	uint64_t ended;
	size_t lines; /* that it has said */
	size_t piece; /* bytes of the one that has begun */
};

static struct pst_reader *reader;
static int theirs = -1, said = -1; /* the reader's ends */
static int starts;
static struct model m;

/* ---- what there is to be given ---- */

static int parcel(struct pst_bundle *b, bool changed, bool mistaken)
{
	struct pst_reading r = {.standing = pst_diags_new(), .changed = changed, .bundle = b};
	const struct pst_pos pos = {.file = "policy.yaml", .line = 1};
	int fd;

	if (mistaken)
		pst_diags_add(r.standing, PST_SEVERITY_ERROR, "bad-field", &pos, "a mistake");
	fd = pst_parcel_write(&r);
	FUZZ_CHECK(fd >= 0);
	pst_diags_free(&r.standing);
	return fd;
}

/* LEN bytes, of which the first are TEXT. */
static int file(const char *text, off_t len, bool is_sealed)
{
	int fd = memfd_create("given", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	FUZZ_CHECK(!ftruncate(fd, len));
	if (is_sealed)
		FUZZ_CHECK(!fcntl(fd, F_ADD_SEALS,
				  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	return fd;
}

static void make_given(void)
{
	struct pst_bundle *b = fuzz_rules_bundle(FUZZ_POLICY("        - {path: /a}\n"));
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	FUZZ_CHECK(!pipe2(fds, O_CLOEXEC));
	given[NOTHING_GIVEN] = -1;
	given[CHANGED] = parcel(b, true, false);
	given[UNCHANGED] = parcel(NULL, false, false);
	given[MISTAKEN] = parcel(b, true, true);
	given[MISTAKEN_WITHOUT] = parcel(NULL, false, true);
	given[CHANGED_WITHOUT] = parcel(NULL, true, false);
	given[OPEN_TO_CHANGES] = file("x", 64, false);
	given[WITH_A_HOLE] = file("x", 1 << 20, true);
	given[EMPTY] = file("", 0, true);
	given[NO_READING] = file("0123456789abcdef0123456789abcdef0123456789abcdef!", 49, true);
	given[A_PIPE] = fds[0];
	given[A_DIRECTORY] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pst_bundle_free(&b);
}

static bool has_bundle(enum given g)
{
	return g == CHANGED || g == MISTAKEN;
}

static bool is_changed(enum given g)
{
	return has_bundle(g) || g == CHANGED_WITHOUT;
}

static bool is_mistaken(enum given g)
{
	return g == MISTAKEN || g == MISTAKEN_WITHOUT;
}

/* ---- its life ---- */

static void leave(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int start(void *arg, struct pst_reader_process *ret_process)
{
	int fds[2], log[2];

	(void)arg;
	FUZZ_CHECK(!pst_wire_pair(fds) && !pipe2(log, O_CLOEXEC | O_NONBLOCK));
	/* No process has this number: there is none to be ended. */
	*ret_process = (struct pst_reader_process){.pid = INT_MAX, .fd = fds[0], .said = log[0]};
	theirs = fds[1];
	said = log[1];
	starts++;
	m.is_up = m.is_fresh = m.is_silent = true;
	m.is_blind = m.has_begun = false;
	m.owed = 1;
	return 0;
}

/* What the daemon has sent since the last time is exactly this. */
static void expect_sent(const struct pst_wire *expected, size_t n)
{
	for (size_t i = 0; theirs >= 0; i++) {
		struct pst_wire w;
		int pass = -1, e = pst_wire_recv(theirs, MSG_DONTWAIT, &w, &pass);

		if (i == n) {
			FUZZ_CHECK(e == -EAGAIN);
			break;
		}
		FUZZ_CHECK(!e && pass < 0);
		FUZZ_CHECK(w.kind == expected[i].kind && w.id == expected[i].id && !w.error);
	}
}

static void gone(void)
{
	if (m.piece)
		m.lines++;
	m.piece = 0;
	m.is_up = false;
	m.owed = 0;
	m.ended++;
	leave(&theirs);
	leave(&said);
}

static void check_stats(void)
{
	struct pst_reader_stats s;

	pst_reader_stats(reader, &s);
	FUZZ_CHECK(s.is_up == m.is_up && s.ended == m.ended && s.is_late == m.is_late);
}

/* ---- what must come of a message ---- */

static bool is_reading(const struct pst_wire *w, enum given g)
{
	const bool asked =
		w->id == PST_ANEW_ALWAYS || (w->id == PST_ANEW_WHEN_CLEAN && !is_mistaken(g));

	if (w->id >= PST_ANEW_MAX || g == NOTHING_GIVEN || g >= FIRST_UNUSABLE)
		return false;
	if (w->error && w->error != -EINVAL && w->error != -ENOMEM)
		return false;
	return has_bundle(g) == (!w->error && (is_changed(g) || asked));
}

/* The reading counts, or what is to be asked or said because it does not. */
static void expect_reading(const struct pst_wire *w, enum given g, struct pst_reader_word *word)
{
	const bool was_late = m.is_late;

	m.has_begun = false;
	m.owed -= m.owed > 0;
	FUZZ_CHECK(word->kind == PST_READER_READ && word->error == w->error);
	FUZZ_CHECK(word->anew == (enum pst_anew)w->id && word->is_blind == m.is_blind);
	FUZZ_CHECK(!word->reading.bundle == !has_bundle(g) && word->reading.standing);
	FUZZ_CHECK(word->reading.changed == is_changed(g));
	FUZZ_CHECK(!pst_diags_errors(word->reading.standing) == !is_mistaken(g));
	FUZZ_CHECK(word->is_asked == (w->id == PST_ANEW_WHEN_CLEAN ||
				      (m.is_silent && m.missed & 1U << PST_ANEW_WHEN_CLEAN)));
	m.missed = 0;
	m.is_silent = false;
	if (!w->error && !is_mistaken(g))
		m.is_fresh = false;
	m.is_late = m.is_fresh;
	FUZZ_CHECK(word->is_late == m.is_late);
	if (m.is_late) {
		expect_sent(&(struct pst_wire){.kind = PST_WIRE_REFUSED}, 1);
	} else if (was_late && !has_bundle(g)) {
		m.owed++;
		expect_sent(&(struct pst_wire){.kind = PST_WIRE_READ, .id = PST_ANEW_ALWAYS}, 1);
	} else {
		expect_sent(NULL, 0);
	}
}

static void expect(const struct pst_wire *w, enum given g)
{
	const bool is_bare = g == NOTHING_GIVEN;
	struct pst_reader_word word;

	pst_reader_dispatch(reader, &word);
	if (w && w->kind == PST_WIRE_BEGUN && is_bare && !m.has_begun) {
		m.has_begun = true;
		FUZZ_CHECK(word.kind == PST_READER_BEGUN);
	} else if (w && w->kind == PST_WIRE_PING && is_bare && m.owed) {
		m.owed--;
		FUZZ_CHECK(word.kind == PST_READER_NOTHING);
	} else if (w && w->kind == PST_WIRE_BLIND && is_bare) {
		m.is_blind = true;
		FUZZ_CHECK(word.kind == PST_READER_NOTHING);
	} else if (w && w->kind == PST_WIRE_READING && is_reading(w, g)) {
		expect_reading(w, g, &word);
	} else {
		FUZZ_CHECK(word.kind == PST_READER_GONE);
		gone();
	}
	pst_reading_fini(&word.reading);
}

/* ---- what is done ---- */

static void send_message(struct fuzz_input *in)
{
	static const int32_t errors[] = {0, 0, 0, -EINVAL, -ENOMEM, -EPROTO, 1, INT32_MIN};
	const enum given g = fuzz_take(in) % GIVEN_MAX;
	struct pst_wire w = {
		.kind = fuzz_take(in), .id = fuzz_take(in), .error = errors[fuzz_take(in) % 8]};

	if (w.id > 0x7f)
		w.id <<= 24;
	FUZZ_CHECK(!pst_wire_send(theirs, &w, given[g]));
	expect(&w, g);
}

/* Any length but none, which is the end, and any bytes. */
static void send_bytes(struct fuzz_input *in)
{
	uint8_t bytes[2 * sizeof(struct pst_wire)] = {0};
	const size_t n = 1 + fuzz_take(in) % (sizeof(bytes) - 1);
	struct pst_wire w;

	for (size_t i = 0; i < n; i++)
		bytes[i] = fuzz_take(in);
	memcpy(&w, bytes, sizeof(w));
	FUZZ_CHECK(send(theirs, bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
	expect(n == sizeof(w) ? &w : NULL, NOTHING_GIVEN);
}

/* A message that would do, with more descriptors than one. */
static void send_many(struct fuzz_input *in)
{
	const int n = 2 + fuzz_take(in) % 3;
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct pst_wire w = {.kind = PST_WIRE_READING};
	struct iovec iov = {.iov_base = &w, .iov_len = sizeof(w)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
	struct cmsghdr *c;

	msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &given[CHANGED], sizeof(int));
	FUZZ_CHECK(sendmsg(theirs, &msg, MSG_NOSIGNAL) == sizeof(w));
	expect(NULL, NOTHING_GIVEN);
}

/* Lines, or parts of some, and what the daemon must tell of them. */
static void say(struct fuzz_input *in)
{
	char text[256];
	const size_t n = fuzz_take(in);
	struct pst_reader_word word;

	for (size_t i = 0; i < n; i++) {
		text[i] = (char)fuzz_take(in);
		if (text[i] == '\n') {
			m.lines++;
			m.piece = 0;
		} else if (m.piece++ == 1024) {
			m.lines++;
			m.piece = 1;
		}
	}
	FUZZ_CHECK(write(said, text, n) == (ssize_t)n);
	pst_reader_dispatch(reader, &word);
	FUZZ_CHECK(word.kind == PST_READER_NOTHING);
}

static void ask(struct fuzz_input *in)
{
	const enum pst_anew anew = fuzz_take(in) % PST_ANEW_MAX;

	pst_reader_ask(reader, anew);
	if (!m.is_up) {
		m.missed |= 1U << anew;
		return;
	}
	m.owed++;
	expect_sent(&(struct pst_wire){.kind = PST_WIRE_READ, .id = anew}, 1);
}

static void refuse(void)
{
	pst_reader_refused(reader);
	expect_sent(&(struct pst_wire){.kind = PST_WIRE_REFUSED}, 1);
}

static void hang_up(void)
{
	leave(&theirs);
	expect(NULL, NOTHING_GIVEN);
}

/* One that is gone comes back. */
static void await(void)
{
	while (!m.is_up && starts < STARTS_MAX) {
		struct pollfd p = {.fd = pst_reader_fd(reader), .events = POLLIN};
		struct pst_reader_word word;

		FUZZ_CHECK(poll(&p, 1, 10000) == 1);
		pst_reader_dispatch(reader, &word);
		FUZZ_CHECK(word.kind == PST_READER_NOTHING);
	}
}

static void step(struct fuzz_input *in)
{
	const uint8_t what = fuzz_take(in) % 8;

	if (what == 4) {
		ask(in);
	} else if (what == 5) {
		refuse();
	} else if (!m.is_up) {
		await();
	} else if (what < 2) {
		send_message(in);
	} else if (what == 2) {
		send_bytes(in);
	} else if (what == 3) {
		send_many(in);
	} else if (what == 6 && m.lines < LINES_MAX) {
		say(in);
	} else if (what == 7) {
		hang_up();
	}
	check_stats();
}

/* How often it ended shows in the log where nothing else tells of it. */
static void check_told(void)
{
	static const char *const prefixes[] = {
		"reader: ",
		"error: the reader of files is ended: ",
		"error: what the reader of files says ",
		"error: the reader of files says 0 bytes at once",
		"the reader of files is started again in ",
		"error: cannot read what the reader of files says",
	};
	struct fuzz_told told = {.prefixes = prefixes,
				 .n_prefixes = sizeof(prefixes) / sizeof(*prefixes)};

	fuzz_told_end(&told);
	FUZZ_CHECK(told.n[0] == m.lines && told.n[1] <= m.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pst_reader_opts opts = {
		.start = start, .limit_ms = AN_HOUR_MS, .ping_ms = AN_HOUR_MS, .again_ms = 1};
	struct fuzz_input in = {.at = data, .left = size < LINES_MAX ? size : LINES_MAX};
	int open_before;

	if (!given[CHANGED])
		make_given();
	fuzz_told_begin();
	open_before = fuzz_open_descriptors();
	m = (struct model){.is_up = false};
	starts = 0;
	FUZZ_CHECK(!pst_reader_open(&opts, &reader));
	while (in.left)
		step(&in);
	pst_reader_close(&reader);
	leave(&theirs);
	leave(&said);
	if (m.piece)
		m.lines++;
	FUZZ_CHECK(fuzz_open_descriptors() == open_before);
	check_told();
	return 0;
}
