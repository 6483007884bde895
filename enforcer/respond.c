// SPDX-License-Identifier: Apache-2.0
#include "enforcer/respond.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "enforcer/destroy.h"
#include "enforcer/inject.h"
#include "enforcer/reply.h"

/* Until when each kind of request is over; the earlier one stands (enforcer/destroy.h). */
static const uint32_t destroy_ms[] = {
	[PST_REQUEST_INJECT] = 1500,
	[PST_REQUEST_KILL] = 0,
	[PST_REQUEST_DEFER] = PST_RESPOND_DEADLINE_MS,
};

/* Finds the timestamp option (kind 8, length 10) among the packet's options (RFC 9293 3.1, RFC
 * 7323 3.2). */
static bool find_timestamps(const struct pst_event *e, uint32_t *ret_tsval, uint32_t *ret_tsecr)
{
	const uint8_t *o = e->options;
	size_t n = e->options_len < PST_EVENT_OPTIONS ? e->options_len : PST_EVENT_OPTIONS;

	for (size_t i = 0; i < n && o[i] != 0;) {
		if (o[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= n || o[i + 1] < 2)
			return false;
		if (o[i] == 8 && o[i + 1] == 10 && i + 10 <= n) {
			*ret_tsval = (uint32_t)o[i + 2] << 24 | o[i + 3] << 16 | o[i + 4] << 8 |
				     o[i + 5];
			*ret_tsecr = (uint32_t)o[i + 6] << 24 | o[i + 7] << 16 | o[i + 8] << 8 |
				     o[i + 9];
			return true;
		}
		i += o[i + 1];
	}
	return false;
}

static struct pst_inject_request about(const struct pst_event *e)
{
	struct pst_inject_request req = {
		.sport = e->client_port,
		.dport = e->server_port,
		.seq = e->seq,
		.ack = e->ack,
		.len = e->payload,
		.dir = e->direction,
		.window = e->window,
	};

	memcpy(req.src.b, e->client, sizeof(req.src.b));
	memcpy(req.dst.b, e->server, sizeof(req.dst.b));
	req.has_ts = find_timestamps(e, &req.tsval, &req.tsecr);
	return req;
}

/* Failures are counted there. */
static void inject(const struct pst_respond *r, const struct pst_event *e)
{
	struct pst_inject_request req = about(e);

	req.response = r->reply->bytes;
	req.response_len = e->is_head ? r->reply->head_len : r->reply->len;
	pst_inject_send(r->inject, &req);
}

/* An event without bytes could not read them. */
static void relay(const struct pst_respond *r, const struct pst_event *e)
{
	struct pst_inject_request req = about(e);

	req.response = e->head;
	req.response_len = e->head_len < PST_EVENT_HEAD ? e->head_len : PST_EVENT_HEAD;
	if (req.response_len)
		pst_inject_relay(r->inject, &req);
}

static void destroy(struct pst_destroy_queue *queue, const struct pst_event *e, uint32_t ms)
{
	bool server = e->direction == PST_DIR_INGRESS;
	struct pst_destroy_request req = {
		.netns_cookie = e->netns_cookie,
		.sk_cookie = e->socket_cookie,
		.local_port = server ? e->server_port : e->client_port,
		.remote_port = server ? e->client_port : e->server_port,
	};

	memcpy(req.local.b, server ? e->server : e->client, sizeof(req.local.b));
	memcpy(req.remote.b, server ? e->client : e->server, sizeof(req.remote.b));
	pst_destroy_after(queue, &req, ms); /* failures are counted there */
}

void pst_respond(const struct pst_respond *r, const struct pst_event *event)
{
	const bool young = event->time_ns >= r->since_ns;

	if (event->outcome != PST_OUTCOME_DENIED)
		return;
	if (event->request == PST_REQUEST_RELAY && r->inject && young)
		relay(r, event);
	if (event->request == PST_REQUEST_NONE ||
	    event->request >= sizeof(destroy_ms) / sizeof(*destroy_ms))
		return;
	if (event->request == PST_REQUEST_INJECT && r->inject && young)
		inject(r, event);
	if (r->destroy)
		destroy(r->destroy, event, destroy_ms[event->request]);
}
