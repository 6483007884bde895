/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Filters of flows, with the names that `hubble observe` gives them.
 *
 * The same filter given twice: one of the values. Different filters: all of them. Negated filters
 * are, as hubble has it, one filter together: a flow that all of them match is left out.
 *
 * pod, namespace, ip, port, label and identity look at either end; with from- or to- in front they
 * look at one. Those that look at either end must, as hubble does it, all be met by the same one:
 * pod=a and port=80 is a flow from port 80 of a, or to it.
 */

#include "enforcer/flow.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_flow_filter;

/* 0 or -ENOMEM. */
int pst_flow_filter_new(struct pst_flow_filter **ret_filter);

/* NULL is fine; *F becomes NULL. */
void pst_flow_filter_free(struct pst_flow_filter **f);

/* A pod without a namespace is one of any namespace, instead of that of the filter, or default. */
void pst_flow_filter_any_namespace(struct pst_flow_filter *f);

/*
 * Adds NAME = VALUE. 0; -ENOENT: there is no such filter; -EINVAL with a sentence in WHY about what
 * was expected; -ENOMEM.
 */
int pst_flow_filter_add(struct pst_flow_filter *f, const char *name, const char *value,
			bool negated, char *why, size_t size);

/*
 * Makes a filter of TEXT: the options of postern observe, divided by blanks, with or without their
 * dashes: "--verdict DROPPED --not --namespace kube-system", "verdict=DROPPED not
 * namespace=kube-system". 0; -EINVAL with a sentence in WHY; -ENOMEM.
 */
int pst_flow_filter_parse(const char *text, struct pst_flow_filter **ret_filter, char *why,
			  size_t size);

bool pst_flow_filter_matches(const struct pst_flow_filter *f, const struct pst_flow *flow);
