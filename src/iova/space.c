/* SPDX-License-Identifier: MIT */
/* The life of a space, and its holes as a sorted array. */

#include "space.h"

#include <string.h>

int phyr_iova_create(const struct phyr_iova_params *params, struct phyr_iova_space **ret_space)
{
	struct phyr_iova_space *space;
	unsigned int lg2;

	if (!params || !params->mem || !params->mem->alloc || !params->mem->free || !ret_space)
		return PHYR_E_INVAL;
	lg2 = params->granule_lg2 ? params->granule_lg2 : PHYR_PAGE_LG2;
	if (lg2 < 12 || lg2 > 16)
		return PHYR_E_INVAL;
	if (params->window.first.addr > params->window.last.addr)
		return PHYR_E_RANGE;
	if (!phyr_bits_aligned(params->window.first.addr, lg2) ||
	    !phyr_bits_aligned(params->window.last.addr + 1, lg2))
		return PHYR_E_ALIGN;
	space = params->mem->alloc(params->mem->ctx, sizeof(*space));
	if (!space)
		return PHYR_E_NOMEM;
	memset(space, 0, sizeof(*space));
	space->mem = params->mem;
	space->window = params->window;
	space->granule_lg2 = lg2;
	space->hole_cap = 8;
	space->holes = space->mem->alloc(space->mem->ctx, space->hole_cap * sizeof(struct hole));
	if (!space->holes) {
		space->mem->free(space->mem->ctx, space, sizeof(*space));
		return PHYR_E_NOMEM;
	}
	space->holes[0] = (struct hole){ params->window.first.addr, params->window.last.addr };
	space->hole_cnt = 1;
	*ret_space = space;
	return PHYR_OK;
}

void phyr_iova_destroy(struct phyr_iova_space *space)
{
	const struct phyr_mem *mem;

	if (!space)
		return;
	mem = space->mem;
	phyr_live_fini(&space->live, mem);
	mem->free(mem->ctx, space->holes, space->hole_cap * sizeof(struct hole));
	mem->free(mem->ctx, space, sizeof(*space));
}

int phyr_space_make_room(struct phyr_iova_space *space)
{
	const struct phyr_mem *mem = space->mem;
	size_t cap = space->hole_cap * 2;
	struct hole *holes;

	/* Between n live ranges there are at most n + 1 holes. */
	if (space->live.cnt + 2 > space->hole_cap) {
		holes = mem->alloc(mem->ctx, cap * sizeof(*holes));
		if (!holes)
			return PHYR_E_NOMEM;
		memcpy(holes, space->holes, space->hole_cnt * sizeof(*holes));
		mem->free(mem->ctx, space->holes, space->hole_cap * sizeof(*holes));
		space->holes = holes;
		space->hole_cap = cap;
	}
	return phyr_live_reserve(&space->live, mem);
}

void phyr_space_remove_hole(struct phyr_iova_space *space, size_t i)
{
	space->hole_cnt--;
	memmove(space->holes + i, space->holes + i + 1,
		(space->hole_cnt - i) * sizeof(struct hole));
}

void phyr_space_insert_hole(struct phyr_iova_space *space, size_t i, struct hole hole)
{
	memmove(space->holes + i + 1, space->holes + i,
		(space->hole_cnt - i) * sizeof(struct hole));
	space->holes[i] = hole;
	space->hole_cnt++;
}

size_t phyr_space_hole_at(const struct phyr_iova_space *space, uint64_t addr)
{
	size_t low = 0, high = space->hole_cnt;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (space->holes[mid].last < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
