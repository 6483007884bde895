/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A client that says what no library would: frames made by hand, and what comes back. */

#include "proxy/tests/h2_peer.h"

enum { T_RAW_FRAMES = 8192, T_RAW_BYTES = 1 << 20 };

/* Of the frames that came. */
struct t_raw_frame {
	uint8_t type, flags;
	int32_t id;
	uint32_t code; /* of RST_STREAM, GOAWAY */
	int status;    /* of HEADERS */
};

struct t_raw {
	struct t_h2 *t;
	nghttp2_hd_inflater *inflater;
	char *bytes; /* not read yet */
	size_t n_bytes;
	struct t_raw_frame frames[T_RAW_FRAMES];
	size_t n;
};

/* Begins with the preface and empty settings. */
struct t_raw *t_raw_new(struct t_world *w);
void t_raw_free(struct t_raw *r);

/* Sends bytes as they are. False: the connection took not all of them. */
bool t_raw_send(struct t_raw *r, const void *bytes, size_t len);

struct t_raw_hd {
	uint8_t type, flags;
	int32_t id;
};

bool t_raw_frame(struct t_raw *r, struct t_raw_hd hd, const void *payload, size_t len);

/*
 * HEADERS with the fields of TEXT ("name: value\n" each), as literals. In TEXT "\\r", "\\n" and
 * "\\0" are the bytes.
 */
bool t_raw_headers(struct t_raw *r, int32_t id, uint8_t flags, const char *text);

/* The last frame of TYPE for stream ID, or NULL. */
const struct t_raw_frame *t_raw_find(const struct t_raw *r, uint8_t type, int32_t id);

/* Has the connection ended with GOAWAY CODE? */
bool t_raw_is_over(const struct t_raw *r, uint32_t code);
