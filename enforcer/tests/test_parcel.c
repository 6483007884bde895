// SPDX-License-Identifier: Apache-2.0
#include "enforcer/parcel.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct pst_sources *sources;
static struct pst_reading sent, got;

/* A file with a mistake, one with a warning's place, and a bundle of what is good. */
static void setup(void)
{
	const char *policies[] = {"testdata/policies/good/two-rules.yaml"};
	const char *inventories[] = {"testdata/inventory/demo.yaml"};
	const struct pst_pos first = {"a.yaml", 3, 7, 3, 9}, second = {"b\n.yaml", 1, 2, 3, 4};

	sources = pst_sources_new(policies, 1, inventories, 1);
	cr_assert_eq(pst_sources_read(sources, &sent), 0);
	sent.n_refused = 5;
	pst_diags_error(sent.standing, "field-unknown", &first, "unknown field '%s'", "\x1b[2J");
	pst_diags_note(sent.standing, &second, "the first one stands here");
	pst_diags_note(sent.standing, &first, "%s", "");
	pst_diags_add(sent.standing, PST_SEVERITY_WARNING, "field-unknown",
		      &(struct pst_pos){.file = NULL}, "%s", "as a whole");
}

static void teardown(void)
{
	pst_reading_fini(&sent);
	pst_reading_fini(&got);
	pst_sources_free(&sources);
}

TestSuite(parcel, .init = setup, .fini = teardown);

static char *printed(const struct pst_diags *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	pst_diags_print(d, out);
	fclose(out);
	return text;
}

static char *bundle_bytes(const struct pst_bundle *b, size_t *ret_len)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, ret_len);

	cr_assert_eq(pst_bundle_write(b, out), 0);
	fclose(out);
	return bytes;
}

/* What pst_parcel_write() made of SENT, to be harmed. */
static uint8_t *parcel(size_t *ret_len)
{
	pst_auto_fd int fd = pst_parcel_write(&sent);
	struct stat st;
	uint8_t *bytes;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	*ret_len = (size_t)st.st_size;
	bytes = malloc(*ret_len);
	cr_assert_eq(pread(fd, bytes, *ret_len, 0), st.st_size);
	return bytes;
}

Test(parcel, a_reading_comes_as_it_was_sent)
{
	pst_auto_fd int fd = pst_parcel_write(&sent);
	pst_auto_free char *said = NULL, *heard = NULL, *before = NULL, *after = NULL;
	size_t n_before, n_after;

	cr_assert_geq(fd, 0);
	cr_assert_eq(pst_parcel_read(fd, &got), 0);
	cr_expect_eq(got.n_refused, 5);
	cr_expect_eq(got.changed, sent.changed);
	cr_expect_eq(pst_diags_errors(got.standing), pst_diags_errors(sent.standing));
	said = printed(sent.standing);
	heard = printed(got.standing);
	cr_expect_str_eq(heard, said);
	before = bundle_bytes(sent.bundle, &n_before);
	after = bundle_bytes(got.bundle, &n_after);
	cr_assert_eq(n_before, n_after);
	cr_expect_eq(memcmp(before, after, n_before), 0);
}

Test(parcel, a_reading_without_a_bundle_has_none_at_the_other_end)
{
	pst_auto_fd int fd = -1;

	pst_bundle_free(&sent.bundle);
	fd = pst_parcel_write(&sent);
	cr_assert_eq(pst_parcel_read(fd, &got), 0);
	cr_expect_null(got.bundle);
	cr_expect_eq(pst_diags_count(got.standing), pst_diags_count(sent.standing));
}

/* Whoever wrote it could change it between two looks. */
Test(parcel, what_can_still_be_changed_is_refused)
{
	pst_auto_free uint8_t *bytes = NULL;
	pst_auto_fd int fd = memfd_create("open", MFD_ALLOW_SEALING);
	const int seals[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE};
	size_t n;

	bytes = parcel(&n);
	cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(pst_parcel_read(fd, &got), -EPROTO);
		cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
	}
	cr_expect_eq(pst_parcel_read(fd, &got), -EPROTO);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	cr_expect_eq(pst_parcel_read(fd, &got), 0);
}

Test(parcel, what_cannot_be_sealed_is_refused)
{
	pst_auto_fd int file = open("testdata/inventory/demo.yaml", O_RDONLY);
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_expect_eq(pst_parcel_read(file, &got), -EPROTO);
	cr_expect_eq(pst_parcel_read(fds[0], &got), -EPROTO);
	cr_expect_eq(pst_parcel_read(-1, &got), -EPROTO);
}

Test(parcel, what_is_too_large_or_empty_is_refused_before_it_is_read)
{
	const off_t sizes[] = {0, (off_t)PST_PARCEL_MAX + 1, 1LL << 50};

	for (int i = 0; i < 3; i++) {
		pst_auto_fd int fd = memfd_create("size", MFD_ALLOW_SEALING);

		cr_assert_eq(ftruncate(fd, sizes[i]), 0);
		cr_assert_eq(fcntl(fd, F_ADD_SEALS,
				   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
			     0);
		cr_expect_eq(pst_parcel_read(fd, &got), -EPROTO);
	}
}

/* To find a page for it can fail while it is read, and then the signal ends the daemon. */
Test(parcel, one_with_holes_is_refused_before_it_is_read)
{
	pst_auto_fd int fd = memfd_create("holes", MFD_ALLOW_SEALING);
	pst_auto_free uint8_t *bytes = NULL;
	const off_t hole = 1 << 20;
	struct stat before, after;
	size_t n;

	bytes = parcel(&n);
	cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
	cr_assert_eq(ftruncate(fd, hole), 0);
	/* As many blocks as it would have without a hole, behind its end. */
	cr_assert_eq(fallocate(fd, FALLOC_FL_KEEP_SIZE, hole, hole), 0);
	cr_assert_eq(
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
		0);
	cr_assert_eq(fstat(fd, &before), 0);
	cr_expect_eq(pst_parcel_read(fd, &got), -EPROTO);
	cr_assert_eq(fstat(fd, &after), 0);
	cr_expect_eq(after.st_blocks, before.st_blocks, "who reads a hole makes a page");
	cr_expect_eq(pst_parcel_parse(bytes, n, &got), 0);
}

/* Parses; a failure is told by its name, and is read here instead of on the terminal. */
static int parse_and_read_the_log(const uint8_t *bytes, size_t n, struct pst_reading *ret_reading)
{
	FILE *real = stderr;
	pst_auto_free char *said = NULL;
	size_t len;
	int r;

	stderr = open_memstream(&said, &len);
	cr_assert_not_null(stderr);
	r = pst_parcel_parse(bytes, n, ret_reading);
	fclose(stderr);
	stderr = real;
	if (!r)
		cr_assert_str_empty(said);
	else if (r == -EPROTO)
		cr_assert(strstr(said, "error: what the reader of files says is no reading"), "%s",
			  said);
	else
		cr_assert(strstr(said, "error: the compiled policy does not pass verification"),
			  "%d: %s", r, said);
	return r;
}

Test(parcel, no_part_of_one_is_one)
{
	pst_auto_free uint8_t *bytes = NULL;
	size_t n;

	bytes = parcel(&n);
	for (size_t len = 0; len < n; len++) {
		pst_auto_free uint8_t *part =
			malloc(len + 1); /* so that a sanitizer sees the end */

		memcpy(part, bytes, len);
		cr_assert_neq(parse_and_read_the_log(part, len, &got), 0, "%zu of %zu", len, n);
	}
	cr_expect_eq(pst_parcel_parse(bytes, n, &got), 0);
}

/* Whatever is taken is usable. */
Test(parcel, a_byte_that_is_wrong_does_no_harm)
{
	pst_auto_free uint8_t *bytes = NULL;
	size_t n, taken = 0;

	bytes = parcel(&n);
	for (size_t at = 0; at < n; at++) {
		const uint8_t was = bytes[at];

		for (int bit = 0; bit < 8; bit += 7) {
			struct pst_reading r;

			bytes[at] = was ^ (uint8_t)(1 << bit);
			if (parse_and_read_the_log(bytes, n, &r))
				continue;
			free(printed(r.standing));
			cr_assert_not_null(r.bundle);
			cr_assert_eq(pst_bundle_verify(r.bundle, r.standing), 0);
			pst_reading_fini(&r);
			taken++;
		}
		bytes[at] = was;
	}
	cr_expect_gt(taken, 0);
}

Test(parcel, a_bundle_that_does_not_pass_verification_is_refused)
{
	pst_auto_fd int fd = -1;

	cr_assert_gt(sent.bundle->n_entries, 0);
	sent.bundle->entries[0].key.prefixlen = 77;
	fd = pst_parcel_write(&sent);
	cr_assert_geq(fd, 0);
	cr_expect_eq(pst_parcel_read(fd, &got), -EINVAL);
	cr_expect_null(got.bundle);
}

/* It is printed as it is. */
Test(parcel, a_rule_that_is_no_word_is_refused)
{
	static const char *const ids[] = {
		"", "a b", "a\x1b", "A",
		"a23456789012345678901234567890123456789012345678901234567890123456"};

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		pst_auto_fd int fd = -1;

		pst_diags_free(&sent.standing);
		sent.standing = pst_diags_new();
		pst_diags_error(sent.standing, ids[i], &(struct pst_pos){0}, "x");
		fd = pst_parcel_write(&sent);
		cr_expect_eq(pst_parcel_read(fd, &got), -EPROTO, "%s", ids[i]);
	}
}

/* A list of notes is walked to its end for each further one. */
Test(parcel, notes_over_the_limit_are_left_out)
{
	const struct pst_diag_note *note;
	pst_auto_fd int fd = -1;
	size_t n = 0;

	pst_diags_error(sent.standing, "conflict", &(struct pst_pos){0}, "many");
	for (int i = 0; i < 1000; i++)
		pst_diags_note(sent.standing, &(struct pst_pos){0}, "%d", i);
	fd = pst_parcel_write(&sent);
	cr_assert_eq(pst_parcel_read(fd, &got), 0);
	note = pst_diags_at(got.standing, pst_diags_count(got.standing) - 1)->notes;
	for (; note; note = note->next)
		n++;
	cr_expect_eq(n, 64);
}

Test(parcel, more_than_can_be_said_at_once_ends_with_a_word_about_it)
{
	static char text[2000];
	const struct pst_diag *last;
	pst_auto_fd int fd = -1;

	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 40000; i++)
		pst_diags_error(sent.standing, "much", &(struct pst_pos){0}, "%s", text);
	fd = pst_parcel_write(&sent);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pst_parcel_read(fd, &got), 0);
	cr_expect_lt(pst_diags_count(got.standing), pst_diags_count(sent.standing));
	last = pst_diags_at(got.standing, pst_diags_count(got.standing) - 1);
	cr_expect_str_eq(last->id, "too-many-diagnostics");
	cr_expect_not_null(got.bundle);
}

Test(parcel, without_memory_there_is_nothing)
{
	pst_auto_free uint8_t *bytes = NULL;
	size_t n;

	bytes = parcel(&n);
	for (long i = 0;; i++) {
		int r;

		pst_mem_fail_after(i);
		r = pst_parcel_parse(bytes, n, &got);
		if (!pst_mem_failed()) {
			cr_expect_eq(r, 0);
			break;
		}
		cr_assert_eq(r, -ENOMEM, "allocation %ld: %d", i, r);
	}
	pst_mem_fail_after(-1);
}
