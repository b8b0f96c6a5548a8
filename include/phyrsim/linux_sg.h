/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A scatterlist through Linux's dma_map_sg() behind an IOMMU: what is asked for, what comes out.
 *
 * Two passes around one allocation of I/O addresses, entry by entry. The first one types and rounds
 * out: phyrsim_linux_sg_plan(). The second one says which ranges the device is given, joining what
 * follows on within the device's limits, over the entries from the first on: phyrsim_linux_sg_finish().
 *
 * Not here: page tables, where the addresses come from (linux_iova.h), bouncing.
 */
#ifndef PHYRSIM_LINUX_SG_H
#define PHYRSIM_LINUX_SG_H

#include <phyr/base.h>
#include <phyr/list.h>
#include <phyr/p2p.h>
#include <phyrsim/linux.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a device takes, and how Linux is to behave. */
struct phyrsim_linux_sg_limits {
	unsigned int granule_lg2; /**< [log2 bytes, 12 … 30] of the IOMMU */
	uint64_t segment_max;	  /**< [bytes] longest range that comes out */
	uint64_t boundary_mask; /**< 2^n − 1: no range crosses a multiple of 2^n; all ones: none */
	unsigned int quirks;	/**< of enum phyrsim_linux_quirk: HEAD_LENGTH */
};

/** An entry: memory in, and, over the entries from the first on, ranges for the device out. */
struct phyrsim_linux_sg {
	struct phyr_range mem;	 /**< in: not empty */
	enum phyr_p2p_type type; /**< in: NONE or BRIDGE is mapped, BUS and OWN keep an address */
	uint64_t bus_offset;	 /**< in: BUS, OWN: bus address − physical, mod 2^64 */
	uint64_t extent; /**< between the passes: [bytes] of I/O addresses; of a bus address:
					 its length */
	struct phyr_iova_range
		dma; /**< out: of the entry with this number; len 0 behind the last */
	bool bus;    /**< out: dma is a bus address, past the IOMMU */
};

/** What a scatterlist asks for. */
struct phyrsim_linux_sg_plan {
	uint64_t iova_len; /**< [bytes] of I/O addresses: one allocation, if not 0 */
	uint64_t call_cnt; /**< iommu_map() calls: one a physically contiguous run of granules */
	uint64_t
		pad_len; /**< [bytes] by which entries were lengthened to a boundary: what lies behind
				them in memory is mapped, and is not the caller's */
	uint64_t bus_cnt; /**< entries with a bus address */
};

/**
 * @brief Fills entries from a list, as phyrsim_linux_scatterlist() counts them; all of type NONE.
 *
 * @param[in]  list        any
 * @param[in]  segment_max [bytes] longest entry: a multiple of 4096, 4096 … 2^32 − 4096
 * @param[out] sg          room for as many as that function says; each is written whole
 * @return how many were written; 0 for an empty list or another segment_max
 * @complexity O(entries)
 * @threads any number of readers of list
 * @source Linux lib/scatterlist.c
 */
PHYR_API size_t phyrsim_linux_sg_fill(const struct phyr_list *list, uint64_t segment_max,
				      struct phyrsim_linux_sg *sg);

/**
 * @brief The first pass: how many I/O addresses, how many calls.
 *
 * @param[in]     limits   what the device takes
 * @param[in,out] sg       the entries; nothing of them changes but their extent
 * @param[in]     cnt      how many, 1 or more
 * @param[out]    ret_plan written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, an entry is empty, the granule is none, or the
 *                            boundary mask not 2^n − 1
 * @return PHYR_E_RANGE       an entry, or the sum, wraps when rounded out
 * @return PHYR_E_UNREACHABLE an entry is of type UNSUPPORTED: −EREMOTEIO, the list is as it was
 * @complexity O(entries)
 * @threads caller serialises calls on one array
 * @source Linux drivers/iommu/dma-iommu.c: iommu_dma_map_sg
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_sg_plan(const struct phyrsim_linux_sg_limits *limits,
						  struct phyrsim_linux_sg *sg, size_t cnt,
						  struct phyrsim_linux_sg_plan *ret_plan);

/**
 * @brief The second pass: the ranges that the device is given.
 *
 * An entry joins the range before it if it begins on a granule, where that range ends; if the range
 * was left open, by an entry that filled its granules; if the address is on no boundary; and if the
 * sum is not too long. A bus address is alone, and ends the range before it.
 *
 * @param[in]     limits as in the first pass
 * @param[in,out] sg     as the first pass left them
 * @param[in]     cnt    how many
 * @param[in]     base   the first of the I/O addresses
 * @return how many ranges: what dma_map_sg() returns
 * @complexity O(entries)
 * @threads caller serialises calls on one array
 * @source Linux drivers/iommu/dma-iommu.c: __finalise_sg
 */
PHYR_API size_t phyrsim_linux_sg_finish(const struct phyrsim_linux_sg_limits *limits,
					struct phyrsim_linux_sg *sg, size_t cnt, phyr_iova base);

#ifdef __cplusplus
}
#endif

#endif
