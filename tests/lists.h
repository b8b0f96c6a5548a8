/* SPDX-License-Identifier: MIT */
/*
 * How tests make lists, whatever they test with them, and compare them. Not here: sizes, and the
 * fixtures of the tests of lists themselves (list_world.h).
 */
#ifndef PHYR_TEST_LISTS_H
#define PHYR_TEST_LISTS_H

#include <phyr/base.h>
#include <phyr/list.h>

#include "test.h"

static const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

/* An empty list with its own allocator. */
static inline void list_open(struct phyr_list *list, struct test_mem *mem)
{
	test_mem_init(mem);
	phyr_list_init(list, &mem->mem);
}

/* After a list, and all else that lives on its allocator, nothing is left. */
static inline void list_close(struct phyr_list *list, const struct test_mem *mem)
{
	phyr_list_fini(list);
	assert_int_equal(mem->live_cnt, 0);
	assert_int_equal(mem->live_len, 0);
}

static inline int add(struct phyr_list *list, uint64_t addr, uint64_t len, struct phyr_tag tag)
{
	struct phyr_range range = { { addr }, len };

	return phyr_list_append(list, range, tag);
}

static inline void append_tagged(struct phyr_list *list, uint64_t addr, uint64_t len,
				 struct phyr_tag tag)
{
	assert_int_equal(add(list, addr, len, tag), PHYR_OK);
}

static inline void append(struct phyr_list *list, uint64_t addr, uint64_t len)
{
	append_tagged(list, addr, len, ram);
}

/* At most four runs: the words in the head suffice and nothing has to be freed. */
static inline void list_of(struct phyr_list *list, const struct phyr_range *runs, size_t run_cnt)
{
	phyr_list_init(list, NULL);
	for (size_t i = 0; i < run_cnt; i++)
		append(list, runs[i].pa.addr, runs[i].len);
}

static inline void list_of_one(struct phyr_list *list, uint64_t addr, uint64_t len)
{
	const struct phyr_range run = { { addr }, len };

	list_of(list, &run, 1);
}

static inline struct phyr_list_stats stats_of(const struct phyr_list *list)
{
	struct phyr_list_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_list_stats(list, &stats);
	return stats;
}

/* All figures but storage_len, which depends on the way a list was made. */
static inline void assert_same_figures(const struct phyr_list *a, const struct phyr_list *b)
{
	struct phyr_list_stats stats[] = { stats_of(a), stats_of(b) };

	stats[0].storage_len = stats[1].storage_len;
	/* There is no padding before the last member. */
	assert_memory_equal(&stats[0], &stats[1],
			    offsetof(struct phyr_list_stats, granular) + sizeof(bool));
}

/* Nobody can tell the two lists apart, but by where their words are. */
static inline void assert_same(const struct phyr_list *a, const struct phyr_list *b)
{
	assert_true(phyr_list_validate(a, NULL));
	assert_true(phyr_list_validate(b, NULL));
	assert_same_figures(a, b);
	assert_true(phyr_list_equal(a, b));
	assert_true(phyr_list_equal(b, a));
	assert_true(phyr_list_equal(a, a));
}

#endif
