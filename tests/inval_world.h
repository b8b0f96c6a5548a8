/* SPDX-License-Identifier: MIT */
/* A personality whose commands are kept, and gathers to give to it. */
#ifndef PHYR_TEST_INVAL_WORLD_H
#define PHYR_TEST_INVAL_WORLD_H

#include <phyr/bits.h>
#include <phyr/iommu.h>
#include <phyrsim/inval.h>

#include "test.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define G1 UINT64_C(0x40000000)

struct world {
	struct phyrsim_inval inval;
	struct phyr_gather gather;
	struct phyrsim_command commands[2048];
	size_t cnt;
};

static inline void keep(void *ctx, const struct phyrsim_command *command)
{
	struct world *w = ctx;

	assert_true(w->cnt < CNT(w->commands));
	w->commands[w->cnt++] = *command;
}

static inline void start_with(struct world *w, const struct phyrsim_inval_params *params)
{
	struct phyrsim_command_sink sink = { keep, w };

	w->cnt = 0;
	phyr_gather_init(&w->gather);
	assert_int_equal(phyrsim_inval_init(params, &sink, &w->inval), PHYR_OK);
}

static inline void start(struct world *w, enum phyrsim_personality personality)
{
	struct phyrsim_inval_params params = { .personality = personality };

	start_with(w, &params);
}

/* What one unmap removed. */
static inline struct phyr_gather removed(uint64_t first, uint64_t last, uint64_t leaves)
{
	struct phyr_iova_range range = { { first }, last - first + 1 };
	struct phyr_gather gather;
	phyr_sizes sizes = { leaves };

	phyr_gather_init(&gather);
	phyr_gather_add(&gather, range);
	phyr_gather_add_leaves(&gather, sizes);
	return gather;
}

/* Tables of level 0 went with all of the range. */
static inline void with_tables(struct phyr_gather *gather, uint64_t first, uint64_t last)
{
	struct phyr_window span = { { first }, { last } };

	phyr_gather_add_table(gather, span);
}

static inline void unmap(struct world *w, uint64_t first, uint64_t last)
{
	struct phyr_gather gather = removed(first, last, K4);

	phyrsim_inval_add(&w->inval, &gather, &w->gather);
}

static inline void flush(struct world *w)
{
	phyrsim_inval_flush(&w->inval, &w->gather);
	phyr_gather_init(&w->gather);
}

/* One unmap and its flush, from no commands. */
static inline void strict(struct world *w, uint64_t first, uint64_t last)
{
	w->cnt = 0;
	unmap(w, first, last);
	flush(w);
}

static inline void assert_range(const struct phyrsim_command *command, uint64_t first, uint64_t len,
				bool walk)
{
	assert_int_equal(command->kind, PHYR_FLUSH_RANGE);
	assert_int_equal(command->range.iova.addr, first);
	assert_int_equal(command->range.len, len);
	assert_int_equal(command->walk, walk);
}

static inline void assert_all(const struct world *w)
{
	assert_int_equal(w->cnt, 1);
	assert_int_equal(w->commands[0].kind, PHYR_FLUSH_DOMAIN);
	assert_true(w->commands[0].walk);
}

#endif
