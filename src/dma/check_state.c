/* SPDX-License-Identifier: MIT */
/*
 * Two-step states, granule by granule: what is linked, how, where it lies, whether it was made visible.
 *
 * Not here: who may use it (check_ask.c).
 */

#include "checker.h"
#include "state.h"

static uint64_t granule_at(const struct record *record, uint64_t addr)
{
	return (addr - record->map.reserved.iova.addr) >> record->granule_lg2;
}

/* Its length, or what it covers, is not what was reserved. */
static bool is_changed(const struct phyr_dma *dma, const struct phyr_dma_state *state,
		       const struct record *record)
{
	return record->map.range.len != phyr_dma_state_len(state) ||
	       record->map.reserved.len != phyr_dma_state_reserved(dma, state).len;
}

/* Of a value as it was handed out; else NULL. */
static struct record *find(const struct phyr_dma *dma, const struct phyr_dma_state *state)
{
	struct record **link = phyr_checker_find(dma, state->addr, true);

	return link && !is_changed(dma, state, *link) ? *link : NULL;
}

void phyr_checker_reserved(struct phyr_dma *dma, const struct phyr_dma_state *state)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct phyr_iova_range reserved = phyr_dma_state_reserved(dma, state);
	struct record *record = phyr_record_create(dma, reserved.len >> dma->granule_lg2);

	phyr_lock_take(&checker->lock);
	if (record) {
		record->map.reserved = reserved;
		record->map.range.iova = phyr_dma_state_iova(state);
		record->map.range.len = phyr_dma_state_len(state);
	} else {
		checker->stats.lost_cnt++;
	}
	phyr_checker_put(checker, state->addr, record);
	phyr_lock_give(&checker->lock);
}

/* Granules of a run behind one another; returns the granule after them. */
static uint64_t *set_run(const struct record *record, uint64_t *granule, struct phyr_range run,
			 enum phyr_perm perm)
{
	uint64_t mask = phyr_bits_mask(record->granule_lg2);
	uint64_t last = run.pa.addr + (run.len - 1);

	for (uint64_t pa = run.pa.addr & ~mask; pa - 1 != (last | mask); pa += mask + 1)
		*granule++ = pa | (unsigned int)perm;
	return granule;
}

void phyr_checker_linked(struct phyr_dma *dma, const struct phyr_dma_state *state, uint64_t offset,
			 const struct phyr_dma_piece *piece)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record;

	phyr_lock_take(&checker->lock);
	record = find(dma, state);
	if (record) {
		uint64_t *granule = &record->granules[granule_at(record, state->addr + offset)];

		for (size_t i = 0; i < piece->run_cnt; i++)
			granule = set_run(record, granule, piece->runs[i], piece->perm);
	}
	phyr_lock_give(&checker->lock);
}

/* Of what is linked among these granules: keeps some bits, sets others. */
static void set_granules(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules, uint64_t keep, uint64_t set)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record;

	phyr_lock_take(&checker->lock);
	record = find(dma, state);
	for (uint64_t i = 0; record && i < granules.len >> dma->granule_lg2; i++) {
		uint64_t *granule = &record->granules[granule_at(record, granules.iova.addr) + i];

		if (*granule)
			*granule = (*granule & keep) | set;
	}
	phyr_lock_give(&checker->lock);
}

void phyr_checker_synced(struct phyr_dma *dma, const struct phyr_dma_state *state,
			 struct phyr_iova_range granules)
{
	set_granules(dma, state, granules, UINT64_MAX, GRANULE_SYNCED);
}

void phyr_checker_unlinked(struct phyr_dma *dma, const struct phyr_dma_state *state,
			   struct phyr_iova_range granules)
{
	set_granules(dma, state, granules, 0, 0);
}

/* Is an address inside what was mapped in one call? */
static bool is_mapped_whole(const struct phyr_dma *dma, uint64_t addr)
{
	for (size_t i = 0; i < BUCKET_CNT; i++) {
		for (const struct record *record = dma->params.checker->buckets[i].first; record;
		     record = record->next) {
			if (is_owner(record, dma) && !is_state(record) &&
			    addr - record->map.reserved.iova.addr < record->map.reserved.len)
				return true;
		}
	}
	return false;
}

/* Is everything that is linked among these granules linked like that? 0: like anything. */
static bool is_linked_as(const struct record *record, struct phyr_iova_range granules,
			 enum phyr_perm perm)
{
	for (uint64_t i = 0; i < granules.len >> record->granule_lg2; i++) {
		uint64_t granule = record->granules[granule_at(record, granules.iova.addr) + i];

		if (granule && perm && (granule & GRANULE_PERM) != (unsigned int)perm)
			return false;
	}
	return true;
}

/* May the handle unlink or end it at all? */
static enum phyr_dma_mistake judge_value(const struct phyr_dma *dma,
					 const struct phyr_dma_state *state,
					 const struct record *record)
{
	if (record->dma != dma)
		return PHYR_DMA_MISTAKE_UNKNOWN;
	return is_changed(dma, state, record) ? PHYR_DMA_MISTAKE_CHANGED : NO_MISTAKE;
}

static enum phyr_dma_mistake judge_unlink(const struct phyr_dma *dma,
					  const struct phyr_dma_state *state,
					  struct phyr_iova_range granules, enum phyr_perm perm)
{
	struct record **link = phyr_checker_find(dma, state->addr, true);
	enum phyr_dma_mistake mistake;

	if (!link)
		return is_mapped_whole(dma, granules.iova.addr) ?
			       PHYR_DMA_MISTAKE_PART :
			       phyr_checker_unknown(dma->params.checker, state->addr);
	mistake = judge_value(dma, state, *link);
	if (mistake != NO_MISTAKE)
		return mistake;
	return is_linked_as(*link, granules, perm) ? NO_MISTAKE : PHYR_DMA_MISTAKE_DIRECTION;
}

int phyr_checker_unlink(struct phyr_dma *dma, struct phyr_dma_state *state,
			const struct phyr_dma_part *part)
{
	struct phyr_iova_range granules = phyr_state_granules(dma, state, part->offset, part->len);
	struct phyr_dma_checker *checker = dma->params.checker;
	enum phyr_dma_mistake mistake;
	int err;

	phyr_lock_take(&checker->lock);
	mistake = judge_unlink(dma, state, granules, part->perm);
	phyr_lock_give(&checker->lock);
	err = phyr_checker_refuse(checker, mistake, granules);
	if (err)
		return err;
	err = phyr_state_unlink(dma, state, part);
	if (!err)
		phyr_checker_unlinked(dma, state, granules);
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

static enum phyr_dma_mistake judge_end(const struct phyr_dma *dma,
				       const struct phyr_dma_state *state, uint64_t linked_len,
				       enum phyr_perm perm)
{
	struct record **link = phyr_checker_find(dma, state->addr, true);
	enum phyr_dma_mistake mistake;

	if (!link)
		return phyr_checker_unknown(dma->params.checker, state->addr);
	mistake = judge_value(dma, state, *link);
	if (mistake != NO_MISTAKE)
		return mistake;
	if (more_is_linked(*link, linked_len))
		return PHYR_DMA_MISTAKE_LINKED;
	return linked_len == 0 || is_linked_as(*link, (*link)->map.reserved, perm) ?
		       NO_MISTAKE :
		       PHYR_DMA_MISTAKE_DIRECTION;
}

int phyr_checker_end_state(struct phyr_dma *dma, struct phyr_dma_state *state, uint64_t linked_len,
			   enum phyr_perm perm)
{
	struct phyr_iova_range reserved = phyr_dma_state_reserved(dma, state);
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record = NULL;
	uint64_t addr = state->addr;
	enum phyr_dma_mistake mistake;
	int err;

	phyr_lock_take(&checker->lock);
	mistake = judge_end(dma, state, linked_len, perm);
	if (mistake == NO_MISTAKE)
		record = phyr_checker_take(checker, addr, phyr_checker_find(dma, addr, true));
	phyr_lock_give(&checker->lock);
	err = phyr_checker_refuse(checker, mistake, reserved);
	if (err)
		return err;
	err = phyr_state_end(dma, state, linked_len, perm);
	phyr_checker_ended(checker, addr, record, err);
	return err;
}
