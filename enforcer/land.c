// SPDX-License-Identifier: Apache-2.0
#include "enforcer/land.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* As of version 6, of which the kernel looks at what it knows; 6.1's headers have the first. */
struct ruleset {
	uint64_t fs, net, scoped; /* net: TCP, which is as before */
};

#define BITS(n) ((1ULL << (n)) - 1)

/* The rights over files that came with each version, up to the fifth. */
static uint64_t file_rights(int version)
{
	static const unsigned int n[] = {0, 13, 14, 15, 15, 16};

	return BITS(n[version < 5 ? version : 5]);
}

static size_t ruleset_of(int version, struct ruleset *ret)
{
	*ret = (struct ruleset){.fs = file_rights(version)};
	if (version < 6)
		return sizeof(ret->fs);
	ret->scoped = BITS(2); /* abstract Unix sockets, signals */
	return sizeof(*ret);
}

int pst_land_version(void)
{
	static int version = -1;

	if (version < 0) {
		long v = syscall(SYS_landlock_create_ruleset, NULL, 0,
				 LANDLOCK_CREATE_RULESET_VERSION);

		version = v > 0 ? (int)v : 0;
	}
	return version;
}

static int add(int rules, const char *path)
{
	pst_auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = fd,
	};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (!syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0))
		return 0;
	return errno == EBADFD ? 0 : -errno; /* it has no path, and stays open to all */
}

int pst_land_keep(const char *const *paths, size_t n)
{
	const int version = pst_land_version();
	pst_auto_fd int rules = -1;
	struct ruleset set;
	int r = 0;

	if (!version)
		return 0;
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, ruleset_of(version, &set), 0);
	if (rules < 0)
		return pst_log_err(-errno, "cannot give up files");
	for (size_t i = 0; !r && i < n; i++)
		r = add(rules, paths[i]);
	if (!r && syscall(SYS_landlock_restrict_self, rules, 0))
		r = -errno;
	return r ? pst_log_err(r, "cannot give up files") : 0;
}
