/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The offer of HTTP/2 that a request of HTTP/1.1 may make (`Upgrade: h2c`, RFC 7540 section 3.2).
 * Who need not take an offer may ignore it (RFC 9110 section 7.8), and what a client says of its
 * own connection is not for the next one (section 7.6.1): the offer is taken away, and the request
 * goes on as any. What an offer is, and in which form it may be made, the core decides
 * (PST_HTTP_H2C); nothing here decides about the request: both parsers read what is left from its
 * first byte on. The proxy does so; the offline judge says what that comes to.
 */

#include "bpf/http_data.h"
#include "bpf/reason.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether the head that H has read holds an offer. Without it a body is no matter. */
static inline bool pst_offer_is_held(const struct pst_http *h)
{
	return h->flags & PST_HTTP_H2C &&
	       (h->state == PST_HTTP_DONE || h->reason == PST_REASON_H2C);
}

/*
 * Takes out of the whole head BYTES, in which there is an offer: the Upgrade, each
 * HTTP2-Settings, and of Connection the options of these names. What is before them moves along, so
 * that the head begins at BYTES + cut. Returns cut.
 */
size_t pst_offer_take(char *bytes, size_t len);
