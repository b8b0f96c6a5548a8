/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief I/O page tables in real hardware formats, written into simulated physical memory.
 *
 * Bit for bit what the hardware walks. Everything is checked before anything is written, so misuse
 * changes nothing; a failure in the middle is unwound.
 *
 * Not here: reading a table as hardware would (walker.h, which shares no code with this), and what
 * an invalidation costs.
 */
#ifndef PHYRSIM_PAGETABLE_H
#define PHYRSIM_PAGETABLE_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyr/split.h>
#include <phyrsim/mem.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The formats. Values are pinned. */
enum phyrsim_format {
	PHYRSIM_FORMAT_VTD_SS = 0,   /**< Intel VT-d second stage: 3, 4 or 5 levels */
	PHYRSIM_FORMAT_AMD_V1 = 1,   /**< AMD host table: 3 … 6 levels, any power of two, grows */
	PHYRSIM_FORMAT_X86_FS = 2,   /**< x86-64 first stage (VT-d, AMD v2): 4 or 5 levels */
	PHYRSIM_FORMAT_ARM_S1 = 3,   /**< Arm VMSAv8-64 stage 1, one half of the addresses */
	PHYRSIM_FORMAT_ARM_S2 = 4,   /**< Arm VMSAv8-64 stage 2, tables concatenated at the top */
	PHYRSIM_FORMAT_RISCV_S1 = 5, /**< RISC-V Sv39, Sv48, Sv57 */
	PHYRSIM_FORMAT_RISCV_S2 = 6, /**< RISC-V Sv39x4, Sv48x4, Sv57x4: a root of 16 KiB */
};
/** How many formats there are. */
#define PHYRSIM_FORMAT_CNT 7

/** What is optional in formats; a set of bits. A bit that a format does not know is an error. */
enum phyrsim_feature {
	PHYRSIM_FEATURE_COHERENT = 1,	/**< AMD: FC in every leaf; VT-d: SNP in every leaf */
	PHYRSIM_FEATURE_CONTIGUOUS = 2, /**< Arm: contiguous hint; RISC-V: Svnapot (64K) */
	PHYRSIM_FEATURE_WIDE = 4, /**< Arm: LPA2 with 4K and 16K (DS=1), LPA with 64K: 52 bits */
	PHYRSIM_FEATURE_UNSIGNED = 8, /**< x86 first stage: 47 or 56 bits, no sign extension */
	PHYRSIM_FEATURE_UPPER = 16,   /**< Arm stage 1: the upper half (TTBR1), addresses of ones */
	PHYRSIM_FEATURE_FWB = 32,     /**< Arm stage 2: forced write-back (S2FWB) memory types */
	PHYRSIM_FEATURE_DIRTY = 64,   /**< Arm: DBM in writable leaves */
	PHYRSIM_FEATURE_WRITE_READS = 128, /**< VT-d: as Linux 6.12, writable leaves are readable */
	PHYRSIM_FEATURE_PBMT = 256,	   /**< RISC-V: memory types in leaves (Svpbmt) */
	PHYRSIM_FEATURE_BBM2 =
		512, /**< Arm: leaves change their size in place (FEAT_BBM level 2) */
};

/** Of mapped memory, beside permissions; a set of bits. What a format cannot say is left out. */
enum phyrsim_attr {
	PHYRSIM_ATTR_UNCACHED =
		1, /**< not cacheable (Arm: normal non-cacheable; RISC-V with PBMT: NC) */
	PHYRSIM_ATTR_MMIO =
		2, /**< a device's registers (Arm: Device-nGnRE; RISC-V with PBMT: IO) */
	PHYRSIM_ATTR_NOEXEC = 4,     /**< no instruction fetches */
	PHYRSIM_ATTR_PRIVILEGED = 8, /**< for privileged accesses only (Arm stage 1, x86, RISC-V) */
};

/** A page table; opaque. */
struct phyrsim_pagetable;

/** Who invalidates a leaf of Arm's between break and make, while it is absent. */
struct phyrsim_pagetable_breaker {
	/** the leaf is in the gather with its size, and nothing else; it may not call the table, nor
	 *  fill any cache; NULL: nobody, the split leaves it to the caller's gather */
	void (*flush)(void *ctx, const struct phyr_gather *gather);
	void *ctx; /**< its first argument */
};

/** How to make a table. */
struct phyrsim_pagetable_params {
	const struct phyr_mem *mem; /**< host memory for bookkeeping; required */
	struct phyrsim_mem *frames; /**< where tables live; required; must outlive the table */
	enum phyrsim_format format; /**< which */
	unsigned int level_cnt; /**< 0: VT-d, x86, RISC-V: 4; AMD: 3, and it grows up to 6; Arm: as
					 iova_bits needs */
	unsigned int pa_bits;	/**< [bits] output address width; 0: 52; Arm: 48, or 52 with
					 WIDE; RISC-V: 56 */
	unsigned int granule_lg2; /**< [log2 bytes] Arm: 12, 14 or 16; others 12; 0 = 12 */
	unsigned int iova_bits;	  /**< [bits] Arm: 32 … 48, or 52 with WIDE; 0 = 48; others: 0, it
					 follows from level_cnt */
	unsigned int features;	  /**< of enum phyrsim_feature */
	struct phyrsim_pagetable_breaker breaker; /**< see there; all zero: none */
	/** several threads may call at once, as long as what one writes is nobody else's: ranges are
	 *  disjoint, tables above them may be common. Calls take turns. frames must then be this
	 *  table's alone, and its hooks may not call the table. Checked builds stop where two
	 *  calls overlap and one writes */
	bool shared;
};

/** What hardware is told about a table. */
struct phyrsim_root {
	enum phyrsim_format format; /**< which */
	phyr_pa table;		    /**< the top table */
	unsigned int level_cnt;	    /**< levels walked */
	unsigned int pa_bits;	    /**< [bits] output address width */
	unsigned int granule_lg2;   /**< [log2 bytes] of the smallest leaf */
	unsigned int iova_bits;	    /**< [bits] of addresses, the sign bit included */
	unsigned int features;	    /**< of enum phyrsim_feature */
};

/** One leaf of a table. */
struct phyrsim_leaf {
	phyr_iova iova;	    /**< of its first byte, which may be before what was asked for */
	phyr_pa pa;	    /**< of its first byte */
	unsigned int lg2;   /**< [log2 bytes] its size, contiguous groups as one */
	unsigned int level; /**< 0 = table of smallest leaves */
	enum phyr_perm
		perm;	    /**< as the items say: reading may be more than was asked for; Arm: with
				  DBM, a clean leaf may be written as well */
	unsigned int attrs; /**< of enum phyrsim_attr: those that the items say */
	bool dirty;	    /**< marked as written, in any item */
	uint64_t entry;	    /**< the first item */
	phyr_pa entry_pa;   /**< and where it is */
};

/** What a table holds now. */
struct phyrsim_pagetable_stats {
	struct phyr_block_counts leaves; /**< live leaves by size */
	uint64_t table_cnt;		 /**< table frames linked, the top one included */
	uint64_t table_max;		 /**< most table frames linked at once */
	uint64_t broken_cnt; /**< leaves that were absent for a moment when they were split (Arm) */
};

/**
 * @brief Makes an empty table: the top alone.
 *
 * @param[in]  params    see there
 * @param[out] ret_table the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is missing, a level count, granule or width is not offered, or a
 *                      feature is not the format's
 * @return PHYR_E_NOMEM nothing is left allocated
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_create(const struct phyrsim_pagetable_params *params,
						     struct phyrsim_pagetable **ret_table);

/**
 * @brief Frees a table and all its frames, live leaves or not.
 *
 * Until then host memory of tables that were removed is kept for the next ones.
 *
 * @param[in] table NULL is allowed
 * @complexity O(tables)
 * @threads no other call on the table may be running
 */
PHYR_API void phyrsim_pagetable_destroy(struct phyrsim_pagetable *table);

/**
 * @brief Page sizes and address widths of a table.
 *
 * Where I/O addresses are sign-extended, the window is the lower half; the upper can be mapped too.
 * AMD: it is all 64 bits, as the table grows.
 *
 * @param[in]  table    the table
 * @param[out] ret_caps written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyrsim_pagetable_caps(const struct phyrsim_pagetable *table,
				     struct phyr_iommu_caps *ret_caps);

/**
 * @brief What the hardware needs to walk the table. AMD: a map may change it.
 *
 * @param[in]  table    the table
 * @param[out] ret_root written whole
 * @complexity O(1)
 * @threads any
 */
PHYR_API void phyrsim_pagetable_root(const struct phyrsim_pagetable *table,
				     struct phyrsim_root *ret_root);

/**
 * @brief Maps runs behind one another in one walk, each with the largest leaves that fit.
 *
 * The leaves are those of the greedy cut of every run (split.h). A format that cannot forbid reading
 * (x86 first stage, Arm stage 1, RISC-V) lets be read what may be written.
 *
 * AMD: what the top does not cover puts another top above it. Hardware must then be told of the new
 * root (phyrsim_pagetable_root()); what it has cached stays right.
 *
 * @param[in,out] table the table
 * @param[in]     iova  of the first run
 * @param[in]     runs  granule-aligned address and length
 * @param[in]     run_cnt 1 or more
 * @param[in]     perm  what the device may do
 * @param[in]     attrs of enum phyrsim_attr; what the format cannot say is left out
 * @return PHYR_OK
 * @return PHYR_E_INVAL  an argument is NULL, run_cnt or a length is 0, perm is 0 or unknown, an
 *                       attribute is unknown
 * @return PHYR_E_ALIGN  iova, an address or a length is no multiple of the granule
 * @return PHYR_E_RANGE  the last byte of the I/O or of a physical range is beyond its width, or an
 *                       I/O address is not canonical
 * @return PHYR_E_EXISTS some of the range is mapped; nothing changed
 * @return PHYR_E_NOMEM  no frame for a table; nothing is mapped
 * @complexity O(leaves)
 * @threads caller serialises calls on one table
 * @source Linux iommu_map() cuts the same way, but checks only the first byte against the width
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_map(struct phyrsim_pagetable *table, phyr_iova iova,
						  const struct phyr_range *runs, size_t run_cnt,
						  enum phyr_perm perm, unsigned int attrs);

/**
 * @brief Maps pages that a list has as one word each, behind one another in one walk: as
 * phyrsim_pagetable_map() of runs of one page each, from half the memory.
 *
 * @param[in,out] table the table
 * @param[in]     iova  of the first page
 * @param[in]     words of a list, each of one page (chunk.h: PHYR_CHUNK_PAGE)
 * @param[in]     word_cnt 1 or more
 * @param[in]     perm  what the device may do
 * @param[in]     attrs of enum phyrsim_attr; what the format cannot say is left out
 * @return PHYR_OK
 * @return PHYR_E_INVAL  an argument is NULL, word_cnt is 0, a word is something else, perm is 0 or
 *                       unknown, an attribute is unknown
 * @return PHYR_E_ALIGN  iova is no multiple of the granule, or the granule is larger than a page
 * @return PHYR_E_RANGE  as phyrsim_pagetable_map()
 * @return PHYR_E_EXISTS as phyrsim_pagetable_map()
 * @return PHYR_E_NOMEM  as phyrsim_pagetable_map()
 * @complexity O(pages)
 * @threads caller serialises calls on one table
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_map_pages(struct phyrsim_pagetable *table,
							phyr_iova iova, const uint64_t *words,
							size_t word_cnt, enum phyr_perm perm,
							unsigned int attrs);

/**
 * @brief Removes every leaf of a range; needs no memory and never splits a leaf (pagetable_split.h
 *        does).
 *
 * Tables that are left empty are unlinked at once and held back on the gather: an empty table never
 * stays, so a large leaf never has to replace one.
 *
 * @param[in,out] table  the table
 * @param[in]     range  granule-aligned
 * @param[in,out] gather what is removed is added
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is NULL or len is 0
 * @return PHYR_E_ALIGN   not granule-aligned
 * @return PHYR_E_RANGE   wraps or is beyond the width
 * @return PHYR_E_NOENT   some of the range is not mapped; nothing changed
 * @return PHYR_E_PARTIAL a leaf reaches beyond the range; nothing changed
 * @complexity O(leaves)
 * @threads caller serialises calls on one table
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_unmap(struct phyrsim_pagetable *table,
						    struct phyr_iova_range range,
						    struct phyr_gather *gather);

/**
 * @brief Changes what the device may do with mapped memory; leaves stay as large as they are.
 *
 * Items are as a map would make them: what hardware has marked (accessed, dirty) is lost, and so is what
 * it marks meanwhile; read the dirty marks before. Arm wants the old translations gone before new ones
 * stand (break before make) for some changes of memory type, and of contiguous groups, whose items
 * differ until the last is written; unmap and map there.
 *
 * @param[in,out] table  the table
 * @param[in]     range  granule-aligned
 * @param[in]     perm   what the device may do from now on
 * @param[in]     attrs  of enum phyrsim_attr, from now on
 * @param[in,out] gather the range and its leaves are added: caches have the old permissions
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is NULL, len is 0, perm is 0 or unknown, an attribute is unknown
 * @return PHYR_E_ALIGN   not granule-aligned
 * @return PHYR_E_RANGE   wraps, is beyond the width or not canonical
 * @return PHYR_E_NOENT   some of the range is not mapped; nothing changed
 * @return PHYR_E_PARTIAL a leaf reaches beyond the range; nothing changed
 * @complexity O(leaves)
 * @threads caller serialises calls on one table
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_protect(struct phyrsim_pagetable *table,
						      struct phyr_iova_range range,
						      enum phyr_perm perm, unsigned int attrs,
						      struct phyr_gather *gather);

/**
 * @brief Frees the tables that a gather holds back; call it once they are invalidated.
 *
 * AMD: and tops that were empty when the table grew, so hardware must know the new root by then.
 *
 * @param[in,out] table  the table that filled the gather
 * @param[in,out] gather holds none back afterwards
 * @complexity O(tables held back)
 * @threads caller serialises calls on one table
 */
PHYR_API void phyrsim_pagetable_release(struct phyrsim_pagetable *table,
					struct phyr_gather *gather);

/**
 * @brief Removes every leaf of a range in which there may be holes; never splits a leaf.
 *
 * For clearing what is not known; phyrsim_pagetable_unmap() is faster and tells of holes. The
 * gather gets the range from the first to the last byte removed, and nothing if nothing was.
 *
 * @param[in,out] table  the table
 * @param[in]     range  granule-aligned
 * @param[in,out] gather what is removed is added
 * @return PHYR_OK        nothing of the range is mapped any more
 * @return PHYR_E_INVAL   an argument is NULL or len is 0
 * @return PHYR_E_ALIGN   not granule-aligned
 * @return PHYR_E_RANGE   wraps, is beyond the width or not canonical
 * @return PHYR_E_PARTIAL a leaf reaches beyond the range; nothing changed
 * @complexity O(leaves × levels)
 * @threads caller serialises calls on one table
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_unmap_sparse(struct phyrsim_pagetable *table,
							   struct phyr_iova_range range,
							   struct phyr_gather *gather);

/**
 * @brief The first leaf that has bytes in a range: to look at a range leaf by leaf.
 *
 * Go on behind the leaf's last byte. This is the writer's view; the hardware's is walker.h.
 *
 * @param[in]  table    the table
 * @param[in]  range    of any alignment
 * @param[out] ret_leaf written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or len is 0
 * @return PHYR_E_RANGE wraps, is beyond the width or not canonical
 * @return PHYR_E_NOENT nothing of the range is mapped
 * @complexity O(levels) and what tables lie between; O(group) for a contiguous leaf
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_next(const struct phyrsim_pagetable *table,
						   struct phyr_iova_range range,
						   struct phyrsim_leaf *ret_leaf);

/**
 * @brief Where an I/O address leads, as the writer knows it.
 *
 * @param[in]  table    the table
 * @param[in]  iova     any address
 * @param[out] ret_pa   of the byte; written only on PHYR_OK
 * @param[out] ret_leaf the leaf that says so; NULL when it is not wanted
 * @return PHYR_OK
 * @return PHYR_E_INVAL table or ret_pa is NULL
 * @return PHYR_E_RANGE beyond the width or not canonical
 * @return PHYR_E_NOENT not mapped
 * @complexity O(levels); O(group) for a contiguous leaf
 * @threads any number of readers
 * @source Linux iommu_iova_to_phys(), which answers 0 for what is not mapped
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_translate(const struct phyrsim_pagetable *table,
							phyr_iova iova, phyr_pa *ret_pa,
							struct phyrsim_leaf *ret_leaf);

/**
 * @brief What the table holds.
 *
 * @param[in]  table     the table
 * @param[out] ret_stats written whole
 * @complexity O(1)
 * @threads caller serialises calls on one table
 */
PHYR_API void phyrsim_pagetable_stats(const struct phyrsim_pagetable *table,
				      struct phyrsim_pagetable_stats *ret_stats);

/**
 * @brief Audits a table: does all that its writer knows of it agree?
 *
 * For tests, fuzzers, and after something was written into the frames from outside. Looks at every
 * item of every table: live marks and counts, pointers, spans, sizes, whole contiguous groups, the
 * statistics, what is held back. Accessed and dirty marks of hardware are allowed everywhere. What
 * hardware makes of the items is another question (walker.h).
 *
 * @param[in]  table      the table
 * @param[out] ret_reason a constant sentence without full stop; written only when something is
 *                        wrong; NULL when it is not wanted
 * @return true  all is in order
 * @return false a mistake in the library, or frames that were written from outside
 * @complexity O(items of all tables)
 * @threads caller serialises calls on one table
 */
PHYR_API bool phyrsim_pagetable_validate(const struct phyrsim_pagetable *table,
					 const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
