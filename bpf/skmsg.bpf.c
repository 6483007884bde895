// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The courtesy: a request that will be denied gets its 403 at the sender, in the kernel, and keeps
 * its connection (kernel-facts 1.4, 6.5). It is polite, not safe: whatever it does not understand
 * it passes on, and the authority in cgroup_skb decides.
 *
 * It answers only when the message is one whole request at a request boundary: the socket's write
 * position is the judged position, nothing is unread, no answer is due. It asks the subject's
 * egress rules and the destination's ingress rules. It keeps no state: a request that it answers
 * never existed for anybody else.
 */
#include "bpf/decide.bpf.h"
#include "bpf/report.bpf.h"
#include "bpf/socket_key.bpf.h"
#include "bpf/vmlinux_min.h"

enum { MAX_MESSAGE = 2048 }; /* larger requests are answered by the authority */

/*
 * A copy of the message: direct packet pointers, all that sk_msg has, cost the verifier more than
 * its budget inside the recogniser's loops. One per socket, serialised by the socket lock under
 * which sk_msg runs.
 */
struct scratch {
	__u8 bytes[MAX_MESSAGE];
	/* Here and not on the stack: of a map's memory the verifier forgets the values of each
	 * round. */
	struct pst_http http;
	struct pst_socket_key key;
	struct pst_decision d;
	__u32 off;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct scratch);
} pst_scratch __weak SEC(".maps");

struct pst_src {
	struct scratch *scratch;
};

/*
 * What comes back from a map is any number to the verifier. Knowing the offset of each round, it
 * would go round the loop for each of them.
 */
static __always_inline __u32 forget(struct scratch *s, __u32 value)
{
	volatile __u32 *slot = &s->off;

	*slot = value;
	return *slot;
}

static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	(void)n;
	off = forget(src->scratch, off);
	if (off > MAX_MESSAGE - PST_HTTP_CHUNK)
		return -1;
	__builtin_memcpy(buf, src->scratch->bytes + off, PST_HTTP_CHUNK);
	return 0;
}

#include "bpf/ruling.h"

enum { REPLY_MAX = 1024 };

/*
 * The answer, as the operator wants it. The loader sets it before the verifier runs, to whom the
 * lengths are constants.
 */
const volatile char pst_reply[REPLY_MAX] = {1};
const volatile __u32 pst_reply_len = 1, pst_reply_head_len = 1;

/* What the steps for one message share; on the stack of the program. */
struct message {
	struct sk_msg_md *msg;
	struct scratch *scratch;
	__u32 generation;
};

PST_OUTLINE void key_of(struct pst_socket_key *key, struct sk_msg_md *msg)
{
	__u32 local[4], remote[4];

	pst_key_v6(local, msg->local_ip6);
	pst_key_v6(remote, msg->remote_ip6);
	key->netns_cookie = bpf_get_netns_cookie(msg);
	pst_key_addr(key->local, msg->family, msg->local_ip4, local);
	pst_key_addr(key->remote, msg->family, msg->remote_ip4, remote);
	key->local_port = msg->local_port;
	key->remote_port = pst_key_port(msg->remote_port);
}

/*
 * Copies the linear message. The bounds are msg->size, which the pull has made contiguous, and the
 * helper's own check that the memory is there: direct packet access with a variable end is more
 * than the verifier follows.
 */
static __always_inline int copy_message(struct sk_msg_md *msg, struct scratch *s)
{
	__u32 size = msg->size;
	void *data = msg->data;

	if (!size || size > MAX_MESSAGE || data + 1 > (void *)msg->data_end)
		return -1;
	pst_opaque(size);
	size = ((size - 1) & (MAX_MESSAGE - 1)) + 1;
	return bpf_probe_read_kernel(s->bytes, size, data);
}

/*
 * At a request boundary, with nothing under way in either direction? An answer that was followed
 * may still wait for the sender to let go of the socket (its backlog), unknown to rcv_nxt: it must
 * not be overtaken.
 */
static __always_inline int at_rest(struct sk_msg_md *msg, const struct pst_flow *f)
{
	struct tcp_sock *tcp;

	if (f->role != PST_ROLE_CLIENT || f->flags & PST_FLOW_DENIED ||
	    !(f->flags & PST_FLOW_STREAM_KNOWN) || f->flags & PST_FLOW_REQUEST ||
	    f->follow & (PST_FOLLOW_LOST | PST_FOLLOW_TO_CLOSE | PST_FOLLOW_BEGUN |
			 PST_FOLLOW_OPAQUE | PST_FOLLOW_SWITCHED) ||
	    pst_flow_due(f))
		return 0;
	tcp = bpf_skc_to_tcp_sock(msg->sk);
	return tcp && tcp->write_seq == f->judged && tcp->rcv_nxt == tcp->copied_seq &&
	       tcp->rcv_nxt == f->followed;
}

/* Asks the rules of one end: the subject's egress policy, or the destination's ingress policy. */
PST_OUTLINE void ask(struct message *m, __u32 direction)
{
	struct pst_question q = {
		.port = (__u16)m->scratch->key.remote_port,
		.protocol = 6,
		.direction = (__u8)direction,
	};
	int mine = direction == PST_DIR_EGRESS;

	__builtin_memcpy(q.local, mine ? m->scratch->key.local : m->scratch->key.remote, 16);
	__builtin_memcpy(q.remote, mine ? m->scratch->key.remote : m->scratch->key.local, 16);
	pst_decide(&m->scratch->d, &q, m->generation);
}

/* Is the message one whole request that these rules deny? */
static __always_inline int denied_whole(struct message *m, const struct pst_table *t)
{
	struct pst_src src = {.scratch = m->scratch};
	__u32 size = m->msg->size, ruling;

	if (m->scratch->d.verdict != PST_VERDICT_JUDGE)
		return 0;
	ruling = pst_judge_head(&m->scratch->http, t, &src, forget(m->scratch, 0), size,
				m->scratch->d.ruleset);
	return ruling == pst_ruling(PST_ACTION_DENY, PST_REASON_NO_RULE_L7) &&
	       !pst_http_continues(&m->scratch->http) &&
	       m->scratch->http.stop + m->scratch->http.length == size;
}

PST_OUTLINE int report(const struct message *m, __u32 direction)
{
	const struct pst_decision *d = &m->scratch->d;
	const struct pst_socket_key *key = &m->scratch->key;
	__u32 size = m->msg->size;
	struct pst_event *e = pst_event_begin(direction);

	if (!e)
		return 0;
	e->netns_cookie = key->netns_cookie;
	e->generation = d->generation;
	e->subject = d->subject;
	e->peer = d->peer;
	e->rule = d->rule;
	e->ruleset = d->ruleset;
	e->payload = size;
	e->client_port = (__u16)key->local_port;
	e->server_port = (__u16)key->remote_port;
	__builtin_memcpy(e->client, key->local, 16);
	__builtin_memcpy(e->server, key->remote, 16);
	e->layer = PST_LAYER_L7;
	e->protocol = 6;
	e->reason = PST_REASON_NO_RULE_L7;
	e->answered = 1;
	__builtin_memcpy(e->head, m->scratch->bytes, PST_EVENT_HEAD);
	e->head_len = (__u16)(size < PST_EVENT_HEAD ? size : PST_EVENT_HEAD);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* False when a byte has no place. */
static __always_inline int put_reply(struct sk_msg_md *msg, __u32 from, __u32 to)
{
	__u8 *data = msg->data;

	for (__u32 i = from; i < to && i < REPLY_MAX; i++) {
		if ((void *)(data + i + 1) > (void *)msg->data_end)
			return 0;
		data[i] = pst_reply[i];
	}
	return 1;
}

/* Turns the message into the reply and hands it to the sender's own receive side. */
PST_OUTLINE int answer(struct message *m)
{
	struct sk_msg_md *msg = m->msg;
	__u32 head = m->scratch->http.method == PST_METHOD_HEAD;
	__u32 len = head ? pst_reply_head_len : pst_reply_len;
	__u32 size = msg->size;

	if (size > len && bpf_msg_pop_data(msg, len, size - len, 0))
		return SK_PASS;
	if (size < len && bpf_msg_push_data(msg, size, len - size, 0))
		return SK_PASS;
	if (bpf_msg_pull_data(msg, 0, len, 0) || !put_reply(msg, 0, pst_reply_head_len))
		return SK_DROP; /* half rewritten: must not reach the wire */
	if (!head && !put_reply(msg, pst_reply_head_len, pst_reply_len))
		return SK_DROP;
	return bpf_msg_redirect_hash(msg, &pst_courtesy, &m->scratch->key, BPF_F_INGRESS);
}

static __always_inline int courtesy(struct message *m, const struct pst_table *t)
{
	__u32 direction = PST_DIR_EGRESS;

	key_of(&m->scratch->key, m->msg);
	ask(m, direction);
	if (!denied_whole(m, t)) {
		direction = PST_DIR_INGRESS;
		ask(m, direction);
		if (!denied_whole(m, t))
			return SK_PASS;
	}
	report(m, direction);
	pst_count(PST_REASON_NO_RULE_L7, direction);
	return answer(m);
}

SEC("sk_msg")
int pst_skmsg(struct sk_msg_md *msg)
{
	const struct pst_config *config = pst_config_get();
	struct message m = {.msg = msg};
	const struct pst_table *t;
	struct pst_flow *f;

	if (!config || !msg->sk || msg->size > MAX_MESSAGE)
		return SK_PASS;
	f = bpf_sk_storage_get(&pst_flows, msg->sk, NULL, 0);
	t = pst_table_get(config->generation);
	m.scratch = bpf_sk_storage_get(&pst_scratch, msg->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!f || !t || !m.scratch || !at_rest(msg, f) || bpf_msg_pull_data(msg, 0, msg->size, 0) ||
	    copy_message(msg, m.scratch))
		return SK_PASS;
	m.generation = config->generation;
	return courtesy(&m, t);
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
