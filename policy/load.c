// SPDX-License-Identifier: Apache-2.0
#include "policy/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
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
	pst_load_take take;
	void *ctx;
	size_t n_found; /* files below the directory being walked */
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

static int read_all(struct loader *l, int fd, const char *path, char **text, size_t *cap,
		    size_t *len)
{
	while (*len <= PST_YAML_MAX_SIZE) {
		ssize_t got;

		if (pst_mem_grow(text, cap, *len + 65536, 1))
			return -ENOMEM;
		got = read(fd, *text + *len, *cap - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(l, -errno, path);
		if (!got)
			return 0;
		*len += (size_t)got;
	}
	return fail(l, -E2BIG, "file-too-large", path, "the file is larger than 16 MiB");
}

static int load_file(struct loader *l, const char *path, bool by_name)
{
	pst_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	pst_auto_free char *text = NULL;
	struct pst_load_file file = {.name = path, .by_name = by_name};
	size_t cap = 0;
	int r;

	if (fd < 0)
		return fail_errno(l, -errno, path);
	r = read_all(l, fd, path, &text, &cap, &file.len);
	if (r)
		return r;
	l->n_found++;
	file.text = text;
	return l->take(l->ctx, &file);
}

static bool is_ours(const char *name)
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

static int walk(struct loader *l, const char *dir, const struct stat *st,
		const struct ancestry *up);

static int load_entry(struct loader *l, const char *path, const struct ancestry *up)
{
	struct stat st;

	if (stat(path, &st)) {
		/* A dangling link matters when it is named like one of our files. */
		return is_ours(path) ? fail_errno(l, -errno, path) : 0;
	}
	if (S_ISDIR(st.st_mode))
		return walk(l, path, &st, up);
	if (!is_ours(path))
		return 0;
	if (!S_ISREG(st.st_mode))
		return fail(l, -EINVAL, "file-unreadable", path, "not a regular file");
	return load_file(l, path, false);
}

static int walk(struct loader *l, const char *dir, const struct stat *st, const struct ancestry *up)
{
	struct names names pst_cleanup(names_free) = {0};
	const struct ancestry here = {.up = up, .dev = st->st_dev, .ino = st->st_ino};
	int worst;

	if (is_circle(up, st))
		return fail(l, -ELOOP, "directory-loop", dir, "the directory contains itself");
	worst = list(l, dir, &names);
	for (size_t i = 0; i < names.n && worst != -ENOMEM; i++) {
		int r = load_entry(l, names.v[i], &here);

		if (!worst || r == -ENOMEM)
			worst = r;
	}
	return worst;
}

static int load_path(struct loader *l, const char *path)
{
	struct stat st;
	int r;

	if (stat(path, &st))
		return fail_errno(l, -errno, path);
	if (!S_ISDIR(st.st_mode))
		return load_file(l, path, true);
	l->n_found = 0;
	r = walk(l, path, &st, NULL);
	if (!r && !l->n_found)
		return fail(l, -ENOENT, "no-files", path,
			    "the directory holds no .yaml, .yml or .json file");
	return r;
}

int pst_load_paths(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		   pst_load_take take, void *ctx)
{
	struct loader l = {.diags = diags, .take = take, .ctx = ctx};
	int worst = 0;

	for (size_t i = 0; i < n_paths && worst != -ENOMEM; i++) {
		int r = load_path(&l, paths[i]);

		if (!worst || r == -ENOMEM)
			worst = r;
	}
	return worst;
}
