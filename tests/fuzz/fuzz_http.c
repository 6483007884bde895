// SPDX-License-Identifier: Apache-2.0
/*
 * The recogniser on the head of a request, any bytes.
 *
 *	cut		the result does not depend on how the bytes are cut
 *	compare		a head that the core accepts is accepted by llhttp in its strict mode too,
 *			with the same method, target, end, framing (length or chunks), with an
 *			upgrade where the core sees a handshake, and with the end of the connection
 *			where the core sees that
 *	judge		and the policy, asked by hand about the fields that llhttp has read, says
 *			what the automata say: conditions on header lines that come joined
 *
 * The other direction does not hold on purpose: the core refuses much that llhttp reads. The first
 * byte of the input says how it is cut.
 */
#include "tests/fuzz/bytes.h"

#include "bpf/walk.h"

#include <regex.h>
#include <stdlib.h>

#include "tests/fuzz/methods.h"
#include "tests/fuzz/rules.h"

/* In the order of the array below. */
static const char policy[] = FUZZ_POLICY(
	"        - {method: 'GET|POST', path: '/api/.*'}\n"
	"        - {path: '/a(b|cd)*[0-9]{1,3}', host: '[a-z.]+(:80)?'}\n"
	"        - {path: '/h', headers: ['X: a,b', X-P]}\n"
	"        - {headers: ['X: a']}\n"
	"        - {headers: ['Connection: close,te', 'X: ,']}\n"
	"        - {method: POST, headers: ['Content-Length: 3', 'Expect: 100-continue']}\n"
	"        - {path: '/u', headers: ['Upgrade: websocket', 'X-P: 1']}\n"
	"        - {headers: ['X:  b']}\n" /* begins with a blank: can never come */
	"        - {path: '/c', headers: ['Transfer-Encoding: chunked']}\n");

/* The same by hand. Regular expressions match the whole; a header without value: it is there. */
static const struct {
	const char *method, *path, *host;
	struct {
		const char *name, *value;
	} headers[2];
} rules[] = {
	{.method = "^(GET|POST)$", .path = "^/api/.*$"},
	{.path = "^/a(b|cd)*[0-9]{1,3}$", .host = "^[a-z.]+(:80)?$"},
	{.path = "^/h$", .headers = {{"x", "a,b"}, {"x-p", NULL}}},
	{.headers = {{"x", "a"}}},
	{.headers = {{"connection", "close,te"}, {"x", ","}}},
	{.method = "^POST$", .headers = {{"content-length", "3"}, {"expect", "100-continue"}}},
	{.path = "^/u$", .headers = {{"upgrade", "websocket"}, {"x-p", "1"}}},
	{.headers = {{"x", " b"}}},
	{.path = "^/c$", .headers = {{"transfer-encoding", "chunked"}}},
};

enum { RULES = sizeof(rules) / sizeof(*rules), MAX_INPUT = 70000, LINES = 256 };

static const struct pst_table *table;
static regex_t patterns[RULES][3];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	table = fuzz_rules_table(policy);
	for (size_t i = 0; i < RULES; i++) {
		const char *of[] = {rules[i].method, rules[i].path, rules[i].host};

		for (int k = 0; k < 3; k++)
			if (of[k])
				assert(!regcomp(&patterns[i][k], of[k], REG_EXTENDED | REG_NOSUB));
	}
	return 0;
}

static struct pst_http walk_request(const uint8_t *bytes, uint32_t len, uint32_t cut)
{
	struct pst_src src = {.bytes = bytes};
	struct pst_http h;
	struct pst_walk w = {.http = &h, .table = table, .src = &src};

	pst_http_request(&h, table, 0);
	while (w.end < len && !pst_http_stopped(&h)) {
		w.end += fuzz_next_piece(&cut, len - w.end);
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
	assert(a->flags == b->flags && a->fields == b->fields && a->seen == b->seen);
}

/* A text of llhttp's, which hands it over in pieces; cut at its end by a zero. */
struct text {
	char *bytes;
	size_t len;
};

/* What llhttp makes of a head. */
struct oracle {
	struct text url, name[LINES], value[LINES];
	size_t lines;
	bool in_value;
	uint64_t length;
	int flags;
	bool upgrade, goes_on;
};

/* Texts lie behind each other, with room for their zeroes. */
static char arena[2 * MAX_INPUT + 4 * LINES];
static size_t arena_used;

static void append(struct text *t, const char *at, size_t len)
{
	if (!t->bytes || t->bytes + t->len != arena + arena_used) {
		assert(!t->bytes);
		t->bytes = arena + ++arena_used;
	}
	assert(arena_used + len < sizeof(arena));
	memcpy(t->bytes + t->len, at, len);
	t->len += len;
	arena_used += len;
	t->bytes[t->len] = '\0';
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	append(&((struct oracle *)p->data)->url, at, len);
	return 0;
}

static int on_name(llhttp_t *p, const char *at, size_t len)
{
	struct oracle *o = p->data;

	if (!o->lines || o->in_value)
		o->lines++;
	o->in_value = false;
	assert(o->lines <= LINES);
	append(&o->name[o->lines - 1], at, len);
	return 0;
}

/* Comes for an empty value, too. */
static int on_value(llhttp_t *p, const char *at, size_t len)
{
	struct oracle *o = p->data;

	o->in_value = true;
	append(&o->value[o->lines - 1], at, len);
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct oracle *o = p->data;

	o->length = p->content_length;
	o->flags = p->flags;
	o->upgrade = p->upgrade;
	o->goes_on = llhttp_should_keep_alive(p);
	return HPE_PAUSED;
}

/* The lines of NAME joined, without the blanks around each; false: there is none. */
static bool field_of(const struct oracle *o, const char *name, char *ret_value)
{
	bool found = false;
	size_t n = 0;

	for (size_t i = 0; i < o->lines; i++) {
		const char *v = o->value[i].bytes ? o->value[i].bytes : "";
		size_t len = strlen(v), skip = strspn(v, " \t");

		if (strcasecmp(o->name[i].bytes, name) != 0)
			continue;
		while (len > skip && (v[len - 1] == ' ' || v[len - 1] == '\t'))
			len--;
		if (found)
			ret_value[n++] = ',';
		memcpy(ret_value + n, v + skip, len - skip);
		n += len - skip;
		found = true;
	}
	ret_value[n] = '\0';
	return found;
}

static bool matches(size_t rule, int part, const char *text)
{
	return !regexec(&patterns[rule][part], text, 0, NULL, 0);
}

/* Does the rule match what llhttp has read? */
static bool rule_holds(size_t rule, const struct oracle *o, const char *method)
{
	static char value[MAX_INPUT + LINES];

	if (rules[rule].method && !matches(rule, 0, method))
		return false;
	if (rules[rule].path && !matches(rule, 1, o->url.bytes))
		return false;
	if (rules[rule].host && (!field_of(o, "host", value) || !matches(rule, 2, value)))
		return false;
	for (int i = 0; i < 2 && rules[rule].headers[i].name; i++) {
		if (!field_of(o, rules[rule].headers[i].name, value))
			return false;
		if (rules[rule].headers[i].value &&
		    strcmp(value, rules[rule].headers[i].value) != 0)
			return false;
	}
	return true;
}

static void judge(const struct oracle *o, const char *method, const struct pst_http *h)
{
	bool allow = false;

	for (size_t i = 0; i < RULES; i++)
		allow |= rule_holds(i, o, method);
	assert(allow == (h->allow != 0));
}

/*
 * The core knows the end of a connection better than llhttp, which reads "close" beside "upgrade"
 * and versions its own way: what must never be is that it believes in a next request where llhttp
 * does not.
 */
static void compare_framing(const struct oracle *o, const struct pst_http *h)
{
	assert(!!(o->flags & F_CONTENT_LENGTH) == !!(h->flags & PST_HTTP_HAS_LENGTH));
	assert(o->length == h->length);
	assert(!!(o->flags & F_CHUNKED) == !!(h->flags & PST_HTTP_CHUNKED));
	assert(!!(o->flags & F_TRANSFER_ENCODING) == !!(h->flags & PST_HTTP_CHUNKED));
	if (o->upgrade)
		assert(h->flags & PST_HTTP_UPGRADE);
	if (h->flags & PST_HTTP_UPGRADE)
		assert(o->flags & F_UPGRADE && o->flags & F_CONNECTION_UPGRADE);
	if (!o->goes_on)
		assert(h->flags & PST_HTTP_LAST);
}

static void compare(const char *text, uint32_t len, const struct pst_http *h)
{
	static struct oracle o;
	llhttp_settings_t settings;
	llhttp_t p;
	const char *target = memchr(text, ' ', h->stop), *method;
	const char *target_end;

	if (!target || !fuzz_is_known_method(text, len))
		return;
	target_end = memchr(target + 1, ' ', h->stop - (size_t)(target + 1 - text));
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_name;
	settings.on_header_value = on_value;
	settings.on_headers_complete = on_headers_complete;
	llhttp_init(&p, HTTP_REQUEST, &settings);
	memset(&o, 0, sizeof(o));
	arena_used = 0;
	p.data = &o;
	assert(llhttp_execute(&p, text, len) == HPE_PAUSED);
	assert(llhttp_get_error_pos(&p) == text + h->stop);
	method = llhttp_method_name((llhttp_method_t)llhttp_get_method(&p));
	assert(strlen(method) == (size_t)(target - text));
	assert(!memcmp(method, text, strlen(method)));
	assert(o.url.len == (size_t)(target_end - target - 1));
	assert(!memcmp(o.url.bytes, target + 1, o.url.len));
	assert(p.http_major == 1 && p.http_minor == !(h->flags & PST_HTTP_VERSION_10));
	assert(o.lines == h->fields);
	compare_framing(&o, h);
	judge(&o, method, h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_http whole, pieces;
	uint8_t *exact;
	uint32_t len;

	if (size < 2 || size > MAX_INPUT)
		return 0;
	len = (uint32_t)size - 1;
	exact = malloc(len);
	assert(exact);
	memcpy(exact, data + 1, len);
	whole = walk_request(exact, len, 0);
	pieces = walk_request(exact, len, data[0] + 1U);
	same_request(&whole, &pieces);
	if (whole.state == PST_HTTP_DONE) {
		assert(whole.stop <= PST_MAX_HEAD && whole.fields <= PST_MAX_FIELDS);
		compare((const char *)exact, len, &whole);
	}
	free(exact);
	return 0;
}
