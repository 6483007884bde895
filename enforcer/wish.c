// SPDX-License-Identifier: Apache-2.0
#include "enforcer/wish.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1 */
#endif

/* What is mapped to be written before is the only way to write. */
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE };

int pst_wish_new(struct pst_wish **ret_wish, int *ret_fd)
{
	pst_auto_fd int fd = memfd_create("wish", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at;

	if (fd < 0 || ftruncate(fd, sizeof(struct pst_wish)))
		return -errno;
	at = mmap(NULL, sizeof(struct pst_wish), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, SEALS)) {
		int error = -errno;

		munmap(at, sizeof(struct pst_wish));
		return error;
	}
	*ret_wish = at;
	*ret_fd = PST_TAKE_FD(fd);
	return 0;
}

void pst_wish_free(const struct pst_wish **w)
{
	if (*w)
		munmap((void *)*w, sizeof(**w));
	*w = NULL;
}

int pst_wish_adopt(int fd, const struct pst_wish **ret_wish)
{
	struct stat s;
	void *at;

	if (fstat(fd, &s))
		return -errno;
	if (!S_ISREG(s.st_mode) || s.st_size != sizeof(struct pst_wish))
		return -EINVAL;
	at = mmap(NULL, sizeof(struct pst_wish), PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ret_wish = at;
	return 0;
}
