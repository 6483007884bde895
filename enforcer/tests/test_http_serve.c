// SPDX-License-Identifier: Apache-2.0
#include "enforcer/http_serve.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pst_http_serve *serve;
static uint16_t port;

static bool page(const char *path, FILE *out, unsigned int *ret_status, void *arg)
{
	(void)arg;
	if (!strcmp(path, "/metrics"))
		fputs("a 1\n", out);
	else if (!strcmp(path, "/readyz"))
		*ret_status = 503;
	else
		return false;
	return true;
}

/* A port that nobody listens at, most likely for a while. */
static void set_up(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char address[32];

	cr_assert_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	cr_assert_eq(pst_http_serve_open(address, page, NULL, &serve), 0);
}

static void tear_down(void)
{
	pst_http_serve_close(&serve);
}

TestSuite(http_serve, .init = set_up, .fini = tear_down);

static int dial(void)
{
	const struct sockaddr_in a = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void run(int ms)
{
	struct pollfd p = {.fd = pst_http_serve_fd(serve), .events = POLLIN};

	for (int i = 0; i < 20 && poll(&p, 1, ms) > 0; i++)
		pst_http_serve_dispatch(serve);
}

/* The answer to LINES, which end the connection. */
static const char *ask(const char *lines)
{
	static char text[8192];
	int fd = dial();
	ssize_t n;

	cr_assert_eq(send(fd, lines, strlen(lines), 0), (ssize_t)strlen(lines));
	run(50);
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

static void expect(const char *line, const char *status, const char *body)
{
	char request[256];
	const char *text;

	snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
		 line);
	text = ask(request);
	cr_expect(!strncmp(text, status, strlen(status)), "%s: %s", line, text);
	cr_expect_not_null(strstr(text, body), "%s: %s", line, text);
}

Test(http_serve, pages_are_served_with_their_status)
{
	expect("GET /metrics", "HTTP/1.1 200 ", "\r\n\r\na 1\n");
	expect("GET /metrics?x=y", "HTTP/1.1 200 ", "a 1\n");
	expect("GET /readyz", "HTTP/1.1 503 ", "");
	expect("HEAD /metrics", "HTTP/1.1 200 ", "Content-Type: text/plain; version=0.0.4");
}

Test(http_serve, what_is_no_page_or_no_get_is_refused)
{
	expect("GET /", "HTTP/1.1 404 ", "");
	expect("GET /metrics/x", "HTTP/1.1 404 ", "");
	expect("DELETE /metrics", "HTTP/1.1 405 ", "Allow: GET, HEAD");
}

Test(http_serve, nonsense_harms_nobody)
{
	ask("\r\n\r\n\r\n");
	ask("nonsense\r\n\r\n");
	ask("POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
	expect("GET /metrics", "HTTP/1.1 200 ", "a 1\n");
}

Test(http_serve, those_who_say_nothing_make_room_after_a_while, .timeout = 30)
{
	int fds[16];

	for (int i = 0; i < 16; i++) {
		fds[i] = dial();
		run(20);
	}
	for (int i = 0; i < 10; i++)
		run(1000);
	cr_expect_eq(recv(fds[0], &(char){0}, 1, MSG_DONTWAIT), 0, "closed");
	expect("GET /metrics", "HTTP/1.1 200 ", "a 1\n");
	for (int i = 0; i < 16; i++)
		close(fds[i]);
}

Test(http_serve, addresses_are_numbers_and_a_port)
{
	static const char *const bad[] = {"",
					  ":",
					  "9970",
					  "127.0.0.1",
					  "127.0.0.1:",
					  ":9970",
					  "localhost:80",
					  "127.0.0.1:x",
					  "127.0.0.1:65536",
					  "::1:80",
					  "[::1]",
					  "[]:80",
					  "127.0.0.1:000080"};
	struct pst_http_serve *s = NULL;
	char address[32];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(pst_http_serve_open(bad[i], page, NULL, &s), -EINVAL, "%s", bad[i]);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	cr_expect_eq(pst_http_serve_open(address, page, NULL, &s), -EADDRINUSE);
}
