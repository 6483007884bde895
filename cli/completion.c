// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <errno.h>
#include <string.h>

#include "cli/verbs.h"
#include "lint/rule.h"

bool pst_completion_is_file(const struct pst_cli_option *o)
{
	return o->arg &&
	       (!strcmp(o->arg, "FILE") || !strcmp(o->arg, "PATH") || !strcmp(o->arg, "BUNDLE"));
}

static bool is_rule(const struct pst_cli_option *o)
{
	return o->arg && !strcmp(o->arg, "RULE");
}

bool pst_completion_has_words(const struct pst_cli_option *o)
{
	return o->words || is_rule(o);
}

/* --accept takes the rules that tell what is not enforced, all other options take any. */
static void put_rules(const char *prefix, FILE *out)
{
	const char *sep = "";

	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		const char *id = pst_lint_rule_at(i)->id;

		if (strncmp(id, prefix, strlen(prefix)))
			continue;
		fprintf(out, "%s%s", sep, id);
		sep = " ";
	}
}

void pst_completion_put_words(const struct pst_cli_option *o, FILE *out)
{
	if (is_rule(o))
		put_rules(strcmp(o->name, "accept") ? "" : "unsupported-", out);
	else if (o->words)
		fputs(o->words, out);
}

void pst_completion_put_escaped(const char *text, const char *special, FILE *out)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static const struct shell {
	const char *name;
	void (*write)(FILE *out);
} shells[] = {
	{"bash", pst_completion_bash},
	{"zsh", pst_completion_zsh},
	{"fish", pst_completion_fish},
};

int pst_cli_completion(int argc, char **argv)
{
	const struct pst_cli_verb *verb = pst_cli_verb_find("completion");
	struct pst_cli_args args;
	const char *name;
	int r = pst_cli_parse(verb, argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	name = args.operands.n == 1 ? args.operands.v[0] : "";
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].name, name))
			continue;
		shells[i].write(stdout);
		pst_cli_args_fini(&args);
		return PST_EXIT_OK;
	}
	pst_cli_args_fini(&args);
	return pst_cli_usage_error(verb, "expected the name of a shell: bash, zsh or fish");
}
