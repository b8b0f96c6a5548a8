/* SPDX-License-Identifier: MIT */
/*
 * As much of a kernel as drivers/iommu/io-pgtable-arm.c of Linux needs, beside shim.h: memory whose
 * physical addresses are the process's own, walks that are coherent with caches, and a gather that
 * learns of every page, as that of the driver for SMMUv3 does.
 *
 * What costs time in the kernel costs no more here: a page comes from a plain list of free ones and
 * is not accounted for, and barriers are the compiler's alone.
 */
#ifndef SHIM_ARM_H
#define SHIM_ARM_H

#include "shim.h"

typedef uint64_t u64;
typedef uint32_t u32;
typedef int64_t s64;
typedef uint64_t phys_addr_t;

/* Numbers. */

#define BIT(n) (1UL << (n))
#define GENMASK_ULL(high, low) (~0ULL >> (63 - (high)) & ~0ULL << (low))
#define DIV_ROUND_UP(x, y) (((x) + (y)-1) / (y))
#define min_t(type, a, b) min((type)(a), (type)(b))
#define ilog2(x) (63 - __builtin_clzll(x))
#define __fls(x) ((unsigned long)ilog2(x))
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define SZ_4K 0x1000
#define SZ_16K 0x4000
#define SZ_64K 0x10000
#define SZ_2M 0x200000
#define SZ_32M 0x2000000
#define SZ_512M 0x20000000
#define SZ_1G 0x40000000

static inline void set_bit(long nr, unsigned long *word)
{
	__atomic_fetch_or(word, BIT(nr), __ATOMIC_SEQ_CST);
}

/* Order. */

#define barrier() __asm__ volatile("" : : : "memory")
#define wmb barrier
#define dma_wmb barrier

static inline u64 cmpxchg64_relaxed(u64 *word, u64 old, u64 value)
{
	__atomic_compare_exchange_n(word, &old, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return old;
}

/* Memory. */

#define __IOMMU_PAGES_H /* the pages below take its place */
#define __GFP_HIGHMEM 0x2U
#define VM_BUG_ON BUG_ON
#define kmalloc(size, flags) malloc(size)
#define virt_to_phys(ptr) ((phys_addr_t)(uintptr_t)(ptr))
#define __pa virt_to_phys
#define __va(pa) ((void *)(uintptr_t)(pa))
#define dev_to_node(dev) ((void)(dev), 0)

static inline int get_order(size_t size)
{
	return size > PAGE_SIZE ? ilog2(size - 1) - 11 : 0;
}

/* Zeroed; freed pages of order 0 are kept in a list, the last on top. */
void *iommu_alloc_pages_node(int node, gfp_t gfp, int order);
void iommu_free_pages(void *pages, int order);

/* Devices that need caches to be written back: there are none. */

struct device;
enum { DMA_TO_DEVICE };

#define dma_map_single(dev, ptr, size, direction) virt_to_phys(ptr)
#define dma_unmap_single(dev, dma, size, direction) ((void)(dma))
#define dma_mapping_error(dev, dma) (0)
#define dma_sync_single_for_device(dev, dma, size, direction) ((void)(dma))
#define dev_err(dev, ...) abort()

/* What linux/iommu.h has. */

#define IOMMU_READ 1
#define IOMMU_WRITE 2
#define IOMMU_CACHE 4
#define IOMMU_NOEXEC 8
#define IOMMU_MMIO 16
#define IOMMU_PRIV 32
#define IOMMU_DIRTY_NO_CLEAR 1

struct iommu_iotlb_gather {
	unsigned long start;
	unsigned long end;
	size_t pgsize;
	bool queued;
};

struct iommu_dirty_bitmap;

static inline bool iommu_iotlb_gather_queued(struct iommu_iotlb_gather *gather)
{
	return gather && gather->queued;
}

#define iommu_dirty_bitmap_record(dirty, iova, size) ((void)(dirty))

#endif
