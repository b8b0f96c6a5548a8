/* SPDX-License-Identifier: MIT */
/* The calls of Linux's page tables for Arm in this library's terms. Compiled with the shim. */
#include "linux_arm.h"

#include <linux/io-pgtable.h>

#define PROT (IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)
#define ADDRESS_MASK GENMASK_ULL(47, 12)

struct linux_arm {
	struct io_pgtable_ops *ops;
	u64 *pgd;
};

static void *free_pages;

void *iommu_alloc_pages_node(int node, gfp_t gfp, int order)
{
	void *pages = free_pages;

	(void)node;
	(void)gfp;
	if (order == 0 && pages)
		memcpy(&free_pages, pages, sizeof(free_pages));
	else
		pages = aligned_alloc(PAGE_SIZE << order, PAGE_SIZE << order);
	return pages ? memset(pages, 0, PAGE_SIZE << order) : NULL;
}

void iommu_free_pages(void *pages, int order)
{
	if (order > 0) {
		free(pages);
		return;
	}
	memcpy(pages, &free_pages, sizeof(free_pages));
	free_pages = pages;
}

static void flush_all(void *cookie)
{
	(void)cookie;
}

static void flush_walk(unsigned long iova, size_t size, size_t granule, void *cookie)
{
	(void)iova;
	(void)size;
	(void)granule;
	(void)cookie;
}

/* Neighbours of one size, as they come here, only widen the range. */
static void add_page(struct iommu_iotlb_gather *gather, unsigned long iova, size_t granule,
		     void *cookie)
{
	const unsigned long last = iova + granule - 1;

	(void)cookie;
	gather->pgsize = granule;
	if (gather->start > iova)
		gather->start = iova;
	if (gather->end < last)
		gather->end = last;
}

static const struct iommu_flush_ops flush_ops = { flush_all, flush_walk, add_page };

struct linux_arm *linux_arm_create(void)
{
	struct io_pgtable_cfg cfg = {
		.pgsize_bitmap = SZ_4K | SZ_2M | SZ_1G,
		.ias = 48,
		.oas = 48,
		.coherent_walk = true,
		.tlb = &flush_ops,
	};
	struct linux_arm *arm = calloc(1, sizeof(*arm));
	struct io_pgtable *table = io_pgtable_arm_64_lpae_s1_init_fns.alloc(&cfg, arm);

	if (!arm || !table)
		abort();
	table->fmt = ARM_64_LPAE_S1;
	table->cookie = arm;
	table->cfg = cfg;
	arm->ops = &table->ops;
	arm->pgd = __va(cfg.arm_lpae_s1_cfg.ttbr);
	return arm;
}

/* The largest page that divides both addresses and fits, and where a larger one could follow. */
static size_t page_size(u64 iova, u64 pa, u64 len, u64 *ret_len)
{
	static const u64 sizes[] = { SZ_4K, SZ_2M, SZ_1G, 0 };
	unsigned int i = 0;
	u64 next, rest;

	while (sizes[i + 1] && !((iova | pa) & (sizes[i + 1] - 1)) && len >= sizes[i + 1])
		i++;
	*ret_len = len & ~(sizes[i] - 1);
	next = sizes[i + 1];
	rest = next - (iova & (next - 1));
	if (next && !((iova ^ pa) & (next - 1)) && rest < *ret_len)
		*ret_len = rest;
	return sizes[i];
}

/* A single page is not compared with other sizes: that would be this file's time. */
static int map_run(struct linux_arm *arm, u64 iova, struct phyr_range run)
{
	while (run.len > 0) {
		u64 len = run.len;
		size_t mapped = 0;
		size_t size = len == SZ_4K ? len : page_size(iova, run.pa.addr, len, &len);
		int err = arm->ops->map_pages(arm->ops, iova, run.pa.addr, size, len / size, PROT,
					      GFP_KERNEL, &mapped);

		if (err)
			return err;
		iova += mapped;
		run.pa.addr += mapped;
		run.len -= mapped;
	}
	return 0;
}

int linux_arm_map(struct linux_arm *arm, phyr_iova iova, const struct phyr_range *runs,
		  size_t run_cnt)
{
	for (size_t i = 0; i < run_cnt; i++) {
		int err = map_run(arm, iova.addr, runs[i]);

		if (err)
			return err;
		iova.addr += runs[i].len;
	}
	return 0;
}

static int unmap(struct linux_arm *arm, struct phyr_iova_range range, bool by_page)
{
	struct iommu_iotlb_gather gather = { .start = ULONG_MAX };

	while (range.len > 0) {
		u64 len = range.len;
		size_t size = SZ_4K;
		size_t gone;

		if (!by_page && len > SZ_4K)
			size = page_size(range.iova.addr, range.iova.addr, len, &len);
		gone = arm->ops->unmap_pages(arm->ops, range.iova.addr, size, len / size, &gather);
		if (!gone)
			return PHYR_E_NOENT;
		range.iova.addr += gone;
		range.len -= gone;
	}
	return PHYR_OK;
}

int linux_arm_unmap(struct linux_arm *arm, struct phyr_iova_range range)
{
	return unmap(arm, range, false);
}

int linux_arm_unmap_pages(struct linux_arm *arm, struct phyr_iova_range range)
{
	return unmap(arm, range, true);
}

uint64_t linux_arm_entry(const struct linux_arm *arm, phyr_iova iova)
{
	const u64 *table = arm->pgd;
	unsigned int shift = 39;
	u64 entry;

	while (entry = table[iova.addr >> shift & 511], shift > 12 && (entry & 3) == 3) {
		table = __va(entry & ADDRESS_MASK);
		shift -= 9;
	}
	return entry;
}
