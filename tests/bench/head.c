// SPDX-License-Identifier: Apache-2.0
/*
 * What the judge itself costs for a head of 255 bytes, without the packet around it: nanoseconds
 * per run of t_judge (bpf/tests/kernel_core) by the kernel's own statistics. Several builds of it
 * take turns, so that they can be compared on a machine that is not quiet; the least of all rounds
 * is what none of its other work has disturbed.
 *
 *	head [-r ROUNDS] JUDGE.bpf.o...		(root)
 *	head -n COUNT				natively, for a profiler: so many heads
 */
#include "bpf/tests/core.h"
#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/tests/kernel.h"

enum { MAX_ROUNDS = 1001, MAX_BUILDS = 8, HEADS = 500, LENGTH = 255 };

static const char beginning[] =
	"GET /api/v1/users/12345?fields=name,mail HTTP/1.1\r\n"
	"Host: backend.shop.svc.cluster.local:8080\r\nUser-Agent: curl/7.88.1\r\n"
	"Accept: application/json\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\nX: ";

struct build {
	struct t_kernel kernel;
	double heads[MAX_ROUNDS], nothing[MAX_ROUNDS];
};

static struct build builds[MAX_BUILDS];

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "head: %s\n", what);
	exit(1);
}

static void write_head(unsigned char head[LENGTH])
{
	memset(head, 'y', LENGTH);
	memcpy(head, beginning, sizeof(beginning) - 1);
	memcpy(head + LENGTH - 4, "\r\n\r\n", 4);
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	must(n > 0 && n <= most && !*end, "not a number, or too large");
	return n;
}

static void judge_natively(unsigned long count)
{
	unsigned char head[LENGTH];
	const struct pst_src src = {.bytes = head};
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN};
	struct pst_packet p = {.len = LENGTH};
	__u32 ruleset;
	const struct pst_table *t = t_core_table(&ruleset);

	write_head(head);
	f.ruleset = (__u16)ruleset;
	for (unsigned long i = 0; i < count; i++) {
		must(pst_judge_packet(&f, t, &src, &p) ==
			     pst_ruling(PST_ACTION_PASS, PST_REASON_RULE),
		     "the head is not allowed");
		p.seq = p.accepted = p.seq + LENGTH;
		f.responses = f.requests;
	}
}

static void open_build(struct build *b, const char *path)
{
	__u32 ruleset;

	must(!t_kernel_open(&b->kernel, path), path);
	memcpy(b->kernel.table, t_core_table(&ruleset), sizeof(*b->kernel.table));
	write_head(b->kernel.input->bytes);
	b->kernel.job->flow =
		(struct pst_flow){.flags = PST_FLOW_STREAM_KNOWN, .ruleset = (__u16)ruleset};
}

static void numbers(const struct build *b, __u64 *ret_ns, __u64 *ret_runs)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	must(!bpf_obj_get_info_by_fd(b->kernel.judge, &info, &size), "no numbers");
	*ret_ns = info.run_time_ns;
	*ret_runs = info.run_cnt;
}

/* Nanoseconds per run: of a head, or of bytes that TCP has taken, which are not looked at. */
static double ask(struct build *b, int new)
{
	struct t_kernel_job *job = b->kernel.job;
	__u64 ns, runs, from_ns, from_runs;

	numbers(b, &from_ns, &from_runs);
	for (int i = 0; i < HEADS; i++) {
		/* The bytes are at 0 of the input, and so is the stream before each of them. */
		job->flow.judged = job->flow.framed = 0;
		job->flow.responses = job->flow.requests;
		job->off = 0;
		job->end = LENGTH;
		job->accepted = new ? 0 : LENGTH;
		must(!t_kernel_run(b->kernel.judge), "the kernel does not run it");
		must(job->ruling == pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) &&
			     job->flow.judged == (new ? LENGTH : 0),
		     "the kernel does not judge the head");
	}
	numbers(b, &ns, &runs);
	must(runs - from_runs == HEADS, "somebody else runs it");
	return (double)(ns - from_ns) / HEADS;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *what, double *ns, int rounds)
{
	qsort(ns, (size_t)rounds, sizeof(*ns), ascending);
	printf("  %-8s least %5.0f, a quarter below %5.0f, half %5.0f, most %6.0f ns\n", what,
	       ns[0], ns[rounds / 4], ns[rounds / 2], ns[rounds - 1]);
}

static void compare(char **paths, int n, int rounds)
{
	int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);

	must(statistics >= 0, "the kernel keeps no statistics");
	for (int i = 0; i < n; i++)
		open_build(&builds[i], paths[i]);
	for (int r = 0; r < rounds; r++)
		for (int i = 0; i < n; i++) {
			builds[i].heads[r] = ask(&builds[i], 1);
			builds[i].nothing[r] = ask(&builds[i], 0);
		}
	for (int i = 0; i < n; i++) {
		printf("%s, %d rounds of %d\n", paths[i], rounds, HEADS);
		print("a head", builds[i].heads, rounds);
		print("nothing", builds[i].nothing, rounds);
		t_kernel_close(&builds[i].kernel);
	}
	close(statistics);
}

int main(int argc, char **argv)
{
	int rounds = 101, option;

	while ((option = getopt(argc, argv, "r:n:")) != -1) {
		if (option == 'n') {
			judge_natively(number(optarg, ULONG_MAX));
			return 0;
		}
		must(option == 'r', "[-r ROUNDS] JUDGE.bpf.o... | -n COUNT");
		rounds = (int)number(optarg, MAX_ROUNDS);
	}
	must(optind < argc && argc - optind <= MAX_BUILDS, "[-r ROUNDS] JUDGE.bpf.o... | -n COUNT");
	compare(argv + optind, argc - optind, rounds);
	return 0;
}
