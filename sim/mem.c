/* SPDX-License-Identifier: MIT */
/*
 * Simulated physical memory: which frames exist, and where the host keeps their words.
 *
 * Frames are handed out upward from the base without gaps, so a frame's number is its index in a
 * vector. The vector grows in parts of doubling size that never move: a look-up is a bit scan and
 * two loads, and readers keep their pointers while it grows. Freed frames keep their host memory;
 * the list of them runs through their own first words.
 *
 * Not here: what a frame is used for.
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyrsim/mem.h>

#define PART_LG2 9  /* frames in the first part */
#define PART_CNT 44 /* reaches beyond the last frame number of a 64-bit space */
#define LIST_END 0  /* no frame lies below the base, so none is at address 0 */

/* One frame that has ever been allocated. */
struct slot {
	uint64_t *words;
	bool allocated;
};

struct phyrsim_mem {
	const struct phyr_mem *mem;
	uint64_t freed_pa;	/* freed last; its first word is the one before it, or LIST_END */
	uint64_t used_cnt;	/* frames ever allocated; the next new frame has this number */
	uint64_t allocated_cnt; /* of them, allocated now */
	struct slot *parts[PART_CNT];
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
	made->freed_pa = LIST_END;
	*ret_mem = made;
	return PHYR_OK;
}

void phyrsim_mem_destroy(struct phyrsim_mem *mem)
{
	const struct phyr_mem *host;

	if (!mem)
		return;
	host = mem->mem;
	for (uint64_t number = 0; number < mem->used_cnt; number++)
		host->free(host->ctx, slot_of(mem, number)->words, PHYR_PAGE_SIZE);
	for (unsigned int part = 0; part < PART_CNT && mem->parts[part]; part++)
		host->free(host->ctx, mem->parts[part], part_len(part));
	host->free(host->ctx, mem, sizeof(*mem));
}

/* Room in the vector for the next new frame. */
static bool grow(struct phyrsim_mem *mem)
{
	uint64_t index;
	unsigned int part = part_of(mem->used_cnt, &index);

	if (!mem->parts[part])
		mem->parts[part] = mem->mem->alloc(mem->mem->ctx, part_len(part));
	return mem->parts[part] != NULL;
}

/* A frame that never was allocated; the words come first, so that a failure leaves nothing. */
static struct slot *new_slot(struct phyrsim_mem *mem)
{
	uint64_t *words = mem->mem->alloc(mem->mem->ctx, PHYR_PAGE_SIZE);
	struct slot *slot;

	if (!words)
		return NULL;
	if (!grow(mem)) {
		mem->mem->free(mem->mem->ctx, words, PHYR_PAGE_SIZE);
		return NULL;
	}
	slot = slot_of(mem, mem->used_cnt++);
	slot->words = words;
	return slot;
}

int phyrsim_mem_alloc(struct phyrsim_mem *mem, phyr_pa *ret_pa)
{
	phyr_pa pa = phyr_pa_at(mem->freed_pa);
	struct slot *slot;

	if (pa.addr != LIST_END) {
		slot = slot_of(mem, number_of(pa));
		mem->freed_pa = slot->words[0];
	} else {
		pa.addr = PHYRSIM_MEM_BASE + (mem->used_cnt << PHYR_PAGE_LG2);
		slot = new_slot(mem);
		if (!slot)
			return PHYR_E_NOMEM;
	}
	memset(slot->words, 0, PHYR_PAGE_SIZE);
	slot->allocated = true;
	mem->allocated_cnt++;
	*ret_pa = pa;
	return PHYR_OK;
}

void phyrsim_mem_free(struct phyrsim_mem *mem, phyr_pa pa)
{
	struct slot *slot = slot_of(mem, number_of(pa));

	slot->allocated = false;
	slot->words[0] = mem->freed_pa;
	mem->freed_pa = phyr_bits_down(pa.addr, PHYR_PAGE_LG2);
	mem->allocated_cnt--;
}

uint64_t *phyrsim_mem_frame(const struct phyrsim_mem *mem, phyr_pa pa)
{
	const struct slot *slot;

	if (pa.addr < PHYRSIM_MEM_BASE || number_of(pa) >= mem->used_cnt)
		return NULL;
	slot = slot_of(mem, number_of(pa));
	return slot->allocated ? slot->words : NULL;
}

uint64_t phyrsim_mem_frame_cnt(const struct phyrsim_mem *mem)
{
	return mem->allocated_cnt;
}
