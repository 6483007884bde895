/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which fields of a flow are shown: --field-mask, a FieldMask of protocol buffers over hubble's
 * flow. A path is names with dots between, as the JSON has them or in lowerCamelCase; what it leads
 * to is shown whole. Lists are whole: nothing in them can be chosen.
 */

#include <jansson.h>
#include <stddef.h>

struct pst_observe_mask;

int pst_observe_mask_new(struct pst_observe_mask **ret_mask); /* of no field; 0 or -ENOMEM */
void pst_observe_mask_free(struct pst_observe_mask **m);

/* Adds the paths of TEXT, commas between. -EINVAL with what is wrong, and where, in WHY. */
int pst_observe_mask_add(struct pst_observe_mask *m, const char *text, char *why, size_t size);

/*
 * JSON, a record with a flow or hubble's older form, with the fields of M alone; what is beside the
 * flow stays. Shares values with JSON. NULL: no memory.
 */
json_t *pst_observe_mask_apply(const struct pst_observe_mask *m, const json_t *json);

/* The paths that there are, NULL behind the last one. */
extern const char *const pst_observe_paths[];
