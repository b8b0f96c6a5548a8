/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Real buffers to look at: fresh memory of this process, of chosen pages, in a system whose
 *        free memory may be fragmented first.
 *
 * Not here: which frames lie below (phyr/pin.h).
 */
#ifndef PHYRSIM_BUFFER_H
#define PHYRSIM_BUFFER_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What kind of pages a real buffer is asked to have. */
enum phyrsim_pages {
	PHYRSIM_PAGES_BASE = 0,	   /**< 4 KiB pages */
	PHYRSIM_PAGES_THP = 1,	   /**< transparent huge pages, where the system has them */
	PHYRSIM_PAGES_HUGETLB = 2, /**< reserved huge pages of 2 MiB, or no buffer */
};
/** How many kinds there are. */
#define PHYRSIM_PAGES_CNT 3

/** Memory of this process, to be looked at; opaque. */
struct phyrsim_buffer;

/** What to ask the system for. */
struct phyrsim_buffer_params {
	const struct phyr_mem *mem; /**< for bookkeeping; required */
	uint64_t len;		    /**< [bytes] 4096 …, a multiple of 4096 */
	uint64_t offset;	    /**< [bytes] how far the region starts into the buffer, ditto */
	enum phyrsim_pages pages;   /**< which pages */
};

/** Why there is no buffer. */
struct phyrsim_buffer_error {
	const char *step;     /**< what failed: "mmap", a constant */
	int os_errno;	      /**< the system's errno; 0 if it gave none */
	uint64_t reserve_cnt; /**< PHYR_E_LIMIT: vm.nr_hugepages would have to be so; 0 = unknown */
};

/**
 * @brief Gets fresh memory from the system and touches every page of it.
 *
 * The region is the len − offset bytes behind the offset: a buffer of huge pages entered late.
 *
 * @param[in]  params     see there
 * @param[out] ret_buffer the caller destroys it; written only on PHYR_OK
 * @param[out] ret_error  written on PHYR_E_IO and PHYR_E_LIMIT; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, len 0, offset ≥ len, pages unknown
 * @return PHYR_E_ALIGN       len or offset is no multiple of 4096
 * @return PHYR_E_RANGE       len does not fit the address space
 * @return PHYR_E_IO          the system refuses
 * @return PHYR_E_LIMIT       PHYRSIM_PAGES_HUGETLB: too few huge pages are reserved and free
 * @return PHYR_E_NOMEM       the hook returned NULL
 * @return PHYR_E_UNSUPPORTED not on this platform; huge pages of 2 MiB not on this machine
 * @complexity O(pages)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_buffer_create(const struct phyrsim_buffer_params *params,
						  struct phyrsim_buffer **ret_buffer,
						  struct phyrsim_buffer_error *ret_error);

/**
 * @brief Gives the memory back.
 *
 * @param[in] buffer NULL is allowed
 * @complexity O(pages), the system's
 * @threads no other call on the buffer may be running
 */
PHYR_API void phyrsim_buffer_destroy(struct phyrsim_buffer *buffer);

/**
 * @brief Where the region starts.
 *
 * @param[in] buffer the buffer
 * @return [process address]
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyrsim_buffer_va(const struct phyrsim_buffer *buffer);

/**
 * @brief How long the region is.
 *
 * @param[in] buffer the buffer
 * @return [bytes]
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyrsim_buffer_len(const struct phyrsim_buffer *buffer);

/** Of what is available, so much may be filled. [%] */
#define PHYRSIM_FRAGMENT_PERCENT_MAX 80
/** One page in so many is given back, by chance. */
#define PHYRSIM_FRAGMENT_SHARE 8

/** Memory that keeps the system's free memory fragmented; opaque. */
struct phyrsim_fragment;

/** How to fragment. */
struct phyrsim_fragment_params {
	/** for bookkeeping; required */
	const struct phyr_mem *mem;
	/** [bytes] to fill, 4096 …, a multiple of 4096; 0 with a percentage */
	uint64_t len;
	/** [%] of what is available, 1 … PHYRSIM_FRAGMENT_PERCENT_MAX; 0: len */
	unsigned int percent;
	/** of the choice of pages; 0: a fixed one */
	uint64_t seed;
	/** called now and then with how many bytes are done, and of how many; may be NULL */
	void (*progress)(void *ctx, uint64_t done, uint64_t len);
	/** for progress */
	void *ctx;
};

/**
 * @brief How much memory can be taken without the system swapping or killing.
 *
 * @param[out] ret_len [bytes] written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       ret_len is NULL
 * @return PHYR_E_IO          the system does not say (Linux: MemAvailable of /proc/meminfo)
 * @return PHYR_E_UNSUPPORTED not on this platform
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_fragment_available(uint64_t *ret_len);

/**
 * @brief Fills memory with 4 KiB pages and gives some back, so that what is free lies scattered.
 *
 * Buffers of base pages created next consist of these pages, as long as they last. Limits of a
 * control group are not looked at.
 *
 * @param[in]  params       see there
 * @param[out] ret_fragment the caller destroys it; written only on PHYR_OK
 * @param[out] ret_error    written on PHYR_E_IO; may be NULL
 * @return PHYR_OK
 * @return PHYR_E_INVAL       an argument is missing, or not one of len and percent is 0
 * @return PHYR_E_ALIGN       len is no multiple of 4096
 * @return PHYR_E_LIMIT       more than PHYRSIM_FRAGMENT_PERCENT_MAX of what is available
 * @return PHYR_E_IO          the system refuses
 * @return PHYR_E_NOMEM       the hook returned NULL
 * @return PHYR_E_UNSUPPORTED not on this platform
 * @complexity O(pages)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_fragment_create(const struct phyrsim_fragment_params *params,
						    struct phyrsim_fragment **ret_fragment,
						    struct phyrsim_buffer_error *ret_error);

/**
 * @brief Gives the memory back.
 *
 * @param[in] fragment NULL is allowed
 * @complexity O(pages), the system's
 * @threads no other call on it may be running
 */
PHYR_API void phyrsim_fragment_destroy(struct phyrsim_fragment *fragment);

#ifdef __cplusplus
}
#endif

#endif
