/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Simulated physical memory: frames of 4 KiB, found by their physical address.
 *
 * Page tables live here, with the physical addresses that their entries hold, so that tables are
 * bit-exact and a run does not depend on host pointers. Frames come from the allocator in a fixed
 * order; only allocated frames exist, everything else reads as absent.
 */
#ifndef PHYRSIM_MEM_H
#define PHYRSIM_MEM_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Physical address of the first frame that phyrsim_mem_alloc() hands out. */
#define PHYRSIM_MEM_BASE UINT64_C(0x100000000000)

/** A simulated physical memory; opaque. */
struct phyrsim_mem;

/** What phyrsim_mem_take_block() hands out. */
struct phyrsim_block {
	phyr_pa pa;	 /**< aligned to the block's size */
	uint64_t *words; /**< of all its frames, as phyrsim_mem_frame() gives them */
	bool zeroed;	 /**< all words are zero; otherwise they have any values */
};

/**
 * @brief Makes an empty memory.
 *
 * @param[in]  mem     host memory for frames; must outlive the simulated memory
 * @param[out] ret_mem the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_mem_create(const struct phyr_mem *mem,
					       struct phyrsim_mem **ret_mem);

/**
 * @brief Makes a memory of zeroed frames at given addresses: for tables that were written elsewhere.
 *
 * It has these frames and never another: allocating from it answers PHYR_E_NOMEM.
 *
 * @param[in]  mem       host memory for frames; must outlive the simulated memory
 * @param[in]  frames    multiples of 4 KiB, upward, each once
 * @param[in]  frame_cnt 1 or more
 * @param[out] ret_mem   the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, frame_cnt is 0, an address is not as it must be
 * @return PHYR_E_NOMEM nothing is left allocated
 * @complexity O(frames); a frame is then found in O(log frames)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyrsim_mem_create_given(const struct phyr_mem *mem,
						     const phyr_pa *frames, size_t frame_cnt,
						     struct phyrsim_mem **ret_mem);

/**
 * @brief Frees a memory and every frame in it.
 *
 * @param[in] mem NULL is allowed
 * @complexity O(frames)
 * @threads no other call on the memory may be running
 */
PHYR_API void phyrsim_mem_destroy(struct phyrsim_mem *mem);

/**
 * @brief Allocates a zeroed frame: the one freed last, else the lowest never used.
 *
 * @param[in,out] mem    the memory
 * @param[out]    ret_pa 4 KiB-aligned; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_NOMEM nothing changed; always so when frames were given
 * @complexity O(1) and zeroing a frame
 * @threads caller serialises calls on one memory
 */
PHYR_API PHYR_NODISCARD int phyrsim_mem_alloc(struct phyrsim_mem *mem, phyr_pa *ret_pa);

/**
 * @brief Allocates a zeroed block of neighbouring frames: a table larger than a frame.
 *
 * Blocks lie behind one another in host memory too: phyrsim_mem_frame() of the first gives all.
 *
 * @param[in,out] mem    the memory
 * @param[in]     lg2    [log2 bytes] 12 … 18; 12 is phyrsim_mem_alloc()
 * @param[out]    ret_pa aligned to the block's size; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or lg2 outside 12 … 18
 * @return PHYR_E_NOMEM nothing changed
 * @complexity O(frames of the block)
 * @threads caller serialises calls on one memory
 */
PHYR_API PHYR_NODISCARD int phyrsim_mem_alloc_block(struct phyrsim_mem *mem, unsigned int lg2,
						    phyr_pa *ret_pa);

/**
 * @brief As phyrsim_mem_alloc_block(), but does not zero what is not zero already.
 *
 * For who writes every word anyway, before anybody else looks.
 *
 * @param[in,out] mem       the memory
 * @param[in]     lg2       [log2 bytes] 12 … 18
 * @param[out]    ret_block written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL or lg2 outside 12 … 18
 * @return PHYR_E_NOMEM nothing changed
 * @complexity O(frames of the block)
 * @threads caller serialises calls on one memory
 */
PHYR_API PHYR_NODISCARD int phyrsim_mem_take_block(struct phyrsim_mem *mem, unsigned int lg2,
						   struct phyrsim_block *ret_block);

/**
 * @brief Frees a block; needs no memory.
 *
 * @param[in,out] mem the memory
 * @param[in]     pa  from phyrsim_mem_alloc_block(), not freed since
 * @param[in]     lg2 [log2 bytes] as it was allocated
 * @complexity O(frames of the block)
 * @threads caller serialises calls on one memory
 */
PHYR_API void phyrsim_mem_free_block(struct phyrsim_mem *mem, phyr_pa pa, unsigned int lg2);

/**
 * @brief Frees a block all of whose words are zero, so that nobody has to zero it again.
 *
 * @param[in,out] mem the memory
 * @param[in]     pa  as for phyrsim_mem_free_block(); every word of the block is zero
 * @param[in]     lg2 [log2 bytes] as it was allocated
 * @complexity O(frames of the block)
 * @threads caller serialises calls on one memory
 */
PHYR_API void phyrsim_mem_free_zeroed(struct phyrsim_mem *mem, phyr_pa pa, unsigned int lg2);

/**
 * @brief Frees a frame; needs no memory.
 *
 * @param[in,out] mem the memory
 * @param[in]     pa  from phyrsim_mem_alloc(), not freed since
 * @complexity O(1)
 * @threads caller serialises calls on one memory
 */
PHYR_API void phyrsim_mem_free(struct phyrsim_mem *mem, phyr_pa pa);

/**
 * @brief The content of a frame.
 *
 * @param[in] mem the memory
 * @param[in] pa  any physical address
 * @return 512 words of the frame that holds pa, in host byte order; NULL when it is not allocated
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t *phyrsim_mem_frame(const struct phyrsim_mem *mem, phyr_pa pa);

/**
 * @brief How many frames are allocated.
 *
 * @param[in] mem the memory
 * @return the count
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API uint64_t phyrsim_mem_frame_cnt(const struct phyrsim_mem *mem);

#ifdef __cplusplus
}
#endif

#endif
