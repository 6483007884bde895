// SPDX-License-Identifier: Apache-2.0
#include "cli/observe_time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enforcer/flow_time.h"

static const struct {
	const char *name;
	int digits; /* of the fraction */
} forms[] = {
	[PST_OBSERVE_STAMP] = {"StampMilli", 3},
	[PST_OBSERVE_RFC3339] = {"RFC3339", 0},
	[PST_OBSERVE_RFC3339_MILLI] = {"RFC3339Milli", 3},
	[PST_OBSERVE_RFC3339_MICRO] = {"RFC3339Micro", 6},
	[PST_OBSERVE_RFC3339_NANO] = {"RFC3339Nano", 9},
};

int pst_observe_time_form(const char *text, enum pst_observe_time *ret_form)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (!strcasecmp(text, forms[i].name)) {
			*ret_form = (enum pst_observe_time)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* "1h30m": the sum of its parts, at most a year. */
static int parse_duration(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {{"ms", INT64_C(1000000)},
		     {"s", INT64_C(1000000000)},
		     {"m", INT64_C(60000000000)},
		     {"h", INT64_C(3600000000000)}};
	const int64_t most = INT64_C(366) * 24 * units[3].ns;
	int64_t sum = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t digits = strspn(text, "0123456789"), len, i;
		const char *unit = text + digits;

		if (!digits || digits > 9)
			return -EINVAL;
		len = strspn(unit, "msh");
		for (i = 0; i < 4; i++)
			if (strlen(units[i].unit) == len && !strncmp(unit, units[i].unit, len))
				break;
		if (i == 4)
			return -EINVAL;
		if (strtol(text, NULL, 10) > (most - sum) / units[i].ns)
			return -EINVAL;
		sum += strtol(text, NULL, 10) * units[i].ns;
		text = unit + len;
	}
	*ret_ns = sum;
	return 0;
}

int pst_observe_time_parse(const char *text, int64_t now, int64_t *ret_ns)
{
	int64_t ago;

	if (parse_duration(text, &ago))
		return pst_flow_time_parse(text, ret_ns);
	*ret_ns = now - ago;
	return 0;
}

const char *pst_observe_time_text(int64_t ns, enum pst_observe_time form, char *buf, size_t size)
{
	const bool is_stamp = form == PST_OBSERVE_STAMP;
	const int digits = forms[form].digits;
	time_t sec = (time_t)(ns / 1000000000);
	char date[24], fraction[12];
	struct tm tm;

	gmtime_r(&sec, &tm);
	strftime(date, sizeof(date), is_stamp ? "%b %e %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(fraction, sizeof(fraction), "%09" PRId64, ns % 1000000000);
	snprintf(buf, size, "%s%s%.*s%s", date, digits ? "." : "", digits, fraction,
		 is_stamp ? "" : "Z");
	return buf;
}
