// SPDX-License-Identifier: Apache-2.0
#include "lint/root.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

static bool holds(struct pst_arena *a, const char *dir, const char *name)
{
	const char *path = pst_arena_printf(a, "%s/%s", strcmp(dir, "/") ? dir : "", name);

	return path && !access(path, F_OK);
}

/* Cuts the last name off DIR; false at "/". */
static bool go_up(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (!slash || !strcmp(dir, "/"))
		return false;
	slash[slash == dir] = '\0';
	return true;
}

int pst_root_search(struct pst_arena *a, const char *file, const char **ret_dir)
{
	pst_auto_free char *cwd = getcwd(NULL, 0);
	char *dir;

	if (!cwd)
		return -errno;
	dir = pst_arena_strndup(a, cwd, strlen(cwd));
	if (!dir)
		return -ENOMEM;
	while (!holds(a, dir, file)) {
		if (holds(a, dir, ".git") || !go_up(dir)) {
			dir = NULL;
			break;
		}
	}
	*ret_dir = dir;
	return 0;
}

int pst_root_find(struct pst_arena *a, const char **ret_root)
{
	const char *root = NULL;
	int r = pst_root_search(a, ".git", &root);

	if (!r && !root) {
		pst_auto_free char *cwd = getcwd(NULL, 0);

		root = cwd ? pst_arena_strndup(a, cwd, strlen(cwd)) : NULL;
		r = root ? 0 : -ENOMEM;
	}
	if (!r)
		*ret_root = root;
	return r;
}

/* Takes "", "." and ".." out of the absolute path PATH, in place. */
static void normalize(char *path)
{
	char *out = path;

	for (const char *in = path; *in;) {
		size_t slashes = strspn(in, "/"), len;

		in += slashes;
		len = strcspn(in, "/");
		if (len == 2 && !memcmp(in, "..", 2)) {
			while (out > path && *--out != '/')
				;
		} else if (len && !(len == 1 && *in == '.')) {
			*out++ = '/';
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

/* As realpath(), and by the text alone when there is no such file. */
static char *absolute(struct pst_arena *a, const char *file)
{
	pst_auto_free char *real = realpath(file, NULL);
	pst_auto_free char *cwd = NULL;
	char *path;

	if (real)
		return pst_arena_strndup(a, real, strlen(real));
	if (*file == '/') {
		path = pst_arena_strndup(a, file, strlen(file));
	} else {
		cwd = getcwd(NULL, 0);
		path = pst_arena_printf(a, "%s/%s", cwd ? cwd : "", file);
	}
	if (path)
		normalize(path);
	return path;
}

const char *pst_root_relative(struct pst_arena *a, const char *base, const char *file)
{
	size_t len = strcmp(base, "/") ? strlen(base) : 0;
	const char *path;

	if (*file == '<')
		return file;
	path = absolute(a, file);
	if (path && !strncmp(path, base, len) && path[len] == '/')
		return path + len + 1;
	return path;
}

const char *pst_root_dir_of(struct pst_arena *a, const char *path)
{
	char *dir = absolute(a, path);

	if (dir)
		go_up(dir);
	return dir;
}
