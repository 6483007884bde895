// SPDX-License-Identifier: Apache-2.0
#include "cli/usage.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/escape.h"
#include "base/mem.h"
#include "cli/verbs.h"

const struct pst_cli_verb *pst_cli_verb_find(const char *name)
{
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		if (!strcmp(v->name, name))
			return v;
	}
	return NULL;
}

static void print_call(const struct pst_cli_verb *verb, FILE *out)
{
	fprintf(out, "usage: postern %s %s\n", verb->name, verb->synopsis);
}

int pst_cli_usage_error(const struct pst_cli_verb *verb, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "postern %s: ", verb->name);
	pst_escape_print(stderr, text, strlen(text));
	fputc('\n', stderr);
	print_call(verb, stderr);
	fprintf(stderr, "\"postern %s --help\" tells more.\n", verb->name);
	return PST_EXIT_USAGE;
}

static size_t option_index(const struct pst_cli_verb *verb, const char *name, size_t len)
{
	size_t i = 0;

	while (i < verb->n_options &&
	       (strlen(verb->options[i].name) != len || memcmp(verb->options[i].name, name, len)))
		i++;
	return i;
}

static size_t letter_index(const struct pst_cli_verb *verb, char letter)
{
	size_t i = 0;

	while (i < verb->n_options && verb->options[i].letter != letter)
		i++;
	return i;
}

/* Where parsing stands. */
struct parser {
	struct pst_cli_args *args;
	int argc, at;
	char **argv;
};

/* An empty name of a file is a variable that nobody has set, not a file that is missing. */
static bool is_name(const char *what, const char *value)
{
	static const char *const names[] = {"FILE", "BUNDLE", "PATH"};

	for (size_t i = 0; what && !value[0] && i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(what, names[i]))
			return false;
	}
	return true;
}

/* VALUE stands in the same word, or is NULL: then it is the next word. */
static int take_option(struct parser *p, size_t index, const char *value)
{
	const struct pst_cli_verb *verb = p->args->verb;
	const struct pst_cli_option *o = &verb->options[index];
	struct pst_cli_strings *values = &p->args->values[index];

	if (!o->arg && value) {
		pst_cli_usage_error(verb, "--%s takes no value, found \"%s\"", o->name, value);
		return -EINVAL;
	}
	if (o->arg && !value) {
		if (p->at >= p->argc) {
			pst_cli_usage_error(verb, "expected %s behind --%s", o->arg, o->name);
			return -EINVAL;
		}
		value = p->argv[p->at++];
	}
	if (o->arg && !is_name(o->arg, value)) {
		pst_cli_usage_error(verb, "expected %s behind --%s, found \"\"", o->arg, o->name);
		return -EINVAL;
	}
	if (values->n && !o->many) {
		pst_cli_usage_error(verb, "--%s is given twice", o->name);
		return -EINVAL;
	}
	if (!value)
		value = "";
	if (pst_vec_push(&p->args->given, (struct pst_cli_given){o, value}))
		return -ENOMEM;
	return pst_vec_push(values, value);
}

static int take_long(struct parser *p, const char *word)
{
	const struct pst_cli_verb *verb = p->args->verb;
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	size_t index = option_index(verb, word, len);

	if (index == verb->n_options) {
		pst_cli_usage_error(verb, "there is no option --%.*s", (int)len, word);
		return -EINVAL;
	}
	return take_option(p, index, equals ? equals + 1 : NULL);
}

static int take_short(struct parser *p, const char *word)
{
	const struct pst_cli_verb *verb = p->args->verb;
	size_t index = letter_index(verb, word[0]);

	if (index == verb->n_options) {
		pst_cli_usage_error(verb, "there is no option -%s", word);
		return -EINVAL;
	}
	return take_option(p, index, word[1] ? word + 1 : NULL);
}

static int take_operand(struct parser *p, const char *word)
{
	const struct pst_cli_verb *verb = p->args->verb;

	if (is_name(verb->operands, word))
		return pst_vec_push(&p->args->operands, word);
	pst_cli_usage_error(verb, "expected the name of a file, found \"\"");
	return -EINVAL;
}

static size_t count_stdin(const struct pst_cli_strings *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++)
		n += !strcmp(names->v[i], "-");
	return n;
}

/* Who reads it for the second time finds nothing there. */
static int check_stdin(const struct pst_cli_args *args)
{
	const struct pst_cli_verb *verb = args->verb;
	size_t n = verb->operands ? count_stdin(&args->operands) : 0;

	for (size_t i = 0; i < verb->n_options; i++)
		n += verb->options[i].is_input ? count_stdin(&args->values[i]) : 0;
	if (n <= 1)
		return 0;
	pst_cli_usage_error(verb, "expected \"-\", standard input, for one file, found it for %zu",
			    n);
	return -EINVAL;
}

/* Does one of the names stand for the regular file that OUT is? */
static bool has_file(const struct pst_cli_strings *names, const struct stat *out)
{
	struct stat st;

	for (size_t i = 0; i < names->n; i++) {
		if (!stat(names->v[i], &st) && S_ISREG(st.st_mode) && st.st_dev == out->st_dev &&
		    st.st_ino == out->st_ino)
			return true;
	}
	return false;
}

/* -o in the wrong place must not put a report where a policy was. */
static int check_outputs(const struct pst_cli_args *args)
{
	const struct pst_cli_verb *verb = args->verb;

	for (size_t i = 0; i < args->given.n; i++) {
		const struct pst_cli_given *g = &args->given.v[i];
		struct stat out;
		bool both;

		if (strcmp(g->option->name, "output") != 0 || !strcmp(g->option->arg, "FORM") ||
		    stat(g->value, &out))
			continue;
		both = verb->operands && has_file(&args->operands, &out);
		for (size_t k = 0; k < verb->n_options; k++)
			both = both ||
			       (verb->options[k].is_input && has_file(&args->values[k], &out));
		if (both) {
			pst_cli_usage_error(
				verb,
				"expected another file behind -o, found \"%s\", which is read",
				g->value);
			return -EINVAL;
		}
	}
	return 0;
}

static int take_words(struct parser *p)
{
	bool options = true;
	int r = 0;

	while (!r && p->at < p->argc) {
		const char *word = p->argv[p->at++];

		if (options && !strcmp(word, "--"))
			options = false;
		else if (options && !strncmp(word, "--", 2))
			r = take_long(p, word + 2);
		else if (options && word[0] == '-' && word[1])
			r = take_short(p, word + 1);
		else
			r = take_operand(p, word);
	}
	return r;
}

int pst_cli_parse(const struct pst_cli_verb *verb, int argc, char **argv,
		  struct pst_cli_args *ret_args)
{
	struct pst_cli_args args = {
		.verb = verb,
		.values = pst_mem_calloc(verb->n_options, sizeof(*args.values)),
	};
	struct parser p = {.args = &args, .argc = argc, .at = 1, .argv = argv};
	int r = args.values ? take_words(&p) : -ENOMEM;

	if (!r)
		r = check_stdin(&args);
	if (!r)
		r = check_outputs(&args);
	if (r)
		pst_cli_args_fini(&args);
	else
		*ret_args = args;
	return r;
}

void pst_cli_args_fini(struct pst_cli_args *args)
{
	for (size_t i = 0; args->values && i < args->verb->n_options; i++)
		pst_vec_free(&args->values[i]);
	free(args->values);
	args->values = NULL;
	pst_vec_free(&args->operands);
	pst_vec_free(&args->given);
}

const struct pst_cli_strings *pst_cli_all(const struct pst_cli_args *args, const char *name)
{
	size_t i = option_index(args->verb, name, strlen(name));

	assert(i < args->verb->n_options);
	return &args->values[i];
}

const char *pst_cli_value(const struct pst_cli_args *args, const char *name)
{
	const struct pst_cli_strings *all = pst_cli_all(args, name);

	return all->n ? all->v[0] : NULL;
}

int pst_cli_format(const struct pst_cli_args *args, bool *ret_json)
{
	const char *format = pst_cli_value(args, "format");

	if (format && strcmp(format, "json") && strcmp(format, "text")) {
		pst_cli_usage_error(args->verb,
				    "expected text or json behind --format, found \"%s\"", format);
		return -EINVAL;
	}
	*ret_json = format && !strcmp(format, "json");
	return 0;
}

int pst_cli_about_one(const struct pst_cli_verb *verb, int argc, char **argv, const char *what,
		      int (*about)(const char *operand, bool json))
{
	struct pst_cli_args args;
	bool json = false;
	int status, r = pst_cli_parse(verb, argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	if (pst_cli_format(&args, &json))
		status = PST_EXIT_USAGE;
	else if (args.operands.n != 1)
		status = pst_cli_usage_error(verb, "expected one %s, found %zu operands", what,
					     args.operands.n);
	else
		status = about(args.operands.v[0], json);
	pst_cli_args_fini(&args);
	return status;
}

int pst_cli_paths(const struct pst_cli_args *args, bool *ret_any)
{
	const char *paths = pst_cli_value(args, "paths");

	if (paths && strcmp(paths, "any") && strcmp(paths, "normal")) {
		pst_cli_usage_error(args->verb,
				    "expected normal or any behind --paths, found \"%s\"", paths);
		return -EINVAL;
	}
	*ret_any = paths && !strcmp(paths, "any");
	return 0;
}

enum { HELP_COLUMN = 28, HELP_WIDTH = 100 };

/* TEXT from COLUMN on, which is where the cursor stands, broken at blanks. */
static void print_wrapped(const char *text, int column, FILE *out)
{
	int at = column;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (at > column && at + 1 + (int)len > HELP_WIDTH) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, len, out);
		at += (int)len;
		text += len;
		if (*text == '\n') {
			fprintf(out, "\n%*s", column, "");
			at = column;
		}
		text += *text != 0;
	}
	fputc('\n', out);
}

static void print_option(const struct pst_cli_option *o, FILE *out)
{
	char head[64];
	int n = o->letter ? snprintf(head, sizeof(head), "-%c, --%s", o->letter, o->name)
			  : snprintf(head, sizeof(head), "--%s", o->name);

	if (o->arg)
		n += snprintf(head + n, sizeof(head) - (size_t)n, " %s", o->arg);
	fprintf(out, "  %-*s", HELP_COLUMN - 2, head);
	if (n > HELP_COLUMN - 3)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	print_wrapped(o->help, HELP_COLUMN, out);
}

void pst_cli_print_help(const struct pst_cli_verb *verb, FILE *out)
{
	print_call(verb, out);
	fputc('\n', out);
	print_wrapped(verb->summary, 0, out);
	if (verb->details) {
		fputc('\n', out);
		print_wrapped(verb->details, 0, out);
	}
	if (verb->n_options)
		fputc('\n', out);
	for (size_t i = 0; i < verb->n_options; i++)
		print_option(&verb->options[i], out);
	fputs("\nExit status: ", out);
	print_wrapped(verb->exit_status, 13, out);
}

void pst_cli_print_verbs(FILE *out)
{
	fputs("usage: postern VERB [OPTION]...\n\n"
	      "Judges HTTP requests by CiliumNetworkPolicy files.\n\n",
	      out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++)
		fprintf(out, "  %-12s%s\n", v->name, v->summary);
	fputs("\n\"postern VERB --help\" tells more about a verb, \"postern --version\" the version.\n",
	      out);
}

/* roff: a backslash and a leading dot or quote are commands, a hyphen is not a minus. */
static void print_roff(const char *text, FILE *out)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
		line_start = *text == '\n';
		if (line_start)
			fputs(".br\n", out);
	}
	fputc('\n', out);
}

static void print_man_option(const struct pst_cli_option *o, FILE *out)
{
	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", out);
	for (const char *c = o->name; *c; c++)
		fputs(*c == '-' ? "\\-" : (char[]){*c, 0}, out);
	fputs("\\fR", out);
	if (o->arg)
		fprintf(out, " \\fI%s\\fR", o->arg);
	fputc('\n', out);
	print_roff(o->help, out);
}

static void print_man_verb(const struct pst_cli_verb *v, FILE *out)
{
	fprintf(out, ".SS postern %s ", v->name);
	print_roff(v->synopsis, out);
	print_roff(v->summary, out);
	if (v->details) {
		fputs(".PP\n", out);
		print_roff(v->details, out);
	}
	for (size_t i = 0; i < v->n_options; i++)
		print_man_option(&v->options[i], out);
	fputs(".PP\nExit status: ", out);
	print_roff(v->exit_status, out);
}

void pst_cli_print_man(FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
	      ".\\\" Written by \"postern help --man\": change the table in cli/table.c instead.\n"
	      ".TH POSTERN 1\n"
	      ".SH NAME\n"
	      "postern \\- judge HTTP requests by CiliumNetworkPolicy files\n"
	      ".SH SYNOPSIS\n"
	      ".B postern\n"
	      "\\fIVERB\\fR [\\fIOPTION\\fR]...\n"
	      ".SH DESCRIPTION\n"
	      "Data goes to standard output or to the file that \\fB\\-o\\fR names, everything else "
	      "to standard error.\n"
	      "Mistakes in files are told as \\fIfile\\fR:\\fIline\\fR:\\fIcolumn\\fR: "
	      "\\fIseverity\\fR: \\fImessage\\fR [\\fIid\\fR].\n"
	      ".PP\nFiles that are read are regular ones, pipes that the shell has begun, as <(helm "
	      "template .), or \\- for standard input where a verb says so; a FIFO is refused, "
	      "because it may have no writer. What "
	      "\\fB\\-o\\fR names is replaced as a whole, and written to where it is a device or "
	      "a pipe that somebody reads.\n"
	      ".PP\n\\fBpostern \\-\\-version\\fR prints the version.\n"
	      ".SH VERBS\n",
	      out);
	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++)
		print_man_verb(v, out);
}
