/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers for Prometheus, under Cilium's and Hubble's names (docs/observe.md lists them).
 *
 * No label is a client's to choose: a method that is not one of the usual is "other", and so is
 * what comes when there are 256 combinations of method, protocol, status and direction.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct pst_flow;
struct pst_generations;
struct pst_hostaddr;
struct pst_loader_counter;
struct pst_metrics;
struct pst_proxied;

enum { PST_METRICS_REQUESTS = 256 };

/* 0 or -ENOMEM. */
int pst_metrics_new(struct pst_metrics **ret_metrics);

/* NULL is fine; *M becomes NULL. */
void pst_metrics_free(struct pst_metrics **m);

/* A flow that was reported. */
void pst_metrics_flow(struct pst_metrics *m, const struct pst_flow *f);

/* The files were read, and IN_FORCE or refused, DELAY_NS after they were known to have changed. */
void pst_metrics_read(struct pst_metrics *m, bool in_force, uint64_t delay_ns);

/* What is not counted here. COUNTERS are pst_loader_counters(); GENS and HOST may be NULL. */
struct pst_metrics_view {
	const struct pst_loader_counter *counters;
	const struct pst_generations *gens;
	const struct pst_hostaddr *host;
	const struct pst_proxied *proxied; /* NULL: there is no proxy to ask */
	uint64_t lost_exports;		   /* flows that the file did not get */
	uint64_t lost_lines;		   /* events that nobody read in time (enforcer/outlet.h) */
	bool is_reader_up;		   /* somebody reads files that change */
	uint64_t reader_ends;		   /* how often he had to be started again */
	uint64_t proxy_ends;		   /* the same of the userspace proxy */
	uint64_t refused_calls;		   /* of this process, by its own list */
	bool has_homes;			   /* sources are verified (enforcer/homes.h) ... */
	size_t verified, unverified;	   /* ... of so many pods, and not of these namespaces */
	size_t big_namespaces;		   /* of whose addresses not all are read */
};

/* Writes all in Prometheus' text form, version 0.0.4. */
void pst_metrics_write(const struct pst_metrics *m, const struct pst_metrics_view *v, FILE *out);
