// SPDX-License-Identifier: Apache-2.0
#include "compiler/compile.h"

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
#include "cli/input.h"
#include "cli/report.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "policy/conflict.h"

/* As open() would have made it: mkstemp() is stricter than a bundle needs. */
static int set_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) ? -errno : 0;
}

static int write_file(const struct pst_bundle *b, int fd)
{
	int copy = dup(fd);
	pst_auto_file FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

	if (!out)
		return pst_log_err(-errno, "cannot write the bundle");
	return pst_bundle_write(b, out);
}

/* Beside PATH first: whoever reads PATH sees the old bundle or the new one, never a half of it. */
static int replace_file(const struct pst_bundle *b, const char *path)
{
	static const char suffix[] = ".XXXXXX";
	size_t len = strlen(path);
	pst_auto_free char *beside = pst_mem_calloc(1, len + sizeof(suffix));
	pst_auto_fd int fd = -1;
	int r;

	if (!beside)
		return pst_log_err(-ENOMEM, "cannot write %s", path);
	memcpy(beside, path, len);
	memcpy(beside + len, suffix, sizeof(suffix));
	fd = mkstemp(beside);
	if (fd < 0)
		return pst_log_err(-errno, "cannot write %s", path);
	r = set_mode(fd);
	if (!r)
		r = write_file(b, fd);
	if (!r && (fsync(fd) || rename(beside, path)))
		r = pst_log_err(-errno, "cannot write %s", path);
	if (r)
		unlink(beside);
	return r;
}

/*
 * A regular file is replaced, through a link the file that it leads to. What else PATH names (a
 * device, a pipe) is written to, not replaced: -o /dev/null must leave /dev/null what it is.
 */
static int write_bundle(const struct pst_bundle *b, const char *path)
{
	pst_auto_free char *real = realpath(path, NULL);
	pst_auto_fd int fd = -1;
	struct stat st;

	if (!real && errno != ENOENT)
		return pst_log_err(-errno, "cannot write %s", path);
	if (!real || (!stat(real, &st) && S_ISREG(st.st_mode)))
		return replace_file(b, real ? real : path);
	fd = cli_file_open_device(real);
	return fd < 0 ? fd : write_file(b, fd);
}

static int report(const struct pst_bundle *b, const char *path, bool json)
{
	struct pst_json j;
	int r;

	if (!json)
		return pst_report_text(b, stdout);
	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "bundle", path);
	r = pst_report_json(b, &j);
	pst_json_end(&j);
	return r ? r : pst_json_finish(&j);
}

/* With an inventory the compiler tells for whom rules conflict; without one nobody is known. */
static int find_overlaps(struct pst_input *in, const struct pst_input_paths *paths)
{
	if (paths->inventories->n || !pst_conflicts_find_overlaps(in->policies, in->diags))
		return PST_EXIT_OK;
	pst_log_err(-ENOMEM, "cannot go on");
	return PST_EXIT_FAILED;
}

static int compile(const struct pst_cli_args *args, const char *path, bool json)
{
	struct pst_input in pst_cleanup(pst_input_fini) = {0};
	struct pst_bundle *b pst_cleanup(pst_bundle_free) = NULL;
	const struct pst_input_paths paths = {
		.policies = &args->operands,
		.inventories = pst_cli_all(args, "inventory"),
		.accept = pst_cli_all(args, "accept"),
	};
	int status = pst_input_check_accept(args);

	if (status)
		return status;
	status = pst_input_load(&in, &paths);
	if (!status)
		status = find_overlaps(&in, &paths);
	if (!status)
		status = pst_input_compile(&in, in.inventory, &b);
	pst_input_print(&in);
	if (status == PST_EXIT_NO)
		fprintf(stderr, "postern compile: %s is not written\n", path);
	if (status)
		return status;
	if (write_bundle(b, path) || report(b, path, json))
		return PST_EXIT_FAILED;
	return PST_EXIT_OK;
}

int pst_cli_compile(int argc, char **argv)
{
	const struct pst_cli_verb *verb = pst_cli_verb_find("compile");
	struct pst_cli_args args;
	bool json = false;
	int status, r = pst_cli_parse(verb, argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	if (pst_cli_format(&args, &json))
		status = PST_EXIT_USAGE;
	else if (!args.operands.n)
		status = pst_cli_usage_error(verb, "expected at least one policy FILE or DIR");
	else if (!pst_cli_value(&args, "output"))
		status = pst_cli_usage_error(verb, "expected -o BUNDLE: where the bundle goes");
	else if (!strcmp(pst_cli_value(&args, "output"), "-"))
		status = pst_cli_usage_error(
			verb,
			"expected a file behind -o, found \"-\": standard output has the report");
	else
		status = compile(&args, pst_cli_value(&args, "output"), json);
	pst_cli_args_fini(&args);
	return status;
}
