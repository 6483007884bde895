// SPDX-License-Identifier: Apache-2.0
#include "enforcer/tally.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "enforcer/proxied.h"

static const struct pst_tally *seen;
static struct pst_tally *mine;
static int fd = -1;

static void set_up(void)
{
	cr_assert_eq(pst_tally_new(&seen, &fd), 0);
	cr_assert_eq(pst_tally_adopt(fd, &mine), 0);
}

static void tear_down(void)
{
	pst_tally_free(&seen);
	pst_tally_free((const struct pst_tally **)&mine);
	close(fd);
}

TestSuite(tally, .init = set_up, .fini = tear_down);

static struct pst_tally_sums sums(void)
{
	struct pst_tally_sums s = {.n = {0}};

	pst_tally_sum(seen, &s);
	return s;
}

Test(tally, what_threads_count_is_added_up)
{
	pst_tally_add(&mine->rows[0], PST_TALLY_RECEIVED, 5);
	pst_tally_add(&mine->rows[0], PST_TALLY_RECEIVED, 6);
	pst_tally_add(&mine->rows[PST_TALLY_ROWS - 1], PST_TALLY_RECEIVED, 7);
	pst_tally_add(&mine->rows[1], PST_TALLY_MAX - 1, 1);
	pst_tally_add(NULL, PST_TALLY_RECEIVED, 1);
	cr_expect_eq(sums().n[PST_TALLY_RECEIVED], 18);
	cr_expect_eq(sums().n[PST_TALLY_MAX - 1], 1);
	cr_expect_eq(sums().n[PST_TALLY_SENT], 0);
}

Test(tally, no_counter_is_another_one)
{
	bool taken[PST_TALLY_MAX] = {false};

	for (int p = 0; p < PST_TALLY_PROTOCOLS; p++) {
		for (int r = 0; r < PST_REASON_MAX; r++) {
			unsigned int what = pst_tally_decided(p, r);

			cr_assert(what >= PST_TALLY_DECIDED && what < PST_TALLY_MAX &&
				  !taken[what]);
			taken[what] = true;
		}
	}
	cr_expect_geq(PST_TALLY_DECIDED, PST_TALLY_REFUSED + PST_REASON_MAX);
	for (int r = 0; r < PST_REASON_MAX; r++)
		cr_assert(PST_TALLY_AUDITED + r < PST_TALLY_MAX && !taken[PST_TALLY_AUDITED + r]);
	cr_expect_geq(PST_TALLY_IDLE, PST_TALLY_FAILED + PST_TALLY_FAILURES);
}

Test(tally, what_a_proxy_has_left_goes_on_and_nothing_of_it_is_open)
{
	struct pst_proxied p = {.starts = 2};

	pst_tally_add(&mine->rows[0], PST_TALLY_OPENED, 4);
	pst_tally_add(&mine->rows[0], PST_TALLY_CLOSED, 1);
	pst_tally_add(&mine->rows[0], PST_TALLY_STREAMS, 9);
	pst_tally_sum(seen, &p.sums);
	pst_tally_end(&p.sums);
	pst_tally_sum(seen, &p.sums); /* the next one, which has counted the same */
	cr_expect_eq(p.sums.n[PST_TALLY_OPENED], 8);
	cr_expect_eq(p.sums.n[PST_TALLY_OPENED] - p.sums.n[PST_TALLY_CLOSED], 3);
	cr_expect_eq(p.sums.n[PST_TALLY_STREAMS] - p.sums.n[PST_TALLY_STREAMS_OVER], 9);
	pst_tally_sum(NULL, &p.sums);
	cr_expect_eq(p.sums.n[PST_TALLY_OPENED], 8);
}

/* Who reads would die of it. */
Test(tally, nobody_makes_it_shorter)
{
	cr_expect(ftruncate(fd, 0) && errno == EPERM);
	cr_expect(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) && errno == EPERM);
}

Test(tally, the_daemon_only_reads, .signal = SIGSEGV)
{
	signal(SIGSEGV, SIG_DFL); /* a sanitizer has another use for it */
	((struct pst_tally *)seen)->rows[0].n[0] = 1;
}

Test(tally, what_is_no_tally_of_this_version_is_refused)
{
	int other = memfd_create("other", MFD_CLOEXEC), pipes[2];
	struct pst_tally *t = NULL;

	cr_assert_eq(ftruncate(other, sizeof(*t) - 8), 0);
	cr_assert_eq(pipe(pipes), 0);
	cr_expect_eq(pst_tally_adopt(other, &t), -EINVAL);
	cr_expect_eq(pst_tally_adopt(pipes[0], &t), -EINVAL);
	cr_expect_eq(pst_tally_adopt(-1, &t), -EBADF);
	cr_expect_null(t);
	close(other);
	close(pipes[0]);
	close(pipes[1]);
}

static char *written(const struct pst_proxied *p, bool as_status)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct pst_json j;

	if (as_status) {
		pst_json_init(&j, out);
		pst_json_object(&j, NULL);
		pst_proxied_write_status(&j, "proxy", p);
		pst_json_end(&j);
		pst_json_finish(&j);
	} else {
		pst_proxied_write_metrics(p, out);
	}
	fclose(out);
	return text;
}

static void expect(const struct pst_proxied *p, bool as_status, const char *part)
{
	char *text = written(p, as_status);

	cr_expect_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text);
	free(text);
}

Test(proxied, is_written_by_leg_protocol_and_reason)
{
	struct pst_proxied p = {.is_up = true, .starts = 3};

	p.sums.n[PST_TALLY_OPENED + 1] = 7;
	p.sums.n[PST_TALLY_CLOSED + 1] = 5;
	p.sums.n[PST_TALLY_SENT] = 1000;
	p.sums.n[PST_TALLY_FAILED + PST_TALLY_LATE] = 4;
	p.sums.n[PST_TALLY_REFUSED + PST_REASON_PROXY_LIMIT] = 2;
	p.sums.n[PST_TALLY_AUDITED + PST_REASON_NO_RULE_L4] = 6;
	p.sums.n[pst_tally_decided(PST_TALLY_HTTP2, PST_REASON_RULE)] = 10;
	p.sums.n[pst_tally_decided(PST_TALLY_HTTP2, PST_REASON_RULE_FALLBACK)] = 1;
	p.sums.n[pst_tally_decided(PST_TALLY_HTTP1, PST_REASON_NO_RULE_L7)] = 6;
	p.sums.n[pst_tally_decided(PST_TALLY_HTTP1, PST_REASON_HOST_BAD)] = 8;
	p.sums.n[pst_tally_decided(PST_TALLY_HTTP1, PST_REASON_ANSWER)] = 9;
	expect(&p, false, "\npostern_proxy_up 1\n");
	expect(&p, false, "\npostern_proxy_starts_total 3\n");
	expect(&p, false, "\npostern_proxy_cx_active{leg=\"upstream\"} 2\n");
	expect(&p, false, "\npostern_proxy_cx_tx_bytes_total{leg=\"downstream\"} 1000\n");
	expect(&p, false, "\npostern_proxy_upstream_failures_total{kind=\"timeout\"} 4\n");
	expect(&p, false, "\npostern_proxy_cx_refused_total{reason=\"proxy-limit\"} 2\n");
	expect(&p, false, "\npostern_proxy_cx_audited_total{reason=\"no-rule-l4\"} 6\n");
	expect(&p, false, "{protocol=\"http2\",verdict=\"forwarded\"} 11\n");
	expect(&p, false, "{protocol=\"http1\",verdict=\"denied\"} 6\n");
	expect(&p, false, "{protocol=\"http1\",verdict=\"parse_errors\"} 8\n");
	expect(&p, false, "{protocol=\"http1\",reason=\"bad-answer\"} 9\n");
	expect(&p, true, "\"http2\":{\"forwarded\":11,\"denied\":0,\"parse_errors\":0}");
	expect(&p, true, "\"upstream\":{\"open\":2,\"total\":7,\"received\":0,\"sent\":0}");
	expect(&p, true, "{\"reason\":\"proxy-limit\",\"connections\":2,\"requests\":0}");
}

Test(proxied, a_proxy_that_lies_has_nothing_open)
{
	struct pst_proxied p = {.starts = 1};

	memset(p.sums.n, 0xff, sizeof(p.sums.n));
	p.sums.n[PST_TALLY_OPENED] = 1;
	expect(&p, false, "\npostern_proxy_cx_active{leg=\"downstream\"} 0\n");
	expect(&p, true, "\"downstream\":{\"open\":0,\"total\":1,");
}
