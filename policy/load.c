// SPDX-License-Identifier: Apache-2.0
#include "policy/load.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/input.h"
#include "base/mem.h"
#include "base/vec.h"
#include "policy/yaml.h"

struct names PST_VEC(char *);

/* The directories above the one being walked: a symbolic link to one of them would never end. */
struct ancestry {
	const struct ancestry *up;
	dev_t dev;
	ino_t ino;
};

struct loader {
	struct pst_diags *diags;
	const struct pst_load_visitor *visitor;
	size_t n_found; /* files below the directory being walked */
	size_t n_dirs;
	bool stopped; /* by TAKE, or for want of memory */
};

/* The bytes of one file. */
struct text {
	char *v;
	size_t len, cap;
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	pst_vec_free(names);
}

static int fail(struct loader *l, int err, const char *id, const char *path, const char *what)
{
	const struct pst_pos pos = {.file = path};

	pst_diags_error(l->diags, id, &pos, "%s", what);
	return err;
}

static int fail_errno(struct loader *l, int err, const char *path)
{
	if (err == -ENOMEM)
		return err;
	return fail(l, err, err == -ENOENT ? "file-missing" : "file-unreadable", path,
		    strerror(-err));
}

static int too_large(struct loader *l, const char *name)
{
	static_assert(PST_YAML_MAX_SIZE == 16 << 20, "the text below");
	return fail(l, -E2BIG, "file-too-large", name, "the file is larger than 16 MiB");
}

/* EXPECTED bytes are there, as far as anybody knows; one more is asked for to see the end. */
static int read_text(struct loader *l, int fd, const char *name, size_t expected, struct text *text)
{
	while (text->len <= PST_YAML_MAX_SIZE) {
		size_t want = text->len < expected ? expected - text->len : 65536;
		ssize_t got;

		if (pst_mem_grow(&text->v, &text->cap, text->len + want + 1, 1))
			return -ENOMEM;
		got = read(fd, text->v + text->len, text->cap - text->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(l, -errno, name);
		if (!got)
			return 0;
		text->len += (size_t)got;
	}
	return too_large(l, name);
}

static void text_free(struct text *text)
{
	free(text->v);
}

static int load_fd(struct loader *l, int fd, const char *name, size_t expected, bool by_name)
{
	struct text text pst_cleanup(text_free) = {0};
	int r = read_text(l, fd, name, expected, &text);

	if (r)
		return r;
	l->n_found++;
	r = l->visitor->take(l->visitor->ctx,
			     &(struct pst_load_file){name, text.v, text.len, by_name});
	l->stopped = l->stopped || r;
	return r;
}

static bool is_known(struct loader *l, const char *path, const struct stat *st)
{
	const struct pst_load_visitor *v = l->visitor;

	return v->knows && S_ISREG(st->st_mode) && v->knows(v->ctx, path, st);
}

/* Opens without waiting: a pipe without a writer would never come back. */
static int read_file(struct loader *l, const char *path, bool by_name)
{
	struct stat st;
	/* Who asks what has changed reads again, and a pipe only once. */
	pst_auto_fd int fd = pst_input_open(path, by_name && !l->visitor->knows, &st);

	if (fd == -EINVAL)
		return fail(l, fd, "file-unreadable", path,
			    "not a regular file; \"-\" reads standard input");
	if (fd < 0)
		return fail_errno(l, fd, path);
	if (st.st_size > PST_YAML_MAX_SIZE)
		return too_large(l, path);
	return load_fd(l, fd, path, (size_t)st.st_size, by_name);
}

/* SEEN is what stat() has said. */
static int load_file(struct loader *l, const char *path, const struct stat *seen, bool by_name)
{
	if (!is_known(l, path, seen))
		return read_file(l, path, by_name);
	l->n_found++;
	return 0;
}

bool pst_load_is_ours(const char *name)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t e = strlen(endings[i]);

		if (len > e && !strcmp(name + len - e, endings[i]))
			return true;
	}
	return false;
}

static char *join(const char *dir, const char *name)
{
	size_t ld = strlen(dir), ln = strlen(name);
	char *path = pst_mem_calloc(1, ld + ln + 2);

	if (!path)
		return NULL;
	memcpy(path, dir, ld);
	if (ld && dir[ld - 1] != '/')
		path[ld++] = '/';
	memcpy(path + ld, name, ln);
	return path;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The paths below DIR that do not start with a dot, sorted, so that every run sees the same order.
 */
static int list(struct loader *l, const char *dir, struct names *names)
{
	DIR *d __attribute__((cleanup(close_dir))) = opendir(dir);
	struct dirent *e;

	if (!d)
		return fail_errno(l, -errno, dir);
	for (errno = 0; (e = readdir(d)); errno = 0) {
		char *path;

		if (e->d_name[0] == '.')
			continue;
		path = join(dir, e->d_name);
		if (!path)
			return -ENOMEM;
		if (pst_vec_push(names, path)) {
			free(path);
			return -ENOMEM;
		}
	}
	if (errno)
		return fail_errno(l, -errno, dir);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_text);
	return 0;
}

static bool is_circle(const struct ancestry *up, const struct stat *st)
{
	for (; up; up = up->up) {
		if (up->dev == st->st_dev && up->ino == st->st_ino)
			return true;
	}
	return false;
}

/* The first error counts, if it is not that nothing more can be done. */
static int worse(struct loader *l, int worst, int r)
{
	l->stopped = l->stopped || r == -ENOMEM;
	return !worst || (r && l->stopped) ? r : worst;
}

static int walk(struct loader *l, const char *dir, const struct stat *st,
		const struct ancestry *up);

static int load_entry(struct loader *l, const char *path, const struct ancestry *up)
{
	struct stat st;

	/* A link to nothing matters when it is named like one of our files. */
	if (stat(path, &st))
		return errno == ENOENT && !pst_load_is_ours(path) ? 0 : fail_errno(l, -errno, path);
	if (S_ISDIR(st.st_mode))
		return walk(l, path, &st, up);
	return pst_load_is_ours(path) ? load_file(l, path, &st, false) : 0;
}

static int walk(struct loader *l, const char *dir, const struct stat *st, const struct ancestry *up)
{
	struct names names pst_cleanup(names_free) = {0};
	const struct ancestry here = {.up = up, .dev = st->st_dev, .ino = st->st_ino};
	int worst;

	if (is_circle(up, st))
		return fail(l, -ELOOP, "directory-loop", dir, "the directory contains itself");
	if (l->n_dirs++ == PST_LOAD_MAX_DIRS) {
		l->stopped = true;
		return fail(l, -E2BIG, "too-many-directories", dir,
			    "more than 100000 directories to walk; nothing more is read");
	}
	worst = list(l, dir, &names);
	for (size_t i = 0; i < names.n && !l->stopped; i++)
		worst = worse(l, worst, load_entry(l, names.v[i], &here));
	return worst;
}

static int load_path(struct loader *l, const char *path)
{
	struct stat st;
	int r;

	if (!strcmp(path, "-"))
		return load_fd(l, STDIN_FILENO, "<stdin>", 0, true);
	if (!*path)
		return fail(l, -ENOENT, "file-missing", "\"\"",
			    "the name is empty: expected a file, a directory or \"-\"");
	if (stat(path, &st))
		return fail_errno(l, -errno, path);
	if (!S_ISDIR(st.st_mode))
		return load_file(l, path, &st, true);
	l->n_found = 0;
	r = walk(l, path, &st, NULL);
	if (!r && !l->n_found)
		return fail(l, -ENOENT, "no-files", path,
			    "the directory holds no .yaml, .yml or .json file");
	return r;
}

int pst_load_visit(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		   const struct pst_load_visitor *visitor)
{
	struct loader l = {.diags = diags, .visitor = visitor};
	int worst = 0;

	for (size_t i = 0; i < n_paths && !l.stopped; i++)
		worst = worse(&l, worst, load_path(&l, paths[i]));
	return worst;
}

int pst_load_again(const char *name, bool by_name, struct pst_diags *diags,
		   const struct pst_load_visitor *visitor)
{
	struct loader l = {.diags = diags, .visitor = visitor};

	return read_file(&l, name, by_name);
}

int pst_load_paths(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		   pst_load_take take, void *ctx)
{
	const struct pst_load_visitor visitor = {.take = take, .ctx = ctx};

	return pst_load_visit(paths, n_paths, diags, &visitor);
}
