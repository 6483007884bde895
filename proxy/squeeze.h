/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory that is mostly zeros, kept in little: tables that are nearly empty, structs whose pointers
 * are nearly all NULL. What is left of each word are the bytes that are not zero at its upper end.
 */

#include <stddef.h>

/*
 * A copy of the SIZE bytes AT, in RET, to be freed, of RET_SIZE bytes; SIZE is a multiple of eight.
 * NULL and 0 when all of them are zeros. 0 or -ENOMEM.
 */
int pst_squeeze(const char *at, size_t size, void **ret, size_t *ret_size);

/* Writes the copy KEPT of SIZE bytes, or NULL, to AT, where SIZE zeros are. */
void pst_unsqueeze(const void *kept, char *at, size_t size);
