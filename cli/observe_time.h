/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Times of postern observe: how they are given, and how they are shown. */

#include <stddef.h>
#include <stdint.h>

enum pst_observe_time {
	PST_OBSERVE_STAMP, /* Nov 27 04:10:26.055 */
	PST_OBSERVE_RFC3339,
	PST_OBSERVE_RFC3339_MILLI,
	PST_OBSERVE_RFC3339_MICRO,
	PST_OBSERVE_RFC3339_NANO,
};

/* "StampMilli", "RFC3339", "RFC3339Milli", ...: 0 or -EINVAL. */
int pst_observe_time_form(const char *text, enum pst_observe_time *ret_form);

/* "90s", "1h30m" before NOW, or RFC 3339: 0 or -EINVAL. */
int pst_observe_time_parse(const char *text, int64_t now, int64_t *ret_ns);

/* Writes it, in UTC; returns BUF, of at least 40 bytes. */
const char *pst_observe_time_text(int64_t ns, enum pst_observe_time form, char *buf, size_t size);
