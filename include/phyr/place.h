/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Where in I/O address space a list should go, and what that costs.
 *
 * Two keys pull at the address. Page-table leaves grow when the I/O address is congruent to the
 * physical address; device entries grow when it is congruent to the address by which the device
 * names the region. A third pull is towards addresses with many zeros: they keep the window small
 * that an invalidation has to reach. All three want address space: what is aligned to 2^n comes
 * 2^n apart.
 *
 * A plan weighs them. Its costs are promises: no address that satisfies its placement costs more,
 * though one that happens to be better aligned may cost less.
 *
 * Here the answer is computed; iova.h allocates it. docs/placement.md has figures.
 */
#ifndef PHYR_PLACE_H
#define PHYR_PLACE_H

#include <phyr/base.h>
#include <phyr/list.h>
#include <phyr/split.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to choose. */
enum phyr_place_policy {
	PHYR_PLACE_PHASE = 0,	     /**< match the keys, by the weights */
	PHYR_PLACE_SIZE_ALIGNED = 1, /**< align to the length's power of two, as Linux does */
	/** As iommufd: the lowest place that is as aligned as the list's process address. */
	PHYR_PLACE_FIRST_FIT_UP = 2,
	PHYR_PLACE_PACKED = 3, /**< any granule, in the tightest hole */
};

/** By what a device names byte 0 of a region. */
enum phyr_name {
	PHYR_NAME_ADDRESS = 0, /**< an address that is given: a process's VA, or zero */
	PHYR_NAME_IOVA = 1,    /**< the I/O address itself: free to choose */
};

/** Which keys a placement satisfies; a set of bits. */
enum phyr_place_key {
	PHYR_KEY_NONE = 0,     /**< neither */
	PHYR_KEY_PHYSICAL = 1, /**< the memory's: no placement takes fewer leaves */
	PHYR_KEY_DEVICE = 2,   /**< the device's: no placement takes fewer entries */
	PHYR_KEY_BOTH = 3,     /**< both */
};

/** What a placement costs, at most. */
struct phyr_place_cost {
	uint64_t entry_cnt; /**< device entries; 0: it has no table, or no page size fits */
	uint64_t leaf_cnt;  /**< page-table leaves; 0: there is no such placement */
	/** [4 KiB pages] in the smallest aligned power of two that holds the mapping: what one
	 *  invalidation reaches (VT-d, AMD) */
	uint64_t flush_cnt;
	/** [bytes] reserve_len rounded up to the modulus: the distance of one such reservation
	 *  from the next. Others may use what is between; 2^64 − 1 also for 2^64 */
	uint64_t pitch_len;
};

/**
 * What each unit of a cost weighs. The cheapest sum wins; equal sums, and all-zero weights, are
 * decided by fewer entries, then fewer leaves, then the smaller flush, then the smaller pitch. A
 * sum beyond 2^64 − 1 counts as that.
 */
struct phyr_place_weights {
	uint64_t entry; /**< of a device entry */
	uint64_t leaf;	/**< of a page-table leaf */
	uint64_t flush; /**< of each 4 KiB page that an invalidation reaches */
	uint64_t pitch; /**< of each 4 KiB page of address space */
};

/** What is to be placed, for whom. */
struct phyr_place_request {
	enum phyr_place_policy policy;	   /**< how */
	enum phyr_name name;		   /**< by what the device names the region */
	uint64_t address;		   /**< [device address] when the name is given */
	phyr_sizes leaf_sizes;		   /**< of the IOMMU; not empty */
	phyr_sizes device_sizes;	   /**< of the device's table; empty: it has none */
	bool device_mixed;		   /**< the device takes several sizes in one region */
	enum phyr_cover cover;		   /**< may its pages reach beyond the region? The outer
					    *   ones of mixed sizes only by the smallest size */
	struct phyr_place_weights weights; /**< for PHYR_PLACE_PHASE; all-zero: one by one */
	struct phyr_window window;	   /**< reachable I/O addresses */
	uint8_t boundary_lg2; /**< [log2 bytes, 0 … 63] the reservation crosses no multiple; 0 = may
			       */
	/** [log2 bytes, 0 … 63] most that PHYR_PLACE_FIRST_FIT_UP aligns to; 0 = 21, as with
	 *  transparent huge pages of 2 MiB. Without them it is 12 */
	uint8_t first_fit_lg2;
};

/** A placement and what to do with it. */
struct phyr_place_choice {
	struct phyr_placement placement; /**< for phyr_iova_alloc() */
	uint64_t reserve_len; /**< [bytes] to allocate: the list in granules and what pages cover */
	uint64_t lead_len;    /**< [bytes] from the reservation to the first granule to map */
	uint64_t map_len;     /**< [bytes] to map from there on: the list in granules */
	uint64_t head_len;    /**< [bytes] from the reservation to byte 0 */
	uint64_t page_len;    /**< [bytes] the single page size to register with; any other may
			       *   cover what is not reserved. 0: mixed sizes, or none */
	struct phyr_place_cost cost; /**< what it promises */
};

/** The answer. A choice that cannot be had is all-zero: cost.leaf_cnt says so. */
struct phyr_place_result {
	struct phyr_place_choice chosen;       /**< by the policy */
	struct phyr_place_choice aligned;      /**< to compare: what PHYR_PLACE_SIZE_ALIGNED has */
	struct phyr_place_choice device_first; /**< fewest entries, then fewest leaves */
	struct phyr_place_choice memory_first; /**< fewest leaves, then fewest entries */
	enum phyr_place_key key;	       /**< which keys the chosen one satisfies */
	bool conflict; /**< no placement has both the fewest entries and the fewest leaves */
	/** [0 … 63] in a conflict: the lowest bit of byte 0's I/O address in which device_first
	 *  and memory_first differ, so that larger pages of one or the other are lost; 64: they
	 *  differ in room alone, because of what pages cover */
	uint8_t conflict_bit;
};

/**
 * @brief Chooses alignment and phase for a list, and says what each way would cost.
 *
 * With #PHYR_PLACE_PHASE no congruence to any power of two is cheaper by the weights, as long as
 * - the list has at most 8 phases that matter (of more, those with the most bytes are looked at);
 * - the device does not take mixed sizes under a free name: of these congruences only those are
 *   looked at that follow a key in their low bits and above are zero, or end at a larger size.
 *   (Where nothing is covered and there is no boundary, the fewest entries, and of them the fewest
 *   leaves, are among them.)
 * - the window holds, for each power of two, an address of every phase.
 *
 * To use a choice: reserve reserve_len bytes with its placement, map map_len bytes lead_len behind
 * (phyr_dma_map_at(), or phyr_dma_map() when nothing is covered), register with page_len.
 *
 * @param[in]  list       not empty, interior joints on granules
 * @param[in]  request    see there
 * @param[out] ret_result written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL list empty, leaf_sizes empty, an argument NULL or not a known value
 * @return PHYR_E_ALIGN an interior joint of the list is no multiple of the granule, or
 *                      PHYR_PLACE_FIRST_FIT_UP would align to less than a granule
 * @return PHYR_E_RANGE the list or the device addresses, rounded out, wrap
 * @return PHYR_E_LIMIT the policy's placement does not fit the window and the boundary
 * @complexity O(runs × sizes), two passes
 * @threads any number of readers
 * @source docs/design/01-placement-keys.md; PHYR_PLACE_SIZE_ALIGNED: Linux alloc_iova();
 *         PHYR_PLACE_FIRST_FIT_UP: Linux iopt_alloc_iova()
 */
PHYR_API PHYR_NODISCARD int phyr_place_plan(const struct phyr_list *list,
					    const struct phyr_place_request *request,
					    struct phyr_place_result *ret_result);

#ifdef __cplusplus
}
#endif

#endif
