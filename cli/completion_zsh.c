// SPDX-License-Identifier: Apache-2.0
/*
 * For zsh, by its _arguments: each option with its text, and whether it may stand again.
 */
#include "cli/completion.h"

/* In an argument of _arguments, within single quotes. */
static void put_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			pst_completion_put_escaped((char[]){*text, '\0'}, "[]:\\", out);
	}
}

static void put_action(const char *arg, const struct pst_cli_option *o, FILE *out)
{
	fputc(':', out);
	put_text(arg, out);
	fputc(':', out);
	if (pst_completion_is_file(o)) {
		fputs("_files", out);
	} else if (pst_completion_has_words(o)) {
		fputc('(', out);
		pst_completion_put_words(o, out);
		fputc(')', out);
	}
}

static void put_option(const struct pst_cli_option *o, FILE *out)
{
	fputs("\t\t\t'", out);
	if (o->many)
		fputc('*', out);
	else if (o->letter)
		fprintf(out, "(-%c --%s)", o->letter, o->name);
	if (o->letter)
		fprintf(out, "'{-%c%s,--%s%s}'", o->letter, o->arg ? "+" : "", o->name,
			o->arg ? "=" : "");
	else
		fprintf(out, "--%s%s", o->name, o->arg ? "=" : "");
	fputc('[', out);
	put_text(o->help, out);
	fputc(']', out);
	if (o->arg)
		put_action(o->arg, o, out);
	fputs("' \\\n", out);
}

static void put_verb(const struct pst_cli_verb *v, FILE *out)
{
	const struct pst_cli_option operand = {
		.name = "", .arg = v->operands, .words = v->operands};

	fprintf(out, "\t\t%s)\n\t\t\t_arguments -S \\\n", v->name);
	for (size_t i = 0; i < v->n_options; i++)
		put_option(&v->options[i], out);
	fputs("\t\t\t'(- *)--help[tell all about this verb]'", out);
	if (v->operands) {
		fputs(" \\\n\t\t\t'*", out);
		put_action("operand", &operand, out);
		fputc('\'', out);
	}
	fputs("\n\t\t\t;;\n", out);
}

void pst_completion_zsh(FILE *out)
{
	fputs("#compdef postern\n# Written by \"postern completion zsh\".\n\n"
	      "_postern() {\n\tlocal curcontext=$curcontext state line\n\tlocal -a verbs\n\tverbs=(\n",
	      out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		fprintf(out, "\t\t'%s:", v->name);
		put_text(v->summary, out);
		fputs("'\n", out);
	}
	fputs("\t\t'help:Tell about a verb.'\n\t)\n"
	      "\t_arguments -C '1:verb:->verb' '*::argument:->argument'\n"
	      "\tcase $state in\n"
	      "\tverb) _describe -t verbs verb verbs ;;\n"
	      "\targument)\n\t\tcase $words[1] in\n"
	      "\t\thelp) _describe -t verbs verb verbs ;;\n",
	      out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++)
		put_verb(v, out);
	fputs("\t\tesac\n\t\t;;\n\tesac\n}\n\n"
	      "# Both ways in: found in fpath and run, or sourced.\n"
	      "if [ \"$funcstack[1]\" = _postern ]; then\n\t_postern \"$@\"\n"
	      "else\n\tcompdef _postern postern\nfi\n",
	      out);
}
