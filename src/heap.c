/* SPDX-License-Identifier: MIT */
/*
 * The C library's malloc() as an allocator hook: the one place of the library that names it, so
 * that a build without it leaves out one file. Not here: any policy, pools or counting.
 */
#include <stdlib.h>

#include <phyr/heap.h>

static void *heap_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void heap_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	(void)size;
	free(ptr);
}

static const struct phyr_mem heap_mem = { heap_alloc, heap_free, NULL };

const struct phyr_mem *phyr_heap_mem(void)
{
	return &heap_mem;
}
