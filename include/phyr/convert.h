/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Lists from and to the other forms in which programs keep memory.
 *
 * Arrays of ranges, of process memory with a translator, of page-frame numbers, and rows as a
 * scatterlist has them. Imports are all or nothing; exports say how much room they need.
 */
#ifndef PHYR_CONVERT_H
#define PHYR_CONVERT_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A piece of process memory, as struct iovec has it. */
struct phyr_vec {
	void *base;   /**< first byte */
	uint64_t len; /**< [bytes] */
};

/** A row as in a scatterlist: 32-bit length. */
struct phyr_row {
	phyr_pa pa;   /**< first byte */
	uint32_t len; /**< [bytes] */
};

/**
 * @brief Where the memory at a process address is, for as far as it is in one piece.
 *
 * @param[in]  ctx       the caller's
 * @param[in]  base      the process address of the first byte
 * @param[in]  len       [bytes] how many are asked for, 1 or more
 * @param[out] ret_range the piece that starts with the first byte; 1 … len bytes long
 * @return PHYR_OK, or the error that ends the import
 */
typedef int phyr_translate(void *ctx, const void *base, uint64_t len, struct phyr_range *ret_range);

/**
 * @brief Appends an array of ranges, all or nothing.
 *
 * @param[in,out] list      initialised
 * @param[in]     ranges    [bytes] may be NULL when range_cnt is 0; empty ranges add nothing
 * @param[in]     range_cnt how many
 * @param[in]     tag       of all of them
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or the kind unknown
 * @return PHYR_E_RANGE a range wraps, or the total would exceed 2^64 − 4096 bytes
 * @return PHYR_E_BUSY  a mapping borrows the list, and something is to be added
 * @return PHYR_E_NOMEM the list is unchanged
 * @complexity O(ranges)
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_convert_ranges(struct phyr_list *list,
						const struct phyr_range *ranges, size_t range_cnt,
						struct phyr_tag tag);

/**
 * @brief Appends an array of scatterlist-like rows, all or nothing.
 *
 * @param[in,out] list    initialised
 * @param[in]     rows    may be NULL when row_cnt is 0; empty rows add nothing
 * @param[in]     row_cnt how many
 * @param[in]     tag     of all of them
 * @return as phyr_convert_ranges()
 * @complexity O(rows)
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_convert_rows(struct phyr_list *list, const struct phyr_row *rows,
					      size_t row_cnt, struct phyr_tag tag);

/**
 * @brief Appends process memory through a translator, all or nothing.
 *
 * @param[in,out] list      initialised
 * @param[in]     vecs      may be NULL when vec_cnt is 0; empty ones add nothing
 * @param[in]     vec_cnt   how many
 * @param[in]     tag       of all of it
 * @param[in]     translate called for every piece
 * @param[in]     ctx       passed to it
 * @return as phyr_convert_ranges(), or
 * @return PHYR_E_INVAL     the translator gave nothing, or more than was asked for
 * @return any other        what the translator returned
 * @complexity O(pieces)
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_convert_vecs(struct phyr_list *list, const struct phyr_vec *vecs,
					      size_t vec_cnt, struct phyr_tag tag,
					      phyr_translate *translate, void *ctx);

/**
 * @brief Writes a list's runs as ranges.
 *
 * @param[in]  list       any
 * @param[out] ranges     room for cap ranges; may be NULL when cap is 0
 * @param[in]  cap        how many there is room for
 * @param[out] ret_cnt    how many the list has; always written
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_LIMIT the list has more than cap; the first cap are written
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_convert_to_ranges(const struct phyr_list *list,
						   struct phyr_range *ranges, size_t cap,
						   uint64_t *ret_cnt);

/**
 * @brief Writes a list as scatterlist-like rows, runs cut to the longest segment.
 *
 * @param[in]  list        any
 * @param[in]  segment_max [bytes] longest row, 1 … 2^32 − 1
 * @param[out] rows        room for cap rows; may be NULL when cap is 0
 * @param[in]  cap         how many there is room for
 * @param[out] ret_cnt     how many the list takes; written on PHYR_OK and PHYR_E_LIMIT
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or segment_max 0
 * @return PHYR_E_LIMIT the list takes more than cap; the first cap are written
 * @complexity O(runs + rows written)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_convert_to_rows(const struct phyr_list *list, uint32_t segment_max,
						 struct phyr_row *rows, size_t cap,
						 uint64_t *ret_cnt);

/**
 * @brief Writes the numbers of a list's pages; its outer pages count whole.
 *
 * @param[in]  list    joints on pages
 * @param[out] pages   room for cap numbers; may be NULL when cap is 0
 * @param[in]  cap     how many there is room for
 * @param[out] ret_cnt how many the list has; written on PHYR_OK and PHYR_E_LIMIT
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_ALIGN an interior joint is inside a page
 * @return PHYR_E_LIMIT the list has more than cap; the first cap are written
 * @complexity O(runs + pages written)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_convert_to_pages(const struct phyr_list *list, uint64_t *pages,
						  size_t cap, uint64_t *ret_cnt);

#ifdef __cplusplus
}
#endif

#endif
