// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Egress of what the kernel cannot judge: a connection that begins, and whose rules are for the
 * userspace proxy, goes to the proxy's listener on the loopback of the client's own network
 * namespace. The policy map is asked at that moment. Applications on both ends are told whom they
 * speak with: getpeername(), getsockname() and accept() name the other application, not the proxy.
 *
 * A connection that is not sent there goes where it was to go, and the judge denies what is on it
 * (fallback-unavailable). So nothing here can open a way; that holds for a listener that is gone,
 * for a namespace that is not known yet and for a socket whose address is not.
 *
 * The hooks run for connect() and for sendmsg(MSG_FASTOPEN), blocking or not.
 */
#include "bpf/proxy.bpf.h"
#include "bpf/socket_key.bpf.h"

enum {
	CONNECT_TCP = 6,
	CONNECT_STREAM = 1,
	LOOPBACK_V4 = 0x7f000001,
	TCP_STATE_CLOSE = 7,
	TCP_STATE_LISTEN = 10,
};

static const __u8 nowhere[16];

static __always_inline int is_mapped(const __u8 addr[16])
{
	const __u32 *w = (const __u32 *)addr;

	return !w[0] && !w[1] && w[2] == bpf_htonl(0xffff);
}

/* connect() to no address is one to the loopback. */
static __always_inline int is_here(const struct pst_ends *ends)
{
	const __u32 *w = (const __u32 *)ends->peer.addr;

	return (is_mapped(ends->peer.addr) && !w[3]) || pst_same_addr(ends->peer.addr, nowhere) ||
	       pst_same_addr(ends->peer.addr, ends->local.addr) || pst_is_loopback(ends->peer.addr);
}

/* Its scope would be lost. */
static __always_inline int is_link_local(const __u8 addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/* Is what listens there, and would be met, the proxy? Not when it has ended. */
static __always_inline int is_listening(struct bpf_sock_addr *ctx, __u32 which, __u16 port)
{
	struct bpf_sock_tuple to = {0};
	const __u32 *kind;
	struct bpf_sock *sk;
	int yes;

	if (which == PST_PLACE_V4) {
		to.ipv4.saddr = to.ipv4.daddr = bpf_htonl(LOOPBACK_V4);
		to.ipv4.dport = bpf_htons(port);
		sk = bpf_sk_lookup_tcp(ctx, &to, sizeof(to.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		to.ipv6.saddr[3] = to.ipv6.daddr[3] = bpf_htonl(1);
		to.ipv6.dport = bpf_htons(port);
		sk = bpf_sk_lookup_tcp(ctx, &to, sizeof(to.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return 0;
	kind = bpf_sk_storage_get(&pst_ours, sk, NULL, 0);
	yes = kind && *kind == PST_OURS_LISTENER && sk->state == TCP_STATE_LISTEN;
	bpf_sk_release(sk);
	return yes;
}

/* ENDS->local is where the socket is bound to, if it is. */
static __always_inline int is_for_proxy(struct pst_ends *ends, const struct pst_place *place,
					__u32 which)
{
	const struct pst_config *config = pst_config_get();
	struct pst_question q = {
		.port = ends->peer.port, .protocol = CONNECT_TCP, .direction = PST_DIR_EGRESS};
	struct pst_decision d;

	if (pst_same_addr(ends->local.addr, nowhere))
		__builtin_memcpy(ends->local.addr, place->addr[which], 16);
	if (!config || pst_same_addr(ends->local.addr, nowhere) || is_here(ends) ||
	    is_link_local(ends->peer.addr))
		return 0;
	__builtin_memcpy(q.local, ends->local.addr, 16);
	__builtin_memcpy(q.remote, ends->peer.addr, 16);
	pst_decide(&d, &q, config->generation);
	return pst_is_for_proxy(&d, &ends->peer);
}

/* The port of the listener that the connection is to go to instead; 0: it goes its way. */
static __always_inline __u32 redirect(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
				      struct pst_ends *ends)
{
	__u32 which = is_mapped(ends->peer.addr) ? PST_PLACE_V4 : PST_PLACE_V6;
	__u64 cookie = bpf_get_netns_cookie(ctx);
	const struct pst_place *place = bpf_map_lookup_elem(&pst_places, &cookie);
	__u16 port;

	/* What an earlier connection of the socket was told is none of this one's. */
	bpf_sk_storage_delete(&pst_peers, sk);
	if (!place || pst_is_ours(sk))
		return 0;
	port = place->port[which];
	if (!port || !is_for_proxy(ends, place, which) || !is_listening(ctx, which, port))
		return 0;
	return bpf_sk_storage_get(&pst_peers, sk, ends, BPF_SK_STORAGE_GET_F_CREATE) ? port : 0;
}

static __always_inline int is_tcp(const struct bpf_sock_addr *ctx)
{
	return ctx->type == CONNECT_STREAM && ctx->protocol == CONNECT_TCP;
}

SEC("cgroup/connect4")
int pst_connect4(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct pst_ends ends = {0};
	__u32 none[4] = {0}, port;

	if (!sk || !is_tcp(ctx))
		return 1;
	pst_key_addr(ends.peer.addr, PST_AF_INET, ctx->user_ip4, none);
	ends.peer.port = bpf_ntohs((__u16)ctx->user_port);
	if (sk->src_ip4)
		pst_key_addr(ends.local.addr, PST_AF_INET, sk->src_ip4, none);
	port = redirect(ctx, sk, &ends);
	if (port) {
		ctx->user_ip4 = bpf_htonl(LOOPBACK_V4);
		ctx->user_port = bpf_htons((__u16)port);
	}
	return 1;
}

/* Of an IPv6 socket; an IPv4 server is ::ffff:a.b.c.d there and here. */
SEC("cgroup/connect6")
int pst_connect6(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct pst_ends ends = {0};
	__u32 addr[4], port;

	if (!sk || !is_tcp(ctx))
		return 1;
	pst_key_v6(addr, ctx->user_ip6);
	__builtin_memcpy(ends.peer.addr, addr, 16);
	ends.peer.port = bpf_ntohs((__u16)ctx->user_port);
	pst_key_v6(addr, sk->src_ip6);
	__builtin_memcpy(ends.local.addr, addr, 16);
	port = redirect(ctx, sk, &ends);
	if (!port)
		return 1;
	if (is_mapped(ends.peer.addr)) {
		ctx->user_ip6[3] = bpf_htonl(LOOPBACK_V4);
	} else {
		ctx->user_ip6[0] = ctx->user_ip6[1] = ctx->user_ip6[2] = 0;
		ctx->user_ip6[3] = bpf_htonl(1);
	}
	ctx->user_port = bpf_htons((__u16)port);
	return 1;
}

static __always_inline const struct pst_ends *told(struct bpf_sock_addr *ctx)
{
	return ctx->sk ? bpf_sk_storage_get(&pst_peers, ctx->sk, NULL, 0) : NULL;
}

/* A socket that is connected no more has the address that it has. */
static __always_inline const struct pst_ends *told_of_self(struct bpf_sock_addr *ctx)
{
	return ctx->sk && ctx->sk->state == TCP_STATE_CLOSE ? NULL : told(ctx);
}

static __always_inline int tell_v4(struct bpf_sock_addr *ctx, const struct pst_end *end)
{
	__u32 v4;

	__builtin_memcpy(&v4, end->addr + 12, 4);
	ctx->user_ip4 = v4;
	ctx->user_port = bpf_htons(end->port);
	return 1;
}

static __always_inline int tell_v6(struct bpf_sock_addr *ctx, const struct pst_end *end)
{
	__u32 v6[4];

	__builtin_memcpy(v6, end->addr, 16);
	ctx->user_ip6[0] = v6[0];
	ctx->user_ip6[1] = v6[1];
	ctx->user_ip6[2] = v6[2];
	ctx->user_ip6[3] = v6[3];
	ctx->user_port = bpf_htons(end->port);
	return 1;
}

/*
 * The kernel asks for the peer of a closed socket in one case only: accept() of one that was reset
 * before. What was received may be read then, and is the client's.
 */
SEC("cgroup/getpeername4")
int pst_getpeername4(struct bpf_sock_addr *ctx)
{
	const struct pst_ends *ends = told(ctx);

	return ends && ends->peer.port ? tell_v4(ctx, &ends->peer) : 1;
}

SEC("cgroup/getpeername6")
int pst_getpeername6(struct bpf_sock_addr *ctx)
{
	const struct pst_ends *ends = told(ctx);

	return ends && ends->peer.port ? tell_v6(ctx, &ends->peer) : 1;
}

SEC("cgroup/getsockname4")
int pst_getsockname4(struct bpf_sock_addr *ctx)
{
	const struct pst_ends *ends = told_of_self(ctx);

	return ends && ends->local.port ? tell_v4(ctx, &ends->local) : 1;
}

SEC("cgroup/getsockname6")
int pst_getsockname6(struct bpf_sock_addr *ctx)
{
	const struct pst_ends *ends = told_of_self(ctx);

	return ends && ends->local.port ? tell_v6(ctx, &ends->local) : 1;
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
