// SPDX-License-Identifier: Apache-2.0
#include "policy/helm.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/object.h"
#include "policy/tests/helper.h"

#define CNP "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"

static bool t_find_in(const char *text, struct pst_pos *ret_pos)
{
	const struct pst_yaml_input in = {.name = "t.yaml", .text = text, .len = strlen(text)};
	bool found;

	cr_assert_eq(pst_helm_find(&in, &found, ret_pos), 0);
	return found;
}

static void t_template(const char *text, unsigned int line, unsigned int col)
{
	struct pst_pos pos = {0};

	cr_expect(t_find_in(text, &pos), "%s", text);
	cr_expect_eq(pos.line, line, "%s: line %u", text, pos.line);
	cr_expect_eq(pos.col, col, "%s: column %u", text, pos.col);
}

static void t_no_template(const char *text)
{
	struct pst_pos pos;

	cr_expect_not(t_find_in(text, &pos), "%s", text);
}

Test(helm, text_that_breaks_at_braces_is_a_template)
{
	t_template("{{- if .Values.on }}\na: b\n{{- end }}\n", 1, 1);
	t_template("{{ if .Values.on }}\na: b\n{{ end }}\n", 1, 1);
	t_template("{{/* a comment */}}\na: b\n", 1, 1);
	t_template("a: b\nname: {{ .Values.name }}\n", 2, 7);
	t_template("name: {{ .Release.Name }}-policy\n", 1, 7);
	t_template("metadata:\n  labels:\n    {{- include \"x\" . | nindent 4 }}\n", 3, 5);
	t_template("a:\n  b: c\n{{ include \"labels\" . | indent 2 }}\nspec: {}\n", 3, 1);
	t_template("a: \"{{ default \"x\" .y }}\"\n", 1, 5);
	t_template("a: {{ printf\n  %s \"x\" }}\n", 1, 4);
	t_template("{{- range $i, $p := .Values.ports }}\n- port: {{ $p | quote }}\n{{- end }}\n",
		   1, 1);
	t_template("{{ `raw` }}: x\n", 1, 1);
	t_template("a: 1\n---\nb: {{ .c }}\n", 3, 4);
}

Test(helm, nested_flow_mappings_comments_and_quotes_are_no_template)
{
	t_no_template("{a: {b: {}}}\n");
	t_no_template("{a: {b: {c: d}}}\n---\n{x: [{}, {y: {}}]}\n");
	t_no_template("# {{ .Values.x }}\na: b\n");
	t_no_template("# {{ .Values.x }}\na: [b\n");
	t_no_template("a: [b # {{ x }}\n");
	t_no_template("kind: PrometheusRule\nexpr: \"{{ $labels.pod }}\"\n");
	t_no_template("kind: ConfigMap\ndata: |\n  {{ .x }}\n");
	t_no_template("");
	t_no_template("{");
}

Test(helm, a_syntax_error_elsewhere_is_a_syntax_error)
{
	t_no_template("kind: PrometheusRule\nexpr: \"{{ $labels.pod }}\"\nb: [1\n");
	t_no_template("a: b: c\n---\nexpr: \"{{ x }}\"\n");
	t_no_template("text: |\n  {{ .x }}\n\nb: \"open\n");
}

Test(helm, a_policy_with_braces_in_what_counts_is_a_template)
{
	t_template(CNP "metadata: {name: \"{{ .Values.name }}\"}\n", 3, 19);
	t_template(CNP "metadata:\n  name: x-{{.Values.name}}\n", 4, 11);
	t_template(CNP "spec:\n  endpointSelector: {matchLabels: {\"{{ .k }}\": v}}\n", 4, 37);
	t_template("kind: ConfigMap\na: \"{{ x }}\"\n---\n" CNP "spec: [\"a\", '{{ b }}']\n", 6,
		   14);
	t_template("kind: List\nitems:\n- kind: CiliumClusterwideNetworkPolicy\n  x: '{{y}}'\n", 4,
		   7);
	t_template(CNP "spec:\n  x: >\n    one\n    two {{ y }}\n", 6, 9);
	t_template(CNP "description: ok\nspec: {a: {metadata: {x: '{{y}}'}}}\n", 4, 27);
}

Test(helm, braces_in_what_people_read_are_text)
{
	t_no_template(CNP "metadata:\n  annotations: {a: \"{{ x }}\"}\n  labels: {b: \"{{ y }}\"}\n"
			  "spec: {description: \"{{ z }}\"}\n");
	t_no_template(CNP "spec: {a: \"{ {\", b: \"}}\"}\n");
}

static int t_count(void *ctx, const struct pst_object *o)
{
	(void)o;
	++*(int *)ctx;
	return 0;
}

Test(helm, a_template_gives_one_diagnostic_of_the_wanted_severity_and_no_object)
{
	static const char text[] = "a: b: c\n---\n" CNP "x: {{ y }}\n---\n" CNP "{{ z }}\n";
	struct pst_yaml_input in = {.name = "t.yaml", .text = text, .len = strlen(text)};
	struct pst_diags *diags = pst_diags_new();
	int n = 0;

	cr_expect_eq(pst_objects_each(diags, &in, t_count, &n), -EINVAL);
	in.template_severity = PST_SEVERITY_INFO;
	cr_expect_eq(pst_objects_each(diags, &in, t_count, &n), -EINVAL);
	cr_assert_eq(pst_diags_count(diags), 2);
	cr_expect_eq(n, 0);
	cr_expect_eq(pst_diags_at(diags, 0)->severity, PST_SEVERITY_ERROR);
	cr_expect_eq(pst_diags_at(diags, 1)->severity, PST_SEVERITY_INFO);
	for (size_t i = 0; i < 2; i++) {
		cr_expect_str_eq(pst_diags_at(diags, i)->id, "helm-template");
		cr_expect_eq(pst_diags_at(diags, i)->pos.line, 5);
		cr_expect_eq(pst_diags_at(diags, i)->pos.col, 4);
	}
	pst_diags_free(&diags);
}
