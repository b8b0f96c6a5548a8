/* SPDX-License-Identifier: MIT */
/* The lock of a space: out of line, so that a test of its steps needs no other code of the space. */

#include "space.h"

void phyr_space_lock(struct phyr_iova_space *space)
{
	phyr_lock_take(&space->lock);
}

void phyr_space_unlock(struct phyr_iova_space *space)
{
	phyr_lock_give(&space->lock);
}
