// SPDX-License-Identifier: Apache-2.0
#include "cli/lint_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/file.h"

static int unknown_format(const struct pst_cli_args *args, const char *found)
{
	char list[128] = "";
	size_t len = 0;

	for (const struct pst_lint_format *f = pst_lint_formats; f->name; f++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
					!len	    ? ""
					: f[1].name ? ", "
						    : " or ",
					f->name);
	pst_cli_usage_error(args->verb, "expected %s behind --format, found \"%s\"", list, found);
	return -EINVAL;
}

static int check_stdout(const struct pst_cli_args *args, const struct cli_outputs *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += !strcmp(o->v[i].file, "-");
	if (n <= 1)
		return 0;
	pst_cli_usage_error(args->verb, "expected one report on standard output, found %zu", n);
	return -EINVAL;
}

int cli_outputs_parse(const struct pst_cli_args *args, struct cli_outputs *ret_outputs)
{
	const struct pst_cli_strings *formats = pst_cli_all(args, "format");
	const struct pst_cli_strings *files = pst_cli_all(args, "output");
	struct cli_outputs o = {.n = formats->n ? formats->n : 1};

	if (o.n > CLI_OUTPUTS_MAX) {
		pst_cli_usage_error(args->verb, "expected at most %d times --format, found %zu",
				    CLI_OUTPUTS_MAX, o.n);
		return -EINVAL;
	}
	if (files->n != o.n && (files->n || o.n > 1)) {
		pst_cli_usage_error(
			args->verb,
			"expected one -o FILE for each --format, in the same order, found %zu and %zu; one FILE may be \"-\", standard output",
			files->n, formats->n);
		return -EINVAL;
	}
	for (size_t i = 0; i < o.n; i++) {
		const char *name = formats->n ? formats->v[i] : "text";

		o.v[i].format = pst_lint_format_find(name);
		o.v[i].file = files->n ? files->v[i] : "-";
		if (!o.v[i].format)
			return unknown_format(args, name);
	}
	*ret_outputs = o;
	return check_stdout(args, &o);
}

/* The mode of the file that is replaced, or what open() would give to a new one. */
static int set_mode(int fd, const struct stat *old)
{
	mode_t mask;

	if (old)
		return fchmod(fd, old->st_mode & 07777) ? -errno : 0;
	mask = umask(0);
	umask(mask);
	return fchmod(fd, 0666 & ~mask) ? -errno : 0;
}

/* Takes FD over, whatever happens. */
static int write_to_fd(const struct cli_file *f, int fd)
{
	FILE *out = fdopen(fd, "w");
	int r;

	if (!out) {
		r = -errno;
		close(fd);
		return r;
	}
	errno = 0;
	r = f->write(f->ctx, out);
	if (fflush(out) || ferror(out))
		r = r && r != -EIO ? r : errno ? -errno : -EIO;
	if (fclose(out) && !r)
		r = -errno;
	return r;
}

static int replace(const struct cli_file *f, const char *path, const struct stat *old)
{
	static const char suffix[] = ".XXXXXX";
	size_t len = strlen(path);
	pst_auto_free char *beside = pst_mem_calloc(1, len + sizeof(suffix));
	int fd, r;

	if (!beside)
		return -ENOMEM;
	memcpy(beside, path, len);
	memcpy(beside + len, suffix, sizeof(suffix));
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = set_mode(fd, old);
	if (r)
		close(fd);
	else
		r = write_to_fd(f, fd);
	if (!r && rename(beside, path))
		r = -errno;
	if (r)
		unlink(beside);
	return r;
}

int cli_file_write(const struct cli_file *f)
{
	pst_auto_free char *real = NULL;
	struct stat st;
	bool exists;
	int fd, r;

	/* Why standard output could not be written is told when the command ends. */
	if (!strcmp(f->file, "-")) {
		r = f->write(f->ctx, stdout);
		return r && !ferror(stdout) ? pst_log_err(r, "cannot write standard output") : r;
	}
	exists = !stat(f->file, &st);
	real = exists ? realpath(f->file, NULL) : NULL; /* a link stays one */
	if (exists && !S_ISREG(st.st_mode)) {
		fd = cli_file_open_device(f->file);
		if (fd < 0)
			return fd;
		r = write_to_fd(f, fd);
	} else {
		r = replace(f, real ? real : f->file, exists ? &st : NULL);
	}
	return r ? pst_log_err(r, "cannot write %s", f->file) : 0;
}
