/* SPDX-License-Identifier: MIT */
/* Requests: slots are taken, found again, copied through and given back. */

#include "bounce.h"

static bool sane(const struct phyr_bounce_request *request)
{
	return request->orig.len && request->keep_lg2 < 64 && request->align_lg2 < 64;
}

/* Which runs are right; PHYR_E_LIMIT: none would be. */
static int want_init(const struct phyr_bounce *pool, const struct phyr_bounce_request *request,
		     struct want *want)
{
	unsigned int slot_lg2 = pool->params.slot_lg2;
	unsigned int unit_lg2 = request->align_lg2 > slot_lg2 ? request->align_lg2 : slot_lg2;
	unsigned int keep_lg2 = request->keep_lg2;
	unsigned int mod_lg2 = keep_lg2 > unit_lg2 ? keep_lg2 : unit_lg2;
	uint64_t start = 0;
	uint64_t len;

	/* The bits that are kept lie in the offset, and what is above a unit in the run's start. */
	want->offset = request->orig.pa.addr &
		       phyr_bits_mask(keep_lg2 < unit_lg2 ? keep_lg2 : unit_lg2);
	if (keep_lg2 > unit_lg2)
		start = request->orig.pa.addr - want->offset;
	if (__builtin_add_overflow(request->orig.len, want->offset, &len) ||
	    !phyr_bits_up(len, unit_lg2, &len))
		return PHYR_E_LIMIT;
	want->cnt = len >> slot_lg2;
	want->mask = phyr_bits_mask(mod_lg2 - slot_lg2);
	want->first = (start - pool->params.pool.pa.addr) >> slot_lg2 & want->mask;
	if (want->cnt > pool->params.slot_cnt_max || want->cnt > pool->slot_cnt ||
	    want->first > pool->slot_cnt - want->cnt)
		return PHYR_E_LIMIT;
	return PHYR_OK;
}

static void count_taken(struct phyr_bounce_stats *stats, const struct run *run, uint64_t pad_len)
{
	stats->take_cnt++;
	stats->live_cnt++;
	stats->used_cnt += run->cnt;
	if (stats->used_cnt > stats->used_cnt_max)
		stats->used_cnt_max = stats->used_cnt;
	stats->zero_len += pad_len;
}

static void count_refused(struct phyr_bounce_stats *stats, int err)
{
	stats->limit_cnt += err == PHYR_E_LIMIT;
	stats->nospace_cnt += err == PHYR_E_NOSPACE;
	stats->exists_cnt += err == PHYR_E_EXISTS;
}

/* Under the lock. */
static int take(struct phyr_bounce *pool, const struct phyr_bounce_request *request,
		struct want *want, uint64_t *ret_start)
{
	struct run run = { request->key, request->orig, 0, 0, NO_RUN };
	uint32_t *link;
	uint32_t at;
	int err = want_init(pool, request, want);

	if (err)
		return err;
	if (!phyr_bounce_search(pool, want, &at))
		return PHYR_E_NOSPACE;
	*ret_start = pool->params.pool.pa.addr + ((uint64_t)at << pool->params.slot_lg2);
	run.pa = *ret_start + want->offset;
	run.cnt = (uint32_t)want->cnt;
	if (request->by_pa)
		run.key.iova.addr = run.pa;
	link = phyr_bounce_link(pool, run.key);
	if (*link != NO_RUN)
		return PHYR_E_EXISTS;
	*link = at;
	pool->runs[at] = run;
	phyr_bounce_mark(pool, at, run.cnt, true);
	pool->from = at + run.cnt;
	count_taken(&pool->stats, &run,
		    request->zero_pad ? (want->cnt << pool->params.slot_lg2) - request->orig.len :
					0);
	return PHYR_OK;
}

static void zero(const struct phyr_bounce *pool, uint64_t first, uint64_t end)
{
	struct phyr_range range = { { first }, end - first };

	if (range.len && pool->params.zero)
		pool->params.zero(pool->params.ctx, range);
}

int phyr_bounce_take(struct phyr_bounce *pool, const struct phyr_bounce_request *request,
		     phyr_pa *ret_pa)
{
	struct want want;
	uint64_t start, pa, last;
	int err;

	if (!pool || !request || !ret_pa || !sane(request))
		return PHYR_E_INVAL;
	if (!phyr_bits_last(request->orig.pa.addr, request->orig.len, &last))
		return PHYR_E_RANGE;
	phyr_lock_take(&pool->lock);
	err = take(pool, request, &want, &start);
	count_refused(&pool->stats, err);
	phyr_lock_give(&pool->lock);
	if (err)
		return err;
	pa = start + want.offset;
	if (request->zero_pad) {
		zero(pool, start, pa);
		zero(pool, pa + request->orig.len, start + (want.cnt << pool->params.slot_lg2));
	}
	*ret_pa = phyr_pa_at(pa);
	return PHYR_OK;
}

bool phyr_bounce_find(struct phyr_bounce *pool, struct phyr_bounce_key key,
		      struct phyr_bounce_slot *ret_slot)
{
	uint32_t at;

	phyr_lock_take(&pool->lock);
	at = *phyr_bounce_link(pool, key);
	if (at != NO_RUN && ret_slot) {
		ret_slot->pa = phyr_pa_at(pool->runs[at].pa);
		ret_slot->orig = pool->runs[at].orig;
	}
	phyr_lock_give(&pool->lock);
	return at != NO_RUN;
}

/* Under the lock. */
static int give(struct phyr_bounce *pool, struct phyr_bounce_key key)
{
	uint32_t *link = phyr_bounce_link(pool, key);
	uint32_t at = *link;

	if (at == NO_RUN)
		return PHYR_E_NOENT;
	*link = pool->runs[at].next;
	phyr_bounce_mark(pool, at, pool->runs[at].cnt, false);
	pool->stats.used_cnt -= pool->runs[at].cnt;
	pool->stats.live_cnt--;
	return PHYR_OK;
}

int phyr_bounce_give(struct phyr_bounce *pool, struct phyr_bounce_key key)
{
	int err;

	phyr_lock_take(&pool->lock);
	err = give(pool, key);
	pool->stats.noent_cnt += err != PHYR_OK;
	phyr_lock_give(&pool->lock);
	return err;
}

/* Where a part of a request is, and counts its bytes; under the lock. */
static int locate(struct phyr_bounce *pool, struct phyr_bounce_key key,
		  struct phyr_bounce_part part, uint64_t *count, struct phyr_bounce_slot *ret_slot)
{
	const struct run *run;
	uint32_t at = *phyr_bounce_link(pool, key);

	if (at == NO_RUN) {
		pool->stats.noent_cnt++;
		return PHYR_E_NOENT;
	}
	run = &pool->runs[at];
	if (part.offset > run->orig.len || part.len > run->orig.len - part.offset)
		return PHYR_E_RANGE;
	*count += part.len;
	ret_slot->pa = phyr_pa_at(run->pa + part.offset);
	ret_slot->orig.pa = phyr_pa_at(run->orig.pa.addr + part.offset);
	ret_slot->orig.len = part.len;
	return PHYR_OK;
}

/* Between the slots and the memory itself, or other memory. */
static int copy(struct phyr_bounce *pool, struct phyr_bounce_key key, struct phyr_bounce_part part,
		const phyr_pa *other, bool to)
{
	const struct phyr_bounce_params *params = &pool->params;
	struct phyr_bounce_slot slot;
	phyr_pa memory;
	int err;

	phyr_lock_take(&pool->lock);
	err = locate(pool, key, part, to ? &pool->stats.to_len : &pool->stats.from_len, &slot);
	phyr_lock_give(&pool->lock);
	if (err || !params->copy || !part.len)
		return err;
	memory = other ? *other : slot.orig.pa;
	if (to)
		params->copy(params->ctx, slot.pa, memory, part.len);
	else
		params->copy(params->ctx, memory, slot.pa, part.len);
	return PHYR_OK;
}

int phyr_bounce_copy_to(struct phyr_bounce *pool, struct phyr_bounce_key key,
			struct phyr_bounce_part part)
{
	return copy(pool, key, part, NULL, true);
}

int phyr_bounce_copy_from(struct phyr_bounce *pool, struct phyr_bounce_key key,
			  struct phyr_bounce_part part)
{
	return copy(pool, key, part, NULL, false);
}

int phyr_bounce_copy_run(struct phyr_bounce *pool, struct phyr_bounce_key key, uint64_t offset,
			 struct phyr_range memory, bool to_slots)
{
	struct phyr_bounce_part part = { offset, memory.len };
	uint64_t last;

	if (memory.len && !phyr_bits_last(memory.pa.addr, memory.len, &last))
		return PHYR_E_RANGE;
	return copy(pool, key, part, &memory.pa, to_slots);
}
