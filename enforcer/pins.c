// SPDX-License-Identifier: Apache-2.0
#include "enforcer/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/schema.h"

enum { MAX_PATH = 4096, MAX_KEY = 512 };

#define LINK_PREFIX "link_"
#define COURTESY    "pst_courtesy"
#define CONFIG	    "pst_config"

struct pst_pins {
	char *dir;
	int fd; /* of the directory; holds the lock */
	char schema[PST_SCHEMA_NAME];
};

/* What is called for each entry of a directory, in the order of names. */
typedef int (*entry_fn)(const char *dir, const char *name, void *arg);

static bool is_link(const char *name)
{
	return !strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX));
}

/* "v3-...": other things in the directory are not ours, and left alone. */
static bool is_schema(const char *name)
{
	return name[0] == 'v' && name[1] >= '0' && name[1] <= '9' && strchr(name, '-');
}

static int join(char *path, const char *dir, const char *name)
{
	int n = snprintf(path, MAX_PATH, "%s/%s", dir, name);

	return n < 0 || n >= MAX_PATH ? pst_log_err(-ENAMETOOLONG, "%s/%s", dir, name) : 0;
}

static int is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Stops at the first error. A directory that is not there has no entries. */
static int each_entry(const char *dir, entry_fn fn, void *arg)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_shown, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : pst_log_err(-errno, "cannot read %s", dir);
	for (int i = 0; i < n; i++) {
		if (!r)
			r = fn(dir, names[i]->d_name, arg);
		free(names[i]);
	}
	free(names);
	return r;
}

static int check_bpffs(const char *dir, const char *parent)
{
	struct statfs fs;

	if (statfs(parent, &fs))
		return pst_log_err(-errno, "cannot pin in %s", dir);
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	pst_log(PST_LOG_ERROR,
		"cannot pin in %s: %s is not on a bpffs; mount one (mount -t bpf bpf /sys/fs/bpf), name a directory on one with --pin-dir, or let enforcement end with the daemon: --no-pins",
		dir, parent);
	return -EMEDIUMTYPE;
}

static int make_dir(const char *dir)
{
	pst_auto_free char *parent = pst_mem_strndup(dir, strlen(dir));
	char *slash;
	int r;

	if (!parent)
		return -ENOMEM;
	slash = strrchr(parent, '/');
	if (!slash)
		return pst_log_err(-EINVAL, "--pin-dir %s: expected an absolute path", dir);
	*(slash == parent ? slash + 1 : slash) = '\0';
	r = check_bpffs(dir, parent);
	if (r)
		return r;
	return mkdir(dir, 0700) && errno != EEXIST ? pst_log_err(-errno, "cannot make %s", dir) : 0;
}

/* Did somebody remove the directory while we waited for its lock? */
static bool is_still(const char *dir, int fd)
{
	struct stat now, locked;

	return !stat(dir, &now) && !fstat(fd, &locked) && now.st_ino == locked.st_ino &&
	       now.st_dev == locked.st_dev;
}

static int lock(struct pst_pins *p)
{
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0)
		return errno == ENOENT ? -ENOENT : pst_log_err(-errno, "cannot open %s", p->dir);
	if (!flock(p->fd, LOCK_EX | LOCK_NB))
		return is_still(p->dir, p->fd) ? 0 : -ESTALE;
	if (errno != EWOULDBLOCK)
		return pst_log_err(-errno, "cannot lock %s", p->dir);
	pst_log(PST_LOG_ERROR,
		"another posternd is at work with the pins in %s: end it first, or give this one a --pin-dir of its own",
		p->dir);
	return -EBUSY;
}

int pst_pins_open(const char *dir, bool make, struct pst_pins **ret_pins)
{
	struct pst_pins *p = pst_mem_calloc(1, sizeof(*p));
	int r = -ENOMEM;

	if (!p)
		return -ENOMEM;
	p->fd = -1;
	p->dir = pst_mem_strndup(dir, strlen(dir));
	if (p->dir) {
		do {
			pst_cleanup_fd(&p->fd);
			r = make ? make_dir(dir) : 0;
			if (!r)
				r = lock(p);
		} while (r == -ESTALE);
	}
	if (!r)
		r = check_bpffs(dir, dir);
	if (r) {
		pst_pins_close(&p);
		return r;
	}
	*ret_pins = p;
	return 0;
}

void pst_pins_close(struct pst_pins **pins)
{
	if (!*pins)
		return;
	pst_cleanup_fd(&(*pins)->fd);
	free((*pins)->dir);
	free(*pins);
	*pins = NULL;
}

/* The cgroup that a pinned link is attached to; 0: it is gone. */
static int link_cgroup(int fd, const char *path, uint64_t *ret_id)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return pst_log_err(-errno, "cannot examine %s", path);
	if (info.type != BPF_LINK_TYPE_CGROUP)
		return pst_log_err(-EINVAL, "%s is no link to a cgroup: not pinned by posternd",
				   path);
	*ret_id = info.cgroup.cgroup_id;
	return 0;
}

static int check_link(const char *dir, const char *name, void *arg)
{
	const uint64_t *wanted = arg;
	pst_auto_fd int fd = -1;
	char path[MAX_PATH];
	uint64_t id = 0;
	int r = is_link(name) ? join(path, dir, name) : 0;

	if (r || !is_link(name))
		return r;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return pst_log_err(-errno, "cannot open the pinned link %s", path);
	r = link_cgroup(fd, path, &id);
	if (r || !id || id == *wanted)
		return r;
	pst_log(PST_LOG_ERROR,
		"%s enforces below another cgroup (inode %llu) and goes on: name that one with --cgroup, or take it away first (posternd --detach)",
		path, (unsigned long long)id);
	return -EEXIST;
}

static int check_schema(const char *dir, const char *name, void *arg)
{
	char path[MAX_PATH];

	if (!is_schema(name) || join(path, dir, name))
		return 0;
	return each_entry(path, check_link, arg);
}

int pst_pins_check(const struct pst_pins *pins, uint64_t cgroup_id)
{
	return each_entry(pins->dir, check_schema, &cgroup_id);
}

/* The path of NAME in the schema in use. */
static int pin_path(const struct pst_pins *pins, const char *name, char *path)
{
	char dir[MAX_PATH];
	int r = join(dir, pins->dir, pins->schema);

	return r ? r : join(path, dir, name);
}

int pst_pins_use(struct pst_pins *pins, const char *schema)
{
	char path[MAX_PATH];
	int r = join(path, pins->dir, schema);

	if (r)
		return r;
	if (mkdir(path, 0700) && errno != EEXIST)
		return pst_log_err(-errno, "cannot make %s", path);
	snprintf(pins->schema, sizeof(pins->schema), "%s", schema);
	return 0;
}

int pst_pins_maps(const struct pst_pins *pins, struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		char path[MAX_PATH];
		int r = 0;

		if (bpf_map__is_internal(map))
			continue;
		r = pin_path(pins, bpf_map__name(map), path);
		if (!r)
			r = bpf_map__set_pin_path(map, path);
		if (r)
			return pst_log_err(r, "cannot pin the map %s", bpf_map__name(map));
	}
	return 0;
}

/* The pinned link, or NULL with errno set: ENOENT when there is none, or its cgroup is gone. */
static struct bpf_link *open_link(const char *path)
{
	struct bpf_link *link = bpf_link__open(path);
	uint64_t id = 0;
	int r;

	if (!link)
		return NULL;
	r = link_cgroup(bpf_link__fd(link), path, &id);
	if (!r && id)
		return link;
	bpf_link__destroy(link);
	if (!r && unlink(path))
		r = pst_log_err(-errno, "cannot remove %s", path);
	errno = r ? -r : ENOENT;
	return NULL;
}

static struct bpf_link *new_link(const char *path, struct bpf_program *prog, int cgroup_fd)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup_fd);

	if (!link) {
		pst_log_err(-errno, "cannot attach %s to the cgroup", bpf_program__name(prog));
		return NULL;
	}
	if (!bpf_link__pin(link, path))
		return link;
	pst_log_err(-errno, "cannot pin %s", path);
	bpf_link__destroy(link);
	errno = EIO;
	return NULL;
}

struct bpf_link *pst_pins_attach(const struct pst_pins *pins, const char *name,
				 struct bpf_program *prog, int cgroup_fd, bool *ret_new)
{
	struct bpf_link *link;
	char path[MAX_PATH], file[64];

	snprintf(file, sizeof(file), LINK_PREFIX "%s", name);
	if (pin_path(pins, file, path))
		return NULL;
	link = open_link(path);
	if (!link && errno != ENOENT) {
		pst_log_err(-errno, "cannot adopt %s", path);
		return NULL;
	}
	if (!link) {
		link = new_link(path, prog, cgroup_fd);
		*ret_new = link != NULL;
		return link;
	}
	if (!bpf_link__update_program(link, prog)) {
		*ret_new = false;
		return link;
	}
	pst_log_err(-errno, "cannot replace the program of %s", path);
	bpf_link__destroy(link);
	return NULL;
}

static int count_link(const char *dir, const char *name, void *arg)
{
	unsigned int *n = arg;

	(void)dir;
	*n += is_link(name);
	return 0;
}

unsigned int pst_pins_count_links(const struct pst_pins *pins)
{
	char path[MAX_PATH];
	unsigned int n = 0;

	if (!join(path, pins->dir, pins->schema))
		each_entry(path, count_link, &n);
	return n;
}

static int count_schema(const char *dir, const char *name, void *arg)
{
	char path[MAX_PATH];

	if (!is_schema(name) || join(path, dir, name))
		return 0;
	return each_entry(path, count_link, arg);
}

bool pst_pins_in_force(const char *dir)
{
	unsigned int n = 0;

	return !each_entry(dir, count_schema, &n) && n;
}

/* Detached at once: the last reference to a link goes some time after its pin. */
static int remove_link(const char *dir, const char *name, void *arg)
{
	pst_auto_fd int fd = -1;
	char path[MAX_PATH];
	int r = is_link(name) ? join(path, dir, name) : 0;

	(void)arg;
	if (r || !is_link(name))
		return r;
	fd = bpf_obj_get(path);
	if (fd < 0 || (bpf_link_detach(fd) && errno != ENOLINK))
		return pst_log_err(-errno, "cannot detach %s", path);
	return unlink(path) ? pst_log_err(-errno, "cannot remove %s", path) : 0;
}

/* Size of key or value of a map, which may be of any version. */
static int map_info(int fd, struct bpf_map_info *ret_info)
{
	uint32_t size = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return bpf_obj_get_info_by_fd(fd, ret_info, &size) ? -errno : 0;
}

/* The courtesy program of this schema passes everything from now on. */
static int silence(const char *dir)
{
	pst_auto_free void *zeros = NULL;
	pst_auto_fd int fd = -1;
	struct bpf_map_info info;
	char path[MAX_PATH];
	uint32_t first = 0;
	int r = join(path, dir, CONFIG);

	if (r)
		return r;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : pst_log_err(-errno, "cannot open %s", path);
	r = map_info(fd, &info);
	if (r || info.key_size != sizeof(first))
		return pst_log_err(r ? r : -EINVAL, "cannot examine %s", path);
	zeros = pst_mem_calloc(1, info.value_size);
	if (!zeros)
		return -ENOMEM;
	return bpf_map_update_elem(fd, &first, zeros, BPF_ANY)
		       ? pst_log_err(-errno, "cannot clear %s", path)
		       : 0;
}

/* How many sockets would lose what they have not read. */
static unsigned int count_sockets(const char *dir)
{
	char path[MAX_PATH], key[MAX_KEY], next[MAX_KEY];
	pst_auto_fd int fd = -1;
	struct bpf_map_info info;
	unsigned int n = 0;
	void *prev = NULL;

	if (join(path, dir, COURTESY))
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0 || map_info(fd, &info) || info.key_size > MAX_KEY)
		return fd >= 0; /* not to be read: kept */
	/* A socket that closes meanwhile makes the walk begin again: an upper bound ends it. */
	while (n < info.max_entries && !bpf_map_get_next_key(fd, prev, next)) {
		memcpy(key, next, info.key_size);
		prev = key;
		n++;
	}
	return n;
}

/* ARG: the number of sockets for whose sake the courtesy map stays. */
static int remove_map(const char *dir, const char *name, void *arg)
{
	const unsigned int *left = arg;
	char path[MAX_PATH];
	int r = join(path, dir, name);

	if (r || (*left && !strcmp(name, COURTESY)))
		return r;
	return unlink(path) ? pst_log_err(-errno, "cannot remove %s", path) : 0;
}

struct removal {
	const char *keep; /* the schema in use, or "" */
	unsigned int left;
};

static int remove_schema(const char *dir, const char *name, void *arg)
{
	struct removal *removal = arg;
	char path[MAX_PATH];
	unsigned int left;
	int r = join(path, dir, name);

	if (r || !is_schema(name) || !strcmp(name, removal->keep))
		return r;
	r = each_entry(path, remove_link, NULL);
	if (!r)
		r = silence(path);
	if (r)
		return r;
	left = count_sockets(path);
	removal->left += left;
	r = each_entry(path, remove_map, &left);
	if (r || left)
		return r;
	return rmdir(path) ? pst_log_err(-errno, "cannot remove %s", path) : 0;
}

int pst_pins_remove(const struct pst_pins *pins, unsigned int *ret_left)
{
	struct removal removal = {.keep = pins->schema};
	int r = each_entry(pins->dir, remove_schema, &removal);

	if (!r && !*removal.keep && rmdir(pins->dir) && errno != ENOTEMPTY)
		r = pst_log_err(-errno, "cannot remove %s", pins->dir);
	if (!r && ret_left)
		*ret_left = removal.left;
	return r;
}
