// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/tests/run.h"

#define ASK                                                                               \
	"explain --policy testdata/semantics/demo.yaml --direction ingress --to app=web " \
	"--port 80 "
#define EMPIRE ASK "--from org=empire "

static const char stream[] = "POST /v1/request-landing HTTP/1.1\r\nHost: h\r\n"
			     "Content-Length: 2\r\n\r\nhi"
			     "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
			     "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n"
			     "POST /v1/request-landing HTTP/1.1\r\nHost: h\r\n\r\n";

Test(explain_raw, bytes_are_judged_request_by_request_until_one_is_malformed)
{
	const char *path = write_temp("raw", stream, strlen(stream));
	char words[512];

	snprintf(words, sizeof(words), EMPIRE "--raw %s", path);
	expect_run(words, 1,
		   "0 allow rule-matched testdata/semantics/demo.yaml:12:22 default/demo "
		   "spec.ingress[0].toPorts[0].rules.http[0]\n"
		   "67 deny no-rule-l7\n"
		   "94 deny host-repeated\n",
		   NULL);
	snprintf(words, sizeof(words), EMPIRE "--raw %s --format json", path);
	expect_run(words, 1, "\"reason\":\"host-repeated\",\"rule\":null,\"offset\":94}\n", NULL);
	snprintf(words, sizeof(words), ASK "--from org=alliance --raw %s", path);
	expect_run(words, 1, "0 deny no-rule-l4\n", NULL);
	unlink(path);
	expect_run(words, 3, NULL, "cannot open");
	write_temp("raw", "", 0);
	expect_run(words, 3, NULL, "is empty");
	unlink(path);
}

Test(explain_raw, bytes_may_hold_chunks_and_end_the_connection)
{
	static const char bytes[] = "POST /v1/request-landing HTTP/1.1\r\nHost: h\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n"
				    "1b\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n0\r\nX: y\r\n\r\n"
				    "POST /v1/request-landing HTTP/1.0\r\n\r\nmore";
	const char *path = write_temp("raw", bytes, strlen(bytes));
	char words[512];

	snprintf(words, sizeof(words), EMPIRE "--raw %s", path);
	expect_run(words, 1,
		   "0 allow rule-matched testdata/semantics/demo.yaml:12:22 default/demo "
		   "spec.ingress[0].toPorts[0].rules.http[0]\n"
		   "118 allow rule-matched testdata/semantics/demo.yaml:12:22 default/demo "
		   "spec.ingress[0].toPorts[0].rules.http[0]\n"
		   "155 deny after-close\n",
		   NULL);
	unlink(path);
}

#define OFFER "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"

Test(explain_raw, bytes_behind_an_offer_of_http2_are_judged_too)
{
	static const char bytes[] = "POST /v1/request-landing HTTP/1.1\r\nHost: h\r\n" OFFER "\r\n"
				    "POST /v1/exhaust-port HTTP/1.1\r\nHost: h\r\n\r\n";
	const char *path = write_temp("raw", bytes, strlen(bytes));
	char words[512];

	snprintf(words, sizeof(words), EMPIRE "--raw %s", path);
	expect_run(words, 1, "\n123 deny no-rule-l7\n", NULL);
	unlink(path);
}

/* The proxy takes it out, the kernel cannot (docs/decisions/0035). */
Test(explain_raw, an_offer_of_http2_with_a_body_passes_where_the_proxy_judges)
{
	static const char bytes[] = "POST /v1/request-landing HTTP/1.1\r\nHost: h\r\n" OFFER
				    "Content-Length: 2\r\n\r\nhi"
				    "POST /v1/exhaust-port HTTP/1.1\r\nHost: h\r\n\r\n";
	static const char pods[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}%s}\n"
		"status: {podIP: 10.0.0.1}\n";
	static const struct {
		const char *annotations, *out;
	} modes[] = {
		{"", "0 deny h2c-upgrade\n"},
		{", annotations: {postern.io/mode: kernel}", "0 deny h2c-upgrade\n"},
		{", annotations: {postern.io/mode: proxy}", "rules.http[0]\n144 deny no-rule-l7\n"},
	};
	char raw[256], inventory[512], words[1024];

	snprintf(raw, sizeof(raw), "%s", write_temp("raw", bytes, strlen(bytes)));
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		const char *path;

		snprintf(inventory, sizeof(inventory), pods, modes[i].annotations);
		path = write_temp("pods.yaml", inventory, strlen(inventory));
		snprintf(words, sizeof(words),
			 "explain --policy testdata/semantics/demo.yaml --inventory %s --direction "
			 "ingress --from org=empire --to 10.0.0.1 --port 80 --raw %s",
			 path, raw);
		expect_run(words, 1, modes[i].out, NULL);
		unlink(path);
	}
	unlink(raw);
}

Test(explain_raw, bytes_that_all_pass_give_status_0)
{
	const char *path = write_temp("raw", stream, 67);
	char words[512];

	snprintf(words, sizeof(words), EMPIRE "--raw %s", path);
	expect_run(words, 0, "0 allow", NULL);
	unlink(path);
}
