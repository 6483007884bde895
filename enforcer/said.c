// SPDX-License-Identifier: Apache-2.0
#include "enforcer/said.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "enforcer/clock.h"

enum { AT_ONCE = 64 << 10 }; /* bytes: a pipe's worth; then somebody else has his turn */

void pst_said_init(struct pst_said *s, const char *who)
{
	*s = (struct pst_said){.who = who, .fd = -1};
	pst_bucket_init(&s->bucket, PST_SAID_RATE, PST_SAID_BURST, pst_clock_ns());
}

void pst_said_take(struct pst_said *s, int fd)
{
	pst_said_end(s);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	s->fd = fd;
}

static void tell_lost(struct pst_said *s)
{
	if (s->lost == s->lost_told)
		return;
	pst_log(PST_LOG_WARNING, "%s said too much: %" PRIu64 " lines are left out", s->who,
		s->lost - s->lost_told);
	s->lost_told = s->lost;
}

static void tell_line(struct pst_said *s)
{
	if (pst_bucket_take(&s->bucket, 1, pst_clock_ns())) {
		tell_lost(s);
		s->line[s->n] = '\0';
		pst_log(PST_LOG_INFO, "%s: %s", s->who, s->line);
	} else {
		s->lost++;
	}
	s->n = 0;
}

static void take_bytes(struct pst_said *s, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			tell_line(s);
			continue;
		}
		if (s->n == PST_SAID_LINE)
			tell_line(s);
		s->line[s->n++] = bytes[i] ? bytes[i] : '?'; /* a zero would hide the rest */
	}
}

static void close_pipe(struct pst_said *s)
{
	pst_cleanup_fd(&s->fd);
	s->fd = -1;
	if (s->n)
		tell_line(s);
	tell_lost(s);
}

void pst_said_read(struct pst_said *s)
{
	char bytes[4096];
	ssize_t n = -1;

	if (s->fd < 0)
		return;
	for (size_t done = 0; done < AT_ONCE; done += (size_t)n) {
		n = read(s->fd, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		take_bytes(s, bytes, (size_t)n);
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close_pipe(s);
}

void pst_said_end(struct pst_said *s)
{
	pst_said_read(s);
	close_pipe(s);
}
