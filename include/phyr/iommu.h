/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The contract between the mapping layer and an IOMMU, real or simulated.
 *
 * A backend is a table of functions and a context. The mapping layer calls it with whole requests;
 * what a request needs beyond its arguments (tables, locks, queues) is the backend's business.
 *
 * A gather collects, over one or more unmaps, what has to be invalidated before the I/O addresses
 * and the freed table pages may be used again.
 */
#ifndef PHYR_IOMMU_H
#define PHYR_IOMMU_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The pa of memory whose physical address is not known (VFIO, iommufd): use the source. */
#define PHYR_PA_UNKNOWN UINT64_MAX

/** Invalidations are counted by what they reach. */
enum phyr_flush {
	PHYR_FLUSH_RANGE = 0,  /**< the translations of a range of I/O addresses */
	PHYR_FLUSH_DOMAIN = 1, /**< every translation of a domain */
	PHYR_FLUSH_WALK = 2,   /**< cached table pointers, because a table was freed or replaced */
	PHYR_FLUSH_DEVICE = 3, /**< a device's own translation cache (ATS) */
};
/** How many kinds of flush there are. */
#define PHYR_FLUSH_CNT 4

/** What a backend can do. */
struct phyr_iommu_caps {
	phyr_sizes sizes;	  /**< page sizes; the smallest is the granule */
	struct phyr_window iova;  /**< translatable I/O addresses */
	phyr_pa pa_last;	  /**< highest physical address a table can hold */
	uint64_t mapping_cnt_max; /**< live mappings it takes (VFIO: 65,535); 0 = no limit */
};

/** Where memory is, for backends that take no physical addresses. */
struct phyr_iommu_source {
	uint64_t va;	 /**< [process address] of the first byte; or */
	int64_t fd;	 /**< a file, −1 for none, and */
	uint64_t offset; /**< [bytes] the offset in it */
};

/** One request: runs that are mapped behind one another. */
struct phyr_iommu_map {
	phyr_iova iova;			 /**< of the first byte, granule-aligned */
	const struct phyr_range *runs;	 /**< granule-aligned; pa may be PHYR_PA_UNKNOWN */
	size_t run_cnt;			 /**< 1 or more */
	const uint64_t *words;		 /**< of map_pages: instead of runs */
	enum phyr_perm perm;		 /**< what the device may do */
	enum phyr_kind kind;		 /**< of all of the memory */
	struct phyr_iommu_source source; /**< of the first byte */
};

/**
 * @brief What waits for an invalidation; the caller's, started by phyr_gather_init().
 *
 * `freed` is the backend's own chain of table pages that may not be reused before the flush.
 *
 * first ≤ last unless empty; tables_first ≤ tables_last when tables_removed.
 */
struct phyr_gather {
	uint64_t first;	       /**< [iova] lowest removed byte; meaningless while empty */
	uint64_t last;	       /**< [iova] highest removed byte */
	uint64_t removed_len;  /**< [bytes] removed; at most 2^64 − 1 is counted */
	uint64_t tables_first; /**< [iova] lowest byte that a removed table translated; */
	uint64_t tables_last;  /**< [iova] and the highest; meaningless unless tables_removed */
	phyr_sizes leaves;     /**< sizes of removed leaves; empty: the backend does not tell */
	void *freed;	       /**< table pages held back; the backend's; NULL = none */
	uint64_t unmap_cnt;    /**< ranges that were added since the last flush */
	bool empty;	       /**< nothing removed */
	bool tables_removed;   /**< walk caches hold pointers to freed tables */
	bool queued;	       /**< set by the caller: flush_all will follow, so nothing that is
				    added flushes what was gathered before */
};

/**
 * @brief What a backend does. Every function gets ctx first.
 *
 * The caller guarantees that two calls that run at the same time never touch a common granule.
 */
struct phyr_iommu_ops {
	/** Writes the capabilities, which never change. */
	void (*caps)(void *ctx, struct phyr_iommu_caps *ret_caps);

	/**
	 * Maps all runs or nothing. The translations need not be visible before sync_map.
	 * PHYR_OK, PHYR_E_INVAL, _RANGE, _ALIGN (misuse, nothing touched), _EXISTS, _NOMEM,
	 * _KIND, _UNSUPPORTED.
	 */
	int (*map)(void *ctx, const struct phyr_iommu_map *map);

	/**
	 * As map, for run_cnt neighbouring words of a list that are one page each (docs/format.md:
	 * count 1, order 0), where the granule is a page: half of what runs are to read, and
	 * nothing to convert. NULL: the backend takes runs only.
	 */
	int (*map_pages)(void *ctx, const struct phyr_iommu_map *map);

	/** Makes mapped translations of a range visible to devices; there may be holes in it. */
	int (*sync_map)(void *ctx, struct phyr_iova_range range);

	/**
	 * Removes every translation of a range and adds to the gather what that leaves to
	 * invalidate; needs no memory. A leaf that reaches beyond the range is PHYR_E_PARTIAL
	 * and a hole PHYR_E_NOENT, both with nothing changed.
	 */
	int (*unmap)(void *ctx, struct phyr_iova_range range, struct phyr_gather *gather);

	/** Invalidates what was gathered, frees what it held back, empties the gather. */
	void (*flush)(void *ctx, struct phyr_gather *gather);

	/**
	 * Invalidates every translation of the domain and every cached pointer to its tables: a
	 * PHYR_FLUSH_DOMAIN with walk. What was removed before is then invalidated, whatever
	 * gather it is in. NULL: the backend flushes gathers only.
	 */
	void (*flush_all)(void *ctx);

	/**
	 * Frees what a gather holds back and empties it, without invalidating: a flush_all since
	 * the last removal has done that. NULL where flush_all is.
	 */
	void (*release)(void *ctx, struct phyr_gather *gather);
};

/** A backend: its functions and what they work on. ops NULL: no IOMMU, devices see pa. */
struct phyr_iommu {
	const struct phyr_iommu_ops *ops; /**< constant; NULL for none */
	void *ctx;			  /**< the backend's */
};

/**
 * @brief Makes an empty gather.
 *
 * @param[out] gather the caller's storage
 * @complexity O(1)
 * @threads caller serialises calls on one gather
 */
PHYR_API void phyr_gather_init(struct phyr_gather *gather);

/**
 * @brief Adds a removed range; a backend's unmap calls it.
 *
 * The gather is one range: what lies between two removed ranges is invalidated with them.
 *
 * @param[in,out] gather initialised
 * @param[in]     range  [iova] what was removed; len 0 adds nothing
 * @complexity O(1)
 * @threads caller serialises calls on one gather
 */
PHYR_API void phyr_gather_add(struct phyr_gather *gather, struct phyr_iova_range range);

/**
 * @brief Says of which sizes the leaves were that went with the ranges added.
 *
 * For hardware that wants to be told the size. A backend tells it of all leaves or of none.
 *
 * @param[in,out] gather initialised
 * @param[in]     sizes  of the leaves; empty adds nothing
 * @complexity O(1)
 * @threads caller serialises calls on one gather
 */
PHYR_API void phyr_gather_add_leaves(struct phyr_gather *gather, phyr_sizes sizes);

/**
 * @brief Says that a table was removed, to which walk caches may hold pointers.
 *
 * Like the range, the addresses of several tables are one window.
 *
 * @param[in,out] gather initialised
 * @param[in]     span   what the table translated, also where nothing was removed from it
 * @complexity O(1)
 * @threads caller serialises calls on one gather
 */
PHYR_API void phyr_gather_add_table(struct phyr_gather *gather, struct phyr_window span);

/**
 * @brief Adds what one gather holds to another; the chain of freed tables stays with its backend.
 *
 * @param[in,out] gather initialised; its freed stays as it is
 * @param[in]     more   initialised, of the same backend; unchanged
 * @complexity O(1)
 * @threads caller serialises calls on one gather
 */
PHYR_API void phyr_gather_join(struct phyr_gather *gather, const struct phyr_gather *more);

#ifdef __cplusplus
}
#endif

#endif
