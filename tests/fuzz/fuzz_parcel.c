// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as what the reader of files hands over to the daemon. The head is made to fit, so that
 * what stands behind it is reached; as much of it as the first two bytes say are diagnostics. What
 * is taken must be printable, and must come out the same when it is written and read again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		pst_reading_fini(&r);
	}
	free(bytes);
	return 0;
}
