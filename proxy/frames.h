/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The second opinion: llhttp reads the same bytes as the core and must see the same messages.
 *
 * The core goes first and says where its parts end: the head, each chunk's size line, the data, the
 * end of the message. llhttp is fed one such part at a time, and must then stand exactly there.
 *
 * llhttp knows a list of methods, the core any token. A method that has no meaning for framing is
 * shown to llhttp as POST; all other bytes are the message's own.
 */

#include "bpf/http_data.h"

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_frames {
	llhttp_t parser;
	uint64_t body;	   /* bytes of data seen since the last part */
	uint64_t expected; /* size of the chunk that was announced last */
	uint64_t url_len;
	bool head, ended; /* the head, the message is complete */
	bool no_body;	  /* a response to HEAD */
};

/*
 * The whole head BYTES, read by the core into H. False: they do not agree. IS_HEAD: a response that
 * answers HEAD.
 */
bool pst_frames_request(struct pst_frames *f, const struct pst_http *h, const char *bytes,
			size_t len);
bool pst_frames_response(struct pst_frames *f, const struct pst_http *h, const char *bytes,
			 size_t len, bool is_head);

/* LEN bytes of data; LAST: the message ends with them. */
bool pst_frames_data(struct pst_frames *f, const char *bytes, size_t len, bool last);

/* N bytes of data that nobody has seen; more follow. */
bool pst_frames_skip(struct pst_frames *f, uint64_t n);

/* A size line, with what ends the chunk before it; or the last one with the trailers. */
bool pst_frames_chunk(struct pst_frames *f, const struct pst_http *h, const char *bytes,
		      size_t len);
