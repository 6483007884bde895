/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Why a verdict is what it is: one list, for the kernel programs, the daemon, the offline judge and
 * the docs.
 *
 * X(NAME, "kebab-name", KIND, "sentence"). The kebab name is the stable identifier in events,
 * metrics and JSON. KIND says what happens to the connection when it is a denial (kernel-facts
 * 6.5):
 *
 *	ALLOW	the packet or request passes
 *	L7	the request is not allowed: answered with a 403; where the head is whole the
 *		connection can live on
 *	PARSE	the bytes are not unambiguous HTTP/1.1: answered with a 403, the connection ends
 *	DROP	the packet is dropped silently, the peer may try again (L3/L4)
 *	KILL	the state of the flow cannot be trusted: nothing passes any more, the socket is
 *		destroyed
 */
#define PST_REASONS(X)                                                                                \
	X(NONE, "none", ALLOW, "no decision yet")                                                     \
	X(RULE, "rule-matched", ALLOW, "an HTTP rule matches")                                        \
	X(RULE_FALLBACK, "rule-matched-by-fallback", ALLOW,                                           \
	  "an HTTP rule matches that changes headers: for the fallback, denied while there is none")  \
	X(L4_ALLOW, "l4-allowed", ALLOW, "allowed at L3/L4 without HTTP rules")                       \
	X(NO_POLICY, "no-policy", ALLOW, "no policy restricts the endpoint in this direction")        \
	X(REPLY, "reply", ALLOW, "belongs to a connection or exchange that was allowed")              \
	X(LOCAL, "same-address", ALLOW, "an endpoint that talks to itself")                           \
	/* L3/L4 */                                                                                   \
	X(NO_RULE_L4, "no-rule-l4", DROP, "default deny: no rule allows this peer and port")          \
	X(DENY_RULE, "deny-rule", DROP, "a deny rule matches this peer and port")                     \
	X(UNKNOWN_LOCAL, "unknown-endpoint", DROP,                                                    \
	  "the local address is no endpoint of the inventory and not the node's own")                 \
	X(RAW_SOCKET, "raw-socket", DROP,                                                             \
	  "past the judged sockets (raw, packet, a stack of the pod) where HTTP rules apply")         \
	X(SPOOFED_SOURCE, "spoofed-source", DROP,                                                     \
	  "a pod sends from the address of another pod or of a node, hides from which, or reroutes")  \
	X(FOR_ANOTHER, "for-another", DROP,                                                           \
	  "a bridge brings to a pod what is for the address of another pod or of a node")             \
	X(BAD_PACKET, "bad-packet", DROP,                                                             \
	  "the packet's headers cannot be read, or are not what they will be (source routes)")        \
	X(NO_GENERATION, "no-policy-loaded", DROP, "no policy generation is published")               \
	X(UNSUPPORTED, "unsupported-protocol", DROP, "a frame that is neither of IP nor of ARP")      \
	/* L7: the request is well-framed and not allowed */                                          \
	X(NO_RULE_L7, "no-rule-l7", L7, "no HTTP rule matches the request")                           \
	X(FALLBACK_GONE, "fallback-unavailable", L7,                                                  \
	  "the rule set does not fit the kernel and the userspace proxy is not there")                \
	X(TARGET_SLASHES, "target-empty-segment", L7, "the path contains //")                         \
	X(TARGET_DOTS, "target-dot-segment", L7, "the path contains a . or .. segment")               \
	X(TARGET_BACKSLASH, "target-backslash", L7, "the path contains a backslash")                  \
	X(TARGET_ESCAPE, "target-escape", L7,                                                         \
	  "the path escapes a byte that must not be escaped (%2F, %5C, %2E, %00, an unreserved one)") \
	X(TARGET_BAD_ESCAPE, "target-bad-escape", L7, "a % in the path without two hex digits")       \
	X(TARGET_FRAGMENT, "target-fragment", L7, "the target contains #")                            \
	X(TARGET_BYTE, "target-byte", L7, "the target contains a control or non-ASCII byte")          \
	X(TARGET_FORM, "target-form", L7, "the target is not in origin form (/path?query)")           \
	X(TARGET_LONG, "target-too-long", L7, "the target is longer than the limit")                  \
	/* PARSE: two parsers could read it differently */                                            \
	X(NOT_HTTP, "not-http", PARSE, "the bytes are not an HTTP/1.x request")                       \
	X(HTTP2, "http2-preface", PARSE, "HTTP/2 is a matter of the userspace fallback")              \
	X(METHOD, "bad-method", PARSE, "the method is not a token in capitals, or too long")          \
	X(CONNECT, "connect", PARSE, "CONNECT opens a tunnel past the policy")                        \
	X(VERSION, "bad-version", PARSE, "the version is not exactly HTTP/1.1 or HTTP/1.0")           \
	X(LINE_END, "bad-line-end", PARSE, "a bare CR or a bare LF")                                  \
	X(FIELD_NAME, "bad-field-name", PARSE,                                                        \
	  "a field name is empty, not a token or followed by a blank")                                \
	X(FIELD_FOLD, "field-folded", PARSE, "a folded or leading-blank field line")                  \
	X(FIELD_VALUE, "bad-field-value", PARSE, "a control byte in a field value")                   \
	X(FIELD_COUNT, "too-many-fields", PARSE, "more fields than the limit")                        \
	X(HEAD_LONG, "head-too-long", PARSE, "the head is longer than the limit")                     \
	X(HOST_MISSING, "host-missing", PARSE, "an HTTP/1.1 request without Host")                    \
	X(HOST_REPEATED, "host-repeated", PARSE, "more than one Host")                                \
	X(HOST_BAD, "bad-host", PARSE, "Host is empty or not a host with an optional port")           \
	X(LENGTH_BAD, "bad-content-length", PARSE, "Content-Length is not a plain decimal number")    \
	X(LENGTH_REPEATED, "content-length-repeated", PARSE, "more than one Content-Length")          \
	X(TRANSFER_ENCODING, "transfer-encoding", PARSE,                                              \
	  "Transfer-Encoding is not exactly one \"chunked\", or not in HTTP/1.1")                     \
	X(LENGTH_CHUNKED, "content-length-and-chunked", PARSE,                                        \
	  "Content-Length and Transfer-Encoding in one request")                                      \
	X(CHUNK_SIZE, "bad-chunk-size", PARSE, "a chunk size is not one to eight hex digits")         \
	X(CHUNK_EXT, "bad-chunk-extension", PARSE,                                                    \
	  "a chunk extension is not ;name, ;name=token or ;name=\"text\"")                            \
	X(CHUNK_EXT_LONG, "chunk-extensions-too-long", PARSE,                                         \
	  "the chunk extensions of a request are longer than the limit")                              \
	X(CHUNK_END, "bad-chunk-end", PARSE, "the data of a chunk is not followed by CRLF")           \
	X(TRAILER, "trailer-field", PARSE,                                                            \
	  "a trailer that frames or routes the request, or that a rule asks for")                     \
	X(FIELD_ALIAS, "framing-field-alias", PARSE,                                                  \
	  "a field name that some servers read as a framing field (content_length)")                  \
	X(JUDGED_ALIAS, "judged-field-alias", PARSE,                                                  \
	  "a field name that some applications see as one that a rule asks for (x_role, x-role)")     \
	X(CONNECTION, "connection-option", PARSE,                                                     \
	  "Connection is not a list of close, keep-alive, te and upgrade")                            \
	X(EXPECT, "expectation", PARSE,                                                               \
	  "Expect is not exactly one \"100-continue\", or not in HTTP/1.1")                           \
	X(UPGRADE, "upgrade", PARSE, "an upgrade to neither WebSocket nor h2c")                       \
	X(H2C, "h2c-upgrade", PARSE,                                                                  \
	  "a body with an offer of HTTP/2, or bytes behind one that the server has taken")            \
	X(UPGRADE_BAD, "bad-upgrade", PARSE,                                                          \
	  "a handshake for WebSocket, or an offer of HTTP/2, that is not well-formed, or repeats")    \
	X(BODY_UNEXPECTED, "unexpected-body", PARSE, "a body on GET or HEAD")                         \
	/* KILL and limits of this version */                                                         \
	X(HEAD_SPLIT, "head-split", PARSE, "the head is not complete")                                \
	X(PIPELINED, "pipelined", KILL,                                                               \
	  "more requests than the limit while answers are outstanding")                               \
	X(AFTER_CLOSE, "after-close", PARSE,                                                          \
	  "bytes behind a request that ends the connection (Connection: close, HTTP/1.0)")            \
	X(HEAD_CUT, "head-cut", KILL,                                                                 \
	  "the connection ends inside a head, which some servers take for the end of the head")       \
	X(AFTER_DENY, "after-denial", DROP, "bytes behind a denied request")                          \
	X(GAP, "out-of-order", DROP, "a packet beyond the judged position: the peer retransmits")     \
	X(AHEAD, "too-far-ahead", DROP,                                                               \
	  "more heads and chunks than TCP has taken so far can be remembered: the peer retransmits")  \
	X(UNACCEPTABLE, "unacceptable-segment", DROP,                                                 \
	  "a segment that TCP discards: no ACK, a SYN, or an ACK of what was never sent")             \
	X(RENEWED, "policy-renewed", DROP,                                                            \
	  "a request in the middle of a packet is the first under a new policy: the peer repeats")    \
	X(UPGRADE_PENDING, "upgrade-pending", DROP,                                                   \
	  "bytes behind a handshake for another protocol that is not answered yet: the peer repeats") \
	X(UPGRADE_LOST, "upgrade-unknown", KILL,                                                      \
	  "bytes behind a handshake for another protocol whose answer was not seen")                  \
	X(UPGRADE_EARLY, "upgrade-early", KILL,                                                       \
	  "bytes behind a handshake for another protocol, in one packet with it")                     \
	X(WORK, "too-many-parts", KILL, "a packet of more heads and chunks than the limit")           \
	X(REPEAT_PARTIAL, "repeat-unproven", DROP,                                                    \
	  "a repeat of judged bytes that TCP has not accepted and that cannot be proven equal")       \
	X(REPEAT_DIFFERS, "repeat-differs", KILL, "a repeat with other bytes than those judged")      \
	X(SEQUENCE, "bad-sequence", KILL, "sequence numbers that cannot be placed in the stream")     \
	X(URGENT, "urgent-data", KILL,                                                                \
	  "urgent data: receiver and judge would see different streams")                              \
	X(HANDSHAKE_DATA, "handshake-data", DROP,                                                     \
	  "data before the connection is established (not supported yet)")                            \
	X(UNKNOWN_FLOW, "unknown-flow", KILL,                                                         \
	  "a connection older than the daemon, or one that needs HTTP rules since a later policy")    \
	X(OLD_GENERATION, "generation-expired", KILL,                                                 \
	  "the flow stayed inside one request for too many policy generations")                       \
	X(POLICY_CHANGED, "policy-changed", KILL,                                                     \
	  "a new policy denies this connection, or a stream that nobody has looked into")             \
	X(STATE_BUSY, "state-busy", DROP, "two CPUs at once on one flow: the peer retransmits")       \
	X(NO_STATE, "no-state", KILL, "no memory for the state of the flow")                          \
	X(TABLE_MISSING, "table-missing", KILL, "an automaton or rule set is missing")                \
	X(IMPOSSIBLE, "impossible-state", KILL, "a parser state that cannot be")                      \
	X(READ_FAILED, "read-failed", DROP, "the packet's bytes cannot be read")                      \
	X(MPTCP, "mptcp", KILL, "multipath TCP: the judge would see one path only")                   \
	/* Of the userspace proxy alone */                                                            \
	X(PARSERS, "parsers-disagree", PARSE,                                                         \
	  "the two parsers of the proxy read the request differently")                                \
	X(REGEX_LIMIT, "regex-limit", L7,                                                             \
	  "a pattern that is too large for an automaton reached the limits of its match")             \
	X(REWRITE, "rewrite-refused", L7,                                                             \
	  "the changes of the rules would change what the request is, or make it too long")           \
	X(REDIRECTED, "target-redirected", L7,                                                        \
	  "the path has escaped slashes: the client is sent to the plain form (307)")                 \
	X(PROXY_LIMIT, "proxy-limit", KILL,                                                           \
	  "the proxy has as many connections or bytes as it may have")                                \
	X(WORKLOAD_LIMIT, "workload-limit", KILL,                                                     \
	  "the workload has as many connections or bytes in the proxy as one may have")               \
	X(TIMEOUT, "head-timeout", KILL, "the head did not come in time")                             \
	X(ANSWER, "bad-answer", KILL, "an answer that cannot be framed, or that nobody asked for")    \
	X(H2_MALFORMED, "http2-malformed", PARSE,                                                     \
	  "a request, or a connection, that breaks the rules of HTTP/2")                              \
	X(H2_FLOOD, "http2-flood", KILL,                                                              \
	  "an HTTP/2 client that makes work and asks for nothing: resets, pings, empty frames")       \
	/* Of the courtesy */                                                                         \
	X(COURTESY_MISSED, "courtesy-missed", ALLOW,                                                  \
	  "a client's socket has no place among those that the kernel answers: the daemon does")

#define PST_REASON_ENUM(name, kebab, kind, text) PST_REASON_##name,
enum pst_reason { PST_REASONS(PST_REASON_ENUM) PST_REASON_MAX };
#undef PST_REASON_ENUM

enum pst_reason_kind {
	PST_KIND_ALLOW,
	PST_KIND_L7,
	PST_KIND_PARSE,
	PST_KIND_DROP,
	PST_KIND_KILL,
};
