/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the fuzzers of HTTP judge by: the rules of one policy for one pod, app: web. They are rule
 * set 0. What comes back lives as long as the fuzzer; what cannot be compiled ends it.
 */

struct pst_bundle;
struct pst_table;

/* A policy with these HTTP rules, each "        - {...}\n". */
#define FUZZ_POLICY(rules)                                \
	"apiVersion: cilium.io/v2\n"                      \
	"kind: CiliumNetworkPolicy\n"                     \
	"metadata: {name: fuzz}\n"                        \
	"spec:\n"                                         \
	"  endpointSelector: {matchLabels: {app: web}}\n" \
	"  ingress:\n"                                    \
	"  - toPorts:\n"                                  \
	"    - ports: [{port: '80', protocol: TCP}]\n"    \
	"      rules:\n"                                  \
	"        http:\n" rules

/* As the offline judge has them. */
struct pst_bundle *fuzz_rules_bundle(const char *policy);

/* As the kernel has them. */
struct pst_table *fuzz_rules_table(const char *policy);
