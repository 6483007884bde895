// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_lost.h"

#include <inttypes.h>

#include "base/json.h"
#include "enforcer/flow_time.h"

/* A 64-bit number is a string in the JSON form of protocol buffers. */
void pst_flow_lost_write(FILE *out, const char *source, uint64_t n, const char *node_name)
{
	char number[24], time[PST_FLOW_TIME_TEXT];
	struct pst_json j;

	snprintf(number, sizeof(number), "%" PRIu64, n);
	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	pst_json_object(&j, "lost_events");
	pst_json_str(&j, "source", source);
	pst_json_str(&j, "num_events_lost", number);
	pst_json_end(&j);
	pst_json_str(&j, "node_name", node_name);
	pst_json_str(&j, "time", pst_flow_time_text(pst_flow_time_now(), time));
	pst_json_end(&j);
	pst_json_finish(&j);
}
