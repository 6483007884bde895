// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What applications are told about connections through the userspace proxy: getpeername() and
 * accept() of a server name the client that it speaks with, not the proxy's leg.
 */
#include "bpf/proxy.bpf.h"

static __always_inline const struct pst_end *real_peer(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	return sk ? bpf_sk_storage_get(&pst_peers, sk, NULL, 0) : NULL;
}

SEC("cgroup/getpeername4")
int pst_getpeername4(struct bpf_sock_addr *ctx)
{
	const struct pst_end *peer = real_peer(ctx);
	__u32 v4;

	if (!peer)
		return 1;
	__builtin_memcpy(&v4, peer->addr + 12, 4);
	ctx->user_ip4 = v4;
	ctx->user_port = bpf_htons(peer->port);
	return 1;
}

/* Of an IPv6 socket; an IPv4 peer is ::ffff:a.b.c.d there and here. */
SEC("cgroup/getpeername6")
int pst_getpeername6(struct bpf_sock_addr *ctx)
{
	const struct pst_end *peer = real_peer(ctx);
	__u32 v6[4];

	if (!peer)
		return 1;
	__builtin_memcpy(v6, peer->addr, 16);
	ctx->user_ip6[0] = v6[0];
	ctx->user_ip6[1] = v6[1];
	ctx->user_ip6[2] = v6[2];
	ctx->user_ip6[3] = v6[3];
	ctx->user_port = bpf_htons(peer->port);
	return 1;
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
