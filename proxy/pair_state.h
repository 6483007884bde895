/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a pair (proxy/pair.h) knows of its connection; for the pair itself. */

#include "proxy/ahead.h"
#include "proxy/h2.h"
#include "proxy/message.h"
#include "proxy/pair.h"

struct pst_pair {
	struct pst_pair_opts opts;
	enum pst_pair_state state;
	struct pst_message up, down;  /* requests, responses */
	struct pst_buffer in[2];      /* by where it came from */
	struct pst_ahead front[2];    /* by where it goes */
	struct pst_h2 *h2;	      /* everything, once the client speaks HTTP/2; else NULL */
	struct pst_ruler *next_ruler; /* for the next request; NULL: the same */
	uint32_t next_ruleset;
	bool ended[2];		/* the side has ended its stream */
	bool asked;		/* a request is on its way, its answer not complete */
	bool up_done;		/* all of the request was passed on */
	bool down_done;		/* all of the answer was */
	bool answered;		/* some of the final answer was */
	bool handshake, tunnel; /* of WebSocket: the request asked for it; it stands */
	bool last;		/* the request says that it is the last one */
	bool answer_last;	/* the answer says so */
	bool torn;		/* the server has a part of a request that does not go on */
	bool rest_refused;	/* bytes behind the last request were reported */
	bool head_request;	/* the answer has no body */
	uint32_t number;	/* of the request at hand */
	uint32_t status;	/* of its answer */
	uint64_t since_ns;	/* of the request that is on its way */
};
