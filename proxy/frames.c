// SPDX-License-Identifier: Apache-2.0
#include "proxy/frames.h"

#include <string.h>

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct pst_frames *f = p->data;

	(void)at;
	f->url_len += len;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct pst_frames *f = p->data;

	f->head = true;
	return f->no_body;
}

static int on_chunk_header(llhttp_t *p)
{
	struct pst_frames *f = p->data;

	f->expected = p->content_length;
	return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct pst_frames *f = p->data;

	(void)at;
	f->body += len;
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct pst_frames *f = p->data;

	f->ended = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* Feeds all of BYTES. False: it stopped before their end, or ended a message within them. */
static bool feed(struct pst_frames *f, const char *bytes, size_t len)
{
	llhttp_errno_t e;

	if (!len)
		return true;
	if (f->ended)
		return false;
	e = llhttp_execute(&f->parser, bytes, len);
	if (e == HPE_OK)
		return !f->ended;
	return (e == HPE_PAUSED || e == HPE_PAUSED_UPGRADE) && f->ended &&
	       llhttp_get_error_pos(&f->parser) == bytes + len;
}

static void begin(struct pst_frames *f, llhttp_type_t type)
{
	*f = (struct pst_frames){.no_body = false};
	/* llhttp wants a pointer to what it never changes. */
	llhttp_init(&f->parser, type, (llhttp_settings_t *)(uintptr_t)&settings);
	f->parser.data = f;
}

static bool is_known_method(const char *bytes, size_t len)
{
	static const char *const known[] = {"GET",    "HEAD",	 "POST", "PUT",
					    "DELETE", "OPTIONS", "PATCH"};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strlen(known[i]) == len && !memcmp(known[i], bytes, len))
			return true;
	}
	return false;
}

/* What both say about the length of the body. */
static bool same_length(const struct pst_frames *f, const struct pst_http *h)
{
	bool chunked = h->flags & PST_HTTP_CHUNKED, length = h->flags & PST_HTTP_HAS_LENGTH;

	if (!!(f->parser.flags & F_CHUNKED) != chunked)
		return false;
	if (!!(f->parser.flags & F_CONTENT_LENGTH) != length)
		return false;
	return !length || f->parser.content_length == h->length;
}

static bool same_version(const struct pst_frames *f, const struct pst_http *h)
{
	return f->parser.http_major == 1 &&
	       f->parser.http_minor == !(h->flags & PST_HTTP_VERSION_10);
}

/* llhttp forgets the flags of a message that has no body as soon as it is complete. */
static bool ends_with_head(const struct pst_http *h)
{
	return !(h->flags & PST_HTTP_CHUNKED) && !h->length;
}

bool pst_frames_request(struct pst_frames *f, const struct pst_http *h, const char *bytes,
			size_t len)
{
	const char *space = memchr(bytes, ' ', len);
	const char *end = space ? memchr(space + 1, ' ', len - (size_t)(space + 1 - bytes)) : NULL;
	size_t method_len = space ? (size_t)(space - bytes) : 0;
	bool fed;

	begin(f, HTTP_REQUEST);
	if (!end)
		return false;
	if (is_known_method(bytes, method_len))
		fed = feed(f, bytes, len);
	else
		fed = feed(f, "POST", 4) && feed(f, space, len - method_len);
	if (!fed || !f->head || f->url_len != (size_t)(end - space - 1) || !same_version(f, h))
		return false;
	if (f->parser.upgrade != !!(h->flags & PST_HTTP_UPGRADE))
		return false;
	return ends_with_head(h) ? f->ended : !f->ended && same_length(f, h);
}

/* Messages without a body whatever their fields say, RFC 9112 section 6.3. */
static bool has_no_body(const struct pst_http *h)
{
	return h->status < 200 || h->status == 204 || h->status == 304;
}

bool pst_frames_response(struct pst_frames *f, const struct pst_http *h, const char *bytes,
			 size_t len, bool is_head)
{
	begin(f, HTTP_RESPONSE);
	f->no_body = is_head || has_no_body(h);
	if (!feed(f, bytes, len) || !f->head || f->parser.status_code != h->status ||
	    !same_version(f, h))
		return false;
	if (f->no_body)
		return f->ended;
	if (h->flags & PST_HTTP_HAS_LENGTH && !h->length && !(h->flags & PST_HTTP_CHUNKED))
		return f->ended;
	return !f->ended && same_length(f, h);
}

bool pst_frames_data(struct pst_frames *f, const char *bytes, size_t len, bool last)
{
	f->body = 0;
	return feed(f, bytes, len) && f->body == len && f->ended == last;
}

/* llhttp counts what is left of a body or a chunk, and does nothing else with its bytes. */
bool pst_frames_skip(struct pst_frames *f, uint64_t n)
{
	if (f->ended || f->parser.content_length <= n)
		return false;
	f->parser.content_length -= n;
	return true;
}

bool pst_frames_chunk(struct pst_frames *f, const struct pst_http *h, const char *bytes, size_t len)
{
	bool last = h->state == PST_HTTP_DONE;

	f->body = 0;
	f->expected = UINT64_MAX;
	if (!feed(f, bytes, len) || f->body || f->ended != last)
		return false;
	return f->expected == (last ? 0 : h->length);
}
