/* SPDX-License-Identifier: MIT */
/* Lists in a world of the mapping layer, and a device that reads and writes what is mapped of them. */
#ifndef PHYR_TEST_DMA_DEVICE_H
#define PHYR_TEST_DMA_DEVICE_H

#include "dma_world.h"

/* The bytes that the device reaches at an address, all of them in one granule. */
static inline uint64_t device_pa(const struct world *w, uint64_t iova, uint64_t len,
				 enum phyr_perm perm)
{
	uint64_t at = (iova - BASE) >> w->lg2;
	uint64_t pa;

	if (w->params.address_last)
		assert_true(iova <= w->params.address_last &&
			    len - 1 <= w->params.address_last - iova);
	if (w->lg2 && iova >= BASE && at < GRANULES) {
		assert_int_equal(w->granules[at].state, GRANULE_MAPPED);
		assert_int_equal(w->granules[at].perm & perm, perm);
		return w->granules[at].pa + (iova & phyr_bits_mask(w->lg2));
	}
	pa = iova - BUS;
	if (pa >= NEAR_BAR && pa < BRIDGE_BAR)
		return pa;
	assert_int_equal(w->lg2, 0);
	return iova - w->params.bus_offset;
}

/* The addresses of a mapping and the bytes of its list, side by side. */
struct pairs {
	struct phyr_dma_cursor dma;
	struct phyr_list_cursor list;
	struct phyr_iova_range seen;
	struct phyr_range run;
	struct phyr_tag tag;
	uint64_t iova, pa, len; /* a piece, inside of one granule */
	uint64_t range_cnt;	/* ranges seen so far */
};

static inline void pairs_begin(struct pairs *p, const struct phyr_dma_map *map,
			       const struct phyr_list *list)
{
	memset(p, 0, sizeof(*p));
	phyr_dma_begin(map, &p->dma);
	phyr_list_begin(list, &p->list);
}

static inline bool pairs_next(const struct world *w, struct pairs *p)
{
	struct phyr_run run;

	if (p->run.len == 0) {
		if (!phyr_list_next(&p->list, &run)) {
			assert_int_equal(p->seen.len, 0);
			assert_false(phyr_dma_next(&p->dma, &p->seen));
			return false;
		}
		p->run = run.range;
		p->tag = run.tag;
	}
	if (p->seen.len == 0) {
		assert_true(phyr_dma_next(&p->dma, &p->seen));
		assert_true(p->seen.len);
		p->range_cnt++;
	}
	p->iova = p->seen.iova.addr;
	p->pa = p->run.pa.addr;
	p->len = phyr_bits_size(w->lg2 ? w->lg2 : 12);
	p->len -= p->iova & (p->len - 1);
	p->len = p->len < p->seen.len ? p->len : p->seen.len;
	p->len = p->len < p->run.len ? p->len : p->run.len;
	p->seen.iova.addr += p->len;
	p->seen.len -= p->len;
	p->run.pa.addr += p->len;
	p->run.len -= p->len;
	return true;
}

/* The device reads what is in the list; a peer's bytes it reaches where they are. Counts ranges. */
static inline uint64_t device_reads(const struct world *w, const struct phyr_dma_map *map,
				    const struct phyr_list *list)
{
	struct pairs p;

	pairs_begin(&p, map, list);
	while (pairs_next(w, &p)) {
		uint64_t pa = device_pa(w, p.iova, p.len, PHYR_PERM_READ);

		assert_memory_equal(w->bytes + pa, w->bytes + p.pa, (size_t)p.len);
		assert_true(p.tag.kind != PHYR_KIND_P2P || pa == p.pa);
	}
	return p.range_cnt;
}

/* The device writes all of it; the shadow gets what the list's bytes are to be. */
static inline void device_writes(struct world *w, const struct phyr_dma_map *map,
				 const struct phyr_list *list)
{
	static uint64_t random = 7;
	struct pairs p;

	pairs_begin(&p, map, list);
	while (pairs_next(w, &p)) {
		uint64_t pa = device_pa(w, p.iova, p.len, PHYR_PERM_WRITE);

		for (uint64_t i = 0; i < p.len; i++) {
			w->bytes[pa + i] = (unsigned char)(test_random(&random) % OLD);
			w->shadow[p.pa + i] = w->bytes[pa + i];
		}
	}
}

/* The CPU writes a byte. */
static inline void cpu_writes(struct world *w, uint64_t pa, unsigned char byte)
{
	w->bytes[pa] = byte;
	w->shadow[pa] = byte;
}

/* Memory is as it is to be; what the pool has is nobody's business. */
static inline void expect_bytes(const struct world *w)
{
	assert_memory_equal(w->bytes, w->shadow, POOL);
	assert_memory_equal(w->bytes + POOL + POOL_LEN, w->shadow + POOL + POOL_LEN,
			    MEMORY - POOL - POOL_LEN);
}

static inline void add_tagged(struct world *w, uint64_t pa, uint64_t len, struct phyr_tag tag)
{
	struct phyr_range range = { { pa }, len };

	assert_int_equal(phyr_list_append(&w->list, range, tag), PHYR_OK);
}

static inline void add(struct world *w, uint64_t pa, uint64_t len)
{
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	add_tagged(w, pa, len, tag);
}

/* Memory of peers, whoever they are. */
static inline void add_peer(struct world *w, uint64_t pa, uint64_t len)
{
	struct phyr_tag tag = { PHYR_KIND_P2P, 0 };

	add_tagged(w, pa, len, tag);
}

static inline void add_encrypted(struct world *w, uint64_t pa, uint64_t len)
{
	struct phyr_tag tag = { PHYR_KIND_ENCRYPTED, 0 };

	add_tagged(w, pa, len, tag);
}

static inline struct phyr_dma_map map_perm(struct world *w, enum phyr_perm perm)
{
	struct phyr_dma_map map;

	assert_int_equal(phyr_dma_map(w->dma, &w->list, perm, NULL, &map), PHYR_OK);
	assert_int_equal(map.perm, perm);
	return map;
}

static inline struct phyr_dma_map map_list(struct world *w)
{
	return map_perm(w, RW);
}

static inline void unmap(struct world *w, struct phyr_dma_map *map)
{
	assert_int_equal(phyr_dma_unmap(w->dma, map), PHYR_OK);
	assert_int_equal(map->form, PHYR_DMA_NONE);
	assert_int_equal(phyr_dma_unmap(w->dma, map), PHYR_E_NOENT);
}

/* Nothing is left of what could not be mapped, and nothing was written. */
static inline void refuse(struct world *w, int err)
{
	struct phyr_dma_stats before = stats_of(w), after;
	size_t hidden = count_granules(w, GRANULE_HIDDEN);
	/* What caches hold, nobody has. */
	uint64_t live = w->space && !w->cache ? live_cnt(w) : 0;
	struct phyr_dma_map map;
	size_t slots = slots_used(w);

	memset(&map, 0xa5, sizeof(map));
	assert_int_equal(phyr_dma_map(w->dma, &w->list, RW, NULL, &map), err);
	for (size_t i = 0; i < sizeof(map); i++)
		assert_int_equal(((unsigned char *)&map)[i], 0xa5);
	after = stats_of(w);
	assert_int_equal(after.map_cnt, before.map_cnt);
	assert_int_equal(after.mapped_len, before.mapped_len);
	assert_int_equal(after.reserved_len, before.reserved_len);
	assert_int_equal(after.bounced_len, before.bounced_len);
	assert_int_equal(after.list_len, before.list_len);
	assert_int_equal(after.bus_len, before.bus_len);
	assert_int_equal(after.bridge_len, before.bridge_len);
	assert_true(slots_used(w) == slots && count_granules(w, GRANULE_HIDDEN) == hidden);
	assert_true(w->space == NULL || w->cache || live_cnt(w) == live);
}

/* Maps, has the device read and write all of it, unmaps, and looks at memory. Tells the ranges. */
static inline uint64_t round_trip(struct world *w, enum phyr_dma_form form)
{
	struct phyr_dma_map map = map_list(w);
	uint64_t cnt;

	assert_int_equal(map.form, form);
	cnt = device_reads(w, &map, &w->list);
	device_writes(w, &map, &w->list);
	assert_int_equal(map.range.len, phyr_list_len(&w->list));
	unmap(w, &map);
	expect_bytes(w);
	return cnt;
}

#endif
