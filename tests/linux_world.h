/* SPDX-License-Identifier: MIT */
/* What the tests of Linux's mappings and of the device's table share: sizes and I/O addresses. */
#ifndef PHYR_TEST_LINUX_WORLD_H
#define PHYR_TEST_LINUX_WORLD_H

#include <phyrsim/linux_iova.h>

#include "lists.h"

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)
#define PAGE_MASK (PHYR_PAGE_SIZE - 1)

/* All addresses from the first to the last, and a device that reaches them, in place of those before. */
static inline void renew_iova(const struct phyr_mem *mem, struct phyr_window window,
			      struct phyrsim_linux_iova **iova,
			      struct phyrsim_linux_iova_device *device)
{
	const struct phyrsim_linux_iova_params params = { .mem = mem, .aperture = window };

	phyrsim_linux_iova_destroy(*iova);
	*iova = NULL;
	assert_int_equal(phyrsim_linux_iova_create(&params, iova), PHYR_OK);
	device->last = window.last;
	device->low_first = true;
}

static inline uint64_t iova_live_len(const struct phyrsim_linux_iova *iova)
{
	struct phyrsim_linux_iova_stats stats;

	phyrsim_linux_iova_stats(iova, &stats);
	return stats.live_len;
}

#endif
