/* SPDX-License-Identifier: MIT */
/*
 * What the unit tests of I/O address spaces and their caches share: a space for each case, which
 * must be sound in the end, and one-line calls that look at everything a call promises.
 */
#ifndef PHYR_TEST_IOVA_WORLD_H
#define PHYR_TEST_IOVA_WORLD_H

#include <phyr/bits.h>
#include <phyr/iova.h>

#include "test.h"

#define PAGE PHYR_PAGE_SIZE
/** First byte of a page, by its number. */
#define P(number) ((uint64_t)(number)*PAGE)
/** First byte of the highest page. */
#define TOP (UINT64_MAX - PAGE + 1)

struct fixture {
	struct test_mem mem;
	struct phyr_window window;
	struct phyr_iova_space *space;
};

static inline struct phyr_window window(uint64_t first, uint64_t last)
{
	struct phyr_window between = { { first }, { last } };

	return between;
}

static inline struct phyr_iova_range pages_at(uint64_t iova, uint64_t page_cnt)
{
	struct phyr_iova_range range = { { iova }, page_cnt * PAGE };

	return range;
}

static inline struct phyr_placement anywhere(enum phyr_fit fit)
{
	struct phyr_placement placement = phyr_placement_any();

	placement.fit = fit;
	return placement;
}

/** The modulus and the phase in pages. */
static inline struct phyr_placement aligned(enum phyr_fit fit, unsigned int lg2, uint64_t phase)
{
	struct phyr_placement placement = anywhere(fit);

	placement.phase_lg2 = (uint8_t)(PHYR_PAGE_LG2 + lg2);
	placement.phase = phase * PAGE;
	return placement;
}

static inline struct phyr_placement bounded(enum phyr_fit fit, unsigned int lg2)
{
	struct phyr_placement placement = anywhere(fit);

	placement.boundary_lg2 = (uint8_t)(PHYR_PAGE_LG2 + lg2);
	return placement;
}

static inline struct phyr_placement between(uint64_t first, uint64_t last)
{
	struct phyr_placement placement = phyr_placement_any();

	placement.window = window(first, last);
	return placement;
}

/** Makes the space of a case; after_case() ends it. */
static inline struct fixture *open_space(void **state, uint64_t first, uint64_t last)
{
	struct fixture *f = *state;
	struct phyr_iova_params params = { .mem = &f->mem.mem, .window = window(first, last) };

	f->window = params.window;
	assert_int_equal(phyr_iova_create(&params, &f->space), PHYR_OK);
	return f;
}

static inline struct phyr_iova_stats stats_of(const struct fixture *f)
{
	struct phyr_iova_stats stats;

	memset(&stats, 0xa5, sizeof(stats));
	phyr_iova_stats(f->space, &stats);
	return stats;
}

/** What lies in a window, range by range. */
struct tiling {
	uint64_t live_len;
	uint64_t live_cnt;
	uint64_t hole_cnt;
	uint64_t largest_len;
};

/** The range or the hole that begins at an address; there must be one, and not both. */
static inline bool piece_at(const struct fixture *f, uint64_t at, struct phyr_iova_range *ret_piece)
{
	struct phyr_iova_range live = { { 0 }, 0 };
	struct phyr_iova_range hole = { { 0 }, 0 };
	bool is_live = phyr_iova_next(f->space, phyr_iova_at(at), &live) && live.iova.addr == at;
	bool is_hole = phyr_iova_next_hole(f->space, phyr_iova_at(at), &hole) &&
		       hole.iova.addr == at;

	assert_int_equal(is_live + is_hole, 1);
	*ret_piece = is_live ? live : hole;
	assert_true(ret_piece->len > 0);
	return is_live;
}

/** Walks a space: live ranges and holes cover the window, and no hole ends where one begins. */
static inline struct tiling tiling_of(const struct fixture *f)
{
	struct tiling tiling = { 0, 0, 0, 0 };
	struct phyr_iova_range piece;
	uint64_t last = f->window.first.addr - 1;
	bool was_live = true;

	do {
		bool live = piece_at(f, last + 1, &piece);

		assert_true(live || was_live);
		was_live = live;
		tiling.live_cnt += live;
		tiling.live_len += live ? piece.len : 0;
		tiling.hole_cnt += !live;
		if (!live && tiling.largest_len < piece.len)
			tiling.largest_len = piece.len;
		/* A hole of 2^64 bytes has no length of its own. */
		last = live || piece.len != UINT64_MAX ? last + piece.len : UINT64_MAX;
		assert_true(last <= f->window.last.addr);
	} while (last != f->window.last.addr);
	return tiling;
}

static inline uint64_t holes_of(const struct fixture *f)
{
	return tiling_of(f).hole_cnt;
}

/** The space audits itself, its two iterators agree, and its statistics say what they tell. */
static inline void expect_sound(const struct fixture *f)
{
	const char *reason = "untouched";
	struct phyr_iova_stats stats = stats_of(f);
	struct tiling tiling = tiling_of(f);

	if (!phyr_iova_validate(f->space, &reason))
		fail_msg("%s", reason);
	assert_string_equal(reason, "untouched");
	/* A length of 2^64 is told as 2^64 − 1. */
	if (tiling.live_cnt && !tiling.live_len)
		tiling.live_len = UINT64_MAX;
	assert_int_equal(stats.live_len, tiling.live_len);
	assert_int_equal(stats.live_cnt, tiling.live_cnt);
	assert_int_equal(stats.largest_len, tiling.largest_len);
}

static inline int before_case(void **state)
{
	static struct fixture f;

	f.space = NULL;
	test_mem_init(&f.mem);
	*state = &f;
	return 0;
}

/** Whatever a case did, its space, if it has one, is sound and leaves nothing behind. */
static inline int after_case(void **state)
{
	struct fixture *f = *state;

	if (f->space)
		expect_sound(f);
	phyr_iova_destroy(f->space);
	assert_int_equal(f->mem.live_cnt, 0);
	return 0;
}

/** Each case has a space of its own. */
#define CASE(name) cmocka_unit_test_setup_teardown(name, before_case, after_case)

/** Allocates pages and says where. */
static inline uint64_t take(struct fixture *f, uint64_t page_cnt,
			    const struct phyr_placement *placement)
{
	struct phyr_iova_range range;

	assert_int_equal(phyr_iova_alloc(f->space, page_cnt * PAGE, placement, &range), PHYR_OK);
	assert_int_equal(range.len, page_cnt * PAGE);
	return range.iova.addr;
}

/** A refusal leaves everything as it was, but for the counter of such refusals. */
static inline void expect_unchanged(const struct fixture *f, const struct phyr_iova_stats *before)
{
	struct phyr_iova_stats after = stats_of(f);

	assert_int_equal(after.live_len, before->live_len);
	assert_int_equal(after.live_cnt, before->live_cnt);
	assert_int_equal(after.live_len_max, before->live_len_max);
	assert_int_equal(after.live_cnt_max, before->live_cnt_max);
	assert_int_equal(after.largest_len, before->largest_len);
	assert_int_equal(after.alloc_cnt, before->alloc_cnt);
	assert_int_equal(after.cached_len, before->cached_len);
	assert_int_equal(after.metadata_len, before->metadata_len);
	expect_sound(f);
}

static inline void refuse(struct fixture *f, uint64_t len, const struct phyr_placement *placement,
			  int err)
{
	struct phyr_iova_range range = { { 0x123 }, 0x456 };
	struct phyr_iova_stats before = stats_of(f);

	assert_int_equal(phyr_iova_alloc(f->space, len, placement, &range), err);
	assert_int_equal(range.iova.addr, 0x123);
	assert_int_equal(range.len, 0x456);
	assert_int_equal(stats_of(f).nospace_cnt - before.nospace_cnt, err == PHYR_E_NOSPACE);
	assert_int_equal(stats_of(f).limit_cnt - before.limit_cnt, err == PHYR_E_LIMIT);
	expect_unchanged(f, &before);
}

static inline void give_back(struct fixture *f, uint64_t iova, uint64_t page_cnt)
{
	assert_int_equal(phyr_iova_free(f->space, pages_at(iova, page_cnt)), PHYR_OK);
}

static inline void reserve(struct fixture *f, uint64_t iova, uint64_t page_cnt)
{
	assert_int_equal(phyr_iova_reserve(f->space, pages_at(iova, page_cnt)), PHYR_OK);
}

static inline void refuse_reserve(struct fixture *f, uint64_t iova, uint64_t len, int err)
{
	struct phyr_iova_range range = { { iova }, len };
	struct phyr_iova_stats before = stats_of(f);

	assert_int_equal(phyr_iova_reserve(f->space, range), err);
	assert_int_equal(stats_of(f).exists_cnt - before.exists_cnt, err == PHYR_E_EXISTS);
	expect_unchanged(f, &before);
}

static inline void refuse_free(struct fixture *f, uint64_t iova, uint64_t len, int err)
{
	struct phyr_iova_range range = { { iova }, len };
	struct phyr_iova_stats before = stats_of(f);

	assert_int_equal(phyr_iova_free(f->space, range), err);
	assert_int_equal(stats_of(f).refused_cnt - before.refused_cnt, 1);
	expect_unchanged(f, &before);
}

#endif
