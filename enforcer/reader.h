/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The daemon's end of the process that reads files (enforcer/reader_run.h).
 *
 * That process reads when it sees that files have changed, or is asked, and hands over what it
 * found (enforcer/parcel.h). What it says is checked completely; what is no message, or none that
 * may come now, ends it. When it ends, or does not answer in time, what is published stays in
 * force, and it is started again: after 100 ms, twice that the next time, up to 30 s.
 *
 * What it writes to its stderr is told line by line (enforcer/said.h), before what it hands over.
 *
 * The last good version of each policy was known to the process that ended. So a new one counts
 * only from its first reading without a mistake on: until then what is published stays in force.
 */

#include "enforcer/sources.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* When a reading becomes a generation although nothing in the files has changed. */
enum pst_anew {
	PST_ANEW_NEVER,
	PST_ANEW_WHEN_CLEAN, /* somebody asked, who wants to know of mistakes */
	PST_ANEW_ALWAYS,     /* something else has changed */
	PST_ANEW_MAX,
};

/* Whether READING, when it was asked for by ANEW, has a bundle to be put in force. */
bool pst_reader_is_wanted(const struct pst_reading *reading, enum pst_anew anew);

enum {
	PST_READER_LIMIT_MS = 120000, /* to answer in */
	PST_READER_PING_MS = 10000,   /* after so long without a word it is asked */
	PST_READER_AGAIN_MS = 100,    /* until it is started again, the first time */
	PST_READER_AGAIN_MAX_MS = 30000,
	PST_READER_SETTLED_MS = 60000, /* who lived so long starts as if for the first time */
};

struct pst_reader_process {
	pid_t pid;
	int fd;	  /* a socket to it */
	int said; /* the pipe from its stderr (enforcer/said.h) */
};

/* Starts the process: 0, or -errno, logged. */
typedef int (*pst_reader_start_fn)(void *arg, struct pst_reader_process *ret_process);

struct pst_reader_opts {
	pst_reader_start_fn start;
	void *arg;
	uint32_t limit_ms, ping_ms, again_ms; /* 0: as above */
};

struct pst_reader;

/* Starts it. 0, -ENOMEM, or -errno, logged. */
int pst_reader_open(const struct pst_reader_opts *opts, struct pst_reader **ret_reader);

/* Ends it. NULL is fine; *R becomes NULL. */
void pst_reader_close(struct pst_reader **r);

/* What it said. */
struct pst_reader_word {
	enum {
		PST_READER_NOTHING,
		PST_READER_BEGUN, /* files are being read */
		PST_READER_READ,
		PST_READER_GONE, /* it has ended, or is being ended: whatever was asked is lost */
	} kind;
	/* Of READ. */
	int error;	    /* as pst_sources_read() returns it */
	enum pst_anew anew; /* as it was asked; NEVER: it was not */
	bool is_asked;	    /* it answers who has asked for WHEN_CLEAN, also before this process */
	bool is_blind;	    /* it cannot watch the files, and ends */
	bool is_late;	    /* it does not count, because a last good version is not known */
	/* Free it. Its bundle, verified, is there when it is to be put in force, but for is_late.
	 */
	struct pst_reading reading;
};

/*
 * Waits for the first reading, which is *RET_WORD (kind READ). 0; -EIO, logged: it has ended
 * instead.
 */
int pst_reader_first(struct pst_reader *r, struct pst_reader_word *ret_word);

/* Readable when pst_reader_dispatch() has something to do. Owned by the reader. */
int pst_reader_fd(const struct pst_reader *r);

/* Takes one word. */
void pst_reader_dispatch(struct pst_reader *r, struct pst_reader_word *ret_word);

/* Everything is to be read; the answer comes as a word. While there is no process, it is the first
 * reading of the next one. */
void pst_reader_ask(struct pst_reader *r, enum pst_anew anew);

/* The last bundle did not come into force: the next reading counts as a change. */
void pst_reader_refused(struct pst_reader *r);

struct pst_reader_stats {
	const char *state; /* "running", "restarting" or "stuck": it does not end */
	bool is_up;	   /* it is running */
	pid_t pid;	   /* 0: there is none */
	uint64_t ended;	   /* how often it had to be started again */
	bool is_late;	   /* its files have mistakes, and their last good version is not known */
};

void pst_reader_stats(const struct pst_reader *r, struct pst_reader_stats *ret_stats);
