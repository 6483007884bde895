/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The offer of HTTP/2 that a request of HTTP/1.1 may make (`Upgrade: h2c`, RFC 7540 section 3.2).
 * Who need not take an offer may ignore it (RFC 9110 section 7.8), and what a client says of its
 * own connection is not for the next one (section 7.6.1): the offer is taken away, and the request
 * goes on as any. What an offer is, and in which form it may be made, the core decides
 * (PST_HTTP_H2C); nothing here decides about the request: both parsers read what is left from its
 * first byte on.
 */

#include <stddef.h>

/*
 * Takes out of the whole head BYTES, in which the core has found an offer: the Upgrade, each
 * HTTP2-Settings, and of Connection the options of these names. What is before them moves along, so
 * that the head begins at BYTES + cut. Returns cut.
 */
size_t pst_offer_take(char *bytes, size_t len);
