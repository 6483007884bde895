/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where cgroup v2 is.
 *
 * The programs attach to a cgroup v2 directory. The tree may be mounted anywhere: /sys/fs/cgroup on
 * most machines, /sys/fs/cgroup/unified beside v1 hierarchies, a path of its own in a container
 * that was given the host's tree. So it is looked for where the kernel tells it:
 * /proc/self/mountinfo.
 *
 * When there are several, the best is taken: first one that shows the root of the hierarchy (a
 * container's own tree, or a bind mount of a part, would leave pods out), then a writable one, then
 * the first. A mount that shows only a part is taken when there is no other, and said so.
 *
 * A directory that was named is checked: that it is one, and that it is cgroup v2. To attach to a
 * v1 directory fails with an error that says nothing; the check says what to do.
 */

#include <stdbool.h>
#include <stdio.h>

struct pst_cgroup_mount {
	char *path;   /* owned; unescaped */
	bool is_root; /* shows the root of the hierarchy */
	bool writable;
};

/*
 * The best cgroup v2 mount in MOUNTINFO, in the format of /proc/self/mountinfo. 0, -ENOENT (there
 * is none), -ENOMEM. Free with pst_cgroup_mount_fini().
 */
int pst_cgroup_find(FILE *mountinfo, struct pst_cgroup_mount *ret_mount);

void pst_cgroup_mount_fini(struct pst_cgroup_mount *mount);

/*
 * Opens a cgroup v2 directory: NAME is a path (it begins with /), or relative to the mount, or NULL
 * for the mount itself. Returns the descriptor and stores its path (free with free()), or returns
 * -errno, logged with the remedy: -ENOENT (no cgroup v2 here, no such directory), -ENOTDIR,
 * -EMEDIUMTYPE (not cgroup v2).
 */
int pst_cgroup_open(const char *name, char **ret_path);
