// SPDX-License-Identifier: Apache-2.0
#include "enforcer/control.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json.h"
#include "enforcer/client.h"
#include "enforcer/flow_ring.h"

enum { STUCK_US = 5100 * 1000 }; /* who says nothing that long may lose his place */

static char dir[] = "/tmp/postern-control-XXXXXX";
static char path[128];
static struct pst_flow_ring *ring;
static struct pst_control *control;
static int followed, unfollowed;

static void write_status(struct pst_json *j, const char *key, void *arg)
{
	pst_json_object(j, key);
	pst_json_str(j, "health", arg);
	pst_json_end(j);
}

static void write_big(struct pst_json *j, const char *key, void *arg)
{
	(void)arg;
	pst_json_array(j, key);
	for (int i = 0; i < 200000; i++)
		pst_json_str(j, NULL, "an endpoint with a name");
	pst_json_end(j);
}

static void on_followed(bool by_anybody, void *arg)
{
	(void)arg;
	followed += by_anybody;
	unfollowed += !by_anybody;
}

static int open_control(struct pst_control **ret, const char **why)
{
	static char ok[] = "ok";
	const struct pst_control_source source = {
		.status = write_status,
		.endpoints = write_big,
		.policy = write_status,
		.flows = ring,
		.followed = on_followed,
		.node_name = "node",
		.arg = ok,
	};

	return pst_control_open(path, &source, ret, why);
}

static void set_up(void)
{
	const char *why;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run/sock", dir);
	cr_assert_eq(pst_flow_ring_new(4, 1 << 20, &ring), 0);
	cr_assert_eq(open_control(&control, &why), 0);
}

static void tear_down(void)
{
	pst_control_close(&control);
	pst_flow_ring_free(&ring);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(dir);
}

TestSuite(control, .init = set_up, .fini = tear_down);

static int dial(void)
{
	struct sockaddr_un to;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(pst_client_address(path, &to), 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void serve(void)
{
	struct pollfd p = {.fd = pst_control_fd(control), .events = POLLIN};

	while (poll(&p, 1, 20) > 0)
		pst_control_dispatch(control);
}

static int ask(const char *line)
{
	int fd = dial();

	cr_assert_eq(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
	serve();
	return fd;
}

/* All that there is to read now. */
static char *read_now(int fd)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static void expect(const char *line, const char *answer)
{
	int fd = ask(line);

	cr_assert_str_eq(read_now(fd), answer);
	cr_assert_eq(recv(fd, &(char){0}, 1, MSG_DONTWAIT), 0, "one answer, then the end");
	close(fd);
}

#define ERROR(text) "{\"version\":1,\"error\":\"" text "\"}\n"

Test(control, answers_what_it_is_asked)
{
	expect("{\"version\":1,\"request\":\"status\"}\n",
	       "{\"version\":1,\"status\":{\"health\":\"ok\"}}\n");
	cr_assert_eq(pst_control_count_clients(control), 0);
}

Test(control, what_is_no_request_is_told_so)
{
	expect("what?\n", ERROR("expected a JSON object of \\\"version\\\": 1"));
	expect("{\"version\":2,\"request\":\"status\"}\n",
	       ERROR("expected a JSON object of \\\"version\\\": 1"));
	expect("{\"version\":1}\n", ERROR("expected a \\\"request\\\""));
	expect("{\"version\":1,\"request\":\"reboot\"}\n",
	       ERROR("unknown request: expected status, endpoints, policy or observe"));
	expect("{\"version\":1,\"request\":\"observe\",\"last\":-1}\n",
	       ERROR("last: expected a number of flows"));
}

Test(control, a_request_without_end_is_too_long)
{
	char *line = malloc(PST_CONTROL_REQUEST + 1);
	int fd;

	memset(line, ' ', PST_CONTROL_REQUEST);
	line[PST_CONTROL_REQUEST] = '\0';
	fd = ask(line);
	cr_assert_str_eq(read_now(fd), ERROR("the request is too long"));
	close(fd);
	free(line);
}

Test(control, a_request_may_come_byte_by_byte)
{
	const char *line = "{\"version\":1,\"request\":\"status\"}\n";
	int fd = dial();

	for (const char *c = line; *c; c++) {
		cr_assert_eq(send(fd, c, 1, 0), 1);
		serve();
	}
	cr_assert_not_null(strstr(read_now(fd), "health"));
	close(fd);
}

Test(control, a_large_answer_arrives_whole_however_slowly_it_is_read)
{
	int fd = ask("{\"version\":1,\"request\":\"endpoints\"}\n");
	size_t len = 0;
	char last = 0, buf[5000];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		len += (size_t)n;
		last = buf[n - 1];
		pst_control_dispatch(control);
	}
	cr_assert_eq(n, 0);
	cr_assert_eq(last, '\n');
	cr_assert_gt(len, 200000 * sizeof("an endpoint with a name"));
	close(fd);
}

static void add(const char *line)
{
	pst_flow_ring_add_line(ring, line, strlen(line));
	pst_control_flows_added(control);
}

Test(control, shows_the_last_flows_and_ends)
{
	int fd;

	for (int i = 0; i < 6; i++)
		add((char[]){(char)('a' + i), '\n', '\0'});
	fd = ask("{\"version\":1,\"request\":\"observe\",\"last\":2}\n");
	cr_assert_str_eq(read_now(fd), "e\nf\n");
	close(fd);
	fd = ask("{\"version\":1,\"request\":\"observe\"}\n");
	cr_assert_str_eq(read_now(fd), "c\nd\ne\nf\n");
	close(fd);
	cr_assert_eq(followed, 0);
}

Test(control, who_follows_gets_each_flow_as_it_comes)
{
	int fd;

	add("old\n");
	fd = ask("{\"version\":1,\"request\":\"observe\",\"last\":0,\"follow\":true}\n");
	cr_assert_str_eq(read_now(fd), "");
	cr_assert_eq(followed, 1);
	add("new\n");
	cr_assert_str_eq(read_now(fd), "new\n");
	serve();
	add("newer\n");
	cr_assert_str_eq(read_now(fd), "newer\n");
	close(fd);
	serve();
	cr_assert_eq(unfollowed, 1);
	cr_assert_eq(pst_control_count_clients(control), 0);
}

Test(control, a_mark_parts_what_was_there_from_what_is_new)
{
	int fd;

	add("old\n");
	fd = ask("{\"version\":1,\"request\":\"observe\",\"follow\":true,\"mark\":true}\n");
	cr_assert_str_eq(read_now(fd), "old\n{\"version\":1,\"live\":true}\n");
	add("new\n");
	cr_assert_str_eq(read_now(fd), "new\n");
	close(fd);
	fd = ask("{\"version\":1,\"request\":\"observe\",\"last\":0,\"follow\":true,"
		 "\"mark\":true}\n");
	cr_assert_str_eq(read_now(fd), "{\"version\":1,\"live\":true}\n");
	close(fd);
}

Test(control, who_is_too_slow_loses_flows_and_is_told_how_many)
{
	static char line[100001];
	int fd = ask("{\"version\":1,\"request\":\"observe\",\"follow\":true}\n");
	size_t seen = 0, lost = 0;
	const char *loss;

	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	for (int i = 0; i < 100; i++)
		add(line);
	for (int i = 0; i < 1000; i++) {
		char *text = read_now(fd);

		for (const char *c = text; (c = strchr(c, '\n')); c++)
			seen++;
		loss = strstr(text, "\"num_events_lost\":\"");
		if (loss) {
			cr_assert_not_null(strstr(text, "\"source\":\"HUBBLE_RING_BUFFER\""));
			lost += strtoul(loss + strlen("\"num_events_lost\":\""), NULL, 10);
			seen--;
		}
		pst_control_dispatch(control);
	}
	cr_assert_gt(lost, 0);
	cr_assert_eq(seen + lost, 100, "%zu seen, %zu lost", seen, lost);
	close(fd);
}

Test(control, all_places_taken_is_said_and_ends_when_somebody_goes)
{
	int fds[PST_CONTROL_CLIENTS + 1];

	for (int i = 0; i <= PST_CONTROL_CLIENTS; i++) {
		fds[i] = dial();
		serve();
	}
	cr_assert_str_eq(read_now(fds[PST_CONTROL_CLIENTS]), ERROR("too many connections"));
	close(fds[0]);
	serve();
	expect("{\"version\":1,\"request\":\"status\"}\n",
	       "{\"version\":1,\"status\":{\"health\":\"ok\"}}\n");
	for (int i = 1; i <= PST_CONTROL_CLIENTS; i++)
		close(fds[i]);
}

Test(control, without_a_descriptor_a_client_is_refused_and_not_told_of_for_ever)
{
	struct pollfd p = {.fd = pst_control_fd(control), .events = POLLIN};
	struct rlimit before, limit;
	int fd = dial(), first_free = dup(fd);

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){.rlim_cur = (rlim_t)first_free, .rlim_max = before.rlim_max};
	close(first_free);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(poll(&p, 1, 1000), 1);
	pst_control_dispatch(control);
	cr_expect_eq(poll(&p, 1, 50), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_str_eq(read_now(fd), ERROR("too many connections"));
	close(fd);
	expect("{\"version\":1,\"request\":\"status\"}\n",
	       "{\"version\":1,\"status\":{\"health\":\"ok\"}}\n");
}

Test(control, who_says_nothing_is_let_go)
{
	int fd = dial();

	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	serve();
	cr_assert_eq(recv(fd, &(char){0}, 1, MSG_DONTWAIT), 0);
	close(fd);
}

/* Both at once: somebody new, and the end of the one whose place is his then. */
Test(control, who_gets_the_place_of_another_does_not_end_with_him)
{
	int fds[PST_CONTROL_CLIENTS], fd;

	for (int i = 0; i < PST_CONTROL_CLIENTS; i++) {
		fds[i] = dial();
		serve();
	}
	usleep(STUCK_US);
	fd = dial();
	close(fds[0]);
	serve();
	cr_assert_eq(pst_control_count_clients(control), PST_CONTROL_CLIENTS);
	cr_assert_eq(send(fd, "{}\n", 3, MSG_NOSIGNAL), 3);
	serve();
	cr_expect_str_eq(read_now(fd), ERROR("expected a JSON object of \\\"version\\\": 1"));
	for (int i = 1; i < PST_CONTROL_CLIENTS; i++)
		close(fds[i]);
	close(fd);
}

Test(control, the_socket_is_for_its_owner_and_its_group)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0660, "%o", st.st_mode);
}

Test(control, a_socket_that_somebody_listens_at_is_left_alone)
{
	struct pst_control *second = NULL;
	const char *why;

	cr_assert_eq(open_control(&second, &why), -EADDRINUSE);
	cr_assert_not_null(strstr(why, "listens there"));
	expect("{\"version\":1,\"request\":\"status\"}\n",
	       "{\"version\":1,\"status\":{\"health\":\"ok\"}}\n");
}

Test(control, a_socket_that_was_left_behind_is_replaced)
{
	struct sockaddr_un at;
	const char *why;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pst_control_close(&control);
	cr_assert_eq(access(path, F_OK), -1, "it goes with its daemon");
	cr_assert_eq(pst_client_address(path, &at), 0);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	cr_assert_eq(open_control(&control, &why), 0, "%s", why);
	expect("{\"version\":1,\"request\":\"status\"}\n",
	       "{\"version\":1,\"status\":{\"health\":\"ok\"}}\n");
}

Test(control, something_else_than_a_socket_is_left_alone)
{
	const char *why;
	FILE *f;

	pst_control_close(&control);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fclose(f);
	cr_assert_eq(open_control(&control, &why), -EEXIST);
	cr_assert_not_null(strstr(why, "something else"));
	cr_assert_eq(access(path, F_OK), 0);
}

Test(control, the_file_of_a_successor_is_not_removed)
{
	struct pst_control *second = NULL;
	const char *why;

	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(open_control(&second, &why), 0);
	pst_control_close(&control);
	cr_assert_eq(access(path, F_OK), 0);
	pst_control_close(&second);
	cr_assert_eq(access(path, F_OK), -1);
}

Test(control, the_client_asks_and_reads)
{
	FILE *answer = NULL;
	char line[256];

	cr_assert_eq(pst_client_ask(path, "{\"version\":1,\"request\":\"policy\"}", &answer), 0);
	serve();
	cr_assert_not_null(fgets(line, sizeof(line), answer));
	cr_assert_str_eq(line, "{\"version\":1,\"policy\":{\"health\":\"ok\"}}\n");
	fclose(answer);
	cr_assert_eq(pst_client_ask("/nonexistent/sock", "{}", &answer), -ENOENT);
}
