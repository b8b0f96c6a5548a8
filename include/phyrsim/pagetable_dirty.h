/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief What devices have accessed and written, as the entries of a page table say.
 *
 * Every format but Arm's marks dirty leaves by a bit; Arm's do when the table is made with
 * PHYRSIM_FEATURE_DIRTY, and there a clean leaf is one that DBM alone lets be written.
 *
 * What a map writes: x86 and RISC-V leaves that may be written are dirty from the start, as Linux
 * writes them, and so are Arm's; VT-d and AMD leaves are clean. Clear them once to begin.
 */
#ifndef PHYRSIM_PAGETABLE_DIRTY_H
#define PHYRSIM_PAGETABLE_DIRTY_H

#include <phyr/base.h>
#include <phyr/iommu.h>
#include <phyrsim/pagetable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to read dirty marks; a set of bits. */
enum phyrsim_dirty_flag {
	PHYRSIM_DIRTY_NO_CLEAR = 1, /**< leave the marks as they are */
};

/** Which pages of a range are dirty; the caller's storage. */
struct phyrsim_dirty_bitmap {
	uint64_t *words;       /**< bit i % 64 of word i / 64 is page i of the range */
	uint64_t page_cnt;     /**< bits that there is room for */
	unsigned int page_lg2; /**< [log2 bytes, 0 … 63] of a page, of any size */
};

/**
 * @brief Adds the dirty pages of a range to a bitmap, and clears their marks.
 *
 * A page is dirty when some of it lies in a leaf that is. Bits are set, never cleared. There may be
 * holes in the range. Of a leaf that reaches beyond the range, the part inside is reported; its mark
 * stays, because the other part would be lost (split.h keeps that from happening).
 *
 * Hardware does not mark a leaf again that it has cached as dirty: what was cleared is added to the
 * gather, and must be invalidated before it counts as clean. RISC-V hardware that sets no marks
 * (Svade) faults at the next write.
 *
 * @param[in,out] table  the table
 * @param[in]     range  a multiple of pages
 * @param[in]     flags  of enum phyrsim_dirty_flag
 * @param[in,out] bitmap has a bit for each page of the range
 * @param[in,out] gather gets the range from the first to the last leaf cleared, and their sizes; NULL
 *                       is allowed with PHYRSIM_DIRTY_NO_CLEAR
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument or the words are NULL, len is 0, a flag or the page size is
 *                            unknown, or the bitmap has too few pages
 * @return PHYR_E_ALIGN       the range is no multiple of pages
 * @return PHYR_E_RANGE       wraps, is beyond the width or not canonical
 * @return PHYR_E_UNSUPPORTED the table has no dirty marks: Arm without PHYRSIM_FEATURE_DIRTY
 * @complexity O(leaves × levels + pages / 64)
 * @threads caller serialises calls on one table; hardware may mark meanwhile
 * @source Linux read_and_clear_dirty(), which clears leaves that reach beyond the range as well
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_read_dirty(struct phyrsim_pagetable *table,
							 struct phyr_iova_range range,
							 unsigned int flags,
							 const struct phyrsim_dirty_bitmap *bitmap,
							 struct phyr_gather *gather);

/**
 * @brief Marks the entries of one I/O address as hardware does that accesses it.
 *
 * The leaf's one item for the address is marked as accessed and, when it is written, as dirty; on
 * the way there the pointers that a format marks too (VT-d, x86). Each in one atomic step. Where
 * hardware has no dirty marks, writing leaves none. Privilege is not looked at.
 *
 * @param[in,out] table the table
 * @param[in]     iova  any address
 * @param[in]     write the access writes; otherwise it reads
 * @return PHYR_OK
 * @return PHYR_E_INVAL table is NULL
 * @return PHYR_E_RANGE beyond the width or not canonical
 * @return PHYR_E_NOENT not mapped
 * @return PHYR_E_FAULT the leaf does not allow the access; nothing is marked
 * @complexity O(levels)
 * @threads any number of marks at once; the caller serialises them with other calls that write
 */
PHYR_API PHYR_NODISCARD int phyrsim_pagetable_mark(struct phyrsim_pagetable *table, phyr_iova iova,
						   bool write);

#ifdef __cplusplus
}
#endif

#endif
