// SPDX-License-Identifier: Apache-2.0
/*
 * Writes Unicode's classes and case folding, as RE2 has them, as a C header.
 *
 *	gen_unicode DIRECTORY > unicode_table.h
 *
 * DIRECTORY holds UnicodeData.txt, Scripts.txt and CaseFolding.txt of the Unicode Character
 * Database (Debian: unicode-data); UAX #44 describes them. A class is
 *
 *	- a general category by its two letters, as UnicodeData.txt names it,
 *	- the first of these letters: the union of what begins with it,
 *	- a script by the name that Scripts.txt gives it,
 *	- "Any".
 *
 * Code points that are not assigned are in no category: RE2 has neither Cn nor them in C.
 *
 * Folding is simple folding (statuses C and S): code points with the same folding form an orbit,
 * and each one's entry names the next of its orbit, in ascending order and round.
 *
 * Whatever is not as expected is an error: half a table would be a wrong answer.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUNES = 0x110000,
	FIELDS = 15, /* of UnicodeData.txt, which has most */
	NAME_SIZE = 32,
	MAX_SCRIPTS = 255,
	MAX_FOLDS = 8192,
	MAX_CLASSES = 512,
};

struct class
{
	char name[NAME_SIZE];
	unsigned int first, n; /* its ranges */
};

struct fold {
	uint32_t rune, orbit; /* an orbit is known by what its members fold to */
};

static char category[RUNES][2];
static uint8_t script_of[RUNES]; /* 0: none, else number + 1 */
static char scripts[MAX_SCRIPTS][NAME_SIZE];
static unsigned int n_scripts;
static struct fold folds[MAX_FOLDS];
static unsigned int n_folds;
static struct class classes[MAX_CLASSES];
static unsigned int n_classes, n_ranges;
static char version[NAME_SIZE];

static const char *dir;

/* The file being read, for messages. */
static struct input {
	FILE *in;
	const char *name;
	unsigned int line;
	char text[1024];
	char *fields[FIELDS];
	unsigned int n;
} input;

static void die(const char *what)
{
	fprintf(stderr, "gen_unicode: %s/%s:%u: %s\n", dir, input.name, input.line, what);
	exit(EXIT_FAILURE);
}

static void open_input(const char *name)
{
	char path[4096];

	input = (struct input){.name = name};
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	input.in = fopen(path, "r");
	if (input.in)
		return;
	fprintf(stderr,
		"gen_unicode: %s: %s\ngen_unicode: it belongs to Debian's package unicode-data\n",
		path, strerror(errno));
	exit(EXIT_FAILURE);
}

/* All files must be of one version; those that say it do so in the first line: "# Name-1.2.3.txt"
 */
static void check_version(void)
{
	char found[NAME_SIZE] = "";

	if (sscanf(input.text, "# %*[A-Za-z]-%31[0-9.]", found) != 1)
		die("expected '# Name-VERSION.txt'");
	found[strlen(found) - 1] = '\0'; /* the dot of ".txt" */
	if (version[0] && strcmp(version, found) != 0)
		die("this file is of another version than the one before");
	memcpy(version, found, sizeof(version));
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t\n", end[-1]))
		*--end = '\0';
	return s;
}

static void split_fields(void)
{
	char *rest = input.text, *field;

	input.n = 0;
	while ((field = strsep(&rest, ";"))) {
		if (input.n == FIELDS)
			die("too many fields");
		input.fields[input.n++] = trim(field);
	}
}

/* The next line that holds something, cut into at least N fields; false at the end. */
static bool next_line(unsigned int n)
{
	while (fgets(input.text, sizeof(input.text), input.in)) {
		input.line++;
		if (!strchr(input.text, '\n'))
			die("line too long");
		if (input.line == 1 && input.text[0] == '#')
			check_version();
		input.text[strcspn(input.text, "#\n")] = '\0';
		if (!*trim(input.text))
			continue;
		split_fields();
		if (input.n < n)
			die("too few fields");
		return true;
	}
	if (ferror(input.in) || !input.line)
		die("cannot be read");
	fclose(input.in);
	return false;
}

static uint32_t parse_rune(const char *s, char **ret_end)
{
	unsigned long value = strtoul(s, ret_end, 16);

	if (*ret_end == s || value >= RUNES)
		die("expected a code point");
	return (uint32_t)value;
}

static uint32_t parse_one(const char *s)
{
	char *end;
	uint32_t rune = parse_rune(s, &end);

	if (*end)
		die("expected one code point");
	return rune;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* Code point; name; general category. Large blocks are two lines: "<X, First>" and "<X, Last>". */
static void read_categories(void)
{
	uint32_t first = 0;
	bool open = false;

	open_input("UnicodeData.txt");
	while (next_line(3)) {
		uint32_t last = parse_one(input.fields[0]);

		if (strlen(input.fields[2]) != 2)
			die("expected a category of two letters");
		if (!open)
			first = last;
		open = ends_with(input.fields[1], ", First>");
		for (uint32_t rune = first; rune <= last; rune++)
			memcpy(category[rune], input.fields[2], 2);
	}
	if (open)
		die("a block without an end");
}

static uint8_t script_number(const char *name)
{
	unsigned int i = 0;

	while (i < n_scripts && strcmp(scripts[i], name) != 0)
		i++;
	if (i < n_scripts)
		return (uint8_t)(i + 1);
	if (n_scripts == MAX_SCRIPTS || strlen(name) >= NAME_SIZE)
		die("no room for this script");
	memcpy(scripts[n_scripts++], name, strlen(name) + 1);
	return (uint8_t)n_scripts;
}

/* Code point or range; script. */
static void read_scripts(void)
{
	open_input("Scripts.txt");
	while (next_line(2)) {
		char *end;
		uint32_t lo = parse_rune(input.fields[0], &end), hi = lo;

		if (end[0] == '.' && end[1] == '.')
			hi = parse_one(end + 2);
		else if (*end)
			die("expected a code point or a range");
		for (uint32_t rune = lo; rune <= hi; rune++)
			script_of[rune] = script_number(input.fields[1]);
	}
}

static void add_fold(uint32_t rune, uint32_t orbit)
{
	for (unsigned int i = 0; i < n_folds; i++) {
		if (folds[i].rune != rune)
			continue;
		if (folds[i].orbit != orbit)
			die("this code point folds to two others");
		return;
	}
	if (n_folds == MAX_FOLDS)
		die("no room for this folding");
	folds[n_folds++] = (struct fold){rune, orbit};
}

/* Code point; status; what it folds to. */
static void read_folds(void)
{
	open_input("CaseFolding.txt");
	while (next_line(3)) {
		uint32_t orbit;

		if (strcmp(input.fields[1], "C") != 0 && strcmp(input.fields[1], "S") != 0)
			continue;
		orbit = parse_one(input.fields[2]);
		add_fold(parse_one(input.fields[0]), orbit);
		add_fold(orbit, orbit);
	}
}

/* Category or script, or Any. */
static bool is_in(const char *name, unsigned int script, uint32_t rune)
{
	if (script)
		return script_of[rune] == script;
	if (!strcmp(name, "Any"))
		return true;
	return !memcmp(category[rune], name, strlen(name));
}

/* Prints the ranges of a class. */
static void print_class(const char *name, unsigned int script)
{
	struct class *c = &classes[n_classes++];

	memcpy(c->name, name, strlen(name) + 1); /* a script at the longest, which fits */
	c->first = n_ranges;
	for (uint32_t rune = 0; rune < RUNES; rune++) {
		uint32_t lo = rune;

		while (rune < RUNES && is_in(name, script, rune))
			rune++;
		if (rune == lo)
			continue;
		printf("\t{0x%x, 0x%x},\n", lo, rune - 1);
		n_ranges++;
	}
	c->n = n_ranges - c->first;
}

static bool is_printed(const char *name)
{
	for (unsigned int i = 0; i < n_classes; i++) {
		if (!strcmp(classes[i].name, name))
			return true;
	}
	return false;
}

static void print_ranges(void)
{
	printf("static const struct pst_rune_range unicode_ranges[] = {\n");
	print_class("Any", 0);
	for (uint32_t rune = 0; rune < RUNES; rune++) {
		char name[3] = {category[rune][0], '\0'};

		if (!name[0])
			continue;
		if (!is_printed(name))
			print_class(name, 0);
		name[1] = category[rune][1];
		if (!is_printed(name))
			print_class(name, 0);
	}
	for (unsigned int i = 0; i < n_scripts; i++)
		print_class(scripts[i], i + 1);
	printf("};\n\n");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct class *)a)->name, ((const struct class *)b)->name);
}

static void print_classes(void)
{
	qsort(classes, n_classes, sizeof(*classes), by_name);
	printf("/* By name, in the order of strcmp(). */\n"
	       "static const struct pst_named_class unicode_classes[] = {\n");
	for (unsigned int i = 0; i < n_classes; i++)
		printf("\t{\"%s\", %u, unicode_ranges + %u},\n", classes[i].name, classes[i].n,
		       classes[i].first);
	printf("};\n\n");
}

static int by_rune(const void *a, const void *b)
{
	const struct fold *x = a, *y = b;

	return x->rune < y->rune ? -1 : x->rune > y->rune;
}

/* The next member behind number I of the folds, which are sorted; round to the first one. */
static uint32_t next_of_orbit(unsigned int i)
{
	unsigned int at = i;

	do
		at = at + 1 < n_folds ? at + 1 : 0;
	while (folds[at].orbit != folds[i].orbit);
	return folds[at].rune;
}

static void print_folds(void)
{
	qsort(folds, n_folds, sizeof(*folds), by_rune);
	printf("/* By code point. */\nstatic const struct pst_unicode_fold unicode_folds[] = {\n");
	for (unsigned int i = 0; i < n_folds; i++)
		printf("\t{0x%x, 0x%x},\n", folds[i].rune, next_of_orbit(i));
	printf("};\n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: gen_unicode DIRECTORY\n");
		return EXIT_FAILURE;
	}
	_Static_assert(MAX_SCRIPTS + 64 <= MAX_CLASSES, "categories and scripts must fit");
	dir = argv[1];
	read_categories();
	read_scripts();
	read_folds();
	printf("/* SPDX-License-Identifier: Apache-2.0 AND Unicode-DFS-2016 */\n"
	       "/* Generated by tools/gen_unicode.c: do not edit. */\n"
	       "#pragma once\n\n"
	       "#define UNICODE_VERSION \"%s\"\n\n",
	       version);
	print_ranges();
	print_classes();
	print_folds();
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
