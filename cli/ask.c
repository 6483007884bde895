// SPDX-License-Identifier: Apache-2.0
#include "cli/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/log.h"
#include "cli/verbs.h"
#include "enforcer/client.h"

const char *pst_cli_text(const json_t *value, const char *key)
{
	const char *text = json_string_value(json_object_get(value, key));

	return text ? text : "";
}

json_int_t pst_cli_number(const json_t *value, const char *key)
{
	return json_integer_value(json_object_get(value, key));
}

void pst_cli_put(FILE *out, const char *text, int width)
{
	int len = (int)strlen(text);

	pst_escape_print(out, text, (size_t)len);
	if (len < width)
		fprintf(out, "%*s", width - len, "");
}

/* The one line of the answer, parsed; NULL after telling why there is none. */
static json_t *read_answer(FILE *in)
{
	pst_auto_free char *line = NULL;
	size_t size = 0;
	ssize_t len = getline(&line, &size, in);
	json_error_t why;
	json_t *answer;
	const char *error;

	if (len <= 0) {
		pst_log_err(ferror(in) ? -errno : 0, "the daemon gave no answer");
		return NULL;
	}
	answer = json_loadb(line, (size_t)len, 0, &why);
	if (!answer) {
		pst_log_err(0, "the daemon's answer is no JSON: %s", why.text);
		return NULL;
	}
	error = json_string_value(json_object_get(answer, "error"));
	if (!error)
		return answer;
	pst_log_err(0, "the daemon says: %s", error);
	json_decref(answer);
	return NULL;
}

static int show(const struct pst_cli_question *q, const char *socket, bool json)
{
	char request[64];
	FILE *in = NULL;
	json_t *answer;

	snprintf(request, sizeof(request), "{\"version\":%d,\"request\":\"%s\"}",
		 PST_CONTROL_VERSION, q->request);
	if (pst_client_ask(socket, request, &in))
		return PST_EXIT_FAILED;
	answer = read_answer(in);
	fclose(in);
	if (!answer)
		return PST_EXIT_FAILED;
	if (json) {
		json_dumpf(json_object_get(answer, q->request), stdout,
			   JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
		putchar('\n');
	} else {
		q->print(json_object_get(answer, q->request), stdout);
	}
	json_decref(answer);
	return PST_EXIT_OK;
}

static int check_operands(const struct pst_cli_args *args, const struct pst_cli_question *q)
{
	if (!q->operand && args->operands.n)
		return pst_cli_usage_error(args->verb, "takes no operands");
	if (q->operand && (args->operands.n != 1 || strcmp(args->operands.v[0], q->operand) != 0))
		return pst_cli_usage_error(args->verb, "expected \"%s\"", q->operand);
	return PST_EXIT_OK;
}

int pst_cli_ask(const char *verb, const struct pst_cli_question *q, int argc, char **argv)
{
	struct pst_cli_args args;
	bool json;
	int r = pst_cli_parse(pst_cli_verb_find(verb), argc, argv, &args);

	if (r)
		return r == -EINVAL ? PST_EXIT_USAGE : PST_EXIT_FAILED;
	r = pst_cli_format(&args, &json) ? PST_EXIT_USAGE : check_operands(&args, q);
	if (!r)
		r = show(q, pst_cli_value(&args, "socket"), json);
	pst_cli_args_fini(&args);
	return r;
}
