// SPDX-License-Identifier: Apache-2.0
#include "lint/rule_page.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lint/rule.h"
#include "policy/policy.h"

static const struct {
	const char *title, *about;
} groups[] = {
	[PST_LINT_INPUT] = {"Input", "files, YAML, documents and fields"},
	[PST_LINT_POLICY] =
		{"Policies",
		 "names, subjects and sections of a policy; conflicts between policies"},
	[PST_LINT_PEERS] = {"Peers", "selectors, entities, addresses and names: who is meant"},
	[PST_LINT_PORTS] = {"Ports", "ports, protocols, ICMP, TLS and listeners"},
	[PST_LINT_HTTP] = {"HTTP and DNS", "rules about requests, and their regular expressions"},
	[PST_LINT_TRAPS] = {"HTTP traps", "HTTP rules that do not match what they seem to"},
	[PST_LINT_MEANING] = {"Meaning", "what policies say, alone and together"},
	[PST_LINT_SUPPORT] = {"Support",
			      "what Cilium accepts and postern does not enforce yet; the rules "
			      "that `postern compile --accept` takes"},
	[PST_LINT_COMMENTS] = {"Comments", "ignores, configuration and baseline"},
};
static_assert(sizeof(groups) / sizeof(*groups) == PST_LINT_GROUP_MAX, "a row for each group");

static const struct {
	unsigned int feature;
	const char *name;
} features[] = {
	{PST_FEATURE_NODE_SELECTOR_LABELS, "enable-node-selector-labels"},
	{PST_FEATURE_EXTENDED_IP_PROTOCOLS, "enable-extended-ip-protocols"},
};

/* TEXT with what Markdown would take for its own escaped; EOL stands for each line end. */
static void print_text(const char *text, const char *eol, FILE *out)
{
	bool code = false;

	for (const char *p = text; *p; p++) {
		code ^= *p == '`';
		if (!code && strchr("*<[\\|", *p))
			fputc('\\', out);
		if (*p == '\n')
			fputs(p[1] ? eol : "\n", out);
		else
			fputc(*p, out);
	}
}

static void print_paragraphs(const char *heading, const char *text, FILE *out)
{
	size_t len = strlen(text);

	fprintf(out, "\n## %s\n\n", heading);
	print_text(text, "\n\n", out);
	if (len && text[len - 1] != '\n')
		fputc('\n', out);
}

static void print_facts(const struct pst_lint_rule *rule, FILE *out)
{
	fprintf(out, "\n- Severity: %s%s\n", pst_severity_str(rule->severity),
		rule->off ? ", only when it is asked for" : "");
	fprintf(out, "- Group: %s, %s\n", pst_lint_group_str(rule->group),
		groups[rule->group].about);
	if (rule->cilium) {
		fputs("- Cilium: ", out);
		print_text(rule->cilium, " ", out);
		fputc('\n', out);
	}
	fprintf(out, "- Since: postern %s\n", rule->since);
}

/* How the example must be read for the finding to be there. */
static void print_conditions(const struct pst_lint_rule *rule, FILE *out)
{
	if (rule->cilium_minor)
		fprintf(out, ", with the rules of Cilium 1.%u", rule->cilium_minor);
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		if (rule->features & features[i].feature)
			fprintf(out, ", with the agent's switch `%s` on", features[i].name);
	}
}

static void print_examples(const struct pst_lint_rule *rule, FILE *out)
{
	if (!rule->bad)
		return;
	fputs("\n## Example\n\nThis file has the finding", out);
	print_conditions(rule, out);
	fprintf(out, ":\n\n```yaml\n%s```\n", rule->bad);
	if (rule->good)
		fprintf(out, "\nThis one does not:\n\n```yaml\n%s```\n", rule->good);
}

int pst_lint_rule_page(const struct pst_lint_rule *rule, FILE *out)
{
	fprintf(out, "# %s\n\n", rule->id);
	print_text(rule->title, " ", out);
	fputc('\n', out);
	print_facts(rule, out);
	print_paragraphs("Why", rule->why, out);
	print_paragraphs("What to do", rule->remedy, out);
	print_examples(rule, out);
	return ferror(out) ? -EIO : 0;
}

static void print_index_row(const struct pst_lint_rule *rule, FILE *out)
{
	fprintf(out, "| [%s](%s.md) | %s%s | ", rule->id, rule->id,
		pst_severity_str(rule->severity), rule->off ? " (off)" : "");
	print_text(rule->title, " ", out);
	fputs(" |\n", out);
}

static void print_index_group(enum pst_lint_group group, FILE *out)
{
	fprintf(out, "\n## %s\n\n", groups[group].title);
	fprintf(out, "About %s.\n\n| Rule | Severity | What it says |\n|---|---|---|\n",
		groups[group].about);
	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		if (pst_lint_rule_at(i)->group == group)
			print_index_row(pst_lint_rule_at(i), out);
	}
}

int pst_lint_rule_page_index(FILE *out)
{
	fputs("# Rules of postern lint\n\n"
	      "Each finding names its rule; each rule has a page. `postern lint --rules` prints the "
	      "same list,\n`postern lint --explain RULE` the same page.\n\n"
	      "An **error** is what Cilium refuses, or accepts and cannot enforce; a **warning** is "
	      "accepted and\nprobably not what was meant; an **info** is worth knowing. (off): only "
	      "when it is asked for.\n\n"
	      "These pages are made from the table in `lint/rules_*.c` by `make rule-pages`.\n",
	      out);
	for (int g = 0; g < PST_LINT_GROUP_MAX; g++)
		print_index_group((enum pst_lint_group)g, out);
	return ferror(out) ? -EIO : 0;
}
