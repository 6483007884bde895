// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/usage.h"
#include "cli/verbs.h"

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	}
	return false;
}

static int unknown(const char *name)
{
	fprintf(stderr, "postern: there is no verb \"");
	pst_escape_print(stderr, name, strlen(name));
	fprintf(stderr, "\"\n");
	pst_cli_print_verbs(stderr);
	return PST_EXIT_USAGE;
}

static int help(int argc, char **argv)
{
	const struct pst_cli_verb *verb = argc > 1 ? pst_cli_verb_find(argv[1]) : NULL;

	if (argc > 1 && !strcmp(argv[1], "--man"))
		pst_cli_print_man(stdout);
	else if (verb)
		pst_cli_print_help(verb, stdout);
	else if (argc > 1)
		return unknown(argv[1]);
	else
		pst_cli_print_verbs(stdout);
	return PST_EXIT_OK;
}

static int dispatch(int argc, char **argv)
{
	const struct pst_cli_verb *verb;

	if (argc < 2) {
		pst_cli_print_verbs(stderr);
		return PST_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version")) {
		puts("postern " PST_VERSION);
		return PST_EXIT_OK;
	}
	verb = pst_cli_verb_find(argv[1]);
	if (!verb)
		return unknown(argv[1]);
	if (asks_for_help(argc - 1, argv + 1)) {
		pst_cli_print_help(verb, stdout);
		return PST_EXIT_OK;
	}
	return verb->run(argc - 1, argv + 1);
}

/*
 * The number of a closed descriptor would be the next file's, and a warning would go into a bundle
 * or to the daemon. So it stays taken, by what can only be used the wrong way round.
 */
static bool keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int status;

	if (!keep_standard_descriptors())
		return PST_EXIT_FAILED;
	pst_log_init("postern", PST_LOG_INFO);
	status = dispatch(argc, argv);
	/* A full disk must not look like an answer. What failed earlier has left no errno. */
	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		pst_log_err(-errno, "cannot write standard output");
		return PST_EXIT_FAILED;
	}
	return status;
}
