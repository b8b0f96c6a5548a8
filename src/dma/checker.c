/* SPDX-License-Identifier: MIT */
/*
 * A checker: records by key, what was lost of each bucket, counts and complaints.
 *
 * Not here: what is a mistake (check_map.c, check_state.c, check_ask.c).
 */

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

	phyr_lock_take(&checker->lock);
	checker->stats.mistake_cnt[mistake]++;
	phyr_lock_give(&checker->lock);
	if (checker->params.report)
		checker->params.report(checker->params.ctx, &complaint);
}

int phyr_checker_refuse(struct phyr_dma_checker *checker, enum phyr_dma_mistake mistake,
			struct phyr_iova_range range)
{
	static const int codes[PHYR_DMA_MISTAKE_CNT] = {
		[PHYR_DMA_MISTAKE_UNKNOWN] = PHYR_E_NOENT,
		[PHYR_DMA_MISTAKE_CHANGED] = PHYR_E_INVAL,
		[PHYR_DMA_MISTAKE_DIRECTION] = PHYR_E_INVAL,
		[PHYR_DMA_MISTAKE_PART] = PHYR_E_PARTIAL,
		[PHYR_DMA_MISTAKE_LINKED] = PHYR_E_BUSY,
	};

	if (mistake == NO_MISTAKE)
		return PHYR_OK;
	phyr_checker_complain(checker, mistake, range);
	return codes[mistake];
}

/* [bytes]; false: more than the host has. */
static bool record_len(uint64_t granule_cnt, size_t *ret_len)
{
	return !__builtin_mul_overflow(granule_cnt, sizeof(uint64_t), ret_len) &&
	       !__builtin_add_overflow(*ret_len, sizeof(struct record), ret_len);
}

struct record *phyr_record_create(const struct phyr_dma *dma, uint64_t granule_cnt)
{
	const struct phyr_mem *mem = dma->params.checker->params.mem;
	struct record *record = NULL;
	size_t len;

	if (record_len(granule_cnt, &len))
		record = mem->alloc(mem->ctx, len);
	if (!record)
		return NULL;
	memset(record, 0, len);
	record->dma = dma;
	record->owner = owner_of(dma);
	record->granule_lg2 = dma->granule_lg2;
	record->granule_cnt = granule_cnt;
	phyr_list_init(&record->pages, mem);
	return record;
}

void phyr_record_destroy(struct phyr_dma_checker *checker, struct record *record)
{
	const struct phyr_mem *mem = checker->params.mem;
	size_t len;

	if (!record)
		return;
	phyr_list_fini(&record->pages);
	(void)record_len(record->granule_cnt, &len);
	mem->free(mem->ctx, record, len);
}

static size_t bucket_of(uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

void phyr_checker_put(struct phyr_dma_checker *checker, uint64_t key, struct record *record)
{
	struct bucket *bucket = &checker->buckets[bucket_of(key)];

	if (!record) {
		bucket->lost_cnt++;
		checker->stats.lost_live_cnt++;
		return;
	}
	record->key = key;
	record->next = bucket->first;
	bucket->first = record;
	checker->stats.live_cnt++;
}

struct record *phyr_checker_take(struct phyr_dma_checker *checker, uint64_t key,
				 struct record **link)
{
	struct record *record = link ? *link : NULL;

	if (!record) {
		checker->buckets[bucket_of(key)].lost_cnt--;
		checker->stats.lost_live_cnt--;
		return NULL;
	}
	*link = record->next;
	checker->stats.live_cnt--;
	return record;
}

struct record **phyr_checker_find(const struct phyr_dma *dma, uint64_t key, bool state)
{
	struct record **link = &dma->params.checker->buckets[bucket_of(key)].first;

	while (*link && !((*link)->key == key && is_state(*link) == state && is_owner(*link, dma)))
		link = &(*link)->next;
	return *link ? link : NULL;
}

enum phyr_dma_mistake phyr_checker_unknown(const struct phyr_dma_checker *checker, uint64_t key)
{
	return checker->buckets[bucket_of(key)].lost_cnt ? NO_MISTAKE : PHYR_DMA_MISTAKE_UNKNOWN;
}

void phyr_checker_ended(struct phyr_dma_checker *checker, uint64_t key, struct record *record,
			int err)
{
	if (!err) {
		phyr_record_destroy(checker, record);
		return;
	}
	phyr_lock_take(&checker->lock);
	phyr_checker_put(checker, key, record);
	phyr_lock_give(&checker->lock);
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
		struct record **first = &checker->buckets[i].first;

		while (*first) {
			struct record *record = phyr_checker_take(checker, (*first)->key, first);

			phyr_checker_complain(checker, PHYR_DMA_MISTAKE_LEAKED,
					      record->map.reserved);
			phyr_record_destroy(checker, record);
		}
	}
	if (ret_stats)
		*ret_stats = checker->stats;
	checker->params.mem->free(checker->params.mem->ctx, checker, sizeof(*checker));
}
