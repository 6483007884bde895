// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/tests/run.h"

/* That shells understand the scripts is seen by tests/packaging. */

static bool has_word(const char *text, const char *word, size_t len)
{
	for (const char *at = text; (at = strstr(at, word)); at += len) {
		if ((at == text || strchr(" (,", at[-1])) && !strncmp(at, word, len))
			return true;
	}
	return false;
}

Test(completion, words_that_are_completed_are_told_by_the_help)
{
	size_t n = 0;

	for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
		for (size_t i = 0; i < v->n_options; i++) {
			const struct pst_cli_option *o = &v->options[i];
			char *copy = strdup(o->words ? o->words : ""), *save = NULL;

			for (char *w = strtok_r(copy, " ", &save); w;
			     w = strtok_r(NULL, " ", &save), n++)
				cr_assert(has_word(o->help, w, strlen(w)), "%s --%s: %s", v->name,
					  o->name, w);
			free(copy);
		}
	}
	cr_assert_gt(n, 50);
}

Test(completion, every_verb_and_option_is_in_every_script)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};

	for (size_t s = 0; s < 3; s++) {
		const char *const words[] = {"completion", shells[s], NULL};
		struct run r = run_list(words);

		cr_assert_eq(r.status, 0);
		cr_assert_str_empty(r.err);
		for (const struct pst_cli_verb *v = pst_cli_verbs; v->name; v++) {
			cr_assert_not_null(strstr(r.out, v->name), "%s: %s", shells[s], v->name);
			for (size_t i = 0; i < v->n_options; i++)
				cr_assert_not_null(strstr(r.out, v->options[i].name), "%s: %s",
						   shells[s], v->options[i].name);
		}
		run_fini(&r);
	}
}

Test(completion, the_shell_is_named_and_known)
{
	expect_run("completion", 2, NULL, "expected the name of a shell: bash, zsh or fish");
	expect_run("completion csh", 2, NULL, "expected the name of a shell");
	expect_run("completion bash zsh", 2, NULL, "expected the name of a shell");
}

Test(completion, special_characters_are_escaped)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	pst_completion_put_escaped("a:b[c]\\", "[]:\\", out);
	fclose(out);
	cr_assert_str_eq(text, "a\\:b\\[c\\]\\\\");
	free(text);
}
