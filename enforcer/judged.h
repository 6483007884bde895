/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hears from the userspace proxy what it has judged (enforcer/verdict.h), and makes events of it,
 * as the kernel reports them. The proxy may have been taken over: it can say what it likes about
 * connections of the workloads that it speaks for, and of nothing else.
 *
 * So who the ends are is looked up here; a rule must be one of the policy that it names, and for an
 * HTTP rule, of the set that it names; the time is between the proxy's start and now. A proxy that
 * says anything else, or what is no record at all, is to be ended: the caller does that. Where the
 * workload of a connection that it has refused is not known, its client is left out, unless the
 * proxy speaks for that.
 *
 * Nothing is waited for. In one turn no more than PST_JUDGED_TURN bytes are taken.
 */

#include "base/vec.h"
#include "bpf/abi.h"
#include "enforcer/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_bundle;

enum { PST_JUDGED_TURN = 1 << 16, PST_JUDGED_POLICIES = 8, PST_JUDGED_WHY = 128 };

struct pst_judged_opts {
	/* Of a generation; NULL and false when it is gone. */
	const struct pst_bundle *(*bundle)(const void *arg, uint32_t generation);
	bool (*find)(const void *arg, uint32_t generation, const uint8_t addr[16],
		     struct pst_addr_value *ret_value);
	const void *arg;
	/* E is what was said of it; V is where it comes from, with what an event has no place for.
	 */
	void (*tell)(void *arg, const struct pst_event *e, const struct pst_verdict_record *v);
	void *tell_arg;
};

/* A workload that the proxy speaks for, or did: its address, and the last policy that knows it. */
struct pst_judged_workload {
	uint8_t addr[16];
	uint32_t policy;
};

struct pst_judged {
	struct pst_judged_opts opts;
	int fd; /* the pipe; -1: none */
	uint64_t since_ns;
	uint32_t policy; /* the last that the proxy was given */
	bool is_next;	 /* and what is published next is that */
	struct {
		uint32_t policy, generation;
	} known[PST_JUDGED_POLICIES];
	struct PST_VEC(struct pst_judged_workload) served; /* ascending by address */
	char why[PST_JUDGED_WHY];
	size_t n;
	uint8_t bytes[PST_JUDGED_TURN];
};

void pst_judged_init(struct pst_judged *j, const struct pst_judged_opts *opts);
void pst_judged_fini(struct pst_judged *j);

/* A proxy begins: FD, the reading end of its pipe, which does not wait, is taken over. */
void pst_judged_begin(struct pst_judged *j, int fd);
void pst_judged_end(struct pst_judged *j);

/* From the next policy on the proxy speaks for ADDR. 0 or -ENOMEM. */
int pst_judged_serve(struct pst_judged *j, const uint8_t addr[16]);

/*
 * The proxy is given policy ID, which is B; and what it was given last is now in force as
 * GENERATION, unless another one was to be given, and could not be (skip). IDs ascend by one.
 * Workloads are forgotten when none of the last policies knows them; connections of one that
 * is only not the proxy's any more may go on.
 */
void pst_judged_policy(struct pst_judged *j, uint32_t id, const struct pst_bundle *b);
void pst_judged_skip(struct pst_judged *j);
void pst_judged_published(struct pst_judged *j, uint32_t generation);

/* Takes one turn. NULL, or why the proxy is to be ended, good until the next call. *RET_MORE, which
 * may be NULL: there may be more at once. */
const char *pst_judged_read(struct pst_judged *j, bool *ret_more);

/* Turns, until there is no more now, or as much as the pipe can hold was taken. As above. */
const char *pst_judged_drain(struct pst_judged *j);
