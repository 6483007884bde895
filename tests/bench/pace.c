// SPDX-License-Identifier: Apache-2.0
/*
 * Asks an HTTP server at a fixed rate, whatever it answers (open loop): a request's time is counted
 * from the moment at which it was due, also when no connection was free then. So a server that
 * stalls is not asked less for it.
 *
 *	pace ADDRESS PORT PATH CONNECTIONS RATE SECONDS
 *
 * The first tenth of the time is not counted. Every answer must be as long as the first one, and
 * say 200. Prints "RATE P50 P99 P999 MOST": answers per second, microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 1024, SECOND = 1000000000 };

struct connection {
	int fd;
	long due; /* when the request under way should have begun (ns) */
	size_t left;
	int begun; /* has something of the answer come? */
};

struct load {
	struct connection all[MAX_CONNECTIONS];
	int free[MAX_CONNECTIONS], free_count;
	char request[1024];
	size_t request_len, answer_len;
	long start, interval, sent, answered, total;
	unsigned *times; /* of each request that was answered (us) */
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "pace: %s: %s\n", what, errno ? strerror(errno) : "no");
	exit(1);
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static long number(const char *text, long most)
{
	char *end;
	long n = strtol(text, &end, 10);

	errno = 0;
	must(n > 0 && n <= most && !*end, text);
	return n;
}

/* How long is an answer? Asked once, without hurry. */
static size_t first_answer(const struct load *l, int fd)
{
	char buf[8192];
	size_t have = 0, head, body;
	const char *end = NULL, *length;
	char *rest;

	must(write(fd, l->request, l->request_len) == (ssize_t)l->request_len, "write");
	while (!end) {
		ssize_t n = read(fd, buf + have, sizeof(buf) - 1 - have);

		must(n > 0, "the first answer");
		have += (size_t)n;
		buf[have] = 0;
		end = strstr(buf, "\r\n\r\n");
	}
	must(!strncmp(buf, "HTTP/1.1 200", 12), buf);
	length = strcasestr(buf, "\r\ncontent-length: ");
	must(length && length < end, "Content-Length");
	body = strtoul(length + 18, &rest, 10);
	must(body <= 1 << 30 && *rest == '\r', "Content-Length");
	have -= (size_t)(end + 4 - buf);
	for (head = (size_t)(end + 4 - buf); have < body;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		must(n > 0, "the first body");
		have += (size_t)n;
	}
	return head + body;
}

static void open_all(struct load *l, const char *address, int port, int count, int poll)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};

	must(inet_pton(AF_INET, address, &to.sin_addr) == 1, "an IPv4 address");
	for (int i = 0; i < count; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.fd = i};
		int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

		must(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
		l->answer_len = first_answer(l, fd);
		must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) &&
			     !fcntl(fd, F_SETFL, O_NONBLOCK) &&
			     !epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e),
		     "a connection");
		l->all[i].fd = fd;
		l->free[l->free_count++] = i;
	}
}

static void ask_what_is_due(struct load *l, long now)
{
	while (l->sent < l->total && l->free_count) {
		long due = l->start + l->sent * l->interval;
		struct connection *c;

		if (due > now)
			return;
		c = &l->all[l->free[--l->free_count]];
		c->due = due;
		c->left = l->answer_len;
		c->begun = 0;
		must(write(c->fd, l->request, l->request_len) == (ssize_t)l->request_len, "write");
		l->sent++;
	}
}

static void take(struct load *l, int i)
{
	struct connection *c = &l->all[i];
	char buf[65536];
	ssize_t n = read(c->fd, buf, sizeof(buf));

	if (n < 0 && errno == EAGAIN)
		return;
	errno = 0;
	must(n > 0, "the connection has ended");
	must((size_t)n <= c->left, "an answer of another length");
	must(c->begun || n < 12 || !memcmp(buf, "HTTP/1.1 200", 12), "an answer that is not 200");
	c->begun = 1;
	c->left -= (size_t)n;
	if (c->left)
		return;
	l->times[l->answered++] = (unsigned)((now_ns() - c->due) / 1000);
	l->free[l->free_count++] = i;
}

static void go(struct load *l, int poll)
{
	struct epoll_event events[64];

	l->start = now_ns();
	while (l->answered < l->total) {
		long now = now_ns(), wait = SECOND;
		struct timespec t;
		int n;

		ask_what_is_due(l, now);
		if (l->sent < l->total && l->free_count)
			wait = l->start + l->sent * l->interval - now_ns();
		t.tv_sec = wait / SECOND;
		t.tv_nsec = wait > 0 ? wait % SECOND : 0;
		n = epoll_pwait2(poll, events, 64, &t, NULL);
		must(n >= 0 || errno == EINTR, "epoll");
		must(now - l->start < 2 * l->total * l->interval + 10L * SECOND, "far behind");
		for (int i = 0; i < n; i++)
			take(l, events[i].data.fd);
	}
}

static int by_value(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static void tell(struct load *l)
{
	long skip = l->total / 10, count = l->total - skip;
	unsigned *t = l->times + skip;
	double seconds = (double)(now_ns() - l->start) / SECOND;

	qsort(t, (size_t)count, sizeof(*t), by_value);
	printf("%.0f %u %u %u %u\n", (double)l->total / seconds, t[count / 2],
	       t[count - 1 - count / 100], t[count - 1 - count / 1000], t[count - 1]);
}

int main(int argc, char **argv)
{
	static struct load l;
	int poll = epoll_create1(0);
	long rate;

	must(argc == 7 && poll >= 0, "usage: pace ADDRESS PORT PATH CONNECTIONS RATE SECONDS");
	l.request_len = (size_t)snprintf(l.request, sizeof(l.request),
					 "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", argv[3], argv[1],
					 argv[2]);
	must(l.request_len < sizeof(l.request), "a shorter path");
	rate = number(argv[5], 1000000);
	l.interval = SECOND / rate;
	l.total = rate * number(argv[6], 3600);
	l.times = malloc((size_t)l.total * sizeof(*l.times));
	must(l.times && !prctl(PR_SET_TIMERSLACK, 1), "memory");
	open_all(&l, argv[1], (int)number(argv[2], 65535), (int)number(argv[4], MAX_CONNECTIONS),
		 poll);
	go(&l, poll);
	tell(&l);
	free(l.times);
	return 0;
}
