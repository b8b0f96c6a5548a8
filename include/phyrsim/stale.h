/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What hardware may still have cached that is no longer true.
 *
 * A shadow of caches without a size: every translation, and every pointer to a table on its way,
 * that hardware may have read since it was last told to drop it. Real caches hold some of this; so
 * what is never stale here is never stale there, and what is stale here may be used there.
 *
 * It only knows what is in simulated memory and which commands were sent.
 */
#ifndef PHYRSIM_STALE_H
#define PHYRSIM_STALE_H

#include <phyr/base.h>
#include <phyrsim/inval.h>
#include <phyrsim/mem.h>
#include <phyrsim/pagetable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why something that is cached must not be used. Values are pinned. */
enum phyrsim_stale_cause {
	PHYRSIM_STALE_NONE = 0,		 /**< nothing is stale */
	PHYRSIM_STALE_LEAF_GONE = 1,	 /**< a translation that was removed */
	PHYRSIM_STALE_LEAF_CHANGED = 2,	 /**< a translation to elsewhere, of another size or
					      permission than the one in the table */
	PHYRSIM_STALE_TABLE_GONE = 3,	 /**< a pointer to a table where there is none now */
	PHYRSIM_STALE_TABLE_CHANGED = 4, /**< a pointer to a table where there is another now */
};
/** How many there are. */
#define PHYRSIM_STALE_CAUSE_CNT 5

/** The shadow; opaque. */
struct phyrsim_stale;

/** How to make one. */
struct phyrsim_stale_params {
	const struct phyr_mem *mem;	      /**< host memory; required */
	struct phyrsim_mem *frames;	      /**< where the tables are; required; only read */
	enum phyrsim_personality personality; /**< whose hardware: what a command drops */
};

/** What is stale. */
struct phyrsim_stale_report {
	uint64_t cnt;			/**< cached translations and pointers that are stale */
	enum phyrsim_stale_cause cause; /**< of that with the lowest address */
	phyr_iova iova;			/**< its lowest address */
	unsigned int lg2;		/**< [log2 bytes] what it translates, or its table does */
	phyr_pa pa;			/**< where it leads: to memory, or to a table */
};

/**
 * @brief Makes a shadow of empty caches.
 *
 * @param[in]  params    see there
 * @param[out] ret_stale the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, or the personality is unknown
 * @return PHYR_E_NOMEM nothing is left allocated
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_create(const struct phyrsim_stale_params *params,
						 struct phyrsim_stale **ret_stale);

/**
 * @brief Frees a shadow.
 *
 * @param[in] stale NULL is allowed
 * @complexity O(1)
 * @threads no other call on it may be running
 */
PHYR_API void phyrsim_stale_destroy(struct phyrsim_stale *stale);

/**
 * @brief Hardware may have translated any address of a range: all it then reads may be cached.
 *
 * Call it when new translations are visible. What is not present is not cached.
 *
 * @param[in,out] stale the shadow
 * @param[in]     root  of the table
 * @param[in]     range [iova] len 0 notes nothing
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is NULL, or root is none that can be walked
 * @return PHYR_E_RANGE       the range wraps
 * @return PHYR_E_UNSUPPORTED a format whose tables are not 512 items with addresses in bits 51:12
 * @return PHYR_E_NOMEM       some of it is noted
 * @complexity O(leaves)
 * @threads caller serialises calls on one shadow
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_note(struct phyrsim_stale *stale,
					       const struct phyrsim_root *root,
					       struct phyr_iova_range range);

/**
 * @brief Drops what a command drops.
 *
 * A translation goes when a command overlaps it; on AMD only when it lies whole in the window; on
 * Arm only when its level is that of the hint, if there is one. A pointer goes when a command with
 * walk overlaps what its table translates. A command for the domain overlaps everything.
 *
 * @param[in,out] stale   the shadow
 * @param[in]     command what hardware was told
 * @complexity O(cached)
 * @threads caller serialises calls on one shadow
 * @source Intel VT-d 6.5.2, AMD IOMMU 2.4.3, Arm SMMUv3 4.4, RISC-V IOMMU (IOTINVAL)
 */
PHYR_API void phyrsim_stale_apply(struct phyrsim_stale *stale,
				  const struct phyrsim_command *command);

/**
 * @brief Is anything cached that does not agree with the table?
 *
 * Call it when no removal waits for its flush: until then what was removed is stale, and may be.
 *
 * @param[in]  stale      the shadow
 * @param[in]  root       of the table
 * @param[out] ret_report written on PHYR_OK and PHYR_E_FAULT
 * @return PHYR_OK            nothing is stale
 * @return PHYR_E_FAULT       something is
 * @return PHYR_E_INVAL       as phyrsim_stale_note()
 * @return PHYR_E_UNSUPPORTED as phyrsim_stale_note()
 * @complexity O(cached)
 * @threads caller serialises calls on one shadow
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_check(const struct phyrsim_stale *stale,
						const struct phyrsim_root *root,
						struct phyrsim_stale_report *ret_report);

/**
 * @brief How many translations and pointers may be cached.
 *
 * @param[in] stale the shadow
 * @return the count
 * @complexity O(1)
 * @threads caller serialises calls on one shadow
 */
PHYR_API uint64_t phyrsim_stale_cnt(const struct phyrsim_stale *stale);

/**
 * @brief The name of a cause, "removed translation".
 *
 * @param[in] cause one of enum phyrsim_stale_cause
 * @return a constant string; "?" for any other value
 * @complexity O(1)
 * @threads any
 */
PHYR_API const char *phyrsim_stale_cause_name(enum phyrsim_stale_cause cause);

#ifdef __cplusplus
}
#endif

#endif
