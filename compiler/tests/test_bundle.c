// SPDX-License-Identifier: Apache-2.0
#include "compiler/bundle.h"

#include "base/cleanup.h"
#include "compiler/bundle_file.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b, *again;
static char *bytes; /* the file form of b */
static size_t len;
static struct pst_port_rule *ports;

static void setup(void)
{
	struct pst_rule *rule;
	FILE *out;

	model_init(&m);
	diags = pst_diags_new();
	model_endpoint(&m, "web", "k8s:app=web", "10.0.0.1");
	model_endpoint(&m, "db", "k8s:app=db", "fd00::2");
	rule = model_rule(&m, model_policy(&m, "p", "k8s:app=web"), PST_DIRECTION_INGRESS, false);
	model_peer(&m, rule, "k8s:app=db");
	ports = model_port(&m, rule, PST_PROTOCOL_TCP, 80, 90);
	model_http(&m, ports, "GET", "/a", "h");
	model_http(&m, ports, NULL, "/b", NULL);
	b = model_compile(&m, diags);
	again = NULL;
	out = open_memstream(&bytes, &len);
	cr_assert_eq(pst_bundle_write(b, out), 0);
	fclose(out);
}

static void teardown(void)
{
	free(bytes);
	pst_bundle_free(&b);
	pst_bundle_free(&again);
	pst_diags_free(&diags);
	model_fini(&m);
}

TestSuite(bundle, .init = setup, .fini = teardown);

static int parse(const char *from, size_t n)
{
	return pst_bundle_parse("x.bundle", (const uint8_t *)from, n, diags, &again);
}

/* Makes the checksum right again, so that what is behind it is tested. */
static void sign(char *file, size_t n)
{
	uint32_t crc = (uint32_t)crc32_z(0, (const uint8_t *)file + PST_BUNDLE_HEADER_BYTES,
					 n - PST_BUNDLE_HEADER_BYTES);

	for (int i = 0; i < 4; i++)
		file[PST_BUNDLE_CRC_OFFSET + i] = (char)(crc >> (8 * i));
}

static void expect_the_same_again(void)
{
	pst_auto_free char *second = NULL;
	size_t second_len = 0;
	FILE *out = open_memstream(&second, &second_len);

	cr_assert_eq(parse(bytes, len), 0);
	cr_assert_eq(pst_bundle_verify(again, diags), 0);
	cr_assert_eq(pst_bundle_write(again, out), 0);
	fclose(out);
	cr_assert_eq(len, second_len);
	cr_assert_eq(memcmp(bytes, second, len), 0);
}

Test(bundle, what_is_written_is_read_back_byte_for_byte)
{
	expect_the_same_again();
}

/* It is written in pieces of 64 KiB. */
Test(bundle, texts_longer_than_a_piece_are_read_back_wherever_a_piece_ends)
{
	for (size_t n = (128 << 10) - 24; n < 128 << 10; n++) {
		char *method = malloc(n + 1);
		FILE *out;

		memset(method, 'M', n);
		method[n] = 0;
		b->rules[1].method = method;
		free(bytes);
		out = open_memstream(&bytes, &len);
		cr_assert_eq(pst_bundle_write(b, out), 0);
		fclose(out);
		pst_bundle_free(&again);
		expect_the_same_again();
		cr_assert_str_eq(again->rules[1].method, method);
		b->rules[1].method = "GET";
		free(method);
	}
}

/* Ten thousand rules have a handful of paths, and a policy and a file for some of them each. */
Test(bundle, a_text_that_has_just_been_there_is_kept_once)
{
	const size_t n = b->n_rules;

	cr_assert_eq(parse(bytes, len), 0);
	for (size_t i = 1; i < n; i++) {
		cr_expect_str_eq(again->rules[i].policy, b->rules[i].policy);
		cr_expect_eq(again->rules[i].policy, again->rules[0].policy);
		cr_expect_eq(again->rules[i].pos.file, again->rules[0].pos.file);
	}
	cr_expect_str_neq(again->rules[1].target, again->rules[2].target);
}

Test(bundle, a_checksum_is_asked_for_where_there_is_to_be_one)
{
	pst_auto_free char *unsummed = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&unsummed, &n);

	cr_assert_eq(pst_bundle_write_unsummed(b, out), 0);
	fclose(out);
	cr_assert_eq(n, len);
	cr_expect_eq(parse(unsummed, n), -EINVAL);
	cr_expect_eq(pst_bundle_parse_unsummed("x", (const uint8_t *)bytes, len, diags, &again),
		     -EINVAL);
	cr_assert_eq(pst_bundle_parse_unsummed("x", (const uint8_t *)unsummed, n, diags, &again),
		     0);
	cr_expect_eq(pst_bundle_verify(again, diags), 0);
}

Test(bundle, fields_survive_the_file)
{
	cr_assert_eq(parse(bytes, len), 0);
	cr_assert_eq(again->n_entries, b->n_entries);
	cr_assert_eq(memcmp(again->entries, b->entries, b->n_entries * sizeof(*b->entries)), 0);
	cr_assert_eq(again->n_rules, 3);
	cr_assert_str_eq(again->rules[0].policy, "default/p");
	cr_assert_str_eq(again->rules[1].path, "spec.ingress[0].toPorts[0].rules.http[0]");
	cr_assert_str_eq(again->rules[1].method, "GET");
	cr_assert_null(again->rules[2].method);
	cr_assert_str_eq(again->rules[1].pos.file, "model.yaml");
	cr_assert_eq(again->rules[1].pos.line, b->rules[1].pos.line);
	cr_assert_eq(pst_labels_cmp(&again->identities[2].labels, &b->identities[2].labels), 0);
	cr_assert_str_eq(again->addrs[0].name, b->addrs[0].name);
}

Test(bundle, every_truncation_is_refused_with_a_place)
{
	for (size_t n = 0; n < len; n++) {
		cr_assert_eq(parse(bytes, n), -EINVAL, "cut at %zu", n);
		cr_assert_null(again);
	}
	cr_assert_eq(pst_diags_count(diags), len);
	cr_assert_not_null(strstr(pst_diags_at(diags, 0)->message, "byte 0"));
}

Test(bundle, every_truncation_with_a_right_header_is_refused)
{
	/* Exactly sized copies: an over-read is an over-read of the heap block. */
	for (size_t n = PST_BUNDLE_HEADER_BYTES; n < len; n++) {
		pst_auto_free char *copy = malloc(n);
		uint64_t left = n - PST_BUNDLE_HEADER_BYTES;

		memcpy(copy, bytes, n);
		for (int i = 0; i < 8; i++)
			copy[16 + i] = (char)(left >> (8 * i));
		sign(copy, n);
		cr_assert_eq(parse(copy, n), -EINVAL, "cut at %zu", n);
	}
}

Test(bundle, every_flipped_bit_is_refused)
{
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 1 << (i % 8);
		cr_assert_eq(parse(bytes, len), -EINVAL, "bit in byte %zu", i);
		bytes[i] ^= 1 << (i % 8);
	}
}

Test(bundle, any_byte_behind_a_right_checksum_is_read_without_harm)
{
	for (size_t i = PST_BUNDLE_HEADER_BYTES; i < len; i++) {
		char was = bytes[i];

		bytes[i] = (char)(was ^ 0xff);
		sign(bytes, len);
		if (!parse(bytes, len)) {
			pst_bundle_verify(again, diags);
			pst_bundle_free(&again);
		}
		bytes[i] = was;
	}
}

Test(bundle, a_count_beyond_the_file_allocates_nothing)
{
	memset(bytes + PST_BUNDLE_HEADER_BYTES, 0xff, 4); /* 4294967295 identities */
	sign(bytes, len);
	cr_assert_eq(parse(bytes, len), -EINVAL);
	cr_assert_not_null(strstr(pst_diags_at(diags, 0)->message, "4294967295 identities"));
}

/* The bundle again, with paths that two automata hold. */
static void divide_paths(void)
{
	FILE *out;

	for (int i = 0; i < 12; i++)
		model_http(&m, ports, NULL,
			   pst_arena_printf(m.arena, "/.*%c0.*%c1.*", 'a' + i, 'a' + i), NULL);
	pst_bundle_free(&b);
	free(bytes);
	b = model_compile(&m, diags);
	cr_assert_eq(b->rulesets[0].packed.n_more_paths, 1);
	out = open_memstream(&bytes, &len);
	cr_assert_eq(pst_bundle_write(b, out), 0);
	fclose(out);
}

Test(bundle, further_automata_survive_the_file)
{
	divide_paths();
	expect_the_same_again();
	cr_assert_eq(memcmp(&again->rulesets[0].packed, &b->rulesets[0].packed,
			    sizeof(b->rulesets[0].packed)),
		     0);
	cr_assert_str_eq(again->rulesets[0].why, b->rulesets[0].why);
}

/* The number of further automata in the file, before their places. */
static char *more_paths_in_the_file(void)
{
	const struct pst_ruleset *p = &b->rulesets[0].packed;
	const uint32_t wanted[] = {p->n_more_paths, p->more_path_start[0], p->more_path_classes[0]};
	char *found = memmem(bytes, len, wanted, sizeof(wanted));

	cr_assert_not_null(found);
	return found;
}

Test(bundle, wrong_numbers_of_further_automata_are_refused)
{
	static const uint32_t numbers[] = {0, 2, 3, 4, 256, UINT32_MAX};
	char *at;

	divide_paths();
	at = more_paths_in_the_file();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		memcpy(at, &numbers[i], sizeof(numbers[i]));
		sign(bytes, len);
		pst_bundle_free(&again);
		cr_assert(parse(bytes, len) || pst_bundle_verify(again, diags), "%u", numbers[i]);
	}
	cr_assert(strstr(pst_diags_at(diags, pst_diags_count(diags) - 1)->message,
			 "4294967295 further automata"));
}

Test(bundle, bytes_behind_the_end_are_refused)
{
	pst_auto_free char *longer = calloc(1, len + 1);
	uint64_t left = len + 1 - PST_BUNDLE_HEADER_BYTES;

	memcpy(longer, bytes, len);
	for (int i = 0; i < 8; i++)
		longer[16 + i] = (char)(left >> (8 * i));
	sign(longer, len + 1);
	cr_assert_eq(parse(longer, len + 1), -EINVAL);
	cr_assert_not_null(strstr(pst_diags_at(diags, 0)->message, "behind the end"));
}

Test(bundle, other_files_and_versions_are_refused_by_name)
{
	cr_assert_eq(parse("not a bundle, but long enough for a header", 42), -EINVAL);
	cr_assert_not_null(strstr(pst_diags_at(diags, 0)->message, "not a postern bundle"));
	bytes[8]++;
	cr_assert_eq(parse(bytes, len), -EINVAL);
	cr_assert_not_null(strstr(pst_diags_at(diags, 1)->message, "version 5"));
}

/* Entries are in a file as they are in memory: also what nobody writes there. */
Test(bundle, an_entry_for_a_slot_is_refused)
{
	FILE *out;

	cr_assert(b->n_entries);
	b->entries[b->n_entries - 1].key.slot = 1;
	free(bytes);
	out = open_memstream(&bytes, &len);
	cr_assert_eq(pst_bundle_write(b, out), 0);
	fclose(out);
	cr_assert_eq(parse(bytes, len), 0);
	cr_assert_eq(pst_bundle_verify(again, diags), -EINVAL);
	cr_assert_not_null(strstr(pst_diags_at(diags, 0)->message, "slot 1"));
}

Test(bundle, a_file_is_read_and_verified)
{
	char path[] = "/tmp/postern-test-bundle-XXXXXX";
	pst_auto_fd int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	cr_assert_eq(pst_bundle_read(path, diags, &again), 0);
	pst_bundle_free(&again);
	bytes[len - 1] ^= 1;
	cr_assert_eq(pwrite(fd, bytes, len, 0), (ssize_t)len);
	cr_assert_eq(pst_bundle_read(path, diags, &again), -EINVAL);
	cr_assert_str_eq(pst_diags_at(diags, 0)->pos.file, path);
	unlink(path);
	cr_assert_eq(pst_bundle_read(path, diags, &again), -ENOENT);
	cr_assert_eq(pst_bundle_read("/tmp", diags, &again), -EISDIR);
}

Test(bundle, the_kernel_table_holds_the_same_numbers)
{
	pst_auto_free struct pst_table *t = malloc(sizeof(*t));

	memset(t, 0xff, sizeof(*t));
	pst_bundle_fill_table(b, t);
	cr_assert_eq(t->abi_version, PST_ABI_VERSION);
	cr_assert_eq(t->n_rulesets, b->n_rulesets);
	cr_assert_eq(memcmp(t->cells, b->cells, b->n_cells * sizeof(*b->cells)), 0);
	cr_assert_eq(memcmp(&t->rulesets[0], &b->rulesets[0].packed, sizeof(t->rulesets[0])), 0);
	cr_assert_eq(t->cells[PST_CELLS + PST_CELL_SPARE - 1], 0);
	cr_assert_eq(t->generation, 0);
}

Test(bundle, a_table_written_over_another_one_is_as_if_it_were_new)
{
	pst_auto_free struct pst_table *fresh = malloc(sizeof(*fresh));
	pst_auto_free struct pst_table *over = calloc(1, sizeof(*over));

	pst_bundle_fill_table(b, fresh);
	over->n_rulesets = PST_RULESETS;
	memset(over->rulesets, 0xff, sizeof(over->rulesets));
	over->n_tags = PST_TAGS;
	memset(over->tags, 0xff, sizeof(over->tags));
	over->n_class_bytes = PST_CLASS_BYTES;
	memset(over->classes, 0xff, sizeof(over->classes));
	over->n_cells = PST_CELLS;
	memset(over->cells, 0xff, PST_CELLS * sizeof(*over->cells));
	over->generation = 7;
	pst_bundle_renew_table(b, over);
	cr_assert_eq(over->generation, 7);
	over->generation = 0;
	cr_assert_eq(memcmp(fresh, over, sizeof(*fresh)), 0);
	over->n_cells = UINT32_MAX; /* whoever wrote that: it ends with the table */
	pst_bundle_renew_table(b, over);
	cr_assert_eq(memcmp(fresh, over, sizeof(*fresh)), 0);
}

Test(bundle, every_failed_allocation_is_an_error_and_no_leak)
{
	for (long n = 0;; n++) {
		int r;

		pst_mem_fail_after(n);
		r = parse(bytes, len);
		pst_mem_fail_after(-1);
		if (!r)
			break;
		cr_assert_eq(r, -ENOMEM, "allocation %ld", n);
	}
}
