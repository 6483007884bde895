// SPDX-License-Identifier: Apache-2.0
#include "policy/labels.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/*
 * Cilium's default label filter (pkg/labelsfilter): regular expressions, tried at the start of the
 * key. All but one are plain prefixes.
 */
static const char *const dropped_prefixes[] = {
	"io.kubernetes",
	"kubernetes.io",
	"k8s.io",
	"statefulset.kubernetes.io/pod-name",
	"apps.kubernetes.io/pod-index",
	"batch.kubernetes.io/job-completion-index",
	"batch.kubernetes.io/controller-uid",
	"pod-template-generation",
	"pod-template-hash",
	"controller-revision-hash",
	"controller-uid",
	"annotation",
	"etcd_node",
	"topology.kubernetes.io",
	/* Not in the filter: Cilium removes these from pods before it sets its own. */
	"io.cilium.k8s",
};

static const char dropped_anywhere[] = "beta.kubernetes.io";

bool pst_label_is_identity(const char *key)
{
	for (size_t i = 0; i < sizeof(dropped_prefixes) / sizeof(*dropped_prefixes); i++) {
		if (!strncmp(key, dropped_prefixes[i], strlen(dropped_prefixes[i])))
			return false;
	}
	return !strstr(key, dropped_anywhere);
}

bool pst_label_can_be_had(const char *key)
{
	return pst_label_is_identity(key) || !strcmp(key, PST_LABEL_NAMESPACE) ||
	       !strcmp(key, PST_LABEL_CLUSTER) || !strcmp(key, PST_LABEL_SERVICE_ACCOUNT) ||
	       !strncmp(key, PST_LABEL_NAMESPACE_PREFIX, strlen(PST_LABEL_NAMESPACE_PREFIX));
}

static bool is_name_part(const char *s, size_t len)
{
	if (!len || len > 63 || !isalnum((unsigned char)s[0]) ||
	    !isalnum((unsigned char)s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	}
	return true;
}

static bool is_dns_char(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c);
}

/* Labels of lower-case letters, digits and inner hyphens, joined by dots. */
static bool is_dns_name(const char *s, size_t len, size_t max)
{
	if (!len || len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool first = i == 0 || s[i - 1] == '.';
		bool last = i + 1 == len || s[i + 1] == '.';

		if (is_dns_char(s[i]) || (s[i] == '-' && !first && !last))
			continue;
		if (s[i] != '.' || first || i + 1 == len)
			return false;
	}
	return true;
}

bool pst_label_key_is_valid(const char *key)
{
	const char *slash = strchr(key, '/');

	if (!slash)
		return is_name_part(key, strlen(key));
	return is_dns_name(key, (size_t)(slash - key), 253) &&
	       is_name_part(slash + 1, strlen(slash + 1));
}

bool pst_label_value_is_valid(const char *value)
{
	return !*value || is_name_part(value, strlen(value));
}

bool pst_name_is_valid(const char *name)
{
	return is_dns_name(name, strlen(name), 253);
}

bool pst_namespace_is_valid(const char *name)
{
	return is_dns_name(name, strlen(name), 63) && !strchr(name, '.');
}
