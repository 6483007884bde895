// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

#define HEAD                          \
	"apiVersion: cilium.io/v2\n"  \
	"kind: CiliumNetworkPolicy\n" \
	"metadata:\n"                 \
	"  name: example\n"           \
	"spec:\n"                     \
	"  endpointSelector: {}\n"    \
	"  ingress:\n"                \
	"  - fromEndpoints:\n"        \
	"    - matchLabels:\n"        \
	"        app: frontend\n"     \
	"    toPorts:\n"              \
	"    - ports:\n"              \
	"      - port: \"8080\"\n"    \
	"        protocol: TCP\n"     \
	"      rules:\n"              \
	"        http:\n"
#define GOOD HEAD "        - method: GET|HEAD\n"

static const struct pst_lint_rule rows[] = {
	{
		.id = "ignore-no-reason",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_COMMENTS,
		.title = "an ignore without a reason",
		.why = "An ignore says that somebody has looked at a finding and accepts it. "
		       "Without the reason nobody can tell later whether it still holds, so the ignore "
		       "does "
		       "not count: the finding is shown.\n",
		.remedy =
			"Write the reason behind the second colon: # postern-ignore: RULE: reason. "
			"In an annotation it is the value, in the configuration the key reason.",
		.bad = HEAD "        # postern-ignore: method-lower-case\n"
			    "        - method: GET|HEAD\n",
		.good = GOOD,
		.since = "0.1",
	},
	{
		.id = "ignore-unknown-rule",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_COMMENTS,
		.title = "an ignore or a setting for a rule that does not exist",
		.why = "A misspelt id would leave the finding that was meant in force, or switch "
		       "nothing, without a word.\n",
		.remedy = "Take the id from the finding's line, or from postern lint --rules.",
		.bad = HEAD "        # postern-ignore: ignore-everything: legacy\n"
			    "        - method: GET|HEAD\n",
		.good = GOOD,
		.since = "0.1",
	},
	{
		.id = "ignore-syntax",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_COMMENTS,
		.title = "an ignore in a form that does not count",
		.why = "The comment begins as an ignore does and goes on otherwise, or it names "
		       "a rule whose findings cannot be ignored: those that speak about ignores, "
		       "the "
		       "configuration and the baseline. It has no effect.\n",
		.remedy = "Write # postern-ignore: RULE[, RULE]: reason.",
		.bad = HEAD "        # postern-ignore everything\n"
			    "        - method: GET|HEAD\n",
		.good = GOOD,
		.since = "0.1",
	},
	{
		.id = "ignore-unused",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_COMMENTS,
		.title = "an ignore that matches nothing",
		.why = "What it was written for is gone, or it stands in the wrong place. Left "
		       "there, it would hide the next finding of its rule, which nobody has looked at.\n",
		.remedy =
			"Remove it. If it stands in the wrong place: at the end of a line it "
			"covers "
			"findings that start on that line; on a line of its own it covers the next "
			"line and what is nested in it.",
		.bad = HEAD "        # postern-ignore: unsupported-fqdn: there is no FQDN\n"
			    "        - method: GET|HEAD\n",
		.good = GOOD,
		.since = "0.1",
	},
	{
		.id = "config-unreadable",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_COMMENTS,
		.title = "the configuration cannot be read",
		.why = "The file behind --config, or the .postern.yaml that was found, cannot be "
		       "opened. Without it the run is not the one that was asked for, so it does "
		       "not pass.\n",
		.remedy = "Name a file that is there, or run with --no-config.",
		.since = "0.1",
	},
	{
		.id = "config-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_COMMENTS,
		.title = "a mistake in the configuration",
		.why = "The configuration is read as strictly as policies are: a misspelt key "
		       "would "
		       "otherwise switch nothing, without a word. What could be read is in force; "
		       "this finding cannot be switched off, so the run does not pass.\n",
		.remedy = "Mend the place that the finding names.",
		.since = "0.1",
	},
	{
		.id = "baseline-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_COMMENTS,
		.title = "the baseline cannot be read",
		.why = "The file is not there or is not what --write-baseline writes. The findings "
		       "that it should hold are shown, and the run does not pass.\n",
		.remedy = "Write it anew with --write-baseline, or restore it.",
		.since = "0.1",
	},
	{
		.id = "baseline-unused",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_COMMENTS,
		.title = "an entry of the baseline without a finding",
		.why = "The finding is gone: its line was mended, edited or removed. An entry that "
		       "is "
		       "left over would accept the same mistake if it came back.\n",
		.remedy = "Write the baseline anew with --write-baseline.",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_comments = PST_LINT_RULES(rows);
