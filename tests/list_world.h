/* SPDX-License-Identifier: MIT */
/*
 * What the tests of lists share: a list with its own allocator that can be made to fail, a list and
 * one to compare it with, and pieces that bring every form of chunk into a list.
 */
#ifndef PHYR_TEST_LIST_WORLD_H
#define PHYR_TEST_LIST_WORLD_H

#include "lists.h"

#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define PIB (UINT64_C(1) << 50)
#define PAGE_MAX (UINT64_MAX / PAGE)
#define TOTAL_MAX (UINT64_MAX - 4095)

static const struct phyr_tag bar = { PHYR_KIND_P2P, 1 };
static const struct phyr_tag unknown = { (enum phyr_kind)PHYR_KIND_CNT, 0 };

/* A list with its own allocator. */
struct owned {
	struct test_mem mem;
	struct phyr_list list;
};

static inline void owned_init(struct owned *o)
{
	list_open(&o->list, &o->mem);
}

static inline void owned_fini(struct owned *o)
{
	list_close(&o->list, &o->mem);
}

static inline int owned_setup(void **state)
{
	static struct owned owned;

	memset(&owned, 0xa5, sizeof(owned));
	owned_init(&owned);
	*state = &owned;
	return 0;
}

static inline void fail_from(struct owned *o, size_t fail_at, bool sticky)
{
	o->mem.alloc_cnt = 0;
	o->mem.fail_at = fail_at;
	o->mem.sticky = sticky;
	o->mem.failed = false;
}

static inline void fail_no_more(struct owned *o)
{
	fail_from(o, SIZE_MAX, false);
}

/* The list is in order, and its figure for what it owes the hook is right. */
static inline void assert_sound(const struct owned *o)
{
	assert_true(phyr_list_validate(&o->list, NULL));
	assert_int_equal(stats_of(&o->list).storage_len, o->mem.live_len);
}

/* The list under test, and one to compare it with. */
struct twins {
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_list same;
};

static inline int twins_setup(void **state)
{
	static struct twins twins;

	memset(&twins, 0xa5, sizeof(twins));
	list_open(&twins.list, &twins.mem);
	phyr_list_init(&twins.same, &twins.mem.mem);
	*state = &twins;
	return 0;
}

static inline void start_again(struct twins *t)
{
	phyr_list_fini(&t->same);
	list_close(&t->list, &t->mem);
}

static inline int twins_teardown(void **state)
{
	start_again(*state);
	return 0;
}

/* Piece i of a list that has every form of chunk, tags, and runs stored in parts. */
static inline struct phyr_range piece(uint64_t i)
{
	struct phyr_range range = { { i * GIB + PAGE }, PAGE };

	if (i % 31 == 5)
		range.len = 4 * PIB + 3 * PAGE + 7;
	else if (i % 7 == 3)
		range.len = 2 * PAGE + 77;
	else if (i % 11 == 7)
		range.len = 4097 * PAGE;
	if (i % 13 == 0 || i % 31 == 5)
		range.pa.addr += 1234;
	return range;
}

static inline struct phyr_tag piece_tag(uint64_t i)
{
	return i % 5 == 4 ? bar : ram;
}

static inline void build_pieces(struct phyr_list *list, uint64_t i, uint64_t end)
{
	for (; i < end; i++)
		assert_int_equal(phyr_list_append(list, piece(i), piece_tag(i)), PHYR_OK);
}

#endif
