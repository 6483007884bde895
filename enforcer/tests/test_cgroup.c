// SPDX-License-Identifier: Apache-2.0
#include "enforcer/cgroup.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTO_MOUNT pst_cleanup(pst_cgroup_mount_fini) struct pst_cgroup_mount

/* The result for MOUNTINFO; *ret_mount is all 0 when there is none. */
static int find(const char *mountinfo, struct pst_cgroup_mount *ret_mount)
{
	FILE *f = fmemopen((void *)(uintptr_t)mountinfo, strlen(mountinfo), "r");
	int r = pst_cgroup_find(f, ret_mount);

	fclose(f);
	return r;
}

#define V1	"30 24 0:26 / /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu\n"
#define HYBRID	"31 24 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"
#define UNIFIED "29 23 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
#define PART	"90 80 0:27 /kubepods/pod1 /mnt/part rw - cgroup2 none rw\n"
#define RO_ROOT \
	"91 80 0:27 / /mnt/ro ro,relatime shared:1 master:2 propagate_from:3 - cgroup2 none rw\n"

Test(cgroup_find, a_unified_machine)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(UNIFIED, &m), 0);
	cr_assert_str_eq(m.path, "/sys/fs/cgroup");
	cr_assert(m.is_root);
	cr_assert(m.writable);
}

Test(cgroup_find, a_hybrid_machine)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(V1 HYBRID V1, &m), 0);
	cr_assert_str_eq(m.path, "/sys/fs/cgroup/unified");
}

Test(cgroup_find, a_machine_with_v1_only_has_none)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(V1, &m), -ENOENT);
	cr_assert_null(m.path);
}

Test(cgroup_find, the_root_of_the_hierarchy_comes_before_a_part_of_it)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(PART RO_ROOT, &m), 0);
	cr_assert_str_eq(m.path, "/mnt/ro");
	cr_assert(m.is_root);
	cr_assert_not(m.writable);
}

Test(cgroup_find, a_writable_mount_comes_before_a_read_only_one)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(RO_ROOT HYBRID, &m), 0);
	cr_assert_str_eq(m.path, "/sys/fs/cgroup/unified");
}

Test(cgroup_find, the_first_of_equals_is_taken)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(UNIFIED HYBRID, &m), 0);
	cr_assert_str_eq(m.path, "/sys/fs/cgroup");
}

Test(cgroup_find, a_part_is_taken_when_there_is_nothing_else)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find(V1 PART, &m), 0);
	cr_assert_str_eq(m.path, "/mnt/part");
	cr_assert_not(m.is_root);
}

Test(cgroup_find, escaped_characters_in_a_path_are_read)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find("1 2 0:3 / /mnt/a\\040b\\134c rw - cgroup2 none rw\n", &m), 0);
	cr_assert_str_eq(m.path, "/mnt/a b\\c");
}

Test(cgroup_find, an_option_that_only_looks_like_rw_does_not_count)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find("1 2 0:3 / /mnt ro,rwx,xrw - cgroup2 none rw\n", &m), 0);
	cr_assert_not(m.writable);
}

Test(cgroup_find, lines_that_are_cut_off_are_passed_over)
{
	AUTO_MOUNT m = {0};

	cr_assert_eq(find("1 2 0:3 / /mnt\n1 2 0:3 / /mnt rw -\n\ncgroup2\n" HYBRID, &m), 0);
	cr_assert_str_eq(m.path, "/sys/fs/cgroup/unified");
}

/* The machine's own; skips where there is none. */
static char *open_root(void)
{
	char *path = NULL;
	int fd = pst_cgroup_open(NULL, &path);

	if (fd == -ENOENT)
		cr_skip_test("no cgroup v2 is mounted here");
	cr_assert_geq(fd, 0);
	close(fd);
	return path;
}

Test(cgroup_open, the_mount_holds_the_files_of_cgroup_v2)
{
	pst_auto_free char *root = open_root();
	char file[4096];

	snprintf(file, sizeof(file), "%s/cgroup.controllers", root);
	cr_assert_eq(access(file, F_OK), 0, "%s", file);
}

Test(cgroup_open, a_directory_below_the_mount_by_both_kinds_of_name)
{
	pst_auto_free char *root = open_root(), *by_name = NULL, *by_path = NULL;
	char name[64], path[4096];
	int a, b;

	snprintf(name, sizeof(name), "postern-test-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (mkdir(path, 0755))
		cr_skip_test("cgroups cannot be made here");
	a = pst_cgroup_open(name, &by_name);
	b = pst_cgroup_open(path, &by_path);
	rmdir(path);
	cr_assert_geq(a, 0);
	cr_assert_geq(b, 0);
	cr_assert_str_eq(by_name, path);
	cr_assert_str_eq(by_path, path);
	close(a);
	close(b);
}

Test(cgroup_open, a_directory_that_is_not_cgroup_v2_is_refused)
{
	char *path = (char *)0x1;

	cr_assert_eq(pst_cgroup_open("/tmp", &path), -EMEDIUMTYPE);
	cr_assert_eq(path, (char *)0x1, "untouched on failure");
}

Test(cgroup_open, what_does_not_exist_or_is_no_directory_is_refused)
{
	char *path = NULL;

	cr_assert_eq(pst_cgroup_open("/no/such/cgroup", &path), -ENOENT);
	cr_assert_eq(pst_cgroup_open("/proc/self/stat", &path), -ENOTDIR);
}
