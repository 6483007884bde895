/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Verdicts of the proxy as JSON lines, in the words of the daemon's (enforcer/README.md): time,
 * layer, direction, verdict, reason, client ("address:port"), number (of the request on its
 * connection), policy and rule where one decided, method, path, host. Bytes from the wire are
 * escaped; the query of a path is redacted unless asked for.
 */

#include "proxy/conn.h"
#include "proxy/options.h"

/*
 * A connection that was not taken, or is AUDITED: the same without a request, as layer l4; ends
 * that are not known (port 0) are left out. 0 or -EIO.
 */
int pst_proxy_event_write_connection(const struct pst_conn_start *known, enum pst_outcome outcome,
				     enum pst_reason reason);

/* Writes one line to stdout. 0, or -EIO when it is lost: also when nobody takes it now. */
int pst_proxy_event_write(const struct pst_proxy_options *o, const struct pst_conn *c,
			  const struct pst_pair_event *event);
