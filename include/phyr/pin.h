/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Real memory as a chunk list: which physical pages lie under an address range, and whether
 *        they stay there.
 *
 * Physical addresses are worth what holds the pages. A snapshot holds nothing; locked pages stay in
 * memory but may migrate; only pinned pages stay where they are. A call delivers the state that was
 * asked for or fails; it never settles for a weaker one. Every state is read twice, and pages that
 * the second reading finds elsewhere are counted.
 *
 * On Linux: /proc/PID/pagemap, mlock(2), and buffers registered with io_uring(7).
 * Not here: memory of files that no process has mapped, memory of devices.
 */
#ifndef PHYR_PIN_H
#define PHYR_PIN_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What keeps the pages where they were seen; each state is stronger than the one before. */
enum phyr_pin_state {
	PHYR_PIN_SNAPSHOT = 0, /**< nothing: they may be moved or swapped out at any time */
	PHYR_PIN_LOCKED = 1,   /**< mlock(): they stay in memory, and may migrate to other frames */
	PHYR_PIN_PINNED = 2,   /**< a long-term pin, as drivers take for DMA: they stay */
};

/** What to look at, and how to hold it. */
struct phyr_pin_params {
	/** For struct phyr_pin; may be NULL for a snapshot */
	const struct phyr_mem *mem;
	/** [process address] any byte */
	uint64_t va;
	/** [bytes] 1 or more, no wrap */
	uint64_t len;
	/** 0: this process; else another one's id, of which only a snapshot can be taken */
	uint32_t pid;
	/** what is asked for, and what is delivered */
	enum phyr_pin_state state;
};

/** What was found. */
struct phyr_pin_result {
	enum phyr_pin_state state; /**< of the memory while it was read, and until it is released */
	uint64_t page_cnt;	   /**< pages of the system's size */
	uint64_t moved_cnt;	   /**< of these, elsewhere or nowhere at the second reading */
	uint64_t moved_va;	   /**< [process address] the first of them; 0 without any */
};

/** Why pinning failed. */
struct phyr_pin_error {
	/** [process address] PHYR_E_NOENT: the first page that is not there */
	uint64_t va;
	/** else: the system's errno; 0 if it gave none */
	int os_errno;
	/** else: what the system did not do, a constant: "mlock" */
	const char *step;
};

/** Locks or pins on memory of this process; opaque. */
struct phyr_pin;

/**
 * @brief Holds a range of process memory as asked and appends its physical pages to a list.
 *
 * For a snapshot every page must be present: touch it first. Locking brings pages in; pinning also
 * gives every page a frame of its own, for it is a pin for writing. The first page's offset and the
 * length are kept to the byte. When the list is empty its va becomes the range's. The list
 * describes the first reading; ret_result says what the second one found.
 *
 * Locks do not nest: releasing one, or failing to get one, unlocks its whole pages, whoever else
 * had locked them. A child
 * process that inherits a pin keeps the pages until it has ended, too.
 *
 * @param[in]     params     see there
 * @param[in,out] list       appended to; unchanged on error
 * @param[out]    ret_pin    what holds the pages: NULL for a snapshot, else the caller releases
 *                           it; written only on PHYR_OK; may be NULL for a snapshot
 * @param[out]    ret_result written only on PHYR_OK; may be NULL
 * @param[out]    ret_error  written on PHYR_E_NOENT, PHYR_E_IO, PHYR_E_PERM, PHYR_E_LIMIT and
 *                           PHYR_E_UNSUPPORTED; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, len is 0 or the state unknown
 * @return PHYR_E_RANGE       the range wraps, or the list would exceed 2^64 − 4096 bytes
 * @return PHYR_E_NOENT       a page is not in memory, or nothing is mapped there: ret_error names
 *                            its address; of a process that has ended no page is left
 * @return PHYR_E_PERM        the system shows no frame numbers to this process (Linux: they need
 *                            CAP_SYS_ADMIN), or forbids it to lock, to pin, or to write the memory
 *                            that is to be pinned (os_errno EFAULT)
 * @return PHYR_E_LIMIT       the system lets this process lock or pin no more (Linux:
 *                            RLIMIT_MEMLOCK), or no range as long
 * @return PHYR_E_IO          the page map cannot be opened or read (ESRCH: no such process), or the
 *                            memory not be held for another reason
 * @return PHYR_E_BUSY        a mapping borrows the list
 * @return PHYR_E_NOMEM       the list could not grow, or the hook returned NULL
 * @return PHYR_E_UNSUPPORTED no such pins here, for this memory, or for other processes
 * @complexity O(pages)
 * @threads caller serialises calls on one list; the memory must stay mapped during the call
 * @source Linux Documentation/admin-guide/mm/pagemap.rst and core-api/pin_user_pages.rst (case 2)
 */
PHYR_API PHYR_NODISCARD int phyr_pin(const struct phyr_pin_params *params, struct phyr_list *list,
				     struct phyr_pin **ret_pin, struct phyr_pin_result *ret_result,
				     struct phyr_pin_error *ret_error);

/**
 * @brief Lets the pages go; the lists that describe them stay, and are no more than snapshots.
 *
 * @param[in] pin NULL is allowed; the memory need not be mapped any more
 * @complexity O(pages), the system's
 * @threads no other call on the pin may be running
 */
PHYR_API void phyr_pin_release(struct phyr_pin *pin);

#ifdef __cplusplus
}
#endif

#endif
