/* SPDX-License-Identifier: MIT */
/*
 * Does the device of a case reach what it should? Every address that it is given is followed: past the
 * IOMMU, through its tables, into slots; and compared with the list, byte 0 to the last.
 */

#include <phyr/bits.h>

#include "cases.h"

/* What a device address leads to, and how far on. */
struct found {
	uint64_t pa;
	uint64_t len;
};

static uint64_t rest_of(uint64_t addr, unsigned int lg2)
{
	return phyr_bits_size(lg2) - (addr & phyr_bits_mask(lg2));
}

/* Memory that was copied to a slot is what counts. */
static bool look_into_slots(const struct case_world *world, struct found *found)
{
	uint64_t place = found->pa - world->pool_range.pa.addr;
	uint64_t most;

	if (found->pa < world->pool_range.pa.addr || place >= world->pool_range.len)
		return true;
	most = rest_of(found->pa, SHADOW_LG2);
	if (found->len > most)
		found->len = most;
	found->pa = world->shadow.pa[place >> SHADOW_LG2];
	if (found->pa == 0)
		return false;
	found->pa += place & phyr_bits_mask(SHADOW_LG2);
	return true;
}

/* The peer's bus addresses are never given out as I/O addresses: all of those are looked at first. */
static bool is_bus(const struct case_world *world, const struct phyr_dma_map *map, uint64_t iova)
{
	return world->p2p && iova - map->reserved.iova.addr >= map->reserved.len &&
	       iova >= BAR_BUS && iova - BAR_BUS < BAR_LEN;
}

static bool follow(const struct case_world *world, const struct phyr_dma_map *map, uint64_t iova,
		   struct found *ret_found)
{
	struct phyrsim_walk walk;

	ret_found->pa = iova;
	ret_found->len = UINT64_MAX;
	if (is_bus(world, map, iova)) {
		ret_found->pa = iova - BAR_BUS + BAR_FIRST;
	} else if (map->reserved.len) {
		if (phyrsim_check_walk(&world->machine, iova, &walk))
			return false;
		ret_found->pa = walk.pa.addr;
		ret_found->len = rest_of(iova, walk.leaf_lg2);
	}
	return look_into_slots(world, ret_found);
}

/* A run of memory at one range of device addresses. */
static int check_part(const struct case_world *world, const struct phyr_dma_map *map,
		      struct phyr_range memory, uint64_t iova, struct report *report)
{
	uint64_t done = 0;

	while (done < memory.len) {
		struct found found;

		if (!follow(world, map, iova + done, &found) || found.pa != memory.pa.addr + done)
			return phyrsim_check_failed(report, done);
		done += found.len < memory.len - done ? found.len : memory.len - done;
		report->checked_cnt++;
	}
	return PHYR_OK;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int phyrsim_case_check(const struct case_world *world, const struct phyr_list *list,
		       const struct phyr_dma_map *map, struct report *report)
{
	struct phyr_iova_range range = { { 0 }, 0 };
	struct phyr_run run = { .offset = 0 };
	struct phyr_list_cursor list_cursor;
	struct phyr_dma_cursor cursor;
	uint64_t offset = 0;
	int err = PHYR_OK;

	phyr_list_begin(list, &list_cursor);
	phyr_dma_begin(map, &cursor);
	while (!err && (run.range.len || phyr_list_next(&list_cursor, &run))) {
		struct phyr_range part = run.range;

		if (range.len == 0 && !phyr_dma_next(&cursor, &range))
			return phyrsim_check_failed(report, offset);
		part.len = smaller(part.len, range.len);
		err = check_part(world, map, part, range.iova.addr, report);
		if (err)
			report->error.offset += offset;
		run.range.pa.addr += part.len;
		run.range.len -= part.len;
		range.iova.addr += part.len;
		range.len -= part.len;
		offset += part.len;
	}
	if (!err && (range.len || phyr_dma_next(&cursor, &range)))
		err = phyrsim_check_failed(report, offset);
	if (err || map->reserved.len == 0)
		return err;
	return phyrsim_check_outside(&world->machine, map->reserved.iova.addr,
				     map->reserved.iova.addr + (map->reserved.len - 1), report);
}
