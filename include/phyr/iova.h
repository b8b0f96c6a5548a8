/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The allocator of I/O address space: size, alignment, phase, limits, boundary.
 *
 * A space hands out ranges of granules. It knows nothing of memory, page tables or devices: where
 * a range should lie is said by a placement (base.h), and place.h finds good ones. Ranges occupy
 * exactly their granules; nothing is rounded to powers of two.
 */
#ifndef PHYR_IOVA_H
#define PHYR_IOVA_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An I/O address space; opaque. */
struct phyr_iova_space;

/** How to make a space; all-zero is not usable: mem is required. */
struct phyr_iova_params {
	const struct phyr_mem *mem; /**< required; must outlive the space */
	struct phyr_window window;  /**< every address ever handed out, granule-aligned */
	unsigned int granule_lg2;   /**< [log2 bytes, 12 … 16] 0 = 12 */
};

/** What a space can tell. */
struct phyr_iova_stats {
	uint64_t live_len;    /**< [bytes] handed out */
	uint64_t live_cnt;    /**< ranges handed out */
	uint64_t live_max;    /**< most ranges ever live at once */
	uint64_t hole_cnt;    /**< maximal free ranges */
	uint64_t largest_len; /**< [bytes] largest hole; 2^64 − 1 stands for 2^64 */
	uint64_t alloc_cnt;   /**< allocations and reservations that succeeded */
	uint64_t nospace_cnt; /**< requests refused with PHYR_E_NOSPACE */
	uint64_t limit_cnt;   /**< requests refused with PHYR_E_LIMIT */
	size_t metadata_len;  /**< [bytes] allocated through the hooks */
};

/**
 * @brief Makes a space in which everything is free.
 *
 * @param[in]  params    see there
 * @param[out] ret_space the space; the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument or the hooks are missing, or granule_lg2 outside 12 … 16
 * @return PHYR_E_RANGE window.first is above window.last
 * @return PHYR_E_ALIGN the window does not begin and end on granules
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_iova_create(const struct phyr_iova_params *params,
					     struct phyr_iova_space **ret_space);

/**
 * @brief Frees a space and forgets every range in it.
 *
 * @param[in] space NULL is allowed
 * @complexity O(1)
 * @threads no other call on the space may be running
 */
PHYR_API void phyr_iova_destroy(struct phyr_iova_space *space);

/**
 * @brief Takes a free range that satisfies a placement.
 *
 * The highest fitting address, or the lowest when the placement says bottom_up. "No space" is
 * exact: it is said only when no free range fits.
 *
 * @param[in,out] space     the space
 * @param[in]     len       [bytes] 1 … 2^64 − granule; rounded up to granules
 * @param[in]     placement where; NULL is phyr_placement_any(). Its window is cut to the space's
 * @param[out]    ret_range granule-aligned; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL   len is 0, an argument is missing, phase ≥ 2^phase_lg2, or a log2 above 63
 * @return PHYR_E_ALIGN   the phase is no multiple of the granule
 * @return PHYR_E_LIMIT   could not be met if the whole space were free, or len rounds up to 2^64
 * @return PHYR_E_NOSPACE no hole fits now
 * @return PHYR_E_NOMEM   the hook returned NULL; nothing changed
 * @complexity O(holes)
 * @threads caller serialises calls on one space
 */
PHYR_API PHYR_NODISCARD int phyr_iova_alloc(struct phyr_iova_space *space, uint64_t len,
					    const struct phyr_placement *placement,
					    struct phyr_iova_range *ret_range);

/**
 * @brief Takes exactly this range.
 *
 * @param[in,out] space the space
 * @param[in]     range iova and len multiples of the granule, len not 0, inside the window
 * @return PHYR_OK
 * @return PHYR_E_INVAL  space is NULL or len is 0
 * @return PHYR_E_RANGE  wraps, or reaches outside the window
 * @return PHYR_E_ALIGN  not granule-aligned
 * @return PHYR_E_EXISTS some of it is taken
 * @return PHYR_E_NOMEM  the hook returned NULL; nothing changed
 * @complexity O(holes)
 * @threads caller serialises calls on one space
 */
PHYR_API PHYR_NODISCARD int phyr_iova_reserve(struct phyr_iova_space *space,
					      struct phyr_iova_range range);

/**
 * @brief Gives back a whole range; needs no memory.
 *
 * @param[in,out] space the space
 * @param[in]     range exactly as phyr_iova_alloc() returned it or phyr_iova_reserve() took it
 * @return PHYR_OK
 * @return PHYR_E_INVAL   space is NULL
 * @return PHYR_E_NOENT   no live range starts there; nothing changed
 * @return PHYR_E_PARTIAL a live range starts there but has another length; nothing changed
 * @complexity O(holes)
 * @threads caller serialises calls on one space
 */
PHYR_API PHYR_NODISCARD int phyr_iova_free(struct phyr_iova_space *space,
					   struct phyr_iova_range range);

/**
 * @brief What the space knows of itself.
 *
 * @param[in]  space     the space
 * @param[out] ret_stats written whole
 * @complexity O(holes)
 * @threads caller serialises calls on one space
 */
PHYR_API void phyr_iova_stats(const struct phyr_iova_space *space,
			      struct phyr_iova_stats *ret_stats);

/**
 * @brief Audits a space: holes sorted, apart and in the window; live and free add up.
 *
 * @param[in]  space      the space
 * @param[out] ret_reason a constant sentence; written only when false is returned; may be NULL
 * @return true when everything holds
 * @complexity O(live × log holes)
 * @threads caller serialises calls on one space
 */
PHYR_API bool phyr_iova_validate(const struct phyr_iova_space *space, const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
