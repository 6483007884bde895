// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The life of a flow, as far as packets do not show it: the server's side begins when its
 * connection is established, and clients enter the courtesy map. State goes with the socket
 * (sk_storage), so there is nothing to clean up. cgroup/sock_create keeps multipath sockets out,
 * whose bytes no single path shows.
 */
#include "bpf/exchange.bpf.h"
#include "bpf/proxy.bpf.h"
#include "bpf/socket_key.bpf.h"

enum { PROTO_MPTCP = 262, NO_PROTOCOL = 93 }; /* IPPROTO_MPTCP, EPROTONOSUPPORT */

static __always_inline void enter_courtesy(struct bpf_sock_ops *ops, struct pst_flow *f)
{
	struct pst_socket_key key = {.netns_cookie = f->netns_cookie};
	__u32 local[4], remote[4];

	pst_key_v6(local, ops->local_ip6);
	pst_key_v6(remote, ops->remote_ip6);
	pst_key_addr(key.local, ops->family, ops->local_ip4, local);
	pst_key_addr(key.remote, ops->family, ops->remote_ip4, remote);
	key.local_port = ops->local_port;
	key.remote_port = pst_key_port(ops->remote_port);
	/* A failed insertion costs the courtesy, not the judgement. */
	if (bpf_sock_hash_update(ops, &pst_courtesy, &key, BPF_NOEXIST))
		pst_count(PST_REASON_COURTESY_MISSED, PST_DIR_EGRESS);
	else
		f->flags |= PST_FLOW_COURTESY;
}

static __always_inline void client_established(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	const struct pst_config *config = pst_config_get();
	struct pst_flow *f = bpf_sk_storage_get(&pst_flows, sk, NULL, 0);

	if (!f || f->role != PST_ROLE_CLIENT)
		return;
	f->netns_cookie = bpf_get_netns_cookie(ops);
	f->followed = f->headed = ops->rcv_nxt;
	if (config && config->flags & PST_CONFIG_COURTESY && !(f->flags & PST_FLOW_OURS))
		enter_courtesy(ops, f);
}

/*
 * Whom does this server's connection come from? The proxy's leg has the server's own address; the
 * daemon has said before it connected for whom it speaks. A lost entry costs the application the
 * name of its peer, nothing else.
 */
static __always_inline void meet_leg(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct pst_leg_key key = {.netns_cookie = bpf_get_netns_cookie(ops)};
	__u32 local[4], remote[4];
	__u8 from[16];
	struct pst_ends told = {0};
	struct pst_end *client;

	pst_key_v6(local, ops->local_ip6);
	pst_key_v6(remote, ops->remote_ip6);
	pst_key_addr(key.addr, ops->family, ops->local_ip4, local);
	pst_key_addr(from, ops->family, ops->remote_ip4, remote);
	if (!pst_same_addr(key.addr, from))
		return;
	key.port = (__u16)pst_key_port(ops->remote_port);
	key.server_port = (__u16)ops->local_port;
	client = bpf_map_lookup_elem(&pst_legs, &key);
	if (!client)
		return;
	told.peer = *client;
	bpf_sk_storage_get(&pst_peers, sk, &told, BPF_SK_STORAGE_GET_F_CREATE);
	bpf_map_delete_elem(&pst_legs, &key);
}

/*
 * A client's SYN is about to be sent, and connect.bpf.c has sent it to the proxy: its port is known
 * now, and the proxy must find out by it where the connection was to go.
 */
static __always_inline void client_begins(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct pst_leg_key key = {.netns_cookie = bpf_get_netns_cookie(ops)};
	struct pst_ends *told = bpf_sk_storage_get(&pst_peers, sk, NULL, 0);
	__u32 local[4];

	if (!told)
		return;
	pst_key_v6(local, ops->local_ip6);
	pst_key_addr(key.addr, ops->family, ops->local_ip4, local);
	key.port = (__u16)ops->local_port;
	key.server_port = (__u16)pst_key_port(ops->remote_port);
	told->local.port = key.port;
	bpf_map_update_elem(&pst_origins, &key, told, BPF_ANY);
}

/* Has the listener of this connection heard of it over lo, from a stranger (cgroup_skb.bpf.c)? */
static __always_inline int is_inward(struct bpf_sock_ops *ops)
{
	struct pst_exchange_key key = {
		.protocol = IPPROTO_TCP, .direction = PST_DIR_INGRESS, .device = LOOPBACK_IFINDEX};
	__u32 local[4], remote[4];

	if (!pst_hears_strangers)
		return 0;
	pst_key_v6(local, ops->local_ip6);
	pst_key_v6(remote, ops->remote_ip6);
	pst_key_addr(key.local, ops->family, ops->local_ip4, local);
	pst_key_addr(key.remote, ops->family, ops->remote_ip4, remote);
	key.local_port = (__u16)ops->local_port;
	key.remote_port = (__u16)pst_key_port(ops->remote_port);
	return is_recent(&key);
}

/*
 * The child of a listener: its stream begins at what TCP expects next. The kernel calls passive,
 * too, a client whose peer answered its SYN with a SYN: who begins with a SYN remains the client.
 */
static __always_inline void server_begins(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	struct pst_flow *f = bpf_sk_storage_get(&pst_flows, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	/* Without state the authority treats the connection as unknown: denied, not forgotten. */
	if (!f)
		return;
	if (f->role == PST_ROLE_CLIENT) {
		client_established(ops, sk);
		return;
	}
	f->role = PST_ROLE_SERVER;
	f->flags = pst_is_ours(sk) ? PST_FLOW_OURS : PST_FLOW_STREAM_KNOWN;
	if (is_inward(ops))
		f->follow |= PST_FOLLOW_INWARD;
	f->judged = ops->rcv_nxt;
	f->followed = f->headed = ops->snd_nxt;
	f->netns_cookie = bpf_get_netns_cookie(ops);
	meet_leg(ops, sk);
}

SEC("sockops")
int pst_sockops(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;

	if (!sk)
		return 1;
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		server_begins(ops, sk);
	else if (ops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		client_established(ops, sk);
	else if (ops->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		client_begins(ops, sk);
	return 1;
}

SEC("cgroup/sock_create")
int pst_sock_create(struct bpf_sock *sk)
{
	if (sk->protocol != PROTO_MPTCP)
		return 1;
	if (pst_is_audit()) {
		pst_count_audited(PST_REASON_MPTCP, PST_DIR_EGRESS);
		return 1;
	}
	pst_count(PST_REASON_MPTCP, PST_DIR_EGRESS);
	bpf_set_retval(-NO_PROTOCOL); /* so that Go and curl go on with TCP */
	return 0;
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
