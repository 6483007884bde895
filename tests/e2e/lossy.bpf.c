// SPDX-License-Identifier: Apache-2.0
/* A network that loses LOSS of 100 packets, as a tc filter. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

SEC("tc")
int lossy(struct __sk_buff *skb)
{
	/* Who is where is known, or the test would wait for neighbours. */
	if (skb->protocol != bpf_htons(ETH_P_IP) && skb->protocol != bpf_htons(ETH_P_IPV6))
		return TC_ACT_UNSPEC;
	return bpf_get_prandom_u32() % 100 < LOSS ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Apache-2.0";
