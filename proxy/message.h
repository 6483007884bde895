/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One direction of a connection: messages behind each other, each framed by the core and by
 * llhttp. Bytes of the buffer become passable as soon as both know what they are: a head or a size
 * line when it is complete, data at once.
 */

#include "proxy/buffer.h"
#include "proxy/frames.h"
#include "proxy/ruler.h"

#include <stdbool.h>
#include <stdint.h>

enum pst_message_state {
	PST_MESSAGE_NONE, /* between messages: none may begin */
	PST_MESSAGE_LINE, /* a request line whose path is to be brought into normal form */
	PST_MESSAGE_HEAD,
	PST_MESSAGE_DATA,   /* `left` bytes of a body or a chunk */
	PST_MESSAGE_CHUNK,  /* a size line, the last one with the trailers */
	PST_MESSAGE_TO_END, /* everything until the connection ends */
};

static inline bool pst_message_is_in_head(enum pst_message_state state)
{
	return state == PST_MESSAGE_LINE || state == PST_MESSAGE_HEAD;
}

struct pst_message {
	struct pst_http http;
	struct pst_frames frames;
	enum pst_message_state state;
	uint64_t left;
	enum pst_normal normal; /* of request lines */
	bool redirect;		/* the path had escaped slashes: the client is sent elsewhere */
};

enum pst_message_event {
	PST_MESSAGE_MORE,     /* nothing further without more bytes */
	PST_MESSAGE_BEGUN,    /* the head is complete, and not passable yet */
	PST_MESSAGE_TRAILERS, /* the last chunk and the trailers are complete, and not passable yet
			       */
	PST_MESSAGE_ENDED,
	PST_MESSAGE_BAD, /* http.reason says why; PST_REASON_PARSERS: they do not agree */
};

/* Begins a request that is read with the table of RULESET, its path as RULER says. */
void pst_message_request(struct pst_message *m, const struct pst_ruler *ruler, uint32_t ruleset);
void pst_message_response(struct pst_message *m);

/*
 * Reads on in the bytes of B that nobody knows yet. T is that of the beginning. A request line may
 * become shorter, and so may a head that offers HTTP/2 (compiler/offer.h): what is judged and sent
 * is what lies in B then.
 */
enum pst_message_event pst_message_read(struct pst_message *m, const struct pst_table *t,
					struct pst_buffer *b);

/*
 * Behind BEGUN, when the owner has looked at the head and made it passable, or taken it away: what
 * comes next. The same behind TRAILERS.
 */
enum pst_message_event pst_message_go_on(struct pst_message *m);

/*
 * How many of the next bytes are data, whatever they are, and not the last ones.
 * PST_MESSAGE_ENDLESS: all that come. Then pst_message_moved() with as many as went past: false,
 * they do not agree.
 */
#define PST_MESSAGE_ENDLESS UINT64_MAX
uint64_t pst_message_movable(const struct pst_message *m);
bool pst_message_moved(struct pst_message *m, uint64_t n);

/* The bytes of a head as they would be read anew: 0 when both parsers agree on them, or a reason.
 */
enum pst_reason pst_message_read_again(struct pst_message *m, const struct pst_table *t,
				       uint32_t index, const char *bytes, size_t len);
