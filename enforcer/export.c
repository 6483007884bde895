// SPDX-License-Identifier: Apache-2.0
#include "enforcer/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/errand.h"
#include "enforcer/flow_filter.h"
#include "enforcer/flow_lost.h"

enum { BUFFER = 1 << 18, NAME = 4096, MODE = 0640 };

struct filters PST_VEC(struct pst_flow_filter *);

struct pst_export {
	struct pst_export_opts opts;
	struct filters allow, deny;
	struct pst_export_stats stats;
	uint64_t untold; /* lost, and no record of it is in the file yet */
	uint64_t size;	 /* of the file */
	int fd;		 /* -1: there is none at present */
	size_t len, n;	 /* bytes and flows that wait */
	char *buffer;
};

static int add_filters(struct filters *list, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pst_flow_filter *f = NULL;
		char why[256] = "";
		int r = pst_flow_filter_parse(texts[i], &f, why, sizeof(why));

		if (r == -EINVAL)
			pst_log(PST_LOG_ERROR, "the filter '%s' of the export: %s", texts[i], why);
		if (r)
			return r;
		if (pst_vec_push(list, f)) {
			pst_flow_filter_free(&f);
			return -ENOMEM;
		}
	}
	return 0;
}

static void free_filters(struct filters *list)
{
	for (size_t i = 0; i < list->n; i++)
		pst_flow_filter_free(&list->v[i]);
	pst_vec_free(list);
}

/* Neither a device nor a pipe can hold up the daemon. */
int pst_export_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, MODE);

	return fd < 0 ? -errno : fd;
}

void pst_export_be_opener(void *arg, const int *fds, size_t n)
{
	if (n != 1 || !arg)
		_exit(1);
	pst_errand_end(fds[0], pst_export_file(arg));
}

/* 0 or -errno. */
static int open_file(struct pst_export *e)
{
	pst_auto_fd int fd =
		e->opts.open ? e->opts.open(e->opts.arg) : pst_export_file(e->opts.path);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	e->size = (uint64_t)st.st_size;
	e->fd = PST_TAKE_FD(fd);
	return 0;
}

static void close_file(struct pst_export *e)
{
	pst_cleanup_fd(&e->fd);
	e->fd = -1;
}

int pst_export_open(const struct pst_export_opts *opts, struct pst_export **ret_export)
{
	struct pst_export *e = pst_mem_calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->opts = *opts;
	e->fd = -1;
	e->buffer = pst_mem_calloc(1, BUFFER);
	r = e->buffer ? add_filters(&e->allow, opts->allow, opts->n_allow) : -ENOMEM;
	if (!r)
		r = add_filters(&e->deny, opts->deny, opts->n_deny);
	if (!r) {
		r = open_file(e);
		if (r == -EINVAL)
			pst_log(PST_LOG_ERROR, "cannot export flows to %s: it is no regular file",
				opts->path);
		else if (r)
			pst_log_err(r, "cannot export flows to %s", opts->path);
	}
	if (r)
		pst_export_close(&e);
	else
		*ret_export = e;
	return r;
}

void pst_export_close(struct pst_export **e)
{
	if (!*e)
		return;
	if ((*e)->fd >= 0)
		pst_export_flush(*e);
	close_file(*e);
	free_filters(&(*e)->allow);
	free_filters(&(*e)->deny);
	free((*e)->buffer);
	free(*e);
	*e = NULL;
}

static bool is_any(const struct filters *list, const struct pst_flow *f)
{
	for (size_t i = 0; i < list->n; i++)
		if (pst_flow_filter_matches(list->v[i], f))
			return true;
	return false;
}

static void lose(struct pst_export *e, uint64_t n)
{
	e->stats.lost += n;
	e->untold += n;
}

static void add(struct pst_export *e, const char *line, size_t len, size_t n)
{
	if (len > BUFFER - e->len)
		pst_export_flush(e);
	if (len > BUFFER) {
		lose(e, n);
		return;
	}
	memcpy(e->buffer + e->len, line, len);
	e->len += len;
	e->n += n;
}

bool pst_export_wants(const struct pst_export *e, const struct pst_flow *f)
{
	return (!e->allow.n || is_any(&e->allow, f)) && !is_any(&e->deny, f);
}

void pst_export_add(struct pst_export *e, const char *line, size_t len)
{
	add(e, line, len, 1);
}

void pst_export_add_record(struct pst_export *e, const char *line, size_t len)
{
	add(e, line, len, 0);
}

/* FILE.N; FILE itself for 0. */
static const char *backup(const struct pst_export *e, uint32_t n, char name[NAME])
{
	if (n)
		snprintf(name, NAME, "%s.%u", e->opts.path, n);
	else
		snprintf(name, NAME, "%s", e->opts.path);
	return name;
}

/* 0 or -errno; then nothing is lost but some backups have their new names already. */
static int rotate(struct pst_export *e)
{
	char from[NAME], to[NAME];

	if (!e->opts.n_backups && unlink(e->opts.path) && errno != ENOENT)
		return -errno;
	for (uint32_t n = e->opts.n_backups; n > 0; n--)
		if (rename(backup(e, n - 1, from), backup(e, n, to)) && errno != ENOENT)
			return -errno;
	close_file(e);
	return open_file(e);
}

/* Makes the file ready for LEN bytes. */
static int prepare(struct pst_export *e, size_t len)
{
	struct stat here, there;

	if (e->fd >= 0 && (fstat(e->fd, &here) || stat(e->opts.path, &there) ||
			   here.st_ino != there.st_ino || here.st_dev != there.st_dev))
		close_file(e);
	if (e->fd < 0) {
		int r = open_file(e);

		if (r)
			return r;
	}
	return e->size && e->size + len > e->opts.max_bytes ? rotate(e) : 0;
}

/* All, or nothing and -errno. */
static int put(struct pst_export *e, const char *bytes, size_t len)
{
	size_t done = 0;
	int r = prepare(e, len);

	while (!r && done < len) {
		ssize_t n = write(e->fd, bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			r = -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (!r)
		e->size += len;
	else if (done && ftruncate(e->fd, (off_t)e->size))
		close_file(e);
	return r;
}

/* What was lost before is told where it is missing. */
static int put_loss(struct pst_export *e)
{
	char line[512];
	FILE *out = e->untold ? fmemopen(line, sizeof(line), "w") : NULL;
	long len;
	int r;

	if (!out)
		return 0;
	pst_flow_lost_write(out, PST_LOST_OBSERVER, e->untold, e->opts.node_name);
	len = ftell(out);
	if (fclose(out) || len < 0)
		return 0;
	r = put(e, line, (size_t)len);
	if (!r)
		e->untold = 0;
	return r;
}

/* Said when it begins and when it ends. */
static void note(struct pst_export *e, int r)
{
	if (r && !e->stats.error)
		pst_log(PST_LOG_ERROR,
			"cannot export flows to %s: %s; they are lost and counted until it can be written, verdicts are not concerned",
			e->opts.path, strerror(-r));
	else if (!r && e->stats.error)
		pst_log(PST_LOG_WARNING,
			"flows are exported to %s again; %llu were lost since the start",
			e->opts.path, (unsigned long long)e->stats.lost);
	e->stats.error = r;
}

void pst_export_flush(struct pst_export *e)
{
	int r;

	if (!e->len)
		return;
	r = put_loss(e);
	if (!r)
		r = put(e, e->buffer, e->len);
	note(e, r);
	if (r)
		lose(e, e->n);
	else
		e->stats.written += e->n;
	e->len = e->n = 0;
}

struct pst_export_stats pst_export_stats(const struct pst_export *e)
{
	return e->stats;
}
