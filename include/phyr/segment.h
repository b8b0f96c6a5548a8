/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What devices take that read a list of {address, length}: NVMe, network rings, block.
 *
 * A segment is a contiguous piece of memory as such a device takes it. Where a table wants large
 * aligned pages, these devices want few segments, and have limits: how long one may be, which
 * multiples it must not cross, how many there may be, where they may meet. Cutting is greedy, which
 * is the fewest; it is counted in closed form.
 *
 * The lists here hold the addresses that the device puts on the bus; a range of I/O addresses is a
 * list of one run. A segment never crosses a change of tag: other memory may have other addresses.
 *
 * NVMe's PRP lists are the other way to say the same: pages instead of segments, chained.
 * Not here: pages of tables (split.h).
 */
#ifndef PHYR_SEGMENT_H
#define PHYR_SEGMENT_H

#include <phyr/base.h>
#include <phyr/list.h>
#include <phyr/split.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a device takes; all zero is no limit at all. */
struct phyr_segment_limits {
	uint64_t len_max;     /**< [bytes] of one segment; 0 = any */
	uint64_t cnt_max;     /**< segments of one request; 0 = any */
	uint8_t boundary_lg2; /**< [log2 bytes, 0 … 63] must not cross a multiple; 0 = none */
	uint8_t align_lg2;    /**< [log2 bytes, 0 … 63] of every address and length */
	uint8_t gap_lg2;      /**< [log2 bytes, 0 … 63] runs may end and start only at multiples,
			       *   but for the first start and the last end (Linux virt_boundary) */
};

/** Some bytes of a list. */
struct phyr_segment_part {
	uint64_t offset; /**< [bytes] from the start of the list */
	uint64_t len;	 /**< [bytes] */
};

/** How a part of a list fits a device. */
struct phyr_segment_fit {
	uint64_t cnt;	     /**< segments of the whole part */
	uint64_t fit_len;    /**< [bytes] of the part that cnt_max segments hold */
	uint64_t bad_offset; /**< [bytes] from the start of the list: the joint that does not do */
};

/** A place in the cut of a part; the caller's, on the stack. All members are private. */
struct phyr_segments {
	struct phyr_list_cursor cursor; /**< private */
	struct phyr_range run;		/**< private: what is left of the current run */
	uint64_t len_max;		/**< private: [bytes] a multiple of the alignment */
	unsigned int boundary_lg2;	/**< private: [log2 bytes] 0 = none */
};

/**
 * @brief The part that is all of a list.
 *
 * @param[in] list initialised
 * @return offset 0 and its length
 * @complexity O(1)
 * @threads any number of readers
 */
static inline struct phyr_segment_part phyr_segment_whole(const struct phyr_list *list)
{
	struct phyr_segment_part whole;

	whole.offset = 0;
	whole.len = phyr_list_len(list);
	return whole;
}

/**
 * @brief Counts the segments of a part, and finds out whether they are too many.
 *
 * A request that is too long goes on with what begins fit_len bytes later.
 *
 * @param[in]  list    the addresses that the device puts on the bus
 * @param[in]  part    which bytes of it; len 0 has no segments
 * @param[in]  limits  of the device
 * @param[out] ret_fit written on PHYR_OK; on PHYR_E_LIMIT (cnt and fit_len say by how much); on
 *                     PHYR_E_ALIGN (bad_offset says where). Members that do not apply are 0
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, a log2 above 63, or len_max below the alignment
 * @return PHYR_E_RANGE the list has not all of these bytes
 * @return PHYR_E_ALIGN a run starts or ends off the alignment, or runs meet off the gap's multiples
 * @return PHYR_E_LIMIT more than cnt_max segments
 * @complexity O(runs)
 * @threads any number of readers
 * @source Linux blk_queue_segments limits and its request iterator: the same segments
 */
PHYR_API PHYR_NODISCARD int phyr_segment_count(const struct phyr_list *list,
					       struct phyr_segment_part part,
					       const struct phyr_segment_limits *limits,
					       struct phyr_segment_fit *ret_fit);

/**
 * @brief Starts to cut a part into segments.
 *
 * All errors are found here: phyr_segment_next() cannot fail.
 *
 * @param[in]  list     must not change while the cut is used
 * @param[in]  part     which bytes of it
 * @param[in]  limits   of the device
 * @param[out] segments written only on PHYR_OK
 * @return as phyr_segment_count(), which says more of a PHYR_E_LIMIT or PHYR_E_ALIGN
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_segment_begin(const struct phyr_list *list,
					       struct phyr_segment_part part,
					       const struct phyr_segment_limits *limits,
					       struct phyr_segments *segments);

/**
 * @brief Returns the next segment.
 *
 * @param[in,out] segments    started
 * @param[out]    ret_segment written only when true is returned
 * @return true when there was one, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API bool phyr_segment_next(struct phyr_segments *segments,
				struct phyr_iova_range *ret_segment);

/** NVMe: a part as PRP entries. All members are private. */
struct phyr_segment_prp {
	struct phyr_pages pages; /**< private: those that no entry names yet */
	uint64_t left_cnt;	 /**< private: pages that the lists still have to name */
	uint64_t entries[2];	 /**< private: of the command; host order */
	uint64_t list_cnt;	 /**< private: list pages */
};

/**
 * @brief Starts to describe a list by PRP entries, and says how many list pages that takes.
 *
 * The first entry may lie anywhere in its page, in steps of 4 bytes; every other page is whole but
 * for the end of the last.
 *
 * @param[in]  list must not change while the entries are written; not empty
 * @param[in]  lg2  [log2 bytes, 12 … 27] page size of the controller (CC.MPS), of list pages too
 * @param[out] prp  written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, the list is empty, or lg2 is out of range
 * @return PHYR_E_ALIGN runs meet inside of a page, or the start is not a multiple of 4
 * @return PHYR_E_RANGE the start's offset in its page and the length exceed 2^64
 * @complexity O(runs)
 * @threads any number of readers
 * @source NVM Express Base Specification, Physical Region Page Entry and List
 */
PHYR_API PHYR_NODISCARD int phyr_segment_prp_begin(const struct phyr_list *list, unsigned int lg2,
						   struct phyr_segment_prp *prp);

/**
 * @brief How many list pages the caller has to provide.
 *
 * @param[in] prp started
 * @return 0 when the two entries of the command suffice
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_segment_prp_lists(const struct phyr_segment_prp *prp);

/**
 * @brief The two entries of the command, little-endian as the controller reads them.
 *
 * @param[in]  prp         started
 * @param[in]  list        [I/O address] of the first list page; not looked at when there is none
 * @param[out] ret_entries PRP1 and PRP2; PRP2 is 0 when there is a single page
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_segment_prp_command(const struct phyr_segment_prp *prp, phyr_iova list,
				       uint64_t ret_entries[2]);

/**
 * @brief Writes the next list page, little-endian.
 *
 * @param[in,out] prp   started
 * @param[in]     next  [I/O address] of the list page behind this one, which goes into the last
 *                      entry; not looked at in the last page
 * @param[out]    words a page of 2^lg2 bytes; as many are written as is returned
 * @return [words] 0 when all list pages were written
 * @complexity O(words)
 * @threads any number of readers, each with entries of its own
 */
PHYR_API size_t phyr_segment_prp_fill(struct phyr_segment_prp *prp, phyr_iova next,
				      uint64_t *words);

#ifdef __cplusplus
}
#endif

#endif
