// SPDX-License-Identifier: Apache-2.0
/*
 * What posternd does at once, in the place of enforcing.
 */
#include "enforcer/service.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "enforcer/pins.h"
#include "enforcer/probe.h"
#include "enforcer/tc.h"

int pst_service_probe(const struct pst_options *opts)
{
	struct pst_probe_report report;
	bool ok;
	int r = pst_probe_run(&report);

	if (r)
		return PST_EXIT_FAILED;
	ok = pst_probe_has(&report, PST_PROBE_ESSENTIAL);
	if (opts->json)
		r = pst_probe_print_json(&report, stdout);
	else
		pst_probe_print(&report, stdout);
	pst_probe_report_fini(&report);
	if (r)
		return PST_EXIT_FAILED;
	return ok ? PST_EXIT_OK : PST_EXIT_INVALID;
}

int pst_service_detach(const struct pst_options *opts)
{
	struct pst_pins *pins = NULL;
	unsigned int left = 0;
	int r = pst_pins_open(opts->pin_dir, false, &pins);

	if (r == -ENOENT) {
		pst_log(PST_LOG_INFO, "nothing is pinned in %s", opts->pin_dir);
		return PST_EXIT_OK;
	}
	if (!r)
		r = pst_pins_remove(pins, &left);
	pst_pins_close(&pins);
	if (r)
		return PST_EXIT_FAILED;
	if (pst_tc_remove())
		return PST_EXIT_FAILED;
	pst_log(PST_LOG_INFO, "nothing is enforced any more by what was pinned in %s",
		opts->pin_dir);
	if (left)
		pst_log(PST_LOG_INFO,
			"%u open connections may still have to read a 403: their map stays pinned until they are closed and posternd --detach or a new daemon removes it",
			left);
	return PST_EXIT_OK;
}
