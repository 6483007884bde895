// SPDX-License-Identifier: Apache-2.0
/* posternd: the daemon. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/version.h"
#include "enforcer/completion.h"
#include "enforcer/options.h"
#include "enforcer/reader_run.h"
#include "enforcer/service.h"

/* As in its unit: maps, and some for each namespace and control group. */
enum { DESCRIPTORS = 65536 };

static int run(const struct pst_options *opts)
{
	switch (opts->action) {
	case PST_SHOW_HELP:
		pst_options_help(stdout);
		return PST_EXIT_OK;
	case PST_SHOW_VERSION:
		puts("posternd " PST_VERSION);
		return PST_EXIT_OK;
	case PST_SHOW_COMPLETION:
		return pst_completion_write(opts->shell, stdout) ? PST_EXIT_FAILED : PST_EXIT_OK;
	case PST_RUN_PROBE:
		return pst_service_probe(opts);
	case PST_RUN_DETACH:
		return pst_service_detach(opts);
	case PST_RUN:
		if (pst_options_check_run(opts))
			return PST_EXIT_USAGE;
		break;
	}
	return pst_service_run(opts);
}

int main(int argc, char **argv)
{
	const bool is_reader = argc > 1 && !strcmp(argv[1], PST_READER_WORD);
	const char *name = is_reader ? "" : "posternd"; /* the daemon says who it is */
	struct pst_options opts;
	int r;

	pst_log_init(name, PST_LOG_INFO);
	r = pst_options_parse(argc - is_reader, argv + is_reader, &opts);
	if (r)
		return PST_EXIT_USAGE;
	if (opts.debug)
		pst_log_init(name, PST_LOG_DEBUG);
	pst_descriptors_raise(DESCRIPTORS);
	if (is_reader)
		_exit(pst_reader_run(&opts)); /* a sanitizer's last look needs more than it may */
	r = run(&opts);
	pst_options_fini(&opts);
	return r;
}
