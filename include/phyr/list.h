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
 * Storage: six words in the head, then slabs of 4 KiB from the allocator hook, or what the caller
 * supplies. What is stored never moves while the list grows.
 * Not here: other forms of the same (convert.h, seal.h), device page sizes (split.h), real memory
 * (pin.h), mappings (dma.h).
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
	size_t storage_len;	/**< [bytes] of slabs from the hook, spare ones included */
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
	struct phyr_slab *spare;	 /**< private: empty slabs, to be used next */
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

/** A state of a list to go back to; the caller's, without end call. All members are private. */
struct phyr_list_mark {
	struct phyr_list list; /**< private */
	uint16_t word_cnt;     /**< private: of the tail */
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
	uint64_t first;		      /**< private: [bytes] slice, both ends included */
	uint64_t last;		      /**< private: [bytes] */
	uint32_t skip;		      /**< private: [bytes] of the next run's page to leave out */
	uint32_t open_used;	      /**< private: [words] of the open run returned */
	bool plain;		      /**< private: every chunk is a run, and is wanted whole */
	bool fast;		      /**< private: plain, and nothing to skip */
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
 * @brief Adds whole pages by their numbers, at the speed of memory.
 *
 * The same as appending them one by one, but all or nothing.
 *
 * @param[in,out] list     initialised
 * @param[in]     pages    [page number, 0 … 2^52 − 1] of 4 KiB; may be NULL when page_cnt is 0
 * @param[in]     page_cnt how many; 0 adds nothing
 * @param[in]     tag      of all of them
 * @return PHYR_OK
 * @return PHYR_E_INVAL list is NULL, pages is NULL although page_cnt is not 0, or unknown kind
 * @return PHYR_E_RANGE a number is too large, or the total would exceed 2^64 − 4096 bytes
 * @return PHYR_E_BUSY  a mapping borrows the list, and something is to be added
 * @return PHYR_E_NOMEM no slab; the list is unchanged
 * @complexity O(pages); one allocation for every 506 words
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_list_append_pages(struct phyr_list *list, const uint64_t *pages,
						   size_t page_cnt, struct phyr_tag tag);

/**
 * @brief Adds the runs of another list at the end, all or nothing.
 *
 * @param[in,out] list  initialised
 * @param[in]     other another list; its va is not looked at
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or both are the same list
 * @return PHYR_E_RANGE the total would exceed 2^64 − 4096 bytes
 * @return PHYR_E_BUSY  a mapping borrows the list, and something is to be added
 * @return PHYR_E_NOMEM no slab; the list is unchanged
 * @complexity O(runs of other)
 * @threads caller serialises calls on list; any number of readers of other
 */
PHYR_API PHYR_NODISCARD int phyr_list_concat(struct phyr_list *list, const struct phyr_list *other);

/**
 * @brief Makes a list that equals another, with the same va.
 *
 * @param[in]  list     initialised
 * @param[in]  mem      for the copy, as in phyr_list_init()
 * @param[out] ret_copy the caller's storage, any content; an empty list on failure, unless
 *                      it is the list itself
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or both are the same list
 * @return PHYR_E_NOMEM no slab
 * @complexity O(runs)
 * @threads any number of readers of list
 */
PHYR_API PHYR_NODISCARD int phyr_list_clone(const struct phyr_list *list,
					    const struct phyr_mem *mem, struct phyr_list *ret_copy);

/**
 * @brief Cuts a list off behind its first bytes; cannot fail.
 *
 * Slabs that this empties stay with the list until phyr_list_trim() or phyr_list_fini(), so a
 * preload is not used up by what is cut off again.
 *
 * @param[in,out] list initialised; must not be borrowed, which checked builds verify
 * @param[in]     len  [bytes] to keep; as many as there are or more keeps all
 * @complexity O(runs that are kept + slabs)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_truncate(struct phyr_list *list, uint64_t len);

/**
 * @brief Do two lists describe the same memory in the same order, with the same tags?
 *
 * @param[in] a one list
 * @param[in] b another, or the same
 * @return true when they have equal runs; the va is not looked at
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API bool phyr_list_equal(const struct phyr_list *a, const struct phyr_list *b);

/**
 * @brief Remembers a state of a list, to be gone back to while the list only grows.
 *
 * @param[in]  list     initialised
 * @param[out] ret_mark the caller's storage
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_list_mark(const struct phyr_list *list, struct phyr_list_mark *ret_mark);

/**
 * @brief Takes back everything that was appended since a mark; cannot fail.
 *
 * Memory that was got from the hook since then, by a preload too, goes back to it.
 *
 * @param[in,out] list as it was at the mark, or grown since; neither truncated nor trimmed
 * @param[in]     mark from phyr_list_mark()
 * @complexity O(slabs added since)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_rollback(struct phyr_list *list, const struct phyr_list_mark *mark);

/**
 * @brief Sees to it that appends can neither fail for memory nor allocate.
 *
 * Counts from now: earlier preloads are part of it, and what is cut off or rolled back again does
 * not use it up. An append is one call of phyr_list_append(), or one run of the bulk calls.
 *
 * @param[in,out] list       initialised
 * @param[in]     append_cnt how many appends
 * @return PHYR_OK
 * @return PHYR_E_INVAL list is NULL
 * @return PHYR_E_NOMEM not enough; what was got is kept for later
 * @complexity O(append_cnt / 72) allocations of 4 KiB at most
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_list_preload(struct phyr_list *list, uint64_t append_cnt);

/**
 * @brief Gives a list memory of the caller's, which it uses before it asks its hook.
 *
 * @param[in,out] list   initialised
 * @param[in]     buffer any alignment; must stay until phyr_list_fini(); the list never frees it
 * @param[in]     len    [bytes] pieces of less than 256 are not used
 * @complexity O(len / 4096)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_supply(struct phyr_list *list, void *buffer, size_t len);

/**
 * @brief Gives back memory that a finished list does not need; cannot fail.
 *
 * Frees spare slabs and shortens the last one, if the hook has memory for the shorter one. The
 * list may grow again afterwards, in another slab: this is for lists that are finished.
 *
 * @param[in,out] list initialised
 * @complexity O(spare slabs + words of a slab)
 * @threads caller serialises calls on one list
 */
PHYR_API void phyr_list_trim(struct phyr_list *list);

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
 * @brief What phyr_list_next() does when the next run is not just one word at hand.
 *
 * Called by it alone.
 *
 * @param[in,out] cursor  from phyr_list_begin(), phyr_list_seek() or phyr_list_slice()
 * @param[out]    ret_run written only when true is returned
 * @return true when there was a run, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
PHYR_API bool phyr_list_next_slow(struct phyr_list_cursor *cursor, struct phyr_run *ret_run);

/**
 * @brief Returns the next run and moves behind it; the open run is the last.
 *
 * Inline for the common case of a run in one word.
 *
 * @param[in,out] cursor  from phyr_list_begin(), phyr_list_seek() or phyr_list_slice()
 * @param[out]    ret_run written only when true is returned
 * @return true when there was a run, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
static inline bool phyr_list_next(struct phyr_list_cursor *cursor, struct phyr_run *ret_run)
{
	if (!cursor->fast || cursor->next == cursor->end ||
	    *cursor->next >> PHYR_CHUNK_CODE_BITS == 0)
		return phyr_list_next_slow(cursor, ret_run);
	cursor->next += phyr_chunk_decode(cursor->next, &ret_run->range);
	ret_run->tag = cursor->tag;
	ret_run->offset = cursor->offset;
	cursor->offset += ret_run->range.len;
	return true;
}

/**
 * @brief The words that a cursor stands before, for those who decode many at once.
 *
 * They are as docs/format.md has them, start with the first word of a run or a tag, and go to the
 * end of a slab. What is taken of them is said by phyr_list_words_taken(); for everything that is
 * not taken there is phyr_list_next().
 *
 * @param[in]  cursor  from phyr_list_begin() or phyr_list_seek()
 * @param[out] ret_cnt [words] always written; 0: the next run is to be had by phyr_list_next() only
 * @return the words; meaningless when there are none
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
static inline const uint64_t *phyr_list_words(const struct phyr_list_cursor *cursor,
					      size_t *ret_cnt)
{
	*ret_cnt = cursor->fast ? (size_t)(cursor->end - cursor->next) : 0;
	return cursor->next;
}

/**
 * @brief Moves behind runs that were decoded from phyr_list_words().
 *
 * @param[in,out] cursor   the same
 * @param[in]     word_cnt [words] of whole runs, no tags among them
 * @param[in]     len      [bytes] of these runs together
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
static inline void phyr_list_words_taken(struct phyr_list_cursor *cursor, size_t word_cnt,
					 uint64_t len)
{
	cursor->next += word_cnt;
	cursor->offset += len;
}

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
 * @brief Puts a cursor on a slice: only these bytes will be returned, nothing is copied.
 *
 * Runs at the ends are cut to the slice; offsets still count from the start of the list.
 *
 * @param[in]  list   initialised; must not change while the cursor is used
 * @param[in]  offset [bytes] of the slice's first byte
 * @param[in]  len    [bytes] 0 is an empty slice
 * @param[out] cursor written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_RANGE the list has not all of these bytes
 * @complexity O(log slabs + words of a slab)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_list_slice(const struct phyr_list *list, uint64_t offset,
					    uint64_t len, struct phyr_list_cursor *cursor);

/**
 * @brief Returns the next run as the words that it is stored as.
 *
 * The open run is coded as if it were closed; a run of bytes longer than 4 PiB comes in parts. The
 * first run's words name its whole first page and the last run's its whole last page: the list's
 * ends may lie inside.
 *
 * @param[in,out] cursor    from phyr_list_begin(); not mixed with phyr_list_next()
 * @param[out]    ret_words one or two words; written only when it returns more than 0
 * @param[out]    ret_tag   what the memory is; ditto
 * @return [words] 1 or 2; 0 at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cursor of its own
 */
PHYR_API unsigned int phyr_list_next_chunk(struct phyr_list_cursor *cursor, uint64_t ret_words[2],
					   struct phyr_tag *ret_tag);

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
 * @param[in,out] list initialised
 * @return false when the list was not borrowed; nothing changed
 * @complexity O(1)
 * @threads caller serialises calls on one list
 */
PHYR_API bool phyr_list_release(struct phyr_list *list);

#ifdef __cplusplus
}
#endif

#endif
