/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the compiler, the daemon and the kernel programs agree on: keys and values of maps, the
 * packed tables, events, limits. Only fixed-width integers; sizes are asserted; a change of meaning
 * raises PST_ABI_VERSION.
 *
 * Generations. Everything that makes up one policy carries the slot of its generation (generation
 * number modulo PST_GEN_SLOTS). The daemon fills an unused slot, verifies it, and publishes it by
 * one write to struct pst_config. A flow remembers its generation and looks again at the next
 * request boundary.
 *
 * Tables. All automata of a generation live in one value of an array map, struct pst_table, so that
 * the walker does one map lookup per head. A state is its row, a number below PST_CELLS; row 0 is
 * the dead state of every automaton. Rows lie over each other like combs: what row R says of column
 * C is in cells[R + C], if there is anything, and the cell names its column in its highest byte. No
 * two states have the same row, so the column tells whose cell it is: the owner of cells[X] is X
 * minus the column. A cell that is 0 belongs to nobody.
 *
 *	column 0, PST_COLUMN_ELSE	the next row for classes without a cell; without it 0
 *	column 1, PST_COLUMN_TAGS	the index of the state's tag set; without it none
 *	column 2 + class		the next row, which may be 0
 *
 * classes[] holds 2 + class already. The walk is in bpf/dfa.h, why it is so in
 * docs/decisions/0011-rows-like-combs.md.
 *
 * A cell that leads to a row where each byte from 0x21 to 0x7e leads to that row again may say so
 * (PST_CELL_LOOPS): behind `/api/.*` a target goes on for long, and whoever knows this need not
 * walk. Rows at which automata start do not say it.
 *
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d. Ports and sequence numbers in structures are host
 * order unless called be.
 */

#include <linux/types.h>

#define PST_ABI_VERSION 9

enum {
	PST_GEN_SLOTS = 4,	   /* generations alive at once */
	PST_CELLS = 1 << 20,	   /* u32 cells per generation: 4 MiB */
	PST_CELL_SPARE = 256,	   /* never used, but read behind the last rows */
	PST_CLASS_BYTES = 1 << 16, /* 256 automata per generation */
	PST_TAGS = 1 << 14,	   /* distinct tag sets per generation */
	PST_RULESETS = 1 << 10,	   /* rule sets per generation */
	PST_ADDR_ENTRIES = 1 << 16,
	PST_POLICY_ENTRIES = 1 << 17,
	PST_CELL_MASK = PST_CELLS - 1,
	PST_CELL_LOOPS = 1 << 23, /* above the row: all of these bytes lead from it to itself */
	PST_LOOP_FIRST = 0x21,
	PST_LOOP_LAST = 0x7e,
	PST_ROW_MASK = PST_CELL_MASK | PST_CELL_LOOPS,
	PST_CLASS_MASK = PST_CLASS_BYTES - 1,
	PST_TAG_MASK = PST_TAGS - 1,
	PST_RULESET_MASK = PST_RULESETS - 1,
};

/* A cell: row or tag index, and the column above it. */
enum {
	PST_COLUMN_ELSE = 0,
	PST_COLUMN_TAGS = 1,
	PST_COLUMN_CLASS = 2, /* of class 0 */
	PST_COLUMNS = 256,
	PST_COLUMN_SHIFT = 24,
};

/* Limits of a request (interfaces.md F.1); over each a named reason. */
enum {
	PST_MAX_HEAD = 64 * 1024,
	PST_MAX_FIELDS = 128,
	PST_MAX_TARGET = 16 * 1024,
	PST_MAX_METHOD = 32,
	PST_MAX_CHUNK_EXT = 16 * 1024, /* all chunk extensions of a request together */
};

enum pst_dir {
	PST_DIR_INGRESS = 0,
	PST_DIR_EGRESS = 1,
};

/* Cilium's reserved identities that postern itself uses. Local ones start at PST_ID_LOCAL. */
enum {
	PST_ID_ANY = 0, /* in policy keys only: any peer without entries of its own */
	PST_ID_HOST = 1,
	PST_ID_WORLD = 2,
	PST_ID_REMOTE_NODE = 6,
	PST_ID_KUBE_APISERVER = 7,
	PST_ID_LOCAL = 256,
	PST_ID_SCOPE_SHIFT = 24,
	PST_ID_SCOPE_NODES = 2, /* above it: nodes with labels of their own */
};

enum pst_verdict {
	PST_VERDICT_DENY = 0,
	PST_VERDICT_ALLOW = 1,
	PST_VERDICT_JUDGE = 2, /* HTTP rules: rule set in .ruleset */
	PST_VERDICT_FALLBACK =
		3, /* HTTP rules for the userspace proxy: denied where it is not there */
	PST_VERDICT_AUDIT = 4, /* JUDGE, but what is denied is only reported; never in a map */
};

enum pst_addr_flag {
	PST_ADDR_ENDPOINT = 1 << 0,	   /* may be the subject of policy */
	PST_ADDR_ENFORCE_INGRESS = 1 << 1, /* what no entry allows is denied */
	PST_ADDR_ENFORCE_EGRESS = 1 << 2,
	PST_ADDR_HOST = 1 << 3,		 /* the node's own address */
	PST_ADDR_AUDIT_INGRESS = 1 << 4, /* what ENFORCE_INGRESS denies is only reported */
	PST_ADDR_AUDIT_EGRESS = 1 << 5,
};

/* LPM: slot (32 bits), then address. A miss is the world. */
struct pst_addr_key {
	__u32 prefixlen;
	__u32 slot;
	__u8 addr[16];
};

struct pst_addr_value {
	__u32 identity;
	__u32 flags; /* enum pst_addr_flag */
};

/*
 * LPM: slot, subject, peer, direction, protocol, port. prefixlen is PST_POLICY_STATIC_BITS for
 * "every protocol and port", + 8 for "every port of the protocol", + 8 + n for the port block given
 * by its n leading bits. The compiler has folded everything: the longest match is the whole answer
 * for that peer.
 *
 * A peer identity with entries of its own always has one with PST_POLICY_STATIC_BITS, so that its
 * lookup never misses; only a peer without any entry of its own is looked up again as PST_ID_ANY. A
 * miss there: default deny when the subject enforces that direction, else allow.
 */
enum { PST_POLICY_STATIC_BITS = 13 * 8 };

struct pst_policy_key {
	__u32 prefixlen;
	__u32 slot;
	__u32 subject;
	__u32 peer;
	__u8 direction; /* enum pst_dir */
	__u8 protocol;	/* IANA number */
	__u8 port_be[2];
};

enum { PST_POLICY_AUDIT = 1 << 1 }; /* what the entry denies is only reported */

struct pst_policy_value {
	__u8 verdict;	/* enum pst_verdict */
	__u8 deny_rule; /* 1: DENY by a deny rule, 0: by default; or that and PST_POLICY_AUDIT */
	__u16 ruleset;	/* for JUDGE and FALLBACK */
	__u32 rule;	/* index of the deciding L3/L4 rule in the bundle's rule list, ~0: none */
};

/* Automata of a rule set, in this order. */
enum pst_field {
	PST_FIELD_METHOD,
	PST_FIELD_PATH,
	PST_FIELD_HOST,
	PST_FIELD_MAX,
};

enum {
	PST_HEADER_SLOTS = 8, /* distinct fields that the rules of a set may ask for */
	PST_PATH_PARTS = 4,   /* automata that the paths of a set may be divided among */
	PST_PATH_MORE = PST_PATH_PARTS - 1,
};

/*
 * A request is allowed when the intersection of the tags of all fields and slots is not empty. Tags
 * are over the distinct combinations of conditions (compiler/ruleset.h), at most 64 in one rule
 * set.
 *
 * The automaton of names gives for each field a number: an enum pst_header, and 1 + the slot of the
 * field at PST_HEADER_SLOT_SHIFT when rules ask for it (compiler/header.h). Slots from n_slots on
 * are zero.
 *
 * Paths whose one automaton would be over the budget are divided among several: the tags of the
 * path are then the union of what PST_FIELD_PATH and the further automata say. Those from
 * n_more_paths on are zero.
 */
struct pst_ruleset {
	__u64 absent[PST_FIELD_MAX]; /* tags of the field when the request does not have it */
	__u64 slot_absent[PST_HEADER_SLOTS]; /* the same of slots */
	__u32 start[PST_FIELD_MAX];	     /* row */
	__u32 classes[PST_FIELD_MAX];	     /* offset of 256 bytes in classes[] */
	__u32 name_start, name_classes;
	__u32 slot_start[PST_HEADER_SLOTS];
	__u32 slot_classes[PST_HEADER_SLOTS];
	__u32 n_slots;
	__u32 n_more_paths;
	__u32 more_path_start[PST_PATH_MORE];
	__u32 more_path_classes[PST_PATH_MORE];
};

struct pst_table {
	__u32 abi_version;
	__u32 generation;
	__u32 n_cells, n_class_bytes, n_tags, n_rulesets;
	/* Field names of responses: the tag of an accepting state is an enum pst_header. */
	__u32 name_start;
	__u32 name_classes;
	struct pst_ruleset rulesets[PST_RULESETS];
	__u64 tags[PST_TAGS];
	__u8 classes[PST_CLASS_BYTES];
	__u32 cells[PST_CELLS + PST_CELL_SPARE];
};

/* Fields that the recogniser itself must know; the tag in the name automaton. */
enum pst_header {
	PST_HEADER_OTHER = 0,
	PST_HEADER_HOST = 1,
	PST_HEADER_CONTENT_LENGTH = 2,
	PST_HEADER_TRANSFER_ENCODING = 3,
	PST_HEADER_UPGRADE = 4,
	PST_HEADER_ALIAS = 5, /* content_length, transfer_encoding: see PST_REASON_FIELD_ALIAS */
	PST_HEADER_CONNECTION = 6,
	PST_HEADER_EXPECT = 7,
	PST_HEADER_JUDGED_ALIAS = 8, /* x_role where rules ask for x-role */
	PST_HEADER_MAX,
	PST_HEADER_SLOT_SHIFT = 8,
	PST_HEADER_MASK = (1 << PST_HEADER_SLOT_SHIFT) - 1,
};

#define PST_STATIC_ASSERT(cond, text) _Static_assert(cond, text)

PST_STATIC_ASSERT(sizeof(struct pst_addr_key) == 24, "no padding in LPM keys");
PST_STATIC_ASSERT(sizeof(struct pst_addr_value) == 8, "addr value");
PST_STATIC_ASSERT(sizeof(struct pst_policy_key) == 20, "no padding in LPM keys");
PST_STATIC_ASSERT(sizeof(struct pst_policy_value) == 8, "policy value");
PST_STATIC_ASSERT(sizeof(struct pst_ruleset) == 216, "rule set");
PST_STATIC_ASSERT((PST_CELLS & PST_CELL_MASK) == 0, "masks need powers of two");
PST_STATIC_ASSERT(PST_CELLS <= PST_CELL_LOOPS, "a row fits below what is said of it");
PST_STATIC_ASSERT((int)PST_CELL_LOOPS < 1 << PST_COLUMN_SHIFT, "and that below the column");
PST_STATIC_ASSERT(PST_TAGS <= 1 << PST_COLUMN_SHIFT, "a tag index fits below the column");
PST_STATIC_ASSERT(PST_CELL_SPARE >= 1 << 8, "no column of the last row is outside");

/* Switches of the daemon; one element, written by user space only. */
enum pst_config_flag {
	PST_CONFIG_EVENTS_ALL = 1 << 0, /* events for allowed requests as well */
	PST_CONFIG_OLD_SOCKETS_PASS =
		1 << 1,		      /* connections older than the daemon pass until closed */
	PST_CONFIG_COURTESY = 1 << 2, /* answer denied requests at a local sender, in the kernel */
	PST_CONFIG_ANY_FORM = 1 << 3, /* paths need not be in normal form: judged as they stand */
	PST_CONFIG_AUDIT = 1 << 4,    /* nothing is denied, what would be is reported */
};

struct pst_config {
	__u32 generation; /* the published one; 0: none yet, everything of an endpoint is dropped */
	__u32 flags;	  /* enum pst_config_flag */
	/* Cookies of the daemon's raw sockets: what they send is the daemon's answer to a denied
	 * request. */
	__u64 own_sockets[2];
};

/* What the daemon is asked to do about a denial. */
enum pst_request {
	PST_REQUEST_NONE,   /* for information */
	PST_REQUEST_INJECT, /* answer with a 403 in the server's name, then end the connection */
	PST_REQUEST_KILL,   /* destroy the socket */
	PST_REQUEST_DEFER,  /* answers are outstanding: wait for another request, not for ever */
	PST_REQUEST_RELAY,  /* send the server head[], in the client's name, from seq on */
};

enum pst_layer {
	PST_LAYER_L3L4,
	PST_LAYER_L7,
	PST_LAYER_ANSWER, /* of a server to an allowed request */
};

enum pst_outcome {
	PST_OUTCOME_DENIED,
	PST_OUTCOME_ALLOWED,
	PST_OUTCOME_AUDITED, /* would have been denied, for the event's reason, and has passed */
};

enum {
	PST_EVENT_HEAD = 512,	/* bytes of a head that an event carries: a power of two */
	PST_EVENT_OPTIONS = 40, /* TCP options of the denied packet */
	PST_RELAY_PARTS = 64,	/* events, of PST_EVENT_HEAD bytes each, before a denied request */
};

/*
 * One verdict, through the ring buffer. Addresses are those of the connection: client first. Bytes
 * of the head are an attacker's: escape them.
 */
struct pst_event {
	__u64 time_ns;	    /* CLOCK_MONOTONIC */
	__u64 netns_cookie; /* of the judged socket; 0: unknown */
	__u64 socket_cookie;
	__u32 generation;
	__u32 subject, peer;
	__u32 rule;	/* L3/L4 rule, ~0: none */
	__u32 seq, ack; /* of the denied packet */
	__u32 payload;
	__u16 ruleset;
	__u16 client_port, server_port;
	__u16 head_len; /* valid bytes in head[] */
	__u8 client[16], server[16];
	__u8 layer;	/* enum pst_layer */
	__u8 direction; /* enum pst_dir */
	__u8 protocol;
	__u8 outcome;  /* enum pst_outcome */
	__u8 reason;   /* enum pst_reason */
	__u8 request;  /* enum pst_request */
	__u8 answered; /* 1: the sender has got its 403 in the kernel */
	__u8 options_len;
	__u8 again;   /* the denied bytes were repeated: nothing new, but the answer may have been
			 lost */
	__u8 is_head; /* the denied request is a HEAD: its answer has no body */
	__u16 status; /* of an answer */
	__u16 window; /* of the packet, as it stands there; for RELAY */
	__u32 latency_us; /* from the request to the end of its answer */
	__u32 number;	  /* of the request on its connection, from 0 */
	/* SPOOFED_SOURCE: an address of the pod that has sent the packet, whose identity is the
	 * subject's; else zeros. */
	__u8 sender[16];
	__u8 options[PST_EVENT_OPTIONS];
	__u8 head[PST_EVENT_HEAD];
};
PST_STATIC_ASSERT(sizeof(struct pst_event) % 8 == 0, "no hidden padding at the end");

enum {
	PST_RING_BYTES = 1 << 22,
	PST_EXCHANGE_ENTRIES = 1 << 16, /* connection-less exchanges remembered */
	PST_COURTESY_SOCKETS = 1 << 16,
};

/* An exchange without connection (UDP, ICMP echo), seen from the endpoint. */
struct pst_exchange_key {
	__u8 local[16], remote[16];
	__u16 local_port, remote_port;
	__u8 protocol;
	__u8 direction; /* who began: enum pst_dir */
	__u16 device;	/* by which the peer has begun; 0: the endpoint has */
};

/* What is behind a device: a network namespace, by its id in the daemon's. */
struct pst_device {
	__s32 netns;
	__u32 is_checked; /* all that the pod there may send from is known */
	__u8 own[2][16];  /* some of that, zeros where there is none; told by the first */
};

/* An address that a namespace may send from. */
struct pst_home_key {
	__s32 netns;
	__u8 addr[16];
};
enum { PST_HOME_ENTRIES = 1 << 15 };

/* A client socket in the courtesy map. */
struct pst_socket_key {
	__u64 netns_cookie;
	__u8 local[16], remote[16];
	__u32 local_port, remote_port;
};

/* What a socket of the userspace proxy is for; only the daemon can say so (bpf/proxy.bpf.h). */
enum pst_ours {
	PST_OURS_LISTENER = 1, /* and what it accepts: the client's connection ends here */
	PST_OURS_LEG = 2,      /* goes to the server in a client's place */
};

enum { PST_HTTP2_SERVERS = 1 << 10 }; /* at which a preface of HTTP/2 has come */
enum { PST_LEGS = 1 << 14 };	      /* on their way to their server at once */
enum { PST_ORIGINS = 1 << 16 };	      /* connections on their way to the proxy at once */
enum { PST_PLACES = 1 << 12 };	      /* network namespaces with a listener of the proxy's */

/* A leg as its server sees it before it knows better. Address and namespace are the server's, too.
 */
struct pst_leg_key {
	__u64 netns_cookie;
	__u8 addr[16];
	__u16 port, server_port;
	__u8 pad[4];
};

/* One end of a connection. */
struct pst_end {
	__u8 addr[16];
	__u16 port;
	__u8 pad[6];
};

/* What an application is told of its connection, where the proxy is in between. Port 0: what its
 * socket says is true. */
struct pst_ends {
	struct pst_end peer, local;
};

/* Where the proxy listens in a network namespace, by family. Zeros: not there. */
enum { PST_PLACE_V4, PST_PLACE_V6, PST_PLACE_FAMILIES };
struct pst_place {
	/* What connects without a bind() comes from there; unknown where there are several. */
	__u8 addr[PST_PLACE_FAMILIES][16];
	__u16 port[PST_PLACE_FAMILIES]; /* of the listener, on the loopback */
	__u8 pad[4];
};
PST_STATIC_ASSERT(sizeof(struct pst_device) == 40, "no padding");
PST_STATIC_ASSERT(sizeof(struct pst_home_key) == 20, "no padding in keys of hashes");
PST_STATIC_ASSERT(sizeof(struct pst_leg_key) == 32, "no padding in keys of hashes");
PST_STATIC_ASSERT(sizeof(struct pst_end) == 24, "no padding");
PST_STATIC_ASSERT(sizeof(struct pst_place) == 40, "no padding");
