// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "compiler/bundle.h"
#include "compiler/compile.h"
#include "compiler/judge.h"
#include "policy/inventory.h"
#include "policy/policy.h"

__u32 t_core_clock;

static struct {
	const struct pst_table *table;
	const struct pst_bundle *bundle;
	__u32 ruleset;
	const struct pst_table *other;
	const struct pst_bundle *volatile other_bundle; /* what other is made of */
} core;

static const struct pst_table *build(const char *policy, __u32 *ret_ruleset,
				     const struct pst_bundle **ret_bundle)
{
	const char *pods = "testdata/inventory/demo.yaml";
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *inventory = NULL;
	struct pst_bundle *bundle = NULL;
	struct pst_table *table = calloc(1, sizeof(*table));
	struct pst_addr backend, frontend;
	struct pst_l4_query q = {.direction = PST_DIR_INGRESS, .protocol = 6, .port = 8080};
	struct pst_l4_result r;

	cr_assert(diags && table);
	cr_assert_eq(pst_policy_load(&policy, 1, diags, &set), 0);
	cr_assert_eq(pst_inventory_load(&pods, 1, diags, &inventory), 0);
	cr_assert_eq(pst_compile(set, inventory, NULL, diags, &bundle), 0);
	cr_assert_eq(pst_diags_errors(diags), 0);
	pst_bundle_fill_table(bundle, table);
	cr_assert_eq(pst_addr_from_str("10.77.0.4", &backend), 0);
	cr_assert_eq(pst_addr_from_str("10.77.0.2", &frontend), 0);
	q.subject = pst_judge_addr(bundle, backend.b);
	q.peer = pst_judge_addr(bundle, frontend.b).identity;
	r = pst_judge_l4(bundle, &q);
	cr_assert_eq(r.verdict, PST_VERDICT_JUDGE);
	*ret_ruleset = r.ruleset;
	*ret_bundle = bundle;
	pst_inventory_free(&inventory);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return table;
}

const struct pst_bundle *t_core_bundle(void)
{
	__u32 unused;

	t_core_table(&unused);
	return core.bundle;
}

const struct pst_table *t_core_table(__u32 *ret_ruleset)
{
	if (!core.table)
		core.table = build("testdata/http/policy.yaml", &core.ruleset, &core.bundle);
	*ret_ruleset = core.ruleset;
	return core.table;
}

const struct pst_table *t_core_table_of(const char *policy, __u32 *ret_ruleset)
{
	const struct pst_bundle *bundle;

	cr_assert_null(core.other, "one other policy in a test");
	core.other = build(policy, ret_ruleset, &bundle);
	core.other_bundle = bundle;
	return core.other;
}

static size_t mapped(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page + page;
}

unsigned char *t_core_guarded(const void *bytes, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = mapped(n);
	unsigned char *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	cr_assert_eq(mprotect(p + size - page, page, PROT_NONE), 0);
	p += size - page - n;
	memcpy(p, bytes, n);
	return p;
}

void t_core_unguard(unsigned char *copy, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = mapped(n);

	munmap(copy + n + page - size, size);
}
