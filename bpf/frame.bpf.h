/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What passes a pod's device and does not say by its destination where it goes: frames that are no
 * packets of IP, and packets that are sent on by who has them.
 */

#include "bpf/device.bpf.h"

enum {
	IP_OPTION_END = 0,
	IP_OPTION_NOP = 1,
	IP_OPTION_LSRR = 131, /* loose source route */
	IP_OPTION_SSRR = 137, /* strict source route */
	MAX_IP_OPTIONS = 40,
	AUDIT_OF_ENFORCE = 3, /* bits from PST_ADDR_ENFORCE_* to PST_ADDR_AUDIT_* */
};
PST_STATIC_ASSERT(PST_ADDR_ENFORCE_INGRESS << AUDIT_OF_ENFORCE == PST_ADDR_AUDIT_INGRESS &&
			  PST_ADDR_ENFORCE_EGRESS << AUDIT_OF_ENFORCE == PST_ADDR_AUDIT_EGRESS,
		  "one shift for both directions");

/* Is the frame for the bridge next to its sender (01:80:c2:00:00:0x), which hands it on to nobody?
 */
static __always_inline int is_for_bridge(struct __sk_buff *skb)
{
	__u8 to[6];

	return !bpf_skb_load_bytes(skb, 0, to, sizeof(to)) && to[0] == 0x01 && to[1] == 0x80 &&
	       to[2] == 0xc2 && !to[3] && !to[4] && to[5] < 0x10;
}

/*
 * P's frame is neither of IP nor of ARP: no rule can allow it, so it passes where the pod is not
 * bound in its direction.
 */
PST_OUTLINE int on_frame(struct __sk_buff *skb, struct packet *p, const struct pst_config *config)
{
	int out = p->direction == PST_DIR_EGRESS;
	__u32 enforced = out ? PST_ADDR_ENFORCE_EGRESS : PST_ADDR_ENFORCE_INGRESS;
	const struct pst_device *device = find_device(skb);
	const struct pst_addr_value *v;

	if (!device || !device->is_checked)
		return SKB_PASS;
	v = pst_addr_find(config->generation % PST_GEN_SLOTS, device->own[0]);
	if (!v || !(v->flags & (enforced | enforced << AUDIT_OF_ENFORCE)) || is_for_bridge(skb))
		return SKB_PASS;
	if (v->flags & enforced << AUDIT_OF_ENFORCE) {
		pst_count_audited(PST_REASON_UNSUPPORTED, p->direction);
		return SKB_PASS;
	}
	__builtin_memcpy(out ? p->h.src : p->h.dst, device->own[0], sizeof(p->h.src));
	return drop(skb, p, config, PST_REASON_UNSUPPORTED);
}

struct ip_option_scan {
	struct __sk_buff *skb;
	__u32 off, end;
	__u32 found;
};

PST_CALLBACK long next_ip_option(__u32 i, void *ctx)
{
	struct ip_option_scan *s = ctx;
	__u8 opt[2] = {0, 0};

	(void)i;
	if (s->off >= s->end || bpf_skb_load_bytes(s->skb, s->off, opt, 1) ||
	    opt[0] == IP_OPTION_END)
		return 1;
	if (opt[0] == IP_OPTION_NOP) {
		s->off++;
		return 0;
	}
	s->found |= opt[0] == IP_OPTION_LSRR || opt[0] == IP_OPTION_SSRR;
	if (s->found || bpf_skb_load_bytes(s->skb, s->off, opt, sizeof(opt)) || opt[1] < 2)
		return 1;
	s->off += opt[1];
	return 0;
}

/* Has P options of IPv4 that send it on from where it goes first? (Of IPv6: pst_read_ipv6().) */
PST_OUTLINE int has_source_route(struct __sk_buff *skb, const struct packet *p)
{
	struct ip_option_scan s = {
		.skb = skb, .off = ETH_HLEN + sizeof(struct iphdr), .end = p->h.transport};

	if (skb->protocol != bpf_htons(ETH_P_IP) || s.off >= s.end)
		return 0;
	bpf_loop(MAX_IP_OPTIONS, next_ip_option, &s, 0);
	return s.found;
}
