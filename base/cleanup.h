/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ownership by scope.
 *
 * A local that owns something says so at its declaration:
 *
 *	pst_auto_free char *text = NULL;
 *	pst_auto_fd int fd = -1;
 *
 * and is released on every way out of the scope. Ownership leaves a local only through PST_TAKE_PTR
 * or PST_TAKE_FD, which leave the sentinel (NULL, -1) behind. So a function can be proven right
 * without opening its callees. Sentinels are set before the first statement that can fail.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define pst_cleanup(fn) __attribute__((cleanup(fn)))

static inline void pst_cleanup_free(void *pp)
{
	free(*(void **)pp);
}

static inline void pst_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void pst_cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define pst_auto_free pst_cleanup(pst_cleanup_free)
#define pst_auto_fd   pst_cleanup(pst_cleanup_fd)
#define pst_auto_file pst_cleanup(pst_cleanup_file)

/* Moves the pointer out of P, which is NULL afterwards. */
#define PST_TAKE_PTR(p)                     \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

/* Moves the descriptor out of FD, which is -1 afterwards. */
#define PST_TAKE_FD(fd)            \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})
