/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The offer of HTTP/2 that a request of HTTP/1.1 may make (`Upgrade: h2c`, RFC 7540 section 3.2).
 * Who need not take an offer may ignore it (RFC 9110 section 7.8), and what a client says of its
 * own connection is not for the next one (section 7.6.1): a well-formed offer is taken away, and
 * the request goes on as any. Well-formed is, on HTTP/1.1,
 *
 *	Upgrade		once, and exactly h2c
 *	HTTP2-Settings	once, base64url without padding
 *	Connection	once, both of them named, and keep-alive and close at most, each once
 *
 * Nothing here decides about the request: both parsers read what is left from its first byte on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_offer_end {
	PST_OFFER_MORE, /* the head goes on */
	PST_OFFER_HEAD, /* it ends within the bytes */
	PST_OFFER_BAD,	/* a line of it ends without CR */
};

/*
 * Looks for the end of the head that BYTES begin with. *SEEN (0 at first) remembers how many were
 * looked through; of HEAD it is the length.
 */
enum pst_offer_end pst_offer_find(const char *bytes, size_t len, uint64_t *seen);

/*
 * Takes the offer out of the whole head BYTES; what is before it moves along, so that the head
 * begins at BYTES + cut. Returns cut; 0: it is not well-formed, and nothing has changed.
 */
size_t pst_offer_take(char *bytes, size_t len);
