// SPDX-License-Identifier: Apache-2.0
/*
 * Any words, in any order and cut anywhere, from the proxy to the daemon, and anything in the
 * memory that it counts in. Between them the daemon asks for what it is owed.
 *
 * A second daemon, written down here, says when the proxy is to be ended, and why. Whatever it
 * counts, sums are those of its rows, what is open is not more than what was opened, the pages keep
 * their form and length, and the memory stays as long as it is. Nothing may stay open.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "enforcer/clock.h"
#include "enforcer/dues.h"
#include "enforcer/proxied.h"
#include "enforcer/tally.h"
#include "enforcer/wire.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/told.h"

enum {
	INPUT_MAX = 4000,
	/* Lines of the metrics: names with their help, and two kinds of numbers for each reason. */
	LINES_MAX = 100 + (1 + PST_TALLY_PROTOCOLS) * PST_REASON_MAX,
};

/* What must come of a word. */
enum fate { FINE, GONE, NO_MESSAGE, NOT_ASKED, USELESS };

static struct pst_dues dues;
static int ours = -1, theirs = -1; /* the pipe */
static bool owes_policy, owes_ping;
static size_t useless;

static const struct pst_tally *tally;
static struct pst_tally *adopted; /* the proxy's */
static int tally_fd = -1;
static struct pst_tally_sums counted; /* as it should be: of the proxy that runs */
static struct pst_tally_sums before;  /* of those before it: as the daemon has it */

static void leave(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- a proxy begins and ends ---- */

static void begin(void)
{
	int fds[2];

	FUZZ_CHECK(!pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	ours = fds[0];
	theirs = fds[1];
	dues = (struct pst_dues){.policy_id = dues.policy_id};
	owes_policy = owes_ping = false;
	memset(&counted, 0, sizeof(counted));
}

/* Only where it is used: it takes longer than all the rest. */
static void share_memory(void)
{
	if (tally)
		return;
	FUZZ_CHECK(!pst_tally_new(&tally, &tally_fd));
	FUZZ_CHECK(!pst_tally_adopt(tally_fd, &adopted));
}

static void end(void)
{
	leave(&ours);
	leave(&theirs);
	leave(&tally_fd);
	if (adopted)
		munmap(adopted, sizeof(*adopted));
	adopted = NULL;
	pst_tally_sum(tally, &before);
	pst_tally_end(&before);
	pst_tally_free(&tally);
	for (unsigned int leg = 0; leg < PST_TALLY_LEGS; leg++)
		FUZZ_CHECK(before.n[PST_TALLY_OPENED + leg] == before.n[PST_TALLY_CLOSED + leg]);
	FUZZ_CHECK(before.n[PST_TALLY_STREAMS] == before.n[PST_TALLY_STREAMS_OVER]);
}

/* ---- what it says ---- */

static enum fate fate_of(const struct pst_wire *w)
{
	if (w->error > 0 || w->error < -4095)
		return NO_MESSAGE;
	if (w->kind == PST_WIRE_PING && owes_ping) {
		owes_ping = false;
		return FINE;
	}
	if (w->kind != PST_WIRE_DONE || !owes_policy)
		return NOT_ASKED;
	if (w->id != dues.policy_id)
		return FINE;
	owes_policy = false;
	useless += w->error != 0;
	return w->error ? USELESS : FINE;
}

static void hear(enum fate fate)
{
	static const char *const words[] = {
		[GONE] = "it has ended",
		[NO_MESSAGE] = "what it says is no message",
		[NOT_ASKED] = "it says what nobody has asked",
		[USELESS] = "it is of no use",
	};
	const char *why = pst_dues_hear(&dues, ours);

	FUZZ_CHECK(!why == (fate == FINE));
	FUZZ_CHECK(!why || !strcmp(why, words[fate]));
	FUZZ_CHECK((why == pst_dues_gone) == (fate == GONE));
	FUZZ_CHECK(fate != FINE ||
		   (!dues.policy_ms == !owes_policy && !dues.ping_ms == !owes_ping));
	if (why) {
		end();
		begin();
	}
}

/* N bytes at once; the daemon takes them word by word, until one ends the proxy. */
static void say(const uint8_t *bytes, size_t n)
{
	FUZZ_CHECK(write(theirs, bytes, n) == (ssize_t)n);
	while (n) {
		const size_t piece = n < sizeof(struct pst_wire) ? n : sizeof(struct pst_wire);
		enum fate fate = NO_MESSAGE;

		if (piece == sizeof(struct pst_wire)) {
			struct pst_wire w;

			memcpy(&w, bytes, sizeof(w));
			fate = fate_of(&w);
		}
		hear(fate);
		if (fate != FINE)
			return;
		bytes += piece;
		n -= piece;
	}
	hear(FINE); /* there is no more */
}

static void say_words(struct fuzz_input *in)
{
	static const int32_t errors[] = {0, 0, 0, -EINVAL, -ENOMEM, 1, INT32_MIN, INT32_MAX};
	struct pst_wire words[4] = {{.kind = 0}};
	const size_t n = 1 + fuzz_take(in) % 4;

	for (size_t i = 0; i < n; i++) {
		words[i].kind = fuzz_take(in);
		words[i].id = dues.policy_id - fuzz_take(in) % 3;
		words[i].error = errors[fuzz_take(in) % 8];
	}
	say((const uint8_t *)words, n * sizeof(*words));
}

static void say_bytes(struct fuzz_input *in)
{
	uint8_t bytes[4 * sizeof(struct pst_wire)];
	const size_t n = 1 + fuzz_take(in) % sizeof(bytes);

	for (size_t i = 0; i < n; i++)
		bytes[i] = fuzz_take(in);
	say(bytes, n);
}

/* ---- what it counts ---- */

static void count(struct fuzz_input *in)
{
	const size_t row = fuzz_take(in) % PST_TALLY_ROWS;
	const size_t what = (fuzz_take(in) | (size_t)fuzz_take(in) << 8) %
			    (sizeof(tally->rows[0].n) / sizeof(tally->rows[0].n[0]));
	uint64_t value = 0;
	atomic_uint_least64_t *at;

	share_memory();
	at = &adopted->rows[row].n[what];
	for (size_t i = fuzz_take(in) % 9; i; i--)
		value = value << 8 | fuzz_take(in);
	if (what < PST_TALLY_MAX)
		counted.n[what] += value - atomic_load(at);
	atomic_store(at, value);
}

/* It has more than one process to read it: its length is for ever. */
static void cut_memory(struct fuzz_input *in)
{
	const off_t lengths[] = {0, 1, sizeof(struct pst_tally) - 1, sizeof(struct pst_tally) + 1};
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK;

	share_memory();
	FUZZ_CHECK(ftruncate(tally_fd, lengths[fuzz_take(in) % 4]) && errno == EPERM);
	FUZZ_CHECK(fcntl(tally_fd, F_ADD_SEALS, seals) && errno == EPERM);
}

/* ---- what people read of it ---- */

static uint64_t number_behind(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	FUZZ_CHECK(at);
	return strtoull(at + strlen(name), NULL, 10);
}

static void check_metrics(const struct pst_proxied *p)
{
	size_t len = 0, lines = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	pst_proxied_write_metrics(p, out);
	fclose(out);
	for (char *at = text; *at; lines++) {
		char *nl = strchr(at, '\n');

		FUZZ_CHECK(nl && nl > at);
		FUZZ_CHECK(*at == '#' ||
			   (!strncmp(at, "postern_proxy_", 14) && nl[-1] >= '0' && nl[-1] <= '9'));
		at = nl + 1;
	}
	FUZZ_CHECK(lines < LINES_MAX);
	FUZZ_CHECK(number_behind(text, "\npostern_proxy_streams_active ") <=
		   number_behind(text, "\npostern_proxy_streams_total "));
	FUZZ_CHECK(number_behind(text, "\npostern_proxy_cx_active{leg=\"upstream\"} ") <=
		   number_behind(text, "\npostern_proxy_cx_total{leg=\"upstream\"} "));
	free(text);
}

static void check_status(const struct pst_proxied *p)
{
	size_t len = 0, depth = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);
	struct pst_json j;

	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	pst_proxied_write_status(&j, "proxy", p);
	pst_json_end(&j);
	FUZZ_CHECK(!pst_json_finish(&j));
	fclose(out);
	for (size_t i = 0; i < len - 1; i++) { /* the last byte ends the line */
		FUZZ_CHECK(text[i] >= ' ' && text[i] < 0x7f);
		depth += text[i] == '{' || text[i] == '[';
		FUZZ_CHECK(depth);
		depth -= text[i] == '}' || text[i] == ']';
	}
	FUZZ_CHECK(!depth && text[len - 1] == '\n');
	free(text);
}

static void check_sums(struct pst_proxied *ret_proxied)
{
	static const bool is_allowed[PST_REASON_MAX] = {
#define IS_ALLOWED(name, kebab, kind, text) PST_KIND_##kind == PST_KIND_ALLOW,
		PST_REASONS(IS_ALLOWED)
#undef IS_ALLOWED
	};
	struct pst_proxied p = {.is_up = true, .sums = before};
	struct pst_proxied_requests requests;
	uint64_t forwarded = 0;

	pst_tally_sum(tally, &p.sums);
	for (size_t i = 0; i < PST_TALLY_MAX; i++)
		FUZZ_CHECK(p.sums.n[i] == before.n[i] + counted.n[i]);
	requests = pst_proxied_count(&p);
	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		for (unsigned int k = 0; is_allowed[i] && k < PST_TALLY_PROTOCOLS; k++)
			forwarded += p.sums.n[pst_tally_decided(k, (enum pst_reason)i)];
	}
	FUZZ_CHECK(requests.forwarded == forwarded);
	*ret_proxied = p;
}

/* ---- all of it ---- */

static void step(struct fuzz_input *in)
{
	struct pst_proxied p;

	switch (fuzz_take(in) % 8) {
	case 0:
		dues.policy_id++;
		dues.policy_ms = pst_clock_ms();
		owes_policy = true;
		break;
	case 1:
		dues.ping_ms = pst_clock_ms();
		owes_ping = true;
		break;
	case 2:
	case 3:
		say_words(in);
		break;
	case 4:
		say_bytes(in);
		break;
	case 5:
		leave(&theirs);
		hear(GONE);
		break;
	case 6:
		count(in);
		break;
	default:
		cut_memory(in);
		check_sums(&p);
		check_metrics(&p);
		check_status(&p);
	}
	FUZZ_CHECK(!pst_dues_missed(&dues));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const prefixes[] = {"error: the proxy does not take over the policy"};
	struct fuzz_told told = {.prefixes = prefixes, .n_prefixes = 1};
	struct fuzz_input in = {.at = data, .left = size < INPUT_MAX ? size : INPUT_MAX};
	struct pst_proxied p;
	int open_before;

	signal(SIGPIPE, SIG_IGN);
	fuzz_told_begin();
	open_before = fuzz_open_descriptors();
	memset(&before, 0, sizeof(before));
	useless = 0;
	begin();
	while (in.left)
		step(&in);
	check_sums(&p);
	end();
	FUZZ_CHECK(fuzz_open_descriptors() == open_before);
	fuzz_told_end(&told);
	FUZZ_CHECK(told.n[0] == useless);
	return 0;
}
