// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

static int help(int argc, char **argv)
{
	const struct pst_cli_verb *verb = argc > 1 ? pst_cli_verb_find(argv[1]) : NULL;

	if (argc > 1 && !strcmp(argv[1], "--man"))
		pst_cli_print_man(stdout);
	else if (verb)
		pst_cli_print_help(verb, stdout);
	else
		pst_cli_print_verbs(stdout);
	return PST_EXIT_OK;
}

static int unknown(const char *name)
{
	fprintf(stderr, "postern: there is no verb \"%s\"\n", name);
	pst_cli_print_verbs(stderr);
	return PST_EXIT_USAGE;
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

int main(int argc, char **argv)
{
	int status;

	pst_log_init("postern", PST_LOG_INFO);
	status = dispatch(argc, argv);
	/* A full disk must not look like an answer. */
	if (fflush(stdout) || ferror(stdout)) {
		pst_log_err(0, "cannot write standard output");
		return PST_EXIT_FAILED;
	}
	return status;
}
