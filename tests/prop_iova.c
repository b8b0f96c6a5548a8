/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a space, against a table of its granules: every answer, every address, every
 * range and hole and every statistic is what the header's rule says of that table.
 *
 * PHYR_SEED and PHYR_ITER choose which spaces and how many. Not here: errors of arguments
 * (test_iova.c), failing memory (oom_iova.c), caches (prop_iova_cache.c).
 */
#include "iova_model.h"
#include "test.h"

/** Operations on a space. */
#define OPS 250
/** Most ranges that are reserved from the start. */
#define RESERVED_MAX 4

struct world {
	struct test_mem mem;
	struct phyr_iova_space *space;
	struct model m;
	uint64_t seed;
	uint64_t random;
	uint64_t op;
	uint64_t stride; /* every so many operations everything is compared */
	struct phyr_iova_stats want;
};

static void check(const struct world *w, bool holds, const char *what)
{
	if (!holds)
		fail_msg("PHYR_SEED=%llu PHYR_ITER=1, operation %llu: %s",
			 (unsigned long long)w->seed, (unsigned long long)w->op, what);
}

static uint64_t below(struct world *w, uint64_t limit)
{
	return test_random(&w->random) % limit;
}

/* At the bottom, at the top, across an edge of the tree, or where nothing is aligned by chance. */
static struct phyr_window random_place(struct world *w, uint64_t cnt, unsigned int granule_lg2)
{
	unsigned int bits = 64 - granule_lg2;
	struct phyr_window window;
	uint64_t first = 0;

	switch (below(w, 4)) {
	case 0:
		break;
	case 1:
		first = phyr_bits_mask(bits) - (cnt - 1);
		break;
	case 2:
		first = phyr_bits_size(16 + (unsigned int)below(w, bits - 17)) - 1 - below(w, cnt);
		break;
	default:
		first = below(w, 5000);
	}
	window.first.addr = first << granule_lg2;
	window.last.addr = window.first.addr + ((cnt << granule_lg2) - 1);
	return window;
}

static void took(struct world *w, uint64_t pos, uint64_t cnt)
{
	model_take(&w->m, pos, cnt);
	w->want.alloc_cnt++;
	if (w->want.live_cnt_max < w->m.live_cnt)
		w->want.live_cnt_max = w->m.live_cnt;
	if (w->want.live_len_max < w->m.live_len)
		w->want.live_len_max = w->m.live_len;
}

/* Lengths are mostly short; some are longer than the space. */
static uint64_t random_cnt(struct world *w)
{
	const uint64_t limits[] = { 1, 3, 8, 16, 32, 64, w->m.cnt / 7, w->m.cnt + 8 };

	return 1 + below(w, limits[below(w, CNT(limits))]);
}

/* Random ranges that do not overlap, in no order. */
static size_t random_reserved(struct world *w, struct phyr_iova_range *ret_reserved)
{
	size_t cnt = 0;

	for (uint64_t tries = below(w, RESERVED_MAX + 1); tries > 0; tries--) {
		uint64_t pos = below(w, w->m.cnt);
		uint64_t len = random_cnt(w);

		if (pos + len > w->m.cnt || !model_all_free(&w->m, pos, len))
			continue;
		ret_reserved[cnt++] = model_range(&w->m, pos, len);
		took(w, pos, len);
	}
	return cnt;
}

/* Sizes that fit a node of the lowest level, that take several, and several levels of them. */
static void world_begin(struct world *w, uint64_t seed)
{
	static const uint64_t cnts[] = { 256, 256, 256, 512, 700, 700, 700, 1100, 5000, 40000 };
	struct phyr_iova_range reserved[RESERVED_MAX];
	struct phyr_iova_params params = { .reserved = reserved };
	uint64_t cnt;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	params.granule_lg2 = 12 + (unsigned int)below(w, 5);
	cnt = cnts[below(w, CNT(cnts))];
	w->stride = 1 + cnt / 1200;
	params.window = random_place(w, cnt, params.granule_lg2);
	check(w, model_open(&w->m, params.window, params.granule_lg2), "no memory for the model");
	params.reserved_cnt = random_reserved(w, reserved);
	test_mem_init(&w->mem);
	params.mem = &w->mem.mem;
	assert_int_equal(phyr_iova_create(&params, &w->space), PHYR_OK);
}

static void world_end(struct world *w)
{
	phyr_iova_destroy(w->space);
	check(w, w->mem.live_cnt == 0, "the space leaves memory behind");
	model_close(&w->m);
}

/* An address in the space or a little beside it. */
static uint64_t random_address(struct world *w)
{
	uint64_t from = w->m.window.first.addr - (UINT64_C(20) << w->m.granule_lg2);

	return from + below(w, (w->m.cnt + 40) << w->m.granule_lg2);
}

/* Some windows are inverted, some off the granules. */
static struct phyr_placement random_placement(struct world *w)
{
	struct phyr_placement p = phyr_placement_any();
	unsigned int lg2 = (unsigned int)below(w, w->m.cnt > 1000 ? 13 : 10);

	if (below(w, 3) == 0)
		p.window.first.addr = random_address(w);
	if (below(w, 3) == 0)
		p.window.last.addr = random_address(w);
	if (below(w, 2)) {
		p.phase_lg2 = (uint8_t)(w->m.granule_lg2 + lg2);
		p.phase = below(w, UINT64_C(1) << lg2) << w->m.granule_lg2;
	}
	if (below(w, 3) == 0)
		p.phase = 0;
	if (below(w, 3) == 0)
		p.boundary_lg2 = (uint8_t)(w->m.granule_lg2 + below(w, 11));
	if (below(w, 50) == 0)
		p.boundary_lg2 = (uint8_t)(1 + below(w, w->m.granule_lg2));
	p.fit = (enum phyr_fit)below(w, 4);
	return p;
}

static uint64_t search_cnt(const struct world *w)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(w->space, &stats);
	return stats.search_cnt;
}

/* How many holes were tried is prescribed where the place is. */
static void expect_tried(struct world *w, const struct model_answer *want)
{
	uint64_t tried = search_cnt(w) - w->want.search_cnt;

	if (want->exact || !want->tried)
		check(w, tried == want->tried, "another number of holes tried");
	else
		check(w, tried > 0 && tried <= want->tried, "too few or too many holes tried");
	w->want.search_cnt += tried;
}

static void expect_place(struct world *w, const struct model_answer *want,
			 const struct phyr_placement *p, struct phyr_iova_range range, uint64_t cnt)
{
	struct phyr_iova_range expected = model_range(&w->m, want->pos, cnt);
	uint64_t pos = want->pos;

	check(w, range.len == expected.len, "another length");
	if (want->exact)
		check(w, range.iova.addr == expected.iova.addr, "another address");
	check(w, model_may_take(&w->m, p, range, cnt), "not free, or not as asked");
	(void)model_pos(&w->m, range.iova.addr, &pos);
	took(w, pos, cnt);
}

static void op_alloc(struct world *w)
{
	struct phyr_placement p = random_placement(w);
	uint64_t cnt = random_cnt(w);
	uint64_t less = below(w, 2) ? below(w, phyr_bits_size(w->m.granule_lg2)) : 0;
	struct model_answer want = model_alloc_answer(&w->m, cnt, &p);
	struct phyr_iova_range range = { { 1 }, 2 };
	int err = phyr_iova_alloc(w->space, (cnt << w->m.granule_lg2) - less, &p, &range);

	check(w, err == want.err, "no space, limit or success is said wrongly");
	expect_tried(w, &want);
	if (want.err == PHYR_OK) {
		expect_place(w, &want, &p, range, cnt);
		return;
	}
	w->want.nospace_cnt += want.err == PHYR_E_NOSPACE;
	w->want.limit_cnt += want.err == PHYR_E_LIMIT;
	check(w, range.iova.addr == 1 && range.len == 2, "a refusal writes its result");
}

static void op_reserve(struct world *w)
{
	uint64_t pos = below(w, w->m.cnt);
	uint64_t cnt = random_cnt(w);
	int want = PHYR_E_RANGE;

	if (pos + cnt <= w->m.cnt)
		want = model_all_free(&w->m, pos, cnt) ? PHYR_OK : PHYR_E_EXISTS;
	check(w, phyr_iova_reserve(w->space, model_range(&w->m, pos, cnt)) == want,
	      "reserve answers wrongly");
	w->want.exists_cnt += want == PHYR_E_EXISTS;
	if (want == PHYR_OK)
		took(w, pos, cnt);
}

/* Mostly a live range as it is, often wrong in length or place. */
static void op_free(struct world *w)
{
	uint64_t pos = below(w, w->m.cnt);
	struct phyr_iova_range range;
	int want;

	for (uint64_t i = 0; i < w->m.cnt && !w->m.lens[pos] && below(w, 200); i++)
		pos = (pos + 1) % w->m.cnt;
	range = model_range(&w->m, pos, w->m.lens[pos] ? w->m.lens[pos] : random_cnt(w));
	if (below(w, 8) == 0)
		range.len += phyr_bits_size(w->m.granule_lg2) >> below(w, 2);
	if (below(w, 16) == 0)
		range.len -= phyr_bits_size(w->m.granule_lg2);
	if (below(w, 16) == 0)
		range.iova.addr += phyr_bits_size(w->m.granule_lg2 - (unsigned int)below(w, 2));
	want = model_free_answer(&w->m, range);
	check(w, phyr_iova_free(w->space, range) == want, "free answers wrongly");
	w->want.refused_cnt += want != PHYR_OK;
	if (want == PHYR_OK && model_pos(&w->m, range.iova.addr, &pos))
		model_give(&w->m, pos);
}

static void expect_stats(struct world *w)
{
	struct phyr_iova_stats got;

	phyr_iova_stats(w->space, &got);
	check(w, got.live_len == w->m.live_len, "live_len");
	check(w, got.live_cnt == w->m.live_cnt, "live_cnt");
	check(w, got.live_len_max == w->want.live_len_max, "live_len_max");
	check(w, got.live_cnt_max == w->want.live_cnt_max, "live_cnt_max");
	check(w, got.largest_len == model_largest(&w->m), "largest_len");
	check(w, got.alloc_cnt == w->want.alloc_cnt, "alloc_cnt");
	check(w, got.nospace_cnt == w->want.nospace_cnt, "nospace_cnt");
	check(w, got.limit_cnt == w->want.limit_cnt, "limit_cnt");
	check(w, got.exists_cnt == w->want.exists_cnt, "exists_cnt");
	check(w, got.refused_cnt == w->want.refused_cnt, "refused_cnt");
	check(w, got.search_cnt == w->want.search_cnt, "search_cnt");
	check(w, got.cached_len == 0, "cached_len");
	check(w, got.metadata_len == w->mem.live_len, "metadata_len");
}

static bool next_of(struct world *w, uint64_t from, bool live, struct phyr_iova_range *ret)
{
	return live ? phyr_iova_next(w->space, phyr_iova_at(from), ret) :
		      phyr_iova_next_hole(w->space, phyr_iova_at(from), ret);
}

/* Every live range, or every hole, in order and no other. */
static void expect_walk(struct world *w, bool live)
{
	struct phyr_iova_range range;
	uint64_t from = 0;
	uint64_t pos = 0;

	while (next_of(w, from, live, &range)) {
		struct phyr_iova_range want = model_next(&w->m, pos, live);

		check(w, range.iova.addr == want.iova.addr && range.len == want.len,
		      live ? "another live range" : "another hole");
		pos = ((range.iova.addr - w->m.window.first.addr) + range.len) >> w->m.granule_lg2;
		if (__builtin_add_overflow(range.iova.addr, range.len, &from))
			break;
	}
	check(w, model_next(&w->m, pos, live).len == 0, "live ranges or holes are missing");
}

/* From any address: what lies there is told from its start, not from the address. */
static void expect_probe(struct world *w, bool live)
{
	uint64_t from = random_address(w);
	struct phyr_iova_range want = { { 0 }, 0 };
	struct phyr_iova_range range = { { 0 }, 0 };
	uint64_t pos = 0;

	if (from > w->m.window.last.addr)
		pos = w->m.cnt;
	else if (from > w->m.window.first.addr)
		pos = (from - w->m.window.first.addr) >> w->m.granule_lg2;
	while (pos > 0 && pos < w->m.cnt && w->m.taken[pos] == live &&
	       (live ? !w->m.lens[pos] : !w->m.taken[pos - 1]))
		pos--;
	if (pos < w->m.cnt)
		want = model_next(&w->m, pos, live);
	check(w, next_of(w, from, live, &range) == (want.len > 0), "a range or hole from nowhere");
	if (want.len)
		check(w, range.iova.addr == want.iova.addr && range.len == want.len,
		      "another range or hole from an address");
}

static void expect_all(struct world *w)
{
	const char *reason = "";

	expect_probe(w, true);
	expect_probe(w, false);
	if (w->op % w->stride)
		return;
	expect_stats(w);
	expect_walk(w, true);
	expect_walk(w, false);
	if (!phyr_iova_validate(w->space, &reason))
		check(w, false, reason);
}

static void every_answer_is_what_the_rule_says_of_a_table(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t cnt = test_number("PHYR_ITER", 150);
	struct world w;

	(void)state;
	for (uint64_t i = 0; i < cnt; i++) {
		/* Spaces differ in how full they run. */
		uint64_t frees;

		world_begin(&w, seed + i);
		frees = 2 + below(&w, 4);
		for (; w.op < OPS; w.op++) {
			uint64_t op = below(&w, 10);

			if (op < frees)
				op_free(&w);
			else if (op < 9)
				op_alloc(&w);
			else
				op_reserve(&w);
			expect_all(&w);
		}
		world_end(&w);
	}
}

/* Only one hole in three is wide enough, and which of them fit is not to be seen from outside. */
static void in_a_worn_space_every_hole_is_tried_before_it_says_no(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	struct phyr_iova_range range;
	struct world w;

	(void)state;
	for (uint64_t i = 0; i < 20; i++) {
		world_begin(&w, seed + i);
		for (uint64_t pos = 0; pos < w.m.cnt; pos += 1 + below(&w, 9)) {
			range = model_range(&w.m, pos, 1);
			if (model_all_free(&w.m, pos, 1)) {
				check(&w, !phyr_iova_reserve(w.space, range), "reserving");
				took(&w, pos, 1);
			}
		}
		for (; w.op < OPS; w.op++) {
			op_alloc(&w);
			expect_all(&w);
		}
		world_end(&w);
	}
}

static void what_was_taken_in_any_order_is_one_hole_again(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	struct world w;

	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		world_begin(&w, seed + i);
		for (; w.op < OPS; w.op++)
			op_alloc(&w);
		for (; w.m.live_cnt; w.op++)
			op_free(&w);
		w.op = 0;
		expect_all(&w);
		assert_int_equal(model_largest(&w.m), w.m.cnt << w.m.granule_lg2);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_what_the_rule_says_of_a_table),
		cmocka_unit_test(in_a_worn_space_every_hole_is_tried_before_it_says_no),
		cmocka_unit_test(what_was_taken_in_any_order_is_one_hole_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
