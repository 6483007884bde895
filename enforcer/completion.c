// SPDX-License-Identifier: Apache-2.0
#include "enforcer/completion.h"

#include <errno.h>
#include <string.h>

/* What the shell shall offer behind an option: names of files, words, or nothing. */
static bool is_file(const struct pst_options_row *o)
{
	return o->arg && (!strcmp(o->arg, "FILE") || !strcmp(o->arg, "PATH") ||
			  !strcmp(o->arg, "DIR") || !strcmp(o->arg, "PATH|off"));
}

/* "a|b|c": all words are small letters; what a user has to fill in is not. */
static bool has_words(const struct pst_options_row *o)
{
	return o->arg && strchr(o->arg, '|') &&
	       strspn(o->arg, "abcdefghijklmnopqrstuvwxyz|") == strlen(o->arg);
}

static void put_words(const struct pst_options_row *o, FILE *out)
{
	for (const char *p = o->arg; *p; p++)
		fputc(*p == '|' ? ' ' : *p, out);
}

/* TEXT in single quotes, with a backslash before each of SPECIAL. */
static void put_quoted(const char *text, const char *special, FILE *out)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			fputc('\\', out);
		if (*text == '\'')
			fputs("'\\'", out);
		fputc(*text, out);
	}
}

static void put_bash(const struct pst_options_row *rows, size_t n, FILE *out)
{
	fputs("# bash completion for posternd. Written by \"posternd --completion bash\".\n\n"
	      "_posternd() {\n"
	      "	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= IFS=$' \\t\\n'\n"
	      "	COMPREPLY=()\n"
	      "	if [ \"$cur\" = = ]; then\n"
	      "		cur=\n"
	      "	elif [ \"$prev\" = = ]; then\n"
	      "		prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "	fi\n"
	      "	case $prev in\n",
	      out);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].arg)
			continue;
		fprintf(out, "	--%s) ", rows[i].name);
		if (is_file(&rows[i])) {
			fputs("compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n",
			      out);
		} else if (has_words(&rows[i])) {
			fputs("words='", out);
			put_words(&rows[i], out);
			fputs("' ;;\n", out);
		} else {
			fputs("return ;;\n", out);
		}
	}
	fputs("	*) words='", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "--%s ", rows[i].name);
	fputs("' ;;\n	esac\n"
	      "	mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n\ncomplete -F _posternd posternd\n",
	      out);
}

static void put_zsh(const struct pst_options_row *rows, size_t n, FILE *out)
{
	fputs("#compdef posternd\n# Written by \"posternd --completion zsh\".\n\n_arguments -s",
	      out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, " \\\n\t'*--%s%s[", rows[i].name, rows[i].arg ? "=" : "");
		put_quoted(rows[i].help, "[]\\:", out);
		fputc(']', out);
		if (is_file(&rows[i])) {
			fputs(":file:_files", out);
		} else if (has_words(&rows[i])) {
			fputs(":word:(", out);
			put_words(&rows[i], out);
			fputc(')', out);
		} else if (rows[i].arg) {
			fputs(":value: ", out);
		}
		fputc('\'', out);
	}
	fputc('\n', out);
}

static void put_fish(const struct pst_options_row *rows, size_t n, FILE *out)
{
	fputs("# fish completion for posternd. Written by \"posternd --completion fish\".\n\n"
	      "complete -c posternd -f\n",
	      out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "complete -c posternd -l %s", rows[i].name);
		if (is_file(&rows[i])) {
			fputs(" -r -F", out);
		} else if (has_words(&rows[i])) {
			fputs(" -x -a '", out);
			put_words(&rows[i], out);
			fputc('\'', out);
		} else if (rows[i].arg) {
			fputs(" -x", out);
		}
		fputs(" -d '", out);
		put_quoted(rows[i].help, "\\", out);
		fputs("'\n", out);
	}
}

int pst_completion_write(const char *shell, FILE *out)
{
	static const struct {
		const char *name;
		void (*put)(const struct pst_options_row *rows, size_t n, FILE *out);
	} shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
	size_t n;
	const struct pst_options_row *rows = pst_options_rows(&n);

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (!strcmp(shells[i].name, shell)) {
			shells[i].put(rows, n, out);
			return 0;
		}
	}
	return -EINVAL;
}
