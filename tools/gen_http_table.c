// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes the transition table of the HTTP/1.x recogniser (bpf/http_states.h) as a C header.
 *
 * The grammar below is meant to be read: per state, in order, which bytes lead where. The first row
 * that holds a byte decides; a byte that no row holds is an error, with the reason given by the
 * state's last row (set ELSE). Byte classes are computed: two bytes that behave alike in every
 * state share a class.
 *
 * Sources: RFC 9112 (HTTP/1.1), RFC 9110 (fields), RFC 3986 (targets); where those leave two
 * parsers room to differ, the stricter reading; docs/http.md lists the deviations from Cilium.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/http_states.h"
#include "bpf/reason.h"

/* Sets are strings: single bytes, ranges "a-z" (a literal minus stands first), \x escapes by the
 * compiler. */
#define LOWER  "a-z"
#define ALPHA  LOWER "A-Z"
#define DIGIT  "0-9"
#define TCHAR  "-!#$%&'*+.^_`|~" ALPHA DIGIT /* RFC 9110 5.6.2 */
#define BLANK  " \t"
#define VCHAR  "\x21-\x7e"
#define OBS    "\x80-\xff"
#define LABEL  "-._" ALPHA DIGIT
#define HEXDIG DIGIT "a-fA-F"
#define ELSE   NULL

struct row {
	uint8_t state;
	const char *bytes;
	uint8_t next;
	uint8_t arg; /* action, or the reason when next is ERROR */
};

#define S(name)	  PST_HTTP_##name
#define GO(name)  PST_HTTP_##name, PST_ACT_NONE
#define FAIL(why) PST_HTTP_ERROR, PST_REASON_##why

static const struct row grammar[] = {
	/* Methods are case-sensitive, and all that are known are in capitals; a server that takes
	 * "head" for HEAD sends no body where the follower waits for one. */
	{S(START), LOWER, FAIL(METHOD)},
	{S(START), TCHAR, GO(METHOD)},
	{S(START), ELSE, FAIL(NOT_HTTP)},

	{S(METHOD), LOWER, FAIL(METHOD)},
	{S(METHOD), TCHAR, GO(METHOD)},
	{S(METHOD), " ", S(TARGET), PST_ACT_METHOD_END},
	{S(METHOD), "\r\n", FAIL(NOT_HTTP)},
	{S(METHOD), ELSE, FAIL(METHOD)},

	{S(TARGET), "/", GO(SEG0)},
	{S(TARGET), "\r\n", FAIL(NOT_HTTP)},
	{S(TARGET), ELSE, FAIL(TARGET_FORM)},

/* What may stand anywhere in the path; the structure (slashes, dots, escapes) is the states' own.
 */
#define PATH_BYTES(st, pct, other)                                                          \
	{S(st), "?", GO(QUERY)}, {S(st), " ", S(VERSION0), PST_ACT_TARGET_END},             \
		{S(st), "#", FAIL(TARGET_FRAGMENT)}, {S(st), "\\", FAIL(TARGET_BACKSLASH)}, \
		{S(st), "%", GO(pct)}, {S(st), "\r", FAIL(VERSION)},                        \
		{S(st), "\n", FAIL(LINE_END)}, {S(st), VCHAR, GO(other)},                   \
	{                                                                                   \
		S(st), ELSE, FAIL(TARGET_BYTE)                                              \
	}
#define PATH_COMMON(st) PATH_BYTES(st, PCT, SEG)

	/* "/;x/" is "//" to servers that cut path parameters off, see DOT1. */
	{S(SEG0), "/;", FAIL(TARGET_SLASHES)},
	{S(SEG0), ".", GO(DOT1)},
	PATH_COMMON(SEG0),

	/* ";" ends a segment for servers with path parameters: "/..;/" is "/../" to them. */
	{S(DOT1), "/?; ", FAIL(TARGET_DOTS)},
	{S(DOT1), ".", GO(DOT2)},
	PATH_COMMON(DOT1),

	{S(DOT2), "/?; ", FAIL(TARGET_DOTS)},
	PATH_COMMON(DOT2),

	{S(SEG), "/", GO(SEG0)},
	PATH_COMMON(SEG),

	/* %00, %2D-%2F, %30-%39, %41-%5A, %5C, %5F, %61-%7A, %7E must not be escaped. */
	{S(PCT), "0", GO(PCT0)},
	{S(PCT), "2", GO(PCT2)},
	{S(PCT), "3", GO(PCT3)},
	{S(PCT), "46", GO(PCT46)},
	{S(PCT), "5", GO(PCT5)},
	{S(PCT), "7", GO(PCT7)},
	{S(PCT), HEXDIG, GO(PCT_ANY)},
	{S(PCT), ELSE, FAIL(TARGET_BAD_ESCAPE)},

#define ESCAPE(st, bad)                                              \
	{S(st), bad, FAIL(TARGET_ESCAPE)}, {S(st), HEXDIG, GO(SEG)}, \
	{                                                            \
		S(st), ELSE, FAIL(TARGET_BAD_ESCAPE)                 \
	}

	ESCAPE(PCT0, "0"),
	ESCAPE(PCT2, "d-fD-F"),
	ESCAPE(PCT3, "0-9"),
	ESCAPE(PCT46, "1-9a-fA-F"),
	ESCAPE(PCT5, "0-9aAcCfF"),
	ESCAPE(PCT7, "0-9aAeE"),
	{S(PCT_ANY), HEXDIG, GO(SEG)},
	{S(PCT_ANY), ELSE, FAIL(TARGET_BAD_ESCAPE)},

	/* Where paths are judged as they stand: no structure, but bytes that are none of a path,
	 * and a zero that ends it for some, stay what they are. */
	{S(ANY_TARGET), "/", GO(ANY_PATH)},
	{S(ANY_TARGET), "\r\n", FAIL(NOT_HTTP)},
	{S(ANY_TARGET), ELSE, FAIL(TARGET_FORM)},
	PATH_BYTES(ANY_PATH, ANY_PCT, ANY_PATH),
	{S(ANY_PCT), "0", GO(ANY_PCT0)},
	{S(ANY_PCT), HEXDIG, GO(ANY_PCT_HEX)},
	{S(ANY_PCT), ELSE, FAIL(TARGET_BAD_ESCAPE)},
	{S(ANY_PCT0), "0", FAIL(TARGET_ESCAPE)},
	{S(ANY_PCT0), HEXDIG, GO(ANY_PATH)},
	{S(ANY_PCT0), ELSE, FAIL(TARGET_BAD_ESCAPE)},
	{S(ANY_PCT_HEX), HEXDIG, GO(ANY_PATH)},
	{S(ANY_PCT_HEX), ELSE, FAIL(TARGET_BAD_ESCAPE)},

	{S(QUERY), " ", S(VERSION0), PST_ACT_TARGET_END},
	{S(QUERY), "#", FAIL(TARGET_FRAGMENT)},
	{S(QUERY), "\r", FAIL(VERSION)},
	{S(QUERY), "\n", FAIL(LINE_END)},
	{S(QUERY), VCHAR, GO(QUERY)},
	{S(QUERY), ELSE, FAIL(TARGET_BYTE)},

	{S(VERSION0), "H", GO(VERSION)},
	{S(VERSION0), ELSE, FAIL(VERSION)},
	{S(VERSION), "\r", S(LINE_LF), PST_ACT_VERSION_END},
	{S(VERSION), "\n", FAIL(LINE_END)},
	{S(VERSION), VCHAR, GO(VERSION)},
	{S(VERSION), ELSE, FAIL(VERSION)},

	{S(LINE_LF), "\n", GO(FIELD)},
	{S(LINE_LF), ELSE, FAIL(LINE_END)},

	{S(FIELD), TCHAR, S(NAME), PST_ACT_FIELD_BEGIN},
	{S(FIELD), "\r", S(END_LF), PST_ACT_FIELDS_END},
	{S(FIELD), "\n", FAIL(LINE_END)},
	{S(FIELD), BLANK, FAIL(FIELD_FOLD)},
	{S(FIELD), ELSE, FAIL(FIELD_NAME)},

	{S(NAME), TCHAR, GO(NAME)},
	{S(NAME), ":", S(VALUE), PST_ACT_NAME_END},
	{S(NAME), ELSE, FAIL(FIELD_NAME)},

	{S(VALUE), VCHAR OBS BLANK, GO(VALUE)},
	{S(VALUE), "\r", GO(LINE_LF)},
	{S(VALUE), "\n", FAIL(LINE_END)},
	{S(VALUE), ELSE, FAIL(FIELD_VALUE)},

	{S(HOST_WS), BLANK, GO(HOST_WS)},
	{S(HOST_WS), "[", S(HOST_V6), PST_ACT_HOST_BEGIN},
	{S(HOST_WS), LABEL, S(HOST), PST_ACT_HOST_BEGIN},
	{S(HOST_WS), "\n", FAIL(LINE_END)},
	{S(HOST_WS), ELSE, FAIL(HOST_BAD)},

#define HOST_ENDS(st)                                                                          \
	{S(st), "\r", S(LINE_LF), PST_ACT_HOST_END},                                           \
		{S(st), BLANK, S(HOST_TAIL), PST_ACT_HOST_END}, {S(st), "\n", FAIL(LINE_END)}, \
	{                                                                                      \
		S(st), ELSE, FAIL(HOST_BAD)                                                    \
	}

	{S(HOST), LABEL, GO(HOST)},
	{S(HOST), ":", GO(HOST_PORT0)},
	HOST_ENDS(HOST),
	{S(HOST_V6), HEXDIG ":.", GO(HOST_V6)},
	{S(HOST_V6), "]", GO(HOST_V6_END)},
	{S(HOST_V6), ELSE, FAIL(HOST_BAD)},
	{S(HOST_V6_END), ":", GO(HOST_PORT0)},
	HOST_ENDS(HOST_V6_END),
	{S(HOST_PORT0), DIGIT, GO(HOST_PORT)},
	{S(HOST_PORT0), ELSE, FAIL(HOST_BAD)},
	{S(HOST_PORT), DIGIT, GO(HOST_PORT)},
	HOST_ENDS(HOST_PORT),
	{S(HOST_TAIL), BLANK, GO(HOST_TAIL)},
	{S(HOST_TAIL), "\r", GO(LINE_LF)},
	{S(HOST_TAIL), "\n", FAIL(LINE_END)},
	{S(HOST_TAIL), ELSE, FAIL(HOST_BAD)},

	{S(LENGTH_WS), BLANK, GO(LENGTH_WS)},
	{S(LENGTH_WS), DIGIT, S(LENGTH), PST_ACT_LENGTH_DIGIT},
	{S(LENGTH_WS), ELSE, FAIL(LENGTH_BAD)},
	{S(LENGTH), DIGIT, S(LENGTH), PST_ACT_LENGTH_DIGIT},
	{S(LENGTH), " ", GO(LENGTH_TAIL)},
	{S(LENGTH), "\r", GO(LINE_LF)},
	{S(LENGTH), ELSE, FAIL(LENGTH_BAD)},
	{S(LENGTH_TAIL), " ", GO(LENGTH_TAIL)},
	{S(LENGTH_TAIL), "\r", GO(LINE_LF)},
	{S(LENGTH_TAIL), ELSE, FAIL(LENGTH_BAD)},

	{S(CODING_WS), BLANK, GO(CODING_WS)},
	{S(CODING_WS), TCHAR, S(CODING), PST_ACT_WORD_BEGIN},
	{S(CODING_WS), ELSE, FAIL(TRANSFER_ENCODING)},
	{S(CODING), TCHAR, GO(CODING)},
	{S(CODING), BLANK, S(CODING_TAIL), PST_ACT_CODING_END},
	{S(CODING), "\r", S(LINE_LF), PST_ACT_CODING_END},
	{S(CODING), ELSE, FAIL(TRANSFER_ENCODING)},
	{S(CODING_TAIL), BLANK, GO(CODING_TAIL)},
	{S(CODING_TAIL), "\r", GO(LINE_LF)},
	{S(CODING_TAIL), ELSE, FAIL(TRANSFER_ENCODING)},

	/* An option names a field that proxies drop: only those that nobody judges by. */
	{S(OPTION_WS), BLANK, GO(OPTION_WS)},
	{S(OPTION_WS), "kK", S(OPTION_K), PST_ACT_WORD_BEGIN},
	{S(OPTION_WS), "cCtTuU", S(OPTION), PST_ACT_WORD_BEGIN},
	{S(OPTION_WS), "hH", S(OPTION_H), PST_ACT_WORD_BEGIN},
	{S(OPTION_WS), ELSE, FAIL(CONNECTION)},
	{S(OPTION_H), "tT", GO(OPTION_HT)},
	{S(OPTION_H), ELSE, FAIL(CONNECTION)},
	{S(OPTION_HT), "tT", GO(OPTION_HTT)},
	{S(OPTION_HT), ELSE, FAIL(CONNECTION)},
	{S(OPTION_HTT), "pP", GO(OPTION_HTTP)},
	{S(OPTION_HTT), ELSE, FAIL(CONNECTION)},
	{S(OPTION_HTTP), "2", GO(OPTION_HTTP2)},
	{S(OPTION_HTTP), ELSE, FAIL(CONNECTION)},
	{S(OPTION_HTTP2), "-", GO(OPTION_HTTP2_)},
	{S(OPTION_HTTP2), ELSE, FAIL(CONNECTION)},
	{S(OPTION_HTTP2_), "sS", GO(OPTION_HTTP2_S)},
	{S(OPTION_HTTP2_), ELSE, FAIL(CONNECTION)},
	{S(OPTION_HTTP2_S), TCHAR, GO(OPTION_HTTP2_S)},
	{S(OPTION_HTTP2_S), ",", S(OPTION_WS), PST_ACT_SETTINGS_END},
	{S(OPTION_HTTP2_S), BLANK, S(OPTION_TAIL), PST_ACT_SETTINGS_END},
	{S(OPTION_HTTP2_S), "\r", S(LINE_LF), PST_ACT_SETTINGS_END},
	{S(OPTION_HTTP2_S), ELSE, FAIL(CONNECTION)},
	{S(OPTION_K), "eE", GO(OPTION_KE)},
	{S(OPTION_K), ELSE, FAIL(CONNECTION)},
	{S(OPTION_KE), "eE", GO(OPTION_KEE)},
	{S(OPTION_KE), ELSE, FAIL(CONNECTION)},
	{S(OPTION_KEE), TCHAR, GO(OPTION_KEEP)},
	{S(OPTION_KEE), ELSE, FAIL(CONNECTION)},
	{S(OPTION_KEEP), TCHAR, GO(OPTION_KEEP)},
	{S(OPTION_KEEP), ",", S(OPTION_WS), PST_ACT_KEEP_END},
	{S(OPTION_KEEP), BLANK, S(OPTION_TAIL), PST_ACT_KEEP_END},
	{S(OPTION_KEEP), "\r", S(LINE_LF), PST_ACT_KEEP_END},
	{S(OPTION_KEEP), ELSE, FAIL(CONNECTION)},
	{S(OPTION), TCHAR, GO(OPTION)},
	{S(OPTION), ",", S(OPTION_WS), PST_ACT_OPTION_END},
	{S(OPTION), BLANK, S(OPTION_TAIL), PST_ACT_OPTION_END},
	{S(OPTION), "\r", S(LINE_LF), PST_ACT_OPTION_END},
	{S(OPTION), ELSE, FAIL(CONNECTION)},
	{S(OPTION_TAIL), BLANK, GO(OPTION_TAIL)},
	{S(OPTION_TAIL), ",", GO(OPTION_WS)},
	{S(OPTION_TAIL), "\r", GO(LINE_LF)},
	{S(OPTION_TAIL), ELSE, FAIL(CONNECTION)},

	{S(ANY_OPTION_WS), BLANK ",", GO(ANY_OPTION_WS)},
	{S(ANY_OPTION_WS), "\r", GO(LINE_LF)},
	{S(ANY_OPTION_WS), VCHAR, S(ANY_OPTION), PST_ACT_WORD_BEGIN},
	{S(ANY_OPTION_WS), ELSE, FAIL(CONNECTION)},
	{S(ANY_OPTION), BLANK ",", S(ANY_OPTION_WS), PST_ACT_OPTION_END},
	{S(ANY_OPTION), "\r", S(LINE_LF), PST_ACT_OPTION_END},
	{S(ANY_OPTION), VCHAR, GO(ANY_OPTION)},
	{S(ANY_OPTION), ELSE, FAIL(CONNECTION)},

	{S(UPGRADE_WS), BLANK, GO(UPGRADE_WS)},
	{S(UPGRADE_WS), "wW", S(UPGRADE_W), PST_ACT_WORD_BEGIN},
	{S(UPGRADE_WS), "hH", S(UPGRADE_H), PST_ACT_WORD_BEGIN},
	{S(UPGRADE_WS), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_H), "2", GO(UPGRADE_H2)},
	{S(UPGRADE_H), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_H2), "cC", GO(UPGRADE_H2C)},
	{S(UPGRADE_H2), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_H2C), BLANK, S(UPGRADE_TAIL), PST_ACT_UPGRADE_END},
	{S(UPGRADE_H2C), "\r", S(LINE_LF), PST_ACT_UPGRADE_END},
	{S(UPGRADE_H2C), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_W), "eE", GO(UPGRADE_WE)},
	{S(UPGRADE_W), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_WE), TCHAR, GO(UPGRADE_WORD)},
	{S(UPGRADE_WE), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_WORD), TCHAR, GO(UPGRADE_WORD)},
	{S(UPGRADE_WORD), BLANK, S(UPGRADE_TAIL), PST_ACT_UPGRADE_END},
	{S(UPGRADE_WORD), "\r", S(LINE_LF), PST_ACT_UPGRADE_END},
	{S(UPGRADE_WORD), ELSE, FAIL(UPGRADE)},
	{S(UPGRADE_TAIL), BLANK, GO(UPGRADE_TAIL)},
	{S(UPGRADE_TAIL), "\r", GO(LINE_LF)},
	{S(UPGRADE_TAIL), ELSE, FAIL(UPGRADE)},

	{S(EXPECT_WS), BLANK, GO(EXPECT_WS)},
	{S(EXPECT_WS), "1", S(EXPECT_1), PST_ACT_WORD_BEGIN},
	{S(EXPECT_WS), ELSE, FAIL(EXPECT)},
	{S(EXPECT_1), "0", GO(EXPECT_10)},
	{S(EXPECT_1), ELSE, FAIL(EXPECT)},
	{S(EXPECT_10), "0", GO(EXPECT_100)},
	{S(EXPECT_10), ELSE, FAIL(EXPECT)},
	{S(EXPECT_100), "-", GO(EXPECT_100_)},
	{S(EXPECT_100), ELSE, FAIL(EXPECT)},
	{S(EXPECT_100_), "cC", GO(EXPECT_WORD)},
	{S(EXPECT_100_), ELSE, FAIL(EXPECT)},
	{S(EXPECT_WORD), TCHAR, GO(EXPECT_WORD)},
	{S(EXPECT_WORD), BLANK, S(EXPECT_TAIL), PST_ACT_EXPECT_END},
	{S(EXPECT_WORD), "\r", S(LINE_LF), PST_ACT_EXPECT_END},
	{S(EXPECT_WORD), ELSE, FAIL(EXPECT)},
	{S(EXPECT_TAIL), BLANK, GO(EXPECT_TAIL)},
	{S(EXPECT_TAIL), "\r", GO(LINE_LF)},
	{S(EXPECT_TAIL), ELSE, FAIL(EXPECT)},

	{S(END_LF), "\n", S(DONE), PST_ACT_HEAD_END},
	{S(END_LF), ELSE, FAIL(LINE_END)},

	{S(STATUS), "H", GO(STATUS_VERSION)},
	{S(STATUS), ELSE, FAIL(VERSION)},
	{S(STATUS_VERSION), " ", S(STATUS_CODE), PST_ACT_STATUS_VERSION_END},
	{S(STATUS_VERSION), VCHAR, GO(STATUS_VERSION)},
	{S(STATUS_VERSION), ELSE, FAIL(VERSION)},
	{S(STATUS_CODE), DIGIT, S(STATUS_CODE), PST_ACT_STATUS_DIGIT},
	{S(STATUS_CODE), " ", S(STATUS_TEXT), PST_ACT_STATUS_END},
	{S(STATUS_CODE), "\r", S(LINE_LF), PST_ACT_STATUS_END},
	{S(STATUS_CODE), ELSE, FAIL(VERSION)},
	{S(STATUS_TEXT), VCHAR OBS BLANK, GO(STATUS_TEXT)},
	{S(STATUS_TEXT), "\r", GO(LINE_LF)},
	{S(STATUS_TEXT), ELSE, FAIL(VERSION)},

	{S(CHUNK_SIZE0), HEXDIG, S(CHUNK_SIZE), PST_ACT_CHUNK_DIGIT},
	{S(CHUNK_SIZE0), ELSE, FAIL(CHUNK_SIZE)},
	{S(CHUNK_SIZE), HEXDIG, S(CHUNK_SIZE), PST_ACT_CHUNK_DIGIT},
	{S(CHUNK_SIZE), ";" BLANK, S(EXT_NAME0), PST_ACT_EXT_BEGIN},
	{S(CHUNK_SIZE), "\r", GO(CHUNK_LF)},
	{S(CHUNK_SIZE), "\n", FAIL(LINE_END)},
	{S(CHUNK_SIZE), ELSE, FAIL(CHUNK_SIZE)},

/* Every byte of an extension counts; blanks around ";" and "=" are for old parsers only. */
#define EXT(next) S(next), PST_ACT_EXT_BYTE
#define EXT_ENDS(st)                                                                              \
	{S(st), ";", EXT(EXT_NAME0)}, {S(st), "\r", GO(CHUNK_LF)}, {S(st), "\n", FAIL(LINE_END)}, \
	{                                                                                         \
		S(st), ELSE, FAIL(CHUNK_EXT)                                                      \
	}

	{S(EXT_NAME0), TCHAR, EXT(EXT_NAME)},
	{S(EXT_NAME0), ELSE, FAIL(CHUNK_EXT)},
	{S(EXT_NAME), TCHAR, EXT(EXT_NAME)},
	{S(EXT_NAME), "=", EXT(EXT_VALUE0)},
	EXT_ENDS(EXT_NAME),
	{S(EXT_VALUE0), TCHAR, EXT(EXT_VALUE)},
	{S(EXT_VALUE0), "\"", EXT(EXT_QUOTED)},
	{S(EXT_VALUE0), ELSE, FAIL(CHUNK_EXT)},
	{S(EXT_VALUE), TCHAR, EXT(EXT_VALUE)},
	/* llhttp takes no other extension behind a value without quotes. */
	{S(EXT_VALUE), "\r", GO(CHUNK_LF)},
	{S(EXT_VALUE), "\n", FAIL(LINE_END)},
	{S(EXT_VALUE), ELSE, FAIL(CHUNK_EXT)},
	{S(EXT_QUOTED), "\"", EXT(EXT_END)},
	{S(EXT_QUOTED), "\\", FAIL(CHUNK_EXT)}, /* not an escape to all */
	{S(EXT_QUOTED), VCHAR OBS BLANK, EXT(EXT_QUOTED)},
	{S(EXT_QUOTED), ELSE, FAIL(CHUNK_EXT)},
	EXT_ENDS(EXT_END),

	{S(CHUNK_EXT), VCHAR OBS BLANK, GO(CHUNK_EXT)},
	{S(CHUNK_EXT), "\r", GO(CHUNK_LF)},
	{S(CHUNK_EXT), ELSE, FAIL(CHUNK_EXT)},
	{S(CHUNK_LF), "\n", S(CHUNK_DATA), PST_ACT_CHUNK_BEGIN},
	{S(CHUNK_LF), ELSE, FAIL(LINE_END)},
	{S(CHUNK_END_CR), "\r", GO(CHUNK_END_LF)},
	{S(CHUNK_END_CR), ELSE, FAIL(CHUNK_END)},
	{S(CHUNK_END_LF), "\n", GO(CHUNK_SIZE0)},
	{S(CHUNK_END_LF), ELSE, FAIL(CHUNK_END)},
};

static uint16_t full[PST_HTTP_STATES][256];
static uint8_t class_of[256];
static uint8_t first_of[256];
static unsigned int n_classes;

/* Is BYTE in SET? NUL is in no set: a string cannot hold it, and every state refuses it. */
static bool in_set(const char *set, unsigned int byte)
{
	const unsigned char *s = (const unsigned char *)set;

	if (!set)
		return true;
	for (; *s; s++) {
		if (s[1] == '-' && s[2]) {
			if (byte >= s[0] && byte <= s[2])
				return true;
			s += 2;
		} else if (*s == byte) {
			return true;
		}
	}
	return false;
}

static uint16_t find_cell(unsigned int state, unsigned int byte)
{
	for (size_t i = 0; i < sizeof(grammar) / sizeof(*grammar); i++) {
		const struct row *r = &grammar[i];

		if (r->state == state && in_set(r->bytes, byte))
			return (uint16_t)(r->next | r->arg << 8);
	}
	/* No row at all: an absorbing state. */
	return (uint16_t)state;
}

static bool same_column(unsigned int a, unsigned int b)
{
	for (unsigned int s = 0; s < PST_HTTP_STATE_MAX; s++)
		if (full[s][a] != full[s][b])
			return false;
	return true;
}

/* Those of the same column have the same class; first_of[] has one byte of each. */
static void put_into_class(unsigned int byte)
{
	unsigned int class = 0;

	while (class < n_classes && !same_column(first_of[class], byte))
		class ++;
	class_of[byte] = (uint8_t) class;
	if (class == n_classes)
		first_of[n_classes++] = (uint8_t)byte;
}

/*
 * Classes are numbered in this order of bytes, then in the bytes' own: what heads are made of has
 * the low numbers, so that of a state's row only the first 64 bytes are wanted in a cache.
 */
static const char usual[] = "etaoinsrhldcumfpgwybvkxjqz\r\n :/-.0123456789";

static void build(void)
{
	for (unsigned int s = 0; s < PST_HTTP_STATE_MAX; s++)
		for (unsigned int b = 0; b < 256; b++)
			full[s][b] = find_cell(s, b);
	for (const char *c = usual; *c; c++)
		put_into_class((unsigned char)*c);
	for (unsigned int b = 0; b < 256; b++)
		put_into_class(b);
}

static void print_classes(void)
{
	printf("static const __u8 pst_http_class[256] = {");
	for (unsigned int b = 0; b < 256; b++)
		printf("%s%u,", b % 16 ? " " : "\n\t", class_of[b]);
	printf("\n};\n\n");
}

static void print_cells(void)
{
	printf("static const __u16 pst_http_cell[%d] = {\n", PST_HTTP_CELLS);
	for (unsigned int s = 0; s < PST_HTTP_STATE_MAX; s++)
		for (unsigned int c = 0; c < n_classes; c++)
			printf("%s[%u] = 0x%04x,", c % 6 ? " " : "\n\t",
			       s << PST_HTTP_CLASS_BITS | c, full[s][first_of[c]]);
	printf("\n};\n");
}

/* The same for the recogniser, with the next state where it is added to the next byte's class. */
static void print_steps(void)
{
	printf("\n/* Behind the last row there is room for any class. */\n"
	       "static const __u16 pst_http_step[%d] __attribute__((aligned(64))) = {",
	       PST_HTTP_CELLS + 256);
	for (unsigned int s = 0; s < PST_HTTP_STATE_MAX; s++) {
		for (unsigned int c = 0; c < n_classes; c++) {
			unsigned int cell = full[s][first_of[c]];

			printf("%s[%u] = 0x%04x,", c % 6 ? " " : "\n\t",
			       s << PST_HTTP_CLASS_BITS | c,
			       (cell & 0xffU) << PST_HTTP_CLASS_BITS | cell >> 8);
		}
	}
	printf("\n};\n");
}

static unsigned int largest_arg(void)
{
	unsigned int largest = 0;

	for (size_t i = 0; i < sizeof(grammar) / sizeof(*grammar); i++)
		if (grammar[i].arg > largest)
			largest = grammar[i].arg;
	return largest;
}

int main(void)
{
	_Static_assert((int)PST_HTTP_STATE_MAX <= (int)PST_HTTP_STATES, "seven bits of state");
	_Static_assert((int)PST_ACT_MAX <= (int)PST_HTTP_ARG_MASK, "six bits of action");
	build();
	if (n_classes > 1 << PST_HTTP_CLASS_BITS) {
		fprintf(stderr, "gen_http_table: %u byte classes, room for %d\n", n_classes,
			1 << PST_HTTP_CLASS_BITS);
		return EXIT_FAILURE;
	}
	if (largest_arg() > PST_HTTP_ARG_MASK) {
		fprintf(stderr, "gen_http_table: reason %u is in the grammar, room for %d\n",
			largest_arg(), PST_HTTP_ARG_MASK);
		return EXIT_FAILURE;
	}
	printf("/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n"
	       "/* Generated by tools/gen_http_table.c: do not edit. %d states, %u byte classes. */\n"
	       "#pragma once\n\n",
	       PST_HTTP_STATE_MAX, n_classes);
	print_classes();
	print_cells();
	print_steps();
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
