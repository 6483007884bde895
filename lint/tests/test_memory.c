// SPDX-License-Identifier: Apache-2.0
/* A linter without memory must not look content. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "lint/lint.h"

/* Patterns that need automata, rules that need to be compared. */
static const char text[] =
	"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
	"spec: {endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}],\n"
	"rules: {http: [\n"
	"{method: GET, path: '/a.*'}, {method: 'GET|HEAD', path: '/a/[0-9]+'},\n"
	"{method: GET, path: '/b$c'}, {method: POST, path: '/[^#]*', host: 'x@y'},\n"
	"{method: PUT, path: '/.*a[a-z]{20}'}, {method: PUT, path: '/q', headers: ['X: 1']},\n"
	"{method: PUT, path: '/(q)'}, {method: '[ ]', path: '[a-z]/'}]}}]}]}\n";

static const char *write_policy(char *name)
{
	int fd = mkstemps(name, 5);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	return name;
}

/* Lints with allocation number N failing (-1: none): all findings, or none of them. True when there
 * was one that failed. */
static bool try_once(const char *path, long n, size_t *ret_found)
{
	const struct pst_lint_options options = {.paths = &path, .n_paths = 1, .no_config = true};
	struct pst_lint_result *result = NULL;
	bool failed;
	int r;

	pst_mem_fail_after(n);
	r = pst_lint_run(&options, &result);
	failed = pst_mem_failed();
	pst_mem_fail_after(-1);
	cr_assert(r == 0 || r == -ENOMEM, "allocation %ld: %d", n, r);
	cr_assert_eq(r == 0, result != NULL);
	if (n < 0)
		*ret_found = result->n;
	else if (!r)
		cr_expect_eq(result->n, *ret_found, "allocation %ld: %zu findings", n, result->n);
	pst_lint_result_free(&result);
	return failed;
}

Test(memory, no_failing_allocation_loses_a_finding_without_a_word, .timeout = 300)
{
	char name[] = "/tmp/postern-memory-XXXXXX.yaml";
	const char *path = write_policy(name);
	size_t found = 0;
	long n = 0;

	cr_expect(!try_once(path, -1, &found));
	cr_expect_geq(found, 4);
	while (try_once(path, n, &found))
		n++;
	cr_expect_gt(n, 100, "only %ld allocations", n);
	unlink(path);
}
