// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const char *const shown[] = {"x-tenant", "Cookie"};

/* "METHOD URL PROTOCOL|key=value|..." of HEAD. */
static const char *read_head(const char *head, size_t len, bool queries)
{
	static char text[4096];
	struct pst_flow_request_opts opts = {queries, shown, 2};
	struct pst_arena *a = pst_arena_new();
	struct pst_flow f = {0};
	int n;

	cr_assert_eq(pst_flow_request_read(&opts, head, len, a, &f), 0);
	n = snprintf(text, sizeof(text), "%s %s %s", f.method, f.url, f.http_protocol);
	for (size_t i = 0; i < f.n_headers; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "|%s=%s", f.headers[i].key,
			      f.headers[i].value);
	pst_arena_free(&a);
	return text;
}

static void expect(const char *head, const char *wanted)
{
	cr_expect_str_eq(read_head(head, strlen(head), false), wanted, "%s",
			 read_head(head, strlen(head), false));
}

Test(flow_request, the_url_has_the_host_and_no_query)
{
	expect("GET /a/b?token=1 HTTP/1.1\r\nHost: h:8080\r\n\r\n",
	       "GET http://h:8080/a/b HTTP/1.1|Host=h:8080");
	expect("GET /a#f?x HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h/a HTTP/1.1|Host=h");
	cr_expect_str_eq(read_head("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", 33, true),
			 "GET http://h/a?b HTTP/1.1|Host=h");
}

Test(flow_request, who_a_user_is_is_left_out)
{
	expect("GET / HTTP/1.1\r\nHost: me:secret@h\r\n\r\n",
	       "GET http://h/ HTTP/1.1|Host=HUBBLE_REDACTED");
	expect("GET http://me:secret@h/x?y HTTP/1.1\r\n\r\n", "GET http://h/x HTTP/1.1");
}

Test(flow_request, what_stands_before_an_at_sign_in_a_path_is_told)
{
	expect("GET http://h/secret/@h/api HTTP/1.1\r\n\r\n",
	       "GET http://h/secret/@h/api HTTP/1.1");
	expect("GET http://me:x@h/secret/@h/api HTTP/1.1\r\n\r\n",
	       "GET http://h/secret/@h/api HTTP/1.1");
	expect("GET /secret://me@h/api HTTP/1.1\r\n\r\n", "GET /secret://me@h/api HTTP/1.1");
}

Test(flow_request, values_are_told_of_the_headers_that_were_asked_for)
{
	expect("GET / HTTP/1.1\r\nX-Tenant:  a b \r\nAccept: */*\r\nHost: h\r\n\r\n",
	       "GET http://h/ HTTP/1.1|Accept=HUBBLE_REDACTED|Host=h|X-Tenant=a b");
}

Test(flow_request, secrets_are_never_told)
{
	expect("GET / HTTP/1.1\r\nCookie: c\r\nAuthorization: a\r\nProxy-Authorization: p\r\n\r\n",
	       "GET / HTTP/1.1|Authorization=HUBBLE_REDACTED|Cookie=HUBBLE_REDACTED|"
	       "Proxy-Authorization=HUBBLE_REDACTED");
}

Test(flow_request, what_is_no_http_is_shown_as_far_as_it_goes)
{
	expect("", "  ");
	expect("hello", "hello  ");
	expect("GET", "GET  ");
	expect("GET /a", "GET /a ");
	expect("GET /a nonsense\r\n", "GET /a ");
	expect("\r\n\r\n", "  ");
	expect("GET  /two HTTP/1.1\r\n", "GET  ");
	expect("GET / HTTP/1.1\nA:b\nHost: h", "GET / HTTP/1.1|A=HUBBLE_REDACTED");
}

Test(flow_request, a_head_may_be_cut_at_any_byte)
{
	static const char head[] =
		"GET /a?q=secret HTTP/1.1\r\nHost: h\r\nCookie: secret\r\nX-Tenant: t\r\n\r\n";

	for (size_t len = 0; len < sizeof(head); len++)
		cr_expect_null(strstr(read_head(head, len, false), "secret"), "%zu", len);
}

Test(flow_request, without_memory_it_says_so)
{
	static const char head[] = "GET /a HTTP/1.1\r\nHost: h\r\nX-Tenant: t\r\n\r\n";
	struct pst_flow_request_opts opts = {.shown_headers = shown, .n_shown_headers = 2};

	for (long n = 0; n < 50; n++) {
		struct pst_arena *a = pst_arena_new();
		struct pst_flow f = {0};
		int r;

		pst_mem_fail_after(n);
		r = pst_flow_request_read(&opts, head, strlen(head), a, &f);
		pst_arena_free(&a);
		if (!pst_mem_failed()) {
			pst_mem_fail_after(-1);
			cr_assert_eq(r, 0);
			return;
		}
		cr_assert_neq(r, 0, "%ld", n);
	}
}
