/* SPDX-License-Identifier: MIT */
/*
 * Mappings of lists, as they were handed out and as they come back.
 *
 * Each is found by a number in its value: a copy of one that has ended is known as such, even if its
 * addresses are another's by now. A value is compared before anything it points to is followed.
 */

#include "checker.h"
#include "unmap.h"

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

static struct record *remember_list(const struct phyr_dma *dma, const struct phyr_list *list)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record = phyr_record_create(dma, 0);

	if (record && phyr_list_clone(list, checker->params.mem, &record->pages)) {
		phyr_record_destroy(checker, record);
		return NULL;
	}
	return record;
}

/* Never 0, which is the number of those that no checker knows. */
static uint32_t next_serial(struct phyr_dma_checker *checker)
{
	if (++checker->serial == 0)
		checker->serial = 1;
	return checker->serial;
}

void phyr_checker_mapped(struct phyr_dma *dma, struct phyr_dma_map *map,
			 const struct phyr_list *list)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record = remember_list(dma, list);

	phyr_lock_take(&checker->lock);
	map->serial = next_serial(checker);
	if (map->extra)
		map->extra->map.serial = map->serial;
	if (record)
		record->map = *map;
	else
		checker->stats.lost_cnt++;
	phyr_checker_put(checker, map->serial, record);
	phyr_lock_give(&checker->lock);
}

void phyr_checker_kept(struct phyr_dma *dma, const struct phyr_dma_map *map)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = phyr_checker_find(dma, map->serial, false);
	if (link)
		(*link)->map = *map;
	phyr_lock_give(&checker->lock);
}

void phyr_checker_revoke(struct phyr_dma *dma, const struct phyr_dma_map *map, bool revoked)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = phyr_checker_find(dma, map->serial, false);
	if (link)
		(*link)->revoked = revoked;
	phyr_lock_give(&checker->lock);
}

void phyr_checker_owner(struct phyr_dma *dma, const struct phyr_dma_map *map,
			struct phyr_bounce_part part, bool cpu)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record **link;

	phyr_lock_take(&checker->lock);
	link = phyr_checker_find(dma, map->serial, false);
	if (link)
		phyr_stretches_set(&(*link)->cpu, part.offset, part.offset + (part.len - 1), cpu);
	phyr_lock_give(&checker->lock);
}

/* Takes the record out if nothing is wrong; else says what it is about. */
static enum phyr_dma_mistake take(struct phyr_dma *dma, const struct phyr_dma_map *map,
				  struct record **ret_record, struct phyr_iova_range *ret_range)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	enum phyr_dma_mistake mistake = NO_MISTAKE;
	struct record **link;

	*ret_range = map->reserved;
	phyr_lock_take(&checker->lock);
	link = phyr_checker_find(dma, map->serial, false);
	if (!link) {
		mistake = phyr_checker_unknown(checker, map->serial);
	} else {
		*ret_range = (*link)->map.reserved;
		if ((*link)->dma != dma)
			mistake = PHYR_DMA_MISTAKE_UNKNOWN;
		else if (!same_map(&(*link)->map, map))
			mistake = PHYR_DMA_MISTAKE_CHANGED;
	}
	if (mistake == NO_MISTAKE)
		*ret_record = phyr_checker_take(checker, map->serial, link);
	phyr_lock_give(&checker->lock);
	return mistake;
}

/* Is a list that is still borrowed what it was? A peer that was removed has let it go. */
static bool is_list_kept(const struct record *record)
{
	const struct phyr_list *list = record->map.list;

	return !list || record->revoked || phyr_list_equal(list, &record->pages);
}

int phyr_checker_unmap(struct phyr_dma *dma, struct phyr_dma_map *map)
{
	struct phyr_dma_checker *checker = dma->params.checker;
	struct record *record = NULL;
	struct phyr_iova_range range;
	uint32_t serial = map->serial;
	int err = phyr_checker_refuse(checker, take(dma, map, &record, &range), range);

	if (err)
		return err;
	if (record && !is_list_kept(record))
		phyr_checker_complain(checker, PHYR_DMA_MISTAKE_LIST, range);
	err = phyr_mapping_unmap(dma, map);
	phyr_checker_ended(checker, serial, record, err);
	return err;
}
