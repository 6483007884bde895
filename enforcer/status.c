// SPDX-License-Identifier: Apache-2.0
#include "enforcer/status.h"

#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/json.h"
#include "base/version.h"
#include "compiler/bundle.h"
#include "compiler/explain.h"
#include "enforcer/control.h"
#include "enforcer/export.h"
#include "enforcer/fill.h"
#include "enforcer/flow_time.h"
#include "enforcer/generation.h"
#include "enforcer/homes.h"
#include "enforcer/land.h"
#include "enforcer/loader.h"
#include "enforcer/options.h"
#include "enforcer/proxied.h"
#include "enforcer/reader.h"
#include "enforcer/redirect.h"

enum { MAX_SHOWN = 100 }; /* diagnostics; the log has them all */

void pst_status_read(struct pst_status *s, struct pst_diags **diags, int result)
{
	pst_diags_free(&s->diags);
	s->diags = *diags;
	*diags = NULL;
	s->read = pst_flow_time_now();
	s->is_refused = result != 0;
	if (!result)
		s->published = s->read;
}

void pst_status_fini(struct pst_status *s)
{
	pst_diags_free(&s->diags);
}

static void write_time(struct pst_json *j, const char *key, int64_t ns)
{
	char text[PST_FLOW_TIME_TEXT];

	if (ns)
		pst_json_str(j, key, pst_flow_time_text(ns, text));
}

static void write_sources(struct pst_json *j, const struct pst_options *o)
{
	const struct {
		const char *kind;
		const char *const *paths;
		size_t n;
	} kinds[] = {{"bundle", (const char **)&o->bundle, o->bundle ? 1 : 0},
		     {"policy", o->policies, o->n_policies},
		     {"inventory", o->inventories, o->n_inventories}};

	pst_json_array(j, "sources");
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		for (size_t i = 0; i < kinds[k].n; i++) {
			pst_json_object(j, NULL);
			pst_json_str(j, "kind", kinds[k].kind);
			pst_json_str(j, "path", kinds[k].paths[i]);
			pst_json_end(j);
		}
	}
	pst_json_end(j);
}

static void write_diag(struct pst_json *j, const struct pst_diag *d)
{
	pst_json_object(j, NULL);
	pst_json_str(j, "severity", pst_severity_str(d->severity));
	pst_json_str(j, "file", d->pos.file);
	pst_json_u64(j, "line", d->pos.line);
	pst_json_u64(j, "column", d->pos.col);
	pst_json_str(j, "message", d->message);
	pst_json_str(j, "rule", d->id);
	pst_json_end(j);
}

/* What the files were found to be when they were read last. */
static void write_findings(struct pst_json *j, const struct pst_status *s)
{
	size_t n = s->diags ? pst_diags_count(s->diags) : 0;

	pst_json_array(j, "findings");
	for (size_t i = 0; i < n && i < MAX_SHOWN; i++)
		write_diag(j, pst_diags_at(s->diags, i));
	pst_json_end(j);
	pst_json_u64(j, "findings_left_out", n > MAX_SHOWN ? n - MAX_SHOWN : 0);
}

static void write_rulesets(struct pst_json *j, const struct pst_bundle *b)
{
	size_t fallback = 0;

	for (size_t i = 0; i < b->n_rulesets; i++)
		fallback += b->rulesets[i].fallback;
	pst_json_object(j, "rulesets");
	pst_json_u64(j, "kernel", b->n_rulesets - fallback);
	pst_json_u64(j, "fallback", fallback);
	pst_json_array(j, "fallback_because");
	for (size_t i = 0; i < b->n_rulesets; i++) {
		const struct pst_bundle_ruleset *set = &b->rulesets[i];

		if (!set->fallback)
			continue;
		pst_json_object(j, NULL);
		pst_json_u64(j, "ruleset", i);
		pst_json_str(j, "policy", set->n_rules ? b->rules[set->rules[0]].policy : NULL);
		pst_json_str(j, "why", set->why);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_end(j);
}

static void write_fill(struct pst_json *j, const struct pst_status *s)
{
	struct pst_fill fill[PST_FILL_MAX];

	pst_fill_read(s->gens, s->host, fill);
	pst_json_array(j, "maps");
	for (size_t i = 0; i < PST_FILL_MAX; i++) {
		pst_json_object(j, NULL);
		pst_json_str(j, "name", fill[i].name);
		pst_json_u64(j, "used", fill[i].used);
		pst_json_u64(j, "size", fill[i].size);
		pst_json_end(j);
	}
	pst_json_end(j);
}

static bool is_allow(enum pst_reason reason)
{
	static const uint8_t kinds[] = {
#define KIND(name, kebab, kind, text) PST_KIND_##kind,
		PST_REASONS(KIND)
#undef KIND
	};

	return kinds[reason] == PST_KIND_ALLOW;
}

/* "drops", "passed" or "audited": what was met, by reason and direction. */
static void write_reasons(struct pst_json *j, const char *key,
			  const struct pst_loader_counter *counters)
{
	const bool audited = !strcmp(key, "audited"), allow = !strcmp(key, "passed");

	pst_json_array(j, key);
	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		const uint64_t *n = audited ? counters[i].audited : counters[i].n;

		if (is_allow((enum pst_reason)i) != allow || !(n[0] + n[1]))
			continue;
		pst_json_object(j, NULL);
		pst_json_str(j, "reason", pst_explain_reason_name((enum pst_reason)i));
		pst_json_u64(j, "ingress", n[PST_DIR_INGRESS]);
		pst_json_u64(j, "egress", n[PST_DIR_EGRESS]);
		pst_json_end(j);
	}
	pst_json_end(j);
}

static void write_counters(struct pst_json *j, const struct pst_status *s)
{
	struct pst_loader_counter counters[PST_REASON_MAX + 1];

	if (pst_loader_counters(s->loader, counters))
		return;
	write_reasons(j, "drops", counters);
	write_reasons(j, "passed", counters);
	write_reasons(j, "audited", counters);
	pst_json_u64(j, "lost_events",
		     counters[PST_REASON_MAX].n[0] + counters[PST_REASON_MAX].n[1]);
}

static void write_bundle(struct pst_json *j, const struct pst_status *s, const struct pst_bundle *b)
{
	size_t endpoints = 0, policies = 0;

	for (size_t i = 0; i < b->n_addrs; i++)
		endpoints += !!(b->addrs[i].value.flags & PST_ADDR_ENDPOINT);
	for (size_t i = 0; i < b->n_rules; i++)
		policies += !i || strcmp(b->rules[i].policy, b->rules[i - 1].policy) != 0;
	pst_json_u64(j, "policies", policies);
	pst_json_u64(j, "rules", b->n_rules);
	pst_json_u64(j, "policy_entries", b->n_entries);
	pst_json_u64(j, "identities", b->n_identities);
	pst_json_u64(j, "endpoint_addresses", endpoints);
	write_rulesets(j, b);
	write_fill(j, s);
}

static void write_mode(struct pst_json *j, const struct pst_status *s)
{
	pst_json_object(j, "mode");
	pst_json_str(j, "cgroup", s->opts->cgroup ? s->opts->cgroup : "/");
	pst_json_str(j, "pins", s->opts->no_pins ? NULL : s->opts->pin_dir);
	pst_json_bool(j, "answers", s->answers);
	pst_json_bool(j, "courtesy", s->courtesy);
	pst_json_bool(j, "audit", s->opts->audit);
	pst_json_bool(j, "old_sockets_pass", s->opts->old_sockets_pass);
	pst_json_end(j);
}

static void write_homes(struct pst_json *j, const struct pst_homes *homes)
{
	size_t unknown = 0, verified = homes ? pst_homes_count(homes, &unknown) : 0;

	pst_json_object(j, "source_ip_verification");
	pst_json_bool(j, "on", homes != NULL);
	pst_json_u64(j, "verified", verified);
	pst_json_u64(j, "unknown", unknown);
	pst_json_end(j);
}

static void write_export(struct pst_json *j, const struct pst_status *s)
{
	const struct pst_export_stats n = pst_export_stats(s->export);

	pst_json_object(j, "export");
	pst_json_str(j, "path", s->opts->export.path);
	pst_json_u64(j, "written", n.written);
	pst_json_u64(j, "lost", n.lost);
	pst_json_str(j, "error", n.error ? strerror(-n.error) : NULL);
	pst_json_end(j);
}

static void write_proxied(struct pst_json *j, const struct pst_redirect *r)
{
	struct pst_proxied proxied;

	pst_redirect_count(r, &proxied);
	if (proxied.starts)
		pst_proxied_write_status(j, "proxy", &proxied);
}

static void write_reader(struct pst_json *j, const struct pst_reader_stats *reader)
{
	pst_json_object(j, "reader");
	pst_json_str(j, "state", reader->state);
	if (reader->pid)
		pst_json_u64(j, "pid", (uint64_t)reader->pid);
	pst_json_u64(j, "ends", reader->ended);
	pst_json_bool(j, "knows_last_good", !reader->is_late);
	pst_json_bool(j, "files_confined", pst_land_version() > 0);
	pst_json_end(j);
}

void pst_status_write(struct pst_json *j, const char *key, const struct pst_status *s)
{
	struct pst_reader_stats reader;
	uint32_t generation = pst_generations_current(s->gens);
	const struct pst_bundle *b = pst_generations_bundle(s->gens, generation);

	pst_reader_stats(s->reader, &reader);
	pst_json_object(j, key);
	pst_json_str(j, "version", PST_VERSION);
	pst_json_u64(j, "pid", (uint64_t)getpid());
	pst_json_str(j, "node_name", s->node_name);
	pst_json_str(j, "health", s->is_refused || !reader.is_up ? "stale" : "ok");
	write_time(j, "started", s->started);
	write_time(j, "read", s->read);
	write_time(j, "published", s->published);
	pst_json_u64(j, "generation", generation);
	write_mode(j, s);
	write_homes(j, s->homes);
	write_sources(j, s->opts);
	write_reader(j, &reader);
	write_findings(j, s);
	if (b)
		write_bundle(j, s, b);
	write_counters(j, s);
	if (s->redirect)
		write_proxied(j, s->redirect);
	if (s->export)
		write_export(j, s);
	if (s->control)
		pst_json_u64(j, "clients", pst_control_count_clients(s->control));
	pst_json_end(j);
}
