/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Where in I/O address space a list should go.
 *
 * Two keys pull at the address. Page-table leaves grow when the I/O address is congruent to the
 * physical address (of the list's largest block); device entries grow when it is congruent to the
 * address by which the device names the region. Huge pages satisfy both; elsewhere one wins.
 *
 * Here the answer is computed; iova.h allocates it.
 */
#ifndef PHYR_PLACE_H
#define PHYR_PLACE_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to choose. */
enum phyr_place_policy {
	PHYR_PLACE_PHASE = 0,	     /**< match the keys: fewest device entries, then leaves */
	PHYR_PLACE_SIZE_ALIGNED = 1, /**< align to the length's power of two, as Linux does */
};

/** By what a device names byte 0 of a region. */
enum phyr_name {
	PHYR_NAME_ADDRESS = 0, /**< an address that is given: a process's VA, or zero */
	PHYR_NAME_IOVA = 1,    /**< the I/O address itself: free to choose */
};

/** Which key a placement follows. */
enum phyr_place_key {
	PHYR_KEY_NONE = 0,     /**< none: only alignment counts */
	PHYR_KEY_PHYSICAL = 1, /**< iova ≡ pa */
	PHYR_KEY_DEVICE = 2,   /**< iova ≡ device address */
	PHYR_KEY_BOTH = 3,     /**< both hold */
};

/** What is to be placed, for whom. */
struct phyr_place_request {
	enum phyr_place_policy policy; /**< how */
	enum phyr_name name;	       /**< by what the device names the region */
	uint64_t address;	       /**< [device address] when the name is given */
	phyr_sizes leaf_sizes;	       /**< of the IOMMU; not empty */
	phyr_sizes device_sizes;       /**< of the device's table; empty: it has none */
	bool device_mixed;	       /**< the device takes several sizes in one region */
	struct phyr_window window;     /**< reachable I/O addresses */
};

/** The answer. */
struct phyr_place_result {
	struct phyr_placement placement; /**< for phyr_iova_alloc() */
	uint64_t reserve_len;		 /**< [bytes] to allocate: the list in granules */
	uint64_t head_len;		 /**< [bytes] from the reservation to byte 0 */
	enum phyr_place_key key;	 /**< which key it follows */
	bool conflict;			 /**< the keys disagree: no address satisfies both */
	uint64_t leaf_cnt;		 /**< page-table leaves this will take */
	uint64_t entry_cnt;		 /**< device entries; 0: no device sizes, or none fits */
};

/**
 * @brief Chooses alignment and phase for a list.
 *
 * Where the keys disagree, the one that needs fewer device entries wins, then fewer leaves. The
 * costs are promises: no address that satisfies the placement takes more, though one that happens
 * to be better aligned may take less.
 *
 * @param[in]  list       not empty, interior joints on granules
 * @param[in]  request    see there
 * @param[out] ret_result written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL list empty, leaf_sizes empty, an argument NULL or not a known value
 * @return PHYR_E_ALIGN an interior joint of the list is no multiple of the granule
 * @return PHYR_E_RANGE the list or the device addresses, rounded out, wrap
 * @return PHYR_E_LIMIT the window is smaller than the list
 * @complexity O(runs)
 * @threads any number of readers
 * @source docs/design/01-placement-keys.md; PHYR_PLACE_SIZE_ALIGNED: Linux alloc_iova()
 */
PHYR_API PHYR_NODISCARD int phyr_place(const struct phyr_list *list,
				       const struct phyr_place_request *request,
				       struct phyr_place_result *ret_result);

#ifdef __cplusplus
}
#endif

#endif
