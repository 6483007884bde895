// SPDX-License-Identifier: Apache-2.0
/*
 * reload POLICIES PODS FILE [ROUNDS]: what one changed policy costs the reader of the policies and
 * the daemon that takes the result over, in processor time, and what both hold of the memory. FILE,
 * below POLICIES, has a port changed ROUNDS times, the first one that is written with quotes and
 * four digits. Then pods come, go and have other labels, in an inventory that has been read: what
 * it costs to compile that.
 */
#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/compile.h"
#include "enforcer/parcel.h"
#include "enforcer/sources.h"
#include "policy/inventory.h"
#include "tests/bench/spent.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ROUNDS = 1000 };

enum stage { READ, HAND_OVER, TAKE_OVER, STAGES };

static const char *const stage_names[STAGES] = {"from the files to a bundle", "hand it over",
						"take it over, verified"};

static void print_memory(const char *when)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "RssAnon:", 8))
			printf("anonymous memory %s: %.1f MiB, %.1f of it in use\n", when,
			       strtod(line + 8, NULL) / 1024,
			       (double)mallinfo2().uordblks / 1048576 +
				       (double)mallinfo2().hblkhd / 1048576);
	}
	if (f)
		fclose(f);
}

/* The text of FILE with another port. */
static void change(const char *file, const char *text, int port)
{
	const char *at = strstr(text, "port: '");
	FILE *f = at ? fopen(file, "we") : NULL;

	if (!f)
		exit(2);
	fprintf(f, "%.*s%d%s", (int)(at + 7 - text), text, port, at + 11);
	fclose(f);
}

static char *slurp(const char *file)
{
	char *text = pst_mem_calloc(1, 1 << 16);
	FILE *f = fopen(file, "re");

	if (!text || !f || !fread(text, 1, (1 << 16) - 1, f))
		exit(2);
	fclose(f);
	return text;
}

static struct pst_bundle *take(struct pst_reading *r)
{
	struct pst_bundle *b = r->bundle;

	r->bundle = NULL;
	pst_reading_fini(r);
	return b;
}

static void print_times(const char *what, double *ms, int rounds)
{
	qsort(ms, (size_t)rounds, sizeof(*ms), bench_cmp);
	printf("%-32s %8.2f %8.2f %8.2f ms (min, median, max of %d)", what, ms[0], ms[rounds / 2],
	       ms[rounds - 1], rounds);
}

/* A policy changes. */

struct reader {
	struct pst_sources *sources;
	struct pst_bundle *b;
	double ms[STAGES][MAX_ROUNDS];
};

static void read_once(struct reader *r, const char *file, int round)
{
	struct pst_reading reading, taken;
	double at = bench_spent_ms();
	int fd;

	if (pst_sources_read_some(r->sources, &file, 1, &reading))
		exit(1);
	r->ms[READ][round] = bench_spent_ms() - at;
	at = bench_spent_ms();
	fd = pst_parcel_write(&reading);
	r->ms[HAND_OVER][round] = bench_spent_ms() - at;
	pst_bundle_free(&r->b);
	r->b = take(&reading);
	at = bench_spent_ms();
	if (fd < 0 || pst_parcel_read(fd, &taken))
		exit(1);
	r->ms[TAKE_OVER][round] = bench_spent_ms() - at;
	pst_reading_fini(&taken);
	close(fd);
}

static void change_policies(char **argv, int rounds)
{
	static struct reader r;
	struct pst_reading reading;
	char *text = slurp(argv[3]);

	r.sources =
		pst_sources_new((const char *const *)&argv[1], 1, (const char *const *)&argv[2], 1);
	if (!r.sources || pst_sources_read(r.sources, &reading))
		exit(1);
	r.b = take(&reading);
	malloc_trim(0);
	print_memory("after the first reading");
	for (int i = 0; i < rounds; i++) {
		change(argv[3], text, 8100 + i % 100);
		read_once(&r, argv[3], i);
	}
	print_memory("after the last");
	for (int k = 0; k < STAGES; k++) {
		print_times(stage_names[k], r.ms[k], rounds);
		printf("\n");
	}
	pst_bundle_free(&r.b);
	pst_sources_free(&r.sources);
	free(text);
}

/* Pods change. */

struct cluster {
	struct pst_policy_set *policies;
	struct pst_inventory *inventory; /* with room for one more */
	struct pst_memo *memo;
	struct pst_bundle *b;
	size_t n_changed; /* entries and addresses, by the last compilation */
};

static void load(struct cluster *c, char **argv)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_endpoint *more;
	struct pst_inventory *inv;

	if (pst_policy_load((const char *const *)&argv[1], 1, diags, &c->policies) ||
	    pst_inventory_load((const char *const *)&argv[2], 1, diags, &inv))
		exit(1);
	more = pst_arena_calloc(inv->arena, inv->n_endpoints + 1, sizeof(*more));
	c->memo = pst_memo_new();
	if (!more || !c->memo)
		exit(1);
	memcpy(more, inv->endpoints, inv->n_endpoints * sizeof(*more));
	inv->endpoints = more;
	c->inventory = inv;
	pst_diags_free(&diags);
}

/* Entries of NOW that OLD does not have, and the other way round. */
static size_t count_changes(const struct pst_bundle *old, const struct pst_bundle *now)
{
	size_t i = 0, k = 0, n = 0;

	while (i < old->n_entries || k < now->n_entries) {
		int order = i == old->n_entries ? 1
			    : k == now->n_entries
				    ? -1
				    : pst_bundle_entry_cmp(&old->entries[i], &now->entries[k]);

		n += order || memcmp(&old->entries[i].value, &now->entries[k].value,
				     sizeof(now->entries[k].value));
		i += order <= 0;
		k += order >= 0;
	}
	return n;
}

static struct pst_bundle *compile(struct cluster *c, struct pst_memo *memo)
{
	const struct pst_compile_opts opts = {.memo = memo};
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *b;

	if (!diags || pst_compile(c->policies, c->inventory, &opts, diags, &b))
		exit(1);
	pst_diags_free(&diags);
	return b;
}

static char *write_out(const struct pst_bundle *b, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	if (!f || pst_bundle_write(b, f) || fclose(f))
		exit(1);
	return text;
}

/* The bundle is what it is without a memo. */
static void compare(struct cluster *c)
{
	struct pst_bundle *whole = compile(c, NULL);
	size_t n, n_whole;
	char *text = write_out(c->b, &n), *expected = write_out(whole, &n_whole);

	if (n != n_whole || memcmp(text, expected, n)) {
		fprintf(stderr, "a memo makes a difference\n");
		exit(1);
	}
	free(text);
	free(expected);
	pst_bundle_free(&whole);
}

static double measure(struct cluster *c)
{
	const double at = bench_spent_ms();
	struct pst_bundle *b = compile(c, c->memo);
	const double ms = bench_spent_ms() - at;

	c->n_changed = c->b ? count_changes(c->b, b) : 0;
	pst_bundle_free(&c->b);
	c->b = b;
	return ms;
}

static struct pst_labels label(struct cluster *c, const struct pst_labels *like, const char *value)
{
	struct pst_labels l = {.n = like->n + 1};

	l.v = pst_arena_calloc(c->inventory->arena, l.n, sizeof(*l.v));
	if (!l.v)
		exit(1);
	memcpy(l.v, like->v, like->n * sizeof(*l.v));
	l.v[like->n] = (struct pst_label){"k8s", "version", value};
	pst_labels_sort(&l);
	return l;
}

enum pod_change { REPLICA, REPLICA_GONE, NEW_LABELS, OTHER_LABELS, LABELS_GONE, POD_CHANGES };

static const char *const pod_changes[POD_CHANGES] = {
	[REPLICA] = "a pod with known labels",
	[REPLICA_GONE] = "it is gone",
	[NEW_LABELS] = "a pod with a label of its own",
	[OTHER_LABELS] = "its label changes",
	[LABELS_GONE] = "it is gone, too",
};

static void change_pod(struct cluster *c, enum pod_change change, int round)
{
	struct pst_inventory *inv = c->inventory;
	const bool is_there = change == REPLICA_GONE || change >= OTHER_LABELS;
	struct pst_endpoint *e = &inv->endpoints[inv->n_endpoints - is_there];
	const struct pst_endpoint *like =
		&inv->endpoints[(size_t)round * 241 % (inv->n_endpoints - 1)];

	if (change == REPLICA_GONE || change == LABELS_GONE) {
		inv->n_endpoints--;
	} else if (change == OTHER_LABELS) {
		e->labels = label(
			c, &inv->endpoints[(size_t)round * 241 % (inv->n_endpoints - 2)].labels,
			"2");
	} else {
		*e = *like;
		e->name = "new";
		e->addrs = pst_arena_calloc(inv->arena, 1, sizeof(*e->addrs));
		if (!e->addrs || pst_addr_from_str("10.250.0.1", e->addrs))
			exit(1);
		if (change == NEW_LABELS)
			e->labels = label(c, &like->labels, "1");
		inv->n_endpoints++;
	}
}

static void change_pods(char **argv, int rounds)
{
	static double ms[POD_CHANGES][MAX_ROUNDS];
	static size_t n_resolved[POD_CHANGES], n_changed[POD_CHANGES];
	struct cluster c = {0};

	load(&c, argv);
	measure(&c);
	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < POD_CHANGES; k++) {
			change_pod(&c, (enum pod_change)k, i);
			ms[k][i] = measure(&c);
			n_resolved[k] += pst_memo_n_resolved(c.memo);
			n_changed[k] += c.n_changed;
			if (!i)
				compare(&c);
		}
	}
	for (int k = 0; k < POD_CHANGES; k++) {
		print_times(pod_changes[k], ms[k], rounds);
		printf(", %zu rows resolved, %zu entries change\n", n_resolved[k] / (size_t)rounds,
		       n_changed[k] / (size_t)rounds);
	}
	pst_bundle_free(&c.b);
	pst_memo_free(&c.memo);
	pst_inventory_free(&c.inventory);
	pst_policy_set_free(&c.policies);
}

int main(int argc, char **argv)
{
	const long rounds = argc > 4 ? strtol(argv[4], NULL, 10) : 20;

	if (argc < 4 || rounds < 1 || rounds > MAX_ROUNDS)
		return 2;
	change_policies(argv, (int)rounds);
	change_pods(argv, (int)rounds);
	return 0;
}
