// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "policy/cnp.h"
#include "policy/conflict.h"
#include "policy/load.h"
#include "policy/nearest.h"
#include "policy/object.h"

#define CNP_API	   "cilium.io/v2"
#define CNP_KIND   "CiliumNetworkPolicy"
#define CCNP_KIND  "CiliumClusterwideNetworkPolicy"

#define DEFAULT_NS "default"

struct policies PST_VEC(struct pst_policy);

struct build {
	struct pst_reader r;
	struct pst_policy_options options;
	struct policies policies;
	struct PST_VEC(struct pst_policy_broken) broken;
	size_t n_attributed; /* errors that belong to a policy, of the file being read */
	bool has_gaps;
	size_t n_skipped, n_files, n_templates;
	bool saw_policy; /* in the file being read */
};

/* Kinds of Cilium's group that are no policies. Whatever else the group holds is refused by name.
 */
static const char *const other_kinds[] = {
	"CiliumBGPAdvertisement",
	"CiliumBGPClusterConfig",
	"CiliumBGPNodeConfig",
	"CiliumBGPNodeConfigOverride",
	"CiliumBGPPeerConfig",
	"CiliumBGPPeeringPolicy",
	"CiliumCIDRGroup",
	"CiliumClusterwideEnvoyConfig",
	"CiliumEgressGatewayPolicy",
	"CiliumEndpoint",
	"CiliumEndpointSlice",
	"CiliumEnvoyConfig",
	"CiliumExternalWorkload",
	"CiliumGatewayClassConfig",
	"CiliumIdentity",
	"CiliumL2AnnouncementPolicy",
	"CiliumLoadBalancerIPPool",
	"CiliumLocalRedirectPolicy",
	"CiliumNode",
	"CiliumNodeConfig",
	"CiliumPodIPPool",
};

static const char *scalar_at(const struct pst_yaml_node *n, const char *key)
{
	const struct pst_yaml_node *child = n ? pst_yaml_get(n, key) : NULL;

	return child && child->kind == PST_YAML_STRING ? child->s : NULL;
}

/* Whose last good version stays in force, if it has a name. */
static int note_broken(struct build *b, const struct pst_yaml_node *n, bool clusterwide)
{
	const struct pst_yaml_node *meta = pst_yaml_get(n, "metadata");
	const char *name = scalar_at(meta, "name");
	const char *ns = clusterwide ? "" : scalar_at(meta, "namespace");
	struct pst_policy_broken broken = {.pos = n->pos};

	if (name && !ns)
		ns = b->options.default_ns;
	if (name) {
		broken.name = pst_arena_strndup(b->r.arena, name, strlen(name));
		broken.ns = pst_arena_strndup(b->r.arena, ns, strlen(ns));
		if (!broken.name || !broken.ns)
			return -ENOMEM;
	}
	return pst_vec_push(&b->broken, broken);
}

static int take_policy(struct build *b, const struct pst_object *o)
{
	const struct pst_yaml_node *version = pst_yaml_get(o->node, "apiVersion");
	const bool clusterwide = !strcmp(o->kind, CCNP_KIND);
	const size_t before = pst_diags_errors(b->r.diags);
	struct pst_policy policy;
	int e;

	b->saw_policy = true;
	if (strcmp(o->api_version, CNP_API))
		return pst_diags_error(
			b->r.diags, "unsupported-version", &version->pos,
			"%s of apiVersion \"%.64s\" is not supported yet; expected " CNP_API,
			o->kind, o->api_version);
	e = pst_cnp_read(&b->r, o->node, clusterwide, &policy);
	if (e == -ENOMEM)
		return e;
	b->n_attributed += pst_diags_errors(b->r.diags) - before;
	if (e)
		return note_broken(b, o->node, clusterwide) ? -ENOMEM : e;
	policy.n_errors = pst_diags_errors(b->r.diags) - before;
	return pst_vec_push(&b->policies, policy);
}

static int take_other(struct build *b, const struct pst_object *o)
{
	const struct pst_yaml_node *kind = pst_yaml_get(o->node, "kind");
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	pst_nearest_init(&near, o->kind);
	pst_nearest_offer(&near, CNP_KIND);
	pst_nearest_offer(&near, CCNP_KIND);
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(*other_kinds); i++) {
		if (!strcmp(o->kind, other_kinds[i])) {
			b->n_skipped++;
			return 0;
		}
		pst_nearest_offer(&near, other_kinds[i]);
	}
	/* A misspelt policy must not pass for somebody else's object. */
	return pst_diags_error(b->r.diags, "unknown-kind", &kind->pos,
			       "there is no kind \"%.64s\" in %.64s%s", o->kind, o->api_version,
			       pst_nearest_hint(&near, hint));
}

static bool is_ciliums(const struct pst_object *o)
{
	return !strncmp(o->api_version, "cilium.io/", 10) || !strncmp(o->kind, "Cilium", 6);
}

/* Policies of Kubernetes' own, which Cilium enforces beside its own. */
static bool is_kubernetes_policy(const struct pst_object *o)
{
	static const char *const groups[] = {"networking.k8s.io/", "policy.networking.k8s.io/"};
	static const char suffix[] = "NetworkPolicy";
	size_t len = strlen(o->kind);

	if (len < sizeof(suffix) - 1 || strcmp(o->kind + len - (sizeof(suffix) - 1), suffix))
		return false;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (!strncmp(o->api_version, groups[i], strlen(groups[i])))
			return true;
	}
	return false;
}

/* Passed over as all objects of other groups, and yet somebody counts on what it forbids. */
static void report_kubernetes_policy(struct build *b, const struct pst_object *o)
{
	const enum pst_severity severity =
		b->options.lint ? PST_SEVERITY_INFO : PST_SEVERITY_WARNING;

	pst_diags_add(
		b->r.diags, severity, "kubernetes-policy", &pst_yaml_get(o->node, "kind")->pos,
		"postern does not enforce a %.64s: what it denies, or allows, does not count here",
		o->kind);
}

static int take_object(void *ctx, const struct pst_object *o)
{
	struct build *b = ctx;

	if (!strcmp(o->kind, CNP_KIND) || !strcmp(o->kind, CCNP_KIND))
		return take_policy(b, o);
	if (is_ciliums(o))
		return take_other(b, o);
	if (is_kubernetes_policy(o))
		report_kubernetes_policy(b, o);
	b->n_skipped++;
	return 0;
}

static void count_templates(struct build *b, size_t from)
{
	for (size_t i = from; i < pst_diags_count(b->r.diags); i++)
		b->n_templates += !strcmp(pst_diags_at(b->r.diags, i)->id, "helm-template");
}

static int take_file(void *ctx, const struct pst_load_file *file)
{
	struct build *b = ctx;
	struct pst_yaml_input in = {.text = file->text, .len = file->len};
	const struct pst_pos whole = {.file = file->name};
	const size_t before = pst_diags_count(b->r.diags);
	const size_t errors = pst_diags_errors(b->r.diags);
	int r;

	in.name = pst_arena_strndup(b->r.arena, file->name, strlen(file->name));
	if (!in.name)
		return -ENOMEM;
	in.skip_foreign = b->options.lint;
	in.template_severity = b->options.lint ? PST_SEVERITY_INFO : PST_SEVERITY_ERROR;
	r = b->options.see_file ? b->options.see_file(b->options.ctx, in.name, in.text, in.len) : 0;
	if (r)
		return r < 0 ? r : 0;
	b->n_files++;
	b->saw_policy = false;
	b->n_attributed = 0;
	r = pst_objects_each(b->r.diags, &in, take_object, b);
	if (r == -ENOMEM)
		return r;
	count_templates(b, before);
	if (!r && file->by_name && !b->options.may_lack_policies && !b->saw_policy)
		pst_diags_error(b->r.diags, "no-policy", &whole, "the file holds no " CNP_KIND);
	b->has_gaps |= pst_diags_errors(b->r.diags) - errors != b->n_attributed;
	return 0;
}

#define FNV_START 0xcbf29ce484222325ULL

static int compare_names(const void *a, const void *b)
{
	const struct pst_policy *pa = *(const struct pst_policy *const *)a;
	const struct pst_policy *pb = *(const struct pst_policy *const *)b;
	int r = strcmp(pa->ns, pb->ns);

	if (!r)
		r = strcmp(pa->name, pb->name);
	return r ? r : (pa > pb) - (pa < pb);
}

static bool same_name(const struct pst_policy *a, const struct pst_policy *b)
{
	return !strcmp(a->ns, b->ns) && !strcmp(a->name, b->name);
}

struct hashed {
	uint64_t hash; /* of namespace and name */
	const struct pst_policy *policy;
};

static uint64_t hash_text(uint64_t hash, const char *s)
{
	do
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3; /* FNV-1a */
	while (*s++);
	return hash;
}

static int compare_hashes(const void *a, const void *b)
{
	const struct hashed *ha = a, *hb = b;

	return (ha->hash > hb->hash) - (ha->hash < hb->hash);
}

/* The policies of which another one may have the name, to be sorted. All of ten thousand need not
 * be, at each change of one. */
static size_t find_alike(const struct pst_policy_set *set, struct hashed *hashed,
			 const struct pst_policy **alike)
{
	const size_t n = set->n_policies;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pst_policy *p = &set->policies[i];

		hashed[i] = (struct hashed){hash_text(hash_text(FNV_START, p->ns), p->name), p};
	}
	qsort(hashed, n, sizeof(*hashed), compare_hashes);
	for (size_t i = 0; i < n; i++) {
		if ((i && !compare_hashes(&hashed[i - 1], &hashed[i])) ||
		    (i + 1 < n && !compare_hashes(&hashed[i], &hashed[i + 1])))
			alike[found++] = hashed[i].policy;
	}
	return found;
}

/* In a cluster the later one would replace the earlier one; here both are in force. */
static int warn_same_names(const struct pst_policy_set *set, struct pst_diags *diags)
{
	pst_auto_free struct hashed *hashed = NULL;
	pst_auto_free const struct pst_policy **alike = NULL;
	size_t n;

	hashed = pst_mem_calloc(set->n_policies, sizeof(*hashed));
	alike = pst_mem_calloc(set->n_policies, sizeof(*alike));
	if (!hashed || !alike)
		return -ENOMEM;
	n = find_alike(set, hashed, alike);
	qsort(alike, n, sizeof(*alike), compare_names);
	for (size_t i = 1; i < n; i++) {
		const struct pst_policy *first = alike[i - 1], *second = alike[i];

		if (!same_name(first, second))
			continue;
		pst_diags_add(
			diags, PST_SEVERITY_WARNING, "same-name", &second->name_text.pos,
			"%s%s%s is the name of two policies: both are in force here, while a cluster keeps the later one",
			second->ns, second->clusterwide ? "" : "/", second->name);
		pst_diags_note(diags, &first->name_text.pos, "the other one is here");
	}
	return 0;
}

int pst_policy_set_check(const struct pst_policy_set *set, const struct pst_policy_options *options,
			 struct pst_diags *diags)
{
	int r = warn_same_names(set, diags);

	return r ? r : pst_conflicts_find(set, options, diags);
}

static int copy_found(struct build *b, struct pst_policy_set *set)
{
	set->policies = pst_arena_calloc(b->r.arena, b->policies.n, sizeof(*set->policies));
	set->broken = pst_arena_calloc(b->r.arena, b->broken.n, sizeof(*set->broken));
	if (!set->policies || !set->broken)
		return -ENOMEM;
	if (b->policies.n)
		memcpy(set->policies, b->policies.v, b->policies.n * sizeof(*set->policies));
	if (b->broken.n)
		memcpy(set->broken, b->broken.v, b->broken.n * sizeof(*set->broken));
	set->n_policies = b->policies.n;
	set->n_broken = b->broken.n;
	return 0;
}

static int finish(struct build *b, struct pst_policy_set **ret_set)
{
	struct pst_policy_set *set = pst_arena_alloc(b->r.arena, sizeof(*set));
	int r = set ? copy_found(b, set) : -ENOMEM;

	if (r)
		return r;
	set->has_gaps = b->has_gaps;
	set->n_skipped = b->n_skipped;
	set->n_files = b->n_files;
	set->n_templates = b->n_templates;
	r = b->options.is_part ? 0 : pst_policy_set_check(set, &b->options, b->r.diags);
	if (r)
		return r;
	set->arena = PST_TAKE_PTR(b->r.arena);
	*ret_set = set;
	return 0;
}

static void build_fini(struct build *b)
{
	pst_vec_free(&b->policies);
	pst_vec_free(&b->broken);
	pst_arena_free(&b->r.arena);
}

/* Fills in what OPTIONS leave to us. */
static int build_init(struct build *b, const struct pst_policy_options *options)
{
	const char *ns = DEFAULT_NS;

	if (options)
		b->options = *options;
	if (b->options.default_ns)
		ns = b->options.default_ns;
	if (!b->options.cilium_minor)
		b->options.cilium_minor = PST_CILIUM_NEWEST;
	b->r.options = &b->options;
	b->r.arena = pst_arena_new();
	if (!b->r.arena)
		return -ENOMEM;
	b->options.default_ns = pst_arena_strndup(b->r.arena, ns, strlen(ns));
	return b->options.default_ns ? 0 : -ENOMEM;
}

int pst_policy_load_with(const struct pst_policy_options *options, const char *const *paths,
			 size_t n_paths, struct pst_diags *diags, struct pst_policy_set **ret_set)
{
	struct build b pst_cleanup(build_fini) = {.r = {.diags = diags}};
	int r = build_init(&b, options);

	if (r)
		return r;
	r = pst_load_paths(paths, n_paths, diags, take_file, &b);
	/* A linter has told what it could not read, and goes on with the rest. */
	if (r && (r == -ENOMEM || !b.options.lint))
		return r;
	return finish(&b, ret_set);
}

int pst_policy_load_in(const char *default_ns, const char *const *paths, size_t n_paths,
		       struct pst_diags *diags, struct pst_policy_set **ret_set)
{
	const struct pst_policy_options options = {.default_ns = default_ns};

	return pst_policy_load_with(&options, paths, n_paths, diags, ret_set);
}

int pst_policy_load(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		    struct pst_policy_set **ret_set)
{
	return pst_policy_load_with(NULL, paths, n_paths, diags, ret_set);
}

int pst_policy_parse_with(const struct pst_policy_options *options,
			  const struct pst_policy_source *source, struct pst_diags *diags,
			  struct pst_policy_set **ret_set)
{
	const struct pst_load_file file = {
		.name = source->name,
		.text = source->text,
		.len = source->len,
		.by_name = true,
	};
	struct build b pst_cleanup(build_fini) = {.r = {.diags = diags}};
	int r = build_init(&b, options);

	if (!r)
		r = take_file(&b, &file);
	return r ? r : finish(&b, ret_set);
}

int pst_policy_parse(const char *name, const char *text, size_t len, struct pst_diags *diags,
		     struct pst_policy_set **ret_set)
{
	const struct pst_policy_source source = {.name = name, .text = text, .len = len};

	return pst_policy_parse_with(NULL, &source, diags, ret_set);
}

void pst_policy_set_free(struct pst_policy_set **set)
{
	struct pst_arena *arena;

	if (!*set)
		return;
	arena = (*set)->arena;
	*set = NULL;
	pst_arena_free(&arena);
}
