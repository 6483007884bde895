/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The file form of a bundle, little-endian:
 *
 *	magic[8] version[4] abi[4] length[8] crc32[4]	header, 28 bytes; length and CRC of what
 *follows identities addrs entries rules rulesets		each a count[4] and its elements
 *	name_start[4] name_classes[4]
 *	cells classes tags				each a count[4] and its elements
 *
 * The CRC is zero where a bundle is handed over in memory (pst_bundle_write_unsummed()).
 * A string is a length[4] and its bytes; the length PST_BUNDLE_NO_STRING stands for NULL. A change
 *of the form raises PST_BUNDLE_FILE_VERSION. Written by bundle_write.c, read by bundle_read.c.
 */

#include <stdint.h>

#define PST_BUNDLE_MAGIC	"PSTB\r\n\x1a" /* with the NUL: 8 bytes */
#define PST_BUNDLE_FILE_VERSION 4
#define PST_BUNDLE_NO_STRING	UINT32_MAX

enum {
	PST_BUNDLE_MAGIC_BYTES = 8,
	PST_BUNDLE_CRC_OFFSET = 24,
	PST_BUNDLE_HEADER_BYTES = 28,
	PST_BUNDLE_MAX_FILE_BYTES = 256 << 20,
};
