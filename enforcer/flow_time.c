// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_time.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NS = 1000000000 };

static int64_t read_clock(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t pst_flow_time_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t pst_flow_time_of(uint64_t monotonic_ns)
{
	return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC) + (int64_t)monotonic_ns;
}

const char *pst_flow_time_text(int64_t ns, char *buf)
{
	time_t sec = (time_t)(ns / NS);
	char date[24];
	struct tm tm;

	gmtime_r(&sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, PST_FLOW_TIME_TEXT, "%s.%09" PRId64 "Z", date, ns % NS);
	return buf;
}

/* ".5" is 500000000. Returns what stands behind. */
static const char *parse_fraction(const char *s, int64_t *ret_ns)
{
	int64_t unit = NS / 10;

	*ret_ns = 0;
	if (*s != '.')
		return s;
	for (s++; isdigit((unsigned char)*s); s++, unit /= 10)
		*ret_ns += (*s - '0') * unit;
	return s;
}

/* "Z", "+02:00": seconds east. */
static int parse_zone(const char *s, int64_t *ret_seconds)
{
	struct tm east = {0};
	const char *rest;

	*ret_seconds = 0;
	if (!strcmp(s, "Z") || !strcmp(s, "z"))
		return 0;
	if ((*s != '+' && *s != '-') || !isdigit((unsigned char)s[1]))
		return -EINVAL;
	rest = strptime(s + 1, "%H:%M", &east);
	if (!rest || *rest)
		return -EINVAL;
	*ret_seconds = (*s == '-' ? -1 : 1) * (int64_t)(east.tm_hour * 3600 + east.tm_min * 60);
	return 0;
}

int pst_flow_time_parse(const char *text, int64_t *ret_ns)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t fraction, east;

	if (!rest)
		return -EINVAL;
	rest = parse_fraction(rest, &fraction);
	if (parse_zone(rest, &east))
		return -EINVAL;
	*ret_ns = ((int64_t)timegm(&tm) - east) * NS + fraction;
	return 0;
}
