/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line as a table.
 *
 * A verb is one row: what it takes, what it does, its options, its exit statuses. Parsing, --help,
 * usage errors, completion and the man page all read that row, so they say the same words. Options
 * are long
 * (--name VALUE or
 * --name=VALUE), some have a letter as well; they and operands may be mixed, "--" ends them.
 */

#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct pst_cli_option {
	const char *name; /* without the dashes */
	char letter;	  /* 0: none */
	const char *arg;  /* what the value is called; NULL: a switch */
	const char *help;
	const char *
		words; /* what the value may be, separated by blanks; NULL: the words do not tell */
	bool many;     /* may be given more than once; otherwise the second time is an error */
	bool is_input; /* a file that is read, - for standard input */
};

struct pst_cli_verb {
	const char *name;
	const char *synopsis; /* behind the name */
	const char *operands; /* words that may stand there, or "FILE"; NULL: what completion knows
				 nothing of */
	const char *summary;  /* one line */
	const char *details;  /* paragraphs, each one line */
	const struct pst_cli_option *options;
	size_t n_options;
	const char *exit_status;
	int (*run)(int argc, char **argv);
};

/* The table; ends with a row without name. */
extern const struct pst_cli_verb pst_cli_verbs[];

/* The verb called NAME, or NULL. */
const struct pst_cli_verb *pst_cli_verb_find(const char *name);

struct pst_cli_strings PST_VEC(const char *);

/* One option as it was given: VALUE is "" for a switch. */
struct pst_cli_given {
	const struct pst_cli_option *option;
	const char *value;
};

/* A parsed command line; strings belong to argv. */
struct pst_cli_args {
	const struct pst_cli_verb *verb;
	struct pst_cli_strings operands;
	struct pst_cli_strings *values;		    /* per option */
	struct PST_VEC(struct pst_cli_given) given; /* all options, in their order */
};

/* 0, or -EINVAL after telling what was expected, or -ENOMEM. Nothing to release on failure. */
int pst_cli_parse(const struct pst_cli_verb *verb, int argc, char **argv,
		  struct pst_cli_args *ret_args);

void pst_cli_args_fini(struct pst_cli_args *args);

/* All values of option NAME, which must be in the table. */
const struct pst_cli_strings *pst_cli_all(const struct pst_cli_args *args, const char *name);

/* The value of option NAME, or NULL when it was not given. */
const char *pst_cli_value(const struct pst_cli_args *args, const char *name);

/* Tells a mistake in the command line of VERB and how it is called; returns PST_EXIT_USAGE. */
int pst_cli_usage_error(const struct pst_cli_verb *verb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The value of --format: 0 and *RET_JSON, or -EINVAL after a usage error. */
int pst_cli_format(const struct pst_cli_args *args, bool *ret_json);

/*
 * The whole of a verb with one operand, called WHAT, and --format: what ABOUT returns, or the exit
 * status after a usage error.
 */
int pst_cli_about_one(const struct pst_cli_verb *verb, int argc, char **argv, const char *what,
		      int (*about)(const char *operand, bool json));

/* The value of --paths: 0 and *RET_ANY, or -EINVAL after a usage error. */
int pst_cli_paths(const struct pst_cli_args *args, bool *ret_any);

void pst_cli_print_help(const struct pst_cli_verb *verb, FILE *out);

/* The list of verbs. */
void pst_cli_print_verbs(FILE *out);

/* The manual page, roff source: docs/postern.1. */
void pst_cli_print_man(FILE *out);
