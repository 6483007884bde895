// SPDX-License-Identifier: Apache-2.0
/* postern-proxy: judges the requests to one server in user space. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/version.h"
#include "proxy/loop.h"
#include "proxy/options.h"

/* As of posternd: 1 mistakes in the input, 2 usage, 3 could not run. */
enum { EXIT_OK = 0, EXIT_INVALID = 1, EXIT_USAGE = 2, EXIT_FAILED = 3 };

/* Of the nobody of Debian. */
enum { NOBODY = 65534, DESCRIPTORS_ELSE = 1024 };

/* Two for each connection. Without the right to have so many there are fewer connections. */
static void take_descriptors(const struct pst_proxy_options *o)
{
	const size_t need = 2 * (size_t)o->max_connections + DESCRIPTORS_ELSE;
	const struct rlimit limit = {.rlim_cur = need, .rlim_max = need};
	size_t has;

	if (o->managed && !setrlimit(RLIMIT_NOFILE, &limit))
		return;
	has = pst_descriptors_raise(need);
	if (has < need - DESCRIPTORS_ELSE)
		pst_log(PST_LOG_WARNING, "%zu descriptors: enough for %zu of %u connections", has,
			has / 2, (unsigned int)o->max_connections);
}

/*
 * What it needs is given to it as descriptors. From here on it is nobody. Most system calls are
 * given up when all threads are there (proxy/loop.c).
 */
static int drop_rights(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return pst_log_err(-errno, "cannot renounce new rights");
	if (!geteuid() && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			   setresuid(NOBODY, NOBODY, NOBODY)))
		return pst_log_err(-errno, "cannot give up root's rights");
	return 0;
}

static int run(const struct pst_proxy_options *o)
{
	int r;

	if (o->help) {
		pst_proxy_options_help(stdout);
		return EXIT_OK;
	}
	if (o->version) {
		puts("postern-proxy " PST_VERSION);
		return EXIT_OK;
	}
	take_descriptors(o);
	r = o->managed ? drop_rights() : 0;
	if (!r)
		r = pst_loop_run(o);
	if (!r)
		return EXIT_OK;
	return r == -EINVAL ? EXIT_INVALID : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct pst_proxy_options o;
	int r;

	pst_log_init("postern-proxy", PST_LOG_INFO);
	if (pst_proxy_options_parse(argc, argv, &o))
		return EXIT_USAGE;
	r = run(&o);
	pst_proxy_options_fini(&o);
	return r;
}
