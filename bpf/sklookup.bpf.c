// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ingress of what the kernel cannot judge: in the network namespace of a workload, a connection
 * that begins, and whose rules are for the userspace proxy, meets the proxy's listener instead of
 * the application's.
 *
 * One copy of the program per namespace, with a map of its own: so a copy can only ever hand out
 * the listeners of its namespace. Without a listener, or when the program is gone, the connection
 * goes to the application, where the judge denies what is on it (fallback-unavailable).
 *
 * What comes over the loopback is never steered: it is the workload's own, or the proxy's leg.
 */
#include "bpf/proxy.bpf.h"
#include "bpf/socket_key.bpf.h"

enum { STEER_TCP = 6, STEER_LOOPBACK = 1 };

/* The proxy's listeners here: for IPv4, for IPv6. Closed ones leave by themselves. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} pst_listeners __weak SEC(".maps");

static __always_inline void ask(struct pst_question *q, struct bpf_sk_lookup *ctx)
{
	__u32 local[4], remote[4];

	pst_key_v6(local, ctx->local_ip6);
	pst_key_v6(remote, ctx->remote_ip6);
	pst_key_addr(q->local, ctx->family, ctx->local_ip4, local);
	pst_key_addr(q->remote, ctx->family, ctx->remote_ip4, remote);
	q->port = (__u16)ctx->local_port;
	q->protocol = STEER_TCP;
	q->direction = PST_DIR_INGRESS;
}

SEC("sk_lookup")
int pst_steer(struct bpf_sk_lookup *ctx)
{
	const struct pst_config *config = pst_config_get();
	__u32 which = ctx->family != PST_AF_INET;
	struct pst_question q = {0};
	struct pst_end server = {0};
	struct pst_decision d;
	struct bpf_sock *sk;

	if (!config || ctx->protocol != STEER_TCP || ctx->ingress_ifindex == STEER_LOOPBACK)
		return SK_PASS;
	ask(&q, ctx);
	pst_decide(&d, &q, config->generation);
	__builtin_memcpy(server.addr, q.local, sizeof(server.addr));
	server.port = q.port;
	if (!pst_is_for_proxy(&d, &server))
		return SK_PASS;
	sk = bpf_map_lookup_elem(&pst_listeners, &which);
	if (!sk)
		return SK_PASS;
	bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return SK_PASS;
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
