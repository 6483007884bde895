/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Everything that the daemon tells about itself and about verdicts: the lines of events, the
 * control socket. It hears of each event and of each reading of the files, and changes nothing but
 * which events the kernel reports. Nothing here can hold up enforcement: who cannot be told in time
 * is not told.
 */

#include "enforcer/judged.h"

#include <stdbool.h>

struct pst_diags;
struct pst_event;
struct pst_generations;
struct pst_homes;
struct pst_hostaddr;
struct pst_loader;
struct pst_options;
struct pst_reader;
struct pst_redirect;

/* Nothing is owned; all must outlive the reporter. */
struct pst_reporter_parts {
	const struct pst_options *opts;
	struct pst_loader *loader;
	struct pst_generations *gens;
	const struct pst_hostaddr *host;
	const struct pst_homes *homes; /* NULL: sources are not checked */
	const struct pst_reader *reader;
	struct pst_starter *starter;
	bool courtesy;
	bool answers;
};

struct pst_reporter;

/* 0, -ENOMEM, or why what was asked for cannot be had, logged. */
int pst_reporter_open(const struct pst_reporter_parts *parts, struct pst_reporter **ret_reporter);

/* NULL is fine; *R becomes NULL. */
void pst_reporter_close(struct pst_reporter **r);

/* There is a proxy, or may be: R, which must outlive all that is asked. */
void pst_reporter_know(struct pst_reporter *reporter, struct pst_redirect *r);

/* A verdict. */
void pst_reporter_event(struct pst_reporter *r, const struct pst_event *event);

/* How it hears of the proxy's. R must outlive who hears them. */
struct pst_judged_opts pst_reporter_judged(struct pst_reporter *r);

/* The verdicts that were waiting have all been given to pst_reporter_event(). */
void pst_reporter_drained(struct pst_reporter *r);

/* The files are about to be read: what they say is to be in force soon. */
void pst_reporter_reading(struct pst_reporter *r);

/* The files were read with *DIAGS, which are taken over; RESULT is 0 when they are in force. */
void pst_reporter_read(struct pst_reporter *r, struct pst_diags **diags, int result);

/* Readable when pst_reporter_dispatch() has something to do. */
int pst_reporter_fd(const struct pst_reporter *r);
void pst_reporter_dispatch(struct pst_reporter *r);
