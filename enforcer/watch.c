// SPDX-License-Identifier: Apache-2.0
#include "enforcer/watch.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/clock.h"
#include "policy/load.h"

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
	WRITTEN = CONTENT | IN_MOVED_TO, /* of a file that was there: no other file comes or goes */
	ENDED = IN_CLOSE_WRITE | IN_MOVED_TO,
	EVENT_BYTES = 32 * 1024,
	READS_AT_ONCE = 16, /* a writer that never stops must not keep the daemon here */
};

/* A watched inode. Which wd it has is the kernel's choice: the same for the same inode. */
struct object {
	int wd;
	unsigned int walk; /* the last walk that came by */
	bool whole;	   /* every event counts, not only those of wanted names */
	const char *given; /* a directory's name as its reader calls it; NULL: it has several */
};

struct want {
	int wd;
	const char *name;
};

struct source {
	const char *path;  /* absolute */
	const char *given; /* by whoever watches */
};

struct pst_watch {
	int epoll, inotify, timer;
	struct pst_arena *lasting; /* paths */
	struct pst_arena *passing; /* strings of the last walk */
	struct pst_arena *naming;  /* strings of the next answer */
	struct PST_VEC(struct source) sources;
	struct objects PST_VEC(struct object) objects;
	struct wants PST_VEC(struct want) wants;
	struct PST_VEC(const char *) roots; /* strings of the last walk */
	unsigned int walk;
	struct PST_VEC(const char *) changed; /* files, for the next answer */
	bool all_changed;
	bool answered;		   /* changed is the last answer's */
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

static int walk_path(struct pst_watch *w, const struct source *s, unsigned int depth);

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

/* As policy/load.h would call it. */
static const char *name_below(struct pst_arena *arena, const char *dir, const char *name)
{
	size_t n = strlen(dir);

	return pst_arena_printf(arena, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

static int visit(struct pst_watch *w, const struct source *dir, const struct dirent *d,
		 unsigned int depth)
{
	struct source s;

	if (d->d_name[0] == '.')
		return 0;
	if (d->d_type != DT_DIR && d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
		return 0;
	s.path = join(w, dir->path, d->d_name);
	s.given = name_below(w->passing, dir->given, d->d_name);
	return s.path && s.given ? walk_path(w, &s, depth + 1) : -ENOMEM;
}

static int walk_dir(struct pst_watch *w, const struct source *s, unsigned int depth)
{
	const struct dirent *d;
	struct object *obj;
	DIR *dir;
	int r = add(w, s->path, NAMES | CONTENT | IN_ONLYDIR, &obj);

	if (r)
		return r;
	if (obj->whole) { /* a symlink led here before */
		obj->given = NULL;
		return 0;
	}
	obj->whole = true;
	obj->given = s->given;
	if (depth > PST_WATCH_DEPTH)
		return complain(w, -ENAMETOOLONG, s->path);
	dir = opendir(s->path);
	if (!dir)
		return is_absent(-errno) ? 0 : complain(w, -errno, s->path);
	while (!r && (d = readdir(dir)))
		r = visit(w, s, d, depth);
	closedir(dir);
	return r;
}

static bool is_beneath(const char *path, const char *root)
{
	const size_t n = strcmp(root, "/") ? strlen(root) : 0;

	return !strncmp(path, root, n) && (path[n] == '/' || !path[n]);
}

/* Of a file its directory: there the next one will be. Both are absolute and free of symlinks. */
static int note_root(struct pst_watch *w, const char *path, bool is_dir)
{
	const char *slash = strrchr(path, '/');

	if (!is_dir)
		path = slash == path ? "/"
				     : pst_arena_strndup(w->passing, path, (size_t)(slash - path));
	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < w->roots.n; i++)
		if (is_beneath(path, w->roots.v[i]))
			return 0;
	return pst_vec_push(&w->roots, path);
}

static int arrive(struct pst_watch *w, const struct source *s, unsigned int depth)
{
	struct object *obj;
	struct stat st;
	int r;

	if (lstat(s->path, &st))
		return -errno;
	r = note_root(w, s->path, S_ISDIR(st.st_mode));
	if (r)
		return r;
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, s, depth);
	r = add(w, s->path, CONTENT, &obj);
	if (!r)
		obj->whole = true;
	return r;
}

static int walk_path(struct pst_watch *w, const struct source *s, unsigned int depth)
{
	struct cursor c = {.at = "", .todo = s->path};
	struct source there = {.given = s->given};
	int r = 0;

	while (!r && *(c.todo += strspn(c.todo, "/"))) {
		size_t n = strcspn(c.todo, "/");
		const char *name = pst_arena_strndup(w->passing, c.todo, n);

		c.todo += n;
		r = name ? step(w, &c, name) : -ENOMEM;
	}
	there.path = *c.at ? c.at : "/";
	if (!r)
		r = arrive(w, &there, depth);
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
	w->roots.n = 0;
	w->walk++;
	w->passing = pst_arena_new();
	if (!w->passing)
		r = -ENOMEM;
	for (size_t i = 0; !r && i < w->sources.n; i++)
		r = walk_path(w, &w->sources.v[i], 0);
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

/* A file of a kind that is not read, beside those that are: somebody's half-done copy, say. */
static bool is_foreign(struct pst_watch *w, const struct object *obj,
		       const struct inotify_event *ev)
{
	const char *path;
	struct stat st;

	if (w->blind || !obj->given || (ev->mask & IN_ISDIR) || pst_load_is_ours(ev->name))
		return false;
	if (!(ev->mask & (IN_CREATE | IN_MOVED_TO)))
		return true; /* what was walked through is wanted */
	path = name_below(w->naming, obj->given, ev->name);
	return path && (lstat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode));
}

static bool counts(struct pst_watch *w, const struct object *obj, const struct inotify_event *ev)
{
	const char *name = ev->len ? ev->name : "";

	if (ev->mask & IN_Q_OVERFLOW)
		return true;
	if (!obj)
		return false;
	if (ev->mask & (IN_IGNORED | IN_UNMOUNT))
		return true;
	if (is_wanted(w, ev->wd, name))
		return true;
	return obj->whole && *name != '.' && !(*name && is_foreign(w, obj, ev));
}

/* The name of the one file that the event is about; NULL: it is about more, or about something
 * else. */
static const char *file_of(struct pst_watch *w, const struct object *obj,
			   const struct inotify_event *ev)
{
	if (w->blind || !obj || !obj->given || !ev->len || (ev->mask & ~(uint32_t)WRITTEN) ||
	    !pst_load_is_ours(ev->name) || is_wanted(w, ev->wd, ev->name))
		return NULL;
	return name_below(w->naming, obj->given, ev->name);
}

static void note_change(struct pst_watch *w, const char *file)
{
	for (size_t i = 0; file && i < w->changed.n; i++) {
		if (!strcmp(w->changed.v[i], file))
			return;
	}
	if (!file || w->changed.n == PST_WATCH_NAMES || pst_vec_push(&w->changed, file))
		w->all_changed = true;
}

struct heard {
	bool any;
	bool ended; /* the last change has come to its end */
	bool open;  /* its writer has not closed the file */
};

/* What has happened that counts. */
static struct heard read_events(struct pst_watch *w)
{
	alignas(struct inotify_event) char buf[EVENT_BYTES];
	struct heard heard = {0};
	ssize_t n;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		n = read(w->inotify, buf, sizeof(buf));
		if (n <= 0)
			break;
		for (const char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const void *)p;
			const struct object *obj = find_object(w, ev->wd);

			p += sizeof(*ev) + ev->len;
			if (!counts(w, obj, ev))
				continue;
			note_change(w, file_of(w, obj, ev));
			heard = (struct heard){
				.any = true,
				.ended = ev->mask & ENDED,
				.open = ev->mask & IN_MODIFY,
			};
		}
	}
	return heard;
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

static void count_down(struct pst_watch *w, uint64_t now, const struct heard *heard)
{
	const uint64_t quiet = now + (heard->open    ? PST_WATCH_OPEN_MS
				      : heard->ended ? PST_WATCH_WHOLE_MS
						     : PST_WATCH_QUIET_MS);
	uint64_t limit;

	if (!w->first_ms)
		w->first_ms = now;
	limit = w->first_ms + (heard->open ? PST_WATCH_OPEN_MS : PST_WATCH_LIMIT_MS);
	arm(w, quiet < limit ? quiet : limit);
}

static bool are_files(const struct pst_watch *w)
{
	struct stat st;

	for (size_t i = 0; i < w->changed.n; i++) {
		if (lstat(w->changed.v[i], &st) || !S_ISREG(st.st_mode))
			return false;
	}
	return true;
}

/* Ends the countdown; a blind watch starts the next one. Setting the timer makes it unreadable. */
static void finish(struct pst_watch *w, uint64_t now, struct pst_watch_news *ret_news)
{
	bool all = w->all_changed || w->blind || !are_files(w);

	*ret_news = all ? (struct pst_watch_news){0}
			: (struct pst_watch_news){.names = w->changed.v, .n = w->changed.n};
	w->first_ms = 0;
	w->answered = true;
	if (all)
		walk_all(w);
	arm(w, w->blind ? now + PST_WATCH_BLIND_MS : 0);
}

/* What the last answer said is forgotten. */
static void begin_answer(struct pst_watch *w)
{
	if (!w->answered)
		return;
	pst_arena_free(&w->naming);
	w->naming = pst_arena_new();
	w->changed.n = 0;
	w->all_changed = !w->naming;
	w->answered = false;
}

bool pst_watch_dispatch(struct pst_watch *w, struct pst_watch_news *ret_news)
{
	struct heard heard;
	uint64_t now = pst_clock_ms();

	begin_answer(w);
	heard = read_events(w);
	if (heard.any)
		count_down(w, now, &heard);
	if (!w->due_ms || now < w->due_ms)
		return false;
	finish(w, now, ret_news);
	return true;
}

/* ---- life ---- */

static int keep_path(struct pst_watch *w, const char *path)
{
	pst_auto_free char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	const char *absolute, *given;

	if (*path != '/' && !cwd)
		return pst_log_err(-errno, "cannot tell the working directory");
	absolute = pst_arena_printf(w->lasting, "%s/%s", cwd ? cwd : "", path);
	given = pst_arena_strndup(w->lasting, path, strlen(path));
	return absolute && given ? pst_vec_push(&w->sources, (struct source){absolute, given})
				 : -ENOMEM;
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
	w->naming = pst_arena_new();
	if (!w->lasting || !w->naming)
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
	pst_vec_free(&w->sources);
	pst_vec_free(&w->changed);
	pst_vec_free(&w->objects);
	pst_vec_free(&w->wants);
	pst_vec_free(&w->roots);
	pst_arena_free(&w->lasting);
	pst_arena_free(&w->passing);
	pst_arena_free(&w->naming);
	free(w);
	*watch = NULL;
}

int pst_watch_fd(const struct pst_watch *w)
{
	return w->epoll;
}

const char *const *pst_watch_roots(const struct pst_watch *w, size_t *ret_n)
{
	*ret_n = w->roots.n;
	return w->roots.v;
}
