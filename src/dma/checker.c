/* SPDX-License-Identifier: MIT */
/* A checker: records by address, counts, complaints, and the two questions. */

#include "checker.h"

#include <string.h>

int phyr_dma_checker_create(const struct phyr_dma_checker_params *params,
			    struct phyr_dma_checker **ret_checker)
{
	struct phyr_dma_checker *checker;

	if (!params || !params->mem || !params->mem->alloc || !params->mem->free || !ret_checker)
		return PHYR_E_INVAL;
	checker = params->mem->alloc(params->mem->ctx, sizeof(*checker));
	if (!checker)
		return PHYR_E_NOMEM;
	memset(checker, 0, sizeof(*checker));
	checker->params = *params;
	*ret_checker = checker;
	return PHYR_OK;
}

void phyr_checker_complain(struct phyr_dma_checker *checker, enum phyr_dma_mistake mistake,
			   struct phyr_iova_range range)
{
	struct phyr_dma_complaint complaint = { mistake, range };

	checker->stats.mistake_cnt[mistake]++;
	if (checker->params.report)
		checker->params.report(checker->params.ctx, &complaint);
}

static size_t record_len(uint64_t granule_cnt)
{
	return sizeof(struct record) + (size_t)granule_cnt;
}

struct record *phyr_checker_add(struct phyr_dma_checker *checker, uint64_t key,
				uint64_t granule_cnt)
{
	const struct phyr_mem *mem = checker->params.mem;
	struct record *record = NULL;

	if (granule_cnt <= SIZE_MAX - sizeof(struct record))
		record = mem->alloc(mem->ctx, record_len(granule_cnt));
	if (!record) {
		checker->stats.lost_cnt++;
		return NULL;
	}
	memset(record, 0, record_len(granule_cnt));
	record->key = key;
	record->granule_cnt = granule_cnt;
	phyr_list_init(&record->pages, mem);
	record->next = *bucket_of(checker, key);
	*bucket_of(checker, key) = record;
	checker->stats.live_cnt++;
	return record;
}

void phyr_checker_drop(struct phyr_dma_checker *checker, struct record **link)
{
	const struct phyr_mem *mem = checker->params.mem;
	struct record *record = *link;

	*link = record->next;
	checker->stats.live_cnt--;
	phyr_list_fini(&record->pages);
	mem->free(mem->ctx, record, record_len(record->granule_cnt));
}

void phyr_dma_checker_stats(struct phyr_dma_checker *checker,
			    struct phyr_dma_checker_stats *ret_stats)
{
	phyr_lock_take(&checker->lock);
	*ret_stats = checker->stats;
	phyr_lock_give(&checker->lock);
}

void phyr_dma_checker_destroy(struct phyr_dma_checker *checker,
			      struct phyr_dma_checker_stats *ret_stats)
{
	if (!checker)
		return;
	for (size_t i = 0; i < BUCKET_CNT; i++) {
		while (checker->buckets[i]) {
			phyr_checker_complain(checker, PHYR_DMA_MISTAKE_LEAKED,
					      checker->buckets[i]->map.reserved);
			phyr_checker_drop(checker, &checker->buckets[i]);
		}
	}
	if (ret_stats)
		*ret_stats = checker->stats;
	checker->params.mem->free(checker->params.mem->ctx, checker, sizeof(*checker));
}

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

static int device_in_mapping(const struct record *record, struct phyr_iova_range range,
			     enum phyr_perm perm)
{
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range own;
	uint64_t offset = 0;

	phyr_dma_begin(&record->map, &cursor);
	while (phyr_dma_next(&cursor, &own)) {
		if (is_inside(range, own)) {
			offset += range.iova.addr - own.iova.addr;
			if ((unsigned int)perm & ~(unsigned int)record->map.perm)
				return PHYR_E_PERM;
			if (record->cpu_len && offset < record->cpu_first + record->cpu_len &&
			    record->cpu_first < offset + range.len)
				return PHYR_E_BUSY;
			return PHYR_OK;
		}
		offset += own.len;
	}
	return PHYR_E_NOENT;
}

int phyr_dma_check_device(struct phyr_dma_checker *checker, struct phyr_iova_range range,
			  enum phyr_perm perm)
{
	int err = PHYR_E_NOENT;

	if (!checker || range.len == 0 || !known_perm(perm))
		return PHYR_E_INVAL;
	phyr_lock_take(&checker->lock);
	for (size_t i = 0; i < BUCKET_CNT && err == PHYR_E_NOENT; i++) {
		for (const struct record *record = checker->buckets[i];
		     record && err == PHYR_E_NOENT; record = record->next)
			err = record->granule_cnt ? device_in_state(record, range, perm) :
						    device_in_mapping(record, range, perm);
	}
	if (err)
		phyr_checker_complain(checker, PHYR_DMA_MISTAKE_DEVICE, range);
	phyr_lock_give(&checker->lock);
	return err;
}

/* Is some of the memory the device's? */
static bool is_devices(const struct record *record, struct phyr_range range, bool write)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	if (!write && !(record->map.perm & PHYR_PERM_WRITE))
		return false;
	phyr_list_begin(&record->pages, &cursor);
	while (phyr_list_next(&cursor, &run)) {
		uint64_t run_last = run.range.pa.addr + (run.range.len - 1);
		uint64_t last = range.pa.addr + (range.len - 1);
		uint64_t first = range.pa.addr;

		if (first > run_last || last < run.range.pa.addr)
			continue;
		first = first < run.range.pa.addr ? run.range.pa.addr : first;
		last = last > run_last ? run_last : last;
		first = run.offset + (first - run.range.pa.addr);
		last = run.offset + (last - run.range.pa.addr);
		if (record->cpu_len == 0 || first < record->cpu_first ||
		    last - record->cpu_first >= record->cpu_len)
			return true;
	}
	return false;
}

int phyr_dma_check_cpu(struct phyr_dma_checker *checker, struct phyr_range range, bool write)
{
	struct phyr_iova_range unknown = { { 0 }, 0 };
	int err = PHYR_OK;

	if (!checker || range.len == 0)
		return PHYR_E_INVAL;
	phyr_lock_take(&checker->lock);
	for (size_t i = 0; i < BUCKET_CNT && !err; i++) {
		for (const struct record *record = checker->buckets[i]; record && !err;
		     record = record->next)
			err = is_devices(record, range, write) ? PHYR_E_BUSY : PHYR_OK;
	}
	if (err)
		phyr_checker_complain(checker, PHYR_DMA_MISTAKE_CPU, unknown);
	phyr_lock_give(&checker->lock);
	return err;
}
