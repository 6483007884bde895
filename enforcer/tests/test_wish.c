// SPDX-License-Identifier: Apache-2.0
#include "enforcer/wish.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static struct pst_wish *ours;
static const struct pst_wish *theirs;
static int fd = -1;

static void set_up(void)
{
	cr_assert_eq(pst_wish_new(&ours, &fd), 0);
	cr_assert_eq(pst_wish_adopt(fd, &theirs), 0);
}

static void tear_down(void)
{
	pst_wish_free((const struct pst_wish **)&ours);
	pst_wish_free(&theirs);
	close(fd);
}

TestSuite(wish, .init = set_up, .fini = tear_down);

Test(wish, what_the_daemon_writes_the_proxy_sees)
{
	cr_expect_not(pst_wish_is_all(theirs));
	ours->all = true;
	cr_expect(pst_wish_is_all(theirs));
	ours->all = false;
	cr_expect_not(pst_wish_is_all(theirs));
	cr_expect_not(pst_wish_is_all(NULL));
}

Test(wish, whoever_has_the_descriptor_cannot_write_there)
{
	const char one = 1;

	cr_expect_eq(mmap(NULL, sizeof(*ours), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
		     MAP_FAILED);
	cr_expect_eq(errno, EPERM);
	cr_expect_neq(mprotect((void *)theirs, sizeof(*theirs), PROT_READ | PROT_WRITE), 0);
	cr_expect_eq(pwrite(fd, &one, 1, 0), -1);
	cr_expect_neq(ftruncate(fd, 0), 0);
	cr_expect_neq(ftruncate(fd, 4096), 0);
	cr_expect_not(pst_wish_is_all(theirs));
}

Test(wish, what_is_none_is_not_adopted)
{
	const struct pst_wish *none = NULL;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_expect_eq(pst_wish_adopt(fds[0], &none), -EINVAL);
	cr_expect_eq(pst_wish_adopt(-1, &none), -EBADF);
	cr_expect_null(none);
	close(fds[0]);
	close(fds[1]);
}
