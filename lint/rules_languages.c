// SPDX-License-Identifier: Apache-2.0
/* What automata show: the traps that cannot be seen in the text of one pattern. */
#include "lint/rules.h"

#define ROW(id_, severity_) \
	.id = (id_), .severity = PST_SEVERITY_##severity_, .group = PST_LINT_TRAPS, .since = "0.1"

#define ACCEPTS "accepts it"

#define RULE(method, path)                     \
	"              - method: " method "\n" \
	"                path: " path "\n"

#define ON_HOST(host)                                 \
	PST_HTTP("              - method: GET|HEAD\n" \
		 "                host: " host "\n")

#define HEADER "                headers: [\"X-Team: shop\"]\n"

static const struct pst_lint_rule rows[] = {
	{
		ROW("regex-matches-nothing", ERROR),
		.title = "a pattern that no text matches",
		.why = "A pattern must match the whole text. Nothing can stand behind `$` or "
		       "before `^`, a class may exclude all there is, and `\\b` wants a "
		       "letter on one side only. Where such parts contradict each other, the "
		       "pattern is valid and matches nothing: the rule allows nothing.\n",
		.remedy = "Take out the anchor. A `$` that is meant is written `\\$`.",
		.cilium = ACCEPTS,
		.bad = PST_HTTP(RULE("GET|HEAD", "/public$/.*")),
		.good = PST_HTTP(RULE("GET|HEAD", "/public/.*")),
	},
	{
		ROW("host-never-matches", ERROR),
		.title = "a host that no request can have",
		.why = "A Host header holds a name or an address, and perhaps a port (RFC "
		       "9110, 7.2); a request with anything else in it is denied before any "
		       "rule is looked at. No such text is among those of the pattern, so "
		       "the rule allows nothing. The message shows the shortest of them.\n",
		.remedy = "Write the name as clients send it.",
		.cilium = ACCEPTS,
		.bad = ON_HOST("'shop\\.example, www\\.shop\\.example'"),
		.good = ON_HOST("'shop\\.example|www\\.shop\\.example'"),
	},
	{
		ROW("regex-matches-everything", WARNING),
		.title = "a pattern that looks like a restriction and is none",
		.why = "The pattern matches whatever a request can hold in this place: "
		       "`/[^#]*` is every path, since no target that is let through has a "
		       "`#`. Who reads it takes it for a limit. Patterns that say openly "
		       "that they match everything (`.*`, `/.*`) are not reported.\n",
		.remedy = "Leave the field out, or write what is meant.",
		.cilium = ACCEPTS,
		.bad = PST_HTTP(RULE("GET|HEAD", "'/[^#]*'")),
		.good = PST_HTTP(RULE("GET|HEAD", "'/[^?/]*'")),
	},
	{
		ROW("http-rule-subset", WARNING),
		.title = "an HTTP rule that another one makes superfluous",
		.why = "Rules of one list, and of all lists for the same endpoints, peers and "
		       "ports, unite: a request passes when any of them allows it. Another "
		       "rule, which the finding names, allows every request that this one "
		       "does, so this one changes nothing. Where it has conditions on headers "
		       "or a narrower path, these hold back nobody.\n"
		       "This is exact for the patterns of one rule against another; that "
		       "several rules only together make one superfluous is not found.\n",
		.remedy = "Drop the rule, or narrow the other one if this is what was meant.",
		.cilium = ACCEPTS,
		.bad = PST_HTTP(RULE("GET|HEAD", "/orders/.*") RULE("GET|HEAD", "'/orders/[0-9]+'")
					HEADER),
		.good = PST_HTTP(RULE("GET|HEAD", "'/orders/[a-z]+'")
					 RULE("GET|HEAD", "'/orders/[0-9]+'")),
	},
	{
		ROW("http-rule-equal", INFO),
		.title = "two HTTP rules that allow the same requests",
		.why = "Both rules apply to the same endpoints, peers and ports, or the other "
		       "one to more of them, and they allow the same requests, if in other "
		       "words. One of them is enough; who changes one will forget the "
		       "other.\n",
		.remedy = "Keep one of them.",
		.cilium = ACCEPTS,
		.bad = PST_HTTP(RULE("GET|HEAD", "/orders") RULE("HEAD|GET", "/(orders)")),
		.good = PST_HTTP(RULE("GET|HEAD", "/orders")),
	},
	{
		ROW("path-wider-than-neighbor", WARNING),
		.title = "a path that lets in more than the one beside it suggests",
		.why = "One path of a list ends inside of a name, another one goes on below "
		       "it: `/admin.*` beside `/admin/.*`. Both are about one folder, but the "
		       "first also lets in other names that begin so. The message shows the "
		       "shortest of them.\n",
		.remedy = "Write `/admin(/.*)?` for the folder and all below it.",
		.cilium = ACCEPTS,
		.bad = PST_HTTP(RULE("GET|HEAD", "/admin.*") RULE("POST", "/admin/.*")),
		.good = PST_HTTP(RULE("GET|HEAD", "/admin(/.*)?") RULE("POST", "/admin/.*")),
	},
	{
		ROW("regex-fallback", INFO),
		.title = "a pattern that is too big for the kernel",
		.why = "The kernel walks an automaton, one step a byte, and its tables have "
		       "limits. Counts multiply states, most of all behind something that "
		       "varies: `.*a.{20}` has to remember the last 20 characters, which are "
		       "more than a million states. `postern compile` marks a rule set with such "
		       "a pattern for the fallback and warns: `postern-proxy` judges its "
		       "requests. With `posternd --proxy off` they are denied.\n",
		.remedy = "Write `+` or `*` in place of a count, as the message shows where it "
			  "knows a form that fits, and see what that lets in besides.",
		.cilium = ACCEPTS,
		.bad = PST_HTTP(RULE("GET|HEAD", "'/files/.*a.{20}'")),
		.good = PST_HTTP(RULE("GET|HEAD", "'/files/.*a.+'")),
	},
};

const struct pst_lint_rules pst_lint_rules_languages = PST_LINT_RULES(rows);
