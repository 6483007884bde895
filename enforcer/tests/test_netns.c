// SPDX-License-Identifier: Apache-2.0
#include "enforcer/netns.h"

#include "base/cleanup.h"
#include "enforcer/tests/net_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AUTO_SET pst_cleanup(pst_netns_set_free) struct pst_netns_set *

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;

	cr_assert_geq(fd, 0, "no socket: %s", strerror(-fd));
	cr_assert_eq(pst_netns_cookie(fd, &cookie), 0);
	return cookie;
}

static struct pst_netns_set *new_set(void)
{
	struct pst_netns_set *set = NULL;

	cr_assert_eq(pst_netns_set_new(&set), 0);
	return set;
}

static struct pst_netns_stats stats_of(const struct pst_netns_set *set)
{
	struct pst_netns_stats st;

	pst_netns_stats(set, &st);
	return st;
}

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, (ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

/* Asks until it is not too early any more. */
static int socket_when_allowed(struct pst_netns_set *set, uint64_t cookie)
{
	int fd = -EAGAIN;

	for (int i = 0; i < 500 && fd == -EAGAIN; i++) {
		if (i)
			sleep_ms(20);
		fd = pst_netns_socket(set, cookie, AF_INET, SOCK_STREAM, 0);
	}
	return fd;
}

/* The machine may run a process whose namespace is shown to nobody; then the set must not say
 * "gone". */
static bool is_not_there(int r)
{
	struct stat st;

	return r == -ESRCH || (r == -EPERM && stat("/proc/1/ns/net", &st));
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

Test(netns, the_own_namespace_needs_no_scan)
{
	AUTO_SET set = new_set();
	pst_auto_fd int fd = pst_netns_socket(set, pst_netns_own(set), AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(cookie_of(fd), pst_netns_own(set));
	cr_assert_eq(stats_of(set).scans, 0);
}

Test(netns, a_process_in_another_namespace_is_found_by_cookie)
{
	struct t_sitter s = t_sitter_start();
	AUTO_SET set = new_set();
	pst_auto_fd int fd = pst_netns_socket(set, s.cookie, AF_INET, SOCK_STREAM, 0);

	cr_assert_neq(s.cookie, pst_netns_own(set));
	cr_assert_eq(cookie_of(fd), s.cookie);
	t_sitter_end(&s);
}

Test(netns, the_caller_is_back_in_its_own_namespace_afterwards)
{
	struct t_sitter s = t_sitter_start();
	AUTO_SET set = new_set();
	pst_auto_fd int there = pst_netns_socket(set, s.cookie, AF_INET, SOCK_STREAM, 0);
	pst_auto_fd int here = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_geq(there, 0);
	cr_assert_eq(cookie_of(here), pst_netns_own(set));
	t_sitter_end(&s);
}

Test(netns, a_known_namespace_is_not_looked_for_again)
{
	struct t_sitter s = t_sitter_start();
	AUTO_SET set = new_set();

	for (int i = 0; i < 5; i++) {
		pst_auto_fd int fd = pst_netns_socket(set, s.cookie, AF_INET, SOCK_STREAM, 0);

		cr_assert_eq(cookie_of(fd), s.cookie);
	}
	cr_assert_eq(stats_of(set).scans, 1);
	t_sitter_end(&s);
}

Test(netns, a_namespace_is_not_held_open)
{
	struct t_sitter s = t_sitter_start();
	AUTO_SET set = new_set();
	int before = count_descriptors();
	int fd = pst_netns_socket(set, s.cookie, AF_INET, SOCK_STREAM, 0);

	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(count_descriptors(), before);
	t_sitter_end(&s);
}

Test(netns, a_namespace_that_has_gone_is_said_to_be_gone)
{
	struct t_sitter s = t_sitter_start();
	AUTO_SET set = new_set();
	pst_auto_fd int fd = pst_netns_socket(set, s.cookie, AF_INET, SOCK_STREAM, 0);

	cr_assert_geq(fd, 0);
	t_sitter_end(&s);
	cr_assert(is_not_there(socket_when_allowed(set, s.cookie)));
	cr_assert_geq(stats_of(set).stale, 1);
}

Test(netns, a_namespace_made_later_is_found)
{
	AUTO_SET set = new_set();
	struct t_sitter first = t_sitter_start();
	pst_auto_fd int one = pst_netns_socket(set, first.cookie, AF_INET, SOCK_STREAM, 0);
	struct t_sitter second = t_sitter_start();
	pst_auto_fd int two = socket_when_allowed(set, second.cookie);

	cr_assert_eq(cookie_of(one), first.cookie);
	cr_assert_eq(cookie_of(two), second.cookie);
	t_sitter_end(&first);
	t_sitter_end(&second);
}

Test(netns, unknown_cookies_do_not_make_it_scan_again_and_again)
{
	AUTO_SET set = new_set();
	int first = pst_netns_socket(set, UINT64_MAX, AF_INET, SOCK_STREAM, 0);

	cr_assert(is_not_there(first));
	for (uint64_t i = 1; i < 1000; i++)
		cr_assert_eq(pst_netns_socket(set, UINT64_MAX - i, AF_INET, SOCK_STREAM, 0),
			     -EAGAIN);
	cr_assert_eq(stats_of(set).scans, 1);
	cr_assert_eq(stats_of(set).refused, 999);
}

/* What a round has seen; it ends at STOP_AT. */
struct round {
	uint64_t cookies[64], here[64], stop_at;
	size_t n;
};

static int visit(uint64_t cookie, void *arg)
{
	struct round *r = arg;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert_lt(r->n, 64);
	r->cookies[r->n] = cookie;
	r->here[r->n++] = cookie_of(fd);
	close(fd);
	return cookie == r->stop_at ? -ECANCELED : 0;
}

static int each_when_allowed(struct pst_netns_set *set, struct round *r)
{
	int e = -EAGAIN;

	for (int i = 0; i < 500 && e == -EAGAIN; i++) {
		if (i)
			sleep_ms(20);
		r->n = 0;
		e = pst_netns_each(set, visit, r);
	}
	return e;
}

static size_t count_of(const struct round *r, uint64_t cookie)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->cookies[i] == cookie;
	return n;
}

Test(netns, a_round_enters_each_namespace_once_and_the_own_one_first)
{
	AUTO_SET set = new_set();
	struct t_sitter one = t_sitter_start(), two = t_sitter_start();
	struct round r = {.n = 0};

	cr_assert_eq(each_when_allowed(set, &r), 0);
	cr_assert_eq(r.cookies[0], pst_netns_own(set));
	cr_assert_eq(count_of(&r, pst_netns_own(set)), 1);
	cr_assert_eq(count_of(&r, one.cookie), 1);
	cr_assert_eq(count_of(&r, two.cookie), 1);
	for (size_t i = 0; i < r.n; i++)
		cr_assert_eq(r.cookies[i], r.here[i], "in another namespace than it was told");
	t_sitter_end(&one);
	t_sitter_end(&two);
}

Test(netns, a_round_leaves_the_caller_where_it_was)
{
	AUTO_SET set = new_set();
	struct t_sitter s = t_sitter_start();
	struct round r = {.stop_at = s.cookie};
	int fd;

	cr_assert_eq(each_when_allowed(set, &r), -ECANCELED);
	cr_assert_eq(r.cookies[r.n - 1], s.cookie, "the round went on behind a failure");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(cookie_of(fd), pst_netns_own(set));
	close(fd);
	t_sitter_end(&s);
}

Test(netns, a_round_finds_what_was_made_later_and_forgets_what_is_gone)
{
	AUTO_SET set = new_set();
	struct t_sitter gone = t_sitter_start(), later;
	struct round r = {.n = 0};

	cr_assert_eq(each_when_allowed(set, &r), 0);
	cr_assert_eq(count_of(&r, gone.cookie), 1);
	later = t_sitter_start();
	t_sitter_end(&gone);
	cr_assert_eq(each_when_allowed(set, &r), 0);
	cr_assert_eq(count_of(&r, gone.cookie), 0);
	cr_assert_eq(count_of(&r, later.cookie), 1);
	t_sitter_end(&later);
}

Test(netns, a_round_that_comes_too_early_says_so_after_it)
{
	AUTO_SET set = new_set();
	struct t_sitter s = t_sitter_start();
	struct round r = {.n = 0};
	uint64_t scans;

	cr_assert_eq(each_when_allowed(set, &r), 0);
	scans = stats_of(set).scans;
	r.n = 0;
	cr_assert_eq(pst_netns_each(set, visit, &r), -EAGAIN);
	cr_assert_eq(stats_of(set).scans, scans);
	t_sitter_end(&s);
}

Test(netns, a_cookie_of_zero_is_refused)
{
	AUTO_SET set = new_set();

	cr_assert_eq(pst_netns_socket(set, 0, AF_INET, SOCK_STREAM, 0), -EINVAL);
}

Test(netns, errors_of_the_socket_call_are_handed_on)
{
	AUTO_SET set = new_set();

	cr_assert_eq(pst_netns_socket(set, pst_netns_own(set), AF_INET, SOCK_STREAM, 250),
		     -EPROTONOSUPPORT);
}

/* As `ip netns add` and the container runtimes do, below a /run of this test's own. */
static void keep_by_bind_mount(const struct t_sitter *s)
{
	char ns[64];
	int fd;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL))
		cr_skip_test("mounts need root");
	cr_assert_eq(mkdir("/run/netns", 0755), 0);
	fd = open("/run/netns/kept", O_CREAT | O_RDONLY | O_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	close(fd);
	snprintf(ns, sizeof(ns), "/proc/%d/ns/net", (int)s->pid);
	cr_assert_eq(mount(ns, "/run/netns/kept", NULL, MS_BIND, NULL), 0);
}

Test(netns, a_bind_mount_without_a_process_is_found)
{
	struct t_sitter s = t_sitter_start();
	AUTO_SET set = new_set();
	int fd;

	keep_by_bind_mount(&s);
	t_sitter_end(&s);
	fd = pst_netns_socket(set, s.cookie, AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(cookie_of(fd), s.cookie);
	close(fd);
	cr_assert_eq(umount2("/run/netns/kept", MNT_DETACH), 0);
	cr_assert(is_not_there(socket_when_allowed(set, s.cookie)));
}
