/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief The sealed form of a list: packed, read-only, one buffer that can be kept in a file.
 *
 * Lists live as long as a registration; a finished one can be sealed into a fraction of its size.
 * Runs are packed in blocks whose deltas take as few bits as most of them need, with exceptions
 * for the rest, and an index finds the block of a byte. Cursors read it where it lies: nothing is
 * unpacked as a whole.
 *
 * The bytes are the same on every host (little-endian, no padding), and docs/sealed-format.md
 * specifies them. A buffer from outside is attached after it was checked completely; it is never
 * trusted.
 */
#ifndef PHYR_SEAL_H
#define PHYR_SEAL_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the sealed bytes that this build writes, and the highest it reads. */
#define PHYR_SEAL_VERSION 1

/**
 * @brief A sealed list; the caller's value, attached to bytes that stay the caller's.
 *
 * May be copied. Valid while the bytes are. All members are private.
 */
struct phyr_seal {
	const unsigned char *bytes; /**< private */
	size_t bytes_len;	    /**< private: [bytes] used, ≤ what was attached */
	size_t body;		    /**< private: [bytes] where the runs start */
	uint64_t len;		    /**< private: [bytes] of memory described */
	uint64_t run_cnt;	    /**< private */
	uint64_t block_cnt;	    /**< private: 0 when the runs are stored as words */
};

/** Where and why bytes were refused. */
struct phyr_seal_error {
	size_t offset;	    /**< [bytes] from the start of the buffer */
	const char *reason; /**< a constant sentence without full stop */
};

/**
 * @brief How many bytes phyr_seal_write() needs for a list, exactly.
 *
 * Never more than the list's own words and tags take, but for header and trailer: 64 bytes.
 *
 * @param[in]  list    any
 * @param[out] ret_len [bytes] written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_RANGE more bytes than a size_t counts
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_seal_size(const struct phyr_list *list, size_t *ret_len);

/**
 * @brief Packs a list into the caller's buffer and attaches to it.
 *
 * @param[in]  list      any; equal lists give equal bytes
 * @param[out] buffer    at least phyr_seal_size() bytes, any alignment
 * @param[in]  len       [bytes] of the buffer
 * @param[out] ret_seal  written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_LIMIT the buffer is too small; its content is undefined
 * @complexity O(runs)
 * @threads any number of readers of the list
 */
PHYR_API PHYR_NODISCARD int phyr_seal_write(const struct phyr_list *list, void *buffer, size_t len,
					    struct phyr_seal *ret_seal);

/**
 * @brief Attaches to sealed bytes, wherever they are from, after checking all of them.
 *
 * Accepts exactly what phyr_seal_write() writes.
 *
 * @param[in]  buffer    any bytes, any alignment; must not change while attached
 * @param[in]  len       [bytes] at least those of the sealed list; more is allowed
 * @param[out] ret_seal  written only on PHYR_OK
 * @param[out] ret_error written on PHYR_E_FORMAT and PHYR_E_VERSION; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL   an argument is NULL
 * @return PHYR_E_FORMAT  not sealed bytes, damaged, or cut short
 * @return PHYR_E_VERSION sealed by a later version
 * @complexity O(runs)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_seal_attach(const void *buffer, size_t len,
					     struct phyr_seal *ret_seal,
					     struct phyr_seal_error *ret_error);

/**
 * @brief Bytes of memory that a sealed list describes.
 *
 * @param[in] seal attached
 * @return [bytes]
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_seal_len(const struct phyr_seal *seal);

/**
 * @brief Bytes that a sealed list takes.
 *
 * @param[in] seal attached
 * @return [bytes] what phyr_seal_size() said
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API size_t phyr_seal_bytes(const struct phyr_seal *seal);

/**
 * @brief The address that names byte 0, as the list had it.
 *
 * @param[in] seal attached
 * @return [bytes]
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyr_seal_va(const struct phyr_seal *seal);

/** Runs that a cursor unpacks at a time. */
#define PHYR_SEAL_BLOCK_RUNS 128

/** A place in a sealed list; the caller's, on the stack. All members are private. */
struct phyr_seal_cursor {
	const struct phyr_seal *seal; /**< private */
	const unsigned char *block;   /**< private: the one unpacked */
	size_t at;		      /**< private: [bytes] of what is unpacked next */
	uint64_t run_left;	      /**< private: runs not unpacked yet */
	uint64_t offset;	      /**< private: [bytes] of the next run */
	uint32_t next;		      /**< private: run among the unpacked */
	uint32_t stop;		      /**< private: run at which to look further */
	uint32_t run_cnt;	      /**< private: runs unpacked */
	uint32_t change_bit;	      /**< private: [bits] of the next change in the block */
	uint32_t change_cnt;	      /**< private: changes of tag still to come */
	struct phyr_tag tag;	      /**< private: the tag in force */
	struct phyr_range runs[PHYR_SEAL_BLOCK_RUNS]; /**< private: the unpacked */
};

/**
 * @brief Starts at the first run.
 *
 * @param[in]  seal   attached; must stay while the cursor is used
 * @param[out] cursor the caller's storage
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API void phyr_seal_begin(const struct phyr_seal *seal, struct phyr_seal_cursor *cursor);

/**
 * @brief What phyr_seal_next() does before the first run of a block or of another tag.
 *
 * Called by it alone.
 *
 * @param[in,out] cursor from phyr_seal_begin() or phyr_seal_seek()
 * @return true when there is a run, false at the end
 * @complexity O(runs of a block)
 * @threads any number of readers, each with a cursor of its own
 */
PHYR_API bool phyr_seal_next_slow(struct phyr_seal_cursor *cursor);

/**
 * @brief Returns the next run and moves behind it.
 *
 * @param[in,out] cursor  from phyr_seal_begin() or phyr_seal_seek()
 * @param[out]    ret_run exactly what phyr_list_next() returned for the list; written only when
 *                        true is returned
 * @return true when there was a run, false at the end
 * @complexity O(1) amortised: a block is unpacked when its first run is asked for
 * @threads any number of readers, each with a cursor of its own
 */
static inline bool phyr_seal_next(struct phyr_seal_cursor *cursor, struct phyr_run *ret_run)
{
	if (cursor->next == cursor->stop && !phyr_seal_next_slow(cursor))
		return false;
	ret_run->range = cursor->runs[cursor->next++];
	ret_run->tag = cursor->tag;
	ret_run->offset = cursor->offset;
	cursor->offset += ret_run->range.len;
	return true;
}

/**
 * @brief Puts a cursor on the run that holds a byte.
 *
 * @param[in]  seal   attached; must stay while the cursor is used
 * @param[in]  offset [bytes] 0 … phyr_seal_len() − 1
 * @param[out] cursor written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_RANGE the list has no such byte
 * @complexity O(log blocks + runs of a block); O(runs) in a list that packing would not make
 *             smaller, which is stored as words
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_seal_seek(const struct phyr_seal *seal, uint64_t offset,
					   struct phyr_seal_cursor *cursor);

/**
 * @brief Unpacks a sealed list: appends its runs to an empty list, whose va becomes the seal's.
 *
 * @param[in]     seal attached
 * @param[in,out] list empty
 * @return PHYR_OK      the list is identical to the one that was sealed
 * @return PHYR_E_INVAL an argument is NULL, or the list is not empty
 * @return PHYR_E_BUSY  a mapping borrows the list
 * @return PHYR_E_NOMEM the list is empty again
 * @complexity O(runs)
 * @threads caller serialises calls on one list
 */
PHYR_API PHYR_NODISCARD int phyr_seal_open(const struct phyr_seal *seal, struct phyr_list *list);

#ifdef __cplusplus
}
#endif

#endif
