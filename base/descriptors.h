/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How many descriptors this process may have. What starts it often leaves the old limit of 1,024 in
 * force, which is there for select(), and allows far more to who asks.
 */

#include <stddef.h>

/*
 * Makes them NEED, or as many as there may be if that is fewer; takes none away. How many there may
 * be now.
 */
size_t pst_descriptors_raise(size_t need);
