// SPDX-License-Identifier: Apache-2.0
/*
 * The table of verbs: everything that --help, usage errors, completion and the man page say.
 */
#include "cli/ask.h"
#include "cli/usage.h"
#include "cli/verbs.h"

#define FORMAT                                                                           \
	{                                                                                \
		.name = "format", .arg = "FORMAT", .help = "text (the default) or json", \
		.words = "text json"                                                     \
	}
#define PATHS                                                                                  \
	{                                                                                      \
		.name = "paths", .arg = "FORM",                                                \
		.help = "normal (the default) or any, as posternd has it: whether paths must " \
			"be in normal form, or are judged as they stand",                      \
		.words = "normal any"                                                          \
	}
#define INVENTORY                                                                            \
	{                                                                                    \
		.name = "inventory", .arg = "FILE", .many = true, .is_input = true,          \
		.help = "Kubernetes objects as YAML: which workloads there are, with their " \
			"labels and addresses; services, nodes, names"                       \
	}

#define ACCEPT                                                                             \
	{                                                                                  \
		.name = "accept", .arg = "RULE", .many = true,                             \
		.help = "go on although a policy uses what postern does not enforce yet "  \
			"(unsupported-..., see postern lint --rules): the rule concerned " \
			"allows nothing, or, in a deny section, denies all that it may "   \
			"mean; or although rules conflict (conflict-...): what both mean " \
			"is denied"                                                        \
	}

#define IN_FORCE                                                                             \
	{                                                                                    \
		.name = "in-force", .help = "judge policies in audit (postern.io/audit) as " \
					    "if they were in force"                          \
	}

static const struct pst_cli_option compile_options[] = {
	INVENTORY,
	ACCEPT,
	{.name = "output", .letter = 'o', .arg = "BUNDLE", .help = "the file to write; required"},
	FORMAT,
};

static const struct pst_cli_option inspect_options[] = {
	FORMAT,
};

static const struct pst_cli_option explain_options[] = {
	{.name = "policy",
	 .arg = "FILE",
	 .many = true,
	 .is_input = true,
	 .help = "policy file or directory"},
	INVENTORY,
	ACCEPT,
	{.name = "direction",
	 .arg = "DIRECTION",
	 .help = "ingress (the policy of --to decides) or egress (that of --from)",
	 .words = "ingress egress"},
	{.name = "from", .arg = "PEER", .help = "who opens the connection"},
	{.name = "to", .arg = "PEER", .help = "who accepts it"},
	{.name = "port", .arg = "N", .help = "destination port, 0 to 65535"},
	{.name = "protocol",
	 .arg = "PROTOCOL",
	 .help = "TCP (the default), UDP, SCTP, ICMP or ICMPv6",
	 .words = "TCP UDP SCTP ICMP ICMPv6"},
	{.name = "method",
	 .arg = "M",
	 .help = "the request's method (GET when another part is given)"},
	{.name = "path", .arg = "P", .help = "the request's target, with its query (/)"},
	{.name = "host",
	 .arg = "H",
	 .help = "the Host field; without it the request is HTTP/1.0 and has none"},
	{.name = "header",
	 .arg = "FIELD",
	 .many = true,
	 .help = "a field of the request: 'Name: value'"},
	{.name = "raw",
	 .arg = "FILE",
	 .is_input = true,
	 .help = "judge the bytes of FILE (- for standard input) as a connection sends them: one "
		 "line per request"},
	PATHS,
	IN_FORCE,
	{.name = "cases",
	 .arg = "FILE",
	 .is_input = true,
	 .help = "answer each line of FILE (- for standard input), a JSON object each, with "
		 "one; takes only --inventory beside it"},
	FORMAT,
};

static const struct pst_cli_option test_options[] = {
	{.name = "format",
	 .arg = "FORMAT",
	 .help = "text (the default), json or junit",
	 .words = "text json junit"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "FILE",
	 .help = "where the report goes, - for standard output (the default)"},
	{.name = "require-tests", .help = "no test at all, or a file without any, is a failure"},
	{.name = "run",
	 .arg = "GLOB",
	 .help = "run only the tests whose name matches: * ? and [...]"},
	PATHS,
	IN_FORCE,
	ACCEPT,
};

static const struct pst_cli_option diff_options[] = {
	INVENTORY,
	{.name = "old-inventory",
	 .arg = "FILE",
	 .is_input = true,
	 .many = true,
	 .help = "the inventory of OLD, where it is not that of NEW"},
	{.name = "new-inventory",
	 .arg = "FILE",
	 .many = true,
	 .is_input = true,
	 .help = "the inventory of NEW"},
	{.name = "only-inventory",
	 .help = "compare the pods of the inventory only, not every pod that there could be"},
	{.name = "fail-on",
	 .arg = "KIND",
	 .help = "widened, narrowed or any (the default): which differences make the exit status "
		 "1; what could not be compared always does",
	 .words = "widened narrowed any"},
	IN_FORCE,
	ACCEPT,
	{.name = "output",
	 .letter = 'o',
	 .arg = "FILE",
	 .help = "where the report goes, - for standard output (the default)"},
	FORMAT,
};

static const struct pst_cli_option regex_options[] = {
	FORMAT,
};

static const struct pst_cli_option doctor_options[] = {
	{.name = "posternd",
	 .arg = "FILE",
	 .help = "the daemon that looks (the one beside postern, or in the sbin beside its bin)"},
	FORMAT,
};

static const struct pst_cli_option ask_options[] = {
	PST_CLI_SOCKET,
	FORMAT,
};

#define WORD_FILTER(name_, arg_, words_, help_)                                                  \
	{                                                                                        \
		.name = (name_), .arg = (arg_), .many = true, .help = (help_), .words = (words_) \
	}
#define FILTER(name_, arg_, help_)                                            \
	{                                                                     \
		.name = (name_), .arg = (arg_), .many = true, .help = (help_) \
	}
/* A filter that looks at either end, at the source, or at the destination. */
#define END_FILTER(name_, letter_, arg_, what_)                       \
	{.name = (name_),                                             \
	 .letter = (letter_),                                         \
	 .arg = (arg_),                                               \
	 .many = true,                                                \
	 .help = what_ ", at either end"},                            \
		FILTER("from-" name_, arg_, what_ ", as the source"), \
		FILTER("to-" name_, arg_, what_ ", as the destination")

static const struct pst_cli_option observe_options[] = {
	{.name = "follow",
	 .letter = 'f',
	 .help = "go on with what comes; the daemon then reports allowed requests as well"},
	{.name = "last",
	 .arg = "N",
	 .help = "the last N flows (20; with --follow, 0; of a file, all)"},
	{.name = "first", .arg = "N", .help = "the first N flows"},
	{.name = "all", .help = "all flows that the daemon has kept: 4095 at most"},
	{.name = "since", .arg = "TIME", .help = "RFC 3339, or how long ago: 90s, 1h30m"},
	{.name = "until", .arg = "TIME", .help = "likewise"},
	{.name = "not", .many = true, .help = "leave out what the filter behind it matches"},
	WORD_FILTER("verdict", "VERDICT",
		    "FORWARDED DROPPED ERROR AUDIT REDIRECTED TRACED TRANSLATED",
		    "FORWARDED, DROPPED, ERROR, AUDIT, REDIRECTED, TRACED or TRANSLATED"),
	END_FILTER("pod", 0, "[NS/]PREFIX", "a pod by the beginning of its name"),
	END_FILTER("namespace", 'n', "NS", "pods of a namespace"),
	END_FILTER("ip", 0, "ADDRESS", "an address or a prefix"),
	END_FILTER("port", 0, "N", "a port"),
	END_FILTER("label", 'l', "SELECTOR",
		   "labels: KEY, !KEY, KEY=VALUE or KEY!=VALUE, joined by commas"),
	END_FILTER("identity", 0, "ID", "an identity, by its number or reserved name"),
	WORD_FILTER("protocol", "PROTOCOL", "tcp udp sctp icmp icmpv4 icmpv6 http",
		    "tcp, udp, sctp, icmp, icmpv4, icmpv6 or http"),
	{.name = "type",
	 .letter = 't',
	 .arg = "TYPE",
	 .many = true,
	 .help = "l7, policy-verdict, drop or trace",
	 .words = "l7 policy-verdict drop trace"},
	WORD_FILTER("traffic-direction", "DIRECTION", "ingress egress", "ingress or egress"),
	FILTER("http-method", "METHOD", "a method"),
	FILTER("http-path", "REGEX", "a pattern that is found in the path"),
	FILTER("http-url", "REGEX", "a pattern that is found in the URL"),
	FILTER("http-status", "STATUS", "a status, or the beginning of one: 5+"),
	FILTER("http-header", "NAME:VALUE", "a header, as far as flows tell it"),
	FILTER("drop-reason-desc", "REASON",
	       "POLICY_DENIED and the like, or a reason of postern: no-rule-l7"),
	WORD_FILTER("ip-version", "N", "4 6", "4 or 6"),
	{.name = "ipv4", .letter = '4', .many = true, .help = "--ip-version 4"},
	{.name = "ipv6", .letter = '6', .many = true, .help = "--ip-version 6"},
	FILTER("node-name", "NAME", "the node that has seen it"),
	FILTER("uuid", "UUID", "one flow"),
	{.name = "all-namespaces",
	 .letter = 'A',
	 .help = "a pod without a namespace is one of any, not of --namespace or default"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "FORM",
	 .help = "compact (the default), dict, table, json or jsonpb",
	 .words = "compact dict table json jsonpb"},
	{.name = "field-mask",
	 .arg = "PATHS",
	 .many = true,
	 .help = "only these fields of a flow, as JSON: time,verdict,source.pod_name"},
	{.name = "color",
	 .arg = "WHEN",
	 .help = "of verdicts, compact and dict: auto (the default), always or never",
	 .words = "auto always never"},
	{.name = "print-node-name", .help = "show the node"},
	{.name = "print-policy-names",
	 .help = "show which policies decided, by which rule, and the reason"},
	{.name = "numeric", .help = "addresses instead of names"},
	{.name = "time-format",
	 .arg = "FORM",
	 .help = "StampMilli (the default), RFC3339, RFC3339Milli, RFC3339Micro or "
		 "RFC3339Nano; always UTC",
	 .words = "StampMilli RFC3339 RFC3339Milli RFC3339Micro RFC3339Nano"},
	{.name = "input-file",
	 .arg = "FILE",
	 .is_input = true,
	 .help = "flows from a file of JSON lines, - for standard input, instead of the daemon"},
	PST_CLI_SOCKET,
};

#define ASK_STATUS "0; 2 usage; 3 no daemon answers."

static const struct pst_cli_option lint_options[] = {
	{.name = "format",
	 .arg = "FORMAT",
	 .many = true,
	 .help = "text (the default), json, sarif, junit, github or gitlab; several go with as "
		 "many -o, in the same order",
	 .words = "text json sarif junit github gitlab"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "FILE",
	 .many = true,
	 .help = "where the report goes, - for standard output (the default)"},
	{.name = "fail-on",
	 .arg = "SEVERITY",
	 .help = "error (the default), warning or info: the least that makes the exit status 1",
	 .words = "error warning info"},
	{.name = "color",
	 .arg = "WHEN",
	 .help = "auto (the default: on a terminal, unless NO_COLOR is set), always or never",
	 .words = "auto always never"},
	{.name = "quiet", .letter = 'q', .help = "no summary on standard error"},
	{.name = "config",
	 .arg = "FILE",
	 .help = "instead of the .postern.yaml of this directory or of one above it in the "
		 "repository"},
	{.name = "no-config", .help = "read no .postern.yaml"},
	{.name = "baseline", .arg = "FILE", .help = "findings in it are counted, not shown"},
	{.name = "write-baseline",
	 .arg = "FILE",
	 .help = "write all findings to it, report none, and end with 0"},
	{.name = "cilium-version",
	 .arg = "VERSION",
	 .help = "whose rules: 1.16, 1.17, 1.18, 1.19 or 1.20 (the default)",
	 .words = "1.16 1.17 1.18 1.19 1.20"},
	{.name = "feature",
	 .arg = "NAME",
	 .many = true,
	 .help = "of the Cilium agent, off by default there: node-selector-labels or "
		 "extended-ip-protocols",
	 .words = "node-selector-labels extended-ip-protocols"},
	{.name = "enable", .arg = "RULE", .many = true, .help = "switch a rule on"},
	{.name = "disable", .arg = "RULE", .many = true, .help = "switch a rule off"},
	{.name = "exclude",
	 .arg = "GLOB",
	 .many = true,
	 .help = "pass over files that match, from this directory: * and ? within a name, ** "
		 "for directories"},
	{.name = "skip-others",
	 .help = "pass over files in which the word cilium does not stand: for tools such as "
		 "pre-commit, which hand over whatever YAML has changed"},
	{.name = "rules", .help = "list the rules; with --format json, all about them"},
	{.name = "explain", .arg = "RULE", .help = "tell all about one rule, as Markdown"},
};

#define OPTIONS(table) .options = (table), .n_options = sizeof(table) / sizeof(*(table))

const struct pst_cli_verb pst_cli_verbs[] = {
	{
		.name = "lint",
		.operands = "FILE",
		.synopsis = "[FILE|DIR|-]... [--format FORMAT]... [-o FILE]... "
			    "[--fail-on error|warning|info] [--config FILE] [--baseline FILE] | "
			    "--rules | --explain RULE",
		.summary = "Find what is wrong, or not meant, in policy files.",
		.details =
			"Directories are walked for .yaml, .yml and .json; documents of other kinds are "
			"passed over and counted. It needs no cluster, no root and no kernel.\n"
			"A finding that is meant so gets a comment with the reason: # postern-ignore: "
			"RULE: reason, at the end of its line, or on a line of its own above the part "
			"that is meant.\n"
			"Options outweigh the configuration, .postern.yaml.",
		OPTIONS(lint_options),
		.exit_status =
			"0 clean; 1 findings at or over --fail-on; 2 usage; 3 could not run.",
		.run = pst_cli_lint,
	},
	{
		.name = "compile",
		.operands = "FILE",
		.synopsis = "[FILE|DIR]... [--inventory FILE]... [--accept RULE]... -o BUNDLE "
			    "[--format text|json]",
		.summary = "Compile policies to a bundle, and report what it holds.",
		.details =
			"The report names each rule set, what its automata cost, and whether it is "
			"judged in the kernel or needs the fallback, and why. Paths that one automaton "
			"cannot hold are divided among up to four.\n"
			"A mistake in any file is an error: then no bundle is written, and a bundle "
			"that was there stays.",
		OPTIONS(compile_options),
		.exit_status = "0; 1 the input has errors; 2 usage; 3 could not run.",
		.run = pst_cli_compile,
	},
	{
		.name = "inspect",
		.operands = "FILE",
		.synopsis = "BUNDLE [--format text|json]",
		.summary =
			"Show what is in a bundle: identities, addresses, policy entries, rule sets.",
		.details = "The bundle is verified first, as before every load.",
		OPTIONS(inspect_options),
		.exit_status = "0; 1 not a valid bundle; 2 usage; 3 could not run.",
		.run = pst_cli_inspect,
	},
	{
		.name = "explain",
		.synopsis =
			"--policy FILE... [--inventory FILE]... [--accept RULE]... "
			"--direction ingress|egress --from PEER --to PEER --port N [--protocol PROTOCOL] [--method M] [--path P] [--host H] "
			"[--header 'Name: value']... [--raw FILE] [--paths normal|any] [--in-force] [--format text|json] | "
			"--cases FILE.jsonl [--inventory FILE]...",
		.summary = "Tell the verdict on one connection or request, and why.",
		.details =
			"PEER is an address, or labels: k8s:app=a,k8s:io.kubernetes.pod.namespace=ns. A "
			"label without a source means k8s; without a namespace the namespace is "
			"default; reserved:host and reserved:world are the node itself and everything "
			"outside; cidr:192.0.2.1/32 is an address, and fqdn:NAME gives it a name. Labels "
			"stand for a pod with these (without those that Cilium's label filter drops), "
			"with the labels of its namespace that the "
			"inventory has, and without named ports; an address of the inventory is "
			"that pod. Only the policy of one side is asked, as --direction says.\n"
			"Without a part of a request, L3/L4 is answered; where HTTP rules decide, they "
			"are listed.\n"
			"For what no rule allows, the rules that came nearest are named with what "
			"they missed: the byte of a path, method or host at which their own pattern "
			"ends (bytes count from 0), the ports, or the label that the peer lacks.\n"
			"What only policies in audit (the annotation postern.io/audit) would deny is "
			"answered with audit: it is forwarded and reported as AUDIT, so the exit "
			"status is 0; in_force says what it would be without the annotation.\n"
			"Policies with errors are not asked: an answer from the readable part could "
			"mislead.\n"
			"A line of --cases has id, policy_file (relative to FILE), direction, src_labels, "
			"dst_labels, dport, proto, method, path, host, headers, expect and, if need be, "
			"policy_namespace, named_ports ({\"http/TCP\": 8080}, of the accepting side), "
			"expect_upstream_headers and expect_upstream_absent (which fields reach the "
			"server, and which do not). deny_as, dst_ip, needs, note and source are not looked "
			"at; another field is a mistake. A line with a mistake, told with its place, or that "
			"needs what postern does not know yet is answered with the verdict \"error\" and "
			"counts as not met.",
		OPTIONS(explain_options),
		.exit_status =
			"0 allow or audit, or every case as expected; 1 deny, a case not as expected, or the "
			"policies have errors; 2 usage; 3 could not run.",
		.run = pst_cli_explain,
	},
	{
		.name = "test",
		.operands = "FILE",
		.synopsis =
			"[FILE|DIR|-]... [--format text|json|junit] [-o FILE] "
			"[--require-tests] [--run GLOB] [--paths normal|any] [--in-force] [--accept RULE]...",
		.summary = "Run unit tests of policies, written in YAML.",
		.details =
			"A test file names policies, declares pods by their labels, and lists who may "
			"send what to whom. Directories are walked for .yaml, .yml and .json; "
			"Kubernetes objects in them are passed over.\n"
			"A test that fails is shown with what was expected and found, the reason and "
			"the deciding rule. A test expects allow, deny, or audit: what only policies in "
			"audit would deny. Policies with errors are not asked: their tests count as "
			"not passed.",
		OPTIONS(test_options),
		.exit_status = "0 all pass; 1 some fail, or the input has errors; 2 usage; 3 could "
			       "not run.",
		.run = pst_cli_test,
	},
	{
		.name = "diff",
		.operands = "FILE",
		.synopsis =
			"OLD NEW [--inventory FILE]... [--old-inventory FILE]... "
			"[--new-inventory FILE]... [--only-inventory] "
			"[--fail-on widened|narrowed|any] [--in-force] [--format text|json] [-o FILE] "
			"[--accept RULE]...",
		.summary = "Tell what policies allow that others did not, and the reverse.",
		.details =
			"OLD and NEW are files or directories; one of them may be -. Each difference "
			"has a witness, a connection or request that is decided differently, as "
			"arguments of postern explain, and the rules that decide on both sides.\n"
			"Without a difference it is proven that there is none, for all pods, whatever "
			"their labels; where that is too much, the report says so.\n"
			"What policies in audit deny passes: to put one in force narrows.\n"
			"With two inventories pods are compared by their names. A pod that one side "
			"does not have is a stranger there.",
		OPTIONS(diff_options),
		.exit_status = "0 the same, or no difference that --fail-on names; 1 different, "
			       "or the input has errors; 2 usage; 3 could not run.",
		.run = pst_cli_diff,
	},
	{
		.name = "regex",
		.synopsis = "PATTERN [--format text|json]",
		.summary =
			"Match lines of standard input with a pattern, or measure its automaton.",
		.details =
			"For each line one line is written: 1 if PATTERN (RE2 syntax) matches all of "
			"it, 0 if not. With --format json nothing is read: the answer is the size of "
			"the automaton, whether it fits the kernel, and if not, which limit it "
			"met.",
		OPTIONS(regex_options),
		.exit_status =
			"0; 1 PATTERN is invalid, or too big to be matched; 2 usage; 3 could "
			"not run.",
		.run = pst_cli_regex,
	},
	{
		.name = "doctor",
		.synopsis = "[--posternd FILE] [--format text|json]",
		.summary = "Tell what this node's kernel and settings allow postern to do.",
		.details =
			"Runs posternd --probe: each thing that enforcement needs is tried, and what "
			"follows where it is missing is said below it. Run it as root, in the place "
			"where the daemon will run: a user's rights are part of the answer.",
		OPTIONS(doctor_options),
		.exit_status = "0 this node can enforce; 1 it cannot; 2 usage; 3 could not run.",
		.run = pst_cli_doctor,
	},
	{
		.name = "status",
		.synopsis = "[--socket PATH] [--format text|json]",
		.summary = "Show the daemon's state: health, what is enforced, what was dropped.",
		.details =
			"Health is OK when what the files say is in force, and STALE when they were "
			"read and refused: then the last good policy is in force, and what was found "
			"is listed last, with its places.\n"
			"Drops are those of the programs in the kernel, by reason, since they were "
			"loaded; a daemon that adopts them goes on counting.",
		OPTIONS(ask_options),
		.exit_status = ASK_STATUS,
		.run = pst_cli_status,
	},
	{
		.name = "endpoints",
		.synopsis = "[--socket PATH] [--format text|json]",
		.summary = "List the workloads that the daemon knows, and which are enforced.",
		.details = "An endpoint is enforced in a direction when a policy selects it there: "
			   "then what no rule allows is denied.",
		OPTIONS(ask_options),
		.exit_status = ASK_STATUS,
		.run = pst_cli_endpoints,
	},
	{
		.name = "policy",
		.operands = "get",
		.synopsis = "get [--socket PATH] [--format text|json]",
		.summary = "List the rules that the daemon has in force, with their places.",
		.details = NULL,
		OPTIONS(ask_options),
		.exit_status = ASK_STATUS,
		.run = pst_cli_policy,
	},
	{
		.name = "observe",
		.synopsis = "[--follow] [--last N | --first N | --all] [[--not] FILTER]... "
			    "[-o compact|dict|table|json|jsonpb] [--input-file FILE] "
			    "[--socket PATH]",
		.summary = "Show verdicts as flows, in the forms of hubble observe.",
		.details =
			"The same filter given twice: one of the values; different filters: all of "
			"them. Those behind a --not are one filter together: what all of them match is "
			"left out. Filters that look at either end must all be met by the same one.\n"
			"The JSON is hubble's, one object a line, and its readers take it. Queries and "
			"the values of headers are not in flows, unless the daemon was told to show "
			"them. Flows that were lost on the way are reported where they are missing.",
		OPTIONS(observe_options),
		.exit_status = "0; 2 usage; 3 no daemon answers, it has ended, or the file cannot "
			       "be read.",
		.run = pst_cli_observe,
	},
	{
		.name = "completion",
		.operands = "bash zsh fish",
		.synopsis = "bash|zsh|fish",
		.summary = "Write a script with which a shell completes this command.",
		.details =
			"It is made from the same table as these words, and asks nobody when it "
			"runs. Packages install it; without one, for bash: source <(postern "
			"completion bash); for fish: postern completion fish | source; for zsh, as "
			"_postern in a directory of fpath.",
		.exit_status = "0; 2 usage.",
		.run = pst_cli_completion,
	},
	{0},
};
