// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/vec.h"
#include "cli/file.h"
#include "cli/report.h"
#include "cli/verbs.h"
#include "compiler/explain.h"

enum { MAX_RAW = 64 << 20, BLOCK = 1 << 16 };

struct buffer PST_VEC(char);

static void close_file(FILE **in)
{
	cli_file_close(*in);
}

static int read_file(const char *path, struct buffer *ret)
{
	FILE *in pst_cleanup(close_file) = NULL;
	size_t n;
	int r = cli_file_open(path, &in);

	if (r)
		return r;
	do {
		if (ret->n > MAX_RAW) {
			pst_log_err(0, "%s is larger than %d MiB", path, MAX_RAW >> 20);
			return -EFBIG;
		}
		if (pst_vec_reserve(ret, ret->n + BLOCK))
			return pst_log_err(-ENOMEM, "cannot read %s", path);
		errno = 0;
		n = fread(ret->v + ret->n, 1, BLOCK, in);
		ret->n += n;
	} while (n);
	return ferror(in) ? pst_log_err(errno ? -errno : -EIO, "cannot read %s", path) : 0;
}

static int show(const struct pst_ruling *r, size_t offset, bool json)
{
	struct pst_json j;

	if (!json) {
		printf("%zu %s %s", offset, pst_explain_verdict(r),
		       pst_explain_reason_name(r->reason));
		if (r->rule) {
			putchar(' ');
			pst_report_rule_text(r->rule, stdout);
		}
		putchar('\n');
		return 0;
	}
	pst_json_init(&j, stdout);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "verdict", pst_explain_verdict(r));
	pst_json_str(&j, "in_force", r->allowed ? "allow" : "deny");
	pst_json_str(&j, "layer", pst_explain_layer(r));
	pst_json_str(&j, "reason", pst_explain_reason_name(r->reason));
	pst_report_rule_json(r->rule, &j, "rule");
	pst_json_u64(&j, "offset", offset);
	pst_json_end(&j);
	return pst_json_finish(&j);
}

/* The ruling on what comes behind the request that LAST is about. */
static struct pst_ruling next(const struct pst_answer *a, const struct pst_ruling *last,
			      const struct buffer *bytes, size_t *offset)
{
	if (!last->last)
		return pst_answer_request(a, bytes->v, bytes->n, offset);
	*offset = bytes->n;
	return (struct pst_ruling){
		.audited = a->l4.audited, .l7 = true, .reason = PST_REASON_AFTER_CLOSE};
}

int pst_explain_raw(const struct pst_answer *a, const char *path, bool json)
{
	struct buffer bytes = {0};
	struct pst_ruling r = {.allowed = false};
	size_t offset = 0;
	int status = read_file(path, &bytes) ? PST_EXIT_FAILED : PST_EXIT_OK;

	if (!status && !bytes.n) {
		pst_log_err(0, "%s is empty: there is no request to judge", path);
		status = PST_EXIT_FAILED;
	}
	while (status != PST_EXIT_FAILED && offset < bytes.n && !r.handshake) {
		size_t at = offset;

		r = next(a, &r, &bytes, &offset);
		if (show(&r, at, json))
			status = PST_EXIT_FAILED;
		else if (!pst_ruling_passes(&r))
			status = PST_EXIT_NO;
	}
	pst_vec_free(&bytes);
	return status;
}
