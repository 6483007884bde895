/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The verbs of postern, one file each; cli/main.c holds the table that names them.
 *
 * A verb is called like main() with its own name in argv[0], and returns the exit status: 0
 * success, 1 the answer is "no" (findings, denied, invalid: the verb's usage says what), and the
 * two below. Data goes to stdout, everything else to stderr.
 */

enum {
	PST_EXIT_OK = 0,
	PST_EXIT_NO = 1,
	PST_EXIT_USAGE = 2,
	PST_EXIT_FAILED = 3, /* could not run: no memory, no such file */
};

/* What is wrong, or not meant, in policy files. */
int pst_cli_lint(int argc, char **argv);

/* Policies and workloads to a bundle. */
int pst_cli_compile(int argc, char **argv);

/* The verdict on one request, and why. */
int pst_cli_explain(int argc, char **argv);

/* Unit tests of policies. */
int pst_cli_test(int argc, char **argv);

/* What two sets of policies decide differently. */
int pst_cli_diff(int argc, char **argv);

/* What is in a bundle. */
int pst_cli_inspect(int argc, char **argv);

/* Does a pattern match lines; how large is its automaton. */
int pst_cli_regex(int argc, char **argv);

/* What this node can do: runs the daemon's probe. */
int pst_cli_doctor(int argc, char **argv);

/* The daemon's state; what it enforces, by endpoint and by policy. */
int pst_cli_status(int argc, char **argv);
int pst_cli_endpoints(int argc, char **argv);
int pst_cli_policy(int argc, char **argv);

/* What it decides. */
int pst_cli_observe(int argc, char **argv);

/* A shell's script that completes all of these. */
int pst_cli_completion(int argc, char **argv);
