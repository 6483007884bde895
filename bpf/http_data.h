/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The state of the HTTP/1.x recogniser (bpf/http.h), and what its parts share. Plain data without
 * pointers: it lives in socket storage and goes on with the next packet.
 */

#include "bpf/abi.h"
#include "bpf/compat.h"
#include "bpf/dfa.h"
#include "bpf/http_states.h"
#include "bpf/reason.h"

enum pst_http_flag {
	PST_HTTP_RESPONSE = 1 << 0,
	PST_HTTP_HAS_HOST = 1 << 1,
	PST_HTTP_HAS_LENGTH = 1 << 2,
	PST_HTTP_VERSION_10 = 1 << 3,
	PST_HTTP_CHUNKED = 1 << 4,
	PST_HTTP_TRAILER = 1 << 5, /* behind the last chunk: DONE is the end of the message */
	/* Of a request: a WebSocket handshake, or an offer of HTTP/2. What the client sends next
	 * waits for the answer. */
	PST_HTTP_UPGRADE = 1 << 6,
	/* The message is the connection's last one: close, or HTTP/1.0. Known when DONE. */
	PST_HTTP_LAST = 1 << 7,
	PST_HTTP_CLOSE = 1 << 8, /* options of Connection */
	PST_HTTP_KEEP_ALIVE = 1 << 9,
	PST_HTTP_OPTION_UPGRADE = 1 << 10,
	PST_HTTP_EXPECT = 1 << 11,
	PST_HTTP_ANY_FORM = 1 << 12, /* set by the driver: the path need not be in normal form */
	/* Of UPGRADE: h2c. Whoever takes that for an answer of 101 ends HTTP/1, and is not judged.
	 */
	PST_HTTP_H2C = 1 << 13,
	PST_HTTP_OPTION_SETTINGS = 1 << 14, /* HTTP2-Settings */
};

enum pst_http_method {
	PST_METHOD_OTHER,
	PST_METHOD_GET,
	PST_METHOD_HEAD,
	PST_METHOD_CONNECT,
};

/* Digits of a length that fit an __u64 whatever they are; more is refused. */
enum { PST_HTTP_MAX_DIGITS = 18, PST_HTTP_MAX_HEX_DIGITS = 8 };

enum { PST_HTTP_CHUNK = 64 }; /* bytes per turn of the driver: one copy out of the packet */

struct pst_http_bytes {
	__u64 words[PST_HTTP_CHUNK / 8];
};

/* While the target goes by: the automata beside the one that runs (bpf/http_path.h). */
struct pst_http_paths {
	__u32 rows[PST_PATH_MORE];
	__u32 next; /* pos of the first byte that they have not seen */
	__u32 end;  /* pos of the first byte behind the target; 0: it goes on */
	__u32 row;  /* where the path's first automaton ended */
};

struct pst_http {
	__u64 window; /* the last eight bytes, the newest lowest */
	__u64 allow;
	__u64 length; /* Content-Length, or the size of the current chunk */
	__u32 row;    /* of the automaton that runs; 0: none */
	__u32 classes;
	__u32 pos;   /* bytes consumed, of the head or since the last chunk's data */
	__u32 mark;  /* pos of the first byte of the current part */
	__u32 stop;  /* bytes consumed when the recogniser stopped; 0: it has not */
	__u32 limit; /* pos of the first byte that is one too many */
	__u32 head;  /* length of the head, once it is complete */
	__u32 slots[PST_HEADER_SLOTS]; /* rows of the judged fields behind their lines so far */
	struct pst_http_paths paths;
	__u16 ruleset;
	__u16 status;
	__u16 flags;
	__u16 extensions; /* bytes of chunk extensions so far */
	__u8 state;
	__u8 reason; /* enum pst_reason once the state is ERROR */
	__u8 fields;
	__u8 digits;
	__u8 method;
	__u8 slot; /* 1 + the slot of the field whose value runs; 0: none */
	__u8 seen; /* bit per slot: the field came */
	__u8 more; /* the path's further automata are under way: how many */
	__u8 pad[4];
};
PST_STATIC_ASSERT(sizeof(struct pst_http) == 128, "state of a head");

PST_INLINE void pst_http_fail(struct pst_http *h, __u32 reason)
{
	h->state = PST_HTTP_ERROR;
	h->reason = (__u8)reason;
	h->row = 0;
}

PST_INLINE void pst_http_run(struct pst_http *h, __u32 row, __u32 classes)
{
	h->row = row;
	h->classes = classes;
}

PST_INLINE const struct pst_ruleset *pst_http_ruleset(const struct pst_http *h,
						      const struct pst_table *t)
{
	return &t->rulesets[h->ruleset & PST_RULESET_MASK];
}

/* The part that ended with row ROW leaves only the combinations that it matches. */
PST_INLINE void pst_http_match(struct pst_http *h, const struct pst_table *t, __u32 row)
{
	h->allow &= pst_dfa_tags(t, row);
}

/* WORD is at most seven letters; the window's newest byte is the delimiter behind them. */
PST_INLINE int pst_http_word_is(const struct pst_http *h, __u64 word, __u32 len, __u32 have)
{
	return have == len && ((h->window >> 8) & ((1ULL << (8 * len)) - 1)) == word;
}

/*
 * The same in any case; WORD is in lower case, and where it is shorter than LEN the grammar has
 * seen what stands before. Of the bytes of a token, only letters have another case.
 */
PST_INLINE int pst_http_token_is(const struct pst_http *h, __u64 word, __u32 len)
{
	__u32 tail = len < 7 ? len : 7;
	__u64 letters = (h->window >> 8 | 0x20202020202020) & ((1ULL << (8 * tail)) - 1);

	return h->pos - h->mark == len && letters == word;
}
