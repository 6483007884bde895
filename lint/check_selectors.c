// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <string.h>

#include "lint/walk.h"
#include "policy/labels.h"
#include "policy/selector_algebra.h"

/* Selectors that select nothing, or something else than they seem to (policy-semantics 2). */

/* A selector with what it is for. */
struct use {
	const struct pst_lint_env *env;
	const struct pst_policy *policy;
	const struct pst_selector *sel;
	bool is_subject;
};

static bool is_k8s(const struct pst_requirement *req)
{
	return !strcmp(req->source, "k8s") || !strcmp(req->source, "any");
}

/* What Cilium itself puts on pods. */
static bool is_set_by_cilium(const char *key)
{
	return !strcmp(key, PST_LABEL_NAMESPACE) || !strcmp(key, PST_LABEL_CLUSTER) ||
	       !strcmp(key, PST_LABEL_SERVICE_ACCOUNT) ||
	       !strncmp(key, PST_LABEL_NAMESPACE_PREFIX, strlen(PST_LABEL_NAMESPACE_PREFIX));
}

static const char *const sources[] = {"k8s.", "reserved.", "any.", "cidr.", "node."};

static bool is_dotted_source(const char *key)
{
	static const char *const whole[] = {PST_LABEL_NAMESPACE, PST_LABEL_CLUSTER,
					    PST_LABEL_SERVICE_ACCOUNT};

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		size_t len = strlen(sources[i]);

		if (strncmp(key, sources[i], len))
			continue;
		for (size_t k = 0; k < sizeof(whole) / sizeof(*whole); k++) {
			if (!strcmp(key + len, whole[k]))
				return true;
		}
	}
	return false;
}

static void check_key(const struct use *u, const struct pst_requirement *req)
{
	if (!is_k8s(req) || is_set_by_cilium(req->key))
		return;
	if (is_dotted_source(req->key)) {
		size_t len = strcspn(req->key, ".");

		pst_diags_add(
			u->env->diags, PST_SEVERITY_WARNING, "label-dotted-source", &req->pos,
			"a source ends with a colon: \"%.*s:%s\"; a label of the name \"%s\" is on no endpoint",
			(int)len, req->key, req->key + len + 1, req->key);
	} else if (!pst_label_is_identity(req->key)) {
		pst_diags_add(
			u->env->diags, PST_SEVERITY_WARNING, "label-not-identity", &req->pos,
			"Cilium leaves the label \"%s\" out of identities, so no endpoint has it here",
			req->key);
	}
}

/* Endpoints that have a reserved label instead of pod labels, and that a subject may mean. */
static bool is_endpoint(const char *reserved)
{
	return !strcmp(reserved, "init") || !strcmp(reserved, "health") ||
	       !strcmp(reserved, "ingress");
}

static bool wants(const struct pst_requirement *req)
{
	return req->op == PST_LABEL_IN || req->op == PST_LABEL_EXISTS;
}

static void check_reserved(const struct use *u, const struct pst_requirement *req)
{
	if (!u->is_subject || strcmp(req->source, "reserved") || !wants(req))
		return;
	if (u->policy->clusterwide && is_endpoint(req->key))
		return;
	pst_diags_add(u->env->diags, PST_SEVERITY_WARNING, "subject-reserved", &req->pos,
		      "an endpointSelector%s selects pods, and none has the label reserved:%s",
		      u->policy->clusterwide ? "" : " of a namespace", req->key);
}

static void check_impossible(const struct use *u)
{
	if (!pst_selector_is_impossible(u->sel))
		return;
	pst_diags_add(u->env->diags, PST_SEVERITY_ERROR, "selector-impossible", &u->sel->pos,
		      "no endpoint can match this: its requirements contradict each other");
}

static bool has_value(const struct pst_requirement *req, const char *value)
{
	for (size_t i = 0; i < req->n_values; i++) {
		if (!strcmp(req->values[i], value))
			return true;
	}
	return false;
}

/* The names of the cluster's DNS servers, which live in kube-system. */
static bool is_cluster_dns(const struct pst_requirement *req)
{
	return is_k8s(req) && !strcmp(req->key, "k8s-app") && req->op == PST_LABEL_IN &&
	       (has_value(req, "kube-dns") || has_value(req, "coredns"));
}

/* The namespace that the loader gave to a peer, since it asks for none: it has the peer's place. */
static bool has_added_namespace(const struct use *u)
{
	const struct pst_requirement *req =
		u->sel->n_reqs ? &u->sel->reqs[u->sel->n_reqs - 1] : NULL;

	return req && !strcmp(req->key, PST_LABEL_NAMESPACE) && req->pos.line == u->sel->pos.line &&
	       req->pos.col == u->sel->pos.col && has_value(req, u->policy->ns);
}

static void check_dns_peer(const struct use *u)
{
	if (u->is_subject || u->policy->clusterwide || !strcmp(u->policy->ns, "kube-system") ||
	    !has_added_namespace(u))
		return;
	for (size_t i = 0; i < u->sel->n_reqs; i++) {
		if (!is_cluster_dns(&u->sel->reqs[i]))
			continue;
		pst_diags_add(
			u->env->diags, PST_SEVERITY_WARNING, "peer-namespace", &u->sel->reqs[i].pos,
			"a peer without a namespace is in the policy's own, \"%s\"; the cluster's DNS is in kube-system: add k8s:io.kubernetes.pod.namespace",
			u->policy->ns);
		return;
	}
}

static void check_selector(const struct use *u)
{
	for (size_t i = 0; i < u->sel->n_reqs; i++) {
		check_key(u, &u->sel->reqs[i]);
		check_reserved(u, &u->sel->reqs[i]);
	}
	check_impossible(u);
	check_dns_peer(u);
}

/* Entities are selectors as well, but of the loader's making; Nodes and Services have labels of
 * their own. */
static bool is_of_endpoints(const struct pst_rule *rule)
{
	return rule->member == PST_MEMBER_ENDPOINTS || rule->member == PST_MEMBER_NONE;
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	(void)ctx;
	for (size_t i = 0; is_of_endpoints(ref->rule) && i < ref->rule->n_peers; i++) {
		const struct use u = {
			.env = env,
			.policy = ref->policy,
			.sel = &ref->rule->peers[i],
		};

		check_selector(&u);
	}
}

int pst_check_selectors(const struct pst_lint_env *env)
{
	for (size_t p = 0; p < env->set->n_policies; p++) {
		const struct pst_policy *policy = &env->set->policies[p];

		for (size_t s = 0; s < policy->n_specs; s++) {
			const struct use u = {
				.env = env,
				.policy = policy,
				.sel = &policy->specs[s].subject,
				.is_subject = true,
			};

			if (!policy->specs[s].subject_is_node)
				check_selector(&u);
		}
	}
	pst_lint_each_rule(env, check_rule, NULL);
	return 0;
}
