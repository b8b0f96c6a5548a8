/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The six cases of mapping memory for a device, made of known memory and counted.
 *
 * What a mapping needs depends on what is in the way between device and memory:
 *
 * | case | between | needed to unmap |
 * |---|---|---|
 * | 1 | nothing | nothing |
 * | 2 | an IOMMU; joints on granules | the range |
 * | 3 | ditto, and one 4 KiB page of a peer, which is reached past it | the range |
 * | 4 | slots to copy through, side by side | the range |
 * | 5 | slots to copy through, a run each | all addresses |
 * | 6 | an IOMMU; every run begins 512 bytes into its page | the range |
 *
 * The memory is made up, the same every time, in pages of one size or of two, none next to the one
 * before. Cases 4 and 5 come without an IOMMU (a device of 36 address bits, memory above them), and
 * with one (memory as in case 6, a device that is not trusted to see what shares its granules).
 */
#ifndef PHYRSIM_RUN_CASES_H
#define PHYRSIM_RUN_CASES_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyrsim/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is between a device and memory; the numbers are those of the mails where they were listed. */
enum phyrsim_case {
	PHYRSIM_CASE_DIRECT = 1,      /**< nothing */
	PHYRSIM_CASE_ALIGNED = 2,     /**< an IOMMU, joints on granules */
	PHYRSIM_CASE_PEER = 3,	      /**< ditto, some of it a peer by bus address */
	PHYRSIM_CASE_BOUNCE_ONE = 4,  /**< slots, one range */
	PHYRSIM_CASE_BOUNCE_MANY = 5, /**< slots, many ranges */
	PHYRSIM_CASE_UNALIGNED = 6,   /**< an IOMMU, joints inside granules */
};

/** The pages that the memory is made of. */
enum phyrsim_mix {
	PHYRSIM_MIX_4K = 0,    /**< scattered pages of 4 KiB */
	PHYRSIM_MIX_2M = 1,    /**< scattered pages of 2 MiB */
	PHYRSIM_MIX_1G = 2,    /**< scattered pages of 1 GiB */
	PHYRSIM_MIX_MIXED = 3, /**< one of 2 MiB, then 512 of 4 KiB, and so on */
};
/** How many mixes there are. */
#define PHYRSIM_MIX_CNT 4

/** When what was unmapped is invalidated. */
enum phyrsim_flushing {
	PHYRSIM_FLUSHING_NONE = 0,    /**< there is no IOMMU */
	PHYRSIM_FLUSHING_STRICT = 1,  /**< before an unmap returns */
	PHYRSIM_FLUSHING_BATCHED = 2, /**< at the end of a batch of all rounds */
	PHYRSIM_FLUSHING_LAZY = 3,    /**< when a ring of 256 slots is full, or the time is up */
};
/** How many ways of flushing there are. */
#define PHYRSIM_FLUSHING_CNT 4

/** How often a case is mapped and unmapped, so that batches and rings have something to hold. */
#define PHYRSIM_CASE_ROUNDS 8
/** Most memory of a case. [bytes] */
#define PHYRSIM_CASE_LEN_MAX (UINT64_C(4) << 30)
/** Most rows of phyrsim_run_cases(): 18 a mix. */
#define PHYRSIM_CASES_MAX (18 * PHYRSIM_MIX_CNT)

/** What is to be counted. */
struct phyrsim_case_params {
	const struct phyr_mem *mem; /**< for everything; required */
	enum phyrsim_case which;    /**< which case */
	enum phyrsim_mix mix;	    /**< of which pages */
	/** NONE in cases 1, 4 and 5; the others in all but case 1 */
	enum phyrsim_flushing flushing;
	uint64_t len; /**< [bytes] in whole pages of the mix (mixed: 4 MiB) */
};

/**
 * What Linux needs for the same memory: with an IOMMU, by mapping it so, through the models of its calls
 * (linux_sg.h, linux_link.h) and its allocator (linux_iova.h), over tables of its own, checked to the byte.
 *
 * The scatterlist has segments of up to 2 GiB, or of 256 KiB where it has to be copied. A batch is as
 * strict: there is none. By rule are: sizes of what is kept; without an IOMMU, that each entry is a range;
 * and of cases 4 and 5, that entries are copied and mapped one by one: mapped is then the memory itself.
 */
struct phyrsim_case_linux {
	uint64_t sg_cnt;    /**< entries of the scatterlist, kept until it is unmapped */
	uint64_t sg_len;    /**< [bytes] of them, 32 each and links */
	uint64_t entry_cnt; /**< ranges that the device is given */
	uint64_t told_len;  /**< [bytes] of these ranges: more than there are, where a bus address
				      gets the length of the first entry (HEAD_LENGTH) */
	uint64_t call_cnt;  /**< iommu_map() calls */
	uint64_t flush_cnt; /**< invalidations in all rounds, the timer's included */
	uint64_t page_cnt;  /**< page by page: addresses; but for a peer's, also calls and syncs */
	uint64_t page_len;  /**< [bytes] page by page: 8 an address */
	uint64_t page_flush_cnt; /**< page by page: invalidations in all rounds */
	uint64_t state_len;	 /**< [bytes] in two steps: 16; 0: cannot be done so */
};

/**
 * What a case costs: each mapping, if nothing else is said; where that depends on what was mapped
 * before, the first.
 */
struct phyrsim_case_row {
	enum phyrsim_case which;	    /**< which case */
	enum phyrsim_mix mix;		    /**< of which pages */
	enum phyrsim_flushing flushing;	    /**< flushed when */
	uint64_t len;			    /**< [bytes] that were mapped */
	uint64_t run_cnt;		    /**< runs of the list */
	uint64_t entry_cnt;		    /**< ranges that the device is given */
	uint64_t call_cnt;		    /**< calls of the backend's map */
	uint64_t mapped_run_cnt;	    /**< runs handed to it */
	uint64_t sync_cnt;		    /**< calls of its sync_map */
	uint64_t leaf_cnt;		    /**< leaves of the page table */
	uint64_t flush_cnt[PHYR_FLUSH_CNT]; /**< invalidations in all rounds, by kind; WALK: those
						 of the others that reach tables too */
	uint64_t need_len;     /**< [bytes] of state without which it cannot be unmapped */
	uint64_t keep_len;     /**< [bytes] of memory that the mapping keeps */
	uint64_t reserved_len; /**< [bytes] of I/O address space */
	uint64_t held_len;     /**< [bytes] of it that ever waited for a flush */
	uint64_t bounced_len;  /**< [bytes] in slots */
	uint64_t checked_cnt;  /**< leaves and slots that were compared, all right; all rounds */
	struct phyrsim_case_linux linux_cost; /**< what Linux needs */
};

/**
 * @brief Maps one case, checks it to the byte, unmaps it, several times over; and counts.
 *
 * What the device would reach is compared with the memory, by the walker and through the slots, before
 * anything is counted; that it cannot be reached any more, after each unmap. Everything is as new at
 * the end. The same is done for Linux.
 *
 * @param[in]  params    see there
 * @param[out] ret_row   written only on PHYR_OK
 * @param[out] ret_error written on every other result; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing or unknown, or len is 0
 * @return PHYR_E_UNSUPPORTED the case does not come with this flushing
 * @return PHYR_E_ALIGN       len is not in whole pages of the mix
 * @return PHYR_E_LIMIT       len is above #PHYRSIM_CASE_LEN_MAX
 * @return PHYR_E_FAULT       the check failed: a defect, ret_error says where
 * @return PHYR_E_NOMEM       out of memory
 * @complexity O(pages)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_run_case(const struct phyrsim_case_params *params,
					     struct phyrsim_case_row *ret_row,
					     struct phyrsim_run_error *ret_error);

/**
 * @brief Every case, in every mix of which len is whole pages, with every flushing.
 *
 * @param[in]  mem       for everything
 * @param[in]  len       [bytes] as for phyrsim_run_case(), of 4 KiB pages at least
 * @param[out] ret_rows  room for #PHYRSIM_CASES_MAX; by mix, case and flushing
 * @param[out] ret_cnt   how many; written only on PHYR_OK
 * @param[out] ret_error written on every other result; may be NULL
 * @return as phyrsim_run_case()
 * @complexity O(pages)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_run_cases(const struct phyr_mem *mem, uint64_t len,
					      struct phyrsim_case_row *ret_rows, size_t *ret_cnt,
					      struct phyrsim_run_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
