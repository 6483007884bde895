/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells a service manager how the daemon stands: sd_notify(3)'s protocol, one datagram to the
 * socket that NOTIFY_SOCKET names. Whoever waits for READY=1 (Type=notify) knows that enforcement
 * is in force.
 */

/* STATE: "READY=1", "STOPPING=1". 0, also when nobody asked to be told; -EINVAL for an address that
 * is none; -errno of the socket. */
int pst_notify(const char *state);
