/* SPDX-License-Identifier: MIT */
/* The lock of a space: held for bounded work, so waiting for it is spinning. */

#include "atomic.h"
#include "space.h"

static void pause_once(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void phyr_space_lock(struct phyr_iova_space *space)
{
	/* Read until it looks free: an exchange that fails would take the line from the holder. */
	while (atom_swap(&space->lock, 1))
		while (atom_load(&space->lock))
			pause_once();
}

void phyr_space_unlock(struct phyr_iova_space *space)
{
	atom_release(&space->lock, 0);
}
