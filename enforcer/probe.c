// SPDX-License-Identifier: Apache-2.0
#include "enforcer/probe.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "enforcer/clsact.h"
#include "enforcer/fionread.h"
#include "enforcer/helper.h"

#include <assert.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <mntent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct spec;

/* Looks, may write into r->found, and returns the state. */
typedef enum pst_probe_state (*probe_fn)(const struct spec *spec, struct pst_probe_result *r);

struct spec {
	const char *name;
	enum pst_probe_effect effect;
	probe_fn run;
	int what, in; /* the capability, program type, map type; the helper and its program type */
	const char *consequence;
	const char *path; /* of a setting; WHAT and IN are the least and the most that is well */
};

static enum pst_probe_state could_not_run(struct pst_probe_result *r, int err)
{
	snprintf(r->found, sizeof(r->found), "%s", strerror(-err));
	return PST_PROBE_COULD_NOT_RUN;
}

static enum pst_probe_state see_release(const struct spec *spec, struct pst_probe_result *r)
{
	struct utsname u;

	(void)spec;
	if (uname(&u))
		return could_not_run(r, -errno);
	snprintf(r->found, sizeof(r->found), "%s", u.release);
	return PST_PROBE_OK;
}

static enum pst_probe_state see_btf(const struct spec *spec, struct pst_probe_result *r)
{
	(void)spec;
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return PST_PROBE_OK;
	return errno == ENOENT ? PST_PROBE_BAD : could_not_run(r, -errno);
}

static enum pst_probe_state see_setting(const struct spec *spec, struct pst_probe_result *r)
{
	pst_auto_file FILE *f = fopen(spec->path, "re");
	char text[32], *end;
	long value;

	if (!f || !fgets(text, sizeof(text), f))
		return could_not_run(r, f ? -EPROTO : -errno);
	value = strtol(text, &end, 10);
	if (end == text)
		return could_not_run(r, -EPROTO);
	snprintf(r->found, sizeof(r->found), "%ld", value);
	return value >= spec->what && value <= spec->in ? PST_PROBE_OK : PST_PROBE_BAD;
}

/* Is a file system of this kind mounted? FOUND is where first. */
static enum pst_probe_state see_mount(const struct spec *spec, struct pst_probe_result *r)
{
	pst_auto_file FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	if (!f)
		return could_not_run(r, -errno);
	while ((m = getmntent(f))) {
		if (strcmp(m->mnt_type, spec->path))
			continue;
		snprintf(r->found, sizeof(r->found), "%s", m->mnt_dir);
		return PST_PROBE_OK;
	}
	return PST_PROBE_BAD;
}

/* The effective capabilities of the thread, one bit each; 0 or -errno. */
static int read_capabilities(uint64_t *ret_caps)
{
	pst_auto_file FILE *f = fopen("/proc/thread-self/status", "re");
	char line[256];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "CapEff:", 7))
			continue;
		*ret_caps = strtoull(line + 7, NULL, 16);
		return 0;
	}
	return -EPROTO;
}

static enum pst_probe_state see_capability(const struct spec *spec, struct pst_probe_result *r)
{
	uint64_t caps = 0;
	int err = read_capabilities(&caps);

	if (err)
		return could_not_run(r, err);
	return caps >> spec->what & 1 ? PST_PROBE_OK : PST_PROBE_BAD;
}

/* 1 yes, 0 no, negative unknown. */
static enum pst_probe_state from_answer(struct pst_probe_result *r, int answer)
{
	if (answer < 0)
		return could_not_run(r, answer);
	return answer ? PST_PROBE_OK : PST_PROBE_BAD;
}

static enum pst_probe_state try_program(const struct spec *spec, struct pst_probe_result *r)
{
	return from_answer(r, libbpf_probe_bpf_prog_type((enum bpf_prog_type)spec->what, NULL));
}

static enum pst_probe_state try_map(const struct spec *spec, struct pst_probe_result *r)
{
	return from_answer(r, libbpf_probe_bpf_map_type((enum bpf_map_type)spec->what, NULL));
}

static enum pst_probe_state try_helper(const struct spec *spec, struct pst_probe_result *r)
{
	return from_answer(
		r, pst_helper_try((enum bpf_prog_type)spec->in, (enum bpf_func_id)spec->what));
}

static enum pst_probe_state try_fionread(const struct spec *spec, struct pst_probe_result *r)
{
	struct pst_fionread told;
	int err = pst_fionread_try(&told);

	(void)spec;
	if (err)
		return could_not_run(r, err);
	snprintf(r->found, sizeof(r->found), "%d of %d bytes; %d outside of the map", told.member,
		 PST_FIONREAD_BYTES, told.outside);
	if (told.outside != PST_FIONREAD_BYTES)
		return PST_PROBE_COULD_NOT_RUN;
	return told.member == PST_FIONREAD_BYTES ? PST_PROBE_OK : PST_PROBE_BAD;
}

static enum pst_probe_state try_clsact(const struct spec *spec, struct pst_probe_result *r)
{
	(void)spec;
	return from_answer(r, pst_clsact_try());
}

static const char no_judge[] = "nothing can be enforced on this kernel";
static const char no_rights[] = "posternd cannot load or attach its programs";
static const char no_courtesy[] = "courtesy mode is off: no 403 from the kernel at the sender";
static const char no_fionread[] =
	"courtesy mode is off: membership in a sockhash makes FIONREAD lie to applications";
static const char no_answer[] = "denied requests are dropped without a 403";
static const char no_proxy[] =
	"the proxy cannot become nobody and does not start: what it is to judge is denied";
static const char no_kill[] = "denied connections in other network namespaces end by timeout only";

#define CAPABILITY(cap, effect, text)                                        \
	{                                                                    \
#cap, PST_PROBE_##effect, see_capability, cap, 0, text, NULL \
	}
#define PROGRAM(label, type, effect, text)                                                        \
	{                                                                                         \
		"program " label, PST_PROBE_##effect, try_program, BPF_PROG_TYPE_##type, 0, text, \
			NULL                                                                      \
	}
#define MAP(label, type, effect, text)                                                        \
	{                                                                                     \
		"map " label, PST_PROBE_##effect, try_map, BPF_MAP_TYPE_##type, 0, text, NULL \
	}
#define HELPER(label, helper, type, effect, text)                                      \
	{                                                                              \
		label ": " #helper, PST_PROBE_##effect, try_helper, BPF_FUNC_##helper, \
			BPF_PROG_TYPE_##type, text, NULL                               \
	}
#define JUDGE(helper)	 HELPER("cgroup_skb", helper, CGROUP_SKB, ESSENTIAL, no_judge)
#define SOCKOPS(helper)	 HELPER("sock_ops", helper, SOCK_OPS, ESSENTIAL, no_judge)
#define COURTESY(helper) HELPER("sk_msg", helper, SK_MSG, COURTESY, no_courtesy)

#define SETTING(name, least, most, text, path)                                          \
	{                                                                               \
		name, PST_PROBE_INFO, see_setting, least, most, text, "/proc/sys/" path \
	}

static const struct spec specs[] = {
	{"kernel release", PST_PROBE_INFO, see_release, 0, 0, "", NULL},
	{"type information (BTF)", PST_PROBE_ESSENTIAL, see_btf, 0, 0,
	 "the programs cannot be loaded: /sys/kernel/btf/vmlinux is needed", NULL},
	CAPABILITY(CAP_BPF, ESSENTIAL, no_rights),
	CAPABILITY(CAP_NET_ADMIN, ESSENTIAL, no_rights),
	CAPABILITY(CAP_PERFMON, ESSENTIAL, no_rights),
	CAPABILITY(CAP_SYS_ADMIN, ENDING, no_kill),
	CAPABILITY(CAP_SYS_PTRACE, ENDING, no_kill),
	CAPABILITY(CAP_NET_RAW, ENDING, no_answer),
	CAPABILITY(CAP_SETUID, INFO, no_proxy),
	CAPABILITY(CAP_SETGID, INFO, no_proxy),
	CAPABILITY(CAP_KILL, INFO, "a proxy that hangs is not ended: posternd waits for it"),
	PROGRAM("cgroup_skb", CGROUP_SKB, ESSENTIAL, no_judge),
	PROGRAM("sock_ops", SOCK_OPS, ESSENTIAL, no_judge),
	PROGRAM("sk_msg", SK_MSG, COURTESY, no_courtesy),
	MAP("sk_storage", SK_STORAGE, ESSENTIAL, no_judge),
	MAP("lpm_trie", LPM_TRIE, ESSENTIAL, no_judge),
	MAP("ringbuf", RINGBUF, ESSENTIAL, no_judge),
	MAP("sockhash", SOCKHASH, COURTESY, no_courtesy),
	JUDGE(sk_storage_get),
	JUDGE(skb_load_bytes),
	JUDGE(tcp_sock),
	JUDGE(loop),
	JUDGE(ringbuf_output),
	JUDGE(ktime_get_ns),
	SOCKOPS(sk_storage_get),
	HELPER("sock_ops", sock_hash_update, SOCK_OPS, COURTESY, no_courtesy),
	COURTESY(msg_pull_data),
	COURTESY(msg_push_data),
	COURTESY(msg_pop_data),
	COURTESY(msg_redirect_hash),
	COURTESY(skc_to_tcp_sock),
	COURTESY(sk_storage_get),
	{"FIONREAD in a sockhash", PST_PROBE_COURTESY, try_fionread, 0, 0, no_fionread, NULL},
	{"filters on devices (clsact)", PST_PROBE_INFO, try_clsact, 0, 0,
	 "denied peers learn which ports are closed, and a hostile process on this node can change what was judged (sendfile, splice); needs the modules sch_ingress and cls_bpf",
	 NULL},
	{"cgroup v2 mounted", PST_PROBE_INFO, see_mount, 0, 0,
	 "mount it (mount -t cgroup2 none DIRECTORY): posternd attaches below it", "cgroup2"},
	{"BPF file system mounted", PST_PROBE_INFO, see_mount, 0, 0,
	 "mount it (mount -t bpf none /sys/fs/bpf): what is pinned lies there", "bpf"},
	SETTING("BPF compiled to machine code", 1, 2,
		"programs are interpreted: each packet costs several times as much",
		"net/core/bpf_jit_enable"),
	SETTING("BPF constants blinded", 0, 1,
		"the programs of root are blinded too: each packet costs more",
		"net/core/bpf_jit_harden"),
	SETTING("BPF closed to users without rights", 1, 2,
		"any user of this node may load programs into its kernel",
		"kernel/unprivileged_bpf_disabled"),
	SETTING("TCP Fast Open of servers", 0, 1,
		"data in a SYN to a port with HTTP rules is refused (handshake-data)",
		"net/ipv4/tcp_fastopen"),
	SETTING("multipath TCP", 0, 0,
		"applications that ask for it below the enforced cgroup are given plain TCP",
		"net/mptcp/enabled"),
	SETTING("early demultiplexing", 0, 1, "", "net/ipv4/ip_early_demux"),
	SETTING("reverse path filter", 0, 2, "", "net/ipv4/conf/all/rp_filter"),
};

enum { N_SPECS = sizeof(specs) / sizeof(specs[0]) };

static void run_one(const struct spec *spec, struct pst_probe_result *r)
{
	*r = (struct pst_probe_result){
		.name = spec->name,
		.effect = spec->effect,
		.consequence = spec->consequence,
	};
	r->state = spec->run(spec, r);
}

int pst_probe_run(struct pst_probe_report *ret_report)
{
	struct pst_probe_result *v = pst_mem_calloc(N_SPECS, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < N_SPECS; i++)
		run_one(&specs[i], &v[i]);
	*ret_report = (struct pst_probe_report){.results = v, .n = N_SPECS};
	return 0;
}

void pst_probe_report_fini(struct pst_probe_report *report)
{
	free(report->results);
	*report = (struct pst_probe_report){0};
}

bool pst_probe_has(const struct pst_probe_report *report, enum pst_probe_effect effect)
{
	for (size_t i = 0; i < report->n; i++)
		if (report->results[i].effect == effect && report->results[i].state != PST_PROBE_OK)
			return false;
	return true;
}

static const char *const state_words[] = {
	[PST_PROBE_OK] = "ok",
	[PST_PROBE_BAD] = "bad",
	[PST_PROBE_COULD_NOT_RUN] = "could-not-run",
};

static const char *const effect_words[] = {
	[PST_PROBE_ESSENTIAL] = "essential",
	[PST_PROBE_COURTESY] = "courtesy",
	[PST_PROBE_ENDING] = "ending",
	[PST_PROBE_INFO] = "info",
};

static_assert(sizeof(state_words) / sizeof(*state_words) == PST_PROBE_STATE_MAX, "a word each");
static_assert(sizeof(effect_words) / sizeof(*effect_words) == PST_PROBE_EFFECT_MAX, "a word each");

/* What a report as a whole says. */
struct mode {
	enum pst_probe_effect effect;
	const char *key;
	const char *label;
	const char *yes, *no;
};

static const struct mode modes[] = {
	{PST_PROBE_ESSENTIAL, "enforceable", "enforcement", "possible", "not possible"},
	{PST_PROBE_COURTESY, "courtesy", "403 from the kernel at the sender", "on", "off"},
	{PST_PROBE_ENDING, "ending", "answering and ending denied connections", "on", "limited"},
};

enum { N_MODES = sizeof(modes) / sizeof(modes[0]) };

static void print_result(const struct pst_probe_result *r, FILE *out)
{
	fprintf(out, "%-14s %s", state_words[r->state], r->name);
	if (r->found[0])
		fprintf(out, " (%s)", r->found);
	fputc('\n', out);
	if (r->state != PST_PROBE_OK && r->consequence[0])
		fprintf(out, "%-14s -> %s\n", "", r->consequence);
}

void pst_probe_print(const struct pst_probe_report *report, FILE *out)
{
	for (size_t i = 0; i < report->n; i++)
		print_result(&report->results[i], out);
	for (size_t i = 0; i < N_MODES; i++)
		fprintf(out, "%s: %s\n", modes[i].label,
			pst_probe_has(report, modes[i].effect) ? modes[i].yes : modes[i].no);
}

static void put_result(struct pst_json *j, const struct pst_probe_result *r)
{
	pst_json_object(j, NULL);
	pst_json_str(j, "name", r->name);
	pst_json_str(j, "state", state_words[r->state]);
	pst_json_str(j, "effect", effect_words[r->effect]);
	pst_json_str(j, "found", r->found);
	pst_json_str(j, "consequence", r->state == PST_PROBE_OK ? NULL : r->consequence);
	pst_json_end(j);
}

int pst_probe_print_json(const struct pst_probe_report *report, FILE *out)
{
	struct pst_json j;

	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	for (size_t i = 0; i < N_MODES; i++)
		pst_json_bool(&j, modes[i].key, pst_probe_has(report, modes[i].effect));
	pst_json_array(&j, "probes");
	for (size_t i = 0; i < report->n; i++)
		put_result(&j, &report->results[i]);
	pst_json_end(&j);
	pst_json_end(&j);
	return pst_json_finish(&j);
}
