// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation fails in turn. Whatever fails, the result is -ENOMEM or a set with an error
 * beside it: never a set that is smaller and looks clean.
 */
#include "base/mem.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "policy/inventory.h"
#include "policy/policy.h"
#include "policy/tests/helper.h"

/* Loads once; true when an allocation has failed. */
typedef bool (*t_try)(const char *path, long fail_after);

static bool t_try_policy(const char *path, long fail_after)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	bool failed;
	int r;

	pst_mem_fail_after(fail_after);
	r = pst_policy_load(&path, 1, diags, &set);
	failed = pst_mem_failed();
	pst_mem_fail_after(-1);
	cr_assert(!failed || r == -ENOMEM || pst_diags_errors(diags) > 0, "%s: allocation %ld",
		  path, fail_after);
	cr_assert_eq(r == 0, set != NULL);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return failed;
}

static bool t_try_inventory(const char *path, long fail_after)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_inventory *inv = NULL;
	bool failed;
	int r;

	pst_mem_fail_after(fail_after);
	r = pst_inventory_load(&path, 1, diags, &inv);
	failed = pst_mem_failed();
	pst_mem_fail_after(-1);
	cr_assert(!failed || r == -ENOMEM || pst_diags_errors(diags) > 0, "%s: allocation %ld",
		  path, fail_after);
	cr_assert_eq(r == 0, inv != NULL);
	pst_inventory_free(&inv);
	pst_diags_free(&diags);
	return failed;
}

/* Of the allocations, the first, the one STEP behind it, and so on. */
static void t_exhaust_by(long step, const char *dir, const char *file, t_try try_once)
{
	const char *found = t_find(dir);
	char path[512];
	long n = 0;

	cr_assert_not_null(found);
	snprintf(path, sizeof(path), "%s/%s", found, file);
	while (try_once(path, n))
		n += step;
	cr_assert_gt(n, 5, "only %ld allocations", n);
}

static void t_exhaust(const char *dir, const char *file, t_try try_once)
{
	t_exhaust_by(1, dir, file, try_once);
}

Test(memory, no_failing_allocation_makes_a_smaller_policy_set_look_clean)
{
	const char *dir = "testdata/policies/good";
	DIR *files = opendir(t_find(dir));
	size_t n = 0;

	cr_assert_not_null(files);
	for (struct dirent *e; (e = readdir(files));) {
		if (e->d_name[0] == '.')
			continue;
		t_exhaust(dir, e->d_name, t_try_policy);
		n++;
	}
	closedir(files);
	cr_assert_gt(n, 20);
}

/* The square of all that the files need is minutes: what is left out is the files' own, as above.
 */
Test(memory, no_failing_allocation_between_files_makes_a_smaller_policy_set_look_clean)
{
	t_exhaust_by(17, "testdata/policies", "good", t_try_policy);
}

Test(memory, no_failing_allocation_hides_a_mistake)
{
	t_exhaust("testdata/policies/bad", "unsupported.yaml", t_try_policy);
	t_exhaust("testdata/policies/bad", "selectors.yaml", t_try_policy);
	t_exhaust("testdata/policies/bad", "deny-section.yaml", t_try_policy);
}

Test(memory, no_failing_allocation_makes_a_smaller_inventory_look_clean)
{
	t_exhaust("testdata/inventory", "kubectl.yaml", t_try_inventory);
	t_exhaust("testdata/inventory/bad", "duplicate-address.yaml", t_try_inventory);
}
