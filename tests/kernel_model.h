/* SPDX-License-Identifier: MIT */
/*
 * What Linux 6.12's VT-d driver does with tables and invalidations of a 3-level domain, as far as
 * its events show it: which tables there are, what is gathered, and when it is flushed.
 *
 * Against it the events are held; what it says is compared in full, so it stands for nothing that
 * was not seen: the number of tables in every dump, and the range and IH of every flush.
 *
 *  - A call is cut by page size and alignment (iommu_pgsize), and each part unmapped by itself.
 *  - A part frees the tables that it covers whole, and no others: an empty table may stay.
 *  - A part that does not follow the gathered range, or is of another length, flushes that first.
 *  - But the tables are freed into the gather before: the flush of the *range before* is told that
 *    tables go (IH=0) and lets go of them, and the part's own flush is not (IH=1).
 *  - A large leaf over an old table frees that table, and flushes from it to the end of the part,
 *    whose last page is given by its first byte.
 */
#ifndef PHYR_TEST_KERNEL_MODEL_H
#define PHYR_TEST_KERNEL_MODEL_H

#include "kernel_trace.h"

#define PAGE_LG2 12U
#define LARGE_LG2 21U
#define HUGE_LG2 30U
#define FLUSH_MAX 2048
#define FREED_MAX 256

/* A flush that is to be sent. */
struct kernel_flush {
	uint64_t first, last;
	bool leaf_only;		       /* IH */
	size_t freed_first, freed_cnt; /* what it lets go of */
};

/* A table of the lowest level, which is all that is ever freed here. */
struct kernel {
	bool middle[512];	   /* tables of leaves of 2 MiB, and of tables: one a GiB */
	bool low[512 * 512];	   /* tables of leaves of 4 KiB: one for 2 MiB */
	uint64_t freed[FREED_MAX]; /* I/O address of each table that went */
	size_t freed_cnt;
	size_t freed_first; /* of those in the gather */
	struct kernel_flush flushes[FLUSH_MAX];
	size_t flush_cnt;
	uint64_t first, last, len; /* the gather: its range, and how long each part is */
	bool gathered;
	bool detached; /* no device: nothing is sent */
};

static inline uint64_t kernel_table_cnt(const struct kernel *k)
{
	uint64_t cnt = 1;

	for (size_t i = 0; i < CNT(k->middle); i++)
		cnt += k->middle[i];
	for (size_t i = 0; i < CNT(k->low); i++)
		cnt += k->low[i];
	return cnt;
}

static inline void kernel_send(struct kernel *k, uint64_t first, uint64_t last)
{
	struct kernel_flush *flush;

	assert_true(k->flush_cnt < FLUSH_MAX);
	flush = &k->flushes[k->flush_cnt];
	flush->first = first;
	flush->last = last;
	flush->freed_first = k->freed_first;
	flush->freed_cnt = k->freed_cnt - k->freed_first;
	flush->leaf_only = flush->freed_cnt == 0;
	k->freed_first = k->freed_cnt;
	k->flush_cnt += !k->detached;
}

/* Flushes what is gathered, if anything: iommu_iotlb_sync(). */
static inline void kernel_sync(struct kernel *k)
{
	if (k->gathered)
		kernel_send(k, k->first, k->last);
	k->gathered = false;
}

static inline void kernel_free_table(struct kernel *k, uint64_t iova)
{
	assert_true(k->freed_cnt < FREED_MAX);
	k->low[iova >> LARGE_LG2] = false;
	k->freed[k->freed_cnt++] = iova;
}

/* The leaf size of the first part of a range, and in *len how long the part is: iommu_pgsize(). */
static inline unsigned int kernel_part(uint64_t iova, uint64_t pa, uint64_t *len)
{
	uint64_t merge = iova | pa;
	unsigned int lg2 = phyr_bits_log2(*len);
	unsigned int larger_lg2;
	uint64_t offset;

	if (merge && phyr_bits_ctz(merge) < lg2)
		lg2 = phyr_bits_ctz(merge);
	lg2 = lg2 >= HUGE_LG2 ? HUGE_LG2 : lg2 >= LARGE_LG2 ? LARGE_LG2 : PAGE_LG2;
	larger_lg2 = lg2 == PAGE_LG2 ? LARGE_LG2 : lg2 == LARGE_LG2 ? HUGE_LG2 : 0;
	if (larger_lg2 && phyr_bits_aligned(iova ^ pa, larger_lg2)) {
		offset = phyr_bits_size(larger_lg2) - (merge & phyr_bits_mask(larger_lg2));
		if (offset + phyr_bits_size(larger_lg2) <= *len)
			*len = offset;
	}
	*len = phyr_bits_down(*len, lg2);
	return lg2;
}

/* Leaves of 4 KiB need their tables. */
static inline void kernel_map_pages(struct kernel *k, uint64_t iova, uint64_t len)
{
	for (uint64_t i = iova >> LARGE_LG2; i <= (iova + len - 1) >> LARGE_LG2; i++) {
		k->low[i] = true;
		k->middle[i >> 9] = true;
	}
}

/* A large leaf takes the place of a table: switch_to_super_page(). */
static inline void kernel_map_large(struct kernel *k, uint64_t iova, uint64_t len)
{
	for (uint64_t at = iova; at < iova + len; at += phyr_bits_size(LARGE_LG2)) {
		k->middle[at >> HUGE_LG2] = true;
		if (!k->low[at >> LARGE_LG2])
			continue;
		kernel_free_table(k, at);
		kernel_send(k, at, iova + len - phyr_bits_size(PAGE_LG2));
	}
}

static inline void kernel_map(struct kernel *k, uint64_t iova, uint64_t pa, uint64_t len)
{
	kernel_sync(k);
	while (len > 0) {
		uint64_t part = len;
		unsigned int lg2 = kernel_part(iova, pa, &part);

		if (lg2 == PAGE_LG2)
			kernel_map_pages(k, iova, part);
		else if (lg2 == LARGE_LG2)
			kernel_map_large(k, iova, part);
		else
			assert_false(k->middle[iova >> HUGE_LG2]); /* nothing to free, here */
		iova += part;
		pa += part;
		len -= part;
	}
}

/* Frees what a part covers whole. No part here covers a GiB of tables: that would free more. */
static inline void kernel_free_covered(struct kernel *k, uint64_t first, uint64_t end)
{
	uint64_t at;

	assert_true(phyr_bits_up(first, HUGE_LG2, &at));
	assert_true(at + phyr_bits_size(HUGE_LG2) > end || !k->middle[at >> HUGE_LG2]);
	assert_true(phyr_bits_up(first, LARGE_LG2, &at));
	for (; at + phyr_bits_size(LARGE_LG2) <= end; at += phyr_bits_size(LARGE_LG2)) {
		if (k->low[at >> LARGE_LG2])
			kernel_free_table(k, at);
	}
}

/* iommu_iotlb_gather_add_page(), with the whole part as the page. */
static inline void kernel_gather(struct kernel *k, uint64_t iova, uint64_t len)
{
	bool apart = iova > k->last + 1 || iova + len < k->first;

	if (k->gathered && (k->len != len || apart))
		kernel_sync(k);
	if (!k->gathered) {
		k->first = iova;
		k->last = iova + len - 1;
	}
	k->first = iova < k->first ? iova : k->first;
	k->last = iova + len - 1 > k->last ? iova + len - 1 : k->last;
	k->len = len;
	k->gathered = true;
}

static inline void kernel_unmap(struct kernel *k, uint64_t iova, uint64_t len)
{
	while (len > 0) {
		uint64_t part = len;

		(void)kernel_part(iova, iova, &part);
		kernel_free_covered(k, iova, iova + part);
		kernel_gather(k, iova, part);
		iova += part;
		len -= part;
	}
}

#endif
