/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One pair on a stage, for all tests of a suite: frontend asks backend by the golden policy. */

#include "proxy/tests/world.h"

struct t_scene {
	struct t_world world;
	struct t_stage stage;
};

extern struct t_scene t_scene;

/* For .init and .fini of a suite. */
void t_scene_begin(void);
void t_scene_end(void);

/* The next connection. */
void t_scene_again(void);

/* Has SIDE got exactly TEXT? */
bool t_scene_got(enum pst_side side, const char *text);
