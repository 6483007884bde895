// SPDX-License-Identifier: Apache-2.0
#include "enforcer/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Nobody makes it shorter under a reader, who would die of that. */
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static int map(int fd, int rights, void **ret_at)
{
	void *at = mmap(NULL, sizeof(struct pst_tally), rights, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*ret_at = at;
	return 0;
}

int pst_tally_new(const struct pst_tally **ret_tally, int *ret_fd)
{
	pst_auto_fd int fd = memfd_create("tally", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at = NULL;
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(struct pst_tally)) || fcntl(fd, F_ADD_SEALS, SEALS))
		return -errno;
	r = map(fd, PROT_READ, &at);
	if (r)
		return r;
	*ret_tally = at;
	*ret_fd = PST_TAKE_FD(fd);
	return 0;
}

void pst_tally_free(const struct pst_tally **t)
{
	if (*t)
		munmap((void *)*t, sizeof(**t));
	*t = NULL;
}

int pst_tally_adopt(int fd, struct pst_tally **ret_tally)
{
	struct stat s;
	void *at = NULL;
	int r;

	if (fstat(fd, &s))
		return -errno;
	if (!S_ISREG(s.st_mode) || s.st_size != sizeof(struct pst_tally))
		return -EINVAL;
	r = map(fd, PROT_READ | PROT_WRITE, &at);
	if (!r)
		*ret_tally = at;
	return r;
}

void pst_tally_sum(const struct pst_tally *t, struct pst_tally_sums *sums)
{
	for (size_t i = 0; t && i < PST_TALLY_ROWS; i++) {
		for (size_t k = 0; k < PST_TALLY_MAX; k++)
			sums->n[k] += atomic_load_explicit(&t->rows[i].n[k], memory_order_relaxed);
	}
}

void pst_tally_end(struct pst_tally_sums *sums)
{
	for (unsigned int leg = 0; leg < PST_TALLY_LEGS; leg++)
		sums->n[PST_TALLY_CLOSED + leg] = sums->n[PST_TALLY_OPENED + leg];
	sums->n[PST_TALLY_STREAMS_OVER] = sums->n[PST_TALLY_STREAMS];
}
