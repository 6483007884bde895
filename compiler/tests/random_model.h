/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Random policies over a small cluster that has one of everything: pods with named ports, nodes,
 * the API server, services with and without pods, groups, DNS names. Drawn with rand().
 */

#include "compiler/tests/model.h"

enum {
	RANDOM_PORTS = 9,
	RANDOM_TYPES = 4,
};

extern const char random_host[];      /* an address of the own node */
extern const char random_apiserver[]; /* one outside; the second node is the other */
extern const uint16_t random_ports[RANDOM_PORTS];
extern const uint8_t random_types[RANDOM_TYPES]; /* of ICMP */

/* The cluster, and one to three policies. */
void random_model(struct model *m);

/* The cluster alone. */
void random_cluster(struct model *m);

/* Adds a policy; *N_HTTP is where the numbers in the paths of its HTTP rules go on. */
void random_policy(struct model *m, const char *name, int *n_http);
