/* SPDX-License-Identifier: MIT */
/*
 * dma_iova_*: which addresses are reserved, mapped and given back.
 *
 * The state keeps what was asked for and not what was allocated, as in Linux: both ends are rounded
 * out again when it is given back, which finds the same length, or with the quirk another one.
 *
 * Not here: page tables.
 */
#include <phyr/bits.h>
#include <phyrsim/linux_link.h>

/* Linux's private flag in the length. */
#define LEN_LIMIT (UINT64_C(1) << 63)
/* Ranges of up to so many granules are cached, and allocated in powers of two. */
#define CACHED_LEN_MAX (UINT64_C(32) << PHYR_PAGE_LG2)

static uint64_t inside(uint64_t addr)
{
	return addr & phyr_bits_mask(PHYR_PAGE_LG2);
}

/* [bytes] that the allocator takes for a length. */
static uint64_t allocated_len(uint64_t len)
{
	uint64_t pages = phyr_bits_down(len + phyr_bits_mask(PHYR_PAGE_LG2), PHYR_PAGE_LG2);

	return pages <= CACHED_LEN_MAX ? phyr_bits_size(phyr_bits_log2_up(pages)) : pages;
}

int phyrsim_linux_two_step_alloc(const struct phyrsim_linux_two_step *two_step,
				 struct phyr_range first, struct phyrsim_linux_state *ret_state)
{
	uint64_t offset = inside(first.pa.addr);
	struct phyr_iova_range range;
	int err;

	if (!ret_state)
		return PHYR_E_INVAL;
	*ret_state = (struct phyrsim_linux_state){ { 0 }, 0 };
	if (!two_step || first.len == 0)
		return PHYR_E_INVAL;
	if (first.len >= LEN_LIMIT)
		return PHYR_E_RANGE;
	if (!two_step->iova)
		return PHYR_E_UNSUPPORTED;
	err = phyrsim_linux_iova_alloc(two_step->iova, two_step->device, two_step->cpu,
				       offset + first.len, &range);
	if (err)
		return err;
	ret_state->iova = phyr_iova_at(range.iova.addr + offset);
	ret_state->len = first.len;
	return PHYR_OK;
}

int phyrsim_linux_two_step_link(const struct phyrsim_linux_state *state, struct phyr_range memory,
				uint64_t offset, struct phyrsim_linux_link *ret_link)
{
	uint64_t pad = inside(memory.pa.addr);
	uint64_t last, iova;

	if (!state || state->len == 0 || memory.len == 0 || !ret_link)
		return PHYR_E_INVAL;
	if (offset >= state->len || memory.len > state->len - offset ||
	    !phyr_bits_last(memory.pa.addr, memory.len, &last))
		return PHYR_E_RANGE;
	if (pad && offset)
		return PHYR_E_IO;
	iova = state->iova.addr + offset - pad;
	if (inside(iova))
		return PHYR_E_ALIGN;
	ret_link->iova.iova = phyr_iova_at(iova);
	ret_link->iova.len = phyr_bits_blocks(memory.pa.addr, last, PHYR_PAGE_LG2) << PHYR_PAGE_LG2;
	ret_link->pa = phyr_pa_at(memory.pa.addr - pad);
	return PHYR_OK;
}

int phyrsim_linux_two_step_destroy(const struct phyrsim_linux_two_step *two_step,
				   struct phyrsim_linux_state *state, uint64_t mapped_len,
				   uint64_t *ret_stranded_len)
{
	uint64_t offset, whole, stranded_len = 0;
	struct phyr_iova_range range;
	int err;

	if (!two_step || !two_step->iova || !state || state->len == 0)
		return PHYR_E_INVAL;
	if (mapped_len > state->len)
		return PHYR_E_RANGE;
	offset = inside(state->iova.addr);
	whole = allocated_len(offset + state->len);
	range.iova = phyr_iova_at(state->iova.addr - offset);
	range.len = whole;
	if (mapped_len && two_step->quirks & PHYRSIM_LINUX_FREE_MAPPED)
		range.len = allocated_len(offset + mapped_len);
	/* What is longer leaves the tree at once, as long as it is there. */
	if (range.len <= CACHED_LEN_MAX)
		stranded_len = whole - range.len;
	err = phyrsim_linux_iova_free_fast(two_step->iova, two_step->cpu, range);
	if (err)
		return err;
	*state = (struct phyrsim_linux_state){ { 0 }, 0 };
	if (ret_stranded_len)
		*ret_stranded_len = stranded_len;
	return PHYR_OK;
}
