/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A device's own translation table, as RDMA adapters keep for memory regions (MTT).
 *
 * A region is named by an address of its own; the table turns it into the I/O addresses that the
 * device puts on the bus. All entries of a region have one size, or, for devices that can, several.
 */
#ifndef PHYRSIM_MTT_H
#define PHYRSIM_MTT_H

#include <phyr/base.h>
#include <phyr/dma.h>
#include <phyr/split.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of an entry, as in mlx5. */
#define PHYRSIM_MTT_ENTRY_LEN 8
/** Tables are given out in units of this, as in mlx5. [bytes] */
#define PHYRSIM_MTT_OCTWORD_LEN 16

/** What a device can do. */
struct phyrsim_mtt_params {
	const struct phyr_mem *mem; /**< host memory for the entries; required */
	phyr_sizes sizes;	    /**< page sizes; not empty */
	bool mixed;		    /**< several sizes in one region */
	enum phyr_cover cover;	    /**< may a page reach beyond the region? Single size only */
};

/** A registered region; opaque. */
struct phyrsim_mtt_region;

/** What a region costs. */
struct phyrsim_mtt_cost {
	uint64_t entry_cnt;		/**< entries */
	uint64_t len;			/**< [bytes] of entries */
	uint64_t octword_len;		/**< [bytes] rounded up to octwords */
	uint64_t page_len;		/**< [bytes] the single size; 0 for mixed sizes */
	struct phyr_block_counts pages; /**< entries by size */
};

/**
 * @brief Registers mapped memory under an address: fills a table for it.
 *
 * @param[in]  params     what the device can do
 * @param[in]  map        mapped memory; must stay mapped until the region is dropped
 * @param[in]  address    [device address] names byte 0 of the region
 * @param[out] ret_region the caller drops it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, nothing is mapped, or no sizes
 * @return PHYR_E_LIMIT no page size of the device fits this memory at this address
 * @return PHYR_E_RANGE the device addresses wrap
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(entries)
 * @threads any number of readers of map
 * @source mlx5: 8-byte MTT entries in 16-byte octwords; a model of the counts, not of the bits
 */
PHYR_API PHYR_NODISCARD int phyrsim_mtt_register(const struct phyrsim_mtt_params *params,
						 const struct phyr_dma_map *map, uint64_t address,
						 struct phyrsim_mtt_region **ret_region);

/**
 * @brief Registers memory that was mapped piece by piece: a list of I/O addresses.
 *
 * @param[in]  params     what the device can do
 * @param[in]  list       I/O addresses as if they were physical ones; read during the call only
 * @param[in]  address    [device address] names byte 0 of the region
 * @param[out] ret_region the caller drops it; written only on PHYR_OK
 * @return as phyrsim_mtt_register()
 * @complexity O(entries)
 * @threads any number of readers of list
 */
PHYR_API PHYR_NODISCARD int phyrsim_mtt_register_list(const struct phyrsim_mtt_params *params,
						      const struct phyr_list *list,
						      uint64_t address,
						      struct phyrsim_mtt_region **ret_region);

/**
 * @brief Drops a region.
 *
 * @param[in] region NULL is allowed
 * @complexity O(1)
 * @threads no other call on the region may be running
 */
PHYR_API void phyrsim_mtt_drop(struct phyrsim_mtt_region *region);

/**
 * @brief What the region costs the device.
 *
 * @param[in]  region   the region
 * @param[out] ret_cost written whole
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyrsim_mtt_cost(const struct phyrsim_mtt_region *region,
			       struct phyrsim_mtt_cost *ret_cost);

/**
 * @brief Translates an address of the region as the device does, bounds checked to the byte.
 *
 * @param[in]  region   the region
 * @param[in]  address  [device address]
 * @param[out] ret_iova what goes on the bus; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_FAULT the address is outside the region
 * @complexity O(1) with a single size, O(log entries) with mixed sizes
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyrsim_mtt_translate(const struct phyrsim_mtt_region *region,
						  uint64_t address, phyr_iova *ret_iova);

#ifdef __cplusplus
}
#endif

#endif
