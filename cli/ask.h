/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the verbs that ask the daemon share. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/usage.h"

/* The option --socket. */
#define PST_CLI_SOCKET                                                                   \
	{                                                                                \
		.name = "socket", .arg = "PATH",                                         \
		.help = "where the daemon listens (/run/postern/posternd.sock), as its " \
			"--socket says"                                                  \
	}

/* A verb that asks for one thing and shows it. */
struct pst_cli_question {
	const char *request; /* also the key of the answer */
	const char *operand; /* what must stand behind the verb, or NULL */
	void (*print)(const json_t *answer, FILE *out); /* as text */
};

/* Runs VERB, whose options are --socket and --format; returns the exit status. */
int pst_cli_ask(const char *verb, const struct pst_cli_question *q, int argc, char **argv);

/* Text of VALUE[KEY], "" when it has none; numbers, 0. */
const char *pst_cli_text(const json_t *value, const char *key);
json_int_t pst_cli_number(const json_t *value, const char *key);

/* Text from outside, padded with blanks to WIDTH (0: not at all). */
void pst_cli_put(FILE *out, const char *text, int width);
