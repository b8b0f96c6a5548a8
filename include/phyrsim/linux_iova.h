/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Linux's allocator of I/O addresses, range by range and count by count, to compare with.
 *
 * Three layers, as in the kernel: a tree that is searched node by node; caches of freed ranges on
 * each CPU; the choice of the highest address for a device. Facts from Linux 6.7 … 7.1.
 *
 * Not here: what waits for a lazy flush before it is freed, mapping, time.
 */
#ifndef PHYRSIM_LINUX_IOVA_H
#define PHYRSIM_LINUX_IOVA_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Lengths that Linux caches: 1, 2, 4, 8, 16 and 32 granules, a bin each. */
#define PHYRSIM_LINUX_BIN_CNT 6
/** Ranges in a magazine, the unit in which caches are moved. */
#define PHYRSIM_LINUX_MAGAZINE_CNT 127

/**
 * Linux's allocator of I/O addresses, for one IOMMU domain; opaque.
 *
 * An ordered set of ranges, searched node by node from the top downwards, from one of two cursors;
 * above it, for short ranges, a cache on each CPU: a loaded and a spare magazine a bin, and behind
 * them a depot of full magazines that all CPUs share. Addresses come out exactly as those of the
 * kernel, and the counters say what they cost. Its time is not modelled: the kernel frees into its
 * caches without a look at the tree, which here is searched for mistakes of the caller.
 */
struct phyrsim_linux_iova;

/** What a domain is like. */
struct phyrsim_linux_iova_params {
	const struct phyr_mem *mem; /**< for everything; must outlive the allocator */
	/**
	 * What the IOMMU translates; {0, 0} means all. Nothing below its first granule, nor granule 0,
	 * is ever given; the last byte limits phyrsim_linux_iova_alloc() alone.
	 */
	struct phyr_window aperture;
	unsigned int granule_lg2; /**< [log2 bytes, 12 … 30] smallest page; 0 means 12 */
	unsigned int cpu_cnt;	  /**< [CPUs, 1 … 65536] all online; 0 means 1 */
};

/** What a device is to dma-iommu; the caller's, one for each device of a domain. */
struct phyrsim_linux_iova_device {
	phyr_iova last; /**< highest address it reaches: its DMA mask */
	/**
	 * Try below 4 GiB first: true for a PCI device at the start (unless iommu.forcedac=1). The
	 * first failure there makes it false for ever.
	 */
	bool low_first;
};

/** A request to the caches: alloc_iova_fast(). */
struct phyrsim_linux_iova_request {
	uint64_t len;	  /**< [bytes] 1 …; rounded up to granules, below 32 of them to 2^n */
	phyr_iova last;	  /**< highest granule that may be used is the one of this address */
	unsigned int cpu; /**< 0 … cpu_cnt − 1 */
	bool flush;	  /**< when the tree has no room: empty all caches into it, try again */
};

/** What an allocator did and holds. */
struct phyrsim_linux_iova_stats {
	uint64_t hit_cnt;	  /**< allocations from a magazine */
	uint64_t miss_cnt;	  /**< cacheable requests that no magazine met */
	uint64_t limit_miss_cnt;  /**< of these: all that the loaded magazine had was too high */
	uint64_t swap_cnt;	  /**< loaded and spare magazine exchanged */
	uint64_t depot_push_cnt;  /**< full magazines to the depot */
	uint64_t depot_pop_cnt;	  /**< full magazines from the depot to a CPU */
	uint64_t depot_trim_cnt;  /**< magazines that the worker emptied into the tree */
	uint64_t tree_alloc_cnt;  /**< ranges placed by a search */
	uint64_t tree_free_cnt;	  /**< ranges that left the tree */
	uint64_t refusal_cnt;	  /**< searches that found no room */
	uint64_t reject_cnt;	  /**< refused without a search: as long as one refused before */
	uint64_t visit_cnt[2];	  /**< nodes looked at, in first and in second passes */
	uint64_t visit_max_cnt;	  /**< most nodes looked at for one request */
	uint64_t second_pass_cnt; /**< searches that began again above the cursor */
	uint64_t flush_cnt;	  /**< all caches emptied, and the search repeated */
	uint64_t low_failed_cnt;  /**< devices that gave up trying below 4 GiB first */
	uint64_t rounded_len;	  /**< [bytes] reserved beyond what was asked, over all requests */
	uint64_t live_len;	  /**< [bytes] callers hold now */
	uint64_t cached_len;	  /**< [bytes] magazines hold now: taken, but nobody's */
	uint64_t node_cnt;	  /**< ranges in the tree now: live, cached and reserved */
	uint64_t node_peak_cnt;	  /**< most of them at one time */
	uint64_t magazine_cnt;	  /**< magazines now: two a bin and CPU, and those in depots */
	uint64_t depot_magazine_cnt; /**< magazines in depots now */
};

/**
 * @brief Makes an allocator in which nothing is reserved, its caches empty.
 *
 * @param[in]  params   what the domain is like
 * @param[out] ret_iova the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or hook is NULL; a parameter is out of its range
 * @return PHYR_E_RANGE the aperture ends before it begins
 * @return PHYR_E_NOMEM the object, or one of the first magazines, got no memory
 * @complexity O(CPUs): 12 allocations each
 * @threads any
 * @source Linux drivers/iommu/iova.c: init_iova_domain, iova_domain_init_rcaches
 */
PHYR_API PHYR_NODISCARD int
phyrsim_linux_iova_create(const struct phyrsim_linux_iova_params *params,
			  struct phyrsim_linux_iova **ret_iova);

/**
 * @brief Frees an allocator and all its ranges, live ones too.
 *
 * @param[in] iova NULL is allowed
 * @complexity O(ranges + magazines)
 * @threads nobody else uses it
 */
PHYR_API void phyrsim_linux_iova_destroy(struct phyrsim_linux_iova *iova);

/**
 * @brief Keeps a range from being given, for ever: bridge windows, message interrupts.
 *
 * It may overlap what is reserved: the lowest nodes of that grow downwards, and one new node takes
 * what is above them.
 *
 * @param[in,out] iova  the allocator
 * @param[in]     range rounded out to granules
 * @return PHYR_OK
 * @return PHYR_E_INVAL the allocator is NULL or the length 0
 * @return PHYR_E_RANGE the range wraps
 * @return PHYR_E_EXISTS some of it is allocated, or freed into a cache; Linux would merge them
 * @return PHYR_E_NOMEM nothing is reserved
 * @complexity O(log n + nodes inside the range); Linux: O(n)
 * @threads caller serialises calls on one allocator
 * @source Linux drivers/iommu/iova.c: reserve_iova
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iova_reserve(struct phyrsim_linux_iova *iova,
						       struct phyr_iova_range range);

/**
 * @brief Allocates from the tree, past the caches: top-down, the first fit below a cursor.
 *
 * Aligned to the length rounded up to 2^n granules, but not rounded. When there is nothing below
 * the cursor, a second pass looks above it. A refusal is remembered: below 4 GiB, requests of that
 * length or longer are refused without a search until something below 4 GiB is freed.
 *
 * @param[in,out] iova      the allocator
 * @param[in]     len       [bytes] 1 …; rounded up to granules
 * @param[in]     last      highest granule that may be used is the one of this address
 * @param[out]    ret_range what is taken; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or the length 0
 * @return PHYR_E_NOSPACE no room that Linux finds
 * @return PHYR_E_LIMIT not even an allocator without ranges had room
 * @return PHYR_E_NOMEM for the node; nothing has changed
 * @complexity O(n) nodes in each pass, counted in the statistics; one allocation
 * @threads caller serialises calls on one allocator
 * @source Linux drivers/iommu/iova.c: alloc_iova, size_aligned
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iova_alloc_tree(struct phyrsim_linux_iova *iova,
							  uint64_t len, phyr_iova last,
							  struct phyr_iova_range *ret_range);

/**
 * @brief Frees a range past the caches.
 *
 * @param[in,out] iova  the allocator
 * @param[in]     first where an allocated range begins; all of it goes
 * @return PHYR_OK
 * @return PHYR_E_INVAL the allocator is NULL
 * @return PHYR_E_NOENT no allocated range begins there
 * @complexity O(log n)
 * @threads caller serialises calls on one allocator
 * @source Linux drivers/iommu/iova.c: free_iova
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iova_free_tree(struct phyrsim_linux_iova *iova,
							 phyr_iova first);

/**
 * @brief Allocates from a CPU's magazine, else from the tree.
 *
 * The one magazine that is loaded is looked through from the top, for the range freed last that
 * the limit allows. Before that, when it is empty, the spare one or one of the depot takes its
 * place.
 *
 * @param[in,out] iova      the allocator
 * @param[in]     request   what, how high, and on which CPU
 * @param[out]    ret_range what is taken; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, the length 0, or there is no such CPU
 * @return PHYR_E_NOSPACE, PHYR_E_LIMIT as phyrsim_linux_iova_alloc_tree(), after the flush if
 *         asked for
 * @return PHYR_E_NOMEM for the node, even after the flush if asked for
 * @complexity O(127) from a magazine, else as phyrsim_linux_iova_alloc_tree(), and with a flush
 *             O(cached log n)
 * @threads caller serialises calls on one allocator, whatever the CPU
 * @source Linux drivers/iommu/iova.c: alloc_iova_fast
 */
PHYR_API PHYR_NODISCARD int
phyrsim_linux_iova_alloc_fast(struct phyrsim_linux_iova *iova,
			      const struct phyrsim_linux_iova_request *request,
			      struct phyr_iova_range *ret_range);

/**
 * @brief Frees a range into a CPU's magazine, or, when longer than 32 granules, into the tree.
 *
 * A full magazine changes places with the spare one; when that is full too, it goes to the depot
 * and a new one is loaded. Without memory for it the range goes into the tree.
 *
 * The length decides in which bin a range is found again, and the kernel trusts it: a range that is
 * freed as a shorter one keeps all its addresses, but serves as a short one from then on.
 *
 * @param[in,out] iova  the allocator
 * @param[in]     cpu   0 … CPUs − 1
 * @param[in]     range begins where an allocated range does, and is not longer
 * @return PHYR_OK
 * @return PHYR_E_INVAL the allocator is NULL, the length 0, or there is no such CPU
 * @return PHYR_E_NOENT no allocated range begins there
 * @return PHYR_E_RANGE the allocated range is shorter
 * @complexity O(log n), at most one allocation
 * @threads caller serialises calls on one allocator, whatever the CPU
 * @source Linux drivers/iommu/iova.c: free_iova_fast
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iova_free_fast(struct phyrsim_linux_iova *iova,
							 unsigned int cpu,
							 struct phyr_iova_range range);

/**
 * @brief Allocates for a device, as every mapping call does.
 *
 * Below 4 GiB first, without emptying caches, while the device still does so; its first failure
 * there (of memory too) ends that for ever. Then anywhere the device and the aperture allow,
 * emptying all caches if need be. Freed by phyrsim_linux_iova_free_fast().
 *
 * @param[in,out] iova      the allocator
 * @param[in,out] device    what it reaches
 * @param[in]     cpu       0 … CPUs − 1
 * @param[in]     len       [bytes] 1 …
 * @param[out]    ret_range what is taken, the rounding included; written only on PHYR_OK
 * @return as phyrsim_linux_iova_alloc_fast(); on failure the device may have changed, too
 * @complexity twice that of phyrsim_linux_iova_alloc_fast()
 * @threads caller serialises calls on one allocator, whatever the CPU
 * @source Linux drivers/iommu/dma-iommu.c: iommu_dma_alloc_iova
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_iova_alloc(struct phyrsim_linux_iova *iova,
						     struct phyrsim_linux_iova_device *device,
						     unsigned int cpu, uint64_t len,
						     struct phyr_iova_range *ret_range);

/**
 * @brief Lets 100 ms pass: each depot with more magazines than CPUs empties one into the tree.
 *
 * @param[in,out] iova the allocator
 * @complexity O(ranges of six magazines × log n)
 * @threads caller serialises calls on one allocator
 * @source Linux drivers/iommu/iova.c: iova_depot_work_func
 */
PHYR_API void phyrsim_linux_iova_tick(struct phyrsim_linux_iova *iova);

/**
 * @brief What an allocator did and holds.
 *
 * @param[in]  iova      the allocator
 * @param[out] ret_stats all of it
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyrsim_linux_iova_stats(const struct phyrsim_linux_iova *iova,
				       struct phyrsim_linux_iova_stats *ret_stats);

/**
 * @brief Checks everything that can be checked.
 *
 * @param[in]  iova       the allocator
 * @param[out] ret_reason a sentence; written only when false is returned; may be NULL
 * @return true when tree, list, cursors, caches and counters agree
 * @complexity O(n log n)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD bool phyrsim_linux_iova_validate(const struct phyrsim_linux_iova *iova,
							 const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
