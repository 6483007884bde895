// SPDX-License-Identifier: Apache-2.0
#include "enforcer/watch.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/clock.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

enum {
	NAMES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
	CONTENT = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB,
	EVENT_BYTES = 32 * 1024,
	READS_AT_ONCE = 16, /* a writer that never stops must not keep the daemon here */
};

/* A watched inode. Which wd it has is the kernel's choice: the same for the same inode. */
struct object {
	int wd;
	unsigned int walk; /* the last walk that came by */
	bool whole;	   /* every event counts, not only those of wanted names */
};

struct want {
	int wd;
	const char *name;
};

struct pst_watch {
	int epoll, inotify, timer;
	struct pst_arena *lasting; /* paths */
	struct pst_arena *passing; /* strings of the last walk */
	struct paths PST_VEC(const char *) paths;
	struct objects PST_VEC(struct object) objects;
	struct wants PST_VEC(struct want) wants;
	unsigned int walk;
	bool blind;		   /* the last walk failed */
	uint64_t first_ms, due_ms; /* of the countdown; 0: none */
};

/* ---- walking ---- */

/* Something that is not there now and may be later. */
static bool is_absent(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP;
}

static int complain(const struct pst_watch *w, int err, const char *path)
{
	if (w->blind) /* said already; nobody asks why again */
		return -EIO;
	if (err == -ENOSPC)
		return pst_log_err(err, "cannot watch %s (raise fs.inotify.max_user_watches)",
				   path);
	return pst_log_err(err, "cannot watch %s", path);
}

static struct object *find_object(const struct pst_watch *w, int wd)
{
	for (size_t i = 0; i < w->objects.n; i++)
		if (w->objects.v[i].wd == wd)
			return &w->objects.v[i];
	return NULL;
}

/* The entry of WD, fresh when this walk has not come by yet. */
static int note_object(struct pst_watch *w, int wd, struct object **ret_obj)
{
	struct object *obj = find_object(w, wd);

	if (!obj) {
		if (w->objects.n >= PST_WATCH_OBJECTS)
			return -E2BIG;
		if (pst_vec_push(&w->objects, (struct object){.wd = wd, .walk = w->walk}))
			return -ENOMEM;
		obj = &w->objects.v[w->objects.n - 1];
	}
	if (obj->walk != w->walk)
		*obj = (struct object){.wd = wd, .walk = w->walk};
	*ret_obj = obj;
	return 0;
}

/* ret_obj is good until the next call. */
static int add(struct pst_watch *w, const char *path, uint32_t mask, struct object **ret_obj)
{
	int wd = inotify_add_watch(w->inotify, path, mask | IN_MASK_ADD);
	int r = wd < 0 ? -errno : 0;

	if (is_absent(r))
		return r;
	if (wd < 0)
		return complain(w, r, path);
	r = note_object(w, wd, ret_obj);
	return r ? complain(w, r, path) : 0;
}

static int want(struct pst_watch *w, const char *dir, const char *name)
{
	struct object *obj;
	int r = add(w, *dir ? dir : "/", NAMES | IN_ONLYDIR, &obj);

	if (r)
		return r;
	return pst_vec_push(&w->wants, (struct want){.wd = obj->wd, .name = name});
}

/* A path on its way. AT is free of symlinks, "" is the root. */
struct cursor {
	const char *at;
	const char *todo;
	unsigned int links;
};

static int walk_path(struct pst_watch *w, const char *path, unsigned int depth);

static const char *join(struct pst_watch *w, const char *dir, const char *name)
{
	return pst_arena_printf(w->passing, "%s/%s", dir, name);
}

/* Continues with what the symlink says, then with the rest. */
static int follow(struct pst_watch *w, struct cursor *c, const char *target)
{
	if (++c->links > PST_WATCH_SYMLINKS)
		return -ELOOP;
	if (*target == '/')
		c->at = "";
	c->todo = join(w, target, c->todo);
	return c->todo ? 0 : -ENOMEM;
}

static int leave(struct pst_watch *w, struct cursor *c)
{
	const char *slash = strrchr(c->at, '/');

	if (slash)
		c->at = pst_arena_strndup(w->passing, c->at, (size_t)(slash - c->at));
	return c->at ? 0 : -ENOMEM;
}

/* One component. The watch comes before the look, so that nothing can happen in between unseen. */
static int step(struct pst_watch *w, struct cursor *c, const char *name)
{
	char target[PATH_MAX];
	const char *path;
	ssize_t n;
	int r;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, ".."))
		return leave(w, c);
	r = want(w, c->at, name);
	if (r)
		return r;
	path = join(w, c->at, name);
	if (!path)
		return -ENOMEM;
	n = readlink(path, target, sizeof(target) - 1);
	if (n >= 0) {
		target[n] = '\0';
		return follow(w, c, target);
	}
	if (errno != EINVAL) /* EINVAL: no symlink */
		return -errno;
	c->at = path;
	return 0;
}

static int visit(struct pst_watch *w, const char *dir, const struct dirent *d, unsigned int depth)
{
	const char *path;

	if (d->d_name[0] == '.')
		return 0;
	if (d->d_type != DT_DIR && d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
		return 0;
	path = join(w, dir, d->d_name);
	return path ? walk_path(w, path, depth + 1) : -ENOMEM;
}

static int walk_dir(struct pst_watch *w, const char *path, unsigned int depth)
{
	const struct dirent *d;
	struct object *obj;
	DIR *dir;
	int r = add(w, path, NAMES | CONTENT | IN_ONLYDIR, &obj);

	if (r || obj->whole) /* a symlink led here before */
		return r;
	obj->whole = true;
	if (depth > PST_WATCH_DEPTH)
		return complain(w, -ENAMETOOLONG, path);
	dir = opendir(path);
	if (!dir)
		return is_absent(-errno) ? 0 : complain(w, -errno, path);
	while (!r && (d = readdir(dir)))
		r = visit(w, path, d, depth);
	closedir(dir);
	return r;
}

static int arrive(struct pst_watch *w, const char *path, unsigned int depth)
{
	struct object *obj;
	struct stat st;
	int r;

	if (lstat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, path, depth);
	r = add(w, path, CONTENT, &obj);
	if (!r)
		obj->whole = true;
	return r;
}

static int walk_path(struct pst_watch *w, const char *path, unsigned int depth)
{
	struct cursor c = {.at = "", .todo = path};
	int r = 0;

	while (!r && *(c.todo += strspn(c.todo, "/"))) {
		size_t n = strcspn(c.todo, "/");
		const char *name = pst_arena_strndup(w->passing, c.todo, n);

		c.todo += n;
		r = name ? step(w, &c, name) : -ENOMEM;
	}
	if (!r)
		r = arrive(w, *c.at ? c.at : "/", depth);
	return is_absent(r) ? 0 : r;
}

/* What this walk has not come by is not wanted any more. */
static void drop_stale(struct pst_watch *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->objects.n; i++) {
		if (w->objects.v[i].walk == w->walk)
			w->objects.v[kept++] = w->objects.v[i];
		else
			inotify_rm_watch(w->inotify, w->objects.v[i].wd);
	}
	w->objects.n = kept;
}

static int walk_all(struct pst_watch *w)
{
	int r = 0;

	pst_arena_free(&w->passing);
	w->wants.n = 0;
	w->walk++;
	w->passing = pst_arena_new();
	if (!w->passing)
		r = -ENOMEM;
	for (size_t i = 0; !r && i < w->paths.n; i++)
		r = walk_path(w, w->paths.v[i], 0);
	if (!r)
		drop_stale(w);
	w->blind = r != 0;
	return r;
}

/* ---- events ---- */

static bool is_wanted(const struct pst_watch *w, int wd, const char *name)
{
	for (size_t i = 0; i < w->wants.n; i++)
		if (w->wants.v[i].wd == wd && !strcmp(w->wants.v[i].name, name))
			return true;
	return false;
}

static bool counts(const struct pst_watch *w, const struct inotify_event *ev)
{
	const struct object *obj = find_object(w, ev->wd);
	const char *name = ev->len ? ev->name : "";

	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	if (!obj)
		return false;
	if (ev->mask & (IN_IGNORED | IN_UNMOUNT))
		return true;
	return (obj->whole && *name != '.') || is_wanted(w, ev->wd, name);
}

/* Says whether anything that counts has happened. */
static bool read_events(struct pst_watch *w)
{
	alignas(struct inotify_event) char buf[EVENT_BYTES];
	bool changed = false;
	ssize_t n;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		n = read(w->inotify, buf, sizeof(buf));
		if (n <= 0)
			break;
		for (const char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const void *)p;

			changed |= counts(w, ev);
			p += sizeof(*ev) + ev->len;
		}
	}
	return changed;
}

/* ---- countdown ---- */

static void arm(struct pst_watch *w, uint64_t due_ms)
{
	struct itimerspec t = {
		.it_value = {.tv_sec = (time_t)(due_ms / 1000),
			     .tv_nsec = (long)(due_ms % 1000) * PST_NS_PER_MS},
	};

	w->due_ms = due_ms;
	timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void count_down(struct pst_watch *w, uint64_t now)
{
	uint64_t quiet = now + PST_WATCH_QUIET_MS, limit;

	if (!w->first_ms)
		w->first_ms = now;
	limit = w->first_ms + PST_WATCH_LIMIT_MS;
	arm(w, quiet < limit ? quiet : limit);
}

/* Ends the countdown; a blind watch starts the next one. Setting the timer makes it unreadable. */
static void finish(struct pst_watch *w, uint64_t now)
{
	w->first_ms = 0;
	walk_all(w);
	arm(w, w->blind ? now + PST_WATCH_BLIND_MS : 0);
}

bool pst_watch_dispatch(struct pst_watch *w)
{
	bool changed = read_events(w);
	uint64_t now = pst_clock_ms();

	if (changed)
		count_down(w, now);
	if (!w->due_ms || now < w->due_ms)
		return false;
	finish(w, now);
	return true;
}

/* ---- life ---- */

static int keep_path(struct pst_watch *w, const char *path)
{
	pst_auto_free char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	const char *absolute;

	if (*path != '/' && !cwd)
		return pst_log_err(-errno, "cannot tell the working directory");
	absolute = pst_arena_printf(w->lasting, "%s/%s", cwd ? cwd : "", path);
	return absolute ? pst_vec_push(&w->paths, absolute) : -ENOMEM;
}

static int poll_both(struct pst_watch *w)
{
	struct epoll_event ev = {.events = EPOLLIN};

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->epoll < 0 || w->inotify < 0 || w->timer < 0 ||
	    epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->inotify, &ev) ||
	    epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->timer, &ev))
		return pst_log_err(-errno, "cannot watch files");
	return 0;
}

int pst_watch_open(const char *const *paths, size_t n_paths, struct pst_watch **ret_watch)
{
	pst_cleanup(pst_watch_close) struct pst_watch *w = pst_mem_calloc(1, sizeof(*w));
	int r = 0;

	if (!w)
		return -ENOMEM;
	w->epoll = w->inotify = w->timer = -1;
	w->lasting = pst_arena_new();
	if (!w->lasting)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n_paths; i++)
		r = keep_path(w, paths[i]);
	if (!r)
		r = poll_both(w);
	if (!r)
		r = walk_all(w);
	if (r)
		return r;
	*ret_watch = PST_TAKE_PTR(w);
	return 0;
}

void pst_watch_close(struct pst_watch **watch)
{
	struct pst_watch *w = *watch;

	if (!w)
		return;
	pst_cleanup_fd(&w->epoll);
	pst_cleanup_fd(&w->inotify);
	pst_cleanup_fd(&w->timer);
	pst_vec_free(&w->paths);
	pst_vec_free(&w->objects);
	pst_vec_free(&w->wants);
	pst_arena_free(&w->lasting);
	pst_arena_free(&w->passing);
	free(w);
	*watch = NULL;
}

int pst_watch_fd(const struct pst_watch *w)
{
	return w->epoll;
}
