// SPDX-License-Identifier: Apache-2.0
#include "compiler/offer.h"

#include "compiler/judge.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A head that is made up, and what must be left of it, put together from the front. */
struct made {
	char head[1024], left[1024];
	size_t n_head, n_left;
	uint32_t random;
};

static uint32_t any_below(struct made *m, uint32_t n)
{
	m->random = m->random * 1664525 + 1013904223;
	return (m->random >> 16) % n;
}

static void add(struct made *m, const char *text, bool stays)
{
	size_t n = strlen(text);

	memcpy(m->head + m->n_head, text, n);
	m->n_head += n;
	if (!stays)
		return;
	memcpy(m->left + m->n_left, text, n);
	m->n_left += n;
}

static void add_blanks(struct made *m)
{
	static const char *const blanks[] = {"", "", " ", "\t", "  ", " \t "};

	add(m, blanks[any_below(m, 6)], false);
}

static void add_connection(struct made *m)
{
	static const char *const options[] = {
		"close",   "Keep-Alive",     "te",	     "u", "UPgrade",
		"upgrade", "HTTP2-Settings", "http2-setting"};
	const size_t begun = m->n_left;
	uint32_t n = 1 + any_below(m, 5);
	bool any = false;

	add(m, any_below(m, 2) ? "Connection:" : "cONNECTION:", true);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t which = any_below(m, 8);
		const bool stays = which < 4 || which == 7;

		if (i)
			add(m, ",", false);
		add_blanks(m);
		if (stays && any)
			m->left[m->n_left++] = ',';
		add(m, options[which], stays);
		any |= stays;
		add_blanks(m);
	}
	if (any)
		add(m, "\r\n", true);
	else
		m->n_left = begun;
	if (!any)
		add(m, "\r\n", false);
}

static void make(struct made *m, uint32_t seed)
{
	static const char *const others[] = {"Upgraded: h2c\r\n",      "HTTP2-Setting: 1\r\n",
					     "Connection2: close\r\n", "A:\r\n",
					     "B: Upgrade: x, y\r\n",   "-: \t\r\n"};
	static const char *const gone[] = {"Upgrade: h2c\r\n", "uPGRADE:\r\n",
					   "http2-settings: a\r\n", "HTTP2-SETTINGS:\r\n"};

	*m = (struct made){.random = seed};
	add(m, any_below(m, 2) ? "GET /a:b HTTP/1.1\r\n" : "UPGRADE /Upgrade:h2c HTTP/1.1\r\n",
	    true);
	for (uint32_t n = any_below(m, 8); n; n--) {
		switch (any_below(m, 3)) {
		case 0:
			add(m, others[any_below(m, 6)], true);
			break;
		case 1:
			add(m, gone[any_below(m, 4)], false);
			break;
		default:
			add_connection(m);
		}
	}
	add(m, "\r\n", true);
}

Test(offer, whatever_the_order_the_rest_is_left_byte_for_byte)
{
	for (uint32_t seed = 0; seed < 20000; seed++) {
		struct made m;
		char *exact;
		size_t cut;

		make(&m, seed);
		exact = malloc(m.n_head); /* of its own, so that a byte beside it is found */
		cr_assert(exact);
		memcpy(exact, m.head, m.n_head);
		cut = pst_offer_take(exact, m.n_head);
		cr_assert_eq(m.n_head - cut, m.n_left, "of %.*s", (int)m.n_head, m.head);
		cr_assert(!memcmp(exact + cut, m.left, m.n_left), "of %.*s became %.*s",
			  (int)m.n_head, m.head, (int)m.n_left, exact + cut);
		free(exact);
	}
}
