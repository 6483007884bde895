// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reply.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct pst_reply made(const struct pst_reply_opts *opts, bool close)
{
	struct pst_reply r;

	cr_assert_eq(pst_reply_make(opts, close, &r), 0);
	return r;
}

Test(reply, is_a_403_that_closes_or_does_not)
{
	struct pst_reply_opts opts = {0};
	struct pst_reply r = made(&opts, true);

	cr_expect_str_eq(r.bytes, "HTTP/1.1 403 Forbidden\r\n"
				  "content-type: text/plain\r\n"
				  "content-length: 15\r\n"
				  "connection: close\r\n"
				  "\r\n"
				  "Access denied\r\n");
	cr_expect_eq(r.len, strlen(r.bytes));
	cr_expect_eq(r.head_len, r.len - 15, "a HEAD gets no body");
	r = made(&opts, false);
	cr_expect_str_eq(r.bytes, "HTTP/1.1 403 Forbidden\r\n"
				  "content-type: text/plain\r\n"
				  "content-length: 15\r\n"
				  "\r\n"
				  "Access denied\r\n");
}

Test(reply, holds_what_was_configured)
{
	struct pst_reply_opts opts = {.content_type = "application/json; charset=utf-8",
				      .body = "{\"error\": \"n\xc3\xb6\"}",
				      .headers = {"X-Denied-By: postern", "Cache-Control:no-store"},
				      .n_headers = 2};
	struct pst_reply r = made(&opts, true);

	cr_expect_str_eq(r.bytes, "HTTP/1.1 403 Forbidden\r\n"
				  "content-type: application/json; charset=utf-8\r\n"
				  "content-length: 16\r\n"
				  "X-Denied-By: postern\r\n"
				  "Cache-Control:no-store\r\n"
				  "connection: close\r\n"
				  "\r\n"
				  "{\"error\": \"n\xc3\xb6\"}");
	opts.body = "";
	r = made(&opts, true);
	cr_expect_eq(r.head_len, r.len);
	cr_expect(strstr(r.bytes, "content-length: 0\r\n"));
}

Test(reply, refuses_what_would_reframe_it)
{
	static const char *const bad[] = {
		"",
		"X",
		": x",
		"X : x",
		"X:",
		"X: ",
		"X: a ",
		"X: a\r\nContent-Length: 3",
		"X: \x7f",
		"\xc3\xb6: x",
		"Content-Length: 3",
		"content-type: x",
		"Transfer-Encoding: chunked",
		"CONNECTION: keep-alive",
		"Keep-Alive: 1",
		"Upgrade: x",
		"Trailer: x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct pst_reply_opts opts = {.headers = {bad[i]}, .n_headers = 1};
		struct pst_reply r;

		cr_expect(pst_reply_header_error(bad[i]), "%s", bad[i]);
		cr_expect_eq(pst_reply_make(&opts, true, &r), -EINVAL, "%s", bad[i]);
	}
	cr_expect_null(pst_reply_header_error("X:a"));
	cr_expect_null(pst_reply_header_error("Content-Lengths: a\tb"));
	cr_expect(pst_reply_content_type_error("a\r\nb"));
	cr_expect(pst_reply_content_type_error(""));
	cr_expect_null(pst_reply_content_type_error("a/b"));
}

Test(reply, has_bounds)
{
	char body[PST_REPLY_BODY_MAX + 2] = {0}, header[900] = "X: ";
	struct pst_reply_opts opts = {.body = body, .headers = {header}};
	struct pst_reply r;

	memset(body, 'b', PST_REPLY_BODY_MAX);
	cr_expect_eq(pst_reply_make(&opts, true, &r), 0);
	body[PST_REPLY_BODY_MAX] = 'b';
	cr_expect_eq(pst_reply_make(&opts, true, &r), -EMSGSIZE);
	body[PST_REPLY_BODY_MAX] = 0;
	opts.n_headers = 1;
	memset(header + 3, 'x', sizeof(header) - 4);
	cr_expect_eq(pst_reply_make(&opts, true, &r), -EMSGSIZE);
	opts.body = "";
	header[895] = 0;
	cr_expect_eq(pst_reply_make(&opts, true, &r), 0);
	opts.n_headers = PST_REPLY_HEADERS + 1;
	cr_expect_eq(pst_reply_make(&opts, true, &r), -EINVAL);
}
