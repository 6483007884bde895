// SPDX-License-Identifier: Apache-2.0
/*
 * Loads BPF objects and prints what the verifier of this kernel had to do, one line per program:
 *
 *	verifier_stats FILE.bpf.o...
 *	postern,judge_ingress,54321
 *
 * The number is the kernel's own count of processed instructions, whose limit is one million.
 *
 * Exit: 0, 1 when an object does not load, 77 when this process may not load programs at all.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_SKIP = 77 };

/* "build/bpf/postern.bpf.o" gives "postern". */
static void print_object_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	printf("%.*s", (int)strcspn(name, "."), name);
}

static int print_program(const char *path, const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	int fd = bpf_program__fd(program);

	if (fd < 0)
		return 0; /* marked as not to be loaded */
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	print_object_name(path);
	printf(",%s,%u\n", bpf_program__name(program), info.verified_insns);
	return 0;
}

static int print_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	const struct bpf_program *program = NULL;
	char text[128];
	int r;

	if (!object) {
		r = -errno;
	} else {
		r = bpf_object__load(object);
		while (!r && (program = bpf_object__next_program(object, (void *)program)))
			r = print_program(path, program);
		bpf_object__close(object);
	}
	if (r) {
		libbpf_strerror(r, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", path, text);
	}
	return r;
}

int main(int argc, char **argv)
{
	int r = 0;

	for (int i = 1; i < argc && !r; i++)
		r = print_object(argv[i]);
	if (r == -EPERM)
		return EXIT_SKIP;
	return r ? 1 : 0;
}
