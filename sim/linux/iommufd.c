/* SPDX-License-Identifier: MIT */
/*
 * iommufd: the first place from the bottom upwards, unmapping by areas, pinning by the page.
 *
 * Not here: what is mapped, files, domains.
 */
#include <phyr/bits.h>
#include <phyrsim/linux_iommufd.h>

/* Lengths from here on are refused. */
#define LEN_LIMIT (UINT64_MAX / 2)
#define HUGE_LG2 21
/* Pages that one buffer of pointers holds, and runs that one batch does: 64 KiB each. */
#define PIN_PAGES 8192
#define BATCH_RUNS 5461

static const struct phyr_window everything = {
	{ PHYR_PAGE_SIZE },
	{ UINT64_MAX - PHYR_PAGE_SIZE },
};

/* Where in a modulus of 2^lg2 the address has to be. */
struct want {
	uint64_t len;
	uint64_t phase;
	unsigned int lg2;
};

static int ask(const struct phyrsim_linux_iommufd *space,
	       const struct phyrsim_linux_iommufd_memory *memory, struct want *ret_want)
{
	unsigned int largest = space->huge_pages ? HUGE_LG2 : PHYR_PAGE_LG2;
	unsigned int lg2 = phyr_bits_log2_up(memory->len);

	if (lg2 > largest)
		lg2 = largest;
	ret_want->len = memory->len;
	ret_want->phase = memory->addr & phyr_bits_mask(lg2);
	if (space->quirks & PHYRSIM_LINUX_ALIGN_ONLY) {
		if (ret_want->phase)
			lg2 = phyr_bits_ctz(ret_want->phase);
		ret_want->phase = 0;
	}
	ret_want->lg2 = lg2;
	return lg2 < space->align_lg2 ||
			       !phyr_bits_aligned(ret_want->phase | memory->len, space->align_lg2) ?
		       PHYR_E_INVAL :
		       PHYR_OK;
}

/* The lowest place in a hole. */
static bool fits(const struct want *want, struct phyr_window hole, phyr_iova *ret_iova)
{
	uint64_t up = (want->phase - hole.first.addr) & phyr_bits_mask(want->lg2);
	uint64_t room = hole.last.addr - hole.first.addr;

	if (up > room || want->len - 1 > room - up)
		return false;
	*ret_iova = phyr_iova_at(hole.first.addr + up);
	return true;
}

/* The holes of an allowed window, from the bottom; taken windows are ascending. */
static bool fits_between(const struct phyrsim_linux_iommufd *space, const struct want *want,
			 struct phyr_window window, phyr_iova *ret_iova)
{
	for (size_t i = 0; i < space->taken_cnt; i++) {
		const struct phyr_window *taken = &space->taken[i];
		struct phyr_window hole = window;

		if (taken->last.addr < window.first.addr || taken->first.addr > window.last.addr)
			continue;
		hole.last.addr = taken->first.addr - 1;
		if (taken->first.addr > window.first.addr && fits(want, hole, ret_iova))
			return true;
		if (taken->last.addr >= window.last.addr)
			return false;
		window.first.addr = taken->last.addr + 1;
	}
	return fits(want, window, ret_iova);
}

int phyrsim_linux_iommufd_place(const struct phyrsim_linux_iommufd *space,
				const struct phyrsim_linux_iommufd_memory *memory,
				phyr_iova *ret_iova)
{
	const struct phyr_window *allowed;
	size_t allowed_cnt;
	struct want want;
	int err;

	if (!space || !memory || !ret_iova || memory->len == 0 ||
	    (!space->taken && space->taken_cnt))
		return PHYR_E_INVAL;
	if (memory->len >= LEN_LIMIT)
		return PHYR_E_RANGE;
	err = ask(space, memory, &want);
	if (err)
		return err;
	allowed = space->allowed ? space->allowed : &everything;
	allowed_cnt = space->allowed ? space->allowed_cnt : 1;
	for (size_t i = 0; i < allowed_cnt; i++) {
		if (fits_between(space, &want, allowed[i], ret_iova))
			return PHYR_OK;
	}
	return PHYR_E_NOSPACE;
}

int phyrsim_linux_iommufd_unmap(const struct phyrsim_linux_iommufd *space,
				struct phyr_window window, uint64_t *ret_len)
{
	bool all = window.first.addr == 0 && window.last.addr == UINT64_MAX;
	uint64_t len = 0;

	if (!space || (!space->taken && space->taken_cnt) || !ret_len)
		return PHYR_E_INVAL;
	for (size_t i = 0; i < space->taken_cnt; i++) {
		const struct phyr_window *area = &space->taken[i];

		if (area->last.addr < window.first.addr || area->first.addr > window.last.addr)
			continue;
		if (area->first.addr < window.first.addr || area->last.addr > window.last.addr)
			return PHYR_E_NOENT;
		len += area->last.addr - area->first.addr + 1;
	}
	if (len == 0 && !all)
		return PHYR_E_NOENT;
	*ret_len = len;
	return PHYR_OK;
}

static uint64_t div_up(uint64_t x, uint64_t by)
{
	return x / by + (x % by != 0);
}

int phyrsim_linux_iommufd_cost(const struct phyr_list *list,
			       struct phyrsim_linux_iommufd_cost *ret_cost)
{
	struct phyr_list_stats stats;
	uint64_t page_cnt;

	if (!list || !ret_cost)
		return PHYR_E_INVAL;
	phyr_list_stats(list, &stats);
	if (stats.granular)
		return PHYR_E_ALIGN;
	page_cnt = phyrsim_linux_scatterlist(list, PHYR_PAGE_SIZE).entry_cnt;
	ret_cost->pin_cnt = div_up(page_cnt, PIN_PAGES);
	ret_cost->batch_cnt = div_up(stats.run_cnt, BATCH_RUNS);
	ret_cost->call_cnt = stats.run_cnt;
	return PHYR_OK;
}
