/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Mistakes in the use of mappings, found while a program is tested.
 *
 * A checker remembers every mapping and state of the handles that were made with it
 * (phyr_dma_params::checker), and what is wrong with a call is said before anything is done: the call is
 * refused with a code of its own, and a callback hears of it. What is in time but wrong, it can be asked:
 * may the CPU, or the device, touch this now?
 *
 * **Whose.** A handle ends what it has mapped or reserved, and nothing else. Handles with one IOMMU (`ops`
 * and `ctx` are the same) share their I/O addresses: what one mapped the devices of all may use. Without an
 * IOMMU each handle stands alone. So one checker may watch any number of devices.
 *
 * **Who has which byte.** All of a mapping is the device's until a part is given to the CPU. This is known
 * to the byte, for up to 32 stretches of a mapping that are the CPU's at a time; with more, the two that
 * have the least between them become one about which nothing is said until it is synced again. Memory that
 * is linked into a state is the device's until it is unlinked.
 *
 * **Lost.** What there was no memory to remember is not checked, and works as ever. Until as many have
 * ended as were lost, devices that use unknown addresses are not told of; nor is what nobody knows and is
 * unmapped, unlinked or freed, where it falls into the same of 256 classes as something lost, by its
 * number or address: there a wrong call passes for a right one, and so a right one later for wrong.
 * Everything else is checked as before.
 *
 * For tests and debugging: each call takes a lock and time for what it remembers; a mapping costs 1 KiB and
 * a copy of its list, a state 8 bytes a granule beside. No hook and no report is called under the lock.
 */
#ifndef PHYR_DMA_CHECK_H
#define PHYR_DMA_CHECK_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is wrong. Values are pinned. */
enum phyr_dma_mistake {
	PHYR_DMA_MISTAKE_LEAKED = 0, /**< still mapped or reserved when the checker goes */
	PHYR_DMA_MISTAKE_UNKNOWN =
		1, /**< unmapped, unlinked or freed, and not the handle's, or not any more */
	PHYR_DMA_MISTAKE_CHANGED =
		2, /**< unmapped, unlinked or freed with another length, direction or address */
	PHYR_DMA_MISTAKE_DIRECTION =
		3,		   /**< unlinked or destroyed with another direction than linked */
	PHYR_DMA_MISTAKE_PART = 4, /**< a part of what was mapped in one call is to be unlinked */
	PHYR_DMA_MISTAKE_LINKED = 5, /**< freed, or destroyed in part, while something is linked */
	PHYR_DMA_MISTAKE_LIST = 6,   /**< a borrowed list is not what it was when it was mapped */
	PHYR_DMA_MISTAKE_DEVICE =
		7, /**< the device used what is not mapped, not synced, or the CPU's */
	PHYR_DMA_MISTAKE_CPU = 8, /**< the CPU touched what is the device's */
};
/** How many there are. */
#define PHYR_DMA_MISTAKE_CNT 9

struct phyr_dma;

/** A checker; opaque. */
struct phyr_dma_checker;

/** One mistake. */
struct phyr_dma_complaint {
	enum phyr_dma_mistake mistake; /**< which */
	struct phyr_iova_range range;  /**< [iova] of what it is about; len 0: not known */
};

/** How to make a checker. */
struct phyr_dma_checker_params {
	const struct phyr_mem *mem; /**< required; must outlive the checker */
	/** Hears of each mistake before the call is answered, in the thread that called, maybe in many at
	 *  once; it may ask and map. NULL: they are counted. */
	void (*report)(void *ctx, const struct phyr_dma_complaint *complaint);
	void *ctx; /**< passed to it, may be NULL */
};

/** What a checker can tell. */
struct phyr_dma_checker_stats {
	uint64_t mistake_cnt[PHYR_DMA_MISTAKE_CNT]; /**< by what was wrong */
	uint64_t live_cnt;			    /**< mappings and states that are remembered */
	uint64_t lost_cnt;			    /**< that could not be remembered, ever */
	uint64_t lost_live_cnt;			    /**< and have not ended yet */
};

/**
 * @brief Makes a checker that remembers nothing.
 *
 * @param[in]  params      see there
 * @param[out] ret_checker the caller destroys it, after all handles; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or the hooks are missing
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_dma_checker_create(const struct phyr_dma_checker_params *params,
						    struct phyr_dma_checker **ret_checker);

/**
 * @brief Frees a checker; what it still remembers was leaked, and is reported.
 *
 * @param[in]  checker   NULL is allowed
 * @param[out] ret_stats what it has counted, leaks included; may be NULL
 * @complexity O(mappings)
 * @threads no other call on it or on its handles may be running
 */
PHYR_API void phyr_dma_checker_destroy(struct phyr_dma_checker *checker,
				       struct phyr_dma_checker_stats *ret_stats);

/**
 * @brief What a checker has counted.
 *
 * @param[in]  checker   the checker
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyr_dma_checker_stats(struct phyr_dma_checker *checker,
				     struct phyr_dma_checker_stats *ret_stats);

/**
 * @brief Would an access of a device be right now? A mistake is counted and reported.
 *
 * Where addresses are mapped more than once, one mapping that lets it in is enough.
 *
 * @param[in] dma   a handle of the device's, with a checker; without an IOMMU the one that mapped
 * @param[in] range [iova] len 1 or more, all of one mapping or state
 * @param[in] perm  what the device does
 * @return PHYR_OK also while something is lost that might be there
 * @return PHYR_E_INVAL an argument is missing or unknown, there is no checker, or len is 0
 * @return PHYR_E_NOENT some of it is not mapped
 * @return PHYR_E_PERM  it may not do that
 * @return PHYR_E_BUSY  linked, but not made visible by phyr_dma_sync(); or some was given to the CPU
 * @complexity O(mappings)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_dma_check_device(const struct phyr_dma *dma,
						  struct phyr_iova_range range,
						  enum phyr_perm perm);

/**
 * @brief May the CPU touch memory now? A mistake is counted and reported.
 *
 * Knows what was mapped as lists, and was not given to the CPU by phyr_dma_sync_for_cpu(), and what is
 * linked into states, synced or not: of every handle of the checker's. The CPU may read what devices only
 * read.
 *
 * @param[in,out] checker the checker
 * @param[in]     range   [physical] len 1 or more
 * @param[in]     write   it writes
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing or len is 0
 * @return PHYR_E_RANGE the range wraps
 * @return PHYR_E_BUSY  some of it is a device's
 * @complexity O(runs of all mappings + granules of all states)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_dma_check_cpu(struct phyr_dma_checker *checker,
					       struct phyr_range range, bool write);

#ifdef __cplusplus
}
#endif

#endif
