/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Prefixes: the elements of fromCIDR, toCIDR, fromCIDRSet and toCIDRSet.
 *
 * A prefix is an address, a slash and a length in decimal. Bits behind the prefix are accepted, as
 * Cilium does, and cleared with a warning. fromCIDR of Cilium before 1.20 also took an address
 * alone. An element of fromCIDRSet has one of cidr, cidrGroupRef and cidrGroupSelector; the address
 * of each exception lies in cidr, which implies the same family. (Cilium
 * pkg/policy/api/rule_validation.go.)
 *
 * Ids: cidr-invalid, cidr-bare-ip, cidr-set-none, cidr-set-two, cidr-except-outside, name-invalid;
 * warnings cidr-host-bits, cidr-except-all.
 */

#include "policy/fields.h"

/* Reads one element of fromCIDR or toCIDR. */
int pst_cnp_cidr_read(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_cidr_peer *peer);

/* Reads one element of fromCIDRSet or toCIDRSet. */
int pst_cnp_cidr_set_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_cidr_peer *peer);
