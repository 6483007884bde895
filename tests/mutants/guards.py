# SPDX-License-Identifier: Apache-2.0
"""The guards, and the test that must miss each of them.

A mutant is the tree without one guard: OLD, which stands in FILE exactly once, becomes NEW. TEST fails then, or the
guard is untested. "unit:SUITE/TEST" is a test of bpf/tests, built with the mutant's headers; "e2e:NAME" an end-to-end
test, run with a daemon whose programs are the mutant's. docs/testing.md has the same names in a table. Words NAME=VALUE before the test's
name are put into its environment, so that it tries the one thing that the guard is for.
"""
from dataclasses import dataclass


@dataclass
class Guard:
    name: str
    file: str
    old: str
    new: str
    test: str


CRAFTED = "e2e:t_crafted_segments_gain_nothing"
LEAVING = "e2e:t_pages_that_change_leave_as_judged"
MEMORY = "e2e:t_without_memory_for_state_nothing_passes"
ONE_POLICY = "e2e:t_a_request_is_judged_by_one_policy"
HANDSHAKE = "e2e:t_requests_with_the_handshake"
NOT_TAKEN = ("accepted = p->ordered ? f->judged : p->accepted;\n	__u32 start", "accepted = f->judged;\n	__u32 start")
ITSELF = "e2e:t_sockets_belong_to_where_they_were_made"
SOURCES = "e2e:t_nobody_sends_from_the_address_of_another"
STRAYS = "e2e:t_what_no_socket_sends_is_decided"
ANSWERS = "e2e:t_a_kernel_answers_nobody_who_has_not_asked"
ODD_SOCKETS = "e2e:t_raw_and_multipath_sockets_gain_nothing"

GUARDS = [
    Guard("gate-around-heads", "bpf/judge.h",
          "			return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n"
          "		return pst_ruling(PST_ACTION_DROP, PST_REASON_GAP);\n",
          "			return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n"
          "		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n", CRAFTED),
    Guard("repeats-only-if-identical", "bpf/judge.h",
          "return pst_ruling(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS);",
          "return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);", CRAFTED),
    Guard("a-busy-socket-has-taken-nothing", "bpf/judge.h", *NOT_TAKEN,
          "e2e:t_random_segmentations_gain_nothing E2E_BUSY=1"),
    Guard("an-old-timestamp-takes-nothing", "bpf/judge.h", *NOT_TAKEN,
          f"{CRAFTED} E2E_SCENARIO=another_request_behind_an_old_timestamp"),
    Guard("repeats-only-if-proven", "bpf/judge.h",
          "	default:\n		return pst_ruling(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL);\n",
          "	default:\n		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n",
          "unit:judge_kept/what_was_overwritten_is_not_proven"),
    Guard("not-too-far-ahead", "bpf/judge.h", "	if (pst_judge_too_far(f, p))\n", "	if (0)\n",
          "unit:positions/who_is_too_far_ahead_of_tcp_waits"),
    Guard("no-end-inside-a-head", "bpf/judge.h",
          "return pst_ruling(PST_ACTION_KILL, PST_REASON_HEAD_CUT);",
          "return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);",
          "unit:judge_end/passes_everywhere_but_inside_a_head"),
    Guard("no-end-before-a-repeat", "bpf/judge.h",
          "	if (ahead < 0 && pst_raw_newest(f) && pst_seq_diff(end, f->framed) < 0)\n",
          "	if (0)\n", "unit:judge_end/cuts_nothing_that_tcp_has_lost"),
    Guard("window", "bpf/judge.h",
          "pst_seq_diff(end, accepted) > PST_JUDGE_MAX_WINDOW", "0",
          "unit:positions/the_judge_does_not_run_ahead_of_tcp_beyond_any_window"),
    Guard("accepted-framing-is-forgotten", "bpf/judge.h",
          "	if (f->body_left && pst_seq_diff(accepted, f->framed) >= 0)\n", "	if (0)\n",
          "unit:positions/a_repeated_body_is_not_taken_for_the_head_one_round_before"),
    Guard("only-accepted-framing-is-forgotten", "bpf/judge.h",
          "	if (pst_seq_diff(j->packet->accepted, f->framed) >= 0)\n", "	if (1)\n", "unit:judge_kept/what_tcp_has_not_taken_is_kept_beside_the_next"),
    Guard("old-slots-are-left-alone", "bpf/raw.h",
          "pst_raw_age(raw->taken, number) >= PST_RAW_YOUNG", "0",
          "unit:judge_kept/an_old_group_of_slots_is_left_alone"),
    Guard("upgrade-waits", "bpf/judge.h",
          "		return pst_ruling(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING);\n",
          "		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n",
          "unit:judge/nothing_passes_behind_a_websocket_handshake_until_it_is_answered"),
    Guard("nothing-behind-a-taken-offer", "bpf/judge.h",
          "		return pst_ruling(PST_ACTION_KILL, PST_REASON_H2C);\n",
          "		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n",
          "unit:judge/nothing_passes_behind_an_offer_of_http2_that_is_taken"),
    Guard("an-offer-forgotten-meanwhile", "bpf/judge.h",
          "		return pst_ruling(PST_ACTION_KILL, PST_REASON_UPGRADE_LOST);\n	if (f->http.flags & PST_HTTP_H2C)\n",
          "		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n	if (f->http.flags & PST_HTTP_H2C)\n",
          "unit:judge/nothing_passes_behind_a_request_that_began_while_an_offer_of_http2_was_taken"),
    Guard("data-with-the-last-ack", "bpf/cgroup_skb.bpf.c",
          "		return verdict(PST_REASON_HANDSHAKE_DATA, PST_DIR_INGRESS, SKB_DROP);\n",
          "		return SKB_PASS;\n", CRAFTED),
    Guard("data-on-a-syn-that-leaves", "bpf/cgroup_skb.bpf.c",
          "		return verdict(PST_REASON_HANDSHAKE_DATA, PST_DIR_EGRESS, SKB_DROP);\n",
          "		;\n", HANDSHAKE),
    Guard("urgent-pointer", "bpf/cgroup_skb.bpf.c",
          "			return verdict(PST_REASON_URGENT, p->direction, SKB_DROP);\n",
          "			return SKB_PASS;\n", "e2e:t_an_urgent_pointer_hides_nothing"),
    Guard("urgent-pointer-with-the-last-ack", "bpf/cgroup_skb.bpf.c",
          "		return verdict(PST_REASON_URGENT, PST_DIR_INGRESS, SKB_DROP);\n",
          "		return SKB_PASS;\n", CRAFTED),
    Guard("unacceptable-segments", "bpf/cgroup_skb.bpf.c",
          "		if (is_unacceptable(p))\n", "		if (0)\n", CRAFTED),
    Guard("a-reused-socket-begins-anew", "bpf/cgroup_skb.bpf.c",
          "	__builtin_memset(f, 0, sizeof(*f));\n", "", "e2e:t_a_reused_socket_is_judged_anew"),
    Guard("nobody-else-is-itself", "bpf/decide.bpf.h", "	else if (q->on_loopback &&\n", "	else if (1 &&\n", ITSELF),
    Guard("who-connects-to-itself-asks-no-rule", "bpf/decide.bpf.h", "	else if (q->on_loopback &&\n", "	else if (0 &&\n", ITSELF),
    Guard("the-courtesy-is-no-authority", "bpf/l7.bpf.h",
          "	how->observe = f->verdict == PST_VERDICT_ALLOW;\n",
          "	how->observe = f->verdict == PST_VERDICT_ALLOW || f->flags & PST_FLOW_COURTESY;\n",
          "e2e:t_a_send_behind_a_short_one_is_judged"),
    Guard("no-raw-socket-speaks-for-another", "bpf/cgroup_skb.bpf.c",
          "		d.reason = PST_REASON_RAW_SOCKET;\n", "		return SKB_PASS;\n", ODD_SOCKETS),
    Guard("no-multipath-of-old-listeners", "bpf/l7.bpf.h",
          "		return pst_ruling(PST_ACTION_KILL, PST_REASON_MPTCP);\n", "		;\n", ODD_SOCKETS),
    Guard("no-multipath-sockets", "bpf/sockops.bpf.c",
          "	if (sk->protocol != PROTO_MPTCP)\n", "	if (1)\n", "e2e:t_every_way_to_send_is_judged"),
    Guard("who-begins-is-the-client", "bpf/sockops.bpf.c",
          "	if (f->role == PST_ROLE_CLIENT) {\n", "	if (0) {\n", "e2e:t_crossing_syns_make_no_server"),
    Guard("connections-without-state", "bpf/cgroup_skb.bpf.c",
          "	if (config->flags & PST_CONFIG_OLD_SOCKETS_PASS || free_of_rules(p, config))\n",
          "	if (1)\n", "e2e:t_pins_are_adopted_completed_or_refused"),
    Guard("no-connection-without-memory", "bpf/cgroup_skb.bpf.c",
          "		return verdict(PST_REASON_NO_STATE, PST_DIR_EGRESS, SKB_DROP);\n", "		return SKB_PASS;\n", MEMORY),
    Guard("no-bytes-without-memory", "bpf/cgroup_skb.bpf.c",
          "	}\n	return verdict(PST_REASON_UNKNOWN_FLOW, p->direction, SKB_DROP);\n", "	}\n	return SKB_PASS;\n", MEMORY),
    Guard("a-new-policy-waits-for-a-request", "bpf/judge.h",
          "	if (j->packet->renew)\n", "	if (0)\n", "unit:judge/a_newer_policy_waits_for_a_request_to_begin"),
    Guard("a-request-keeps-its-policy", "bpf/l7.bpf.h",
          "			    !pst_judge_at_rest(f);\n", "			    0;\n", ONE_POLICY),
    Guard("no-head-without-its-tables", "bpf/l7.bpf.h",
          "	if (!t)\n		return pst_ruling(PST_ACTION_KILL, PST_REASON_OLD_GENERATION);\n",
          "	if (!t)\n		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);\n", ONE_POLICY),
    Guard("shared-pages", "bpf/tc.bpf.c",
          "	if (!bpf_skb_pull_data(skb, skb->len))\n", "	if (1)\n",
          "e2e:t_pages_that_change_are_read_as_judged"),
    Guard("shared-pages-behind-a-body", "bpf/tc.bpf.c",
          "	return (__u32)(p->h.seq - judged) + (p->len - p->h.payload) <= body;\n",
          "	return (__u32)(p->h.seq - judged) <= body && body;\n",
          "e2e:t_pages_that_change_are_read_as_judged"),
    Guard("pages-that-left", "bpf/sent.bpf.h",
          "	return (int)(tcp ? why_not_sent(skb, p, f, tcp->snd_una) : PST_REASON_NO_STATE);\n", "	return 0;\n", LEAVING),
    Guard("what-left-is-compared", "bpf/sent.bpf.h",
          "	switch (pst_proof_of(f, &src, p->h.payload, start, end)) {\n", "	switch (PST_PROOF_SAME) {\n", LEAVING),
    Guard("bound-senders-are-known", "bpf/sent.bpf.h", "	if (sk && sk->type == SOCKET_STREAM)\n", "	if (0)\n", LEAVING),
    Guard("no-fragments-of-what-was-judged", "bpf/sent.bpf.h",
          "	if (p->h.fragment || pst_seq_diff(start, acked) < 0", "	if (pst_seq_diff(start, acked) < 0", LEAVING),
    Guard("no-first-fragment-without-payload", "bpf/tc.bpf.c",
          "	    (p->h.payload < p->len || p->h.fragment))\n", "	    p->h.payload < p->len)\n", LEAVING),
    Guard("no-first-fragment-without-a-head", "bpf/tc.bpf.c",
          "		return pst_senders_judged && is_endpoint(p->h.src, config)\n", "		return 0\n", LEAVING),
    Guard("kept-until-the-peer-has-it", "bpf/judge.h",
          "	if (pst_seq_diff(j->packet->accepted, f->framed) >= 0)\n",
          "	if (j->packet->ordered || pst_seq_diff(j->packet->accepted, f->framed) >= 0)\n",
          "unit:positions/at_the_client_all_that_is_not_acknowledged_can_be_proven"),
    Guard("not-too-far-ahead-of-the-peer", "bpf/judge.h",
          "	if (p->ordered && (p->observe || p->audit))\n", "	if (p->ordered)\n",
          "unit:positions/at_the_client_who_is_too_far_ahead_of_the_peer_waits"),
    Guard("silence-where-nobody-listens", "bpf/tc.bpf.c",
          "		return SKB_DROP;\n	/* So that", "		return SKB_PASS;\n	/* So that", "e2e:t_a_denied_peer_learns_nothing"),
    Guard("silence-to-segments-of-no-connection", "bpf/tc.bpf.c",
          "	if (flags == PST_TCP_RST)\n", "	if (0)\n", "e2e:t_a_denied_peer_learns_nothing"),
    Guard("nobody-sends-as-another", "bpf/tc.bpf.c",
          "	if (on_source(skb, p, config) != SKB_PASS)\n		return SKB_DROP;\n", "", SOURCES),
    Guard("nobody-answers-arp-for-another", "bpf/tc.bpf.c",
          "		return on_arp(skb, p, config);\n", "		return SKB_PASS;\n", SOURCES),
    Guard("nobody-advertises-anothers-address", "bpf/tc.bpf.c",
          "		return on_advertisement(skb, p, config);\n", "		return SKB_PASS;\n", SOURCES),
    Guard("no-source-behind-tags", "bpf/tc.bpf.c",
          "		return on_tag(skb, p, config);\n", "		return SKB_PASS;\n", SOURCES),
    Guard("what-no-socket-sends-is-asked-for", "bpf/tc.bpf.c",
          "	if (!is_of_socket(skb, p, unread))\n", "	if (0)\n", STRAYS),
    Guard("no-wrapping-names-a-socket", "bpf/stray.bpf.h",
          "	       full->src_port == p->h.src_port;\n", "	       1;\n", STRAYS),
    Guard("nothing-is-put-into-a-connection", "bpf/stray.bpf.h",
          "	return why_not_from(skb, p, sk);\n", "	(void)skb;\n	return 0;\n", STRAYS),
    Guard("no-source-is-nobodys", "bpf/stray.bpf.h",
          "	return device->own[0];\n", "	return NULL;\n", STRAYS),
    Guard("http-rules-need-a-socket", "bpf/stray.bpf.h",
          "	    !(is_tcp && flags == (PST_TCP_SYN | PST_TCP_ACK))) {\n", "	    1) {\n", STRAYS),
    Guard("the-kernel-answers-who-has-asked", "bpf/stray.bpf.h",
          "	if (full->type == SOCKET_RAW)\n		return p->h.protocol == IPPROTO_TCP;\n",
          "	if (full->type == SOCKET_RAW)\n		return p->h.protocol == IPPROTO_TCP || is_icmp(p);\n", ANSWERS),
    Guard("answers-leave-as-questions-came", "bpf/exchange.bpf.h",
          "	k->device = began == PST_DIR_INGRESS ? p->device : 0;\n", "", ANSWERS),
    Guard("nor-does-a-server", "bpf/cgroup_skb.bpf.c",
          "	if (pst_hears_strangers && leaves_inward(sk, p))\n", "	if (0)\n", ANSWERS),
    Guard("no-long-solicitations", "bpf/stray.bpf.h",
          "p->len <= LONGEST_SOLICITATION && ", "", ANSWERS),
    Guard("no-solicitations-beyond-the-link", "bpf/stray.bpf.h",
          " && is_near(skb, p, subject, config);\n", ";\n", ANSWERS),
]
