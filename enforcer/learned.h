/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Workloads at which clients have tried HTTP/2: the proxy has to be where they are. Only endpoints
 * of a policy are known, and as long as they are: addresses come and go, and whoever is judged may
 * have given himself any.
 */

#include "base/vec.h"
#include "compiler/bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: none. */
struct pst_learned PST_VEC(struct pst_learned_addr { uint8_t b[16]; });

void pst_learned_fini(struct pst_learned *l);

bool pst_learned_has(const struct pst_learned *l, const uint8_t addr[16]);

/* Is ADDR (IPv4 mapped) one of an endpoint of B? */
bool pst_learned_is_endpoint(const struct pst_bundle *b, const uint8_t addr[16]);

/* ADDR is known from now on. 0, also when it was; -ENOSPC: there are PST_HTTP2_SERVERS; -ENOMEM. */
int pst_learned_add(struct pst_learned *l, const uint8_t addr[16]);

/* Forgets those that are no endpoints of B. */
void pst_learned_keep(struct pst_learned *l, const struct pst_bundle *b);
