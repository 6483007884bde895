// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "yaml-syntax",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "not YAML",
		.why = "The text breaks the rules of YAML at this place. Nothing can be said "
		       "about the document that it is in; reading goes on at the next line "
		       "that begins with `---`.\n"
		       "Often the place named is one line behind the mistake: a bracket or a "
		       "quote that was opened above and not closed, or a line whose "
		       "indentation fits no level.\n",
		.remedy = "Look at this line and at the one above: brackets, quotes, indentation, "
			  "a blank behind each colon.",
		.cilium = "decode: the client refuses the file before anything is sent to the "
			  "cluster",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEntities: [cluster\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities: [cluster]\n",
		.since = "0.1",
	},
	{
		.id = "yaml-encoding",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a file that is not UTF-8 text",
		.why = "The file has a byte that cannot stand in a YAML text: something that "
		       "is not UTF-8, a control character, or it is UTF-16 or binary. Readers "
		       "that repair such text do it in different ways, and then judge "
		       "different policies.\n",
		.remedy = "Save the file as UTF-8 and take the character out.",
		.cilium = "decode: the client refuses the file",
		.bad = PST_SPEC "  description: \"a bell: \a\"\n"
				"  ingress:\n"
				"    - {}\n",
		.good = PST_SPEC "  description: \"a bell: \\x07\"\n"
				 "  ingress:\n"
				 "    - {}\n",
		.since = "0.1",
	},
	{
		.id = "yaml-nul",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a NUL character inside a string",
		.why = "YAML can write a NUL character into a quoted string (`\\0`). No name, "
		       "label or pattern of a policy can hold one, and programs disagree "
		       "whether the string ends there.\n",
		.remedy = "Take the escape out of the string.",
		.cilium = "depends on the field; labels and names are refused",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            app: \"web\\0\"\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: \"web\"\n",
		.since = "0.1",
	},
	{
		.id = "yaml-key",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a key that is not a string",
		.why = "A mapping's key must be a string. YAML allows lists and mappings as "
		       "keys; JSON and Kubernetes know nothing like it, so there is no meaning "
		       "that it could have here.\n",
		.remedy = "Write a string as the key. If this is a template, render it first.",
		.cilium = "decode: the client cannot turn it into JSON",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            ? [app]\n"
				"            : web\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels:\n"
				 "            app: web\n",
		.since = "0.1",
	},
	{
		.id = "yaml-duplicate-key",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a key that stands twice in one mapping",
		.why = "Two sections of one name look as if both counted. Readers of YAML keep "
		       "the last one, or refuse the file; whichever is dropped, part of the "
		       "policy is gone without a word.\n",
		.remedy = "Put both into one section.",
		.cilium = "decode: with strict validation the client refuses the file; without it "
			  "the last one counts",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEntities:\n"
				"        - host\n"
				"  ingress:\n"
				"    - fromEntities:\n"
				"        - cluster\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - host\n"
				 "    - fromEntities:\n"
				 "        - cluster\n",
		.since = "0.1",
	},
	{
		.id = "yaml-tag",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a YAML tag that is not known or does not fit",
		.why = "A tag (`!!str`, `!something`) tells the reader which type a value has. "
		       "Only YAML's own plain types are read, and only where the text agrees "
		       "with them: what another reader would make of the rest is not known.\n",
		.remedy = "Take the tag out; quote the value if a string is meant.",
		.cilium = "decode: depends on the client's reader",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEntities:\n"
				"        - !peer cluster\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities:\n"
				 "        - !!str cluster\n",
		.since = "0.1",
	},
	{
		.id = "yaml-alias",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "an alias without its anchor",
		.why = "`*name` stands for what was marked with `&name` above it in the same "
		       "document. Here there is no such mark: anchors end with their document, "
		       "and none may contain itself.\n",
		.remedy = "Set the anchor above, in the same document, or write the value out.",
		.cilium = "decode: the client refuses the file",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels: *web\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchLabels: &web\n"
				 "            app: web\n"
				 "  egress:\n"
				 "    - toEndpoints:\n"
				 "        - matchLabels: *web\n",
		.since = "0.1",
	},
	{
		.id = "yaml-alias-limit",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "aliases that add more than a reader should hold",
		.why = "Aliases of aliases grow by a power with each line: ten short lines can "
		       "stand for billions of nodes. A file may add 100,000 nodes by aliases "
		       "and merge keys, and as much again as it writes out; a document may "
		       "have 1,000 anchors, and 64 levels of nesting.\n",
		.remedy = "Write the parts out, or split the file.",
		.cilium = "decode: the client's reader has limits of its own and refuses the file",
		.bad = "apiVersion: v1\n"
		       "kind: ConfigMap\n"
		       "metadata:\n"
		       "  name: bomb\n"
		       "data:\n"
		       "  a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n"
		       "  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
		       "  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
		       "  d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
		       "  e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
		       "  f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n",
		.good = PST_CNP "spec:\n"
				"  endpointSelector: &api\n"
				"    matchLabels:\n"
				"      app: api\n"
				"  ingress:\n"
				"    - fromEndpoints: [*api, *api]\n",
		.since = "0.1",
	},
	{
		.id = "yaml-merge",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a merge key that readers take in different ways",
		.why = "`<<` puts the keys of another mapping into this one. It needs a "
		       "mapping or a list of mappings; and when a key stands before the `<<` "
		       "and in what is merged, Kubernetes' reader lets the merged one win "
		       "while others keep the one written here. A policy must not depend on "
		       "that.\n",
		.remedy = "Write `<<` as the first key of its mapping: then the keys written "
			  "below it win everywhere.",
		.cilium = "decode: accepts it with the merged value, or refuses what is no "
			  "mapping",
		.bad = PST_CNP "spec:\n"
			       "  endpointSelector:\n"
			       "    matchLabels: &base\n"
			       "      app: api\n"
			       "      tier: back\n"
			       "  ingress:\n"
			       "    - fromEndpoints:\n"
			       "        - matchLabels:\n"
			       "            app: web\n"
			       "            <<: *base\n",
		.good = PST_CNP "spec:\n"
				"  endpointSelector:\n"
				"    matchLabels: &base\n"
				"      app: api\n"
				"      tier: back\n"
				"  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchLabels:\n"
				"            <<: *base\n"
				"            app: web\n",
		.since = "0.1",
	},
	{
		.id = "yaml-limit",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a document that is too deep, too large or too broken",
		.why = "To bound the time and the memory that a hostile file can take, a file "
		       "may have 16 MiB, a million documents and a hundred mistakes; a "
		       "document a million nodes and 64 levels of nesting. What lies behind "
		       "the limit is not read, and not trusted.\n",
		.remedy = "Split the file; a policy needs no more than a dozen levels.",
		.bad = PST_SPEC
		"  ingress:\n"
		"    - fromEntities: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[cluster]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEntities: [cluster]\n",
		.since = "0.1",
	},
	{
		.id = "helm-template",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_INPUT,
		.title = "a Helm template, not a policy",
		.why = "The file has `{{ ... }}` where a policy has its values. It becomes "
		       "YAML, and a policy, only when it is rendered with somebody's values; "
		       "nothing is checked before that.\n",
		.remedy = "Render it first: `helm template ... | postern lint -`. Leave the "
			  "templates out by the configuration's paths.",
		.bad = PST_CNP "spec:\n"
			       "  endpointSelector:\n"
			       "    matchLabels:\n"
			       "      app: {{ .Values.app }}\n"
			       "  ingress:\n"
			       "    - {}\n",
		.good = PST_SPEC "  description: \"the team {{ unknown }}\"\n"
				 "  ingress:\n"
				 "    - {}\n",
		.since = "0.1",
	},
	{
		.id = "file-missing",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a path that does not exist",
		.why = "There is no such file or directory, so what should be checked was not. "
		       "That is never a success.\n",
		.remedy = "Correct the path.",
		.since = "0.1",
	},
	{
		.id = "file-unreadable",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a file that cannot be read",
		.why = "The file is there and cannot be opened or read, or is no regular file and "
		       "no pipe that a shell has begun (`<(command)`). The other files are checked all the same; what is in this one is not "
		       "known.\n",
		.remedy = "Look at its permissions, and at what it is.",
		.since = "0.1",
	},
	{
		.id = "file-too-large",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a file over 16 MiB",
		.why = "Files are read as a whole, and only up to this size; a set of policies "
		       "of such a size is more likely to be something else.\n",
		.remedy = "Split the file, or name a directory of smaller ones.",
		.since = "0.1",
	},
	{
		.id = "no-files",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a directory without policy files",
		.why = "The directory holds no file that ends in `.yaml`, `.yml` or `.json`, "
		       "at any depth. A check that has looked at nothing must not look like a "
		       "success.\n",
		.remedy = "Correct the path.",
		.since = "0.1",
	},
	{
		.id = "directory-loop",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a directory that contains itself",
		.why = "Through a symbolic link the directory leads back to itself. The way "
		       "round is not followed again; the other files are checked.\n",
		.remedy = "Take the link away, or name the directories that are meant.",
		.since = "0.1",
	},
	{
		.id = "empty-file",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a file without a document",
		.why = "The file is empty, or holds only comments. It was given as a file of "
		       "policies, so something is missing.\n",
		.remedy = "Write the policy, or leave the file out.",
		.cilium = "decode: the client says that there is nothing to apply",
		.bad = "# the policy of the api\n",
		.good = "# the policy of the api\n" PST_SPEC "  ingress:\n"
			"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "not-an-object",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a document that is no Kubernetes object",
		.why = "Each document of the file must be a mapping with `apiVersion` and "
		       "`kind`. A list or a plain text is none, so it is not known what it "
		       "should mean. `postern compile` and `postern explain` refuse it; "
		       "`postern lint` takes a document that names nothing of Cilium's for "
		       "somebody else's and passes it over.\n",
		.remedy = "Write the objects as documents, with `---` between them, or as the "
			  "`items` of a `List`.",
		.cilium = "decode: the client refuses the file",
		.since = "0.1",
	},
	{
		.id = "no-policy",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.off = true,
		.title = "a file that holds no policy",
		.why = "A file that is given by its name must hold a policy of Cilium's. "
		       "Documents of other kinds are passed over, and here nothing else was "
		       "found: perhaps it is the wrong file, or a NetworkPolicy of Kubernetes' "
		       "own, which postern does not judge.\n"
		       "Off in lint, which is given whatever files a change touches; compile and the "
		       "daemon always refuse such a file. Files that are found in directories may "
		       "hold other things.\n",
		.remedy = "Name the right file, or the directory.",
		.bad = "apiVersion: v1\n"
		       "kind: ConfigMap\n"
		       "metadata:\n"
		       "  name: settings\n",
		.good = "apiVersion: v1\n"
			"kind: ConfigMap\n"
			"metadata:\n"
			"  name: settings\n"
			"---\n" PST_SPEC "  ingress:\n"
			"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "unknown-kind",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a kind that Cilium does not have",
		.why = "The document is of Cilium's API group, and there is no such kind in "
		       "it. It may be a policy whose kind is misspelt: passing it over like "
		       "other people's objects would leave its subjects without policy.\n",
		.remedy = "Correct the kind: `CiliumNetworkPolicy` or "
			  "`CiliumClusterwideNetworkPolicy`.",
		.cilium = "schema: the API server knows no such resource",
		.bad = "apiVersion: cilium.io/v2\n"
		       "kind: CiliumNetworkPolcy\n"
		       "metadata:\n"
		       "  name: api\n"
		       "spec:\n"
		       "  endpointSelector: {}\n"
		       "  ingress:\n"
		       "    - {}\n",
		.good = PST_CNP "spec:\n"
				"  endpointSelector: {}\n"
				"  ingress:\n"
				"    - {}\n",
		.since = "0.1",
	},
	{
		.id = "kubernetes-policy",
		.severity = PST_SEVERITY_INFO,
		.group = PST_LINT_INPUT,
		.title = "a policy of another kind, which Cilium enforces and postern does not",
		.why = "Cilium enforces the NetworkPolicies of Kubernetes beside its own "
		       "policies, and since 1.20 ClusterNetworkPolicies. postern reads neither: "
		       "a pod that only such a policy selects is without policy here, and what "
		       "such a policy allows to a pod in default deny is denied.\n"
		       "Where policies are asked or enforced (`postern explain`, `postern "
		       "compile`, `posternd`) this is a warning.\n",
		.remedy = "Write what it says as a CiliumNetworkPolicy, if postern shall enforce "
			  "it; otherwise nothing.",
		.cilium = "accepts it and enforces it",
		.bad = "apiVersion: networking.k8s.io/v1\n"
		       "kind: NetworkPolicy\n"
		       "metadata:\n"
		       "  name: nobody-in\n"
		       "spec:\n"
		       "  podSelector: {}\n"
		       "  policyTypes:\n"
		       "    - Ingress\n"
		       "---\n" PST_SPEC "  ingress:\n"
		       "    - {}\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - {}\n",
		.since = "0.1",
	},
	{
		.id = "unknown-field",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a field that is not known here",
		.why = "There is no such field in this place. A cluster may drop it without a "
		       "word (the API server prunes what its schema does not know), and then "
		       "the policy says less than was written: a misspelt `rules` leaves a "
		       "port without any HTTP restriction.\n"
		       "Fields are often right and in the wrong place: look at the "
		       "indentation.\n",
		.remedy = "Correct the name, or move the field to where it belongs.",
		.cilium = "decode: strict validation refuses it; otherwise it is pruned and "
			  "ignored",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"80\"\n"
				"              protocol: TCP\n"
				"          rule:\n"
				"            http:\n"
				"              - path: /orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"80\"\n"
				 "              protocol: TCP\n"
				 "          rules:\n"
				 "            http:\n"
				 "              - path: /orders\n",
		.since = "0.1",
	},
	{
		.id = "removed-field",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a field that Cilium has removed",
		.why = "Older versions of Cilium had this field, the version whose rules are "
		       "asked for has not. Such a rule is not weaker than before, it is "
		       "refused: `fromRequires` and `toRequires` went in 1.19, Kafka and "
		       "generic L7 rules in 1.20.\n",
		.remedy = "Say the same by what is left: labels in the selectors for "
			  "`fromRequires`; a plain port, or HTTP rules, for the old L7 protocols.",
		.cilium = "schema or decode: the field is refused",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"9092\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            kafka:\n"
				"              - role: produce\n"
				"                topic: orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"9092\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "field-version",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a field that this version of Cilium does not know",
		.why = "The field came with a later version of Cilium, or went with an earlier "
		       "one, than the one whose rules are asked for (`--cilium-version`). In a "
		       "cluster of that version it would be refused or dropped.\n",
		.remedy = "Leave the field out, or ask for the version that the cluster runs.",
		.cilium = "decode: strict validation refuses it; otherwise it is pruned and "
			  "ignored",
		.cilium_minor = 17,
		.bad = PST_SPEC "  log:\n"
				"    value: shop\n"
				"  ingress:\n"
				"    - {}\n",
		.good = PST_SPEC "  description: shop\n"
				 "  ingress:\n"
				 "    - {}\n",
		.since = "0.1",
	},
	{
		.id = "missing-field",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a field that must be there is missing",
		.why = "Without this field the object is not complete, and Cilium refuses it. "
		       "Nothing is guessed in its place.\n",
		.remedy = "Add the field.",
		.cilium = "schema or sanitize: for a policy without a name, \"must have name\"",
		.bad = PST_SPEC "  ingress:\n"
				"    - fromEndpoints:\n"
				"        - matchExpressions:\n"
				"            - key: app\n"
				"              values:\n"
				"                - web\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - fromEndpoints:\n"
				 "        - matchExpressions:\n"
				 "            - key: app\n"
				 "              operator: In\n"
				 "              values:\n"
				 "                - web\n",
		.since = "0.1",
	},
	{
		.id = "type-mismatch",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a value of the wrong type",
		.why = "The field wants another type than it got. Mostly YAML has read a plain "
		       "word as something else: `8080` is a number, `yes`, `no` and `on` are "
		       "booleans; a string needs quotes then. Or a list is missing its `-`.\n",
		.remedy = "Quote what should be a string; write lists with `-`.",
		.cilium = "decode: cannot unmarshal the value into the field's type",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: 8080\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8080\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "number-invalid",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "a number that is out of range or unclear",
		.why = "The field wants a decimal integer in a range. Other spellings (a "
		       "leading zero, underscores, `1e3`) are numbers to some readers and "
		       "different numbers to others.\n",
		.remedy = "Write a decimal integer within the range that the message names.",
		.cilium = "schema or decode: the value is out of range, or no integer",
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"8000\"\n"
				"              endPort: 80800\n"
				"              protocol: TCP\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"8000\"\n"
				 "              endPort: 8080\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "deprecated-field",
		.severity = PST_SEVERITY_WARNING,
		.group = PST_LINT_INPUT,
		.title = "a field that a later version of Cilium has removed",
		.why = "The version whose rules are asked for still reads the field, and has "
		       "declared that it will go: Kafka rules and the generic L7 rules "
		       "(`l7proto`, `l7`) are gone in 1.20. A policy that has it is refused "
		       "after the upgrade.\n",
		.remedy = "Say the same without the field before the upgrade.",
		.cilium = "accepts it up to 1.19; removed in 1.20",
		.cilium_minor = 19,
		.bad = PST_SPEC "  ingress:\n"
				"    - toPorts:\n"
				"        - ports:\n"
				"            - port: \"9092\"\n"
				"              protocol: TCP\n"
				"          rules:\n"
				"            kafka:\n"
				"              - role: produce\n"
				"                topic: orders\n",
		.good = PST_SPEC "  ingress:\n"
				 "    - toPorts:\n"
				 "        - ports:\n"
				 "            - port: \"9092\"\n"
				 "              protocol: TCP\n",
		.since = "0.1",
	},
	{
		.id = "too-many-directories",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_INPUT,
		.title = "more directories than a run walks through",
		.why = "A run walks through 100,000 directories at most, so that a tree which "
		       "never ends cannot hold it up for ever. What lies behind is not "
		       "checked.\n",
		.remedy = "Name the directories that hold policies.",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_input = PST_LINT_RULES(rows);
