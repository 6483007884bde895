// SPDX-License-Identifier: Apache-2.0
/* Atoms against brute force: which sets of patterns do the texts of a small language have? */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/atoms.h"
#include "compiler/tests/re_random.h"

enum { MAX_PATTERNS = 130, MAX_LEN = 4, MAX_RE = 24, N_LETTERS = 4, MAX_ATOMS = 400 };

static const char letters[] = "abS/";

struct fixture {
	struct pst_pattern patterns[MAX_PATTERNS];
	char texts[MAX_PATTERNS][MAX_RE];
	struct pst_automaton *automata[MAX_PATTERNS];
	uint32_t n;
	struct pst_automaton *all;
	struct pst_lang_base base;
	struct pst_diags *diags;
};

static struct pst_automaton *build(const struct pst_pattern *p)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	pst_automaton_build(p, 1, &pst_automaton_default_limits, diags, &a);
	pst_diags_free(&diags);
	return a;
}

static void fixture_init(struct fixture *x, uint32_t n, struct re_random *random)
{
	const struct pst_pattern all = {.re = "[abS/]*", .len = 7, .tag = 8};

	*x = (struct fixture){.diags = pst_diags_new(), .all = build(&all)};
	x->base = (struct pst_lang_base){x->all, MAX_LEN};
	while (x->n < n) {
		struct pst_pattern *p = &x->patterns[x->n];

		p->re = x->texts[x->n];
		p->len = re_random_pattern(random, x->texts[x->n], MAX_RE);
		p->tag = 1;
		x->automata[x->n] = build(p);
		x->n += x->automata[x->n] != NULL;
	}
}

static void fixture_fini(struct fixture *x)
{
	for (uint32_t i = 0; i < x->n; i++)
		pst_automaton_free(&x->automata[i]);
	pst_automaton_free(&x->all);
	pst_diags_free(&x->diags);
}

static struct pst_atoms_query query(const struct fixture *x)
{
	return (struct pst_atoms_query){
		.patterns = x->patterns,
		.n = x->n,
		.base = &x->base,
		.automaton = &pst_automaton_default_limits,
		.product = &pst_product_default_limits,
		.max_atoms = MAX_ATOMS,
		.diags = x->diags,
	};
}

/* The atom whose set is that of TEXT; ATOMS->n: none. */
static uint32_t atom_of(const struct fixture *x, const struct pst_atoms *atoms, const char *text,
			size_t len)
{
	uint32_t atom = 0;

	for (; atom < atoms->n; atom++) {
		uint32_t p = 0;

		while (p < x->n && pst_atoms_has(atoms, atom, p) ==
					   !!pst_automaton_match(x->automata[p], text, len))
			p++;
		if (p == x->n)
			break;
	}
	return atom;
}

/* Each text has its atom; the first text in order is the atom's own; no atom is without a text. */
static void check(const struct fixture *x, const struct pst_atoms *atoms)
{
	bool seen[MAX_ATOMS] = {false};
	uint32_t n_seen = 0;
	size_t count = 1;

	for (size_t len = 0; len <= MAX_LEN; len++, count *= N_LETTERS) {
		for (size_t i = 0; i < count; i++) {
			char text[MAX_LEN];
			uint32_t atom;
			size_t rest = i;

			for (size_t at = len; at-- > 0; rest /= N_LETTERS)
				text[at] = letters[rest % N_LETTERS];
			atom = atom_of(x, atoms, text, len);
			cr_assert_lt(atom, atoms->n, "'%.*s' is in no atom", (int)len, text);
			if (seen[atom])
				continue;
			cr_assert_eq(atom, n_seen, "atoms follow their texts");
			cr_assert_eq(atoms->texts.v[atom].len, len);
			cr_assert_eq(memcmp(atoms->texts.v[atom].text, text, len), 0);
			seen[atom] = true;
			n_seen++;
		}
	}
	cr_assert_eq(n_seen, atoms->n);
}

Test(atoms, are_the_sets_of_patterns_that_texts_have)
{
	enum { SEED = 17, ROUNDS = RE_ROUNDS(150) };
	struct re_random random = {SEED};
	uint32_t most = 0;

	for (int i = 0; i < ROUNDS; i++) {
		static struct fixture x;
		struct pst_atoms atoms;
		struct pst_atoms_query q;

		/* Now and then more than one word of tags. */
		fixture_init(&x, i % 10 ? re_random_below(&random, 9) : MAX_PATTERNS, &random);
		q = query(&x);
		cr_assert_eq(pst_atoms_find(&q, &atoms), 0);
		check(&x, &atoms);
		most = atoms.n > most ? atoms.n : most;
		pst_atoms_fini(&atoms);
		fixture_fini(&x);
	}
	cr_assert_gt(most, 20);
}

Test(atoms, those_that_are_asked_for_are_all_there)
{
	enum { SEED = 5, ROUNDS = RE_ROUNDS(300) };
	struct re_random random = {SEED};
	size_t fewer = 0;

	for (int i = 0; i < ROUNDS; i++) {
		static struct fixture x;
		struct pst_atoms all, some;
		struct pst_atoms_query q;

		fixture_init(&x, 2 + re_random_below(&random, 6), &random);
		q = query(&x);
		cr_assert_eq(pst_atoms_find(&q, &all), 0);
		q.among = x.patterns;
		q.n_among = 1;
		cr_assert_eq(pst_atoms_find(&q, &some), 0);
		for (uint32_t atom = 0; atom < all.n; atom++) {
			const struct pst_witness *text = &all.texts.v[atom];

			if (pst_atoms_has(&all, atom, 0))
				cr_assert_lt(atom_of(&x, &some, text->text, text->len), some.n);
		}
		fewer += some.n < all.n;
		pst_atoms_fini(&all);
		pst_atoms_fini(&some);
		fixture_fini(&x);
	}
	cr_assert_gt(fewer, RE_ROUNDS(20));
}

Test(atoms, usual_texts_replace_shortest_ones_and_a_missing_field_may_be_an_atom)
{
	static const char *const usual[] = {"GET", "POST", "no such method", NULL};
	const struct pst_pattern word = {.re = "[A-Z]+", .len = 6, .tag = 1};
	const struct pst_pattern patterns[] = {{.re = "G.*", .len = 3}, {.re = "[^G].*", .len = 6}};
	struct pst_automaton *words = build(&word);
	const struct pst_lang_base base = {words, 8};
	struct pst_diags *diags = pst_diags_new();
	struct pst_atoms_query q = {
		.patterns = patterns,
		.n = 2,
		.base = &base,
		.usual = usual,
		.may_be_absent = true,
		.automaton = &pst_automaton_default_limits,
		.product = &pst_product_default_limits,
		.max_atoms = 2,
		.diags = diags,
	};
	struct pst_atoms atoms;

	cr_assert_eq(pst_atoms_find(&q, &atoms), 0);
	cr_assert_eq(atoms.n, 3);
	cr_assert_str_eq(atoms.texts.v[0].text, "POST");
	cr_assert_str_eq(atoms.texts.v[1].text, "GET");
	cr_assert_null(atoms.texts.v[2].text);
	cr_assert(!pst_atoms_has(&atoms, 2, 0) && !pst_atoms_has(&atoms, 2, 1));
	pst_atoms_fini(&atoms);

	/* With a text that nothing matches, the missing field is like that text. */
	q.n = 1;
	cr_assert_eq(pst_atoms_find(&q, &atoms), 0);
	cr_assert_eq(atoms.n, 2);
	cr_assert(atoms.texts.v[0].text && atoms.texts.v[1].text);
	pst_atoms_fini(&atoms);

	q.n = 2;
	q.max_atoms = 1;
	cr_assert_eq(pst_atoms_find(&q, &atoms), -E2BIG);
	cr_assert_eq(atoms.n, 1);
	cr_assert_eq(atoms.texts.n, 0);
	pst_diags_free(&diags);
	pst_automaton_free(&words);
}
