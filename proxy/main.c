// SPDX-License-Identifier: Apache-2.0
/* postern-proxy: judges the requests to one server in user space. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "proxy/loop.h"
#include "proxy/options.h"

/* As of posternd: 1 mistakes in the input, 2 usage, 3 could not run. */
enum { EXIT_OK = 0, EXIT_INVALID = 1, EXIT_USAGE = 2, EXIT_FAILED = 3 };

static int run(const struct pst_proxy_options *o)
{
	int r;

	if (o->help) {
		pst_proxy_options_help(stdout);
		return EXIT_OK;
	}
	if (o->version) {
		puts("postern-proxy 0.1");
		return EXIT_OK;
	}
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
