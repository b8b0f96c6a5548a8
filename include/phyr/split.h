/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Cutting runs into the aligned blocks that a page table or a device takes.
 *
 * A list stays maximal and ignorant of devices; splitting only ever makes pieces smaller. Two
 * addresses decide how large a block may be: where the memory is, and the address under which it
 * is reached (an I/O address, or the address by which a device names the region). A block of size
 * S is aligned to S in both. Hardware that takes pages at other memory addresses says so by an
 * alignment for each size (struct phyr_split_sizes); the I/O address stays aligned to the size,
 * because that is how a table finds a page.
 *
 * Both ends of a list are rounded out to the smallest size of the set, because that is the least
 * that a table can map; interior joints must lie on its multiples.
 *
 * Tags. Mixed sizes are leaves of page tables, and a leaf has one kind of memory: a block never
 * crosses a change of tag. Pages of a single size are entries of a device's table, which knows
 * addresses alone: a run that continues the address of the one before is no joint there, whatever
 * the tags say, and a page may hold the end of one and the start of the other.
 *
 * Nothing here allocates, and nothing but filling takes time in proportion to pages.
 */
#ifndef PHYR_SPLIT_H
#define PHYR_SPLIT_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Blocks counted by size. */
struct phyr_block_counts {
	uint64_t cnt[64]; /**< cnt[n]: how many blocks of 2^n bytes */
};

/** Neighbouring blocks of one size. */
struct phyr_blocks {
	phyr_pa pa;	  /**< of the first block */
	phyr_iova iova;	  /**< of the first block */
	uint64_t cnt;	  /**< how many, 1 or more; addresses advance together */
	unsigned int lg2; /**< [log2 bytes] size of each */
};

/** Sizes with the alignment that hardware wants of the memory address of each. */
struct phyr_split_sizes {
	phyr_sizes sizes;      /**< supported sizes */
	uint8_t align_lg2[64]; /**< [log2 bytes, 0 … n] entry n: of blocks of 2^n bytes */
};

/**
 * @brief The sizes with the alignment that nearly all hardware wants: each its own.
 *
 * @param[in] sizes supported sizes
 * @return what to start from
 * @complexity O(1)
 * @threads any
 */
static inline struct phyr_split_sizes phyr_split_sizes_natural(phyr_sizes sizes)
{
	struct phyr_split_sizes natural;

	natural.sizes = sizes;
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		natural.align_lg2[lg2] = (uint8_t)lg2;
	return natural;
}

/**
 * @brief Adds up, per size, the blocks that the greedy cut of one range has, in closed form.
 *
 * Greedy: at each point the largest size that is aligned in both addresses and fits what is left.
 * Pass iova = pa for a cut that looks at physical addresses alone.
 *
 * @param[in]     range  [bytes] len 0 adds nothing
 * @param[in]     iova   under which address the range is reached
 * @param[in]     sizes  supported sizes
 * @param[in,out] counts added to; unchanged on error
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty or counts is NULL
 * @return PHYR_E_RANGE the range or its I/O addresses wrap
 * @return PHYR_E_ALIGN pa, iova or len is no multiple of the smallest size
 * @complexity O(sizes)
 * @threads any
 * @source Linux iommu_pgsize() and its map loop: the same blocks
 */
PHYR_API PHYR_NODISCARD int phyr_split_count_range(struct phyr_range range, phyr_iova iova,
						   phyr_sizes sizes,
						   struct phyr_block_counts *counts);

/** A place in the cut of a list; the caller's, on the stack. All members are private. */
struct phyr_split {
	struct phyr_list_cursor cursor; /**< private */
	struct phyr_range run;		/**< private: what is left of the current run */
	phyr_iova iova;			/**< private: of what is left */
	phyr_iova first;		/**< private: of byte 0 */
	phyr_sizes sizes;		/**< private */
	phyr_sizes usable;		/**< private: those that the current run can have */
	const uint8_t *align_lg2;	/**< private: NULL = each size its own */
	uint64_t list_len;		/**< private: [bytes] */
	bool physical;			/**< private: the I/O address follows pa */
};

/**
 * @brief Starts to cut a list that is reached at consecutive I/O addresses.
 *
 * All errors are found here: phyr_split_next() cannot fail.
 *
 * @param[in]  list  must not change while the cut is used; may be empty
 * @param[in]  iova  of byte 0 of the list
 * @param[in]  sizes supported sizes, none below 1 byte
 * @param[out] split written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, or an argument NULL
 * @return PHYR_E_RANGE the I/O addresses, rounded out, wrap
 * @return PHYR_E_ALIGN an interior joint, or pa against iova, breaks the smallest size
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_begin(const struct phyr_list *list, phyr_iova iova,
					     phyr_sizes sizes, struct phyr_split *split);

/**
 * @brief Starts to cut a list by its physical addresses alone.
 *
 * @param[in]  list  must not change while the cut is used; may be empty
 * @param[in]  sizes supported sizes
 * @param[out] split written only on PHYR_OK; its blocks have iova = pa
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, or an argument NULL
 * @return PHYR_E_RANGE a run, rounded out, would be 2^64 bytes long
 * @return PHYR_E_ALIGN an interior joint breaks the smallest size
 * @complexity O(log slabs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_begin_physical(const struct phyr_list *list,
						      phyr_sizes sizes, struct phyr_split *split);

/**
 * @brief Starts to cut a list at consecutive I/O addresses for hardware with other alignments.
 *
 * The I/O address of a block is aligned to its size, its memory address as the table says.
 *
 * @param[in]  list  must not change while the cut is used; may be empty
 * @param[in]  iova  of byte 0 of the list
 * @param[in]  sizes must outlive the cut
 * @param[out] split written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, an alignment exceeds its size, or an argument is NULL
 * @return PHYR_E_RANGE the I/O addresses or the memory, rounded out, wrap
 * @return PHYR_E_ALIGN an interior joint breaks the smallest size, or pa against iova its alignment
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_begin_aligned(const struct phyr_list *list, phyr_iova iova,
						     const struct phyr_split_sizes *sizes,
						     struct phyr_split *split);

/**
 * @brief Starts to cut a list by its physical addresses for hardware with other alignments.
 *
 * The smallest size is aligned to itself. The cut is greedy as ever: it has the fewest blocks when
 * no size is aligned more strictly than a smaller one that is not aligned to itself.
 *
 * @param[in]  list  must not change while the cut is used; may be empty
 * @param[in]  sizes must outlive the cut
 * @param[out] split written only on PHYR_OK; its blocks have iova = pa
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, an alignment exceeds its size or the smallest size is not
 *         aligned to itself, or an argument is NULL
 * @return PHYR_E_RANGE a run, rounded out, would be 2^64 bytes long
 * @return PHYR_E_ALIGN an interior joint breaks the smallest size
 * @complexity O(log slabs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_begin_physical_aligned(const struct phyr_list *list,
							      const struct phyr_split_sizes *sizes,
							      struct phyr_split *split);

/**
 * @brief Returns the next neighbouring blocks of one size, in the order of the list.
 *
 * @param[in,out] split      started
 * @param[out]    ret_blocks written only when true is returned
 * @return true when there were blocks, false at the end
 * @complexity O(1), with alignments O(sizes); at most 2 × sizes calls for each run, with alignments
 *             and no I/O address at most sizes²
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API bool phyr_split_next(struct phyr_split *split, struct phyr_blocks *ret_blocks);

/**
 * @brief Adds up, per size, the blocks that are left of a cut, and moves to its end.
 *
 * @param[in,out] split  started in any way
 * @param[in,out] counts added to
 * @complexity O(runs × sizes)
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API void phyr_split_count_rest(struct phyr_split *split, struct phyr_block_counts *counts);

/**
 * @brief Counts the blocks of a whole list by size.
 *
 * @param[in]  list       may be empty
 * @param[in]  iova       of byte 0 of the list
 * @param[in]  sizes      supported sizes
 * @param[out] ret_counts written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL sizes is empty, or an argument NULL
 * @return PHYR_E_RANGE the I/O addresses, rounded out, wrap
 * @return PHYR_E_ALIGN an interior joint, or pa against iova, breaks the smallest size
 * @complexity O(runs × sizes)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_count(const struct phyr_list *list, phyr_iova iova,
					     phyr_sizes sizes,
					     struct phyr_block_counts *ret_counts);

/** May a device page reach beyond the region, rounded out to 4 KiB pages? */
enum phyr_cover {
	PHYR_COVER_FORBID = 0, /**< never */
	PHYR_COVER_ALLOW = 1,  /**< yes: whoever registers sees to it that nothing is exposed */
};

/**
 * @brief The smallest single page size that describes a list in the fewest pages.
 *
 * A size S fits when every byte's address and device address agree modulo S, every true joint (at
 * which the address does not go on) is at a multiple of S in the device's addresses, and (unless
 * covering is allowed) the region rounded out to 4 KiB pages begins and ends on multiples of S.
 *
 * @param[in] list    the addresses that the device puts on the bus; not empty
 * @param[in] address [device address] names byte 0 in the device (IOVA of the region, or 0)
 * @param[in] sizes   what the device supports
 * @param[in] cover   whether pages may cover more than the region
 * @return [bytes] the size; 0 when none fits, sizes is empty, list is NULL or empty, or the
 *         device addresses wrap
 * @complexity O(runs)
 * @threads any number of readers
 * @source Linux ib_umem_find_best_pgsz(), whose pages may always cover; rounds in 4 KiB pages
 */
PHYR_API uint64_t phyr_split_best_size(const struct phyr_list *list, uint64_t address,
				       phyr_sizes sizes, enum phyr_cover cover);

/**
 * @brief phyr_split_best_size() for hardware that takes pages at other memory addresses.
 *
 * Address and device address need only agree modulo the alignment of the size.
 *
 * @param[in] list    the addresses that the device puts on the bus; not empty
 * @param[in] address [device address] names byte 0 in the device
 * @param[in] sizes   what the device supports
 * @param[in] cover   whether pages may cover more than the region
 * @return [bytes] the size; 0 as above, or when sizes is NULL or an alignment exceeds its size
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_split_best_size_aligned(const struct phyr_list *list, uint64_t address,
					       const struct phyr_split_sizes *sizes,
					       enum phyr_cover cover);

/** How a device is told where in the first page a queue or region starts. */
struct phyr_start_field {
	uint8_t bits;	  /**< [0 … 64] width of the field; 0 = it must start a page */
	uint8_t unit_lg2; /**< [log2, 0 … 63] bytes of a unit, or units of a page when scaled */
	bool scaled;	  /**< a unit is the page divided by 2^unit_lg2, at least a byte */
};

/**
 * @brief The best single page size for what a device knows by its offset in the first page.
 *
 * There is no address to agree with: the offset is that of the memory itself, and only those sizes
 * fit for which the field can say it. Otherwise as phyr_split_best_size().
 *
 * @param[in]  list       the addresses that the device puts on the bus; not empty
 * @param[in]  field      what the device can be told
 * @param[in]  sizes      what the device supports
 * @param[in]  cover      whether pages may cover more than the region
 * @param[out] ret_offset [bytes] in the first page: the address for phyr_split_pages_begin();
 *                        written only when a size is returned; may be NULL
 * @return [bytes] the size; 0 when none fits, sizes is empty, list is NULL or empty, or a member of
 *         field is out of its range
 * @complexity O(runs + sizes)
 * @threads any number of readers
 * @source Linux ib_umem_find_best_pgoff() and mlx5's offsets in 64ths of a page; MANA's queues have
 *         no offset
 */
PHYR_API uint64_t phyr_split_best_offset(const struct phyr_list *list,
					 struct phyr_start_field field, phyr_sizes sizes,
					 enum phyr_cover cover, uint64_t *ret_offset);

/** What keeps pages from being larger. */
enum phyr_obstacle {
	PHYR_OBSTACLE_LARGEST = 0, /**< nothing: it is the largest size that is supported */
	PHYR_OBSTACLE_FEWEST = 1,  /**< nothing: no larger size would take fewer pages */
	PHYR_OBSTACLE_PHASE = 2,   /**< memory and device address differ below the larger size */
	PHYR_OBSTACLE_JOINT = 3,   /**< a run starts inside of the larger page */
	PHYR_OBSTACLE_START = 4,   /**< the larger page would reach below the region */
	PHYR_OBSTACLE_END = 5,	   /**< the larger page would reach beyond the region */
};

/** Why a page size is what it is. */
struct phyr_explanation {
	uint64_t page_len;	/**< [bytes] the best size; 0: none fits */
	uint64_t page_cnt;	/**< pages of it; 0: none fits */
	uint64_t larger_len;	/**< [bytes] the next size that would take fewer; 0: there is none.
				 *   When none fits, the smallest that is supported */
	uint64_t larger_cnt;	/**< pages of it, if it fitted */
	uint64_t bits;		/**< the address bits below larger_len that would have to be 0: of
				 *   pa ^ address for a phase, else of address */
	uint64_t offset;	/**< [bytes] from the start of the list: where it is in the way */
	uint64_t address;	/**< [device address] of that place; of the region rounded out to
				 *   4 KiB pages when its start or end is in the way */
	uint64_t obstacle_cnt;	/**< places that are in the way of that size */
	uint64_t other_address; /**< [device address] mod larger_len that would make it fit */
	struct phyr_run run;	/**< the run that starts (that ends, for an end) there */
	enum phyr_obstacle obstacle; /**< what is in the way first, in the order of bytes */
	bool renaming_helps;	     /**< other_address is valid */
};

/**
 * @brief Says which joint, and which bits of which addresses, keep the page size from being larger.
 *
 * @param[in]  list            the addresses that the device puts on the bus
 * @param[in]  address         [device address] names byte 0 in the device
 * @param[in]  sizes           what the device supports
 * @param[in]  cover           whether pages may cover more than the region
 * @param[out] ret_explanation written only on PHYR_OK; members that do not apply are 0
 * @return PHYR_OK also when no size fits: page_len says so
 * @return PHYR_E_INVAL sizes is empty, the list is empty, or an argument is NULL
 * @return PHYR_E_RANGE the device addresses wrap
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_explain(const struct phyr_list *list, uint64_t address,
					       phyr_sizes sizes, enum phyr_cover cover,
					       struct phyr_explanation *ret_explanation);

/** A place in the single-size cut of a list. All members are private. */
struct phyr_pages {
	struct phyr_list_cursor cursor; /**< private */
	const struct phyr_list *list;	/**< private */
	struct phyr_blocks left;	/**< private: of the current run; cnt 0 = next run */
	uint64_t address;		/**< private: [device address] of byte 0 */
	unsigned int lg2;		/**< private: [log2 bytes] */
	bool natural;			/**< private: pages are aligned in memory */
};

/**
 * @brief Starts to cut a list into pages of one size, as a device table with one size wants them.
 *
 * The first and the last page may reach beyond the list: see phyr_split_best_size() for which
 * sizes do not.
 *
 * @param[in]  list    must not change while the cut is used; may be empty
 * @param[in]  address [device address] names byte 0 in the device
 * @param[in]  lg2     [log2 bytes, 0 … 63] the page size
 * @param[out] pages   written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or lg2 above 63
 * @return PHYR_E_RANGE the device addresses wrap
 * @return PHYR_E_ALIGN a page of this size would hold a true joint, or an address and a device
 *         address disagree: data would be lost
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_pages_begin(const struct phyr_list *list, uint64_t address,
						   unsigned int lg2, struct phyr_pages *pages);

/**
 * @brief phyr_split_pages_begin() for hardware that takes pages at other memory addresses.
 *
 * @param[in]  list      must not change while the cut is used; may be empty
 * @param[in]  address   [device address] names byte 0 in the device
 * @param[in]  lg2       [log2 bytes, 0 … 63] the page size
 * @param[in]  align_lg2 [log2 bytes, 0 … lg2] alignment of a page's memory address
 * @param[out] pages     written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, lg2 above 63 or align_lg2 above lg2
 * @return PHYR_E_RANGE the device addresses, or the memory of an outer page, wrap
 * @return PHYR_E_ALIGN a page of this size would hold a true joint, or an address and a device
 *         address disagree below the alignment
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_split_pages_begin_aligned(const struct phyr_list *list,
							   uint64_t address, unsigned int lg2,
							   unsigned int align_lg2,
							   struct phyr_pages *pages);

/**
 * @brief How many pages the whole cut has, wherever it stands.
 *
 * @param[in] pages started
 * @return the number; 2^64 − 1 also for 2^64
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_split_pages_cnt(const struct phyr_pages *pages);

/**
 * @brief Moves to a page, so that several can fill parts of a table.
 *
 * @param[in,out] pages started; unchanged on error
 * @param[in]     index 0 … phyr_split_pages_cnt() − 1
 * @return PHYR_OK
 * @return PHYR_E_RANGE there is no such page
 * @complexity O(log slabs + words of a slab)
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API PHYR_NODISCARD int phyr_split_pages_seek(struct phyr_pages *pages, uint64_t index);

/**
 * @brief Returns the pages of the next run (what is left of the current one, after a part of it).
 *
 * @param[in,out] pages      started
 * @param[out]    ret_blocks pa of the first page, its device address as iova, and how many
 *                           neighbours follow; written only when true is returned
 * @return true when there were pages, false at the end
 * @complexity O(1)
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API bool phyr_split_pages_next(struct phyr_pages *pages, struct phyr_blocks *ret_blocks);

/** How a device wants its words. */
enum phyr_endian {
	PHYR_ENDIAN_HOST = 0,	/**< as the host does */
	PHYR_ENDIAN_LITTLE = 1, /**< NVMe, page tables */
	PHYR_ENDIAN_BIG = 2,	/**< mlx5 */
};

/** What a word of a device's array is, besides an address. */
struct phyr_word_format {
	uint64_t flags;		 /**< ORed into every address; bits that addresses leave free */
	enum phyr_endian endian; /**< of bytes in memory */
};

/**
 * @brief Writes the addresses of the next pages into a device's array.
 *
 * Goes on where the last call (or phyr_split_pages_next(), or a seek) left off, so that an array
 * can be filled in pieces of any size.
 *
 * @param[in,out] pages    started
 * @param[in]     format   of the words
 * @param[out]    words    as many are written as is returned
 * @param[in]     word_cnt room, in words
 * @return [words] written; fewer than word_cnt only at the end
 * @complexity O(words)
 * @threads any number of readers, each with a cut of its own
 */
PHYR_API size_t phyr_split_fill(struct phyr_pages *pages, struct phyr_word_format format,
				uint64_t *words, size_t word_cnt);

/**
 * @brief Writes the addresses of neighbouring blocks, however they were found.
 *
 * @param[in,out] blocks   moved behind what was written
 * @param[in]     format   of the words
 * @param[out]    words    as many are written as is returned
 * @param[in]     word_cnt room, in words
 * @return [words] written: the lesser of word_cnt and the blocks there were
 * @complexity O(words)
 * @threads any
 */
PHYR_API size_t phyr_split_fill_blocks(struct phyr_blocks *blocks, struct phyr_word_format format,
				       uint64_t *words, size_t word_cnt);

#ifdef __cplusplus
}
#endif

#endif
