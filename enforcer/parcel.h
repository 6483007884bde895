/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A reading (enforcer/sources.h) on its way from the process that reads files to the daemon: a
 * memfd that nobody can change any more, with a head, what stands against the files, and the bundle
 * in its file form (compiler/bundle.h).
 *
 * Whoever wrote it has read what strangers wrote, and is taken for hostile: the seals and the size
 * are looked at first, the bytes are copied instead of mapped (a mapping can end in SIGBUS), every
 * length is compared with what is there before anything is allocated, and the bundle is verified
 * completely. What passes is as good as a bundle that somebody compiled elsewhere: no harm to the
 * daemon or the kernel can be in it, only a policy.
 */

#include "enforcer/sources.h"

#include <stddef.h>
#include <stdint.h>

enum {
	PST_PARCEL_SAID_MAX = 32 << 20, /* bytes of diagnostics: what is over it is left out */
	PST_PARCEL_MAX = (256 << 20) + PST_PARCEL_SAID_MAX + 4096,
};

/* A sealed memfd (close-on-exec) with R, whose bundle may be NULL; or -errno. */
int pst_parcel_write(const struct pst_reading *r);

/*
 * What FD, which stays the caller's, holds. 0: free *RET_READING. -EPROTO, logged: it is not
 * sealed, too large, or not what pst_parcel_write() makes; -EINVAL, logged: its bundle does not
 * pass verification; -ENOMEM; -errno.
 */
int pst_parcel_read(int fd, struct pst_reading *ret_reading);

/* The same for LEN bytes that nobody changes meanwhile. */
int pst_parcel_parse(const uint8_t *bytes, size_t len, struct pst_reading *ret_reading);
