/* SPDX-License-Identifier: MIT */
/* Linux's allocator behind the types of this library. */
#ifndef LINUX_IOVA_H
#define LINUX_IOVA_H

#include "../iova/crowd.h"

/* All of 48 bits but the lowest page, as other spaces here. The type is only borrowed. */
struct phyr_iova_space *linux_space_create(void);

/* The tree, at any page and at multiples of the size; and what drivers call: caches, then the tree. */
extern const struct door linux_door;
extern const struct door linux_size_aligned_door;
extern const struct door linux_fast_door;

/* What drivers call, as Linux declares it. */
struct iova_domain;
unsigned long alloc_iova_fast(struct iova_domain *iovad, unsigned long size,
			      unsigned long limit_pfn, bool flush_rcache);
void free_iova_fast(struct iova_domain *iovad, unsigned long pfn, unsigned long size);

#define LINUX_LIMIT_PFN (CROWD_LAST / PHYR_PAGE_SIZE)

/* The same in the form that pairs.h takes; from is a space. */
static inline int linux_fast_alloc(void *from, uint64_t len, struct phyr_iova_range *ret_range)
{
	const unsigned long pfn =
		alloc_iova_fast(from, len / PHYR_PAGE_SIZE, LINUX_LIMIT_PFN, true);

	*ret_range = (struct phyr_iova_range){ { pfn * PHYR_PAGE_SIZE }, len };
	return pfn ? PHYR_OK : PHYR_E_NOSPACE;
}

static inline int linux_fast_free(void *from, struct phyr_iova_range range)
{
	free_iova_fast(from, range.iova.addr / PHYR_PAGE_SIZE, range.len / PHYR_PAGE_SIZE);
	return PHYR_OK;
}

#endif
