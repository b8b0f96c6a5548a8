/* SPDX-License-Identifier: MIT */
/*
 * Simulated physical memory: which frames exist, and where the host keeps their words.
 *
 * Frames are handed out upward from the base without gaps, so a frame's number is its index in a
 * vector. The vector grows in parts of doubling size that never move: a look-up is a bit scan and
 * two loads, and readers keep their pointers while it grows. A block is as many frames in one piece
 * of host memory; the numbers that its alignment skips are of frames that never exist. What is
 * freed keeps its host memory; the lists of it, one a size, run through its own first words.
 *
 * A memory whose frames are given has none of that: a sorted array of their addresses, and their
 * words in one piece.
 *
 * Not here: what a frame is used for.
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyrsim/mem.h>

#define PART_LG2 9  /* frames in the first part */
#define PART_CNT 44 /* reaches beyond the last frame number of a 64-bit space */
#define WORD_CNT (PHYR_PAGE_SIZE / sizeof(uint64_t))
#define LIST_END 0 /* no frame lies below the base, so none is at address 0 */

#define BLOCK_LG2_MAX 18 /* sixteen tables of 16 KiB */
#define BLOCK_CNT (BLOCK_LG2_MAX - PHYR_PAGE_LG2 + 1)

/* One frame that has ever been allocated, or that a block's alignment has skipped. */
struct slot {
	uint64_t *words;
	unsigned char block_lg2; /* of the block that begins here; 0 = none does */
	bool allocated;
	bool zeroed; /* while it is free: only the first word, which the list needs, is not zero */
};

struct phyrsim_mem {
	const struct phyr_mem *mem;
	/* By size: freed last; its first word is the one before it, or LIST_END. */
	uint64_t freed_pa[BLOCK_CNT];
	uint64_t used_cnt;	/* slots in use; the next new frame has this number */
	uint64_t allocated_cnt; /* of them, allocated now */
	struct slot *parts[PART_CNT];
	/* Frames that were given when it was made, upward; then there are no others. */
	uint64_t given_cnt;
	phyr_pa *given;
	uint64_t *given_words;
};

static size_t part_len(unsigned int part)
{
	return sizeof(struct slot) << (PART_LG2 + part);
}

/* The part and the index in it of a frame number. */
static unsigned int part_of(uint64_t number, uint64_t *ret_index)
{
	uint64_t biased = number + phyr_bits_size(PART_LG2);
	unsigned int lg2 = phyr_bits_log2(biased);

	*ret_index = biased - phyr_bits_size(lg2);
	return lg2 - PART_LG2;
}

static struct slot *slot_of(const struct phyrsim_mem *mem, uint64_t number)
{
	uint64_t index;
	unsigned int part = part_of(number, &index);

	return &mem->parts[part][index];
}

static uint64_t number_of(phyr_pa pa)
{
	return (pa.addr - PHYRSIM_MEM_BASE) >> PHYR_PAGE_LG2;
}

int phyrsim_mem_create(const struct phyr_mem *mem, struct phyrsim_mem **ret_mem)
{
	struct phyrsim_mem *made;

	if (!mem || !ret_mem)
		return PHYR_E_INVAL;
	made = mem->alloc(mem->ctx, sizeof(*made));
	if (!made)
		return PHYR_E_NOMEM;
	memset(made, 0, sizeof(*made));
	made->mem = mem;
	*ret_mem = made;
	return PHYR_OK;
}

/* Multiples of a page, each above the one before. */
static bool given_in_order(const phyr_pa *frames, size_t frame_cnt)
{
	for (size_t i = 0; i < frame_cnt; i++) {
		if (!phyr_bits_aligned(frames[i].addr, PHYR_PAGE_LG2) ||
		    (i > 0 && frames[i].addr <= frames[i - 1].addr))
			return false;
	}
	return true;
}

/* False: no host memory; what there is then goes when the memory is destroyed. */
static bool give(struct phyrsim_mem *mem, const phyr_pa *frames, size_t frame_cnt)
{
	mem->given = mem->mem->alloc(mem->mem->ctx, frame_cnt * sizeof(*frames));
	mem->given_words = mem->mem->alloc(mem->mem->ctx, frame_cnt * PHYR_PAGE_SIZE);
	mem->given_cnt = frame_cnt;
	if (!mem->given || !mem->given_words)
		return false;
	memcpy(mem->given, frames, frame_cnt * sizeof(*frames));
	memset(mem->given_words, 0, frame_cnt * PHYR_PAGE_SIZE);
	mem->allocated_cnt = frame_cnt;
	return true;
}

int phyrsim_mem_create_given(const struct phyr_mem *mem, const phyr_pa *frames, size_t frame_cnt,
			     struct phyrsim_mem **ret_mem)
{
	struct phyrsim_mem *made;
	int err;

	if (!frames || frame_cnt == 0 || !given_in_order(frames, frame_cnt) || !ret_mem)
		return PHYR_E_INVAL;
	if (frame_cnt > SIZE_MAX / PHYR_PAGE_SIZE)
		return PHYR_E_NOMEM;
	err = phyrsim_mem_create(mem, &made);
	if (err)
		return err;
	if (!give(made, frames, frame_cnt)) {
		phyrsim_mem_destroy(made);
		return PHYR_E_NOMEM;
	}
	*ret_mem = made;
	return PHYR_OK;
}

static void drop_given(struct phyrsim_mem *mem)
{
	const struct phyr_mem *host = mem->mem;

	if (mem->given)
		host->free(host->ctx, mem->given, mem->given_cnt * sizeof(*mem->given));
	if (mem->given_words)
		host->free(host->ctx, mem->given_words, mem->given_cnt * PHYR_PAGE_SIZE);
}

void phyrsim_mem_destroy(struct phyrsim_mem *mem)
{
	const struct phyr_mem *host;

	if (!mem)
		return;
	host = mem->mem;
	for (uint64_t number = 0; number < mem->used_cnt; number++) {
		const struct slot *slot = slot_of(mem, number);

		if (slot->block_lg2)
			host->free(host->ctx, slot->words, (size_t)1 << slot->block_lg2);
	}
	drop_given(mem);
	for (unsigned int part = 0; part < PART_CNT && mem->parts[part]; part++)
		host->free(host->ctx, mem->parts[part], part_len(part));
	host->free(host->ctx, mem, sizeof(*mem));
}

/* Room in the vector for all slots below a number. */
static bool grow(struct phyrsim_mem *mem, uint64_t end)
{
	uint64_t index;
	unsigned int last = part_of(end - 1, &index);

	for (unsigned int part = part_of(mem->used_cnt, &index); part <= last; part++) {
		if (!mem->parts[part])
			mem->parts[part] = mem->mem->alloc(mem->mem->ctx, part_len(part));
		if (!mem->parts[part])
			return false;
	}
	return true;
}

/* A new block at the next aligned number; what is skipped stays without words. */
static void use_slots(struct phyrsim_mem *mem, uint64_t first, uint64_t *words, unsigned int lg2)
{
	uint64_t end = first + (UINT64_C(1) << (lg2 - PHYR_PAGE_LG2));

	for (uint64_t number = mem->used_cnt; number < end; number++) {
		struct slot *slot = slot_of(mem, number);

		slot->words = number < first ? NULL : words + (number - first) * WORD_CNT;
		slot->block_lg2 = number == first ? (unsigned char)lg2 : 0;
		slot->allocated = false;
		slot->zeroed = false;
	}
	mem->used_cnt = end;
}

/* A block that never was allocated; the words come first, so that a failure leaves nothing. */
static bool new_block(struct phyrsim_mem *mem, unsigned int lg2, uint64_t *ret_first)
{
	uint64_t cnt = UINT64_C(1) << (lg2 - PHYR_PAGE_LG2);
	uint64_t first = (mem->used_cnt + cnt - 1) & ~(cnt - 1);
	uint64_t *words = mem->mem->alloc(mem->mem->ctx, (size_t)1 << lg2);

	if (!words)
		return false;
	if (!grow(mem, first + cnt)) {
		mem->mem->free(mem->mem->ctx, words, (size_t)1 << lg2);
		return false;
	}
	use_slots(mem, first, words, lg2);
	*ret_first = first;
	return true;
}

static void set_allocated(struct phyrsim_mem *mem, uint64_t first, unsigned int lg2, bool allocated)
{
	uint64_t cnt = UINT64_C(1) << (lg2 - PHYR_PAGE_LG2);

	for (uint64_t i = 0; i < cnt; i++)
		slot_of(mem, first + i)->allocated = allocated;
	if (allocated)
		mem->allocated_cnt += cnt;
	else
		mem->allocated_cnt -= cnt;
}

int phyrsim_mem_take_block(struct phyrsim_mem *mem, unsigned int lg2,
			   struct phyrsim_block *ret_block)
{
	uint64_t *freed_pa;
	struct slot *slot;
	uint64_t first;

	if (!mem || !ret_block || lg2 < PHYR_PAGE_LG2 || lg2 > BLOCK_LG2_MAX)
		return PHYR_E_INVAL;
	if (mem->given_cnt)
		return PHYR_E_NOMEM;
	freed_pa = &mem->freed_pa[lg2 - PHYR_PAGE_LG2];
	if (*freed_pa != LIST_END) {
		first = number_of(phyr_pa_at(*freed_pa));
		slot = slot_of(mem, first);
		*freed_pa = slot->words[0];
		slot->words[0] = 0;
	} else {
		if (!new_block(mem, lg2, &first))
			return PHYR_E_NOMEM;
		slot = slot_of(mem, first);
	}
	set_allocated(mem, first, lg2, true);
	ret_block->pa = phyr_pa_at(PHYRSIM_MEM_BASE + (first << PHYR_PAGE_LG2));
	ret_block->words = slot->words;
	ret_block->zeroed = slot->zeroed;
	return PHYR_OK;
}

int phyrsim_mem_alloc_block(struct phyrsim_mem *mem, unsigned int lg2, phyr_pa *ret_pa)
{
	struct phyrsim_block block;
	int err;

	if (!ret_pa)
		return PHYR_E_INVAL;
	err = phyrsim_mem_take_block(mem, lg2, &block);
	if (err != PHYR_OK)
		return err;
	if (!block.zeroed)
		memset(block.words, 0, (size_t)1 << lg2);
	*ret_pa = block.pa;
	return PHYR_OK;
}

static void free_block(struct phyrsim_mem *mem, phyr_pa pa, unsigned int lg2, bool zeroed)
{
	uint64_t *freed_pa = &mem->freed_pa[lg2 - PHYR_PAGE_LG2];
	uint64_t first = number_of(pa);
	struct slot *slot = slot_of(mem, first);

	set_allocated(mem, first, lg2, false);
	slot->zeroed = zeroed;
	slot->words[0] = *freed_pa;
	*freed_pa = phyr_bits_down(pa.addr, PHYR_PAGE_LG2);
}

void phyrsim_mem_free_block(struct phyrsim_mem *mem, phyr_pa pa, unsigned int lg2)
{
	free_block(mem, pa, lg2, false);
}

void phyrsim_mem_free_zeroed(struct phyrsim_mem *mem, phyr_pa pa, unsigned int lg2)
{
	free_block(mem, pa, lg2, true);
}

int phyrsim_mem_alloc(struct phyrsim_mem *mem, phyr_pa *ret_pa)
{
	return phyrsim_mem_alloc_block(mem, PHYR_PAGE_LG2, ret_pa);
}

void phyrsim_mem_free(struct phyrsim_mem *mem, phyr_pa pa)
{
	phyrsim_mem_free_block(mem, pa, PHYR_PAGE_LG2);
}

static uint64_t *given_frame(const struct phyrsim_mem *mem, phyr_pa pa)
{
	uint64_t frame = phyr_bits_down(pa.addr, PHYR_PAGE_LG2);
	uint64_t first = 0, end = mem->given_cnt;

	while (first < end) {
		uint64_t middle = first + (end - first) / 2;

		if (mem->given[middle].addr == frame)
			return mem->given_words + middle * WORD_CNT;
		if (mem->given[middle].addr < frame)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

uint64_t *phyrsim_mem_frame(const struct phyrsim_mem *mem, phyr_pa pa)
{
	const struct slot *slot;

	if (pa.addr < PHYRSIM_MEM_BASE || number_of(pa) >= mem->used_cnt)
		return given_frame(mem, pa);
	slot = slot_of(mem, number_of(pa));
	return slot->allocated ? slot->words : NULL;
}

uint64_t phyrsim_mem_frame_cnt(const struct phyrsim_mem *mem)
{
	return mem->allocated_cnt;
}
