// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How many sockets hold state of a running posternd. The lists of its socket storage map are walked
 * in the kernel's memory, one word at a time: what has been left behind is found whether or not its
 * socket still is. (The kernel's own iterator over such maps is refused by some kernels.)
 *
 *	count_flows PID
 *	2
 *
 * Lists that change meanwhile may be miscounted: count when nothing happens.
 *
 * Exit: 0, 1 when PID has no such map or it cannot be walked, 77 when this process may not.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_SKIP = 77, MAX_BUCKETS = 1 << 16, MAX_FLOWS = 1 << 24 };

#define MAP_NAME "pst_flows"
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int peeker;

static int load_peeker(void)
{
	/* struct { address, word } is the context: word = *address */
	static const struct bpf_insn peek[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 6},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD, .dst_reg = 1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 10, .off = -8},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 1, .off = 8},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);

	peeker = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "peek", "Dual BSD/GPL", peek, COUNT(peek),
			       &opts);
	return peeker < 0 ? peeker : 0;
}

static uint64_t word_at(uint64_t address)
{
	uint64_t io[2] = {address, 0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = io, .ctx_size_in = sizeof(io));

	if (bpf_prog_test_run_opts(peeker, &run) || run.retval) {
		fprintf(stderr, "count_flows: cannot read the kernel's memory\n");
		exit(1);
	}
	return io[1];
}

/* The offset of MEMBER of STRUCT; exits when this kernel has none. */
static uint64_t offset_of(const struct btf *btf, const char *name, const char *member)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, (__u32)id);

	for (__u32 i = 0; t && i < btf_vlen(t); i++) {
		const char *is = btf__name_by_offset(btf, btf_members(t)[i].name_off);

		if (!strcmp(is, member))
			return btf_member_bit_offset(t, i) / 8;
	}
	fprintf(stderr, "count_flows: this kernel has no %s.%s\n", name, member);
	exit(1);
}

static uint32_t size_of(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? 0 : btf__type_by_id(btf, (__u32)id)->size;
}

/* The id of the map among the open files of PID; 0: there is none. */
static uint32_t find_map(const char *pid)
{
	char path[300], line[128];
	uint32_t found = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info), id = 0;
		FILE *file;
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%.16s", pid, entry->d_name);
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file))
			if (!strncmp(line, "map_id:", 7))
				id = (uint32_t)strtoul(line + 7, NULL, 10);
		if (file)
			fclose(file);
		fd = id ? bpf_map_get_fd_by_id(id) : -1;
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
		    !strcmp(info.name, MAP_NAME))
			found = id;
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A file with the addresses of all maps, eight bytes each; a negative errno. */
static int open_maps(void)
{
	/* The iterator's context is two pointers, meta and map; NULL at the end of the walk. */
	static const struct bpf_insn addresses[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 1, .off = 8},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 2, .off = 7},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 2, .off = -8},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 1},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD, .dst_reg = 2, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_seq_write},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_ITER);
	int id = libbpf_find_vmlinux_btf_id("bpf_map", BPF_TRACE_ITER), program, link;

	if (id < 0)
		return id;
	opts.attach_btf_id = (__u32)id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "maps", "Dual BSD/GPL", addresses,
				COUNT(addresses), &opts);
	link = program < 0 ? program : bpf_link_create(program, 0, BPF_TRACE_ITER, NULL);
	return link < 0 ? link : bpf_iter_create(link);
}

/* Where map ID is; 0: nowhere. */
static uint64_t address_of(int maps, uint64_t id_offset, uint32_t id)
{
	uint64_t address, found = 0;

	while (read(maps, &address, sizeof(address)) == sizeof(address))
		if ((uint32_t)word_at(address + id_offset) == id)
			found = address;
	return found;
}

/* The elements of the storage map at MAP: lists that hang in an array. */
static unsigned long count_elements(const struct btf *btf, uint64_t map)
{
	const char *const type = "bpf_local_storage_map";
	uint64_t buckets = word_at(map + offset_of(btf, type, "buckets"));
	uint64_t n = 1ULL << (word_at(map + offset_of(btf, type, "bucket_log")) & 31);
	uint32_t size = size_of(btf, "bpf_local_storage_map_bucket");
	uint64_t list = offset_of(btf, "bpf_local_storage_map_bucket", "list");
	unsigned long found = 0;

	if (!size || n > MAX_BUCKETS) {
		fprintf(stderr, "count_flows: this kernel's maps look different\n");
		exit(1);
	}
	for (uint64_t i = 0; i < n; i++) {
		uint64_t node = word_at(buckets + i * size + list);

		/* struct hlist_node begins with the next one. */
		for (; node && found < MAX_FLOWS; node = word_at(node))
			found++;
	}
	return found;
}

int main(int argc, char **argv)
{
	struct btf *btf = btf__load_vmlinux_btf();
	uint32_t id = argc == 2 ? find_map(argv[1]) : 0;
	uint64_t map;
	int maps, r;

	if (argc != 2 || !btf || !id) {
		fprintf(stderr, "usage: count_flows PID, of a posternd; the kernel needs BTF\n");
		return 1;
	}
	r = load_peeker();
	maps = r ? r : open_maps();
	if (maps < 0) {
		fprintf(stderr, "count_flows: %s\n", strerror(-maps));
		return maps == -EPERM ? EXIT_SKIP : 1;
	}
	map = address_of(maps, offset_of(btf, "bpf_map", "id"), id);
	if (!map)
		return 1;
	printf("%lu\n", count_elements(btf, map));
	btf__free(btf);
	return 0;
}
