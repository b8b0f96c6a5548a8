/* SPDX-License-Identifier: MIT */
/* A cache's strips by address: open addressing, linear probing. */

#include <string.h>

#include "cache.h"

static size_t home(const struct strip_table *table, uint64_t word)
{
	return (size_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->cap - 1);
}

static size_t behind(const struct strip_table *table, size_t i)
{
	return (i + 1) & (table->cap - 1);
}

void phyr_table_insert(struct strip_table *table, uint64_t word, struct strip *strip)
{
	size_t i = home(table, word);

	while (table->entries[i].strip)
		i = behind(table, i);
	table->entries[i] = (struct strip_entry){ word, strip };
	table->cnt++;
}

bool phyr_table_reserve(struct phyr_iova_cache *cache, size_t cnt)
{
	const struct phyr_mem *mem = cache->space->mem;
	struct strip_table *table = &cache->table;
	struct strip_table grown = { NULL, table->cap ? table->cap * 2 : 64, 0 };

	if (table->cap && table->cnt + cnt <= table->cap / 2)
		return true;
	grown.entries = mem->alloc(mem->ctx, grown.cap * sizeof(*grown.entries));
	if (!grown.entries)
		return false;
	memset(grown.entries, 0, grown.cap * sizeof(*grown.entries));
	for (size_t i = 0; i < table->cap; i++)
		if (table->entries[i].strip)
			phyr_table_insert(&grown, table->entries[i].word, table->entries[i].strip);
	if (table->cap)
		mem->free(mem->ctx, table->entries, table->cap * sizeof(*table->entries));
	cache->stats.metadata_len += (grown.cap - table->cap) * sizeof(*grown.entries);
	*table = grown;
	return true;
}

struct strip *phyr_table_find(const struct strip_table *table, uint64_t word)
{
	if (table->cap == 0)
		return NULL;
	for (size_t i = home(table, word); table->entries[i].strip; i = behind(table, i))
		if (table->entries[i].word == word)
			return table->entries[i].strip;
	return NULL;
}

void phyr_table_remove(struct strip_table *table, uint64_t word)
{
	size_t mask = table->cap - 1;
	size_t gap = home(table, word);

	while (table->entries[gap].word != word || !table->entries[gap].strip)
		gap = behind(table, gap);
	/* Close the gap with every later entry whose probe path leads over it. */
	for (size_t i = behind(table, gap); table->entries[i].strip; i = behind(table, i)) {
		size_t from = home(table, table->entries[i].word);

		if (((i - from) & mask) >= ((i - gap) & mask)) {
			table->entries[gap] = table->entries[i];
			gap = i;
		}
	}
	table->entries[gap].strip = NULL;
	table->cnt--;
}
