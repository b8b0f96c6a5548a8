/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What hardware may still have cached that is no longer true.
 *
 * A shadow of caches without a size: every translation, and every pointer to a table on its way,
 * that hardware may have read since it was last told to drop it. Real caches hold some of this; so
 * what is never stale here is never stale there, and what is stale here may be used there.
 *
 * It only knows what is in simulated memory, as the walker reads it, and which commands were sent.
 * It works for every format of table.
 *
 * A leaf of several items (contiguous, Svnapot, AMD's encoded sizes) is cached item by item, as some
 * hardware does, because then every item must be reached; under AMD's commands, which drop
 * only what they reach whole, it is cached as one.
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
	PHYRSIM_STALE_LEAF_CHANGED = 2,	 /**< a translation to elsewhere, of another size,
					      permission or type of memory than in the table */
	PHYRSIM_STALE_TABLE_GONE = 3,	 /**< a pointer to a table where there is none now */
	PHYRSIM_STALE_TABLE_CHANGED = 4, /**< a pointer to a table where there is another now */
	PHYRSIM_STALE_ABSENCE = 5,	 /**< in caching mode: an absence where there is a pointer
					      or a translation now */
};
/** How many there are. */
#define PHYRSIM_STALE_CAUSE_CNT 6

/** The shadow; opaque. */
struct phyrsim_stale;

/** How to make one. */
struct phyrsim_stale_params {
	const struct phyr_mem *mem;	      /**< host memory; required */
	struct phyrsim_mem *frames;	      /**< where the tables are; required; only read */
	enum phyrsim_personality personality; /**< whose hardware: what a command drops */
	bool caching_mode;		      /**< what is not present is cached as well */
};

/** What is stale. */
struct phyrsim_stale_report {
	uint64_t cnt;			/**< how much of what is cached is stale */
	enum phyrsim_stale_cause cause; /**< of that with the lowest address */
	phyr_iova iova;			/**< its lowest address */
	unsigned int lg2;		/**< [log2 bytes] what it, or its table, translates */
	phyr_pa pa;			/**< where it leads: to memory, to a table; else 0 */
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
 * Call it when new translations are visible. What is not present is cached in caching mode only.
 *
 * An I/O address that is mapped to other memory before it was flushed has two translations then, of
 * which phyrsim_stale_check() reports the old one.
 *
 * @param[in,out] stale the shadow
 * @param[in]     root  of the table
 * @param[in]     range [iova] len 0 notes nothing
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or root is none that can be walked
 * @return PHYR_E_RANGE the range wraps
 * @return PHYR_E_NOMEM some of it is noted
 * @complexity O(items)
 * @threads caller serialises calls on one shadow
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_note(struct phyrsim_stale *stale,
					       const struct phyrsim_root *root,
					       struct phyr_iova_range range);

/**
 * @brief Drops what a command drops.
 *
 * A translation goes when a command overlaps it; on AMD only when it lies whole in the window. A
 * pointer goes when a command with walk overlaps what its table translates. With a hint, only
 * translations of its level go, and pointers on the way to such. An absent item of the lowest level
 * goes as a translation does, above it as a pointer. A command for the domain overlaps everything.
 *
 * @param[in,out] stale   the shadow
 * @param[in]     command what hardware was told
 * @complexity O(pages of the range), at most O(cached)
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
 * @return PHYR_OK      nothing is stale
 * @return PHYR_E_FAULT something is
 * @return PHYR_E_INVAL an argument is NULL, or something is cached and root cannot be walked
 * @complexity O(cached)
 * @threads caller serialises calls on one shadow
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_check(const struct phyrsim_stale *stale,
						const struct phyrsim_root *root,
						struct phyrsim_stale_report *ret_report);

/**
 * @brief Is anything cached for a range that does not agree with the table?
 *
 * It looks at what overlaps the range alone: enough after a change there, if nothing was stale before.
 *
 * @param[in]  stale      the shadow
 * @param[in]  root       of the table
 * @param[in]  range      [iova] where the table was changed
 * @param[out] ret_report written on PHYR_OK and PHYR_E_FAULT
 * @return as phyrsim_stale_check(); PHYR_E_INVAL also when len is 0
 * @return PHYR_E_RANGE the range wraps
 * @complexity O(pages of the range), at most O(cached)
 * @threads caller serialises calls on one shadow
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_check_range(const struct phyrsim_stale *stale,
						      const struct phyrsim_root *root,
						      struct phyr_iova_range range,
						      struct phyrsim_stale_report *ret_report);

/**
 * @brief Does a cached pointer lead to memory that has been freed?
 *
 * Unlike the other checks it must find nothing at any time, also while removals wait: tables are
 * freed after their flush.
 *
 * @param[in]  stale      the shadow
 * @param[out] ret_report written on PHYR_OK and PHYR_E_FAULT; the cause is a pointer to a removed
 *                        table
 * @return PHYR_OK      no
 * @return PHYR_E_FAULT yes
 * @return PHYR_E_INVAL an argument is NULL
 * @complexity O(cached)
 * @threads caller serialises calls on one shadow
 */
PHYR_API PHYR_NODISCARD int phyrsim_stale_check_freed(const struct phyrsim_stale *stale,
						      struct phyrsim_stale_report *ret_report);

/**
 * @brief How many translations, pointers and absences may be cached.
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
