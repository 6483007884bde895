/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * States and actions of the HTTP/1.x recogniser.
 *
 * The grammar itself is data: tools/gen_http_table.c holds one row per (state, set of bytes) and
 * writes build/gen/http_table.h, which both the native build and the BPF programs compile in. A
 * cell says which state comes next and whether something has to be done (an action); where the next
 * state is ERROR it says why (an enum pst_reason).
 */

enum pst_http_state {
	PST_HTTP_ERROR, /* absorbing; struct pst_http.reason says why */

	/* Request line, RFC 9112 section 3. */
	PST_HTTP_START,
	PST_HTTP_METHOD,
	PST_HTTP_TARGET, /* first byte of the target */
	PST_HTTP_SEG0,	 /* behind a slash */
	PST_HTTP_DOT1,	 /* behind "/." */
	PST_HTTP_DOT2,	 /* behind "/.." */
	PST_HTTP_SEG,	 /* inside a segment */
	PST_HTTP_PCT,	 /* behind "%" */
	PST_HTTP_PCT0,	 /* behind "%0", and so on: which second digit is harmless differs */
	PST_HTTP_PCT2,
	PST_HTTP_PCT3,
	PST_HTTP_PCT46,
	PST_HTTP_PCT5,
	PST_HTTP_PCT7,
	PST_HTTP_PCT_ANY,
	PST_HTTP_ANY_TARGET, /* first byte of a target that is judged as it stands, and so on */
	PST_HTTP_ANY_PATH,
	PST_HTTP_ANY_PCT,
	PST_HTTP_ANY_PCT0,
	PST_HTTP_ANY_PCT_HEX,
	PST_HTTP_QUERY,
	PST_HTTP_VERSION0, /* its H: the window holds only seven bytes before the newest */
	PST_HTTP_VERSION,

	/* Field lines, RFC 9112 section 5; requests, responses and trailers. */
	PST_HTTP_LINE_LF, /* LF, then a field line */
	PST_HTTP_FIELD,	  /* first byte of a field line */
	PST_HTTP_NAME,
	PST_HTTP_VALUE,	  /* and the blanks before it: nobody looks at either */
	PST_HTTP_HOST_WS, /* Host, RFC 9110 section 7.2 */
	PST_HTTP_HOST,
	PST_HTTP_HOST_V6,
	PST_HTTP_HOST_V6_END,
	PST_HTTP_HOST_PORT0,
	PST_HTTP_HOST_PORT,
	PST_HTTP_HOST_TAIL, /* blanks behind it */
	PST_HTTP_LENGTH_WS, /* Content-Length, RFC 9110 section 8.6 */
	PST_HTTP_LENGTH,
	PST_HTTP_LENGTH_TAIL,
	PST_HTTP_CODING_WS, /* Transfer-Encoding, RFC 9112 section 6.1 */
	PST_HTTP_CODING,
	PST_HTTP_CODING_TAIL,
	/* Connection, RFC 9110 section 7.6.1. The window holds seven letters of a word before its
	 * delimiter; what longer words begin with is the grammar's. */
	PST_HTTP_OPTION_WS,
	PST_HTTP_OPTION_H, /* "http2-settings", of an offer of HTTP/2 */
	PST_HTTP_OPTION_HT,
	PST_HTTP_OPTION_HTT,
	PST_HTTP_OPTION_HTTP,
	PST_HTTP_OPTION_HTTP2,
	PST_HTTP_OPTION_HTTP2_,
	PST_HTTP_OPTION_HTTP2_S, /* behind "http2-s": nothing but http2-settings */
	PST_HTTP_OPTION_K,
	PST_HTTP_OPTION_KE,
	PST_HTTP_OPTION_KEE,
	PST_HTTP_OPTION_KEEP, /* behind "kee": nothing but keep-alive */
	PST_HTTP_OPTION,
	PST_HTTP_OPTION_TAIL,
	PST_HTTP_ANY_OPTION_WS, /* Connection of a response: what is unknown does not matter */
	PST_HTTP_ANY_OPTION,
	PST_HTTP_UPGRADE_WS, /* Upgrade, RFC 9110 section 7.8 */
	PST_HTTP_UPGRADE_H,  /* "h2c" */
	PST_HTTP_UPGRADE_H2,
	PST_HTTP_UPGRADE_H2C,
	PST_HTTP_UPGRADE_W,
	PST_HTTP_UPGRADE_WE,
	PST_HTTP_UPGRADE_WORD,
	PST_HTTP_UPGRADE_TAIL,
	PST_HTTP_EXPECT_WS, /* Expect, RFC 9110 section 10.1.1 */
	PST_HTTP_EXPECT_1,
	PST_HTTP_EXPECT_10,
	PST_HTTP_EXPECT_100,
	PST_HTTP_EXPECT_100_,
	PST_HTTP_EXPECT_WORD,
	PST_HTTP_EXPECT_TAIL,
	PST_HTTP_END_LF, /* LF of the empty line */
	PST_HTTP_DONE,	 /* absorbing: the head, or the trailers, are complete */

	/* Status line, RFC 9112 section 4. */
	PST_HTTP_STATUS, /* H */
	PST_HTTP_STATUS_VERSION,
	PST_HTTP_STATUS_CODE,
	PST_HTTP_STATUS_TEXT,

	/* Chunks, RFC 9112 section 7.1. */
	PST_HTTP_CHUNK_SIZE0, /* first digit */
	PST_HTTP_CHUNK_SIZE,
	PST_HTTP_CHUNK_EXT, /* of a response: anything */
	PST_HTTP_EXT_NAME0, /* behind ";" */
	PST_HTTP_EXT_NAME,
	PST_HTTP_EXT_VALUE0, /* behind "=" */
	PST_HTTP_EXT_VALUE,
	PST_HTTP_EXT_QUOTED,
	PST_HTTP_EXT_END, /* behind the closing quote */
	PST_HTTP_CHUNK_LF,
	PST_HTTP_CHUNK_DATA, /* absorbing: the driver skips the data */
	PST_HTTP_CHUNK_END_CR,
	PST_HTTP_CHUNK_END_LF,

	PST_HTTP_STATE_MAX,
};

enum pst_http_action {
	PST_ACT_NONE,
	PST_ACT_METHOD_END,
	PST_ACT_TARGET_END,
	PST_ACT_VERSION_END,
	PST_ACT_FIELD_BEGIN,
	PST_ACT_NAME_END,
	PST_ACT_HOST_BEGIN,
	PST_ACT_HOST_END,
	PST_ACT_LENGTH_DIGIT,
	PST_ACT_WORD_BEGIN,
	PST_ACT_CODING_END,
	PST_ACT_OPTION_END,
	PST_ACT_KEEP_END,
	PST_ACT_SETTINGS_END,
	PST_ACT_UPGRADE_END,
	PST_ACT_EXPECT_END,
	PST_ACT_FIELDS_END,
	PST_ACT_HEAD_END,
	PST_ACT_STATUS_VERSION_END,
	PST_ACT_STATUS_DIGIT,
	PST_ACT_STATUS_END,
	PST_ACT_CHUNK_DIGIT,
	PST_ACT_EXT_BEGIN,
	PST_ACT_EXT_BYTE,
	PST_ACT_CHUNK_BEGIN,
	PST_ACT_MAX,
};

/* cells[state << PST_HTTP_CLASS_BITS | class of byte] = next state | (action or reason) << 8 */
enum {
	PST_HTTP_CLASS_BITS = 6,
	PST_HTTP_STATES = 128,
	PST_HTTP_CELLS = PST_HTTP_STATES << PST_HTTP_CLASS_BITS,
};

/*
 * steps[place of state + class of byte] = place of next state | action or reason. The place has the
 * class's bits free; a reason of the grammar's is one of the first.
 */
enum {
	PST_HTTP_PLACE_MASK = PST_HTTP_CELLS - (1 << PST_HTTP_CLASS_BITS),
	PST_HTTP_ARG_MASK = (1 << PST_HTTP_CLASS_BITS) - 1,
};
