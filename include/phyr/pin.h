/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Real memory as a chunk list: which physical pages lie under an address range.
 *
 * On Linux through /proc/self/pagemap. What is returned is a snapshot: unless something holds the
 * pages, the kernel may move them afterwards.
 */
#ifndef PHYR_PIN_H
#define PHYR_PIN_H

#include <phyr/base.h>
#include <phyr/list.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why pinning failed. */
struct phyr_pin_error {
	uint64_t va;  /**< [process address] PHYR_E_NOENT: the first page that is not there */
	int os_errno; /**< PHYR_E_IO, PHYR_E_PERM: the system's errno; 0 if it gave none */
};

/**
 * @brief Appends the physical pages under a range of this process's memory to a list.
 *
 * Every page must be present: touch it first. The first page's offset and the length are kept to
 * the byte. When the list is empty its va becomes the range's.
 *
 * @param[in]     va        [process address] any
 * @param[in]     len       [bytes] 1 or more, no wrap
 * @param[in,out] list      appended to; unchanged on error, but for PHYR_E_NOMEM, which leaves a
 *                          part of the range
 * @param[out]    ret_error written on PHYR_E_NOENT, PHYR_E_IO and PHYR_E_PERM; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL       len is 0 or list NULL
 * @return PHYR_E_RANGE       the range wraps, or the list would exceed 2^64 − 4096 bytes
 * @return PHYR_E_NOENT       a page is not in memory: ret_error names its address
 * @return PHYR_E_PERM        the system shows no frame numbers to this process (Linux: they need
 *                            CAP_SYS_ADMIN)
 * @return PHYR_E_IO          the page map cannot be opened or read
 * @return PHYR_E_BUSY        a mapping borrows the list
 * @return PHYR_E_NOMEM       the list could not grow
 * @return PHYR_E_UNSUPPORTED this platform tells nobody
 * @complexity O(pages)
 * @threads caller serialises calls on one list; the memory must stay mapped during the call
 * @source Linux Documentation/admin-guide/mm/pagemap.rst
 */
PHYR_API PHYR_NODISCARD int phyr_pin_self(uint64_t va, uint64_t len, struct phyr_list *list,
					  struct phyr_pin_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
