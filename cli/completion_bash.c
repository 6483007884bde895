// SPDX-License-Identifier: Apache-2.0
/*
 * For bash, without the package bash-completion: only what the shell itself has. A "=" ends a word
 * there, so --format=json is three of them.
 */
#include "cli/completion.h"

static const char functions[] =
	"_postern_pick() {\n"
	"	local IFS=$' \\t\\n'\n"
	"	mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$2\")\n"
	"}\n"
	"\n"
	"_postern_files() {\n"
	"	compopt -o filenames 2>/dev/null\n"
	"	mapfile -t COMPREPLY < <(compgen -f -- \"$1\")\n"
	"}\n"
	"\n"
	"_postern() {\n"
	"	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]-}\n"
	"	COMPREPLY=()\n"
	"	if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	"		_postern_pick \"$_postern_verbs help --help\" \"$cur\"\n"
	"		return\n"
	"	fi\n"
	"	if [ \"$cur\" = = ]; then\n"
	"		cur=\n"
	"	elif [ \"$prev\" = = ]; then\n"
	"		prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"	fi\n"
	"	_postern_value \"$verb\" \"$prev\" \"$cur\" && return\n"
	"	case $cur in\n"
	"	-*) _postern_option \"$verb\" \"$cur\" ;;\n"
	"	*) _postern_operand \"$verb\" \"$cur\" ;;\n"
	"	esac\n"
	"}\n"
	"\n"
	"complete -F _postern postern\n";

static void put_verbs(FILE *out)
{
	const char *sep = "";

	fputs("_postern_verbs='", out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		fprintf(out, "%s%s", sep, v->name);
		sep = " ";
	}
	fputs("'\n\n", out);
}

static void put_options(FILE *out)
{
	fputs("_postern_option() {\n\tcase $1 in\n", out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		fprintf(out, "\t%s) _postern_pick '", v->name);
		for (size_t i = 0; i < v->n_options; i++) {
			if (v->options[i].letter)
				fprintf(out, "-%c ", v->options[i].letter);
			fprintf(out, "--%s ", v->options[i].name);
		}
		fputs("--help' \"$2\" ;;\n", out);
	}
	fputs("\tesac\n}\n\n", out);
}

static void put_operands(FILE *out)
{
	fputs("_postern_operand() {\n\tcase $1 in\n\thelp) _postern_pick \"$_postern_verbs\" \"$2\" ;;\n",
	      out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		if (pst_completion_is_file(&(struct pst_cli_option){.arg = v->operands}))
			fprintf(out, "\t%s) _postern_files \"$2\" ;;\n", v->name);
		else if (v->operands)
			fprintf(out, "\t%s) _postern_pick '%s' \"$2\" ;;\n", v->name, v->operands);
	}
	fputs("\tesac\n}\n\n", out);
}

static void put_value(const struct pst_cli_verb *v, const struct pst_cli_option *o, FILE *out)
{
	fprintf(out, "\t'%s --%s'", v->name, o->name);
	if (o->letter)
		fprintf(out, " | '%s -%c'", v->name, o->letter);
	fputs(") ", out);
	if (pst_completion_is_file(o)) {
		fputs("_postern_files \"$3\" ;;\n", out);
	} else if (pst_completion_has_words(o)) {
		fputs("_postern_pick '", out);
		pst_completion_put_words(o, out);
		fputs("' \"$3\" ;;\n", out);
	} else {
		fputs(";;\n", out);
	}
}

static void put_values(FILE *out)
{
	fputs("# Fails when no value is expected behind the word $2.\n_postern_value() {\n\tcase \"$1 $2\" in\n",
	      out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		for (size_t i = 0; i < v->n_options; i++) {
			if (v->options[i].arg)
				put_value(v, &v->options[i], out);
		}
	}
	fputs("\t*) return 1 ;;\n\tesac\n\treturn 0\n}\n\n", out);
}

void pst_completion_bash(FILE *out)
{
	fputs("# bash completion for postern. Written by \"postern completion bash\".\n\n", out);
	put_verbs(out);
	put_options(out);
	put_operands(out);
	put_values(out);
	fputs(functions, out);
}
