// SPDX-License-Identifier: Apache-2.0
#include "enforcer/errand.h"

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "enforcer/export.h"

static struct pst_starter *starter;
static char path[64];

static void hangs(void *arg, const int *fds, size_t n)
{
	(void)arg;
	(void)fds;
	(void)n;
	for (;;)
		pause();
}

static void setup(void)
{
	const struct pst_start_job jobs[PST_START_MAX] = {
		[PST_START_PROXY] = {hangs, NULL},
		[PST_START_LINKER] = {pst_errand_be_linker, NULL},
		[PST_START_OPENER] = {pst_export_be_opener, path},
	};

	snprintf(path, sizeof(path), "/tmp/postern-test-errand-%d", getpid());
	cr_assert_eq(pst_starter_open(jobs, &starter), 0);
}

static void teardown(void)
{
	pst_starter_close(&starter);
	unlink(path);
}

TestSuite(errand, .init = setup, .fini = teardown, .timeout = 60);

static int load(enum bpf_prog_type type)
{
	const struct bpf_insn one[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = type == BPF_PROG_TYPE_SK_LOOKUP ? BPF_SK_LOOKUP : 0);

	return bpf_prog_load(type, NULL, "Dual BSD/GPL", one, 2, &opts);
}

Test(errand, the_file_of_exports_is_opened_for_who_may_not)
{
	pst_auto_fd int fd = pst_errand_run(starter, PST_START_OPENER, NULL, 0);
	pst_auto_fd int again = -1;
	struct stat here, there;

	cr_assert_geq(fd, 0);
	cr_expect_eq(write(fd, "a", 1), 1);
	again = pst_errand_run(starter, PST_START_OPENER, NULL, 0);
	cr_expect_eq(write(again, "b", 1), 1);
	cr_assert_eq(fstat(fd, &here), 0);
	cr_assert_eq(stat(path, &there), 0);
	cr_expect_eq(here.st_ino, there.st_ino);
	cr_expect_eq(here.st_size, 2);
}

Test(errand, why_it_failed_comes_back)
{
	pst_starter_close(&starter);
	setup();
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(pst_errand_run(starter, PST_START_OPENER, NULL, 0), -EISDIR);
	rmdir(path);
}

Test(errand, a_job_that_hangs_keeps_nobody_waiting_for_long)
{
	cr_expect_eq(pst_errand_run(starter, PST_START_PROXY, NULL, 0), -ETIMEDOUT);
}

Test(errand, a_job_that_says_nothing_is_no_result)
{
	cr_expect_eq(pst_errand_run(starter, PST_START_LINKER, NULL, 0), -EPIPE);
}

Test(errand, only_a_program_that_looks_up_sockets_is_attached)
{
	pst_auto_fd int netns = -1;
	pst_auto_fd int good = -1;
	pst_auto_fd int other = -1;
	pst_auto_fd int link = -1;

	if (geteuid() || unshare(CLONE_NEWNET))
		cr_skip_test("needs root");
	netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	good = load(BPF_PROG_TYPE_SK_LOOKUP);
	other = load(BPF_PROG_TYPE_FLOW_DISSECTOR);
	if (good < 0 || other < 0)
		cr_skip_test("needs BPF");
	cr_expect_eq(pst_errand_run(starter, PST_START_LINKER, (int[]){other, netns}, 2), -EPERM);
	link = pst_errand_run(starter, PST_START_LINKER, (int[]){good, netns}, 2);
	cr_expect_geq(link, 0);
}
