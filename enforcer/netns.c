// SPDX-License-Identifier: Apache-2.0
#include "enforcer/netns.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
	SCAN_PAUSE_MS = 100, /* at least, between the end of a scan and the next */
	SCAN_SHARE = 9,	     /* times its own duration */
};

struct entry {
	uint64_t cookie;
	char *path; /* in the memory's arena */
};

/* What one scan found. */
struct memory {
	struct pst_arena *arena;
	struct entries PST_VEC(struct entry) entries;
};

struct inode {
	dev_t dev;
	ino_t ino;
};

struct pst_netns_set {
	int own_fd; /* the way back */
	uint64_t own_cookie;
	uint64_t next_scan_ms;
	struct memory memory;
	bool barred; /* the last scan was not let into, or not shown, some namespace */
	struct pst_netns_stats stats;
};

/* A scan under way. */
struct scan {
	struct pst_netns_set *set;
	struct memory found;
	struct inodes PST_VEC(struct inode) seen;
	bool barred;
};

/* Where namespaces show themselves: DIR/<name>SUFFIX. */
struct source {
	const char *dir;
	const char *suffix;
	bool numeric; /* names are PIDs */
};

static const struct source sources[] = {
	{"/run/netns", "", false},
	{"/run/docker/netns", "", false},
	{"/proc", "/ns/net", true},
};

static void memory_fini(struct memory *m)
{
	pst_vec_free(&m->entries);
	pst_arena_free(&m->arena);
}

int pst_netns_cookie(int fd, uint64_t *ret_cookie)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		return -errno;
	*ret_cookie = cookie;
	return 0;
}

/* Cookie of the namespace the thread is in. Any socket will do; this family is always there. */
static int cookie_here(uint64_t *ret_cookie)
{
	pst_auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	return pst_netns_cookie(fd, ret_cookie);
}

static int enter(const char *path)
{
	pst_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return -errno;
	return 0;
}

static void go_back(const struct pst_netns_set *set)
{
	if (!setns(set->own_fd, CLONE_NEWNET))
		return;
	pst_log_err(-errno, "cannot return to the daemon's network namespace");
	abort();
}

/* The cookie behind PATH. */
static int ask(const struct pst_netns_set *set, const char *path, uint64_t *ret_cookie)
{
	int r = enter(path);

	if (r)
		return r;
	r = cookie_here(ret_cookie);
	go_back(set);
	return r;
}

static bool is_seen(const struct scan *s, const struct stat *st)
{
	for (size_t i = 0; i < s->seen.n; i++)
		if (s->seen.v[i].ino == st->st_ino && s->seen.v[i].dev == st->st_dev)
			return true;
	return false;
}

static int remember(struct memory *m, uint64_t cookie, const char *path)
{
	struct entry e = {.cookie = cookie,
			  .path = pst_arena_strndup(m->arena, path, strlen(path))};

	if (!e.path)
		return -ENOMEM;
	return pst_vec_push(&m->entries, e);
}

/* Whoever is not let in cannot say that a namespace is gone. */
static void note_error(struct scan *s, int err)
{
	if (err == -EPERM || err == -EACCES)
		s->barred = true;
}

/* Things come and go while they are looked at: only lack of memory ends a scan. */
static int visit(struct scan *s, const char *path)
{
	struct stat st;
	uint64_t cookie;
	int r;

	if (stat(path, &st)) {
		note_error(s, -errno);
		return 0;
	}
	if (is_seen(s, &st))
		return 0;
	if (s->seen.n >= PST_NETNS_MAX) {
		s->set->stats.too_many++;
		return 0;
	}
	if (pst_vec_push(&s->seen, (struct inode){st.st_dev, st.st_ino}))
		return -ENOMEM;
	r = ask(s->set, path, &cookie);
	if (r) {
		note_error(s, r);
		return 0;
	}
	return remember(&s->found, cookie, path);
}

static bool is_wanted(const struct source *src, const char *name)
{
	if (src->numeric)
		return name[0] >= '1' && name[0] <= '9';
	return name[0] != '.';
}

static int visit_source(struct scan *s, const struct source *src)
{
	DIR *dir = opendir(src->dir);
	const struct dirent *d;
	char path[sizeof(d->d_name) + 64];
	int r = 0;

	if (!dir)
		return 0;
	while (!r && (d = readdir(dir))) {
		if (!is_wanted(src, d->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", src->dir, d->d_name, src->suffix);
		r = visit(s, path);
	}
	closedir(dir);
	return r;
}

/* Most processes live in the daemon's own namespace: it goes first and is never entered. */
static int scan_sources(struct scan *s)
{
	struct stat st;
	int r;

	s->found.arena = pst_arena_new();
	if (!s->found.arena)
		return -ENOMEM;
	if (fstat(s->set->own_fd, &st))
		return -errno;
	r = pst_vec_push(&s->seen, (struct inode){st.st_dev, st.st_ino});
	for (size_t i = 0; !r && i < sizeof(sources) / sizeof(sources[0]); i++)
		r = visit_source(s, &sources[i]);
	return r;
}

static void swap_memory(struct memory *a, struct memory *b)
{
	struct memory tmp = *a;

	*a = *b;
	*b = tmp;
}

static int scan(struct pst_netns_set *set)
{
	struct scan s = {.set = set};
	uint64_t start = pst_clock_ms(), end, pause;
	int r;

	if (start < set->next_scan_ms) {
		set->stats.refused++;
		return -EAGAIN;
	}
	r = scan_sources(&s);
	if (!r)
		swap_memory(&set->memory, &s.found);
	set->barred = s.barred;
	memory_fini(&s.found);
	pst_vec_free(&s.seen);

	end = pst_clock_ms();
	pause = (end - start) * SCAN_SHARE;
	set->next_scan_ms = end + (pause > SCAN_PAUSE_MS ? pause : SCAN_PAUSE_MS);
	set->stats.scans++;
	return r;
}

static const struct entry *find(const struct pst_netns_set *set, uint64_t cookie)
{
	for (size_t i = 0; i < set->memory.entries.n; i++)
		if (set->memory.entries.v[i].cookie == cookie)
			return &set->memory.entries.v[i];
	return NULL;
}

struct call {
	uint64_t cookie;
	pst_netns_fn fn;
	void *arg;
	int result;
};

/* Enters where PATH leads, and calls when that is the right namespace. False: nothing was called.
 */
static bool call_at(const struct pst_netns_set *set, const char *path, struct call *c)
{
	uint64_t cookie = 0;
	bool right;

	if (enter(path))
		return false;
	right = !cookie_here(&cookie) && cookie == c->cookie;
	if (right)
		c->result = c->fn(c->arg);
	go_back(set);
	return right;
}

static bool call_known(struct pst_netns_set *set, struct call *c)
{
	const struct entry *e = find(set, c->cookie);

	if (!e)
		return false;
	if (call_at(set, e->path, c))
		return true;
	set->stats.stale++;
	return false;
}

int pst_netns_run(struct pst_netns_set *set, uint64_t cookie, pst_netns_fn fn, void *arg)
{
	struct call c = {.cookie = cookie, .fn = fn, .arg = arg};
	int r;

	if (!cookie)
		return -EINVAL;
	if (cookie == set->own_cookie)
		return fn(arg);
	if (call_known(set, &c))
		return c.result;
	r = scan(set);
	if (r)
		return r;
	if (call_known(set, &c))
		return c.result;
	return set->barred ? -EPERM : -ESRCH;
}

struct each {
	pst_netns_each_fn fn;
	void *arg;
	uint64_t cookie;
};

static int call_each(void *arg)
{
	const struct each *e = arg;

	return e->fn(e->cookie, e->arg);
}

int pst_netns_each(struct pst_netns_set *set, pst_netns_each_fn fn, void *arg)
{
	struct each e = {.fn = fn, .arg = arg, .cookie = set->own_cookie};
	int looked = scan(set), r;

	if (looked && looked != -EAGAIN)
		return looked;
	r = fn(set->own_cookie, arg);
	for (size_t i = 0; !r && i < set->memory.entries.n; i++) {
		struct call c = {.fn = call_each, .arg = &e};

		e.cookie = c.cookie = set->memory.entries.v[i].cookie;
		if (call_at(set, set->memory.entries.v[i].path, &c))
			r = c.result;
	}
	return r ? r : looked;
}

struct socket_args {
	int domain, type, protocol;
};

static int open_socket(void *arg)
{
	const struct socket_args *a = arg;
	int fd = socket(a->domain, a->type | SOCK_CLOEXEC, a->protocol);

	return fd < 0 ? -errno : fd;
}

int pst_netns_socket(struct pst_netns_set *set, uint64_t cookie, int domain, int type, int protocol)
{
	struct socket_args a = {domain, type, protocol};

	return pst_netns_run(set, cookie, open_socket, &a);
}

int pst_netns_set_new(struct pst_netns_set **ret_set)
{
	struct pst_netns_set *set = pst_mem_calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	set->own_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	r = set->own_fd < 0 ? -errno : cookie_here(&set->own_cookie);
	if (r) {
		pst_netns_set_free(&set);
		return pst_log_err(r, "cannot open the own network namespace");
	}
	*ret_set = set;
	return 0;
}

void pst_netns_set_free(struct pst_netns_set **set)
{
	if (!*set)
		return;
	pst_cleanup_fd(&(*set)->own_fd);
	memory_fini(&(*set)->memory);
	free(*set);
	*set = NULL;
}

uint64_t pst_netns_own(const struct pst_netns_set *set)
{
	return set->own_cookie;
}

void pst_netns_stats(const struct pst_netns_set *set, struct pst_netns_stats *ret_stats)
{
	*ret_stats = set->stats;
	ret_stats->known = (uint32_t)set->memory.entries.n;
}
