/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What Linux does today, to compare with: descriptions of memory, and mapping calls.
 *
 * Facts from Linux 6.18 … 7.1 on 64-bit machines. Not here: I/O addresses (linux_iova.h), the page
 * table (every strategy is given the same one).
 */
#ifndef PHYRSIM_LINUX_H
#define PHYRSIM_LINUX_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyr/list.h>
#include <phyr/p2p.h>
#include <phyrsim/linux_iova.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What Linux does and should not; a set of bits. A model that takes a set does as Linux does where
 * the bit is set, and as it should be where it is not. Values are pinned.
 */
enum phyrsim_linux_quirk {
	/** dma_map_sg: a bus address gets the length of the *first* entry, rounded out to granules */
	PHYRSIM_LINUX_HEAD_LENGTH = 1,
	/** dma_iova_destroy: gives back addresses for what was mapped, not for what was allocated */
	PHYRSIM_LINUX_FREE_MAPPED = 2,
	/** dma-buf: every range is linked at offset 0 */
	PHYRSIM_LINUX_LINK_AT_ZERO = 4,
	/** dma-buf: lengths and offsets of the whole are kept in 32 bits */
	PHYRSIM_LINUX_LENGTH_32 = 8,
	/** dma-buf: long ranges are cut into entries of 2^32 - 1 bytes, no whole pages */
	PHYRSIM_LINUX_ODD_SPLIT = 16,
	/** iommufd: an I/O address is as aligned as the memory's address, without its phase */
	PHYRSIM_LINUX_ALIGN_ONLY = 32,
};
/** All of them: Linux as it is. */
#define PHYRSIM_LINUX_AS_IS 63u

/** sizeof(struct scatterlist) with the DMA fields. [bytes] */
#define PHYRSIM_LINUX_SG_LEN 32
/** Entries in a full 4 KiB piece of a chained scatterlist, the chain link included. */
#define PHYRSIM_LINUX_SG_PIECE_CNT 128
/** sizeof(struct bio_vec) and sizeof(struct phys_vec). [bytes] */
#define PHYRSIM_LINUX_VEC_LEN 16
/** The longest segment of a device whose driver never said: 64 KiB. */
#define PHYRSIM_LINUX_SEGMENT_DEFAULT UINT64_C(65536)

/** What a description costs. */
struct phyrsim_linux_cost {
	uint64_t entry_cnt; /**< entries, chain links not counted */
	uint64_t len;	    /**< [bytes] of storage */
};

/**
 * @brief A scatterlist over a list, as sg_alloc_append_table_from_pages() builds it.
 *
 * Neighbouring pages join up to the longest segment; storage comes in pieces of 4 KiB whose last
 * entry links to the next, and a last piece of just what is left.
 *
 * @param[in] list        any
 * @param[in] segment_max [bytes] longest entry: a multiple of 4096, 4096 … 2^32 − 4096
 * @return entries and bytes; zero for an empty list or another segment_max
 * @complexity O(runs)
 * @threads any number of readers
 * @source Linux lib/scatterlist.c
 */
PHYR_API struct phyrsim_linux_cost phyrsim_linux_scatterlist(const struct phyr_list *list,
							     uint64_t segment_max);

/**
 * @brief An array of bio_vec over a list: 32-bit lengths.
 *
 * @param[in] list any
 * @return entries and bytes
 * @complexity O(runs)
 * @threads any number of readers
 * @source Linux include/linux/bvec.h
 */
PHYR_API struct phyrsim_linux_cost phyrsim_linux_bio_vec(const struct phyr_list *list);

/**
 * @brief An array of phys_vec over a list: 64-bit lengths, one entry a run.
 *
 * @param[in] list any
 * @return entries and bytes
 * @complexity O(1)
 * @threads any number of readers
 * @source Linux include/linux/types.h
 */
PHYR_API struct phyrsim_linux_cost phyrsim_linux_phys_vec(const struct phyr_list *list);

/** A mapping as dma_map_sg() or a loop of dma_map_page() leaves it; opaque. */
struct phyrsim_linux_map;

/** What the mapping calls of Linux cost. */
struct phyrsim_linux_map_stats {
	uint64_t reserved_len; /**< [bytes] of I/O address space */
	uint64_t call_cnt;     /**< iommu_map() calls: one a run, or one a page */
	uint64_t alloc_cnt;    /**< allocations of I/O addresses */
	uint64_t flush_cnt;    /**< flushes at unmap: one an unmap call, strict */
};

/** How Linux is asked to map. */
enum phyrsim_linux_way {
	PHYRSIM_LINUX_SG = 0,	 /**< one dma_map_sg(): one range of I/O addresses */
	PHYRSIM_LINUX_PAGES = 1, /**< one dma_map_page() a page: as many ranges */
};

/** For which device, and where, Linux is asked to map. */
struct phyrsim_linux_target {
	struct phyr_iommu iommu;		  /**< the backend; ops not NULL */
	struct phyrsim_linux_iova *iova;	  /**< I/O addresses, with 4 KiB granules */
	struct phyrsim_linux_iova_device *device; /**< what it reaches; changed as by each call */
	unsigned int cpu;			  /**< that maps and unmaps: 0 … CPUs − 1 */
};

/**
 * @brief Maps a list the way Linux does.
 *
 * @param[in]  mem     for what the caller of Linux would have to keep; must outlive the mapping
 * @param[in]  target  all of it; backend and I/O addresses must outlive the mapping
 * @param[in]  list    not empty, one kind, joints on pages; unchanged while mapped
 * @param[in]  way     one call or one a page
 * @param[out] ret_map the caller takes it down; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, there is no such CPU, or the list is empty
 * @return PHYR_E_ALIGN an interior joint is inside a page
 * @return PHYR_E_NOSPACE, PHYR_E_LIMIT no I/O addresses
 * @return PHYR_E_NOMEM nothing is mapped
 * @complexity O(runs) or O(pages) calls
 * @threads caller serialises calls on one target
 * @source Linux dma-iommu.c: iommu_dma_map_sg, iommu_dma_map_phys
 */
PHYR_API PHYR_NODISCARD int phyrsim_linux_map(const struct phyr_mem *mem,
					      const struct phyrsim_linux_target *target,
					      const struct phyr_list *list,
					      enum phyrsim_linux_way way,
					      struct phyrsim_linux_map **ret_map);

/**
 * @brief Unmaps, one flush for each mapping call, frees the I/O addresses and the mapping.
 *
 * @param[in]  map       NULL is allowed
 * @param[out] ret_stats what mapping and unmapping cost; may be NULL
 * @complexity O(mapping calls)
 * @threads caller serialises calls on one target
 */
PHYR_API void phyrsim_linux_unmap(struct phyrsim_linux_map *map,
				  struct phyrsim_linux_map_stats *ret_stats);

/**
 * @brief The I/O addresses of a mapping, in the order of the list's bytes.
 *
 * @param[in] map the mapping
 * @return a list of I/O addresses, valid while the mapping is
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API const struct phyr_list *phyrsim_linux_map_list(const struct phyrsim_linux_map *map);

/** Who made a PCI device, and which it is. */
struct phyrsim_linux_pci_id {
	uint16_t vendor; /**< of the configuration space */
	uint16_t device; /**< likewise */
};

/**
 * @brief What Linux trusts a host bridge to forward between peers, by a list of ids.
 *
 * The id is that of the device with which Linux knows the bridge: number 0.0 of its bus, or else a
 * root port on it. Where the processor is an AMD of family 0x17 (Zen) or later, Linux does not ask
 * for ids: all bridges are as #PHYR_P2P_FORWARD_ACROSS.
 *
 * @param[in] id the device
 * @return what to add the bridge with; #PHYR_P2P_FORWARD_NOTHING for what is not in the list
 * @complexity O(1)
 * @threads any
 * @source Linux p2pdma.c: pci_p2pdma_whitelist
 */
PHYR_API enum phyr_p2p_forward phyrsim_linux_host_bridge(struct phyrsim_linux_pci_id id);

#ifdef __cplusplus
}
#endif

#endif
