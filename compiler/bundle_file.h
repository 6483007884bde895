/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The file form of a bundle, little-endian:
 *
 *	magic[8] version[4] abi[4] length[8] crc32[4]	28 bytes; of what follows
 *	identities addrs entries rules rulesets		each a count[4] and its elements
 *	name_start[4] name_classes[4]
 *	cells classes tags				each a count[4] and its elements
 *
 * Where a bundle is handed over in memory (pst_bundle_write_unsummed()) length and CRC are zero:
 * whoever hands it over knows how long it is.
 *
 * An entry is a struct pst_bundle_entry as it is in memory, its slot zero: entries are most of a
 * large bundle, and are taken over at once. What they say is for pst_bundle_verify() to check.
 *
 * A string is a length[4] and its bytes; the length PST_BUNDLE_NO_STRING stands for NULL. A change
 * of the form raises PST_BUNDLE_FILE_VERSION. Written by bundle_write.c, read by bundle_read.c.
 */

#include "compiler/bundle.h"

#include <endian.h>
#include <stdint.h>

#define PST_BUNDLE_MAGIC	"PSTB\r\n\x1a" /* with the NUL: 8 bytes */
#define PST_BUNDLE_FILE_VERSION 5
#define PST_BUNDLE_NO_STRING	UINT32_MAX

enum {
	PST_BUNDLE_MAGIC_BYTES = 8,
	PST_BUNDLE_CRC_OFFSET = 24,
	PST_BUNDLE_HEADER_BYTES = 28,
	PST_BUNDLE_MAX_FILE_BYTES = 256 << 20,
};

/* Of a file to this machine's order, or back. */
static inline void pst_bundle_entry_turn(struct pst_bundle_entry *e)
{
	e->key.prefixlen = le32toh(e->key.prefixlen);
	e->key.slot = le32toh(e->key.slot);
	e->key.subject = le32toh(e->key.subject);
	e->key.peer = le32toh(e->key.peer);
	e->value.ruleset = le16toh(e->value.ruleset);
	e->value.rule = le32toh(e->value.rule);
}
