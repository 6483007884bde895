// SPDX-License-Identifier: Apache-2.0
#include "enforcer/watch.h"

#include "base/cleanup.h"
#include "enforcer/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AUTO_WATCH pst_cleanup(pst_watch_close) struct pst_watch *

enum { QUIET_MS = 250, SOON_MS = 2000 };

static struct pst_watch_news news; /* of the last reload */

static char home[] = "/tmp/postern-watch-XXXXXX";

/* Paths below the test's directory, which is the working directory. */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	cr_assert_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void t_setup(void)
{
	cr_assert_not_null(mkdtemp(home));
	cr_assert_eq(chdir(home), 0);
}

static void t_teardown(void)
{
	cr_assert_eq(chdir("/"), 0);
	remove_tree(home);
}

TestSuite(watch, .init = t_setup, .fini = t_teardown);

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct pst_watch *watch_one(const char *path)
{
	struct pst_watch *w = NULL;

	cr_assert_eq(pst_watch_open(&path, 1, &w), 0);
	return w;
}

/* Milliseconds until the reload is asked for, or -1 when it is not within MS. */
static int wait_reload(struct pst_watch *w, int ms)
{
	struct pollfd pfd = {.fd = pst_watch_fd(w), .events = POLLIN};
	uint64_t start = pst_clock_ms();
	int left = ms;

	while (left > 0 && poll(&pfd, 1, left) == 1) {
		if (pst_watch_dispatch(w, &news))
			return (int)(pst_clock_ms() - start);
		left = ms - (int)(pst_clock_ms() - start);
	}
	return -1;
}

static void expect_reload(struct pst_watch *w)
{
	cr_assert_geq(wait_reload(w, SOON_MS), 0, "no reload");
	cr_assert_eq(wait_reload(w, QUIET_MS), -1, "one change, two reloads");
}

static void expect_quiet(struct pst_watch *w)
{
	cr_assert_eq(wait_reload(w, QUIET_MS), -1, "a reload without a change");
}

Test(watch, nothing_happens_when_nothing_changes)
{
	char text[8];

	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");
	int fd = open("p.yaml", O_RDONLY);

	cr_assert_eq(read(fd, text, sizeof(text)), 1);
	close(fd);
	expect_quiet(w);
}

Test(watch, a_file_written_in_place)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	write_file("p.yaml", "b");
	expect_reload(w);
	write_file("p.yaml", "c");
	expect_reload(w);
}

Test(watch, a_file_truncated_without_being_opened)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	cr_assert_eq(truncate("p.yaml", 0), 0);
	cr_assert_geq(wait_reload(w, PST_WATCH_OPEN_MS + SOON_MS), 0, "no reload");
}

Test(watch, a_file_replaced_by_rename_again_and_again)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	for (int i = 0; i < 3; i++) {
		write_file("p.yaml.tmp", "b");
		cr_assert_eq(rename("p.yaml.tmp", "p.yaml"), 0);
		expect_reload(w);
	}
}

Test(watch, an_editor_that_keeps_a_backup_and_writes_a_new_file)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	cr_assert_eq(rename("p.yaml", "p.yaml~"), 0);
	write_file("p.yaml", "b");
	expect_reload(w);
	write_file("p.yaml", "c");
	expect_reload(w);
}

Test(watch, another_file_beside_the_watched_one_does_not_count)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	write_file("other.yaml", "x");
	write_file("p.yaml.swp", "x");
	expect_quiet(w);
}

Test(watch, a_file_that_vanishes_and_comes_back)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	cr_assert_eq(unlink("p.yaml"), 0);
	expect_reload(w);
	write_file("p.yaml", "b");
	expect_reload(w);
	write_file("p.yaml", "c");
	expect_reload(w);
}

Test(watch, a_file_that_does_not_exist_yet_below_directories_that_do_not)
{
	AUTO_WATCH w = watch_one("etc/postern/p.yaml");

	cr_assert_eq(mkdir("etc", 0755), 0);
	expect_reload(w);
	cr_assert_eq(mkdir("etc/postern", 0755), 0);
	expect_reload(w);
	write_file("etc/postern/p.yaml", "a");
	expect_reload(w);
}

Test(watch, a_directory_above_that_is_removed_and_made_again)
{
	cr_assert_eq(mkdir("etc", 0755), 0);
	write_file("etc/p.yaml", "a");
	AUTO_WATCH w = watch_one("etc/p.yaml");

	remove_tree("etc");
	expect_reload(w);
	cr_assert_eq(mkdir("etc", 0755), 0);
	write_file("etc/p.yaml", "b");
	expect_reload(w);
	write_file("etc/p.yaml", "c");
	expect_reload(w);
}

Test(watch, a_directory_above_that_is_exchanged_by_rename)
{
	cr_assert_eq(mkdir("etc", 0755), 0);
	cr_assert_eq(mkdir("new", 0755), 0);
	write_file("etc/p.yaml", "a");
	write_file("new/p.yaml", "b");
	AUTO_WATCH w = watch_one("etc/p.yaml");

	cr_assert_eq(rename("etc", "old"), 0);
	cr_assert_eq(rename("new", "etc"), 0);
	expect_reload(w);
	write_file("etc/p.yaml", "c");
	expect_reload(w);
	write_file("old/p.yaml", "d");
	expect_quiet(w);
}

Test(watch, files_that_come_change_and_go_in_a_directory)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	AUTO_WATCH w = watch_one("d");

	write_file("d/p.yaml", "a");
	expect_reload(w);
	write_file("d/p.yaml", "b");
	expect_reload(w);
	cr_assert_eq(rename("d/p.yaml", "d/q.yaml"), 0);
	expect_reload(w);
	cr_assert_eq(unlink("d/q.yaml"), 0);
	expect_reload(w);
}

Test(watch, a_file_moved_in_from_elsewhere_and_one_moved_out)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("d");

	cr_assert_eq(rename("p.yaml", "d/p.yaml"), 0);
	expect_reload(w);
	cr_assert_eq(rename("d/p.yaml", "p.yaml"), 0);
	expect_reload(w);
}

Test(watch, a_file_that_becomes_readable)
{
	write_file("p.yaml", "a");
	cr_assert_eq(chmod("p.yaml", 0), 0);
	AUTO_WATCH w = watch_one(".");

	cr_assert_eq(chmod("p.yaml", 0644), 0);
	expect_reload(w);
}

Test(watch, subdirectories_that_exist_and_those_made_later)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(mkdir("d/old", 0755), 0);
	AUTO_WATCH w = watch_one("d");

	write_file("d/old/p.yaml", "a");
	expect_reload(w);
	cr_assert_eq(mkdir("d/new", 0755), 0);
	cr_assert_eq(mkdir("d/new/deep", 0755), 0);
	expect_reload(w);
	write_file("d/new/deep/p.yaml", "a");
	expect_reload(w);
}

Test(watch, names_with_a_dot_in_front_do_not_count_in_a_directory)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(mkdir("d/.git", 0755), 0);
	AUTO_WATCH w = watch_one("d");

	write_file("d/.p.yaml.swp", "x");
	write_file("d/.git/index", "x");
	expect_quiet(w);
}

/* What the kubelet does with a ConfigMap volume, in its order. */
static void publish(const char *generation, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "vol/%s", generation);
	cr_assert_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "vol/%s/p.yaml", generation);
	write_file(path, text);
	cr_assert_eq(symlink(generation, "vol/..data_tmp"), 0);
	cr_assert_eq(rename("vol/..data_tmp", "vol/..data"), 0);
}

static void make_volume(void)
{
	cr_assert_eq(mkdir("vol", 0755), 0);
	publish("..2024_1", "a");
	cr_assert_eq(symlink("..data/p.yaml", "vol/p.yaml"), 0);
}

static void update_volume_twice(struct pst_watch *w)
{
	publish("..2024_2", "b");
	expect_reload(w);
	remove_tree("vol/..2024_1");
	expect_quiet(w);
	publish("..2024_3", "c");
	expect_reload(w);
}

Test(watch, a_configmap_volume_given_as_a_directory)
{
	make_volume();
	AUTO_WATCH w = watch_one("vol");

	update_volume_twice(w);
}

Test(watch, a_configmap_volume_given_as_a_file)
{
	make_volume();
	AUTO_WATCH w = watch_one("vol/p.yaml");

	update_volume_twice(w);
}

Test(watch, the_file_behind_a_chain_of_symlinks)
{
	cr_assert_eq(mkdir("real", 0755), 0);
	cr_assert_eq(mkdir("links", 0755), 0);
	write_file("real/p.yaml", "a");
	cr_assert_eq(symlink("../real", "links/dir"), 0);
	cr_assert_eq(symlink("links/dir/p.yaml", "p.yaml"), 0);
	AUTO_WATCH w = watch_one("p.yaml");

	write_file("real/p.yaml", "b");
	expect_reload(w);
	write_file("real/tmp", "c");
	cr_assert_eq(rename("real/tmp", "real/p.yaml"), 0);
	expect_reload(w);
	cr_assert_eq(unlink("links/dir"), 0);
	expect_reload(w);
}

Test(watch, the_file_behind_an_absolute_symlink)
{
	char target[PATH_MAX];

	cr_assert_eq(mkdir("real", 0755), 0);
	write_file("real/p.yaml", "a");
	snprintf(target, sizeof(target), "%s/real/p.yaml", home);
	cr_assert_eq(symlink(target, "p.yaml"), 0);
	AUTO_WATCH w = watch_one("p.yaml");

	write_file("real/p.yaml", "b");
	expect_reload(w);
}

Test(watch, the_target_of_a_symlink_inside_a_directory)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(mkdir("elsewhere", 0755), 0);
	write_file("elsewhere/p.yaml", "a");
	cr_assert_eq(symlink("../elsewhere/p.yaml", "d/p.yaml"), 0);
	AUTO_WATCH w = watch_one("d");

	write_file("elsewhere/p.yaml", "b");
	expect_reload(w);
}

Test(watch, symlinks_in_a_circle_end_somewhere)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(symlink("..", "d/up"), 0);
	cr_assert_eq(symlink("self", "d/self"), 0);
	AUTO_WATCH w = watch_one("d");

	write_file("d/p.yaml", "a");
	expect_reload(w);
}

Test(watch, several_paths_and_one_reload)
{
	const char *paths[] = {"d", "inventory.yaml"};
	struct pst_watch *opened = NULL;

	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(pst_watch_open(paths, 2, &opened), 0);
	AUTO_WATCH w = opened;

	write_file("d/p.yaml", "a");
	write_file("inventory.yaml", "a");
	expect_reload(w);
}

Test(watch, no_paths_at_all)
{
	struct pst_watch *opened = NULL;

	cr_assert_eq(pst_watch_open(NULL, 0, &opened), 0);
	AUTO_WATCH w = opened;

	expect_quiet(w);
}

Test(watch, the_reload_waits_until_the_writer_has_closed_the_file)
{
	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	int fd = open("p.yaml", O_WRONLY | O_CLOEXEC);

	cr_assert_eq(write(fd, "b", 1), 1);
	cr_assert_eq(wait_reload(w, 1000), -1, "half a file is read");
	cr_assert_eq(write(fd, "c", 1), 1);
	close(fd);
	expect_reload(w);
}

Test(watch, a_writer_that_does_not_close_the_file_is_not_waited_for_longer_than_that)
{
	int took;

	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	int fd = open("p.yaml", O_WRONLY | O_CLOEXEC);

	cr_assert_eq(write(fd, "b", 1), 1);
	took = wait_reload(w, PST_WATCH_OPEN_MS + 1000);
	cr_assert_geq(took, PST_WATCH_OPEN_MS - 2);
	close(fd);
	expect_reload(w);
}

/* Of names, and of what is closed: nothing is half-done then. */
Test(watch, the_reload_waits_until_the_directory_is_quiet)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	write_file("d/p.yaml", "a");
	AUTO_WATCH w = watch_one("d");

	cr_assert_eq(unlink("d/p.yaml"), 0);
	cr_assert_geq(wait_reload(w, SOON_MS), PST_WATCH_QUIET_MS - 2);
}

Test(watch, a_writer_that_is_never_quiet_does_not_put_the_reload_off_for_ever)
{
	uint64_t start = pst_clock_ms(), reloaded = 0;

	int fd;

	write_file("p.yaml", "a");
	AUTO_WATCH w = watch_one("p.yaml");

	fd = open("p.yaml", O_WRONLY | O_CLOEXEC);
	while (!reloaded && pst_clock_ms() - start < PST_WATCH_OPEN_MS + SOON_MS) {
		cr_assert_eq(write(fd, "b", 1), 1);
		if (wait_reload(w, 10) >= 0)
			reloaded = pst_clock_ms() - start;
	}
	close(fd);
	cr_assert_geq(reloaded, PST_WATCH_OPEN_MS);
	cr_assert_lt(reloaded, PST_WATCH_OPEN_MS + 400);
}

/* What can have changed. */

static void expect_named(struct pst_watch *w, const char *a, const char *b)
{
	const size_t n = b ? 2 : 1;

	cr_assert_geq(wait_reload(w, SOON_MS), 0, "no reload");
	cr_assert_not_null(news.names, "everything, not %s", a);
	cr_assert_eq(news.n, n);
	cr_assert_str_eq(news.names[0], a);
	if (b)
		cr_assert_str_eq(news.names[1], b);
}

static void expect_everything(struct pst_watch *w)
{
	cr_assert_geq(wait_reload(w, SOON_MS), 0, "no reload");
	cr_assert_null(news.names, "only %s", news.names ? news.names[0] : "");
}

static struct pst_watch *watch_tree(const char *given)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(mkdir("d/e", 0755), 0);
	write_file("d/p.yaml", "a");
	write_file("d/q.json", "a");
	write_file("d/e/p.yml", "a");
	return watch_one(given);
}

Test(watch, files_written_in_a_directory_are_named_as_their_reader_names_them)
{
	AUTO_WATCH w = watch_tree("d");

	write_file("d/p.yaml", "b");
	expect_named(w, "d/p.yaml", NULL);
	write_file("d/q.json", "b");
	write_file("d/e/p.yml", "b");
	write_file("d/q.json", "c");
	expect_named(w, "d/q.json", "d/e/p.yml");
	expect_quiet(w);
}

Test(watch, a_file_replaced_by_rename_is_named_whatever_its_copy_was_called)
{
	AUTO_WATCH w = watch_tree("./d/");

	write_file("d/p.yaml.new", "b");
	expect_quiet(w);
	cr_assert_eq(rename("d/p.yaml.new", "d/p.yaml"), 0);
	expect_named(w, "./d/p.yaml", NULL);
	write_file("d/e/.copy", "b");
	cr_assert_eq(rename("d/e/.copy", "d/e/p.yml"), 0);
	expect_named(w, "./d/e/p.yml", NULL);
}

Test(watch, what_comes_and_goes_is_everything)
{
	AUTO_WATCH w = watch_tree("d");

	write_file("d/new.yaml", "a");
	expect_everything(w);
	cr_assert_eq(unlink("d/new.yaml"), 0);
	expect_everything(w);
	write_file("d/p.yaml", "b");
	cr_assert_eq(mkdir("d/f", 0755), 0);
	expect_everything(w);
	write_file("d/f/p.yaml", "a");
	expect_everything(w); /* it is new */
	write_file("d/f/p.yaml", "b");
	expect_named(w, "d/f/p.yaml", NULL);
	cr_assert_eq(rename("d/f", "f"), 0);
	expect_everything(w);
}

Test(watch, a_file_that_a_symlink_takes_the_place_of_is_everything)
{
	AUTO_WATCH w = watch_tree("d");

	write_file("elsewhere", "b");
	cr_assert_eq(symlink("../elsewhere", "d/.link"), 0);
	cr_assert_eq(rename("d/.link", "d/p.yaml"), 0);
	expect_everything(w);
	write_file("elsewhere", "c");
	expect_everything(w);
}

Test(watch, a_directory_behind_a_symlink_of_any_name_counts)
{
	AUTO_WATCH w = watch_tree("d");

	cr_assert_eq(mkdir("g", 0755), 0);
	write_file("g/p.yaml", "a");
	cr_assert_eq(symlink("../g", "d/link"), 0);
	expect_everything(w);
	write_file("g/p.yaml", "b");
	expect_named(w, "d/link/p.yaml", NULL);
	cr_assert_eq(unlink("d/link"), 0);
	expect_everything(w);
	write_file("g/p.yaml", "c");
	expect_quiet(w);
}

Test(watch, a_directory_that_two_paths_lead_to_is_everything)
{
	const char *paths[] = {"d", "link"};
	struct pst_watch *opened = NULL;

	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert_eq(symlink("d", "link"), 0);
	write_file("d/p.yaml", "a");
	cr_assert_eq(pst_watch_open(paths, 2, &opened), 0);
	AUTO_WATCH w = opened;

	write_file("d/p.yaml", "b");
	expect_everything(w);
}

Test(watch, more_files_than_an_answer_holds_are_everything)
{
	char name[32];

	cr_assert_eq(mkdir("d", 0755), 0);
	for (int i = 0; i <= PST_WATCH_NAMES; i++) {
		snprintf(name, sizeof(name), "d/%d.yaml", i);
		write_file(name, "a");
	}
	AUTO_WATCH w = watch_one("d");

	for (int i = 0; i <= PST_WATCH_NAMES; i++) {
		snprintf(name, sizeof(name), "d/%d.yaml", i);
		write_file(name, "b");
	}
	expect_everything(w);
}

static long queue_limit(void)
{
	pst_auto_file FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	char line[32];

	return f && fgets(line, sizeof(line), f) ? strtol(line, NULL, 10) : LONG_MAX;
}

Test(watch, a_change_lost_in_a_queue_overflow_counts)
{
	long limit = queue_limit();
	char name[32];

	if (limit > 100000)
		cr_skip_test("the event queue is too long to be filled");
	cr_assert_eq(mkdir("d", 0755), 0);
	AUTO_WATCH w = watch_one("d/p.yaml");

	for (long i = 0; i < limit; i++) {
		snprintf(name, sizeof(name), "d/%ld", i % 2);
		cr_assert_eq(mkdir(name, 0755), 0);
		cr_assert_eq(rmdir(name), 0);
	}
	write_file("d/p.yaml", "a");
	expect_reload(w);
	write_file("d/p.yaml", "b");
	expect_reload(w);
}
