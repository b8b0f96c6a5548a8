/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Cutting runs into the aligned blocks that a page table or a device takes.
 *
 * A list stays maximal and ignorant of devices; splitting only ever makes pieces smaller. Two
 * addresses decide how large a block may be: where the memory is, and the address under which it
 * is reached (an I/O address, or the address by which a device names the region). A block of size
 * S is aligned to S in both.
 *
 * Both ends of a list are rounded out to the smallest size of the set, because that is the least
 * that a table can map; interior joints must lie on its multiples.
 *
 * Nothing here allocates, and nothing takes time in proportion to pages.
 */
#ifndef PHYR_SPLIT_H
#define PHYR_SPLIT_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Blocks counted by size. */
struct phyr_block_counts {
	uint64_t cnt[64]; /**< cnt[n]: how many blocks of 2^n bytes */
};

/** Neighbouring blocks of one size. */
struct phyr_blocks {
	phyr_pa pa;	  /**< of the first block */
	phyr_iova iova;	  /**< of the first block */
	uint64_t cnt;	  /**< how many, 1 or more; addresses advance together */
	unsigned int lg2; /**< [log2 bytes] size of each */
};

/**
 * @brief Adds up, per size, the blocks that the greedy cut of one range has, in closed form.
 *
 * Greedy: at each point the largest size that is aligned in both addresses and fits what is left.
 * Pass iova = pa for a cut that looks at physical addresses alone.
 *
 * @param[in]     range  [bytes] len 0 adds nothing
 * @param[in]     iova   under which address the range is reached
 * @param[in]     sizes  supported sizes
 * @param[in,out] counts added to; unchanged on error
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty or counts is NULL
 * @return PHYR_E_RANGE the range or its I/O addresses wrap
 * @return PHYR_E_ALIGN pa, iova or len is no multiple of the smallest size
 * @complexity O(sizes)
 * @threads any
 * @source Linux iommu_pgsize() and its map loop: the same blocks
 */
PHYR_API PHYR_NODISCARD int phyr_split_count_range(struct phyr_range range, phyr_iova iova,
						   phyr_sizes sizes,
						   struct phyr_block_counts *counts);

/** A place in the cut of a list; the caller's, on the stack. All members are private. */
struct phyr_split {
	struct phyr_list_cursor cursor; /**< private */
	struct phyr_range run;		/**< private: what is left of the current run */
	phyr_iova iova;			/**< private: of what is left */
	phyr_sizes sizes;		/**< private */
	uint64_t list_len;		/**< private: [bytes] */
	bool physical;			/**< private: the I/O address follows pa */
};

/**
 * @brief Starts to cut a list that is reached at consecutive I/O addresses.
 *
 * All errors are found here: phyr_split_next() cannot fail.
 *
 * @param[in]  list  must not change while the cut is used; may be empty
 * @param[in]  iova  of byte 0 of the list
 * @param[in]  sizes supported sizes, none below 1 byte
 * @param[out] split written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, or an argument NULL
 * @return PHYR_E_RANGE the I/O addresses, rounded out, wrap
 * @return PHYR_E_ALIGN an interior joint, or pa against iova, breaks the smallest size
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_begin(const struct phyr_list *list, phyr_iova iova,
					     phyr_sizes sizes, struct phyr_split *split);

/**
 * @brief Starts to cut a list by its physical addresses alone.
 *
 * @param[in]  list  must not change while the cut is used; may be empty
 * @param[in]  sizes supported sizes
 * @param[out] split written only on PHYR_OK; its blocks have iova = pa
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, or an argument NULL
 * @return PHYR_E_RANGE a run, rounded out, would be 2^64 bytes long
 * @return PHYR_E_ALIGN an interior joint breaks the smallest size
 * @complexity O(log slabs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_begin_physical(const struct phyr_list *list,
						      phyr_sizes sizes, struct phyr_split *split);

/**
 * @brief Returns the next neighbouring blocks of one size, in the order of the list.
 *
 * @param[in,out] split      started
 * @param[out]    ret_blocks written only when true is returned
 * @return true when there were blocks, false at the end
 * @complexity O(1); at most 2 × sizes calls for each run
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API bool phyr_split_next(struct phyr_split *split, struct phyr_blocks *ret_blocks);

/**
 * @brief Counts the blocks of a whole list by size.
 *
 * @param[in]  list       may be empty
 * @param[in]  iova       of byte 0 of the list
 * @param[in]  sizes      supported sizes
 * @param[out] ret_counts written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, or an argument NULL
 * @return PHYR_E_RANGE the I/O addresses, rounded out, wrap
 * @return PHYR_E_ALIGN an interior joint, or pa against iova, breaks the smallest size
 * @complexity O(runs × sizes)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_count(const struct phyr_list *list, phyr_iova iova,
					     phyr_sizes sizes,
					     struct phyr_block_counts *ret_counts);

/** May a device page reach beyond the region, rounded out to 4 KiB pages? */
enum phyr_cover {
	PHYR_COVER_FORBID = 0, /**< never */
	PHYR_COVER_ALLOW = 1,  /**< yes: whoever registers sees to it that nothing is exposed */
};

/**
 * @brief The smallest single page size that describes a list in the fewest pages.
 *
 * A size S fits when every byte's address and device address agree modulo S, every interior joint
 * is at a multiple of S in the device's addresses, and (unless covering is allowed) the region
 * rounded out to 4 KiB pages begins and ends on multiples of S.
 *
 * @param[in] list    the addresses that the device puts on the bus; not empty
 * @param[in] address [device address] names byte 0 in the device (IOVA of the region, or 0)
 * @param[in] sizes   what the device supports
 * @param[in] cover   whether pages may cover more than the region
 * @return [bytes] the size; 0 when none fits, sizes is empty, list is NULL or empty, or the
 *         device addresses wrap
 * @complexity O(runs)
 * @threads any number of readers
 * @source Linux ib_umem_find_best_pgsz(), whose pages may always cover; rounds in 4 KiB pages
 */
PHYR_API uint64_t phyr_split_best_size(const struct phyr_list *list, uint64_t address,
				       phyr_sizes sizes, enum phyr_cover cover);

/** A place in the single-size cut of a list. All members are private. */
struct phyr_pages {
	struct phyr_list_cursor cursor; /**< private */
	uint64_t address;		/**< private: [device address] of byte 0 */
	unsigned int lg2;		/**< private: [log2 bytes] */
};

/**
 * @brief Starts to cut a list into pages of one size, as a device table with one size wants them.
 *
 * The first and the last page may reach beyond the list: see phyr_split_best_size() for which
 * sizes do not.
 *
 * @param[in]  list    must not change while the cut is used; may be empty
 * @param[in]  address [device address] names byte 0 in the device
 * @param[in]  lg2     [log2 bytes, 0 … 63] the page size
 * @param[out] pages   written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or lg2 above 63
 * @return PHYR_E_RANGE the device addresses wrap
 * @return PHYR_E_ALIGN a page of this size would hold a joint, or an address and a device address
 *         disagree: data would be lost
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_pages_begin(const struct phyr_list *list, uint64_t address,
						   unsigned int lg2, struct phyr_pages *pages);

/**
 * @brief Returns the pages of the next run.
 *
 * @param[in,out] pages      started
 * @param[out]    ret_blocks pa of the first page, its device address as iova, and how many
 *                           neighbours follow; written only when true is returned
 * @return true when there were pages, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API bool phyr_split_pages_next(struct phyr_pages *pages, struct phyr_blocks *ret_blocks);

#ifdef __cplusplus
}
#endif

#endif
