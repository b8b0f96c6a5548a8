/* SPDX-License-Identifier: MIT */
/* Taking ranges and giving them back, under the lock. */

#include "cache.h"
#include "space.h"

void phyr_space_count(struct phyr_iova_space *space, uint64_t granules, uint64_t ranges)
{
	struct phyr_iova_stats *stats = &space->stats;

	space->live += granules;
	space->live_cnt += ranges;
	if (space->live_cnt > stats->live_cnt_max)
		stats->live_cnt_max = space->live_cnt;
	if (space->live > stats->live_len_max)
		stats->live_len_max = space->live;
}

static void take(struct phyr_iova_space *space, struct span span)
{
	phyr_tree_take(&space->tree, span);
	phyr_space_count(space, span.last - span.first + 1, 1);
	space->stats.alloc_cnt++;
}

static void count_search(struct phyr_iova_stats *stats, uint64_t tried, int err)
{
	stats->search_cnt += tried;
	if (!err)
		return;
	stats->nospace_cnt += err == PHYR_E_NOSPACE;
	stats->limit_cnt += err == PHYR_E_LIMIT;
}

/* One try; PHYR_E_BUSY: it needs more spares. Takes and leaves the lock. */
static int try_alloc(struct phyr_iova_space *space, struct want *want, struct span *ret_span,
		     struct need *ret_need)
{
	struct span span;
	int err;

	phyr_space_lock(space);
	err = phyr_space_choose(space, want, &span.first);
	if (!err) {
		span.last = span.first + (want->cnt - 1);
		if (phyr_spares_suffice(space, span, ret_need)) {
			take(space, span);
			*ret_span = span;
		} else {
			err = PHYR_E_BUSY;
		}
	}
	if (err != PHYR_E_BUSY)
		count_search(&space->stats, want->tried, err);
	phyr_space_unlock(space);
	return err;
}

int phyr_iova_alloc(struct phyr_iova_space *space, uint64_t len,
		    const struct phyr_placement *placement, struct phyr_iova_range *ret_range)
{
	struct want want;
	struct span span;
	struct need need;
	int err;

	if (!space || !ret_range)
		return PHYR_E_INVAL;
	err = phyr_want_init(space, len, placement, &want);
	if (err == PHYR_E_LIMIT) {
		/* It is counted like other limits. */
		want.window = (struct span){ 1, 0 };
		err = PHYR_OK;
	}
	while (!err) {
		err = try_alloc(space, &want, &span, &need);
		if (err != PHYR_E_BUSY)
			break;
		err = phyr_spares_grow(space, &need);
	}
	if (err)
		return err;
	*ret_range = space_range(space, span);
	return PHYR_OK;
}

static bool is_free(const struct phyr_iova_space *space, struct span span)
{
	uint64_t taken;

	return !phyr_tree_next_taken(&space->tree, span.first, &taken) || taken > span.last;
}

static int try_reserve(struct phyr_iova_space *space, struct span span, struct need *ret_need)
{
	int err = PHYR_OK;

	phyr_space_lock(space);
	if (!is_free(space, span)) {
		err = PHYR_E_EXISTS;
		space->stats.exists_cnt++;
	} else if (!phyr_spares_suffice(space, span, ret_need)) {
		err = PHYR_E_BUSY;
	} else {
		take(space, span);
	}
	phyr_space_unlock(space);
	return err;
}

int phyr_iova_reserve(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	struct need need;
	struct span span;
	uint64_t last;
	int err;

	if (!space || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(range.iova.addr, range.len, &last))
		return PHYR_E_RANGE;
	span.first = range.iova.addr >> space->granule_lg2;
	span.last = last >> space->granule_lg2;
	if (span.first < space->window.first || span.last > space->window.last)
		return PHYR_E_RANGE;
	if (!phyr_bits_aligned(range.iova.addr | range.len, space->granule_lg2))
		return PHYR_E_ALIGN;
	do {
		err = try_reserve(space, span, &need);
		if (err != PHYR_E_BUSY)
			break;
		err = phyr_spares_grow(space, &need);
	} while (!err);
	return err;
}

static int give(struct phyr_iova_space *space, struct span span)
{
	struct strip *strip = NULL;
	int err;

	if (space->cached)
		strip = phyr_strip_at(phyr_tree_leaf(&space->tree, span.first), span.first);
	if (strip)
		return phyr_strip_return(strip, span);
	err = phyr_tree_check(&space->tree, span);
	if (err)
		return err;
	phyr_tree_give(&space->tree, span);
	space->live -= span.last - span.first + 1;
	space->live_cnt--;
	return PHYR_OK;
}

int phyr_space_free(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	unsigned int lg2 = space->granule_lg2;
	struct span span = { range.iova.addr >> lg2, 0 };
	uint64_t last;
	int err = PHYR_E_NOENT;

	/* No range ends there: what is wrong may still start where one does. */
	span.last = UINT64_MAX;
	if (phyr_bits_aligned(range.len, lg2) && phyr_bits_last(range.iova.addr, range.len, &last))
		span.last = last >> lg2;
	if (phyr_bits_aligned(range.iova.addr, lg2) && span.first >= space->window.first &&
	    span.first <= space->window.last)
		err = give(space, span);
	space->stats.refused_cnt += err != PHYR_OK;
	return err;
}

int phyr_iova_free(struct phyr_iova_space *space, struct phyr_iova_range range)
{
	int err;

	if (!space)
		return PHYR_E_INVAL;
	phyr_space_lock(space);
	err = phyr_space_free(space, range);
	phyr_spares_unlock(space);
	return err;
}
