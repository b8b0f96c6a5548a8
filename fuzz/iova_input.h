/* SPDX-License-Identifier: MIT */
/*
 * An I/O address space with two caches that bytes drive, a table of what it tells and one of what is
 * out; for fuzz_iova.c.
 */
#ifndef PHYR_FUZZ_IOVA_INPUT_H
#define PHYR_FUZZ_IOVA_INPUT_H

#include "../tests/iova_model.h"
#include "input.h"

#define CACHES 2
/** Longer inputs say nothing new, and take long. [bytes] */
#define INPUT_MAX 4096

struct world {
	struct memory memory;
	struct phyr_iova_space *space;
	struct phyr_iova_cache *caches[CACHES];
	struct phyr_placement placements[CACHES];
	struct model told; /* what the space tells: what is out, what caches have or have noted */
	struct model out;  /* what was handed out and not yet given back */
};

/** [granules] */
static inline uint64_t take_cnt(struct input *in, unsigned int op)
{
	return (take(in, 1) + 1) * (op & 0x80 ? 8 : 1);
}

/** Five bytes: fit and modulus, phase, boundary, and the window in 256ths of the space. */
static inline struct phyr_placement take_placement(struct input *in, const struct model *m)
{
	struct phyr_placement p = phyr_placement_any();
	unsigned int how = (unsigned int)take(in, 1);
	unsigned int lg2 = how >> 2 & 15;
	uint64_t phase = take(in, 1) % phyr_bits_size(lg2);
	unsigned int boundary_lg2 = (unsigned int)take(in, 1) % 12;
	uint64_t first = take(in, 1) * m->cnt >> 8;
	uint64_t last = take(in, 1) * m->cnt >> 8;

	p.fit = (enum phyr_fit)(how & 3);
	if (lg2) {
		p.phase_lg2 = (uint8_t)(m->granule_lg2 + lg2);
		p.phase = phase << m->granule_lg2;
	}
	if (boundary_lg2)
		p.boundary_lg2 = (uint8_t)(m->granule_lg2 + boundary_lg2 - 1);
	if (first)
		p.window.first.addr = model_address(m, first) - (how >> 6 & 1);
	if (last)
		p.window.last.addr = model_address(m, last) - (how >> 7);
	return p;
}

/** A granule, where the space lies (0: at the bottom, 1: at the top), its size. */
static inline void world_begin(struct world *w, struct input *in)
{
	struct phyr_iova_params params = { .granule_lg2 = 12 + (unsigned int)take(in, 1) % 5 };
	uint64_t where = take(in, 1);
	uint64_t cnt = 8 * (take(in, 1) + 1);
	uint64_t first = where == 1 ? 0 - cnt : where * 37;

	memset(w, 0, sizeof(*w));
	memory_init(&w->memory);
	params.mem = &w->memory.mem;
	params.window.first.addr = first << params.granule_lg2;
	params.window.last.addr = params.window.first.addr + ((cnt << params.granule_lg2) - 1);
	require(model_open(&w->told, params.window, params.granule_lg2));
	require(model_open(&w->out, params.window, params.granule_lg2));
	require(phyr_iova_create(&params, &w->space) == PHYR_OK);
	for (unsigned int c = 0; c < CACHES; c++) {
		w->placements[c] = take_placement(in, &w->told);
		require(!phyr_iova_cache_create(w->space, &w->placements[c], &w->caches[c]));
	}
}

/** A range was handed out, no granule of which is out. */
static inline void bring_out(struct world *w, struct phyr_iova_range range)
{
	uint64_t pos = 0;
	uint64_t cnt = range.len >> w->out.granule_lg2;

	require(model_pos(&w->out, range.iova.addr, &pos));
	require(cnt && cnt <= w->out.cnt - pos && model_all_free(&w->out, pos, cnt));
	model_take(&w->out, pos, cnt);
}

/** Through a cache, or as the space itself answers. */
static inline int give(struct world *w, unsigned int to, struct phyr_iova_range range)
{
	return to < CACHES ? phyr_iova_cache_free(w->caches[to], range) :
			     phyr_iova_free(w->space, range);
}

/** What is out is live, one for one; what else is live is for the caches to answer for. */
static inline void require_sound(struct world *w)
{
	struct phyr_iova_stats stats;

	require(!model_read(&w->told, w->space));
	require(phyr_iova_validate(w->space, NULL));
	for (uint64_t pos = 0; pos < w->out.cnt; pos++)
		require(!w->out.lens[pos] || w->told.lens[pos] == w->out.lens[pos]);
	phyr_iova_stats(w->space, &stats);
	require(stats.live_len == w->told.live_len && stats.live_cnt == w->told.live_cnt);
	require(stats.largest_len == model_largest(&w->told));
	for (unsigned int c = 0; c < CACHES; c++)
		require(phyr_iova_cache_validate(w->caches[c], NULL));
}

static inline void world_end(struct world *w)
{
	for (unsigned int c = 0; c < CACHES; c++) {
		require(phyr_iova_cache_drain(w->caches[c]) == PHYR_OK);
		phyr_iova_cache_destroy(w->caches[c]);
	}
	require(!model_read(&w->told, w->space));
	require(w->told.live_cnt == w->out.live_cnt && w->told.live_len == w->out.live_len);
	require(memcmp(w->told.lens, w->out.lens, (size_t)w->out.cnt * sizeof(*w->out.lens)) == 0);
	phyr_iova_destroy(w->space);
	require(w->memory.live_cnt == 0);
	model_close(&w->told);
	model_close(&w->out);
}

#endif
