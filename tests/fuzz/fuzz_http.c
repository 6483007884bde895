// SPDX-License-Identifier: Apache-2.0
/*
 * The recogniser and the follower on any bytes.
 *
 *	cut		the result does not depend on how the bytes are cut, for requests and for
 *			responses
 *	compare		a head that the core accepts is accepted by llhttp in its strict mode too,
 *			with the same method, target, end of head and Content-Length
 *
 * The other direction does not hold on purpose: the core refuses much that llhttp reads. The first
 * byte of the input chooses request or response, the second how it is cut.
 */
#include <assert.h>
#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pst_src {
	const uint8_t *bytes;
	uint32_t len;
};

/* Not memcpy alone: the driver must never ask for what is not there. */
static int pst_src_load(const struct pst_src *src, uint32_t off, uint8_t *buf, uint32_t n)
{
	assert(n && off <= src->len && n <= src->len - off);
	memcpy(buf, src->bytes + off, n);
	return 0;
}

#include "bpf/follow.h"
#include "bpf/ruling.h"

#include "compiler/compile.h"

static uint32_t pst_clock_us(void)
{
	return 0;
}

static void pst_follow_answered(const struct pst_follower *fw, uint32_t status, uint32_t us)
{
	assert(pst_flow_due(fw->flow) && status >= 100 && us);
}

static const char policy[] = "apiVersion: cilium.io/v2\n"
			     "kind: CiliumNetworkPolicy\n"
			     "metadata: {name: fuzz}\n"
			     "spec:\n"
			     "  endpointSelector: {matchLabels: {app: web}}\n"
			     "  ingress:\n"
			     "  - toPorts:\n"
			     "    - ports: [{port: '80', protocol: TCP}]\n"
			     "      rules:\n"
			     "        http:\n"
			     "        - {method: 'GET|POST', path: '/api/.*'}\n"
			     "        - {path: '/a(b|cd)*[0-9]{1,3}', host: '[a-z.]+(:80)?'}\n";

static const char inventory[] = "apiVersion: v1\n"
				"kind: Pod\n"
				"metadata: {name: web, labels: {app: web}}\n"
				"status: {podIPs: [{ip: 10.0.0.1}]}\n";

enum { MAX_INPUT = 70000, MAX_RESPONSE = 2048 };

static struct pst_table *table;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *pods = NULL;
	struct pst_bundle *bundle = NULL;

	(void)argc;
	(void)argv;
	table = calloc(1, sizeof(*table));
	assert(diags && table);
	assert(!pst_policy_parse("policy", policy, sizeof(policy) - 1, diags, &set));
	assert(!pst_inventory_parse("inventory", inventory, sizeof(inventory) - 1, diags, &pods));
	assert(!pst_compile(set, pods, NULL, diags, &bundle));
	assert(!pst_diags_errors(diags) && bundle->n_rulesets == 1);
	pst_bundle_fill_table(bundle, table);
	pst_bundle_free(&bundle);
	pst_inventory_free(&pods);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return 0;
}

/* How long the next piece is: a sequence that CUT begins. CUT 0: all at once; 1: byte by byte. */
static uint32_t next_piece(uint32_t *cut, uint32_t left)
{
	uint32_t n;

	if (!*cut)
		return left;
	if (*cut == 1)
		return 1;
	*cut = *cut * 1103515245 + 12345;
	n = 1 + (*cut >> 16) % (*cut & 1 ? 9 : 200);
	*cut |= 2;
	return n < left ? n : left;
}

static struct pst_http walk_request(const uint8_t *bytes, uint32_t len, uint32_t cut)
{
	struct pst_src src = {.bytes = bytes};
	struct pst_http h;
	struct pst_walk w = {.http = &h, .table = table, .src = &src};

	pst_http_request(&h, table, 0);
	while (w.end < len && !pst_http_stopped(&h)) {
		w.end += next_piece(&cut, len - w.end);
		src.len = w.end;
		pst_walk_head(&w);
		assert(!w.failed && (w.off == w.end || pst_http_stopped(&h)));
	}
	return h;
}

static void same_request(const struct pst_http *a, const struct pst_http *b)
{
	assert(a->state == b->state && a->reason == b->reason && a->stop == b->stop);
	assert(a->allow == b->allow && a->length == b->length && a->method == b->method);
	assert(a->flags == b->flags && a->fields == b->fields);
}

/* What llhttp makes of a head. */
struct oracle {
	char url[MAX_INPUT];
	size_t url_len;
	uint64_t length;
	bool has_length;
};

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct oracle *o = p->data;

	memcpy(o->url + o->url_len, at, len);
	o->url_len += len;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct oracle *o = p->data;

	o->length = p->content_length;
	o->has_length = p->flags & F_CONTENT_LENGTH;
	return HPE_PAUSED;
}

/* llhttp reads the methods of a list, the core any token: other methods cannot be compared. */
static bool is_known_method(const char *bytes, size_t len)
{
	static const char *const names[] = {
#define NAME(num, name, string) #string,
		HTTP_METHOD_MAP(NAME)
#undef NAME
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], bytes, len))
			return true;
	return false;
}

static void compare(const uint8_t *bytes, uint32_t len, const struct pst_http *h)
{
	static struct oracle o;
	llhttp_settings_t settings;
	llhttp_t p;
	const char *text = (const char *)bytes, *target = memchr(text, ' ', h->stop);
	const char *target_end = memchr(target + 1, ' ', h->stop - (size_t)(target + 1 - text));
	size_t method_len = (size_t)(target - text);
	const char *method;

	if (!is_known_method(text, method_len))
		return;
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_headers_complete = on_headers_complete;
	llhttp_init(&p, HTTP_REQUEST, &settings);
	p.data = &o;
	o.url_len = 0;
	assert(llhttp_execute(&p, text, len) == HPE_PAUSED);
	assert(llhttp_get_error_pos(&p) == text + h->stop);
	method = llhttp_method_name((llhttp_method_t)llhttp_get_method(&p));
	assert(strlen(method) == method_len && !memcmp(method, text, method_len));
	assert(o.url_len == (size_t)(target_end - target - 1));
	assert(!memcmp(o.url, target + 1, o.url_len));
	assert(o.has_length == !!(h->flags & PST_HTTP_HAS_LENGTH) && o.length == h->length);
	assert(p.http_major == 1 && p.http_minor == !(h->flags & PST_HTTP_VERSION_10));
}

static void try_request(const uint8_t *bytes, uint32_t len, uint32_t cut)
{
	struct pst_http whole = walk_request(bytes, len, 0);
	struct pst_http pieces = walk_request(bytes, len, cut + 1);

	same_request(&whole, &pieces);
	if (whole.state != PST_HTTP_DONE)
		return;
	assert(whole.stop <= PST_MAX_HEAD && whole.fields <= PST_MAX_FIELDS);
	compare(bytes, len, &whole);
}

static struct pst_flow follow(const uint8_t *bytes, uint32_t len, uint32_t cut)
{
	struct pst_src src = {.bytes = bytes, .len = len};
	struct pst_packet p = {.ordered = 1};
	struct pst_flow f = {.requests = 3};

	f.heads = cut & 0x80 ? ~0U : 0;
	cut &= 0x7f;
	while (p.seq < len) {
		p.len = next_piece(&cut, len - p.seq);
		p.off = p.seq;
		pst_follow_packet(&f, table, &src, &p);
		p.seq += p.len;
		assert(f.responses <= f.requests);
	}
	return f;
}

static void try_response(const uint8_t *bytes, uint32_t len, uint32_t cut)
{
	struct pst_flow whole = follow(bytes, len, cut & 0x80);
	struct pst_flow pieces = follow(bytes, len, (cut & 0x80) | (1 + (cut & 0x3f)));

	assert(whole.follow == pieces.follow);
	assert(whole.responses == pieces.responses);
	if (whole.follow & PST_FOLLOW_LOST)
		return;
	assert(whole.data_left == pieces.data_left);
	assert(whole.response.state == pieces.response.state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool response;
	uint8_t *exact;
	uint32_t len;

	if (size < 3 || size > MAX_INPUT)
		return 0;
	response = data[0] & 1;
	len = (uint32_t)size - 2;
	exact = malloc(len);
	assert(exact);
	memcpy(exact, data + 2, len);
	if (!response)
		try_request(exact, len, data[1]);
	else if (len <= MAX_RESPONSE)
		try_response(exact, len, data[1]);
	free(exact);
	return 0;
}
