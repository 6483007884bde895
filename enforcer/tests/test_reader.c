// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reader.h"

#include "base/cleanup.h"
#include "enforcer/parcel.h"
#include "enforcer/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What a process does that is started as the reader of files. */
typedef void (*life_fn)(int fd, int nth);

static life_fn life;
static int n_started;
static struct pst_reader *reader;
static struct pst_reading good; /* no mistakes, and a bundle */

static int start(void *arg, struct pst_reader_process *ret_process)
{
	int fds[2], said[2];

	(void)arg;
	cr_assert_eq(pst_wire_pair(fds), 0);
	cr_assert_eq(pipe(said), 0);
	n_started++;
	*ret_process = (struct pst_reader_process){.pid = fork(), .fd = fds[0], .said = said[0]};
	if (!ret_process->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		close(said[0]);
		dup2(said[1], STDERR_FILENO);
		close(said[1]);
		life(fds[1], n_started);
		_exit(7);
	}
	close(fds[1]);
	close(said[1]);
	return 0;
}

static void setup(void)
{
	const char *policies[] = {"testdata/policies/good/two-rules.yaml"};
	const char *inventories[] = {"testdata/inventory/demo.yaml"};
	struct pst_sources *sources = pst_sources_new(policies, 1, inventories, 1);

	cr_assert_eq(pst_sources_read(sources, &good), 0);
	pst_sources_free(&sources);
}

static void teardown(void)
{
	pst_reader_close(&reader);
	pst_reading_fini(&good);
}

TestSuite(reader, .init = setup, .fini = teardown, .timeout = 60);

static void open_reader(life_fn fn)
{
	const struct pst_reader_opts opts = {
		.start = start, .limit_ms = 300, .ping_ms = 50, .again_ms = 10};

	life = fn;
	cr_assert_eq(pst_reader_open(&opts, &reader), 0);
}

/* The next word but NOTHING. */
static struct pst_reader_word next(void)
{
	struct pst_reader_word word;

	do {
		struct pollfd p = {.fd = pst_reader_fd(reader), .events = POLLIN};

		cr_assert_geq(poll(&p, 1, 5000), 0);
		pst_reader_dispatch(reader, &word);
	} while (word.kind == PST_READER_NOTHING);
	return word;
}

/* ---- lives ---- */

static void say(int fd, enum pst_wire_kind kind, uint32_t id, int pass)
{
	const struct pst_wire w = {.kind = kind, .id = id};

	if (pst_wire_send(fd, &w, pass))
		_exit(6);
}

static void hand_over(int fd, const struct pst_reading *r, enum pst_anew anew)
{
	say(fd, PST_WIRE_READING, anew, pst_parcel_write(r));
}

/* Answers until the other end is closed. */
static void serve(int fd)
{
	for (;;) {
		struct pst_reading r = good;
		struct pst_wire w;
		int pass;

		if (pst_wire_recv(fd, 0, &w, &pass))
			_exit(0);
		r.changed = false;
		if (w.kind == PST_WIRE_PING)
			say(fd, PST_WIRE_PING, 0, -1);
		if (w.kind == PST_WIRE_READ)
			hand_over(fd, &r, (enum pst_anew)w.id);
	}
}

static void honest(int fd, int nth)
{
	(void)nth;
	say(fd, PST_WIRE_BEGUN, 0, -1);
	hand_over(fd, &good, PST_ANEW_NEVER);
	serve(fd);
}

static void dies_once(int fd, int nth)
{
	hand_over(fd, &good, PST_ANEW_NEVER);
	if (nth == 1)
		raise(SIGSEGV);
	serve(fd);
}

static void hangs(int fd, int nth)
{
	(void)nth;
	hand_over(fd, &good, PST_ANEW_NEVER);
	for (;;)
		pause();
}

static void dies_at_once(int fd, int nth)
{
	(void)fd;
	(void)nth;
}

/* ---- tests ---- */

Test(reader, what_it_hands_over_comes_with_its_bundle)
{
	struct pst_reader_word word;

	open_reader(honest);
	cr_expect_eq(next().kind, PST_READER_BEGUN);
	word = next();
	cr_expect_eq(word.kind, PST_READER_READ);
	cr_expect_eq(word.error, 0);
	cr_expect_not(word.is_late);
	cr_expect_not_null(word.reading.bundle);
	pst_reading_fini(&word.reading);
}

Test(reader, a_question_is_answered_as_it_was_asked)
{
	struct pst_reader_word word;

	open_reader(honest);
	cr_assert_eq(pst_reader_first(reader, &word), 0);
	pst_reading_fini(&word.reading);
	pst_reader_ask(reader, PST_ANEW_ALWAYS);
	word = next();
	cr_expect_eq(word.kind, PST_READER_READ);
	cr_expect_eq(word.anew, PST_ANEW_ALWAYS);
	cr_expect_not(word.reading.changed);
	cr_expect_not_null(word.reading.bundle);
	pst_reading_fini(&word.reading);
}

Test(reader, one_that_is_there_is_left_alone)
{
	struct pst_reader_word word;
	struct pst_reader_stats stats;

	open_reader(honest);
	cr_assert_eq(pst_reader_first(reader, &word), 0);
	pst_reading_fini(&word.reading);
	for (int i = 0; i < 30; i++) {
		struct pollfd p = {.fd = pst_reader_fd(reader), .events = POLLIN};

		poll(&p, 1, 20);
		pst_reader_dispatch(reader, &word);
		cr_assert_eq(word.kind, PST_READER_NOTHING);
	}
	pst_reader_stats(reader, &stats);
	cr_expect_eq(stats.ended, 0);
	cr_expect_str_eq(stats.state, "running");
	cr_expect_eq(n_started, 1);
}

Test(reader, one_that_dies_is_started_again_and_counted)
{
	struct pst_reader_word word;
	struct pst_reader_stats stats;

	open_reader(dies_once);
	word = next();
	cr_expect_eq(word.kind, PST_READER_READ);
	pst_reading_fini(&word.reading);
	cr_expect_eq(next().kind, PST_READER_GONE);
	pst_reader_stats(reader, &stats);
	cr_expect_str_neq(stats.state, "running");
	word = next();
	cr_expect_eq(word.kind, PST_READER_READ);
	cr_expect_not_null(word.reading.bundle);
	cr_expect_not(word.is_late);
	pst_reading_fini(&word.reading);
	pst_reader_stats(reader, &stats);
	cr_expect_eq(stats.ended, 1);
	cr_expect_eq(n_started, 2);
}

Test(reader, what_is_asked_while_there_is_none_is_answered_by_the_next_one)
{
	struct pst_reader_word word;

	open_reader(dies_once);
	word = next();
	cr_assert_eq(word.kind, PST_READER_READ);
	cr_expect_not(word.is_asked);
	pst_reading_fini(&word.reading);
	cr_assert_eq(next().kind, PST_READER_GONE);
	pst_reader_ask(reader, PST_ANEW_WHEN_CLEAN);
	pst_reader_ask(reader, PST_ANEW_ALWAYS);
	word = next();
	cr_assert_eq(word.kind, PST_READER_READ);
	cr_expect(word.is_asked);
	cr_expect_not_null(word.reading.bundle);
	pst_reading_fini(&word.reading);
	pst_reader_ask(reader, PST_ANEW_ALWAYS);
	word = next();
	cr_assert_eq(word.kind, PST_READER_READ);
	cr_expect_not(word.is_asked);
	pst_reading_fini(&word.reading);
	pst_reader_ask(reader, PST_ANEW_WHEN_CLEAN);
	word = next();
	cr_assert_eq(word.kind, PST_READER_READ);
	cr_expect(word.is_asked);
	pst_reading_fini(&word.reading);
}

Test(reader, one_that_does_not_answer_is_ended)
{
	struct pst_reader_word word;

	open_reader(hangs);
	word = next();
	cr_expect_eq(word.kind, PST_READER_READ);
	pst_reading_fini(&word.reading);
	cr_expect_eq(next().kind, PST_READER_GONE);
	word = next();
	cr_expect_eq(word.kind, PST_READER_READ);
	pst_reading_fini(&word.reading);
	cr_expect_eq(n_started, 2);
}

Test(reader, one_that_ends_before_its_first_reading_is_no_start)
{
	struct pst_reader_word word;

	open_reader(dies_at_once);
	cr_expect_eq(pst_reader_first(reader, &word), -EIO);
}

/* Each time later: a file that ends it is not read a hundred times a second. */
Test(reader, it_is_started_again_later_each_time)
{
	const uint64_t until = 600;
	struct timespec begin, now;

	open_reader(dies_at_once);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		struct pollfd p = {.fd = pst_reader_fd(reader), .events = POLLIN};
		struct pst_reader_word word;

		poll(&p, 1, 10);
		pst_reader_dispatch(reader, &word);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((uint64_t)(now.tv_sec - begin.tv_sec) * 1000 + (uint64_t)now.tv_nsec / 1000000 <
		 until + (uint64_t)begin.tv_nsec / 1000000);
	/* After 10, 30, 70, 150, 310 ms, and then after 630. */
	cr_expect_geq(n_started, 3);
	cr_expect_leq(n_started, 6);
}

/* Its process knew the last good version of what is wrong now; the new one does not. */
static void is_wrong_when_new(int fd, int nth)
{
	struct pst_reading bad = good;
	struct pst_wire w;
	int pass;

	if (nth == 1) {
		hand_over(fd, &good, PST_ANEW_NEVER);
		raise(SIGKILL);
	}
	bad.standing = pst_diags_new();
	pst_diags_error(bad.standing, "yaml-syntax", &(struct pst_pos){0}, "half a file");
	hand_over(fd, &bad, PST_ANEW_NEVER);
	/* It is told that nothing of this counts. */
	if (pst_wire_recv(fd, 0, &w, &pass) || w.kind != PST_WIRE_REFUSED)
		_exit(5);
	hand_over(fd, &good, PST_ANEW_NEVER);
	hand_over(fd, &bad, PST_ANEW_NEVER);
	serve(fd);
}

Test(reader, a_new_one_counts_from_its_first_reading_without_mistakes)
{
	const bool late[] = {false, true, false, false};
	struct pst_reader_stats stats;

	open_reader(is_wrong_when_new);
	for (int i = 0; i < 4; i++) {
		struct pst_reader_word word = next();

		if (i == 1 && word.kind == PST_READER_GONE)
			word = next();
		cr_assert_eq(word.kind, PST_READER_READ);
		cr_expect_eq(word.is_late, late[i], "reading %d", i);
		pst_reader_stats(reader, &stats);
		cr_expect_eq(stats.is_late, late[i], "reading %d", i);
		pst_reading_fini(&word.reading);
	}
}

/* It did not know that nothing of its first reading counted. */
static void mends_without_a_change(int fd, int nth)
{
	struct pst_reading r = good;

	if (nth == 1) {
		hand_over(fd, &good, PST_ANEW_NEVER);
		raise(SIGKILL);
	}
	r.standing = pst_diags_new();
	pst_diags_error(r.standing, "yaml-syntax", &(struct pst_pos){0}, "half a file");
	hand_over(fd, &r, PST_ANEW_NEVER);
	r = (struct pst_reading){.standing = pst_diags_new()};
	hand_over(fd, &r, PST_ANEW_NEVER);
	serve(fd);
}

Test(reader, what_did_not_count_is_asked_for_when_nothing_is_wrong_any_more)
{
	struct pst_reader_word word;
	int n = 0;

	open_reader(mends_without_a_change);
	do {
		word = next();
		if (word.kind == PST_READER_READ && word.anew != PST_ANEW_ALWAYS)
			pst_reading_fini(&word.reading);
		cr_assert_lt(n++, 10);
	} while (word.kind != PST_READER_READ || word.anew != PST_ANEW_ALWAYS);
	cr_expect_not(word.is_late);
	cr_expect_not_null(word.reading.bundle);
	pst_reading_fini(&word.reading);
}

/* ---- a hostile one ---- */

static int hostile_case;

static void is_hostile(int fd, int nth)
{
	static const struct pst_wire unknown = {.kind = 99}, other = {.kind = PST_WIRE_LEG};
	struct pst_reading r = good;
	struct pst_wire w = {.kind = PST_WIRE_READING, .error = -EINVAL};

	(void)nth;
	switch (hostile_case) {
	case 0:
		pst_wire_send(fd, &unknown, -1);
		break;
	case 1:
		pst_wire_send(fd, &other, fd);
		break;
	case 2: /* nothing with it */
		say(fd, PST_WIRE_READING, 0, -1);
		break;
	case 3: /* no parcel */
		say(fd, PST_WIRE_READING, 0, fd);
		break;
	case 4: /* no such reason to ask */
		say(fd, PST_WIRE_READING, PST_ANEW_MAX, pst_parcel_write(&r));
		break;
	case 5: /* a change without a bundle */
		r.bundle = NULL;
		hand_over(fd, &r, PST_ANEW_NEVER);
		break;
	case 6: /* a bundle with an error */
		pst_wire_send(fd, &w, pst_parcel_write(&r));
		break;
	case 7: /* an error that is none */
		w.error = 1;
		r.bundle = NULL;
		pst_wire_send(fd, &w, pst_parcel_write(&r));
		break;
	case 8: /* a bundle that nobody may use */
		r.bundle->entries[0].key.prefixlen = 77;
		hand_over(fd, &r, PST_ANEW_NEVER);
		break;
	case 9: /* a descriptor where there is none */
		say(fd, PST_WIRE_PING, 0, fd);
		break;
	case 10:
		say(fd, PST_WIRE_BEGUN, 0, fd);
		break;
	case 11:
		send(fd, "x", 1, 0);
		break;
	case 12: /* answers without a question, which would count as signs of life */
		for (;;)
			say(fd, PST_WIRE_PING, 0, -1);
	case 13: /* a beginning without an end */
		for (;;)
			say(fd, PST_WIRE_BEGUN, 0, -1);
	}
	for (;;)
		pause();
}

Test(reader, what_is_no_message_ends_it)
{
	for (hostile_case = 0; hostile_case < 14; hostile_case++) {
		struct pst_reader_word word;

		open_reader(is_hostile);
		do {
			word = next();
			if (word.kind == PST_READER_READ)
				cr_assert_fail("case %d is taken", hostile_case);
		} while (word.kind != PST_READER_GONE);
		pst_reader_close(&reader);
	}
}
