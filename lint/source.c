// SPDX-License-Identifier: Apache-2.0
#include "lint/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/yaml.h"

#define STDIN_NAME "<stdin>"

/* A finding and its notes may lie in different files, and findings come sorted by file. */
enum { KEPT = 4 };

struct source {
	char *name;
	char *text; /* NULL: it could not be read */
	size_t len;
	uint32_t *lines; /* where each line starts */
	size_t n_lines;
	uint64_t used; /* when it was asked for last */
};

struct pst_sources {
	char *stdin_text; /* kept, since it cannot be read again */
	size_t stdin_len;
	struct source kept[KEPT];
	uint64_t clock;
};

struct pst_sources *pst_sources_new(void)
{
	return pst_mem_calloc(1, sizeof(struct pst_sources));
}

static void source_fini(struct source *s)
{
	free(s->name);
	free(s->text);
	free(s->lines);
	s->name = s->text = NULL;
	s->lines = NULL;
	s->len = s->n_lines = 0;
}

void pst_sources_free(struct pst_sources **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < KEPT; i++)
		source_fini(&(*s)->kept[i]);
	free((*s)->stdin_text);
	free(*s);
	*s = NULL;
}

int pst_sources_add(struct pst_sources *s, const char *file, const char *text, size_t len)
{
	if (strcmp(file, STDIN_NAME))
		return 0;
	free(s->stdin_text);
	s->stdin_text = pst_mem_strndup(text, len);
	s->stdin_len = len;
	return s->stdin_text ? 0 : -ENOMEM;
}

/* What cannot be read any more has no lines: a finding is shown without its line then. */
static void read_file(struct source *s, const char *file)
{
	pst_auto_fd int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > PST_YAML_MAX_SIZE)
		return;
	s->text = pst_mem_calloc(1, (size_t)st.st_size + 1);
	while (s->text && s->len < (size_t)st.st_size) {
		got = read(fd, s->text + s->len, (size_t)st.st_size - s->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		s->len += (size_t)got;
	}
}

static void find_lines(struct source *s)
{
	size_t n = 1;

	for (size_t i = 0; i < s->len; i++)
		n += s->text[i] == '\n';
	s->lines = pst_mem_calloc(n, sizeof(*s->lines));
	if (!s->lines)
		return;
	s->n_lines = 1;
	for (size_t i = 0; i < s->len; i++) {
		if (s->text[i] == '\n')
			s->lines[s->n_lines++] = (uint32_t)i + 1;
	}
}

static void open_source(struct pst_sources *all, struct source *s, const char *file)
{
	source_fini(s);
	s->name = pst_mem_strndup(file, strlen(file));
	if (all->stdin_text && !strcmp(file, STDIN_NAME)) {
		s->text = pst_mem_strndup(all->stdin_text, all->stdin_len);
		s->len = s->text ? all->stdin_len : 0;
	} else {
		read_file(s, file);
	}
	if (s->text)
		find_lines(s);
}

static struct source *get_source(struct pst_sources *all, const char *file)
{
	struct source *oldest = &all->kept[0];

	for (size_t i = 0; i < KEPT; i++) {
		struct source *s = &all->kept[i];

		if (s->name && !strcmp(s->name, file)) {
			s->used = ++all->clock;
			return s;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	open_source(all, oldest, file);
	oldest->used = ++all->clock;
	return oldest;
}

const char *pst_sources_line(struct pst_sources *s, const char *file, unsigned int line,
			     size_t *ret_len)
{
	const struct source *src = get_source(s, file);
	size_t start, end;

	if (!line || line > src->n_lines)
		return NULL;
	start = src->lines[line - 1];
	end = line < src->n_lines ? src->lines[line] - 1 : src->len;
	if (end > start && src->text[end - 1] == '\r')
		end--;
	*ret_len = end - start;
	return src->text + start;
}
