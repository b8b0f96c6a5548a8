/* SPDX-License-Identifier: MIT */
/* A pool as a whole: how it is made, what it tells, and whether it is as it should be. */

#include <string.h>

#include "bounce.h"

#define SLOT_LG2 11
#define SLOT_CNT_MAX 128
#define SLOTS_END (UINT64_C(1) << 31)

/* Checks, and fills in defaults. */
static int prepare(struct phyr_bounce_params *params)
{
	uint64_t last;

	if (params->slot_lg2 == 0)
		params->slot_lg2 = SLOT_LG2;
	if (params->slot_cnt_max == 0)
		params->slot_cnt_max = SLOT_CNT_MAX;
	if (!params->mem || params->pool.len == 0)
		return PHYR_E_INVAL;
	if (params->slot_lg2 < 8 || params->slot_lg2 > 30)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(params->pool.pa.addr, params->pool.len, &last))
		return PHYR_E_RANGE;
	if (!phyr_bits_aligned(params->pool.pa.addr | params->pool.len, params->slot_lg2))
		return PHYR_E_ALIGN;
	return params->pool.len >> params->slot_lg2 < SLOTS_END ? PHYR_OK : PHYR_E_LIMIT;
}

/* Where the arrays lie in the one allocation; its length last. */
struct layout {
	uint64_t taken, heads, len;
};

static struct layout layout_of(uint64_t slot_cnt, unsigned int head_lg2)
{
	struct layout layout;

	layout.taken = sizeof(struct phyr_bounce) + slot_cnt * sizeof(struct run);
	layout.heads = layout.taken + (slot_cnt + 63) / 64 * sizeof(uint64_t);
	layout.len = layout.heads + (sizeof(uint32_t) << head_lg2);
	return layout;
}

int phyr_bounce_create(const struct phyr_bounce_params *params, struct phyr_bounce **ret_pool)
{
	struct phyr_bounce_params checked;
	struct phyr_bounce *pool;
	struct layout layout;
	unsigned int head_lg2;
	uint64_t slot_cnt;
	int err;

	if (!params || !ret_pool)
		return PHYR_E_INVAL;
	checked = *params;
	err = prepare(&checked);
	if (err)
		return err;
	slot_cnt = checked.pool.len >> checked.slot_lg2;
	head_lg2 = phyr_bits_log2_up(slot_cnt);
	layout = layout_of(slot_cnt, head_lg2);
	if (layout.len > SIZE_MAX)
		return PHYR_E_LIMIT;
	pool = checked.mem->alloc(checked.mem->ctx, (size_t)layout.len);
	if (!pool)
		return PHYR_E_NOMEM;
	memset(pool, 0, (size_t)layout.heads);
	pool->params = checked;
	pool->slot_cnt = (uint32_t)slot_cnt;
	pool->head_lg2 = head_lg2;
	pool->taken = (uint64_t *)(void *)((char *)pool + layout.taken);
	pool->heads = (uint32_t *)(void *)((char *)pool + layout.heads);
	for (size_t i = 0; i < (size_t)1 << head_lg2; i++)
		pool->heads[i] = NO_RUN;
	pool->stats.slot_cnt = pool->slot_cnt;
	pool->stats.metadata_len = (size_t)layout.len;
	*ret_pool = pool;
	return PHYR_OK;
}

void phyr_bounce_destroy(struct phyr_bounce *pool)
{
	const struct phyr_mem *mem;

	if (!pool)
		return;
	mem = pool->params.mem;
	mem->free(mem->ctx, pool, pool->stats.metadata_len);
}

bool phyr_bounce_holds(const struct phyr_bounce *pool, phyr_pa pa)
{
	return pa.addr - pool->params.pool.pa.addr < pool->params.pool.len;
}

void phyr_bounce_stats(struct phyr_bounce *pool, struct phyr_bounce_stats *ret_stats)
{
	phyr_lock_take(&pool->lock);
	*ret_stats = pool->stats;
	phyr_lock_give(&pool->lock);
}

/* A run that a chain names: slots in use, that hold the request. */
static bool run_holds(const struct phyr_bounce *pool, uint32_t at)
{
	const struct run *run = &pool->runs[at];
	uint64_t start = pool->params.pool.pa.addr + ((uint64_t)at << pool->params.slot_lg2);
	uint64_t len = (uint64_t)run->cnt << pool->params.slot_lg2;

	if (run->cnt == 0 || run->cnt > pool->slot_cnt - at)
		return false;
	for (uint32_t i = 0; i < run->cnt; i++) {
		if (!phyr_bounce_is_taken(pool, at + i))
			return false;
	}
	return run->pa - start < len && run->orig.len && run->orig.len <= len - (run->pa - start);
}

static bool validate(struct phyr_bounce *pool, const char **reason)
{
	size_t taken_cnt = 0, run_cnt = 0, slot_cnt = 0;

	for (uint32_t i = 0; i < pool->slot_cnt; i++)
		taken_cnt += phyr_bounce_is_taken(pool, i);
	for (size_t i = 0; i < (size_t)1 << pool->head_lg2; i++) {
		for (uint32_t at = pool->heads[i]; at != NO_RUN; at = pool->runs[at].next) {
			*reason = "a chain leads out of the pool, or round";
			if (at >= pool->slot_cnt || run_cnt++ == pool->stats.live_cnt)
				return false;
			*reason = "a run is not as its request is";
			if (!run_holds(pool, at))
				return false;
			*reason = "a key does not find its run";
			if (*phyr_bounce_link(pool, pool->runs[at].key) != at)
				return false;
			slot_cnt += pool->runs[at].cnt;
		}
	}
	*reason = "slots in use do not add up";
	return taken_cnt == slot_cnt && taken_cnt == pool->stats.used_cnt &&
	       taken_cnt <= pool->stats.used_cnt_max && run_cnt == pool->stats.live_cnt;
}

bool phyr_bounce_validate(struct phyr_bounce *pool, const char **ret_reason)
{
	const char *reason;
	bool holds;

	phyr_lock_take(&pool->lock);
	holds = validate(pool, &reason);
	phyr_lock_give(&pool->lock);
	if (!holds && ret_reason)
		*ret_reason = reason;
	return holds;
}

uint64_t phyr_bounce_len_max(const struct phyr_bounce *pool)
{
	uint32_t cnt = pool->params.slot_cnt_max < pool->slot_cnt ? pool->params.slot_cnt_max :
								    pool->slot_cnt;

	return (uint64_t)cnt << pool->params.slot_lg2;
}
