// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char bad_gateway[] = "The answer is not valid\r\n";
static const char moved[] = "The path has escaped slashes\r\n"; /* no call follows a 307 */

static int add(struct pst_h2_answer *a, const char *name, const char *value, size_t len)
{
	const struct pst_h2_field f = {
		.name = name, .name_len = strlen(name), .value = value, .value_len = len};

	return pst_h2_fields_add(&a->fields, &f);
}

static int make_grpc(const struct pst_h2_answer_opts *o, struct pst_h2_answer *a)
{
	const char *own = o->location ? moved : bad_gateway;
	const char *text = o->reply ? o->reply->bytes + o->reply->head_len : own;
	size_t len = o->reply ? o->reply->len - o->reply->head_len : strlen(own);
	const char *status = o->reply ? "7" : o->location ? "13" : "14";
	int r = pst_grpc_message(text, len, &a->message);

	if (!r)
		r = add(a, ":status", "200", 3);
	if (!r)
		r = add(a, "content-type", "application/grpc", 16);
	if (!r)
		r = add(a, "grpc-status", status, strlen(status));
	return r ? r : add(a, "grpc-message", a->message.v, a->message.n);
}

/* The lines of the reply are those of HTTP/1.1; what they say about the connection is none's. */
static int make_403(const struct pst_reply *reply, struct pst_h2_answer *a)
{
	const char *lines = memmem(reply->bytes, reply->head_len, "\r\n", 2);
	size_t len = lines ? reply->head_len - (size_t)(lines + 2 - reply->bytes) - 2 : 0;
	int r = add(a, ":status", "403", 3);

	if (!r)
		r = pst_text_append(&a->lines, lines ? lines + 2 : "", len);
	if (!r)
		r = pst_h2_fields_lines(&a->fields, a->lines.v, a->lines.n, NULL);
	a->body = reply->bytes + reply->head_len;
	a->body_len = reply->len - reply->head_len;
	return r;
}

static int make_502(struct pst_h2_answer *a)
{
	int r = add(a, ":status", "502", 3);

	if (!r)
		r = add(a, "content-type", "text/plain", 10);
	a->body = bad_gateway;
	a->body_len = sizeof(bad_gateway) - 1;
	return r;
}

static int make_307(const struct pst_h2_answer_opts *o, struct pst_h2_answer *a)
{
	int r = add(a, ":status", "307", 3);

	return r ? r : add(a, "location", o->location, o->location_len);
}

int pst_h2_answer_make(const struct pst_h2_answer_opts *o, struct pst_h2_answer *ret_answer)
{
	struct pst_h2_answer *a = ret_answer;
	int r;

	*a = (struct pst_h2_answer){.body = NULL};
	if (o->grpc)
		return make_grpc(o, a);
	if (o->location)
		return make_307(o, a);
	r = o->reply ? make_403(o->reply, a) : make_502(a);
	if (o->head)
		a->body_len = 0;
	return r;
}

void pst_h2_answer_fini(struct pst_h2_answer *a)
{
	pst_vec_free(&a->fields);
	pst_vec_free(&a->lines);
	pst_vec_free(&a->message);
}
