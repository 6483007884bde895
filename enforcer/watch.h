/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Watches the policy and inventory paths: tells when to read them again.
 *
 * A path is watched, not a file. Files are replaced by rename (every careful writer), removed and
 * written anew (editors), reached through a symlink that is swapped (a ConfigMap volume: file ->
 * ..data/file, ..data -> ..2024_x), or absent at first. So each path is walked from the root,
 * component by component and through every symlink, and on the way:
 *
 *	each directory passed	is watched for the one name that the path needs there
 *	the object itself	is watched; a directory with everything in it, recursively; each
 *				symlink found in it is walked like a path. Names that start with a
 *				dot and files of other kinds are passed over, as by policy/load.h,
 *				unless a symlink leads there
 *
 * Where the walk ends because a component does not exist, the directory above waits for that name:
 * what has vanished may come back. Other names in a shared directory (/etc, /tmp) do not count.
 *
 * A change starts a countdown: 50 ms after the last event, at most 500 ms after the first, the
 * answer is "reload". After an event that ends a change (a file was moved to its place, or closed
 * by its writer) 5 ms are enough: only for what else belongs to it. After a write whose writer has
 * not closed the file it is 5 s: what is there so far may be a policy as well, one that allows
 * more. Just before the answer everything is walked again, so that whatever the caller reads
 * afterwards is watched already, directories made in the meantime included. A file caught
 * half-written is reported again when its writer goes on.
 *
 * When nothing has happened but that files in watched directories were written or replaced, the
 * answer has their names, and nothing is walked. When the kernel's event queue overflows,
 * everything counts as changed. When the walk fails (no watches left:
 * fs.inotify.max_user_watches) it is repeated every 5 s, each time with a reload: a blind watch
 * polls.
 *
 * inotify cannot see: a mount over a watched directory, changes made on another machine to a
 * network file system, writes through mmap. SIGHUP is for those.
 */

#include <stdbool.h>
#include <stddef.h>

struct pst_watch;

enum {
	PST_WATCH_QUIET_MS = 50,
	PST_WATCH_WHOLE_MS = 5,
	PST_WATCH_LIMIT_MS = 500,
	PST_WATCH_OPEN_MS = 5000,
	PST_WATCH_BLIND_MS = 5000,
	PST_WATCH_DEPTH = 32,	  /* directories within each other, below a path */
	PST_WATCH_OBJECTS = 8192, /* directories and files watched at once */
	PST_WATCH_SYMLINKS = 40,  /* in one path, as the kernel's own limit */
	PST_WATCH_NAMES = 64,	  /* in one answer; more files than that are "everything" */
};

/*
 * Watches PATHS (copied; relative ones as seen from the present working directory). A path need not
 * exist. 0, -ENOMEM, -ENOSPC (out of watches), -ENAMETOOLONG, -EACCES and the like, logged with the
 * path.
 */
int pst_watch_open(const char *const *paths, size_t n_paths, struct pst_watch **ret_watch);

/* NULL is fine; *W becomes NULL. */
void pst_watch_close(struct pst_watch **w);

/* Readable when pst_watch_dispatch() has something to do. Owned by the watch. */
int pst_watch_fd(const struct pst_watch *w);

/*
 * Directories, absolute and free of symlinks: beneath them is all that the last walk has come to,
 * and what will take the place of its files. They live until the next dispatch.
 */
const char *const *pst_watch_roots(const struct pst_watch *w, size_t *ret_n);

/* What may have changed. */
struct pst_watch_news {
	const char *const *names; /* as policy/load.h calls these files; NULL: everything */
	size_t n;
};

/* Takes in what has happened. True: read now what *RET_NEWS says; it lives until the next call. */
bool pst_watch_dispatch(struct pst_watch *w, struct pst_watch_news *ret_news);
