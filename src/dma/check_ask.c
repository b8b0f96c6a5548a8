/* SPDX-License-Identifier: MIT */
/*
 * The two questions: may the device, or the CPU, touch this now?
 *
 * Not here: what a call would be told (check_map.c, check_state.c).
 */

#include "checker.h"

static bool is_inside(struct phyr_iova_range inner, struct phyr_iova_range outer)
{
	return inner.iova.addr >= outer.iova.addr && inner.len <= outer.len &&
	       inner.iova.addr - outer.iova.addr <= outer.len - inner.len;
}

/* PHYR_E_NOENT: it is not this state's. */
static int device_in_state(const struct record *record, struct phyr_iova_range range,
			   enum phyr_perm perm)
{
	uint64_t first, last;

	if (!is_inside(range, record->map.range))
		return PHYR_E_NOENT;
	first = range.iova.addr - record->map.reserved.iova.addr;
	last = (first + (range.len - 1)) >> record->granule_lg2;
	for (uint64_t i = first >> record->granule_lg2; i <= last; i++) {
		if (record->granules[i] == 0)
			return PHYR_E_NOENT;
		if ((unsigned int)perm & ~record->granules[i])
			return PHYR_E_PERM;
		if (!(record->granules[i] & GRANULE_SYNCED))
			return PHYR_E_BUSY;
	}
	return PHYR_OK;
}

/* The same for a mapping. A list that the caller may have changed is not looked at: the copy is. */
static int device_in_mapping(struct record *record, struct phyr_iova_range range,
			     enum phyr_perm perm)
{
	struct phyr_dma_map map = record->map;
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range own;
	uint64_t offset = 0;

	if (record->revoked)
		return PHYR_E_NOENT;
	if (map.list)
		map.list = &record->pages;
	phyr_dma_begin(&map, &cursor);
	while (phyr_dma_next(&cursor, &own)) {
		if (is_inside(range, own)) {
			offset += range.iova.addr - own.iova.addr;
			if ((unsigned int)perm & ~(unsigned int)map.perm)
				return PHYR_E_PERM;
			return phyr_stretches_touch(&record->cpu, offset,
						    offset + (range.len - 1)) ?
				       PHYR_E_BUSY :
				       PHYR_OK;
		}
		offset += own.len;
	}
	return PHYR_E_NOENT;
}

/* The best of all that is known of these addresses: one that lets the device in is enough. */
static int device_anywhere(const struct phyr_dma *dma, struct phyr_iova_range range,
			   enum phyr_perm perm)
{
	const struct phyr_dma_checker *checker = dma->params.checker;
	int err = PHYR_E_NOENT;

	for (size_t i = 0; i < BUCKET_CNT; i++) {
		for (struct record *record = checker->buckets[i].first; record;
		     record = record->next) {
			int one = PHYR_E_NOENT;

			if (is_owner(record, dma))
				one = is_state(record) ? device_in_state(record, range, perm) :
							 device_in_mapping(record, range, perm);
			if (one == PHYR_OK)
				return PHYR_OK;
			err = one == PHYR_E_NOENT ? err : one;
		}
	}
	return err == PHYR_E_NOENT && checker->stats.lost_live_cnt ? PHYR_OK : err;
}

int phyr_dma_check_device(const struct phyr_dma *dma, struct phyr_iova_range range,
			  enum phyr_perm perm)
{
	int err;

	if (!dma || !dma->params.checker || range.len == 0 || !known_perm(perm))
		return PHYR_E_INVAL;
	phyr_lock_take(&dma->params.checker->lock);
	err = device_anywhere(dma, range, perm);
	phyr_lock_give(&dma->params.checker->lock);
	if (err)
		phyr_checker_complain(dma->params.checker, PHYR_DMA_MISTAKE_DEVICE, range);
	return err;
}

/* What two ranges, first and last byte, have in common. */
struct span {
	uint64_t first, last;
};

static bool intersect(struct span a, struct span b, struct span *ret_common)
{
	ret_common->first = a.first > b.first ? a.first : b.first;
	ret_common->last = a.last < b.last ? a.last : b.last;
	return ret_common->first <= ret_common->last;
}

/* Is some of the memory of a mapping the device's? */
static bool is_mappings(const struct record *record, struct span asked)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	struct span common;

	phyr_list_begin(&record->pages, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t pa = run.range.pa.addr;
		struct span own = { pa, pa + (run.range.len - 1) };

		if (intersect(asked, own, &common) &&
		    !phyr_stretches_may_hold(&record->cpu, run.offset + (common.first - pa),
					     run.offset + (common.last - pa)))
			return true;
	}
	return false;
}

/* Is some of what is linked into a state, for these permissions or more? */
static bool is_states(const struct record *record, struct span asked, enum phyr_perm perm)
{
	const struct phyr_iova_range *range = &record->map.range;
	struct span own = { range->iova.addr, range->iova.addr + (range->len - 1) };
	uint64_t mask = phyr_bits_mask(record->granule_lg2);
	struct span bytes;

	for (uint64_t i = 0; i < record->granule_cnt; i++) {
		uint64_t iova = record->map.reserved.iova.addr + (i << record->granule_lg2);
		uint64_t pa = record->granules[i] & ~mask;
		struct span granule = { iova, iova + mask };

		if (!(record->granules[i] & (unsigned int)perm) || !intersect(own, granule, &bytes))
			continue;
		bytes.first = pa + (bytes.first - iova);
		bytes.last = pa + (bytes.last - iova);
		if (intersect(asked, bytes, &bytes))
			return true;
	}
	return false;
}

/* What the CPU only reads, it may not if the device may write. */
static bool is_devices(const struct record *record, struct span asked, bool write)
{
	enum phyr_perm perm = write ? PHYR_PERM_READ_WRITE : PHYR_PERM_WRITE;

	if (is_state(record))
		return is_states(record, asked, perm);
	return !record->revoked && (record->map.perm & perm) && is_mappings(record, asked);
}

static bool is_anyones(const struct phyr_dma_checker *checker, struct span asked, bool write)
{
	for (size_t i = 0; i < BUCKET_CNT; i++) {
		for (const struct record *record = checker->buckets[i].first; record;
		     record = record->next) {
			if (is_devices(record, asked, write))
				return true;
		}
	}
	return false;
}

int phyr_dma_check_cpu(struct phyr_dma_checker *checker, struct phyr_range range, bool write)
{
	struct phyr_iova_range unknown = { { 0 }, 0 };
	struct span asked = { range.pa.addr, 0 };
	bool busy;

	if (!checker || range.len == 0)
		return PHYR_E_INVAL;
	if (__builtin_add_overflow(range.pa.addr, range.len - 1, &asked.last))
		return PHYR_E_RANGE;
	phyr_lock_take(&checker->lock);
	busy = is_anyones(checker, asked, write);
	phyr_lock_give(&checker->lock);
	if (!busy)
		return PHYR_OK;
	phyr_checker_complain(checker, PHYR_DMA_MISTAKE_CPU, unknown);
	return PHYR_E_BUSY;
}
