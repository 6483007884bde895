/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What a pod sends from an address that is not its own must not be taken for another's. Only at the
 * host's side of it is it known who has sent it: by the device (docs/decisions/0036).
 */

#include "bpf/device.bpf.h"

enum {
	ARP_SENDER = 14, /* offset of its address of IPv4 */
	ARP_TARGET = 24,
	ADVERTISED = 8, /* offset of the address that an advertisement is about */
	ICMP_REDIRECT = 5,
	ICMPV6_ROUTER = 134, /* advertisement */
	ICMPV6_REDIRECT = 137,
	VXLAN_PORT = 4789,
	VXLAN_OLD_PORT = 8472, /* of Linux, and of most networks of pods */
	GENEVE_PORT = 6081,
	IPPROTO_MPLS_IN_IP = 137,
};

/* Who may send from which address. Filled by the daemon, and adopted by the next one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PST_HOME_ENTRIES);
	__type(key, struct pst_home_key);
	__type(value, __u8);
} pst_homes SEC(".maps");

/* Is ADDR of a pod or a node, wherever that is? Policies know these by more than their address. */
static __always_inline int is_somebodys(const __u8 addr[16], const struct pst_config *config)
{
	const struct pst_addr_value *v = pst_addr_find(config->generation % PST_GEN_SLOTS, addr);

	return v && (v->flags & (PST_ADDR_ENDPOINT | PST_ADDR_HOST) ||
		     v->identity >> PST_ID_SCOPE_SHIFT == PST_ID_SCOPE_NODES ||
		     v->identity == PST_ID_REMOTE_NODE || v->identity == PST_ID_KUBE_APISERVER);
}

/*
 * Does the pod behind DEVICE use ADDR, which is somebody else's? An address that nobody has, as
 * pods that route for others use, is none.
 */
static __always_inline int is_anothers(const struct pst_device *device, const __u8 addr[16],
				       const struct pst_config *config)
{
	struct pst_home_key key = {.netns = device->netns};

	if (pst_same_addr(addr, device->own[0]) || pst_same_addr(addr, device->own[1]))
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return !bpf_map_lookup_elem(&pst_homes, &key) && is_somebodys(addr, config);
}

/* Told with the pod that has sent it as the subject, and the address that it has used as source. */
static __always_inline void tell_spoofed(struct __sk_buff *skb, const struct packet *p,
					 const struct pst_config *config,
					 const struct pst_device *device)
{
	__u32 slot = config->generation % PST_GEN_SLOTS;
	const struct pst_addr_value *v;
	struct pst_event *e = report_begin(skb, p, PST_ROLE_CLIENT);

	if (!e)
		return;
	v = pst_addr_find(slot, device->own[0]);
	e->subject = v ? v->identity : PST_ID_ANY;
	v = pst_addr_find(slot, p->h.dst);
	e->peer = v ? v->identity : PST_ID_WORLD;
	e->generation = config->generation;
	e->rule = ~0U;
	e->reason = PST_REASON_SPOOFED_SOURCE;
	e->layer = PST_LAYER_L3L4;
	if (pst_is_audit())
		e->outcome = PST_OUTCOME_AUDITED;
	__builtin_memcpy(e->sender, device->own[0], sizeof(e->sender));
	bpf_ringbuf_submit(e, 0);
}

/* What becomes of P, which the pod behind DEVICE has sent as somebody else. */
static __always_inline int drop_spoofed(struct __sk_buff *skb, const struct packet *p,
					const struct pst_config *config,
					const struct pst_device *device)
{
	if (pst_told_is_news(told, skb->ifindex, PST_REASON_SPOOFED_SOURCE, bpf_ktime_get_ns()))
		tell_spoofed(skb, p, config, device);
	return verdict(PST_REASON_SPOOFED_SOURCE, PST_DIR_EGRESS, SKB_DROP);
}

/* Does P tell its receivers to send elsewhere what is for others? */
static __always_inline int is_route(const struct packet *p)
{
	__u32 type = p->h.icmp_type;

	if (p->h.protocol == IPPROTO_ICMP)
		return type == ICMP_REDIRECT;
	return p->h.protocol == IPPROTO_ICMPV6 &&
	       (type == ICMPV6_ROUTER || type == ICMPV6_REDIRECT);
}

/* Is P what a tunnel unpacks that needs no key, and asks nobody whether it has sent what is inside?
 */
static __always_inline int is_tunnel(const struct packet *p)
{
	switch (p->h.protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
	case IPPROTO_GRE:
	case IPPROTO_MPLS_IN_IP:
		return 1;
	case IPPROTO_UDP:
		return p->h.dst_port == VXLAN_PORT || p->h.dst_port == VXLAN_OLD_PORT ||
		       p->h.dst_port == GENEVE_PORT;
	default:
		return 0;
	}
}

/*
 * Does P, that a pod has sent from an address of its own, bring somebody to take what is another's
 * for its own, or the other way round? Whose device unpacks a tunnel that does not end in a pod is
 * not known: its node's, by a broadcast, too. The first fragment decides for the others.
 */
static __always_inline int is_pretence(const struct packet *p, const struct pst_config *config)
{
	if (p->h.fragment & PST_FRAGMENT_LATER)
		return 0;
	return is_route(p) || (is_tunnel(p) && !is_endpoint(p->h.dst, config));
}

/* What becomes of P, as far as it matters that its sender uses P's source. */
PST_OUTLINE int on_source(struct __sk_buff *skb, const struct packet *p,
			  const struct pst_config *config)
{
	const struct pst_device *device = find_device(skb);

	if (!device || !device->is_checked ||
	    (!is_anothers(device, p->h.src, config) && !is_pretence(p, config)))
		return SKB_PASS;
	return drop_spoofed(skb, p, config, device);
}

/*
 * Is P, which is on its way into a pod, for another one? A bridge sends there what is for a MAC
 * address that it has seen there, whoever has used that, or that it has not seen for a while.
 */
PST_OUTLINE int is_for_another(struct __sk_buff *skb, const struct packet *p,
			       const struct pst_config *config)
{
	const struct pst_device *device = find_device(skb);

	return device && device->is_checked && is_anothers(device, p->h.dst, config);
}

/* Who answers for another's address gets what is sent there. An address of 0 asks for it only. */
static __always_inline int on_arp(struct __sk_buff *skb, struct packet *p,
				  const struct pst_config *config)
{
	__u8 sender[4], target[4];

	if (bpf_skb_load_bytes(skb, ETH_HLEN + ARP_SENDER, sender, sizeof(sender)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + ARP_TARGET, target, sizeof(target)))
		return SKB_PASS; /* no address of IPv4 in it */
	pst_map_v4(p->h.src, sender);
	pst_map_v4(p->h.dst, target);
	return on_source(skb, p, config);
}

/* The same over IPv6: an advertisement is about an address that need not be its source. */
static __always_inline int on_advertisement(struct __sk_buff *skb, struct packet *p,
					    const struct pst_config *config)
{
	if (bpf_skb_load_bytes(skb, p->h.transport + ADVERTISED, p->h.src, sizeof(p->h.src)))
		return SKB_PASS; /* too short to be one */
	return on_source(skb, p, config);
}

/*
 * Behind one tag of a VLAN the kernel reads a second one, and then IP: from which address that
 * comes is not seen here, and nobody needs it. The first tag has been taken off; a bridge takes it
 * off, too, where it is of the receiver's VLAN.
 */
PST_OUTLINE int on_tag(struct __sk_buff *skb, const struct packet *p,
		       const struct pst_config *config)
{
	const struct pst_device *device = find_device(skb);

	if (!device || !device->is_checked)
		return SKB_PASS;
	return drop_spoofed(skb, p, config, device);
}

static __always_inline int is_tag(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_8021Q) || skb->protocol == bpf_htons(ETH_P_8021AD);
}
