// SPDX-License-Identifier: Apache-2.0
/*
 * For fish: a line for each option. Which verb it belongs to is asked of the second word alone;
 * fish's own function for that looks at all of them, and the name of a file may be that of a verb.
 */
#include "cli/completion.h"

static const char functions[] =
	"function __postern_has_verb\n"
	"	set -l words (commandline -opc)\n"
	"	test (count $words) -ge 2; and contains -- $words[2] $argv\n"
	"end\n"
	"\n"
	"function __postern_needs_verb\n"
	"	test (count (commandline -opc)) -eq 1\n"
	"end\n"
	"\n"
	"complete -c postern -f\n";

static void put_quoted(const char *text, FILE *out)
{
	fputc('\'', out);
	pst_completion_put_escaped(text, "\\'", out);
	fputc('\'', out);
}

static void put_option(const struct pst_cli_verb *v, const struct pst_cli_option *o, FILE *out)
{
	fprintf(out, "complete -c postern -n '__postern_has_verb %s' -l %s", v->name, o->name);
	if (o->letter)
		fprintf(out, " -s %c", o->letter);
	if (pst_completion_is_file(o)) {
		fputs(" -r -F", out);
	} else if (pst_completion_has_words(o)) {
		fputs(" -x -a '", out);
		pst_completion_put_words(o, out);
		fputc('\'', out);
	} else if (o->arg) {
		fputs(" -x", out);
	}
	fputs(" -d ", out);
	put_quoted(o->help, out);
	fputc('\n', out);
}

static void put_verb(const struct pst_cli_verb *v, FILE *out)
{
	fprintf(out, "complete -c postern -n __postern_needs_verb -a %s -d ", v->name);
	put_quoted(v->summary, out);
	fprintf(out,
		"\ncomplete -c postern -n '__postern_has_verb help' -a %s\n"
		"complete -c postern -n '__postern_has_verb %s' -l help -d 'tell all about this verb'\n",
		v->name, v->name);
	if (pst_completion_is_file(&(struct pst_cli_option){.arg = v->operands}))
		fprintf(out, "complete -c postern -n '__postern_has_verb %s' -F\n", v->name);
	else if (v->operands)
		fprintf(out, "complete -c postern -n '__postern_has_verb %s' -a '%s'\n", v->name,
			v->operands);
	for (size_t i = 0; i < v->n_options; i++)
		put_option(v, &v->options[i], out);
}

void pst_completion_fish(FILE *out)
{
	fputs("# fish completion for postern. Written by \"postern completion fish\".\n\n", out);
	fputs(functions, out);
	fputs("complete -c postern -n __postern_needs_verb -a help -d 'Tell about a verb.'\n", out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++)
		put_verb(v, out);
}
