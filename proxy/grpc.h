/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What gRPC makes of HTTP/2: how its calls are known, and what they want to hear. */

#include "base/vec.h"
#include "proxy/rewrite.h"

#include <stdbool.h>
#include <stddef.h>

/* Status codes of gRPC. */
enum pst_grpc_status {
	PST_GRPC_PERMISSION_DENIED = 7,
	PST_GRPC_INTERNAL = 13,
	PST_GRPC_UNAVAILABLE = 14,
};

/* Is the request whose HEAD this is (proxy/h2_head.h) a call? Its content type says so. */
bool pst_grpc_is_call(const struct pst_text_vec *head);

/* TEXT as the value of grpc-message, without the line's end at its end. 0 or -ENOMEM. */
int pst_grpc_message(const char *text, size_t len, struct pst_text_vec *out);
