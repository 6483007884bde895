/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The labels of an identity, as texts: "k8s:app=web", "reserved:world". */

#include <stddef.h>
#include <stdint.h>

struct pst_bundle;
struct pst_json;
struct pst_label;
struct pst_labels;

/* The labels of identity ID in B, or NULL when it has none there. */
const struct pst_labels *pst_identity_labels(const struct pst_bundle *b, uint32_t id);

/* Writes "source:key=value" into BUF, cut off at SIZE; returns BUF. */
const char *pst_identity_label_text(const struct pst_label *l, char *buf, size_t size);

/* Writes an array of them with KEY; empty when the identity is unknown. */
void pst_identity_write_labels(struct pst_json *j, const char *key, const struct pst_bundle *b,
			       uint32_t id);
