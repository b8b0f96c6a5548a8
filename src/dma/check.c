/* SPDX-License-Identifier: MIT */
/*
 * What is right and wrong in calls: mappings are compared with what was handed out, states granule by
 * granule with what was linked.
 *
 * A mapping value is compared before anything it points to is followed.
 */

#include "check.h"

#include "checker.h"

/* By what a mapping is found again: its I/O addresses, or the list that it borrows. */
static uint64_t key_of(const struct phyr_dma_map *map)
{
	if (map->reserved.len)
		return map->reserved.iova.addr;
	return map->form == PHYR_DMA_RANGE ? map->range.iova.addr : (uintptr_t)map->list;
}

static bool same_range(struct phyr_iova_range a, struct phyr_iova_range b)
{
	return a.iova.addr == b.iova.addr && a.len == b.len;
}

static bool same_map(const struct phyr_dma_map *a, const struct phyr_dma_map *b)
{
	return a->form == b->form && a->perm == b->perm && same_range(a->range, b->range) &&
	       same_range(a->reserved, b->reserved) && a->list == b->list &&
	       a->offset == b->offset && a->extra == b->extra && a->own == b->own &&
	       a->bounced == b->bounced;
}

/* The record of a mapping; else any of that key, which then was changed. */
static struct record **find_map(struct phyr_dma_checker *checker, const struct phyr_dma_map *map)
{
	struct record **other = NULL;
	uint64_t key = key_of(map);

	for (struct record **link = bucket_of(checker, key); *link; link = &(*link)->next) {
		if ((*link)->key != key || (*link)->granule_cnt)
			continue;
		if (same_map(&(*link)->map, map))
			return link;
		other = link;
	}
	return other;
}

static struct record **find_state(struct phyr_dma_checker *checker, uint64_t addr)
{
	for (struct record **link = bucket_of(checker, addr); *link; link = &(*link)->next) {
		if ((*link)->key == addr && (*link)->granule_cnt)
			return link;
	}
	return NULL;
}

void phyr_checker_mapped(struct phyr_dma *dma, const struct phyr_dma_map *map,
			 const struct phyr_list *list)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record;

	phyr_lock_take(&checker->lock);
	record = phyr_checker_add(checker, key_of(map), 0);
	if (record) {
		record->map = *map;
		/* Without its memory, only what the CPU touches goes unnoticed. */
		if (phyr_list_clone(list, checker->params.mem, &record->pages))
			checker->stats.lost_cnt++;
	}
	phyr_lock_give(&checker->lock);
}

/* Something that nobody remembers is wrong, unless something was not remembered. */
static int unknown(struct phyr_dma_checker *checker, struct phyr_iova_range range)
{
	if (checker->stats.lost_cnt)
		return PHYR_OK;
	phyr_checker_complain(checker, PHYR_DMA_MISTAKE_UNKNOWN, range);
	return PHYR_E_NOENT;
}

int phyr_checker_unmap(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;
	int err = PHYR_OK;

	phyr_lock_take(&checker->lock);
	link = find_map(checker, map);
	if (!link) {
		err = unknown(checker, map->reserved);
	} else if (!same_map(&(*link)->map, map)) {
		phyr_checker_complain(checker, PHYR_DMA_MISTAKE_CHANGED, (*link)->map.reserved);
		err = PHYR_E_INVAL;
	} else if (map->list && phyr_list_len(&(*link)->pages) != 0 &&
		   !phyr_list_equal(map->list, &(*link)->pages)) {
		phyr_checker_complain(checker, PHYR_DMA_MISTAKE_LIST, (*link)->map.reserved);
	}
	phyr_lock_give(&checker->lock);
	return err;
}

void phyr_checker_unmapped(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = find_map(checker, map);
	if (link)
		phyr_checker_drop(checker, link);
	phyr_lock_give(&checker->lock);
}

/* What is the CPU's is one stretch; where more would be, it is the least that holds all. */
static void give_cpu(struct record *record, uint64_t first, uint64_t last)
{
	uint64_t own_last = record->cpu_first + (record->cpu_len - 1);

	if (record->cpu_len) {
		first = first < record->cpu_first ? first : record->cpu_first;
		last = last > own_last ? last : own_last;
	}
	record->cpu_first = first;
	record->cpu_len = last - first + 1;
}

/* From an end, or all; a hole in the middle is not remembered. */
static void take_cpu(struct record *record, uint64_t first, uint64_t last)
{
	uint64_t own_last = record->cpu_first + (record->cpu_len - 1);

	if (record->cpu_len == 0 || first > own_last || last < record->cpu_first)
		return;
	if (first <= record->cpu_first && last >= own_last) {
		record->cpu_len = 0;
	} else if (first <= record->cpu_first) {
		record->cpu_first = last + 1;
		record->cpu_len = own_last - last;
	} else if (last >= own_last) {
		record->cpu_len = first - record->cpu_first;
	}
}

void phyr_checker_owner(struct phyr_dma *dma, const struct phyr_dma_map *map, uint64_t offset,
			uint64_t len, bool cpu)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = find_map(checker, map);
	if (link && cpu)
		give_cpu(*link, offset, offset + (len - 1));
	else if (link)
		take_cpu(*link, offset, offset + (len - 1));
	phyr_lock_give(&checker->lock);
}

void phyr_checker_reserved(struct phyr_dma *dma, const struct phyr_dma_state *state)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct phyr_iova_range reserved = phyr_dma_state_reserved(dma, state);
	struct record *record;

	phyr_lock_take(&checker->lock);
	record = phyr_checker_add(checker, state->addr, reserved.len >> dma->granule_lg2);
	if (record) {
		record->granule_lg2 = dma->granule_lg2;
		record->map.reserved = reserved;
		record->map.range.iova = phyr_dma_state_iova(state);
		record->map.range.len = phyr_dma_state_len(state);
	}
	phyr_lock_give(&checker->lock);
}

static uint64_t granule_at(const struct record *record, uint64_t addr)
{
	return (addr - record->map.reserved.iova.addr) >> record->granule_lg2;
}

/* Sets what is known of the granules of a range: keeps some bits, sets others. */
static void set_granules(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules, unsigned int keep, unsigned int set)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = find_state(checker, state->addr);
	for (uint64_t i = 0; link && i < granules.len >> dma->granule_lg2; i++) {
		uint8_t *granule = &(*link)->granules[granule_at(*link, granules.iova.addr) + i];

		/* A sync reaches what is linked. */
		if (*granule || set != GRANULE_SYNCED)
			*granule = (uint8_t)((*granule & keep) | set);
	}
	phyr_lock_give(&checker->lock);
}

void phyr_checker_linked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules, enum phyr_perm perm)
{
	set_granules(dma, state, granules, 0, (unsigned int)perm);
}

void phyr_checker_synced(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules)
{
	set_granules(dma, state, granules, 0xff, GRANULE_SYNCED);
}

void phyr_checker_unlinked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			   struct phyr_iova_range granules)
{
	set_granules(dma, state, granules, 0, 0);
}

/* Is an address inside what was mapped in one call? */
static bool is_mapped_whole(const struct phyr_dma_checker *checker, uint64_t addr)
{
	for (size_t i = 0; i < BUCKET_CNT; i++) {
		for (const struct record *record = checker->buckets[i]; record;
		     record = record->next) {
			if (!record->granule_cnt &&
			    addr - record->map.reserved.iova.addr < record->map.reserved.len)
				return true;
		}
	}
	return false;
}

/* No state of this address: a part of a mapping, or nothing at all. */
static int not_a_state(struct phyr_dma_checker *checker, struct phyr_iova_range range)
{
	if (!is_mapped_whole(checker, range.iova.addr))
		return unknown(checker, range);
	phyr_checker_complain(checker, PHYR_DMA_MISTAKE_PART, range);
	return PHYR_E_PARTIAL;
}

static int check_perm(struct phyr_dma_checker *checker, const struct record *record,
		      struct phyr_iova_range granules, enum phyr_perm perm)
{
	for (uint64_t i = 0; i < granules.len >> record->granule_lg2; i++) {
		uint8_t granule = record->granules[granule_at(record, granules.iova.addr) + i];

		if (granule && (granule & 3u) != (unsigned int)perm) {
			phyr_checker_complain(checker, PHYR_DMA_MISTAKE_DIRECTION, granules);
			return PHYR_E_INVAL;
		}
	}
	return PHYR_OK;
}

int phyr_checker_unlink(struct phyr_dma *dma, const struct phyr_dma_state *state,
			struct phyr_iova_range granules, enum phyr_perm perm)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;
	int err;

	phyr_lock_take(&checker->lock);
	link = find_state(checker, state->addr);
	err = link ? check_perm(checker, *link, granules, perm) : not_a_state(checker, granules);
	phyr_lock_give(&checker->lock);
	return err;
}

/* Is anything linked but the first bytes? */
static bool more_is_linked(const struct record *record, uint64_t linked_len)
{
	uint64_t first = 0;

	if (linked_len)
		first = granule_at(record, record->map.range.iova.addr + (linked_len - 1)) + 1;
	while (first < record->granule_cnt && record->granules[first] == 0)
		first++;
	return first < record->granule_cnt;
}

int phyr_checker_free(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t linked_len,
		      enum phyr_perm perm)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct phyr_iova_range reserved = phyr_dma_state_reserved(dma, state);
	struct record **link;
	int err;

	phyr_lock_take(&checker->lock);
	link = find_state(checker, state->addr);
	if (!link) {
		err = unknown(checker, reserved);
	} else if (more_is_linked(*link, linked_len)) {
		phyr_checker_complain(checker, PHYR_DMA_MISTAKE_LINKED, reserved);
		err = PHYR_E_BUSY;
	} else {
		err = linked_len ? check_perm(checker, *link, reserved, perm) : PHYR_OK;
	}
	phyr_lock_give(&checker->lock);
	return err;
}

void phyr_checker_freed(struct phyr_dma *dma, uint64_t addr)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = find_state(checker, addr);
	if (link)
		phyr_checker_drop(checker, link);
	phyr_lock_give(&checker->lock);
}
