// SPDX-License-Identifier: Apache-2.0
#include "enforcer/steer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/errand.h"
#include "enforcer/loader.h"

#define PROGRAM	  "pst_steer"
#define LISTENERS "pst_listeners"

struct pst_steer {
	int link; /* its end ends the steering; -1: none */
};

/* Only the one program, over the maps that are there. */
static int share(const struct pst_loader *l, struct bpf_object *obj)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_program(prog, obj)
	{
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), PROGRAM));
	}
	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);

		if (r || bpf_map__is_internal(map) || !strcmp(name, LISTENERS))
			continue;
		r = bpf_map__reuse_fd(map, pst_loader_map(l, name));
	}
	return r ? r : bpf_object__load(obj);
}

static int enter_listeners(const struct bpf_object *obj, const int listeners[2])
{
	int map = bpf_object__find_map_fd_by_name(obj, LISTENERS);

	for (uint32_t i = 0; i < 2; i++) {
		uint64_t fd = (uint64_t)listeners[i];

		if (listeners[i] >= 0 && bpf_map_update_elem(map, &i, &fd, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* The link, or -errno. */
static int attach(struct pst_starter *starter, const struct bpf_object *obj, int netns_fd)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(obj, PROGRAM);

	return pst_errand_run(starter, PST_START_LINKER, (int[]){bpf_program__fd(prog), netns_fd},
			      2);
}

/* The link keeps the program, which keeps its maps: two dozen descriptors less for each place. */
static int make_link(const struct pst_loader *l, struct pst_starter *starter, int netns_fd,
		     const int listeners[2])
{
	size_t len;
	const void *image = pst_loader_image(&len);
	struct bpf_object *obj = bpf_object__open_mem(image, len, NULL);
	int r;

	if (!obj)
		return -errno;
	r = share(l, obj);
	if (!r)
		r = enter_listeners(obj, listeners);
	if (!r)
		r = attach(starter, obj, netns_fd);
	bpf_object__close(obj);
	return r;
}

int pst_steer_open(const struct pst_loader *l, struct pst_starter *starter, int netns_fd,
		   const int listeners[2], struct pst_steer **ret_steer)
{
	struct pst_steer *s = pst_mem_calloc(1, sizeof(*s));

	if (!s)
		return pst_log_err(-ENOMEM, "cannot steer connections to the proxy");
	s->link = make_link(l, starter, netns_fd, listeners);
	if (s->link < 0) {
		const int r = s->link;

		pst_steer_close(&s);
		return pst_log_err(r, "cannot steer connections to the proxy");
	}
	*ret_steer = s;
	return 0;
}

void pst_steer_close(struct pst_steer **s)
{
	if (!*s)
		return;
	pst_cleanup_fd(&(*s)->link);
	free(*s);
	*s = NULL;
}
