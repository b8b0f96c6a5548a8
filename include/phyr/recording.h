/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Chunk lists as files: recordings of real memory that can be kept and compared.
 *
 * A recording holds one or more buffers, each a titled list. It has two forms, which say the same:
 * a text, for people and other programs, and a binary one, packed, with a checksum, whose buffers
 * can be read where they lie. docs/recording-format.md specifies both; version 1 of either stays
 * readable for ever.
 */
#ifndef PHYR_RECORDING_H
#define PHYR_RECORDING_H

#include <phyr/base.h>
#include <phyr/list.h>
#include <phyr/seal.h>

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

/** How a recording is written. Values are pinned. */
enum phyr_recording_format {
	PHYR_RECORDING_TEXT = 0,   /**< lines, for people, diff and grep */
	PHYR_RECORDING_BINARY = 1, /**< sealed lists under a checksum */
};

/** Where and why reading or writing failed. */
struct phyr_recording_error {
	uint64_t line;	    /**< of a text, 1 …; 0 when it is not about a line */
	const char *reason; /**< a constant sentence without full stop */
	int os_errno;	    /**< PHYR_E_IO: the system's errno; 0 if it gave none */
	uint64_t offset;    /**< [bytes] of a binary recording, from its first; else 0 */
};

/**
 * @brief A binary recording that is read where it lies; the caller's value.
 *
 * May be copied. Valid while the bytes are. All members are private.
 */
struct phyr_recording_image {
	const unsigned char *bytes; /**< private */
	uint64_t buffer_cnt;	    /**< private */
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
 * @brief Reads a file of either form and adds its buffers.
 *
 * The first bytes tell which form it is. The file is checked whole; nothing of a faulty one is
 * kept.
 *
 * @param[in,out] recording added to
 * @param[in]     path      a file; anything readable to its end will do
 * @param[out]    ret_error written on PHYR_E_IO, PHYR_E_FORMAT and PHYR_E_VERSION; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is NULL
 * @return PHYR_E_IO      cannot be opened or read: ret_error has the errno
 * @return PHYR_E_FORMAT  not a recording, damaged, cut short, or a text of more than 512 MiB
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
 * A regular file is replaced in one step, by renaming; it is of mode 0600, readable by its owner
 * alone, because frame numbers help attackers. Equal recordings give equal bytes.
 *
 * @param[in]  recording at least one buffer, none empty
 * @param[in]  path      where to
 * @param[in]  format    one of enum phyr_recording_format
 * @param[out] ret_error written on PHYR_E_IO; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, there is no such format, a buffer is empty or missing,
 *                      or its title was spoilt
 * @return PHYR_E_IO    cannot be written; what was at path before is still there
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_recording_save(const struct phyr_recording *recording,
						const char *path, enum phyr_recording_format format,
						struct phyr_recording_error *ret_error);

/**
 * @brief Attaches to a binary recording in memory, a mapped file for example; copies nothing.
 *
 * Everything but the sealed lists is checked here; each of them is when it is asked for, so that
 * one buffer of many costs no more than itself. No system service and no allocator is used.
 *
 * @param[in]  bytes     any bytes, any alignment; must not change while attached
 * @param[in]  len       [bytes] exactly those of the recording
 * @param[out] ret_image written only on PHYR_OK
 * @param[out] ret_error written on PHYR_E_FORMAT and PHYR_E_VERSION; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL   bytes or ret_image is NULL
 * @return PHYR_E_FORMAT  not a binary recording, damaged or cut short: ret_error says offset and
 *                        reason
 * @return PHYR_E_VERSION a recording of a later version
 * @complexity O(len)
 * @threads any number of readers
 * @source docs/recording-format.md
 */
PHYR_API PHYR_NODISCARD int phyr_recording_attach(const void *bytes, size_t len,
						  struct phyr_recording_image *ret_image,
						  struct phyr_recording_error *ret_error);

/**
 * @brief How many buffers an attached recording has.
 *
 * @param[in] image attached
 * @return the count, at least 1
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API size_t phyr_recording_image_cnt(const struct phyr_recording_image *image);

/**
 * @brief The title of a buffer of an attached recording.
 *
 * @param[in] image attached
 * @param[in] index 0 … phyr_recording_image_cnt() − 1
 * @return a string among the attached bytes; NULL beyond the last
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API const char *phyr_recording_image_title(const struct phyr_recording_image *image,
						size_t index);

/**
 * @brief The list of a buffer of an attached recording, sealed as it lies there, after checking it.
 *
 * @param[in]  image     attached
 * @param[in]  index     0 … phyr_recording_image_cnt() − 1
 * @param[out] ret_seal  valid while the bytes are; not empty; written only on PHYR_OK
 * @param[out] ret_error written on PHYR_E_FORMAT and PHYR_E_VERSION; its offset is from the start
 *                       of the recording; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL   image or ret_seal is NULL
 * @return PHYR_E_NOENT   there is no such buffer
 * @return PHYR_E_FORMAT  not a sealed list, or an empty one
 * @return PHYR_E_VERSION sealed by a later version
 * @complexity O(runs of the buffer)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_recording_image_seal(const struct phyr_recording_image *image,
						      size_t index, struct phyr_seal *ret_seal,
						      struct phyr_recording_error *ret_error);

/**
 * @brief Hides where memory is: keeps all that a description or a mapping depends on, and gives
 *        the rest away.
 *
 * Kept are titles, tags, the order and length of runs, the lower 30 bits of every address and of
 * every buffer's va, and which bytes are the same memory, in one buffer or in several. What a run
 * spans stays in one piece. The GiB frames get new places: those that runs join move together, in
 * the order in which the recording first names them, upwards from 4 GiB, with an unused GiB
 * between them, so that nothing touches that did not touch before. Equal recordings give equal
 * ones. Blocks and pages larger than 1 GiB may come out differently, and nothing is below 4 GiB
 * any more.
 *
 * @param[in,out] recording changed on PHYR_OK alone. Its buffers are new ones then: pointers to
 *                          the old ones end, and no mapping may borrow their lists
 * @return PHYR_OK
 * @return PHYR_E_INVAL recording is NULL
 * @return PHYR_E_RANGE the places do not fit 2^64 bytes, as those of any real machine do
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(runs × log clusters), clusters = GiB frames that move together
 * @threads caller serialises calls on one recording
 * @source docs/recording-format.md
 */
PHYR_API PHYR_NODISCARD int phyr_recording_anonymise(struct phyr_recording *recording);

#ifdef __cplusplus
}
#endif

#endif
