/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells a service manager how the daemon stands: sd_notify(3)'s protocol, one datagram to the
 * socket that NOTIFY_SOCKET names. Whoever waits for READY=1 (Type=notify) knows that enforcement
 * is in force. Its watchdog is told in time that the daemon still takes events: a daemon that hangs
 * is started again, and what is pinned goes on meanwhile.
 */

#include <stdint.h>

/* STATE: "READY=1", "STOPPING=1", lines joined by newlines. 0, also when nobody asked to be told;
 * -EINVAL for an address that is none; -errno of the socket. */
int pst_notify(const char *state);

/* The beginning of a reload, at NOW: READY=1 ends it. As pst_notify(). */
int pst_notify_reloading(uint64_t now_ns);

/* One line for people: what "systemctl status" shows. As pst_notify(). */
int pst_notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The manager's watchdog (WATCHDOG_USEC, WATCHDOG_PID). All zero: nobody watches. */
struct pst_notify_watchdog {
	uint64_t period_ns, due_ns;
};

/* PERIOD is half of what the manager allows; 0 when it watches another process or none, or when the
 * number is none. */
void pst_notify_watchdog_init(struct pst_notify_watchdog *w);

/* How long an event loop may wait, for poll(2): -1 for ever. */
int pst_notify_watchdog_timeout(const struct pst_notify_watchdog *w, uint64_t now_ns);

/* Tells the watchdog when it is time to. As pst_notify(). */
int pst_notify_watchdog_ping(struct pst_notify_watchdog *w, uint64_t now_ns);
