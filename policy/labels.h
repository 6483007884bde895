/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Kubernetes and Cilium say about labels: which spellings are labels at all, which keys have a
 * meaning, and which labels make up an identity (policy-semantics section 2).
 */

#include <stdbool.h>

/* Keys that Cilium itself sets on every pod. */
#define PST_LABEL_NAMESPACE	   "io.kubernetes.pod.namespace"
#define PST_LABEL_CLUSTER	   "io.cilium.k8s.policy.cluster"
#define PST_LABEL_SERVICE_ACCOUNT  "io.cilium.k8s.policy.serviceaccount"
#define PST_LABEL_NAMESPACE_PREFIX "io.cilium.k8s.namespace.labels."

/* The name that Cilium gives to a cluster that has not been given one. */
#define PST_CLUSTER_NAME	   "default"

/* An optional DNS name and a slash, then 1-63 letters, digits, '-', '_', '.', alphanumeric at both
 * ends. */
bool pst_label_key_is_valid(const char *key);

/* As the name part of a key, or empty. */
bool pst_label_value_is_valid(const char *value);

/* Names of objects: DNS names, lower case, at most 253 characters; a namespace has no dots and at
 * most 63. */
bool pst_name_is_valid(const char *name);
bool pst_namespace_is_valid(const char *name);

/*
 * Does the pod label KEY become part of the identity? No: what Cilium's default filter drops, and
 * what Cilium sets itself, so that a pod cannot claim to live in another namespace.
 */
bool pst_label_is_identity(const char *key);

/* Can the identity of a pod have a label of source k8s with KEY: one of its own, or one of those
 * that Cilium sets? Where not, a selector that asks for it matches no pod. */
bool pst_label_can_be_had(const char *key);
