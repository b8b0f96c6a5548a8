/* SPDX-License-Identifier: MIT */
/*
 * How Linux maps memory: one call of the IOMMU a run (dma_map_sg) or a page (dma_map_page), one flush
 * an unmap call.
 *
 * Not here: where in the I/O addresses (linux_iova.h), the lazy flush queue.
 */
#include <phyr/bits.h>
#include <phyrsim/linux.h>

#include "../../src/base/check.h"

/*
 * A part is what has one reservation: the whole list, or, one call a page, a page. The part at
 * work is in `reserved` (len 0: none) and `mapped_len`; a finished page is in the list alone.
 */
struct phyrsim_linux_map {
	const struct phyr_mem *mem;
	struct phyrsim_linux_target target;
	enum phyrsim_linux_way way;
	struct phyr_iova_range reserved;
	uint64_t mapped_len;   /* [bytes] from the start of the reservation */
	struct phyr_list list; /* I/O addresses of the bytes; its va is the source's */
	struct phyrsim_linux_map_stats stats;
};

static int part_begin(struct phyrsim_linux_map *map, uint64_t len)
{
	int err = phyrsim_linux_iova_alloc(map->target.iova, map->target.device, map->target.cpu,
					   len, &map->reserved);

	if (err)
		return err;
	map->stats.alloc_cnt++;
	map->stats.reserved_len += map->reserved.len;
	return PHYR_OK;
}

/* Maps the pages that a run touches, in one call, behind what the part has. */
static int part_add(struct phyrsim_linux_map *map, const struct phyr_run *run)
{
	uint64_t mask = phyr_bits_mask(PHYR_PAGE_LG2);
	uint64_t last = (run->range.pa.addr + (run->range.len - 1)) | mask;
	struct phyr_range pages = { phyr_pa_at(run->range.pa.addr & ~mask), 0 };
	struct phyr_iommu_map request = {
		.iova = phyr_iova_at(map->reserved.iova.addr + map->mapped_len),
		.runs = &pages,
		.run_cnt = 1,
		.perm = PHYR_PERM_READ_WRITE,
		.kind = run->tag.kind,
		.source = { (phyr_list_va(&map->list) + run->offset) & ~mask, -1, 0 },
	};
	int err;

	pages.len = last - pages.pa.addr + 1;
	err = map->target.iommu.ops->map(map->target.iommu.ctx, &request);
	if (err)
		return err;
	map->stats.call_cnt++;
	map->mapped_len += pages.len;
	return PHYR_OK;
}

/* Makes the part visible and names len bytes of it, from offset on. */
static int part_end(struct phyrsim_linux_map *map, uint64_t offset, uint64_t len)
{
	struct phyr_iova_range mapped = { map->reserved.iova, map->mapped_len };
	struct phyr_range bytes = { phyr_pa_at(mapped.iova.addr + offset), len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	int err = map->target.iommu.ops->sync_map(map->target.iommu.ctx, mapped);

	if (err)
		return err;
	return phyr_list_append(&map->list, bytes, tag);
}

/* Addresses that the backend does not let go stay reserved: a device may still use them. */
static void part_remove(struct phyrsim_linux_map *map, struct phyr_iova_range reserved,
			uint64_t mapped_len)
{
	struct phyr_iova_range mapped = { reserved.iova, mapped_len };
	struct phyr_gather gather;

	if (mapped_len) {
		phyr_gather_init(&gather);
		if (map->target.iommu.ops->unmap(map->target.iommu.ctx, mapped, &gather))
			return;
		map->target.iommu.ops->flush(map->target.iommu.ctx, &gather);
		map->stats.flush_cnt++;
	}
	if (phyrsim_linux_iova_free_fast(map->target.iova, map->target.cpu, reserved))
		PHYR_ASSERT(false);
}

static uint64_t page_offset(const struct phyr_run *run)
{
	return run->range.pa.addr & phyr_bits_mask(PHYR_PAGE_LG2);
}

/* Takes the bytes of the first page off a run; false when nothing is left. */
static bool next_page(struct phyr_run *rest, struct phyr_run *ret_page)
{
	uint64_t len = PHYR_PAGE_SIZE - page_offset(rest);

	if (rest->range.len == 0)
		return false;
	if (len > rest->range.len)
		len = rest->range.len;
	*ret_page = *rest;
	ret_page->range.len = len;
	rest->range.pa.addr += len;
	rest->range.len -= len;
	rest->offset += len;
	return true;
}

static int map_page(struct phyrsim_linux_map *map, const struct phyr_run *page)
{
	int err = part_begin(map, PHYR_PAGE_SIZE);

	if (!err)
		err = part_add(map, page);
	if (!err)
		err = part_end(map, page_offset(page), page->range.len);
	if (err)
		return err;
	map->reserved.len = 0;
	map->mapped_len = 0;
	return PHYR_OK;
}

static int map_pages(struct phyrsim_linux_map *map, const struct phyr_list *list)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run, page;
	int err = PHYR_OK;

	phyr_list_begin(list, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		while (!err && next_page(&run, &page))
			err = map_page(map, &page);
	return err;
}

/* Interior joints are on pages: only the first byte can lie inside one. */
static uint64_t first_offset(const struct phyr_list *list)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(list, &cursor);
	return phyr_list_next(&cursor, &run) ? page_offset(&run) : 0;
}

static int map_sg(struct phyrsim_linux_map *map, const struct phyr_list *list)
{
	uint64_t len = phyr_list_len(list);
	uint64_t offset = first_offset(list);
	int err = part_begin(map, offset + len);
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(list, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		err = part_add(map, &run);
	return err ? err : part_end(map, offset, len);
}

static void remove_pages(struct phyrsim_linux_map *map)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run, page;

	phyr_list_begin(&map->list, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		while (next_page(&run, &page)) {
			uint64_t first = phyr_bits_down(page.range.pa.addr, PHYR_PAGE_LG2);
			struct phyr_iova_range reserved = { phyr_iova_at(first), PHYR_PAGE_SIZE };

			part_remove(map, reserved, PHYR_PAGE_SIZE);
		}
	}
}

static bool misses_something(const struct phyr_mem *mem, const struct phyrsim_linux_target *target,
			     const struct phyr_list *list)
{
	return !mem || !mem->alloc || !mem->free || !target || !target->iommu.ops ||
	       !target->iova || !target->device || !list || phyr_list_len(list) == 0;
}

static int map_list(struct phyrsim_linux_map *map, const struct phyr_list *list)
{
	struct phyr_list_stats stats;

	phyr_list_stats(list, &stats);
	if (stats.granular)
		return PHYR_E_ALIGN;
	phyr_list_set_va(&map->list, phyr_list_va(list));
	switch (map->way) {
	case PHYRSIM_LINUX_SG:
		return map_sg(map, list);
	case PHYRSIM_LINUX_PAGES:
		return map_pages(map, list);
	}
	return PHYR_E_INVAL;
}

int phyrsim_linux_map(const struct phyr_mem *mem, const struct phyrsim_linux_target *target,
		      const struct phyr_list *list, enum phyrsim_linux_way way,
		      struct phyrsim_linux_map **ret_map)
{
	struct phyrsim_linux_map *map;
	int err;

	if (!ret_map || misses_something(mem, target, list))
		return PHYR_E_INVAL;
	map = mem->alloc(mem->ctx, sizeof(*map));
	if (!map)
		return PHYR_E_NOMEM;
	*map = (struct phyrsim_linux_map){ .mem = mem, .target = *target, .way = way };
	phyr_list_init(&map->list, mem);
	err = map_list(map, list);
	if (err) {
		phyrsim_linux_unmap(map, NULL);
		return err;
	}
	*ret_map = map;
	return PHYR_OK;
}

void phyrsim_linux_unmap(struct phyrsim_linux_map *map, struct phyrsim_linux_map_stats *ret_stats)
{
	if (!map)
		return;
	if (map->reserved.len)
		part_remove(map, map->reserved, map->mapped_len);
	if (map->way == PHYRSIM_LINUX_PAGES)
		remove_pages(map);
	if (ret_stats)
		*ret_stats = map->stats;
	phyr_list_fini(&map->list);
	map->mem->free(map->mem->ctx, map, sizeof(*map));
}

const struct phyr_list *phyrsim_linux_map_list(const struct phyrsim_linux_map *map)
{
	return &map->list;
}
