/* SPDX-License-Identifier: MIT */
/* The live ranges by their first byte, so that a wrong free is refused at once. */

#include <string.h>

#include "space.h"

static size_t home(const struct live_table *table, uint64_t first)
{
	/* Fibonacci hashing: the low bits of addresses are all zero. */
	return (size_t)(first * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->cap - 1);
}

static size_t behind(const struct live_table *table, size_t i)
{
	return (i + 1) & (table->cap - 1);
}

void phyr_live_insert(struct live_table *table, struct phyr_iova_range range)
{
	size_t i = home(table, range.iova.addr);

	while (table->slots[i].len)
		i = behind(table, i);
	table->slots[i] = range;
	table->cnt++;
}

int phyr_live_reserve(struct live_table *table, const struct phyr_mem *mem)
{
	struct live_table grown = { NULL, table->cap ? table->cap * 2 : 16, 0 };

	if (table->cap && table->cnt + 1 <= table->cap / 2)
		return PHYR_OK;
	grown.slots = mem->alloc(mem->ctx, grown.cap * sizeof(*grown.slots));
	if (!grown.slots)
		return PHYR_E_NOMEM;
	memset(grown.slots, 0, grown.cap * sizeof(*grown.slots));
	for (size_t i = 0; i < table->cap; i++)
		if (table->slots[i].len)
			phyr_live_insert(&grown, table->slots[i]);
	phyr_live_fini(table, mem);
	*table = grown;
	return PHYR_OK;
}

struct phyr_iova_range *phyr_live_find(const struct live_table *table, uint64_t first)
{
	if (table->cap == 0)
		return NULL;
	for (size_t i = home(table, first); table->slots[i].len; i = behind(table, i))
		if (table->slots[i].iova.addr == first)
			return &table->slots[i];
	return NULL;
}

void phyr_live_remove(struct live_table *table, struct phyr_iova_range *slot)
{
	size_t mask = table->cap - 1;
	size_t gap = (size_t)(slot - table->slots);

	/* Close the gap with every later entry whose probe path leads over it. */
	for (size_t i = behind(table, gap); table->slots[i].len; i = behind(table, i)) {
		size_t from = home(table, table->slots[i].iova.addr);

		if (((i - from) & mask) >= ((i - gap) & mask)) {
			table->slots[gap] = table->slots[i];
			gap = i;
		}
	}
	table->slots[gap].len = 0;
	table->cnt--;
}

void phyr_live_fini(struct live_table *table, const struct phyr_mem *mem)
{
	if (table->cap)
		mem->free(mem->ctx, table->slots, table->cap * sizeof(*table->slots));
}
