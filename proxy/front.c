// SPDX-License-Identifier: Apache-2.0
#include "proxy/front.h"

#include <unistd.h>

struct pst_front *pst_front_new(int fd, uint32_t place, uint16_t port)
{
	struct pst_front *f = pst_mem_calloc(1, sizeof(*f));

	if (!f) {
		close(fd);
		return NULL;
	}
	f->fd = fd;
	f->place = place;
	f->port = port;
	f->refs = 1;
	return f;
}

struct pst_front *pst_front_ref(struct pst_front *f)
{
	atomic_fetch_add(&f->refs, 1);
	return f;
}

void pst_front_unref(struct pst_front **f)
{
	if (*f && atomic_fetch_sub(&(*f)->refs, 1) == 1) {
		close((*f)->fd);
		free(*f);
	}
	*f = NULL;
}
