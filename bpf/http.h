/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The HTTP/1.x recogniser: bytes in, state out, resumable at any byte.
 *
 * Two tables move at once over each byte of a head: the grammar (build/gen/http_table.h, the same
 * for every policy) and the automaton of whatever stands at this place (method, path, field name,
 * host: from the policy's struct pst_table). Both steps are loads and masks. Only where the grammar
 * says so is there an action: about four per field line.
 *
 * The rule set's verdict is the intersection of tag sets: `allow` starts with all bits, each field
 * removes what it does not match. The request is allowed when a bit is left at the end of the head.
 *
 * The state is plain data (bpf/http_data.h). After DONE, CHUNK_DATA and ERROR further bytes change
 * nothing: `stop` says how many bytes were consumed when that state was reached. What a driver does
 * then is in bpf/http_body.h.
 *
 * Strictness: what two known parsers could read differently is an error with a named reason (RFC
 * 9112 sections 2.2, 3, 5.1, 6.3; docs/http.md).
 */

#include "bpf/http_body.h"
#include "bpf/http_data.h"
#include "bpf/http_field.h"
#include "bpf/http_path.h"
#include "bpf/http_quiet.h"

#include "http_table.h"

/*
 * Begins a request, judged by rule set RULESET of T. Paths that are not in normal form are refused,
 * unless the caller sets PST_HTTP_ANY_FORM now.
 */
PST_INLINE void pst_http_request(struct pst_http *h, const struct pst_table *t, __u32 ruleset)
{
	const struct pst_ruleset *rs = &t->rulesets[ruleset & PST_RULESET_MASK];

	*h = (struct pst_http){
		.allow = ~0ULL,
		.ruleset = (__u16)(ruleset & PST_RULESET_MASK),
		.row = rs->start[PST_FIELD_METHOD],
		.classes = rs->classes[PST_FIELD_METHOD],
		.limit = PST_MAX_HEAD,
		.state = PST_HTTP_START,
	};
}

PST_INLINE void pst_http_response(struct pst_http *h)
{
	*h = (struct pst_http){.flags = PST_HTTP_RESPONSE, .limit = ~0U, .state = PST_HTTP_STATUS};
}

PST_INLINE void pst_http_method_end(struct pst_http *h, const struct pst_table *t, __u32 row)
{
	const struct pst_ruleset *rs = pst_http_ruleset(h, t);
	__u32 len = h->pos;

	if (len > PST_MAX_METHOD) {
		pst_http_fail(h, PST_REASON_METHOD);
		return;
	}
	if (pst_http_word_is(h, 0x474554, 3, len)) /* GET */
		h->method = PST_METHOD_GET;
	else if (pst_http_word_is(h, 0x48454144, 4, len)) /* HEAD */
		h->method = PST_METHOD_HEAD;
	else if (pst_http_word_is(h, 0x434f4e4e454354, 7, len)) { /* CONNECT */
		pst_http_fail(h, PST_REASON_CONNECT);
		return;
	}
	pst_http_match(h, t, row);
	pst_http_run(h, rs->start[PST_FIELD_PATH], rs->classes[PST_FIELD_PATH]);
	if (h->flags & PST_HTTP_ANY_FORM)
		h->state = PST_HTTP_ANY_TARGET;
	pst_http_paths_begin(h, rs);
	h->mark = h->pos + 1;
}

PST_INLINE void pst_http_target_end(struct pst_http *h, const struct pst_table *t, __u32 row)
{
	if (h->pos - h->mark > PST_MAX_TARGET) {
		pst_http_fail(h, PST_REASON_TARGET_LONG);
		return;
	}
	pst_http_paths_end(h, t, row);
	pst_http_run(h, 0, 0);
	h->mark = h->pos + 1;
}

/* Exactly "HTTP/1.1" or "HTTP/1.0"; the window's newest byte is the delimiter behind it. */
PST_INLINE int pst_http_version_minor(const struct pst_http *h)
{
	if (h->pos - h->mark != 8)
		return -1;
	if ((h->window >> 8) == 0x5454502f312e31) /* TTP/1.1; the grammar has seen the H */
		return 1;
	if ((h->window >> 8) == 0x5454502f312e30)
		return 0;
	return -1;
}

PST_INLINE void pst_http_version_end(struct pst_http *h)
{
	int minor = pst_http_version_minor(h);

	if (minor < 0)
		pst_http_fail(h, PST_REASON_VERSION);
	else if (minor == 0)
		h->flags |= PST_HTTP_VERSION_10;
}

/* What an error really was: the preface of HTTP/2 looks like a request for "*". */
PST_INLINE void pst_http_error(struct pst_http *h, __u32 reason)
{
	if (reason == PST_REASON_TARGET_FORM && h->pos == 4 &&
	    (h->window & 0xffffffffff) == 0x505249202a) /* "PRI *" */
		reason = PST_REASON_HTTP2;
	pst_http_fail(h, reason);
}

/* Actions within a value or a size line. */
PST_INLINE void pst_http_act_value(struct pst_http *h, __u32 arg, __u32 byte)
{
	switch (arg) {
	case PST_ACT_CODING_END:
		pst_http_coding_end(h, byte);
		break;
	case PST_ACT_OPTION_END:
		pst_http_option_end(h);
		break;
	case PST_ACT_KEEP_END:
		pst_http_keep_end(h);
		break;
	case PST_ACT_SETTINGS_END:
		pst_http_settings_end(h);
		break;
	case PST_ACT_UPGRADE_END:
		pst_http_upgrade_end(h);
		break;
	case PST_ACT_EXPECT_END:
		pst_http_expect_end(h);
		break;
	case PST_ACT_CHUNK_DIGIT:
		pst_http_chunk_digit(h, byte);
		break;
	case PST_ACT_EXT_BEGIN:
		pst_http_ext_begin(h, byte);
		break;
	case PST_ACT_EXT_BYTE:
		pst_http_ext_byte(h);
		break;
	case PST_ACT_CHUNK_BEGIN:
		pst_http_chunk_begin(h);
		break;
	default:
		pst_http_fail(h, PST_REASON_IMPOSSIBLE);
	}
}

/*
 * Does what the grammar asks for at BYTE, whose place in the head is h->pos and which the automaton
 * has not consumed: ROW is where it stood before. Leaves in h->row where it stands behind BYTE; the
 * automaton of a value (h->slot) runs on while the recogniser reads the value itself.
 */
PST_SUBPROG int pst_http_act(struct pst_http *h, const struct pst_table *t, __u32 arg, __u32 byte)
{
	__u32 row;

	if (!h || !t)
		return -1;
	row = h->row;
	if (h->pos >= h->limit) {
		pst_http_fail(h, PST_REASON_HEAD_LONG);
		return 0;
	}
	if (h->state == PST_HTTP_ERROR) {
		pst_http_error(h, arg);
		return 0;
	}
	h->row = h->slot && row ? pst_dfa_step(t, row, h->classes, byte) : 0;
	switch (arg) {
	case PST_ACT_METHOD_END:
		pst_http_method_end(h, t, row);
		break;
	case PST_ACT_TARGET_END:
		pst_http_target_end(h, t, row);
		break;
	case PST_ACT_VERSION_END:
		pst_http_version_end(h);
		break;
	case PST_ACT_FIELD_BEGIN:
		pst_http_field_begin(h, t, row, byte);
		break;
	case PST_ACT_NAME_END:
		pst_http_name_end(h, t, row);
		break;
	case PST_ACT_HOST_BEGIN:
		pst_http_host_begin(h, t, byte);
		break;
	case PST_ACT_HOST_END:
		pst_http_match(h, t, row);
		break;
	case PST_ACT_LENGTH_DIGIT:
		pst_http_length_digit(h, byte);
		break;
	case PST_ACT_WORD_BEGIN:
		h->mark = h->pos;
		break;
	case PST_ACT_FIELDS_END:
		pst_http_slot_end(h, row);
		break;
	case PST_ACT_HEAD_END:
		pst_http_head_end(h, t);
		break;
	case PST_ACT_STATUS_VERSION_END:
		if (pst_http_version_minor(h) < 0)
			pst_http_fail(h, PST_REASON_VERSION);
		break;
	case PST_ACT_STATUS_DIGIT:
		h->status = (__u16)(h->status * 10 + (byte - '0'));
		if (++h->digits > 3)
			pst_http_fail(h, PST_REASON_VERSION);
		break;
	case PST_ACT_STATUS_END:
		if (h->digits != 3 || h->status < 100)
			pst_http_fail(h, PST_REASON_VERSION);
		break;
	default:
		pst_http_act_value(h, arg, byte);
	}
	return 0;
}

/*
 * What moves with the bytes; kept in registers. The window is not: an action puts it together from
 * the word at hand and the one before.
 */
struct pst_http_hot {
	__u64 before; /* the eight bytes before the present word, the first one highest */
	__u64 word;   /* the present word, its first byte lowest */
	__u32 place, row, classes; /* place: of the state, in pst_http_step */
	__u32 pos;		   /* of the present word's first byte */
	__u32 quiet;		   /* the bytes of the present word below this one change nothing */
};

/* The last eight bytes when the first N (0 .. 8) bytes of the present word are consumed. */
PST_INLINE __u64 pst_http_window(const struct pst_http_hot *hot, __u32 n)
{
	__u64 word = hot->word;

	/* Turned round where it is needed: kept that way it would cost the frame eight bytes. */
	pst_opaque(word);
	word = __builtin_bswap64(word);
	if (n == 0)
		return hot->before;
	if (n == 8)
		return word;
	return hot->before << (8 * n) | word >> (64 - 8 * n);
}

PST_INLINE __u32 pst_http_place(__u32 state)
{
	return (state << PST_HTTP_CLASS_BITS) & PST_HTTP_PLACE_MASK;
}

enum {
	PST_HTTP_IN_NAME = PST_HTTP_NAME << PST_HTTP_CLASS_BITS,
	PST_HTTP_IN_VALUE = PST_HTTP_VALUE << PST_HTTP_CLASS_BITS,
	PST_HTTP_IN_HOST = PST_HTTP_HOST << PST_HTTP_CLASS_BITS,
	PST_HTTP_IN_SEG = PST_HTTP_SEG << PST_HTTP_CLASS_BITS,
	PST_HTTP_IN_ANY_PATH = PST_HTTP_ANY_PATH << PST_HTTP_CLASS_BITS,
	PST_HTTP_IN_QUERY = PST_HTTP_QUERY << PST_HTTP_CLASS_BITS,
	/* The colon behind a name. With a dead automaton there is nothing to do: it has no tags. */
	PST_HTTP_NAME_ENDS = PST_HTTP_IN_VALUE | PST_ACT_NAME_END,
};

/*
 * How many of the first bytes of WORD leave everything as it is: inside a name, a value, a host or
 * a target where no automaton runs, or one that would stay where it is. It may be fewer than there
 * are: the next byte goes the slow way.
 */
PST_INLINE __u32 pst_http_quiet(const struct pst_http_hot *hot, __u64 word)
{
	__u32 place = hot->place;
	__u64 stops;

	if (hot->row && (!(hot->row & PST_CELL_LOOPS) || place == PST_HTTP_IN_VALUE))
		return 0;
	if (place == PST_HTTP_IN_VALUE)
		stops = pst_http_value_stops(word);
	else if (place == PST_HTTP_IN_NAME || place == PST_HTTP_IN_HOST)
		stops = pst_http_word_stops(word);
	else if (place == PST_HTTP_IN_SEG || place == PST_HTTP_IN_QUERY ||
		 place == PST_HTTP_IN_ANY_PATH)
		stops = pst_http_target_stops(word);
	else
		return 0;
	return stops ? pst_http_first_stop(stops) : 8;
}

/* Consumes the bytes of the present word that are not quiet, the first N at most. */
PST_INLINE void pst_http_word(struct pst_http *h, const struct pst_table *t,
			      struct pst_http_hot *hot, __u32 n)
{
	PST_NO_UNROLL
	for (__u32 k = hot->quiet; k < n && k < 8; k++) {
		__u32 byte = (hot->word >> (8 * k)) & 0xff;
		/* "+", because the verifier of 6.1 knows nothing about the "|" of two variables. */
		__u32 step = pst_http_step[hot->place + pst_http_class[byte]];
		__u32 next = hot->row ? pst_dfa_step(t, hot->row, hot->classes, byte) : 0;

		hot->place = step & PST_HTTP_PLACE_MASK;
		if (!(step & PST_HTTP_ARG_MASK)) {
			hot->row = next;
			continue;
		}
		if (step != PST_HTTP_NAME_ENDS || hot->row) {
			h->state = (__u8)(hot->place >> PST_HTTP_CLASS_BITS);
			h->row = hot->row;
			h->window = pst_http_window(hot, k + 1);
			h->pos = hot->pos + k;
			pst_http_act(h, t, step & PST_HTTP_ARG_MASK, byte);
			hot->place = pst_http_place(h->state);
			next = h->row;
			hot->classes = h->classes;
		}
		hot->row = next;
		if (k < 7)
			k += pst_http_quiet(hot, hot->word >> (8 * k + 8));
	}
}

/* True when further bytes would change nothing. */
PST_INLINE int pst_http_stopped(const struct pst_http *h)
{
	return h->state == PST_HTTP_DONE || h->state == PST_HTTP_ERROR ||
	       h->state == PST_HTTP_CHUNK_DATA;
}

/*
 * Feeds the first N (1 .. PST_HTTP_CHUNK) bytes of BYTES. Places where nothing changes are passed
 * over up to their end: that is most of a usual head. The step of a byte is written out once: in
 * front of a packet its code is in no cache. What lives across the call is what the frame has room
 * for: the judge's chain of calls needs all of its stack (tools/check_stack.py).
 */
PST_SUBPROG int pst_http_feed(struct pst_http *h, const struct pst_table *t,
			      const struct pst_http_bytes *bytes, __u32 n)
{
	struct pst_http_hot hot;

	if (!h || !t || !bytes)
		return -1;
	hot = (struct pst_http_hot){.before = h->window,
				    .place = pst_http_place(h->state),
				    .row = h->row,
				    .classes = h->classes,
				    .pos = h->pos};
	for (__u32 i = 0; i < PST_HTTP_CHUNK / 8; i++) {
		hot.word = __builtin_bswap64(pst_be64(bytes->words[i]));
		hot.quiet = pst_http_quiet(&hot, hot.word);
		pst_http_word(h, t, &hot, n);
		if (n <= 8)
			break;
		hot.before = pst_http_window(&hot, 8);
		hot.pos += 8;
		n -= 8;
	}
	h->state = (__u8)(hot.place >> PST_HTTP_CLASS_BITS);
	h->row = hot.row;
	h->window = pst_http_window(&hot, n);
	h->pos = hot.pos + n;
	if (h->pos > h->limit && !pst_http_stopped(h))
		pst_http_fail(h, PST_REASON_HEAD_LONG);
	return 0;
}
