// SPDX-License-Identifier: Apache-2.0
#include "lint/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"

#define STDIN_NAME "<stdin>"

struct pst_sources {
	char *stdin_text; /* kept, since it cannot be read again */
	size_t stdin_len;
	/* The file at hand. */
	char *name;
	char *text; /* NULL: it could not be read */
	size_t len;
	size_t line, at; /* the line found last, and where it starts */
};

struct pst_sources *pst_sources_new(void)
{
	return pst_mem_calloc(1, sizeof(struct pst_sources));
}

static void close_file(struct pst_sources *s)
{
	free(s->name);
	free(s->text);
	s->name = s->text = NULL;
	s->len = 0;
}

void pst_sources_free(struct pst_sources **s)
{
	if (!*s)
		return;
	close_file(*s);
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
static void read_file(struct pst_sources *s, const char *file)
{
	pst_auto_fd int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
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

static bool open_file(struct pst_sources *s, const char *file)
{
	if (s->name && !strcmp(s->name, file))
		return s->text;
	close_file(s);
	s->line = 1;
	s->at = 0;
	s->name = pst_mem_strndup(file, strlen(file));
	if (!strcmp(file, STDIN_NAME) && s->stdin_text) {
		s->text = pst_mem_strndup(s->stdin_text, s->stdin_len);
		s->len = s->stdin_len;
	} else {
		read_file(s, file);
	}
	return s->name && s->text;
}

const char *pst_sources_line(struct pst_sources *s, const char *file, unsigned int line,
			     size_t *ret_len)
{
	const char *end;

	if (!line || !open_file(s, file))
		return NULL;
	if (line < s->line) {
		s->line = 1;
		s->at = 0;
	}
	for (; s->line < line; s->line++) {
		end = memchr(s->text + s->at, '\n', s->len - s->at);
		if (!end)
			return NULL;
		s->at = (size_t)(end - s->text) + 1;
	}
	end = memchr(s->text + s->at, '\n', s->len - s->at);
	*ret_len = (end ? (size_t)(end - s->text) : s->len) - s->at;
	if (*ret_len && s->text[s->at + *ret_len - 1] == '\r')
		--*ret_len;
	return s->text + s->at;
}
