// SPDX-License-Identifier: Apache-2.0
#include "proxy/tests/scene.h"

#include <string.h>

struct t_scene t_scene;

void t_scene_begin(void)
{
	t_world_load(&t_scene.world, "testdata/http/policy.yaml");
	t_stage_begin(&t_scene.stage, &t_scene.world);
}

void t_scene_end(void)
{
	t_stage_end(&t_scene.stage);
	t_world_fini(&t_scene.world);
}

void t_scene_again(void)
{
	t_stage_end(&t_scene.stage);
	t_stage_begin(&t_scene.stage, &t_scene.world);
}

bool t_scene_got(enum pst_side side, const char *text)
{
	const struct t_stage *s = &t_scene.stage;

	return s->n_out[side] == strlen(text) && !memcmp(s->out[side], text, strlen(text));
}
