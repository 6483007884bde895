// SPDX-License-Identifier: Apache-2.0
#include "enforcer/http_serve.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { MAX_CONNECTIONS = 16, TIMEOUT_S = 5, CONNECTION_BYTES = 16384 };

struct pst_http_serve {
	struct MHD_Daemon *daemon;
	pst_http_page_fn page;
	void *arg;
	int epoll_fd; /* the server's own, and the timer */
	int timer_fd; /* runs while there are connections: somebody must notice that they time out
		       */
};

static enum MHD_Result respond(struct MHD_Connection *c, unsigned int status, char *body,
			       size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result ok;

	if (!r) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **state)
{
	struct pst_http_serve *s = arg;
	unsigned int status = MHD_HTTP_OK;
	char *body = NULL;
	size_t len = 0;
	FILE *out;

	(void)version, (void)data, (void)state;
	if (*data_len) { /* nobody has anything to tell us */
		*data_len = 0;
		return MHD_YES;
	}
	out = open_memstream(&body, &len);
	if (!out)
		return MHD_NO;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		fputs("only GET\n", out);
	} else if (!s->page(path, out, &status, s->arg)) {
		status = MHD_HTTP_NOT_FOUND;
		fputs("there is no such page\n", out);
	}
	if (fclose(out)) {
		free(body);
		return MHD_NO;
	}
	return respond(c, status, body, len);
}

/* "127.0.0.1:9970", "[::1]:9970" */
static int parse_address(const char *text, struct addrinfo **ret_addr)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	const char *colon = strrchr(text, ':'), *begin = text, *end = colon;
	char host[64];

	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strlen(colon + 1) > 5 || strtoul(colon + 1, NULL, 10) > 65535)
		return -EINVAL;
	if (*text == '[' && colon > text && colon[-1] == ']') {
		begin++;
		end--;
	} else if (memchr(text, ':', (size_t)(colon - text))) {
		return -EINVAL;
	}
	if (begin == end || (size_t)(end - begin) >= sizeof(host))
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	return getaddrinfo(host, colon + 1, &hints, ret_addr) ? -EINVAL : 0;
}

bool pst_http_serve_is_address(const char *address)
{
	struct addrinfo *a = NULL;

	if (parse_address(address, &a))
		return false;
	freeaddrinfo(a);
	return true;
}

static int listen_at(const struct addrinfo *a)
{
	pst_auto_fd int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, MAX_CONNECTIONS))
		return -errno;
	return PST_TAKE_FD(fd);
}

static int start(struct pst_http_serve *s, int fd)
{
	const union MHD_DaemonInfo *info;
	struct epoll_event ev = {.events = EPOLLIN};

	s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, s,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned int)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned int)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     (size_t)CONNECTION_BYTES, MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -ENOSYS;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->timer_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &ev) ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->timer_fd, &ev))
		return -errno;
	return 0;
}

int pst_http_serve_open(const char *address, pst_http_page_fn page, void *arg,
			struct pst_http_serve **ret_serve)
{
	struct addrinfo *a = NULL;
	struct pst_http_serve *s;
	int r = parse_address(address, &a), fd;

	if (r)
		return r;
	fd = listen_at(a);
	freeaddrinfo(a);
	if (fd < 0)
		return fd;
	s = pst_mem_calloc(1, sizeof(*s));
	if (!s) {
		close(fd);
		return -ENOMEM;
	}
	*s = (struct pst_http_serve){.page = page, .arg = arg, .epoll_fd = -1, .timer_fd = -1};
	r = start(s, fd);
	if (r)
		pst_http_serve_close(&s);
	else
		*ret_serve = s;
	return r;
}

void pst_http_serve_close(struct pst_http_serve **s)
{
	if (!*s)
		return;
	if ((*s)->daemon)
		MHD_stop_daemon((*s)->daemon); /* closes the listener as well */
	pst_cleanup_fd(&(*s)->epoll_fd);
	pst_cleanup_fd(&(*s)->timer_fd);
	free(*s);
	*s = NULL;
}

int pst_http_serve_fd(const struct pst_http_serve *s)
{
	return s->epoll_fd;
}

static unsigned int n_connections(const struct pst_http_serve *s)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

/*
 * A server that was full listens again only in the round behind the one in which its connections
 * end: the timer runs once more after the last.
 */
void pst_http_serve_dispatch(struct pst_http_serve *s)
{
	const struct itimerspec second = {.it_value.tv_sec = 1}, never = {0};
	bool had = n_connections(s) > 0;
	uint64_t ticks;

	(void)!read(s->timer_fd, &ticks, sizeof(ticks));
	MHD_run(s->daemon);
	timerfd_settime(s->timer_fd, 0, had || n_connections(s) ? &second : &never, NULL);
}
