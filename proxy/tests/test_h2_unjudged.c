// SPDX-License-Identifier: Apache-2.0
/* Streams of HTTP/2 that no policy in force judges. */
#include "proxy/h2.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/tests/h2_peer.h"

#define ACTION(what)                                                                \
	"        - {path: /a, headerMatches: [{mismatch: " what ", name: X-Token, " \
	"value: good}]}\n"

static struct t_world world;

static struct t_h2 *begin(void)
{
	t_world_rules(&world, ACTION("REPLACE"));
	return t_h2_new(&world);
}

#define HEAD(method, path, more) \
	":method: " method "\n:scheme: http\n:authority: b\n:path: " path "\n" more

/* Its policies are in audit, and then in force again. */
Test(h2_unjudged, streams_pass_as_they_come_while_nothing_is_judged)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c;

	cr_expect(strstr(t_h2_get(t, "/nowhere")->head, "403"));
	pst_pair_renew(t->pair, t->world->ruler, PST_PAIR_UNJUDGED);
	cr_expect(!pst_pair_is_tunnel(t->pair));
	t->n_events = 0;
	cr_expect(strstr(t_h2_get(t, "/nowhere")->head, "200"));
	c = t_h2_upload(t, HEAD("POST", "/a", "x-token: bad\n"), 10, NULL);
	c->trailers_to_send = "x-token: bad\n";
	t_h2_resume(t, PST_CLIENT, c);
	cr_expect(strstr(c->head, "200"));
	cr_expect(strstr(t->peer[PST_SERVER].streams[1].head, "x-token: bad"));
	cr_expect_str_eq(t->peer[PST_SERVER].streams[1].trailers, "x-token: bad\n");
	cr_expect_eq(t->n_events, 0, "nothing is reported");
	pst_pair_renew(t->pair, t->world->ruler, t->world->ruleset);
	cr_expect(strstr(t_h2_get(t, "/nowhere")->head, "403"));
	t_h2_free(t);
	t_world_fini(&world);
}
