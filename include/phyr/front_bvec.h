/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief A transfer of bvecs mapped for an RDMA adapter, and what that takes of it: work requests,
 *        scatter/gather entries, memory regions.
 *
 * All decisions are made on what the mapping has become, never on the number of bvecs: neighbours
 * and aligned joints have been joined by then, and a transfer that is one range needs no region.
 * Bvecs that meet inside a granule are no error: they are mapped as they are, and the reason is told.
 *
 * Not here: keys, posting; a region's own translation table (phyrsim/mtt.h).
 */
#ifndef PHYR_FRONT_BVEC_H
#define PHYR_FRONT_BVEC_H

#include <phyr/base.h>
#include <phyr/front_request.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What an adapter takes. */
struct phyr_front_bvec_limits {
	uint64_t sge_len_max;  /**< [bytes] of an entry; 0 = 2 GiB, as their lengths have 32 bits */
	uint32_t sge_cnt_max;  /**< [1 …] entries of one work request */
	uint32_t read_sge_max; /**< a read into more entries than this is better off with regions;
				    0 = never (Linux max_sgl_rd) */
	uint32_t mr_page_max;  /**< [1 …] pages of one region */
	uint8_t mr_page_lg2;   /**< [log2 bytes, 0 … 63] of these pages; 0 = 4 KiB */
	bool force_mr;	       /**< every transfer by regions */
	bool iwarp;	       /**< reads by regions */
};

/** How the adapter is told where the memory is. */
enum phyr_front_bvec_path {
	PHYR_FRONT_BVEC_ONE = 1,  /**< one work request, one entry */
	PHYR_FRONT_BVEC_SGES = 2, /**< several entries */
	PHYR_FRONT_BVEC_MR = 3,	  /**< regions, one entry and one work request each */
};

/** Why. */
enum phyr_front_bvec_why {
	PHYR_FRONT_BVEC_ADJACENT = 1, /**< one: bvecs are neighbours in memory, or there is one */
	PHYR_FRONT_BVEC_JOINED = 2,   /**< one: the IOMMU puts them behind one another */
	PHYR_FRONT_BVEC_LONG = 3,     /**< SGEs: one range, longer than an entry */
	PHYR_FRONT_BVEC_GAP = 4,      /**< SGEs: a joint is inside a granule of the IOMMU */
	PHYR_FRONT_BVEC_APART = 5,    /**< SGEs: nothing can join them: no IOMMU, or past it */
	PHYR_FRONT_BVEC_NO_MR = 6,    /**< SGEs: regions were better, and there are too few */
	PHYR_FRONT_BVEC_FORCED = 7,   /**< MR: force_mr */
	PHYR_FRONT_BVEC_IWARP = 8,    /**< MR: a read of an iWARP adapter */
	PHYR_FRONT_BVEC_MANY = 9,     /**< MR: a read into more than read_sge_max entries */
};
/** Reasons are below this. */
#define PHYR_FRONT_BVEC_WHY_CNT 10

/** What the transfers of an adapter took. */
struct phyr_front_bvec_stats {
	uint64_t wr_cnt;			   /**< work requests */
	uint64_t sge_cnt;			   /**< entries */
	uint64_t mr_cnt;			   /**< regions */
	uint64_t busy_cnt;			   /**< transfers refused for lack of regions */
	uint64_t why_cnt[PHYR_FRONT_BVEC_WHY_CNT]; /**< transfers, by reason */
};

/** An adapter as one thread sees it; the caller's. */
struct phyr_front_bvec_device {
	struct phyr_front_queue queue;	      /**< to be read: its stats */
	struct phyr_front_bvec_stats stats;   /**< to be read */
	struct phyr_front_bvec_limits limits; /**< constant */
};

/** What is to be transferred. */
struct phyr_front_bvec_transfer {
	struct phyr_front_input input; /**< the bvecs */
	enum phyr_perm perm;	       /**< what the adapter may do */
	bool read;	  /**< it is an RDMA READ: the memory is filled from the other side */
	uint64_t mr_free; /**< regions at hand */
};

/** A mapped transfer; the caller's, may be moved. */
struct phyr_front_bvec {
	struct phyr_front_request request; /**< phyr_front_request_begin() has the addresses */
	enum phyr_front_bvec_path path;	   /**< how */
	enum phyr_front_bvec_why why;	   /**< why so */
	uint64_t wr_cnt;		   /**< work requests */
	uint64_t sge_cnt;		   /**< entries of all of them */
	uint64_t mr_cnt;		   /**< regions to be taken */
};

/**
 * @brief Starts an adapter.
 *
 * @param[out] device the caller's; nothing to end
 * @param[in]  dma    must outlive the device
 * @param[in]  limits see there
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, sge_cnt_max or mr_page_max is 0, or a log2 above 63
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_front_bvec_init(struct phyr_front_bvec_device *device,
						 struct phyr_dma *dma,
						 const struct phyr_front_bvec_limits *limits);

/**
 * @brief Maps a transfer, with at most one reservation and one sync, and says what it takes.
 *
 * @param[in,out] device   the adapter
 * @param[in]     transfer see there
 * @param[out]    ret_bvec written only on PHYR_OK
 * @return as phyr_front_request_map(), and
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_BUSY  only regions will do, and there are too few; nothing is mapped
 * @complexity as phyr_front_request_map()
 * @threads caller serialises calls on one device and on its handle
 * @source Linux rdma_rw_ctx_init_bvec(), which has no look at the joints and fails where they are
 *         inside a granule (defect D9), and knows no peers
 */
PHYR_API PHYR_NODISCARD int phyr_front_bvec_map(struct phyr_front_bvec_device *device,
						const struct phyr_front_bvec_transfer *transfer,
						struct phyr_front_bvec *ret_bvec);

/**
 * @brief Unmaps a transfer; needs neither memory nor the bvecs.
 *
 * @param[in,out] device that mapped it
 * @param[in,out] bvec   becomes all-zero on PHYR_OK
 * @return as phyr_front_request_unmap()
 * @complexity as phyr_front_request_unmap()
 * @threads as phyr_front_bvec_map()
 */
PHYR_API PHYR_NODISCARD int phyr_front_bvec_unmap(struct phyr_front_bvec_device *device,
						  struct phyr_front_bvec *bvec);

#ifdef __cplusplus
}
#endif

#endif
