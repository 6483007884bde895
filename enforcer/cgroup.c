// SPDX-License-Identifier: Apache-2.0
#include "enforcer/cgroup.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

/* One line of mountinfo (proc(5)), cut into its fields. */
struct line {
	char *root;
	char *point;
	char *options;
	char *fstype;
};

/* The next word of *REST, or NULL. */
static char *next_word(char **rest)
{
	char *word = strsep(rest, " \n");

	return word && *word ? word : NULL;
}

/* "36 35 98:0 /root /point rw,noatime shared:1 - cgroup2 none rw": any number of fields before the
 * dash. */
static bool split(char *text, struct line *ret_line)
{
	struct line l;
	char *word;

	for (int i = 0; i < 3; i++)
		if (!next_word(&text))
			return false;
	l.root = next_word(&text);
	l.point = next_word(&text);
	l.options = next_word(&text);
	do
		word = next_word(&text);
	while (word && strcmp(word, "-"));
	l.fstype = word ? next_word(&text) : NULL;
	if (!l.fstype)
		return false;
	*ret_line = l;
	return true;
}

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

/* The kernel writes blanks and backslashes in paths as \ooo. In place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s == '\\' && is_octal(s + 1)) {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static bool has_option(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = options; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, name, len) && (p[len] == ',' || !p[len]))
			return true;
	}
	return false;
}

static int rank(const struct pst_cgroup_mount *m)
{
	return m->is_root * 2 + m->writable;
}

/* Keeps the better of *BEST and what LINE says. */
static int consider(const struct line *l, struct pst_cgroup_mount *best)
{
	struct pst_cgroup_mount m = {
		.is_root = !strcmp(l->root, "/"),
		.writable = has_option(l->options, "rw"),
	};

	if (strcmp(l->fstype, "cgroup2") || (best->path && rank(&m) <= rank(best)))
		return 0;
	unescape(l->point);
	m.path = pst_mem_strndup(l->point, strlen(l->point));
	if (!m.path)
		return -ENOMEM;
	free(best->path);
	*best = m;
	return 0;
}

int pst_cgroup_find(FILE *mountinfo, struct pst_cgroup_mount *ret_mount)
{
	pst_cleanup(pst_cgroup_mount_fini) struct pst_cgroup_mount best = {0};
	pst_auto_free char *text = NULL;
	size_t cap = 0;
	struct line l;
	int r = 0;

	while (!r && getline(&text, &cap, mountinfo) > 0)
		if (split(text, &l))
			r = consider(&l, &best);
	if (r)
		return r;
	if (!best.path)
		return -ENOENT;
	*ret_mount = best;
	best.path = NULL;
	return 0;
}

void pst_cgroup_mount_fini(struct pst_cgroup_mount *m)
{
	free(m->path);
	m->path = NULL;
}

static int find_here(struct pst_cgroup_mount *ret_mount)
{
	pst_auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
	int r;

	if (!f)
		return pst_log_err(-errno, "cannot open /proc/self/mountinfo");
	r = pst_cgroup_find(f, ret_mount);
	if (r == -ENOENT)
		pst_log(PST_LOG_ERROR,
			"no cgroup v2 is mounted; try: mkdir -p /sys/fs/cgroup/unified && "
			"mount -t cgroup2 none /sys/fs/cgroup/unified");
	if (!r && !ret_mount->is_root)
		pst_log(PST_LOG_WARNING,
			"%s shows only a part of the cgroup v2 hierarchy: sockets outside of it are not judged",
			ret_mount->path);
	return r;
}

/* NAME below the mount, or the mount itself. */
static int below_mount(const char *name, char **ret_path)
{
	pst_cleanup(pst_cgroup_mount_fini) struct pst_cgroup_mount m = {0};
	size_t size;
	char *path;
	int r = find_here(&m);

	if (r)
		return r;
	if (!name) {
		*ret_path = PST_TAKE_PTR(m.path);
		return 0;
	}
	size = strlen(m.path) + strlen(name) + 2;
	path = pst_mem_calloc(1, size);
	if (!path)
		return -ENOMEM;
	snprintf(path, size, "%s/%s", m.path, name);
	*ret_path = path;
	return 0;
}

static int locate(const char *name, char **ret_path)
{
	char *path;

	if (!name || *name != '/')
		return below_mount(name, ret_path);
	path = pst_mem_strndup(name, strlen(name));
	if (!path)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

int pst_cgroup_open(const char *name, char **ret_path)
{
	pst_auto_free char *path = NULL;
	pst_auto_fd int fd = -1;
	struct statfs fs;
	int r = locate(name, &path);

	if (r)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return pst_log_err(-errno, "cannot open cgroup %s", path);
	if (fstatfs(fd, &fs))
		return pst_log_err(-errno, "cannot examine %s", path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC) {
		pst_log(PST_LOG_ERROR,
			"%s is not cgroup v2; name a directory below a cgroup2 mount "
			"(see: grep cgroup2 /proc/self/mountinfo)",
			path);
		return -EMEDIUMTYPE;
	}
	*ret_path = PST_TAKE_PTR(path);
	return PST_TAKE_FD(fd);
}
