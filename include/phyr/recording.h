/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Chunk lists as text files: recordings of real memory that can be kept and compared.
 *
 * A recording holds one or more buffers, each a titled list. docs/recording-format.md specifies the
 * text; version 1 stays readable for ever.
 */
#ifndef PHYR_RECORDING_H
#define PHYR_RECORDING_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest title. [bytes, the end included] */
#define PHYR_RECORDING_TITLE_LEN 96

/** One buffer of a recording. */
struct phyr_recording_buffer {
	char title[PHYR_RECORDING_TITLE_LEN]; /**< one line of printable ASCII, not empty */
	struct phyr_list list;		      /**< its memory; its va is the buffer's */
};

/** A recording; opaque. */
struct phyr_recording;

/** Where and why reading or writing failed. */
struct phyr_recording_error {
	uint64_t line;	    /**< 1 …; 0 when it is not about a line */
	const char *reason; /**< a constant sentence without full stop */
	int os_errno;	    /**< PHYR_E_IO: the system's errno; 0 if it gave none */
};

/**
 * @brief Makes an empty recording.
 *
 * @param[in]  mem           required; must outlive the recording
 * @param[out] ret_recording the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_recording_create(const struct phyr_mem *mem,
						  struct phyr_recording **ret_recording);

/**
 * @brief Frees a recording and its lists.
 *
 * @param[in] recording NULL is allowed
 * @complexity O(slabs)
 * @threads no other call on the recording may be running
 */
PHYR_API void phyr_recording_destroy(struct phyr_recording *recording);

/**
 * @brief Adds an empty buffer at the end.
 *
 * @param[in,out] recording  the recording
 * @param[in]     title      printable ASCII, 1 … PHYR_RECORDING_TITLE_LEN − 1 characters, no space
 *                           at either end
 * @param[out]    ret_buffer the recording's; its address does not change; fill its list
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or the title is not as it must be
 * @return PHYR_E_NOMEM nothing was added
 * @complexity O(1) amortised
 * @threads caller serialises calls on one recording
 */
PHYR_API PHYR_NODISCARD int phyr_recording_add(struct phyr_recording *recording, const char *title,
					       struct phyr_recording_buffer **ret_buffer);

/**
 * @brief How many buffers there are.
 *
 * @param[in] recording the recording
 * @return the count
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API size_t phyr_recording_cnt(const struct phyr_recording *recording);

/**
 * @brief A buffer by its number.
 *
 * @param[in] recording the recording
 * @param[in] index     0 … phyr_recording_cnt() − 1
 * @return the recording's buffer; NULL beyond the last
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API struct phyr_recording_buffer *phyr_recording_buffer(const struct phyr_recording *recording,
							     size_t index);

/**
 * @brief Adds the buffers of a text to a recording.
 *
 * The text is checked whole; nothing of a faulty one is kept.
 *
 * @param[in,out] recording  added to
 * @param[in]     text       any bytes; need not end with a zero
 * @param[in]     text_len   [bytes]
 * @param[out]    ret_error  written on PHYR_E_FORMAT and PHYR_E_VERSION; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is NULL
 * @return PHYR_E_FORMAT  not a recording, damaged or cut short: ret_error says line and reason
 * @return PHYR_E_VERSION a recording of a later version
 * @return PHYR_E_NOMEM   the hook returned NULL
 * @complexity O(text_len)
 * @threads caller serialises calls on one recording
 * @source docs/recording-format.md
 */
PHYR_API PHYR_NODISCARD int phyr_recording_parse(struct phyr_recording *recording, const char *text,
						 size_t text_len,
						 struct phyr_recording_error *ret_error);

/**
 * @brief Reads a file and adds its buffers.
 *
 * @param[in,out] recording added to
 * @param[in]     path      a file; anything readable to its end will do
 * @param[out]    ret_error written on PHYR_E_IO, PHYR_E_FORMAT and PHYR_E_VERSION; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is NULL
 * @return PHYR_E_IO      cannot be opened or read: ret_error has the errno
 * @return PHYR_E_FORMAT  not a recording, damaged or cut short
 * @return PHYR_E_VERSION a recording of a later version
 * @return PHYR_E_NOMEM   the hook returned NULL
 * @complexity O(file)
 * @threads caller serialises calls on one recording
 */
PHYR_API PHYR_NODISCARD int phyr_recording_load(struct phyr_recording *recording, const char *path,
						struct phyr_recording_error *ret_error);

/**
 * @brief Writes all buffers to a file, completely or not at all.
 *
 * A regular file is replaced in one step, by renaming; it is readable by its owner alone, because
 * frame numbers help attackers.
 *
 * @param[in]  recording at least one buffer, none empty
 * @param[in]  path      where to
 * @param[out] ret_error written on PHYR_E_IO; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, a buffer is empty or missing, or its title was spoilt
 * @return PHYR_E_IO    cannot be written; what was at path before is still there
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_recording_save(const struct phyr_recording *recording,
						const char *path,
						struct phyr_recording_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
