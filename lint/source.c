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
#include "base/vec.h"
#include "policy/yaml.h"

#define STDIN_NAME "<stdin>"

enum {
	/* A finding and its notes may lie in different files, and findings come sorted by file. */
	OPEN = 4,
	MAX_KEPT = 16 << 20, /* bytes of texts */
	MIN_HEADS = 64,
};

/* The text of a file as it was read first. */
struct kept {
	const char *name, *text;
	size_t len;
	uint32_t hash, next; /* 1 + number of the next of its chain */
};

struct source {
	char *name;
	const char *text; /* NULL: it could not be read */
	char *owned;	  /* what was read for it; NULL: the text is kept */
	size_t len;
	uint32_t *lines; /* where each line starts */
	size_t n_lines;
	uint64_t used; /* when it was asked for last */
};

struct pst_sources {
	struct pst_arena *arena;
	struct PST_VEC(struct kept) kept;
	uint32_t *heads; /* chains by name: a power of two */
	size_t n_heads, n_bytes;
	struct source open[OPEN];
	uint64_t clock;
};

struct pst_sources *pst_sources_new(void)
{
	struct pst_sources *s = pst_mem_calloc(1, sizeof(*s));

	if (s)
		s->arena = pst_arena_new();
	if (s && !s->arena)
		pst_sources_free(&s);
	return s;
}

static void source_fini(struct source *s)
{
	free(s->name);
	free(s->owned);
	free(s->lines);
	s->name = s->owned = NULL;
	s->text = NULL;
	s->lines = NULL;
	s->len = s->n_lines = 0;
}

void pst_sources_free(struct pst_sources **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < OPEN; i++)
		source_fini(&(*s)->open[i]);
	pst_vec_free(&(*s)->kept);
	free((*s)->heads);
	pst_arena_free(&(*s)->arena);
	free(*s);
	*s = NULL;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static void file_under(struct pst_sources *s, size_t i)
{
	uint32_t *head = &s->heads[s->kept.v[i].hash & (s->n_heads - 1)];

	s->kept.v[i].next = *head;
	*head = (uint32_t)i + 1;
}

static int grow(struct pst_sources *s)
{
	const size_t n = s->n_heads ? 2 * s->n_heads : MIN_HEADS;
	uint32_t *heads = pst_mem_calloc(n, sizeof(*heads));

	if (!heads)
		return -ENOMEM;
	free(s->heads);
	s->heads = heads;
	s->n_heads = n;
	for (size_t i = 0; i < s->kept.n; i++)
		file_under(s, i);
	return 0;
}

int pst_sources_add(struct pst_sources *s, const char *file, const char *text, size_t len)
{
	struct kept k = {.hash = hash_of(file), .len = len};

	if (strcmp(file, STDIN_NAME) && len > MAX_KEPT - s->n_bytes)
		return 0;
	k.name = pst_arena_strndup(s->arena, file, strlen(file));
	k.text = pst_arena_strndup(s->arena, text, len);
	if (!k.name || !k.text || (s->kept.n >= s->n_heads && grow(s)) ||
	    pst_vec_reserve(&s->kept, s->kept.n + 1))
		return -ENOMEM;
	s->kept.v[s->kept.n++] = k;
	s->n_bytes += len < MAX_KEPT - s->n_bytes ? len : MAX_KEPT - s->n_bytes;
	file_under(s, s->kept.n - 1);
	return 0;
}

/* The last that was added by that name, or NULL. */
static const struct kept *find_kept(const struct pst_sources *s, const char *file)
{
	const uint32_t hash = hash_of(file);
	uint32_t i = s->n_heads ? s->heads[hash & (s->n_heads - 1)] : 0;

	while (i && (s->kept.v[i - 1].hash != hash || strcmp(s->kept.v[i - 1].name, file)))
		i = s->kept.v[i - 1].next;
	return i ? &s->kept.v[i - 1] : NULL;
}

/* What cannot be read any more has no lines: a finding is shown without its line then. */
static void read_file(struct source *s, const char *file)
{
	pst_auto_fd int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > PST_YAML_MAX_SIZE)
		return;
	s->text = s->owned = pst_mem_calloc(1, (size_t)st.st_size + 1);
	while (s->owned && s->len < (size_t)st.st_size) {
		got = read(fd, s->owned + s->len, (size_t)st.st_size - s->len);
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
	const struct kept *kept = find_kept(all, file);

	source_fini(s);
	s->name = pst_mem_strndup(file, strlen(file));
	if (kept) {
		s->text = kept->text;
		s->len = kept->len;
	} else {
		read_file(s, file);
	}
	if (s->text)
		find_lines(s);
}

static struct source *get_source(struct pst_sources *all, const char *file)
{
	struct source *oldest = &all->open[0];

	for (size_t i = 0; i < OPEN; i++) {
		struct source *s = &all->open[i];

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
