// SPDX-License-Identifier: Apache-2.0
#include "enforcer/probe.h"

#include "base/cleanup.h"
#include "enforcer/clsact.h"
#include "enforcer/fionread.h"
#include "enforcer/link.h"
#include "enforcer/tests/net_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/pkt_sched.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define AUTO_REPORT pst_cleanup(pst_probe_report_fini) struct pst_probe_report

static const struct pst_probe_result *find(const struct pst_probe_report *report, const char *name)
{
	for (size_t i = 0; i < report->n; i++)
		if (!strcmp(report->results[i].name, name))
			return &report->results[i];
	cr_assert_fail("no probe \"%s\"", name);
	return NULL;
}

static struct pst_probe_report run(void)
{
	struct pst_probe_report report = {0};

	cr_assert_eq(pst_probe_run(&report), 0);
	return report;
}

/*
 * Takes one capability out of the effective set. capset(2), third version: version and pid;
 * effective, permitted, inheritable of capabilities 0..31, then of 32..63.
 */
static void give_up(unsigned int cap)
{
	uint32_t header[2] = {0x20080522, 0}, sets[2][3];

	cr_assert_eq(syscall(SYS_capget, header, sets), 0);
	sets[cap / 32][0] &= ~(1u << cap % 32);
	cr_assert_eq(syscall(SYS_capset, header, sets), 0);
}

static char *text_of(const struct pst_probe_report *report, bool json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (json)
		cr_assert_eq(pst_probe_print_json(report, out), 0);
	else
		pst_probe_print(report, out);
	fclose(out);
	return text;
}

Test(probe, names_are_unique_and_failures_have_consequences)
{
	AUTO_REPORT report = run();

	for (size_t i = 0; i < report.n; i++) {
		const struct pst_probe_result *r = &report.results[i];

		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(r->name, report.results[k].name);
		cr_assert(r->effect == PST_PROBE_INFO || r->consequence[0], "%s", r->name);
	}
}

Test(probe, shows_the_release_of_the_kernel)
{
	AUTO_REPORT report = run();
	struct utsname u;

	cr_assert_eq(uname(&u), 0);
	cr_assert_str_eq(find(&report, "kernel release")->found, u.release);
}

Test(probe, sees_a_capability_and_its_absence)
{
	if (geteuid())
		cr_skip_test("capabilities need root");
	AUTO_REPORT before = run();

	give_up(CAP_NET_RAW);
	AUTO_REPORT after = run();

	cr_assert_eq(find(&before, "CAP_NET_RAW")->state, PST_PROBE_OK);
	cr_assert_eq(find(&after, "CAP_NET_RAW")->state, PST_PROBE_BAD);
	cr_assert_eq(find(&after, "CAP_NET_ADMIN")->state, PST_PROBE_OK);
	cr_assert_not(pst_probe_has(&after, PST_PROBE_ENDING));
	cr_assert_eq(pst_probe_has(&after, PST_PROBE_ESSENTIAL),
		     pst_probe_has(&before, PST_PROBE_ESSENTIAL));
}

/* Capabilities above 31 live in the second word. */
Test(probe, sees_the_absence_of_a_capability_of_the_second_word)
{
	if (geteuid())
		cr_skip_test("capabilities need root");
	give_up(CAP_BPF);
	AUTO_REPORT report = run();

	cr_assert_eq(find(&report, "CAP_BPF")->state, PST_PROBE_BAD);
	cr_assert_not(pst_probe_has(&report, PST_PROBE_ESSENTIAL));
}

Test(probe, without_rights_the_kernel_probes_do_not_say_ok)
{
	if (geteuid())
		cr_skip_test("capabilities need root");
	give_up(CAP_BPF);
	give_up(CAP_SYS_ADMIN);
	give_up(CAP_NET_ADMIN);
	AUTO_REPORT report = run();

	cr_assert_neq(find(&report, "program cgroup_skb")->state, PST_PROBE_OK);
	cr_assert_neq(find(&report, "map sockhash")->state, PST_PROBE_OK);
	cr_assert_neq(find(&report, "cgroup_skb: loop")->state, PST_PROBE_OK);
	cr_assert_eq(find(&report, "FIONREAD in a sockhash")->state, PST_PROBE_COULD_NOT_RUN);
	cr_assert_not(pst_probe_has(&report, PST_PROBE_COURTESY));
}

Test(probe, a_setting_is_told_as_the_kernel_has_it)
{
	AUTO_REPORT report = run();
	char text[32] = "";
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_fastopen", "re");

	if (!f)
		cr_skip_test("this kernel has no such setting");
	cr_assert(fgets(text, sizeof(text), f));
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	cr_assert_str_eq(find(&report, "TCP Fast Open of servers")->found, text);
	cr_assert_eq(find(&report, "TCP Fast Open of servers")->state,
		     strtol(text, NULL, 10) <= 1 ? PST_PROBE_OK : PST_PROBE_BAD);
}

Test(probe, a_setting_out_of_its_range_is_bad_and_changes_no_mode)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("network namespaces need root");
	AUTO_REPORT before = run();
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_fastopen", "we");

	if (!f)
		cr_skip_test("settings cannot be written here");
	fputs("3", f);
	cr_assert_eq(fclose(f), 0);
	AUTO_REPORT after = run();

	cr_assert_eq(find(&after, "TCP Fast Open of servers")->state, PST_PROBE_BAD);
	cr_assert_str_eq(find(&after, "TCP Fast Open of servers")->found, "3");
	cr_assert_eq(pst_probe_has(&after, PST_PROBE_ESSENTIAL),
		     pst_probe_has(&before, PST_PROBE_ESSENTIAL));
}

Test(probe, a_mount_is_seen_and_its_absence_too)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		cr_skip_test("mount namespaces need root");
	if (mount("none", "/mnt", "bpf", 0, NULL))
		cr_skip_test("the BPF file system cannot be mounted here");
	AUTO_REPORT there = run();

	cr_assert_eq(find(&there, "BPF file system mounted")->state, PST_PROBE_OK);
	cr_assert_eq(umount2("/mnt", MNT_DETACH), 0);
	while (!umount2("/sys/fs/bpf", MNT_DETACH))
		;
	AUTO_REPORT gone = run();

	if (!strcmp(find(&gone, "BPF file system mounted")->found, ""))
		cr_assert_eq(find(&gone, "BPF file system mounted")->state, PST_PROBE_BAD);
}

static void skip_unless_bpf_works(void)
{
	AUTO_REPORT report = run();

	if (find(&report, "program sk_msg")->state != PST_PROBE_OK)
		cr_skip_test("BPF programs cannot be loaded here");
}

Test(probe, a_supported_kernel_has_what_the_judge_needs)
{
	skip_unless_bpf_works();
	AUTO_REPORT report = run();

	cr_assert_eq(find(&report, "cgroup_skb: sk_storage_get")->state, PST_PROBE_OK);
	cr_assert_eq(find(&report, "cgroup_skb: loop")->state, PST_PROBE_OK);
	cr_assert(pst_probe_has(&report, PST_PROBE_ESSENTIAL));
}

Test(clsact, a_device_of_a_supported_kernel_takes_a_filter)
{
	skip_unless_bpf_works();
	AUTO_REPORT report = run();

	cr_assert_eq(pst_clsact_try(), 1);
	cr_assert_eq(find(&report, "filters on devices (clsact)")->state, PST_PROBE_OK);
}

static ino_t own_netns(void)
{
	struct stat st;

	cr_assert_eq(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

Test(clsact, the_attempt_leaves_the_process_and_its_devices_as_they_were)
{
	ino_t before;

	skip_unless_bpf_works();
	t_enter_new_netns();
	before = own_netns();
	cr_assert_eq(pst_clsact_try(), 1);
	cr_assert_eq(own_netns(), before);
	cr_assert_not(pst_link_has_filters(1, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)));
}

Test(clsact, without_rights_it_is_not_known)
{
	if (geteuid())
		cr_skip_test("capabilities need root");
	give_up(CAP_SYS_ADMIN);
	cr_assert_eq(pst_clsact_try(), -EPERM);
	AUTO_REPORT report = run();

	cr_assert_eq(find(&report, "filters on devices (clsact)")->state, PST_PROBE_COULD_NOT_RUN);
	cr_assert_eq(pst_probe_has(&report, PST_PROBE_ESSENTIAL), 1);
}

Test(fionread, a_socket_outside_of_the_map_is_told_everything)
{
	struct pst_fionread told;

	skip_unless_bpf_works();
	t_enter_new_netns();
	cr_assert_eq(pst_fionread_try(&told), 0);
	cr_assert_eq(told.outside, PST_FIONREAD_BYTES);
}

Test(fionread, selects_courtesy_mode)
{
	struct pst_fionread told;

	skip_unless_bpf_works();
	t_enter_new_netns();
	AUTO_REPORT report = run();

	cr_assert_eq(pst_fionread_try(&told), 0);
	cr_assert_eq(find(&report, "FIONREAD in a sockhash")->state,
		     told.member == PST_FIONREAD_BYTES ? PST_PROBE_OK : PST_PROBE_BAD);
	if (told.member != PST_FIONREAD_BYTES)
		cr_assert_not(pst_probe_has(&report, PST_PROBE_COURTESY));
}

Test(fionread, without_loopback_says_that_it_could_not_run)
{
	skip_unless_bpf_works();
	if (unshare(CLONE_NEWNET))
		cr_skip_test("network namespaces need root");
	AUTO_REPORT report = run();

	cr_assert_eq(find(&report, "FIONREAD in a sockhash")->state, PST_PROBE_COULD_NOT_RUN);
	cr_assert_not(pst_probe_has(&report, PST_PROBE_COURTESY));
	cr_assert(pst_probe_has(&report, PST_PROBE_ESSENTIAL));
}

/* ---- reports, with results chosen here ---- */

static struct pst_probe_result made_up[] = {
	{"release", PST_PROBE_INFO, PST_PROBE_OK, "", "6.1"},
	{"judge", PST_PROBE_ESSENTIAL, PST_PROBE_OK, "no judge", ""},
	{"courtesy", PST_PROBE_COURTESY, PST_PROBE_BAD, "no 403", "0 of 100"},
	{"kill", PST_PROBE_ENDING, PST_PROBE_COULD_NOT_RUN, "no kill", "why"},
};

static const struct pst_probe_report made_up_report = {made_up, 4};

Test(probe_report, what_could_not_be_tried_counts_as_missing)
{
	cr_assert(pst_probe_has(&made_up_report, PST_PROBE_ESSENTIAL));
	cr_assert_not(pst_probe_has(&made_up_report, PST_PROBE_COURTESY));
	cr_assert_not(pst_probe_has(&made_up_report, PST_PROBE_ENDING));
}

Test(probe_report, the_text_says_what_follows)
{
	pst_auto_free char *text = text_of(&made_up_report, false);

	cr_assert_str_eq(text, "ok             release (6.1)\n"
			       "ok             judge\n"
			       "bad            courtesy (0 of 100)\n"
			       "               -> no 403\n"
			       "could-not-run  kill (why)\n"
			       "               -> no kill\n"
			       "enforcement: possible\n"
			       "403 from the kernel at the sender: off\n"
			       "answering and ending denied connections: limited\n");
}

Test(probe_report, json_holds_the_modes_and_every_probe)
{
	pst_auto_free char *text = text_of(&made_up_report, true);

	cr_assert(strstr(text, "\"enforceable\":true"), "%s", text);
	cr_assert(strstr(text, "\"courtesy\":false"));
	cr_assert(strstr(text, "\"ending\":false"));
	cr_assert(strstr(text, "{\"name\":\"judge\",\"state\":\"ok\",\"effect\":\"essential\","
			       "\"found\":\"\",\"consequence\":null}"));
	cr_assert(strstr(text, "{\"name\":\"kill\",\"state\":\"could-not-run\","
			       "\"effect\":\"ending\",\"found\":\"why\","
			       "\"consequence\":\"no kill\"}"));
}
