/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The bytes of heads and of chunk framing that have been judged, kept until TCP has taken them.
 *
 * TCP may drop a packet that the judge has passed. The peer repeats it, with other boundaries and
 * perhaps with other bytes, and the server must read what was judged: so a repeat of framing bytes
 * is compared with them (docs/decisions/0012).
 *
 * One ring of slots for all connections. Who keeps up to 64 bytes takes the next slot, and the slot
 * holds where in the stream they stood and which slot its flow took before: the flow itself
 * remembers its newest slot only and pays nothing while it is idle. Nobody gives a slot back: it is
 * overwritten when the ring has come round. A reader finds out by reading the number of slots taken
 * after the bytes: a writer counts first and writes then. One that is held up in between, while the
 * ring comes round, spoils the slot of a later one: so a slot says which lap its bytes are from.
 * What may have been overwritten proves nothing.
 *
 * Slots are taken in groups, and a flow whose kept bytes TCP has taken fills its group anew. A
 * connection that asks again and again so stays on the same few lines of a cache, where going
 * through the ring costs a miss for each; and the ring comes round for new connections only. A
 * group that is old is left alone: what is kept there would soon be overwritten.
 *
 * The ring has shards, one per group of processors, so that they do not wait for each other's
 * counter. Who includes this file says where they are and which one is his:
 *
 *	static struct pst_raw *pst_raw_shard(__u32 shard);	NULL: none
 *	static __u32 pst_raw_here(void);			0 .. PST_RAW_SHARDS - 1
 */

#include "bpf/flow.h"
#include "bpf/ruling.h"

enum {
	PST_RAW_SHARD_BITS = 2,
	PST_RAW_SHARDS = 1 << PST_RAW_SHARD_BITS,
	PST_RAW_SLOT_BITS = 15,
	PST_RAW_SLOTS = 1 << PST_RAW_SLOT_BITS, /* per shard */
	PST_RAW_GROUP = 4,			/* slots taken at once: a usual head */
	PST_RAW_YOUNG = PST_RAW_SLOTS / 4,	/* a group that is older is not filled any more */
	/*
	 * Slots looked at for one packet. So many are kept and not taken at most: PST_RAW_AHEAD,
	 * and what one more packet holds, which is 64 KiB in chunks of one byte.
	 */
	PST_RAW_WALK = 12 << 10,
	PST_RAW_AHEAD = 1 << 10, /* as many as the longest head */
};

struct pst_raw_slot {
	__u64 before; /* the flow's slot before this one; 0: none */
	__u32 seq;    /* of the first byte */
	__u16 len;
	__u16 lap; /* how often the ring has come round */
	struct pst_http_bytes bytes;
};
PST_STATIC_ASSERT(sizeof(struct pst_raw_slot) == 80, "no padding");

struct pst_raw {
	__u64 taken; /* slots, ever: whole groups */
	__u64 pad[7];
	struct pst_raw_slot slots[PST_RAW_SLOTS];
	struct pst_http_bytes end; /* a compared word may reach beyond the last slot */
};

static struct pst_raw *pst_raw_shard(__u32 shard);
static __u32 pst_raw_here(void);

/*
 * A slot's name is its number in its shard, and the shard. In a flow, with this bit: nothing is
 * kept, but the slot's group is the flow's.
 */
static const __u64 pst_raw_none = 1ULL << 63;

/* The newest slot that F keeps bytes in; 0: none. */
PST_INLINE __u64 pst_raw_newest(const struct pst_flow *f)
{
	return f->raw_last & pst_raw_none ? 0 : f->raw_last;
}

/* TCP has taken all that F keeps. */
PST_INLINE void pst_raw_forget(struct pst_flow *f)
{
	if (f->raw_last)
		f->raw_last |= pst_raw_none;
}

/* How many slots RAW, which has given out TAKEN, has given out since the group of slot NUMBER. */
PST_INLINE __u64 pst_raw_age(__u64 taken, __u64 number)
{
	return taken - (number & ~(__u64)(PST_RAW_GROUP - 1));
}

/* The name of the slot that F has room in, behind its newest; 0: none. */
PST_INLINE __u64 pst_raw_room(const struct pst_flow *f)
{
	__u64 number = (f->raw_last & ~pst_raw_none) >> PST_RAW_SHARD_BITS;
	__u32 shard = f->raw_last & (PST_RAW_SHARDS - 1);
	const struct pst_raw *raw = pst_raw_shard(shard);

	if (!number || !raw || pst_raw_age(raw->taken, number) >= PST_RAW_YOUNG)
		return 0;
	if (f->raw_last & pst_raw_none)
		number &= ~(__u64)(PST_RAW_GROUP - 1);
	else if (!(++number & (PST_RAW_GROUP - 1)))
		return 0;
	return number << PST_RAW_SHARD_BITS | shard;
}

/* The name of the first slot of a group that is nobody's, or no longer is; 0: there is no ring. */
PST_INLINE __u64 pst_raw_take(void)
{
	__u32 shard = pst_raw_here() & (PST_RAW_SHARDS - 1);
	struct pst_raw *raw = pst_raw_shard(shard);

	if (!raw)
		return 0;
	return (__sync_fetch_and_add(&raw->taken, PST_RAW_GROUP) + PST_RAW_GROUP)
		       << PST_RAW_SHARD_BITS |
	       shard;
}

/* Keeps the first N of BYTES, which stand at SEQ of F's stream. False: there is no ring. */
PST_OUTLINE int pst_raw_keep(struct pst_flow *f, __u32 seq, const struct pst_http_bytes *bytes,
			     __u32 n)
{
	__u64 name = pst_raw_room(f), number;
	struct pst_raw_slot *slot;
	struct pst_raw *raw;

	if (!name)
		name = pst_raw_take();
	raw = pst_raw_shard(name & (PST_RAW_SHARDS - 1));
	if (!name || !raw)
		return 0;
	number = name >> PST_RAW_SHARD_BITS;
	slot = &raw->slots[number & (PST_RAW_SLOTS - 1)];
	slot->before = pst_raw_newest(f);
	slot->seq = seq;
	slot->len = (__u16)n;
	slot->bytes = *bytes;
	slot->lap = (__u16)(number >> PST_RAW_SLOT_BITS);
	/* At a client others look (bpf/tc.bpf.c): who sees the name must see the slot. */
	if (f->role == PST_ROLE_CLIENT)
		__sync_lock_test_and_set(&f->raw_last, name);
	else
		f->raw_last = name;
	f->kept_since++;
	return 1;
}

/*
 * Slots whose bytes TCP may not have, now that it has ACCEPTED: not fewer than there are. A mark
 * goes through the stream, and counts begin anew where it stood and where it stands.
 */
PST_INLINE __u32 pst_raw_ahead(struct pst_flow *f, __u32 accepted)
{
	__u32 all = pst_seq_diff(accepted, f->framed) >= 0;

	if (all || pst_seq_diff(accepted, f->mark) >= 0) {
		f->kept_before = all ? 0 : f->kept_since;
		f->kept_since = 0;
		f->mark = f->framed;
	}
	return (__u32)f->kept_before + f->kept_since;
}

enum pst_proof_result {
	PST_PROOF_NONE, /* it may be the same, it may be not */
	PST_PROOF_SAME,
	PST_PROOF_DIFFERS,
};

/* Is what SRC holds for START .. END of the stream what was kept? */
struct pst_proof {
	const struct pst_src *src;
	__u64 slot; /* the next to look at */
	__u32 start, end;
	__u32 off; /* where START is in the source */
	__u32 result;
};

/*
 * Which bits of word I count among N bytes: element N + 56 - 8 * I, the first byte highest. A
 * table, because 6.1 follows each way through a comparison per word to its end.
 */
static const __u64 pst_raw_mask[128] = {
	[57] = 0xff00000000000000, [58] = 0xffff000000000000, [59] = 0xffffff0000000000,
	[60] = 0xffffffff00000000, [61] = 0xffffffffff000000, [62] = 0xffffffffffff0000,
	[63] = 0xffffffffffffff00, [64 ... 127] = ~0ULL,
};

/* Do the first N (1 .. PST_HTTP_CHUNK) bytes at A and in B differ? */
PST_INLINE int pst_raw_differs(const __u8 *a, const struct pst_http_bytes *b, __u32 n)
{
	__u64 differs = 0;

	pst_opaque(n);
	PST_UNROLL
	for (__u32 i = 0; i < PST_HTTP_CHUNK / 8; i++)
		differs |= pst_be64(pst_load64(a + 8 * i) ^ b->words[i]) &
			   pst_raw_mask[(n + 56 - 8 * i) & 127];
	return differs != 0;
}

/*
 * The part of the packet that SLOT holds. Its numbers are checked here and believed by nobody: the
 * slot may be somebody else's by now, which the caller finds out.
 */
PST_INLINE __u32 pst_proof_slot(const struct pst_proof *p, const struct pst_raw_slot *slot)
{
	__u32 from = slot->seq, to = from + slot->len, skip, n;
	struct pst_http_bytes bytes = {0};

	if (pst_seq_diff(p->start, from) > 0)
		from = p->start;
	if (pst_seq_diff(p->end, to) < 0)
		to = p->end;
	if (pst_seq_diff(to, from) <= 0)
		return PST_PROOF_SAME; /* beyond the packet */
	n = to - from;
	skip = from - slot->seq;
	if (n > PST_HTTP_CHUNK || skip >= PST_HTTP_CHUNK)
		return PST_PROOF_NONE;
	if (pst_src_load(p->src, p->off + (from - p->start), (__u8 *)bytes.words, n))
		return PST_PROOF_NONE;
	pst_opaque(skip);
	skip &= PST_HTTP_CHUNK - 1;
	return pst_raw_differs((const __u8 *)slot->bytes.words + skip, &bytes, n)
		       ? PST_PROOF_DIFFERS
		       : PST_PROOF_SAME;
}

/* Looks at one slot, from the newest to the oldest. */
PST_CALLBACK long pst_proof_turn(__u32 i, void *ctx)
{
	struct pst_proof *p = ctx;
	struct pst_raw *raw = pst_raw_shard(p->slot & (PST_RAW_SHARDS - 1));
	__u64 number = p->slot >> PST_RAW_SHARD_BITS, before;
	const struct pst_raw_slot *slot;
	__u32 found, seq;

	(void)i;
	if (!p->slot)
		p->result = PST_PROOF_SAME; /* nothing older was kept: TCP has taken it */
	if (!p->slot || !raw)
		return 1;
	slot = &raw->slots[number & (PST_RAW_SLOTS - 1)];
	found = pst_proof_slot(p, slot);
	before = slot->before;
	seq = slot->seq;
	if (slot->lap != (__u16)(number >> PST_RAW_SLOT_BITS))
		return 1;
	/* An addition, because it is ordered behind the reads. */
	if (pst_raw_age(__sync_fetch_and_add(&raw->taken, 0), number) >= PST_RAW_SLOTS)
		return 1;
	/* What is older than the packet's beginning is not asked for, and may be overwritten. */
	if (found == PST_PROOF_SAME && pst_seq_diff(seq, p->start) > 0) {
		p->slot = before;
		return 0;
	}
	p->result = found;
	return 1;
}

/*
 * Are the bytes of SRC from OFF on, START .. END of F's stream, what was judged? Only framing was
 * kept: of bodies nothing has to be proven.
 */
PST_INLINE __u32 pst_proof_of(const struct pst_flow *f, const struct pst_src *src, __u32 off,
			      __u32 start, __u32 end)
{
	struct pst_proof p = {
		.src = src, .slot = pst_raw_newest(f), .start = start, .end = end, .off = off};

	pst_loop(PST_RAW_WALK, pst_proof_turn, &p);
	return p.result;
}
