/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The chunk list: the physical memory under one contiguous range, 8 bytes a run.
 *
 * A list keeps what belongs together in the order of its bytes: byte 0 of the list is the first
 * byte of the first run. Runs are maximal: what is appended next to the last run, with the same
 * tag, becomes part of it. The last run stays open in the head and becomes words only when the
 * next one starts, so there is no step that finishes a list.
 *
 * The first run may start, and the last may end, anywhere inside a page. Interior joints are
 * normally on page borders; a list with another joint is marked byte-granular: it can be described
 * and iterated, not mapped to one range of I/O addresses.
 *
 * Storage: six words in the head, then slabs of 4 KiB from the allocator hook.
 * Not here: device page sizes (split.h), real memory (pin.h), mappings (dma.h).
 */
#ifndef PHYR_LIST_H
#define PHYR_LIST_H

#include <phyr/base.h>
#include <phyr/chunk.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Words inside the head: three closed runs of any form, and the fourth is open. */
#define PHYR_LIST_WORDS 6

struct phyr_slab;

/** What a list knows of itself without a pass over it. */
struct phyr_list_stats {
	uint64_t len;		/**< [bytes] total */
	uint64_t run_cnt;	/**< runs, the open one included */
	uint64_t shortest_len;	/**< [bytes] of the shortest run; 0 for an empty list */
	uint64_t longest_len;	/**< [bytes] of the longest run */
	uint64_t joint_mask;	/**< OR of both addresses at every interior joint; 0 = one run */
	uint64_t phase;		/**< [bytes] pa − offset, mod 2^64, of the largest block */
	unsigned int block_lg2; /**< [log2 bytes] of the largest aligned block, ditto; 0 = empty */
	unsigned int kind_mask; /**< bit k: some run is of kind k */
	size_t words_len;	/**< [bytes] of the words of all runs; outer pages count whole */
	size_t tags_len;	/**< [bytes] of tag words; the first tag is in the head */
	size_t storage_len;	/**< [bytes] of slabs; 0 while the words in the head suffice */
	bool granular;		/**< an interior joint is inside a page */
};

/**
 * @brief A list; the caller embeds it, phyr_list_init() fills it.
 *
 * May not be copied or moved. All members are private.
 */
struct phyr_list {
	/* Invariant: stats.len = bytes in words + open.len; stats (but for len, run_cnt and
	 * kind_mask) describe the closed runs alone until phyr_list_stats() adds the open one. */
	const struct phyr_mem *mem;	 /**< private */
	struct phyr_slab *first;	 /**< private: NULL until a slab is needed */
	struct phyr_slab *tail;		 /**< private */
	uint64_t va;			 /**< private: [bytes] address that names byte 0 */
	struct phyr_range open;		 /**< private: the last run; len 0 = empty list */
	struct phyr_tag open_tag;	 /**< private */
	struct phyr_tag first_tag;	 /**< private: tag in force before the first word */
	struct phyr_tag tag;		 /**< private: tag in force behind the last word */
	struct phyr_list_stats stats;	 /**< private */
	uint64_t words[PHYR_LIST_WORDS]; /**< private */
	uint32_t word_cnt;		 /**< private: words used in the head */
	uint32_t borrow_cnt;		 /**< private: mappings that alias the list */
	uint32_t first_skip;		 /**< private: [bytes] before byte 0 in the first page */
	bool cut;			 /**< private: some run was too long for one chunk */
};

/** One run of a list, as a cursor returns it. */
struct phyr_run {
	struct phyr_range range; /**< where it is */
	struct phyr_tag tag;	 /**< what it is */
	uint64_t offset;	 /**< [bytes] of its first byte from the start of the list */
};

/**
 * @brief A place in a list; the caller's, on the stack, without end call.
 *
 * A copy is a bookmark. Any change of the list ends the use of its cursors. All members are
 * private.
 */
struct phyr_list_cursor {
	const struct phyr_list *list; /**< private */
	const struct phyr_slab *slab; /**< private: NULL = the head */
	const uint64_t *next;	      /**< private */
	const uint64_t *end;	      /**< private */
	struct phyr_tag tag;	      /**< private */
	uint64_t offset;	      /**< private: [bytes] of the next run */
	uint32_t skip;		      /**< private: [bytes] of the next run's page to leave out */
	bool open_done;		      /**< private: the open run was returned */
};

/**
 * @brief Makes an empty list; cannot fail and allocates nothing.
 *
 * @param[out] list the caller's storage, any content
 * @param[in]  mem  where slabs come from; must outlive the list. NULL: the list holds what fits
 *                  its head, and appending more answers PHYR_E_NOMEM
 * @complexity O(1)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_init(struct phyr_list *list, const struct phyr_mem *mem);

/**
 * @brief Frees what the list allocated; it is empty afterwards and may be used again.
 *
 * A list that a mapping borrows may not be freed; checked builds stop there.
 *
 * @param[in,out] list initialised
 * @complexity O(slabs); words are not touched
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_fini(struct phyr_list *list);

/**
 * @brief Adds a range at the end.
 *
 * Joins the last run when the addresses follow on and the tags are equal. Overlaps are allowed: a
 * list may name the same memory twice.
 *
 * @param[in,out] list  initialised
 * @param[in]     range [bytes] len 1 … 2^64 − 1, no wrap
 * @param[in]     tag   kind 0 … PHYR_KIND_CNT − 1, any provider
 * @return PHYR_OK
 * @return PHYR_E_INVAL list is NULL, len is 0 or the kind unknown
 * @return PHYR_E_RANGE the range wraps, or the total would exceed 2^64 − 4096 bytes
 * @return PHYR_E_BUSY  a mapping borrows the list
 * @return PHYR_E_NOMEM no slab; the list is unchanged
 * @complexity O(1); at most one allocation
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_list_append(struct phyr_list *list, struct phyr_range range,
					     struct phyr_tag tag);

/**
 * @brief Says which address names byte 0 of the list (a process's virtual address, say).
 *
 * The library never follows it; it is the key that lets device entries be large.
 *
 * @param[in,out] list initialised
 * @param[in]     va   [bytes] any value
 * @complexity O(1)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_set_va(struct phyr_list *list, uint64_t va);

/**
 * @brief The address that names byte 0.
 *
 * @param[in] list initialised
 * @return [bytes] what phyr_list_set_va() said; 0 before
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_list_va(const struct phyr_list *list);

/**
 * @brief Bytes in the list.
 *
 * @param[in] list initialised
 * @return [bytes] 0 … 2^64 − 4096
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_list_len(const struct phyr_list *list);

/**
 * @brief What the list knows of itself.
 *
 * @param[in]  list      initialised
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_list_stats(const struct phyr_list *list, struct phyr_list_stats *ret_stats);

/**
 * @brief Starts at the first run.
 *
 * @param[in]  list   initialised; must not change while the cursor is used
 * @param[out] cursor the caller's storage
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_list_begin(const struct phyr_list *list, struct phyr_list_cursor *cursor);

/**
 * @brief Returns the next run and moves behind it; the open run is the last.
 *
 * @param[in,out] cursor  from phyr_list_begin() or phyr_list_seek()
 * @param[out]    ret_run written only when true is returned
 * @return true when there was a run, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
PHYR_API bool phyr_list_next(struct phyr_list_cursor *cursor, struct phyr_run *ret_run);

/**
 * @brief Puts a cursor on the run that holds a byte.
 *
 * The next phyr_list_next() returns that run whole; its offset says where it starts.
 *
 * @param[in]  list   initialised; must not change while the cursor is used
 * @param[in]  offset [bytes] 0 … phyr_list_len() − 1
 * @param[out] cursor written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_RANGE the list has no such byte
 * @complexity O(log slabs + words of a slab)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_list_seek(const struct phyr_list *list, uint64_t offset,
					   struct phyr_list_cursor *cursor);

/**
 * @brief Audits a list: every word canonical, runs maximal, sums and statistics as counted.
 *
 * @param[in]  list       initialised
 * @param[out] ret_reason a constant sentence; written only when false is returned; may be NULL
 * @return true when everything holds
 * @complexity O(words)
 * @threads any number of readers
 */
PHYR_API bool phyr_list_validate(const struct phyr_list *list, const char **ret_reason);

/**
 * @brief Marks the list as aliased by a mapping: appending answers PHYR_E_BUSY until released.
 *
 * Called by the mapping layer; nests.
 *
 * @param[in,out] list initialised
 * @complexity O(1)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_borrow(struct phyr_list *list);

/**
 * @brief Takes back one phyr_list_borrow().
 *
 * @param[in,out] list borrowed
 * @complexity O(1)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_release(struct phyr_list *list);

#ifdef __cplusplus
}
#endif

#endif
