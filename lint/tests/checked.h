/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/diag.h"
#include "lint/check.h"

#include <stddef.h>

/* A document with SPEC, in flow style; several are joined by being written one after the other. */
#define T_CNP(spec)                                                                      \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, " \
	"namespace: ns}\nspec: " spec "\n"
#define T_CNP_IN(ns, spec)                                                               \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: q, " \
	"namespace: " ns "}\nspec: " spec "\n"
#define T_CCNP(spec)                                                            \
	"---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\n" \
	"metadata: {name: c}\nspec: " spec "\n"

/* A policy of app=web with one ingress or egress rule. */
#define T_IN(rule)	 T_CNP("{endpointSelector: {matchLabels: {app: web}}, ingress: [" rule "]}")
#define T_OUT(rule)	 T_CNP("{endpointSelector: {matchLabels: {app: web}}, egress: [" rule "]}")

/* HTTP rules on port 80 for everybody. */
#define T_ON_80		 "ports: [{port: '80', protocol: TCP}]"
#define T_HTTP_80(rules) "toPorts: [{" T_ON_80 ", rules: {http: [" rules "]}}]"

/*
 * What the checks say about TEXT, which must be valid: diagnostics of the loader are not in it.
 * The caller frees it.
 */
struct pst_diags *t_check(const char *text, unsigned int cilium_minor);

/* How many of them have this id, with the newest Cilium. */
size_t t_count(const char *text, const char *id);

/* The part of TEXT that the first diagnostic with this id points at; "" when there is none. Valid
 * until the next call. */
const char *t_marked(const char *text, const char *id);

/* The message of the first such diagnostic; "" when there is none. Valid until the next call. */
const char *t_says(const char *text, const char *id);

/* The message of the first note of the first such diagnostic; "" when there is none. Valid until
 * the next call. */
const char *t_note(const char *text, const char *id);
