/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Helm templates: text that becomes YAML only when it is rendered.
 *
 * People point a linter at a chart. Its templates are no bad YAML, and are named as what they are:
 * one diagnostic "helm-template" for the file, at its first "{{". A file is a template when
 *
 *   - it does not parse, and breaks at a "{{" outside comments: a flow mapping as a key, which is
 *     what "{{ x }}" is to YAML and which Kubernetes knows nowhere; or a syntax error on a line
 * with a "{{", in something that begins on such a line, or behind a "{{" that no "}}" has closed;
 *   - or a policy of Cilium in it has a "{{" in a key or a scalar other than metadata.annotations,
 *     metadata.labels and description.
 *
 * "{{" inside a quoted string of some other kind (the rules of an alert) is text. The file is read
 * twice, but only when a "{{" is in it at all.
 */

#include "policy/yaml.h"

/* Adds the diagnostic. */
void pst_helm_report(struct pst_diags *diags, enum pst_severity severity,
		     const struct pst_pos *pos);

/*
 * Is IN a template? Stores the place of the "{{" that gives it away when it is (RET_IS_TEMPLATE).
 * 0 or -ENOMEM.
 */
int pst_helm_find(const struct pst_yaml_input *in, bool *ret_is_template, struct pst_pos *ret_pos);

/*
 * Where a "{{" explains that TEXT breaks at AT, in something that began at SINCE: its offset, or
 * LEN when there is none.
 */
size_t pst_helm_explains(const char *text, size_t len, size_t since, size_t at);
