// SPDX-License-Identifier: Apache-2.0
#include "enforcer/loader.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/batch.h"
#include "enforcer/helper.h"
#include "enforcer/pins.h"
#include "enforcer/reply.h"
#include "enforcer/schema.h"
#include "enforcer/tc.h"

#include "postern.skel.h"

/* The programs in the order of attachment: what gives connections their state before what demands
 * it. */
enum {
	PROG_SOCKOPS,
	PROG_SOCK_CREATE,
	PROG_GETPEERNAME4,
	PROG_GETPEERNAME6,
	PROG_GETSOCKNAME4,
	PROG_GETSOCKNAME6,
	PROG_CONNECT4,
	PROG_CONNECT6,
	PROG_INGRESS,
	PROG_EGRESS,
	PROG_MAX,
};

static const char *const link_names[PROG_MAX] = {
	[PROG_SOCKOPS] = "sockops",	      [PROG_SOCK_CREATE] = "sock_create",
	[PROG_GETPEERNAME4] = "getpeername4", [PROG_GETPEERNAME6] = "getpeername6",
	[PROG_GETSOCKNAME4] = "getsockname4", [PROG_GETSOCKNAME6] = "getsockname6",
	[PROG_CONNECT4] = "connect4",	      [PROG_CONNECT6] = "connect6",
	[PROG_INGRESS] = "ingress",	      [PROG_EGRESS] = "egress",
};

/* No more than that was there when a turn began. */
enum { RING_EVENTS = PST_RING_BYTES / sizeof(struct pst_event) };

struct pst_loader {
	struct postern_bpf *skel;
	struct pst_pins *pins;
	struct bpf_link *links[PROG_MAX];
	struct ring_buffer *ring;
	void *tables;
	size_t tables_size;
	bool courtesy_attached;
	unsigned int n_events; /* of this turn */
	pst_loader_event_fn event_fn;
	void *event_arg;
};

/* The array map keeps its values eight bytes aligned, one behind the other. */
static size_t table_stride(void)
{
	return (sizeof(struct pst_table) + 7) & ~(size_t)7;
}

static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char text[1024];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	pst_log(PST_LOG_DEBUG, "%s", text);
	return 0;
}

static int map_tables(struct pst_loader *l)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	l->tables_size = (PST_GEN_SLOTS * table_stride() + page - 1) & ~(page - 1);
	p = mmap(NULL, l->tables_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 bpf_map__fd(l->skel->maps.pst_tables), 0);
	if (p == MAP_FAILED)
		return pst_log_err(-errno, "cannot map the automaton tables");
	l->tables = p;
	return 0;
}

static void set_courtesy(struct postern_bpf *skel, const struct pst_reply *reply)
{
	static_assert(sizeof(skel->rodata->pst_reply) == sizeof(reply->bytes), "one limit");

	memcpy(skel->rodata->pst_reply, reply->bytes, sizeof(reply->bytes));
	skel->rodata->pst_reply_len = (uint32_t)reply->len;
	skel->rodata->pst_reply_head_len = (uint32_t)reply->head_len;
}

static int use_pins(struct pst_loader *l)
{
	char schema[PST_SCHEMA_NAME];
	int r = pst_schema_name(l->skel->obj, schema);

	if (r)
		return pst_log_err(r, "cannot tell the schema of the BPF object");
	r = pst_pins_use(l->pins, schema);
	return r ? r : pst_pins_maps(l->pins, l->skel->obj);
}

/*
 * Flows that a former daemon's programs have judged are adopted with their pins, and the switches
 * that make tc compare what they send, and ask who has begun over lo, are not: they would be off
 * until the next request, or stranger.
 */
static int remember_flows(struct pst_loader *l)
{
	struct pst_config config;
	int r = l->pins ? pst_loader_get_config(l, &config) : 0;

	if (r)
		return pst_log_err(r, "cannot read the pinned configuration");
	if (l->pins && config.generation) {
		l->skel->bss->pst_senders_judged = 1;
		l->skel->bss->pst_hears_strangers = 1;
	}
	return 0;
}

/* No helper or type tells these kernels apart: tried on 6.1 (not), 6.12 and 6.18 (yes). */
static bool finds_sums(void)
{
	unsigned long major, minor;
	struct utsname u;
	char *dot;

	if (uname(&u))
		return false;
	major = strtoul(u.release, &dot, 10);
	minor = *dot == '.' ? strtoul(dot + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 12);
}

static int load(struct pst_loader *l, const struct pst_reply *courtesy)
{
	int r = 0;

	l->skel = postern_bpf__open();
	if (!l->skel)
		return pst_log_err(-errno, "cannot open the BPF object");
	l->skel->rodata->pst_has_netns_cookie =
		pst_helper_try(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_get_netns_cookie) == 1;
	l->skel->rodata->pst_finds_sums = finds_sums();
	set_courtesy(l->skel, courtesy);
	if (l->pins)
		r = use_pins(l);
	if (r)
		return r;
	r = postern_bpf__load(l->skel);
	if (r)
		return pst_log_err(
			r,
			"the kernel refused the BPF programs or pinned maps (run with --debug to see why)");
	r = remember_flows(l);
	return r ? r : map_tables(l);
}

int pst_loader_open(const struct pst_reply *courtesy, struct pst_pins *pins,
		    struct pst_loader **ret_loader)
{
	struct pst_loader *l = pst_mem_calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	libbpf_set_print(on_libbpf);
	l->pins = pins;
	r = load(l, courtesy);
	if (r) {
		pst_loader_close(&l);
		return r;
	}
	*ret_loader = l;
	return 0;
}

/* Lets go of the links: those that are not pinned are detached by it. */
static void release(struct pst_loader *l)
{
	static const struct pst_config nothing;

	for (int i = PROG_MAX - 1; i >= 0; i--) {
		bpf_link__destroy(l->links[i]);
		l->links[i] = NULL;
	}
	if (l->courtesy_attached && !l->pins) {
		/* Open sockets keep the courtesy program: it must not answer by what is over. */
		pst_loader_set_config(l, &nothing);
		bpf_prog_detach2(bpf_program__fd(l->skel->progs.pst_skmsg),
				 bpf_map__fd(l->skel->maps.pst_courtesy), BPF_SK_MSG_VERDICT);
	}
	l->courtesy_attached = false;
}

void pst_loader_close(struct pst_loader **l)
{
	if (!*l)
		return;
	ring_buffer__free((*l)->ring);
	if ((*l)->skel)
		release(*l);
	if ((*l)->tables)
		munmap((*l)->tables, (*l)->tables_size);
	postern_bpf__destroy((*l)->skel);
	free(*l);
	*l = NULL;
}

/* *RET_NEW: nobody was attached there before. */
static struct bpf_link *attach_one(struct pst_loader *l, struct bpf_program *prog, const char *name,
				   int cgroup_fd, bool *ret_new)
{
	struct bpf_link *link;

	if (l->pins)
		return pst_pins_attach(l->pins, name, prog, cgroup_fd, ret_new);
	link = bpf_program__attach_cgroup(prog, cgroup_fd);
	if (!link)
		pst_log_err(-errno, "cannot attach %s to the cgroup", bpf_program__name(prog));
	*ret_new = false; /* goes with its descriptor */
	return link;
}

/* A link that was pinned by a start that failed goes again; one that was adopted stays. */
static void give_up(struct pst_loader *l, const bool is_new[PROG_MAX])
{
	for (int i = PROG_MAX - 1; i >= 0; i--) {
		if (is_new[i])
			bpf_link__unpin(l->links[i]);
	}
	release(l);
}

int pst_loader_attach(struct pst_loader *l, int cgroup_fd)
{
	struct bpf_program *progs[PROG_MAX] = {
		[PROG_INGRESS] = l->skel->progs.pst_ingress,
		[PROG_EGRESS] = l->skel->progs.pst_egress,
		[PROG_SOCKOPS] = l->skel->progs.pst_sockops,
		[PROG_SOCK_CREATE] = l->skel->progs.pst_sock_create,
		[PROG_GETPEERNAME4] = l->skel->progs.pst_getpeername4,
		[PROG_GETPEERNAME6] = l->skel->progs.pst_getpeername6,
		[PROG_GETSOCKNAME4] = l->skel->progs.pst_getsockname4,
		[PROG_GETSOCKNAME6] = l->skel->progs.pst_getsockname6,
		[PROG_CONNECT4] = l->skel->progs.pst_connect4,
		[PROG_CONNECT6] = l->skel->progs.pst_connect6,
	};
	bool is_new[PROG_MAX] = {false};

	if (bpf_prog_attach(bpf_program__fd(l->skel->progs.pst_skmsg),
			    bpf_map__fd(l->skel->maps.pst_courtesy), BPF_SK_MSG_VERDICT, 0))
		return pst_log_err(-errno, "cannot attach the courtesy program to its map");
	l->courtesy_attached = true;
	for (int i = 0; i < PROG_MAX; i++) {
		int r;

		l->links[i] = attach_one(l, progs[i], link_names[i], cgroup_fd, &is_new[i]);
		if (l->links[i])
			continue;
		r = errno ? -errno : -EIO;
		give_up(l, is_new);
		return r;
	}
	return 0;
}

/* As CALL_TO_POD and CALL_FROM_POD of bpf/tc.bpf.c. */
int pst_loader_arm_tc(struct pst_loader *l, struct pst_tc_programs *ret_programs)
{
	const struct bpf_program *targets[] = {l->skel->progs.pst_to_pod_call,
					       l->skel->progs.pst_from_pod_call};
	int calls = bpf_map__fd(l->skel->maps.pst_tc_calls);

	for (uint32_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		int fd = bpf_program__fd(targets[i]);

		if (bpf_map_update_elem(calls, &i, &fd, BPF_ANY))
			return pst_log_err(-errno, "cannot arm the programs at pods' devices");
	}
	*ret_programs = (struct pst_tc_programs){
		.to_pod = bpf_program__fd(l->skel->progs.pst_to_pod),
		.from_pod = bpf_program__fd(l->skel->progs.pst_from_pod),
		.devices = bpf_map__fd(l->skel->maps.pst_tc_devices),
	};
	return 0;
}

int pst_loader_map(const struct pst_loader *l, const char *name)
{
	return bpf_object__find_map_fd_by_name(l->skel->obj, name);
}

const void *pst_loader_image(size_t *ret_len)
{
	return postern_bpf__elf_bytes(ret_len);
}

struct pst_table *pst_loader_table(struct pst_loader *l, uint32_t slot)
{
	return (struct pst_table *)((char *)l->tables + slot % PST_GEN_SLOTS * table_stride());
}

int pst_loader_get_config(const struct pst_loader *l, struct pst_config *ret_config)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(bpf_map__fd(l->skel->maps.pst_config), &zero, ret_config)
		       ? -errno
		       : 0;
}

int pst_loader_set_config(struct pst_loader *l, const struct pst_config *config)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(l->skel->maps.pst_config), &zero, config, BPF_ANY)
		       ? -errno
		       : 0;
}

struct pst_batch *pst_loader_addrs(struct pst_loader *l)
{
	return pst_batch_new(bpf_map__fd(l->skel->maps.pst_addrs), sizeof(struct pst_addr_key),
			     sizeof(struct pst_addr_value));
}

struct pst_batch *pst_loader_policies(struct pst_loader *l)
{
	return pst_batch_new(bpf_map__fd(l->skel->maps.pst_policies), sizeof(struct pst_policy_key),
			     sizeof(struct pst_policy_value));
}

/* What is gone is gone. */
static int removed(int r)
{
	return r && errno != ENOENT ? -errno : 0;
}

/* How the keys of both tries begin. */
struct slot_key {
	uint32_t prefixlen;
	uint32_t slot;
	uint8_t rest[sizeof(struct pst_addr_key) - 8];
};
static_assert(sizeof(struct slot_key) >= sizeof(struct pst_policy_key), "room for either");
static_assert(offsetof(struct slot_key, slot) == offsetof(struct pst_addr_key, slot), "one place");
static_assert(offsetof(struct slot_key, slot) == offsetof(struct pst_policy_key, slot),
	      "one place");

/* The next key is asked for before this one is removed: a walk from a missing key begins anew. */
static int clear_trie(int fd, uint32_t slot)
{
	struct slot_key keys[2] = {0};
	int r = bpf_map_get_next_key(fd, NULL, &keys[0]);

	for (int i = 0; !r; i = !i) {
		int gone = 0;

		r = bpf_map_get_next_key(fd, &keys[i], &keys[!i]) ? -errno : 0;
		if (keys[i].slot == slot)
			gone = removed(bpf_map_delete_elem(fd, &keys[i]));
		if (gone)
			return gone;
		if (r)
			return r == -ENOENT ? 0 : r;
	}
	return errno == ENOENT ? 0 : -errno;
}

static bool is_empty(int fd)
{
	struct slot_key key;

	return bpf_map_get_next_key(fd, NULL, &key) && errno == ENOENT;
}

bool pst_loader_is_empty(struct pst_loader *l)
{
	return is_empty(bpf_map__fd(l->skel->maps.pst_addrs)) &&
	       is_empty(bpf_map__fd(l->skel->maps.pst_policies));
}

int pst_loader_clear_slot(struct pst_loader *l, uint32_t slot)
{
	int r = clear_trie(bpf_map__fd(l->skel->maps.pst_addrs), slot);

	return r ? r : clear_trie(bpf_map__fd(l->skel->maps.pst_policies), slot);
}

/* Whoever is denied faster than it is told must not keep the daemon here. */
static int on_ring(void *ctx, void *data, size_t size)
{
	struct pst_loader *l = ctx;

	if (size >= sizeof(struct pst_event))
		l->event_fn(data, l->event_arg);
	return ++l->n_events < RING_EVENTS ? 0 : -EAGAIN;
}

int pst_loader_events(struct pst_loader *l, pst_loader_event_fn fn, void *arg)
{
	l->event_fn = fn;
	l->event_arg = arg;
	l->ring = ring_buffer__new(bpf_map__fd(l->skel->maps.pst_events), on_ring, l, NULL);
	return l->ring ? 0 : pst_log_err(-errno, "cannot read the event ring");
}

int pst_loader_events_fd(const struct pst_loader *l)
{
	return ring_buffer__epoll_fd(l->ring);
}

void pst_loader_events_dispatch(struct pst_loader *l)
{
	l->n_events = 0;
	ring_buffer__consume(l->ring);
}

int pst_loader_counters(struct pst_loader *l, struct pst_loader_counter ret[PST_REASON_MAX + 1])
{
	int fd = bpf_map__fd(l->skel->maps.pst_counters), cpus = libbpf_num_possible_cpus();
	pst_auto_free struct pst_loader_counter *values = NULL;

	if (cpus < 0)
		return cpus;
	values = pst_mem_calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	memset(ret, 0, (PST_REASON_MAX + 1) * sizeof(*ret));
	for (uint32_t reason = 0; reason <= PST_REASON_MAX; reason++) {
		if (bpf_map_lookup_elem(fd, &reason, values))
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++) {
			for (int d = 0; d < 2; d++) {
				ret[reason].n[d] += values[cpu].n[d];
				ret[reason].audited[d] += values[cpu].audited[d];
			}
		}
	}
	return 0;
}
