/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Somebody who listens like a daemon and gives one answer, whatever he is asked. */

struct fake_daemon {
	char dir[64], socket[96];
	int pid;
	char asked[256]; /* the request, once fake_daemon_stop() has been called */
};

/* ANSWER may be empty: then the connection is closed without one. */
void fake_daemon_start(struct fake_daemon *d, const char *answer);
void fake_daemon_stop(struct fake_daemon *d);
