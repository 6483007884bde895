// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* It is built beside the program of the tests. */
static void find_object(char *path, size_t size)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	cr_assert_gt(n, 0);
	self[n] = '\0';
	snprintf(path, size, "%s/kernel_core/core.bpf.o", dirname(self));
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* The value of the map, which has one. */
static void *map_memory(const struct t_kernel *k, const char *name, size_t size)
{
	int fd = bpf_object__find_map_fd_by_name(k->object, name);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, (size + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);

	cr_assert_neq(p, MAP_FAILED, "map %s: %s", name, strerror(errno));
	return p;
}

static int program_fd(const struct t_kernel *k, const char *name)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(k->object, name));

	cr_assert_geq(fd, 0, "program %s", name);
	return fd;
}

const char *t_kernel_open(struct t_kernel *k)
{
	char path[PATH_MAX];

	if (geteuid())
		return "asking the kernel needs root";
	libbpf_set_print(silent);
	find_object(path, sizeof(path));
	k->object = bpf_object__open_file(path, NULL);
	cr_assert_not_null(k->object, "%s: %s", path, strerror(errno));
	if (bpf_object__load(k->object)) {
		int err = errno;

		bpf_object__close(k->object);
		cr_assert_eq(err, EPERM, "the kernel refuses %s: %s", path, strerror(err));
		return "this root may not load programs";
	}
	k->table = map_memory(k, "t_table", sizeof(*k->table));
	k->input = map_memory(k, "t_input", sizeof(*k->input));
	k->job = map_memory(k, "t_job", sizeof(*k->job));
	k->walk = program_fd(k, "t_walk");
	k->repeat = program_fd(k, "t_repeat");
	return NULL;
}

void t_kernel_close(struct t_kernel *k)
{
	bpf_object__close(k->object);
}

void t_kernel_run(int program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int r = bpf_prog_test_run_opts(program, &opts);

	cr_assert_eq(r, 0, "the kernel does not run the program: %s", strerror(errno));
	cr_assert_eq(opts.retval, 0);
}
