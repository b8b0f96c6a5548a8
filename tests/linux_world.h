/* SPDX-License-Identifier: MIT */
/* What the tests of Linux's mappings and of the device's table share: sizes and I/O addresses. */
#ifndef PHYR_TEST_LINUX_WORLD_H
#define PHYR_TEST_LINUX_WORLD_H

#include <phyr/iova.h>

#include "lists.h"

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)
#define PAGE_MASK (PHYR_PAGE_SIZE - 1)

static inline struct phyr_window window_of(uint64_t first, uint64_t last)
{
	struct phyr_window window = { phyr_iova_at(first), phyr_iova_at(last) };

	return window;
}

/* A space of all addresses of a window, in place of the one before, if any. */
static inline void renew_space(const struct phyr_mem *mem, struct phyr_window window,
			       struct phyr_iova_space **space)
{
	const struct phyr_iova_params params = { .mem = mem, .window = window };

	phyr_iova_destroy(*space);
	*space = NULL;
	assert_int_equal(phyr_iova_create(&params, space), PHYR_OK);
}

#endif
