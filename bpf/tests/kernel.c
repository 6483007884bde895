// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* The value of the map, which has one. NULL when there is none. */
static void *map_memory(const struct t_kernel *k, const char *name, size_t size)
{
	int fd = bpf_object__find_map_fd_by_name(k->object, name);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, (size + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int program_fd(const struct t_kernel *k, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(k->object, name));
}

int t_kernel_open(struct t_kernel *k, const char *path)
{
	int r;

	if (geteuid())
		return -EPERM;
	libbpf_set_print(silent);
	k->object = bpf_object__open_file(path, NULL);
	if (!k->object)
		return -errno;
	r = bpf_object__load(k->object);
	if (r) {
		t_kernel_close(k);
		return r;
	}
	k->table = map_memory(k, "t_table", sizeof(*k->table));
	k->input = map_memory(k, "t_input", sizeof(*k->input));
	k->job = map_memory(k, "t_job", sizeof(*k->job));
	k->walk = program_fd(k, "t_walk");
	k->judge = program_fd(k, "t_judge");
	k->repeat = program_fd(k, "t_repeat");
	return k->table && k->input && k->job ? 0 : -ENOENT;
}

int t_kernel_open_beside(struct t_kernel *k, const char *name)
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -errno;
	self[n] = '\0';
	snprintf(path, sizeof(path), "%s/kernel_core/%s", dirname(self), name);
	return t_kernel_open(k, path);
}

void t_kernel_close(struct t_kernel *k)
{
	bpf_object__close(k->object);
	k->object = NULL;
}

int t_kernel_run(int program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(program, &opts))
		return -errno;
	return opts.retval ? -EIO : 0;
}
