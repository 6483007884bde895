/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which address a workload connects from, when it does not say: the only one of its network
 * namespace. The kernel chooses it after the connection was sent to the proxy or not, so it must be
 * known before.
 */

#include "bpf/abi.h"

#include <stdint.h>

/*
 * Of the calling thread's namespace, by family, IPv4 as ::ffff:a.b.c.d: the one address that is
 * not of the loopback (nor, of IPv6, link-local); zeros where there is none, or several.
 */
void pst_abode_read(uint8_t ret_addr[PST_PLACE_FAMILIES][16]);
