/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A policy as the userspace proxy gets it: the bundle with the node's own addresses in it, which
 * the kernel's maps have besides (enforcer/generation.h), so that both know everybody by the same
 * identity.
 */

#include "compiler/bundle.h"
#include "enforcer/hostaddr.h"

#include <stdbool.h>
#include <stddef.h>

/* Is A one of HOST, or within, and no endpoint? Then it is the node's own, whatever names it. */
bool pst_handover_is_own(const struct pst_bundle_addr *a, const struct pst_host_prefix *host,
			 size_t n_host);

/*
 * The file form, in memory, which nobody can change any more: the daemon gives it to the next
 * proxy, too. A descriptor, close-on-exec; -ENOMEM or -errno.
 */
int pst_handover_write(const struct pst_bundle *b, const struct pst_host_prefix *host,
		       size_t n_host);
