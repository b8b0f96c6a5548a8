/* SPDX-License-Identifier: MIT */
/* The calls of Linux's allocator in this library's terms. Compiled with the shim. */
#include "linux_iova.h"

#include <linux/iova.h>

#define CHUNK_CNT 1024

struct kmem_cache *shim_cache_create(size_t size)
{
	struct kmem_cache *cache = calloc(1, sizeof(*cache));

	/* SLAB_HWCACHE_ALIGN: what is longer than half a line takes whole ones. */
	cache->size = ALIGN(size, 64);
	return cache;
}

void shim_cache_refill(struct kmem_cache *cache)
{
	char *chunk = aligned_alloc(64, CHUNK_CNT * cache->size);

	if (!chunk)
		abort();
	for (size_t i = CHUNK_CNT; i-- > 0;)
		kmem_cache_free(cache, chunk + i * cache->size);
}

static struct iova_domain *domain_of(void *space)
{
	return space;
}

struct phyr_iova_space *linux_space_create(void)
{
	struct iova_domain *domain = calloc(1, sizeof(*domain));

	if (!domain || iova_cache_get())
		abort();
	init_iova_domain(domain, PAGE_SIZE, 1);
	if (iova_domain_init_rcaches(domain))
		abort();
	return (void *)domain;
}

static int tree_alloc(void *from, uint64_t len, bool size_aligned,
		      struct phyr_iova_range *ret_range)
{
	struct iova *iova = alloc_iova(from, len / PAGE_SIZE, LINUX_LIMIT_PFN, size_aligned);

	if (!iova)
		return PHYR_E_NOSPACE;
	*ret_range = (struct phyr_iova_range){ { iova->pfn_lo * PAGE_SIZE }, len };
	return PHYR_OK;
}

static int any_alloc(struct phyr_iova_space *space, uint64_t len,
		     const struct phyr_placement *placement, struct phyr_iova_range *ret_range)
{
	(void)placement;
	return tree_alloc(domain_of(space), len, false, ret_range);
}

static int size_aligned_alloc(struct phyr_iova_space *space, uint64_t len,
			      const struct phyr_placement *placement,
			      struct phyr_iova_range *ret_range)
{
	(void)placement;
	return tree_alloc(domain_of(space), len, true, ret_range);
}

static int tree_free(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	free_iova(domain_of(space), range.iova.addr / PAGE_SIZE);
	return PHYR_OK;
}

static int fast_door_alloc(struct phyr_iova_space *space, uint64_t len,
			   const struct phyr_placement *placement,
			   struct phyr_iova_range *ret_range)
{
	(void)placement;
	return linux_fast_alloc(space, len, ret_range);
}

static int fast_door_free(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	return linux_fast_free(space, range);
}

const struct door linux_door = { any_alloc, tree_free };
const struct door linux_size_aligned_door = { size_aligned_alloc, tree_free };
const struct door linux_fast_door = { fast_door_alloc, fast_door_free };
