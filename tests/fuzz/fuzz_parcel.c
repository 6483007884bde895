// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as what the reader of files hands over to the daemon. The head is made to fit, so that
 * what stands behind it is reached; as much of it as the first two bytes say are diagnostics. What
 * is taken must be printable, and must come out the same when it is written and read again. The
 * proxy is handed its bundle with addresses of the node: it must pass verification there, too.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/handover.h"
#include "enforcer/parcel.h"

enum { HEAD_NUMBERS = 6 };

static char *printed(const struct pst_diags *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	pst_diags_print(d, out);
	fclose(out);
	return text;
}

static void check_again(const struct pst_reading *r)
{
	struct pst_reading again;
	int fd = pst_parcel_write(r);
	char *before = printed(r->standing), *after;

	assert(fd >= 0);
	assert(!pst_parcel_read(fd, &again));
	after = printed(again.standing);
	assert(!strcmp(before, after) && again.n_refused == r->n_refused);
	assert(!again.bundle == !r->bundle);
	close(fd);
	free(before);
	free(after);
	pst_reading_fini(&again);
}

static bool has_host(const struct pst_bundle *b)
{
	for (size_t i = 0; i < b->n_identities; i++) {
		if (b->identities[i].id == PST_ID_HOST)
			return true;
	}
	return false;
}

/* The node has the first and the last of the addresses, each twice, a network and one of its own.
 */
static int hand_over(const struct pst_bundle *b)
{
	struct pst_host_prefix host[6] = {{.len = 128}, {.len = 0}};
	size_t n = 1;

	for (size_t i = 0; b->n_addrs && i < 5; i++, n++) {
		const struct pst_bundle_addr *a = &b->addrs[i % 2 ? b->n_addrs - 1 : 0];

		memcpy(host[n].addr.b, a->addr, sizeof(a->addr));
		host[n].len = i == 4 ? a->prefix / 2 : a->prefix;
		for (uint32_t bit = host[n].len; bit < 128; bit++)
			host[n].addr.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
	return pst_handover_write(b, host, n);
}

static void check_handed_over(const struct pst_bundle *b)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *again = NULL;
	char path[64];
	int fd = hand_over(b);

	assert(fd >= 0 ? has_host(b) : fd == -EINVAL && !has_host(b));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert(fd < 0 || !pst_bundle_read(path, diags, &again));
	if (fd >= 0)
		close(fd);
	pst_bundle_free(&again);
	pst_diags_free(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t head[HEAD_NUMBERS] = {0x6c65637261700a31ULL, 1};
	struct pst_reading r;
	uint8_t *bytes;
	uint64_t said;

	if (size < 3)
		return 0;
	said = data[0] | (uint64_t)data[1] << 8;
	head[2] = data[2];
	data += 3;
	size -= 3;
	head[3] = said < size ? said : size;
	head[4] = size - head[3];
	bytes = malloc(sizeof(head) + size);
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), data, size);
	if (!pst_parcel_parse(bytes, sizeof(head) + size, &r)) {
		check_again(&r);
		if (r.bundle)
			check_handed_over(r.bundle);
		pst_reading_fini(&r);
	}
	free(bytes);
	return 0;
}
