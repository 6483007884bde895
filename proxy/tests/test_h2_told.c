// SPDX-License-Identifier: Apache-2.0
/* What is told of the answers to streams. */
#include "proxy/h2.h"

#include <criterion/criterion.h>

#include "proxy/tests/h2_peer.h"

Test(h2_told, the_answer_of_a_stream_is_told_once_at_its_end)
{
	static struct t_world world;
	struct t_h2 *t;

	t_world_load(&world, "testdata/http/policy.yaml");
	t = t_h2_new(&world);
	t_h2_get(t, "/api/1"); /* no body: the head is its end */
	cr_assert_eq(t->n_answers, 1);
	cr_expect_eq(t->answers[0].number, 0);
	cr_expect_eq(t->answers[0].status, 200);
	t->peer[PST_SERVER].answer = ":status: 503\n";
	t->peer[PST_SERVER].answer_body = 100000;
	t_h2_get(t, "/secret");
	t_h2_get(t, "/api/2");
	cr_assert_eq(t->n_answers, 2);
	cr_expect_eq(t->answers[1].number, 2);
	cr_expect_eq(t->answers[1].status, 503);
	cr_expect_eq(t->answers[1].since_ns, 3); /* its own request's */
	t_h2_free(t);
	t_world_fini(&world);
}
