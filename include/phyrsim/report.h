/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Results as aligned text for people and as JSON for programs.
 */
#ifndef PHYRSIM_REPORT_H
#define PHYRSIM_REPORT_H

#include <stdio.h>

#include <phyr/base.h>
#include <phyr/split.h>
#include <phyrsim/run.h>
#include <phyrsim/run_cases.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How results are written. */
enum phyrsim_report_format {
	PHYRSIM_REPORT_TEXT = 0, /**< aligned tables */
	PHYRSIM_REPORT_JSON = 1, /**< one object */
};

/** One buffer's result with what a reader must know of its input. */
struct phyrsim_report_item {
	const char *title;		     /**< what the buffer is */
	const char *source;		     /**< where its addresses are from: "this machine" */
	const struct phyrsim_result *result; /**< the numbers */
	double provide_s; /**< [seconds] the kernel took for the pages; < 0: none */
	double run_s;	  /**< [seconds] everything else took; < 0: not said */
};

/**
 * @brief Writes the items.
 *
 * Nothing is flushed or closed; look at ferror() afterwards, as always with a stream.
 *
 * @param[in,out] stream   where to
 * @param[in]     format   text or JSON
 * @param[in]     items    the results
 * @param[in]     item_cnt how many
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or the format unknown
 * @return PHYR_E_IO    the stream has an error
 * @return PHYR_E_NOMEM no memory for the output
 * @complexity O(items)
 * @threads caller serialises calls on one stream
 */
PHYR_API PHYR_NODISCARD int phyrsim_report(FILE *stream, enum phyrsim_report_format format,
					   const struct phyrsim_report_item *items,
					   size_t item_cnt);

/**
 * @brief Writes the six cases: as text two tables a mix, libphyr's and Linux's.
 *
 * Nothing is flushed or closed; look at ferror() afterwards, as always with a stream.
 *
 * @param[in,out] stream  where to
 * @param[in]     format  text or JSON
 * @param[in]     rows    from phyrsim_run_cases(), in its order
 * @param[in]     row_cnt how many, at most #PHYRSIM_CASES_MAX
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, the format unknown, or there are too many rows
 * @return PHYR_E_IO    the stream has an error
 * @return PHYR_E_NOMEM no memory for the output
 * @complexity O(rows)
 * @threads caller serialises calls on one stream
 */
PHYR_API PHYR_NODISCARD int phyrsim_report_cases(FILE *stream, enum phyrsim_report_format format,
						 const struct phyrsim_case_row *rows,
						 size_t row_cnt);

/**
 * @brief Writes why a region's pages are not larger, in sentences.
 *
 * Nothing is flushed or closed; look at ferror() afterwards, as always with a stream.
 *
 * @param[in,out] stream where to
 * @param[in]     why    from phyr_split_explain()
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_IO    the stream has an error
 * @complexity O(1)
 * @threads caller serialises calls on one stream
 */
PHYR_API PHYR_NODISCARD int phyrsim_explain_text(FILE *stream, const struct phyr_explanation *why);

#ifdef __cplusplus
}
#endif

#endif
