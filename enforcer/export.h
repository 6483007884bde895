/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Flows, written to a file that is rotated: whole lines, as postern observe -o jsonpb has them.
 *
 * Lines wait in memory until pst_export_flush(). What cannot be written then (no space, no file) is
 * lost and counted; it is logged when that begins and when it ends, and the file has a record of
 * the loss where the flows are missing. A line that was written in part is taken back.
 *
 * When the file would become larger than its limit it becomes FILE.1, that FILE.2, and so on; the
 * oldest goes. A file that somebody has moved away is made anew.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_flow;
struct pst_export;

/* Bytes of a path, so that there is room for ".100" and a NUL in what the system takes. */
enum { PST_EXPORT_PATH_MAX = 4096 - 5 };

enum { PST_EXPORT_FILES_MAX = 100, PST_EXPORT_MIB_MAX = 1 << 20 };

/* Nothing is owned; PATH and NODE_NAME must outlive the export. */
struct pst_export_opts {
	const char *path;
	uint64_t max_bytes;
	uint32_t n_backups;	  /* 0: what is full begins anew */
	const char *const *allow; /* filters, see pst_flow_filter_parse(): one must match */
	size_t n_allow;		  /* 0: all flows */
	const char *const *deny;  /* none may match */
	size_t n_deny;
	const char *node_name;
	/* Opens the file: as pst_export_file() does. NULL: that, with PATH. */
	int (*open)(void *arg);
	void *arg;
};

/* PATH, to be appended to, made when there is none: a descriptor or -errno. */
int pst_export_file(const char *path);

/* A job of enforcer/starter.h, as errands are (enforcer/errand.h): ARG is the path. */
void pst_export_be_opener(void *arg, const int *fds, size_t n);

struct pst_export_stats {
	uint64_t written, lost; /* flows */
	int error;		/* why nothing can be written at present; 0: it can */
};

/* 0; -EINVAL: a filter is wrong, or PATH is no regular file; -errno; -ENOMEM. All are logged. */
int pst_export_open(const struct pst_export_opts *opts, struct pst_export **ret_export);

/* Flushes. NULL is fine; *E becomes NULL. */
void pst_export_close(struct pst_export **e);

/* Whether the filters let F pass. */
bool pst_export_wants(const struct pst_export *e, const struct pst_flow *f);

/* LINE is what a flow is written as that is wanted, with its line end. */
void pst_export_add(struct pst_export *e, const char *line, size_t len);

/* A record that is no flow: of loss. It passes all filters. */
void pst_export_add_record(struct pst_export *e, const char *line, size_t len);

void pst_export_flush(struct pst_export *e);

struct pst_export_stats pst_export_stats(const struct pst_export *e);
