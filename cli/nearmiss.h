/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `postern explain` tells about rules that nearly allowed what was denied.
 */

#include "base/json.h"
#include "cli/question.h"

#include <stdio.h>

/* A denied request: its head, as the judge took it. */
struct cli_near_request {
	const char *bytes;
	size_t head_len;
};

/* The denial of a connection or, with REQUEST, of a request under it. */
struct cli_near_query {
	const struct pst_input *in;
	const struct pst_question *question;
	const struct pst_answer *answer;
	const struct cli_near_request *request; /* NULL: the connection is denied */
};

/* 0 or -ENOMEM. */
int cli_near_print(const struct cli_near_query *q, FILE *out);

/* As members of the object that is open. */
int cli_near_json(const struct cli_near_query *q, struct pst_json *j);
