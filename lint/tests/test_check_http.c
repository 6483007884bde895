// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "lint/tests/checked.h"

#define METHOD(m) T_IN("{" T_HTTP_80("{method: '" m "'}") "}")
#define PATH(p)	  T_IN("{" T_HTTP_80("{path: '" p "'}") "}")
#define HOST(h)	  T_IN("{" T_HTTP_80("{host: '" h "'}") "}")
#define HEADER(h) T_IN("{" T_HTTP_80("{headers: ['" h "']}") "}")

#define MATCH(m)  T_IN("{" T_HTTP_80("{headerMatches: [" m "]}") "}")

struct trap {
	const char *text;
	const char *id;
	const char *marked; /* NULL: no such finding */
};

static void check_all(const struct trap *traps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(t_count(traps[i].text, traps[i].id), traps[i].marked ? 1 : 0, "%s: %s",
			     traps[i].id, traps[i].text);
		cr_expect_str_eq(t_marked(traps[i].text, traps[i].id),
				 traps[i].marked ? traps[i].marked : "");
	}
}

#define CHECK_ALL(traps) check_all(traps, sizeof(traps) / sizeof(*(traps)))

Test(check_http, methods)
{
	static const struct trap traps[] = {
		{METHOD("get"), "method-lower-case", "get"},
		{METHOD("POST|put"), "method-lower-case", "put"},
		{METHOD("(POST|Put)"), "method-lower-case", "Put"},
		{METHOD("POST|PUT"), "method-lower-case", NULL},
		{METHOD("[a-z]+"), "method-lower-case", NULL},
		{METHOD("(?i)get"), "method-lower-case", NULL},
		{METHOD("PUT,POST"), "method-never-matches", "PUT,POST"},
		{METHOD("/PUT/"), "method-never-matches", "/PUT/"},
		{METHOD("^PUT$"), "method-never-matches", NULL},
		{METHOD("M-SEARCH"), "method-never-matches", NULL},
		{METHOD("M-SEARCH"), "method-unknown", "M-SEARCH"},
		{METHOD("PROPFIND"), "method-unknown", NULL},
		{METHOD("P.*"), "method-unknown", NULL},
	};

	CHECK_ALL(traps);
}

Test(check_http, get_wants_head)
{
	static const struct trap traps[] = {
		{METHOD("GET"), "get-without-head", "GET"},
		{METHOD("GET|POST"), "get-without-head", "GET|POST"},
		{METHOD("GET|HEAD"), "get-without-head", NULL},
		{METHOD("POST"), "get-without-head", NULL},
		{METHOD(".*"), "get-without-head", NULL},
		{METHOD("[A-Z]+"), "get-without-head", NULL},
		{T_IN("{" T_HTTP_80("{method: GET, path: /a}, {method: HEAD}") "}"),
		 "get-without-head", NULL},
		{T_IN("{" T_HTTP_80("{method: GET, path: /a}, {method: HEAD, path: /a}") "}"),
		 "get-without-head", NULL},
		{T_IN("{" T_HTTP_80("{method: GET, path: /a}, {method: HEAD, path: /b}") "}"),
		 "get-without-head", "GET"},
	};

	CHECK_ALL(traps);
}

Test(check_http, paths_that_never_match)
{
	static const struct trap traps[] = {
		{PATH("public"), "path-without-slash", "p"},
		{PATH("^public$"), "path-without-slash", "p"},
		{PATH("/a|b"), "path-without-slash", "b"},
		{PATH("(/a|b)"), "path-without-slash", "b"},
		{PATH("\\*"), "path-without-slash", NULL},
		{PATH(".*"), "path-without-slash", NULL},
		{PATH("a?/b"), "path-without-slash", NULL},
		{PATH("(a|)/b"), "path-without-slash", NULL},
		{PATH("[/]b"), "path-without-slash", NULL},
		{PATH("/a//b"), "path-not-normal", "//"},
		{PATH("/a/\\.\\./b"), "path-not-normal", "/\\.\\./"},
		{PATH("/a/\\."), "path-not-normal", "/\\."},
		{PATH("/a/%2Fb"), "path-not-normal", "%2F"},
		{PATH("/%41"), "path-not-normal", "%41"},
		{PATH("/a#b"), "path-not-normal", "#"},
		{PATH("/a\\\\b"), "path-not-normal", "\\\\"},
		{PATH("/caf\xc3\xa9"), "path-not-normal", "\xc3"},
		{PATH("/a/\\.well-known"), "path-not-normal", NULL},
		{PATH("/a%20b"), "path-not-normal", NULL},
		{PATH("/a/?/b"), "path-not-normal", NULL},
		{PATH("/a\\?u=http://b"), "path-not-normal", NULL},
		{PATH("/a.*//b"), "path-not-normal", NULL},
	};

	CHECK_ALL(traps);
}

Test(check_http, paths_that_match_something_else)
{
	static const struct trap traps[] = {
		{PATH("/public/*"), "path-glob", "/*"},
		{PATH("/public/.*"), "path-glob", NULL},
		{PATH("/public*"), "path-glob", NULL},
		{PATH(".*/public"), "path-any-prefix", ".*"},
		{PATH("^.*public$"), "path-any-prefix", ".*"},
		{PATH(".*"), "path-any-prefix", NULL},
		{PATH("/.*/public"), "path-any-prefix", NULL},
		{PATH("/admin.*"), "path-prefix-open", "n.*"},
		{PATH("/admin.*$"), "path-prefix-open", "n.*"},
		{PATH("/admin/.*"), "path-prefix-open", NULL},
		{PATH("/admin.*/x"), "path-prefix-open", NULL},
		{PATH("/a(/.*)?"), "path-prefix-open", NULL},
		{PATH("/search?q=x"), "path-question-mark", "?"},
		{PATH("/search\\?q=x"), "path-question-mark", NULL},
		{PATH("/colou?r"), "path-question-mark", NULL},
		{PATH("/index.html"), "path-dot", "."},
		{PATH("/index\\.html"), "path-dot", NULL},
		{PATH("/a.*"), "path-dot", NULL},
		{PATH("/a/.b"), "path-dot", NULL},
		{PATH("/a"), "path-without-query", "a"},
		{PATH("/a.*"), "path-without-query", NULL},
		{PATH("/a\\?b"), "path-without-query", NULL},
		{PATH("/a$"), "anchor-needless", "$"},
		{PATH("^/a"), "anchor-needless", "^"},
		{PATH("/a\\$"), "anchor-needless", NULL},
	};

	CHECK_ALL(traps);
}

Test(check_http, hosts)
{
	static const struct trap traps[] = {
		{HOST("a.example"), "host-dot", "."},
		{HOST("a\\.example"), "host-dot", NULL},
		{HOST("a[.]example"), "host-dot", NULL},
		{HOST("[a-z]+.example"), "host-dot", "."},
		{HOST(".*\\.example"), "host-dot", NULL},
		{HOST("Shop"), "host-upper-case", "S"},
		{HOST("shop"), "host-upper-case", NULL},
		{HOST("[A-Z]"), "host-upper-case", NULL},
		{HOST("https://shop"), "host-with-path", "/"},
		{HOST("shop/x"), "host-with-path", "/"},
		{HOST("shop|a/b"), "host-with-path", NULL},
		{HOST("(https://)?shop"), "host-with-path", NULL},
		{HOST("shop"), "host-without-port", NULL},
	};

	CHECK_ALL(traps);
}

Test(check_http, a_host_wants_its_port_where_clients_send_it)
{
#define ON(port, host)                                                                            \
	T_IN("{toPorts: [{ports: [{port: " port ", protocol: TCP}], rules: {http: [{host: '" host \
	     "'}]}}]}")
	static const struct trap traps[] = {
		{ON("'8080'", "shop\\.example"), "host-without-port", "shop\\.example"},
		{ON("'8080'", "shop\\.example(:8080)?"), "host-without-port", NULL},
		{ON("'8080'", "shop\\.example.*"), "host-without-port", NULL},
		{ON("'80'", "shop\\.example"), "host-without-port", NULL},
		{ON("'443'", "shop\\.example"), "host-without-port", NULL},
		{ON("http", "shop\\.example"), "host-without-port", NULL},
	};

	CHECK_ALL(traps);
#undef ON
}

Test(check_http, headers)
{
	static const struct trap traps[] = {
		{HEADER("X-Token:42"), "header-without-space", "X-Token:42"},
		{HEADER("X-Token: 42"), "header-without-space", NULL},
		{HEADER("X-Token:"), "header-without-space", NULL},
		{HEADER("X-Token 42"), "header-without-space", NULL},
		{HEADER("X-Token"), "header-name-invalid", NULL},
		{HEADER("X(Token)"), "header-name-invalid", "X(Token)"},
		{HEADER("X-Token:  42"), "header-blank", "X-Token:  42"},
		{HEADER("X-Token: 42 "), "header-blank", "X-Token: 42 "},
		{HEADER("X-Token: 4 2"), "header-blank", NULL},
		{HEADER("Host: a"), "header-host", "Host: a"},
		{HEADER("X-Host: a"), "header-host", NULL},
		{HEADER("X-Forwarded-For: 192.0.2.1"), "header-joined",
		 "X-Forwarded-For: 192.0.2.1"},
		{HEADER("X-Forwarded-For"), "header-joined", NULL},
		{HEADER("Connection"), "header-of-connection", "Connection"},
		{HEADER("connection: close"), "header-of-connection", "connection: close"},
		{HEADER("connection: close"), "header-joined", NULL},
		{HEADER("HTTP2-Settings"), "header-of-connection", "HTTP2-Settings"},
		{HEADER("HTTP2-Setting"), "header-of-connection", NULL},
		{HEADER("Keep-Alive"), "header-of-connection", "Keep-Alive"},
		{HEADER("Proxy-Connection"), "header-of-connection", "Proxy-Connection"},
		{HEADER("Transfer-Encoding: chunked"), "header-of-connection",
		 "Transfer-Encoding: chunked"},
		{HEADER("Upgrade: h2c"), "header-of-connection", "Upgrade: h2c"},
		{HEADER("upgrade: WebSocket"), "header-of-connection", NULL},
		{HEADER("upgrade: websocket"), "header-of-connection", NULL},
		{HEADER("Upgrade: websocket"), "header-joined", NULL},
		{HEADER("Upgrade"), "header-of-connection", NULL},
		{HEADER("Upgrade-Insecure-Requests: 1"), "header-of-connection", NULL},
		{HEADER("TE: trailers"), "header-of-connection", NULL},
		{MATCH("{name: Upgrade, value: h2c}"), "header-of-connection",
		 "{name: Upgrade, value: h2c}"},
		{MATCH("{name: Connection, mismatch: LOG}"), "header-of-connection",
		 "{name: Connection, mismatch: LOG}"},
		{MATCH("{name: Connection, mismatch: DELETE}"), "header-of-connection", NULL},
		{HEADER("authorization: x"), "header-secret", "authorization: x"},
		{HEADER("Authorization"), "header-secret", NULL},
	};

	CHECK_ALL(traps);
}

Test(check_http, a_place_inside_of_an_escaped_scalar_is_the_whole_scalar)
{
	cr_expect_str_eq(
		t_marked(T_IN("{" T_HTTP_80("{host: \"a\\\\.b.example\"}") "}"), "host-dot"),
		"a\\\\.b.example");
}

Test(check_http, a_header_without_a_space_is_written_right_in_the_message)
{
	cr_expect_str_eq(
		t_says(HEADER("X-Token:42"), "header-without-space"),
		"this asks for a header that is named \"X-Token:42\", which no request has; write \"X-Token: 42\"");
}
