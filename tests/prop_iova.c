/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a small space, against a table of its granules: every answer, every address
 * and every statistic is what a search over all positions says.
 *
 * PHYR_SEED and PHYR_ITER choose which spaces and how many. Not here: errors of arguments
 * (test_iova.c), failing memory (oom_iova.c).
 */
#include <phyr/bits.h>
#include <phyr/iova.h>

#include "test.h"

/** Granules of a space. */
#define GRANULES 256
/** Operations on a space. */
#define OPS 200

struct model {
	struct test_mem mem;
	struct phyr_iova_space *space;
	struct phyr_window window;
	uint64_t seed;
	uint64_t random;
	uint64_t op;
	struct phyr_iova_stats want;
	unsigned int granule_lg2;
	unsigned int lens[GRANULES]; /* [granules] of the live range that starts here; 0 = none */
	bool taken[GRANULES];
};

static void model_check(const struct model *m, bool holds, const char *what)
{
	if (!holds)
		fail_msg("PHYR_SEED=%llu PHYR_ITER=1, operation %llu: %s",
			 (unsigned long long)m->seed, (unsigned long long)m->op, what);
}

static uint64_t model_random(struct model *m, uint64_t below)
{
	return test_random(&m->random) % below;
}

static struct phyr_iova_range range_of(const struct model *m, uint64_t pos, uint64_t cnt)
{
	struct phyr_iova_range range;

	range.iova.addr = m->window.first.addr + (pos << m->granule_lg2);
	range.len = cnt << m->granule_lg2;
	return range;
}

/* A space at the bottom, at the top or somewhere between, where nothing is aligned by chance. */
static void model_begin(struct model *m, uint64_t seed)
{
	struct phyr_iova_params params;
	uint64_t len;

	memset(m, 0, sizeof(*m));
	m->seed = seed;
	m->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	m->granule_lg2 = 12 + (unsigned int)model_random(m, 5);
	len = (uint64_t)GRANULES << m->granule_lg2;
	switch (model_random(m, 3)) {
	case 0:
		break;
	case 1:
		m->window.first.addr = UINT64_MAX - len + 1;
		break;
	default:
		m->window.first.addr = model_random(m, 5000) << m->granule_lg2;
	}
	m->window.last.addr = m->window.first.addr + len - 1;
	test_mem_init(&m->mem);
	params.mem = &m->mem.mem;
	params.window = m->window;
	params.granule_lg2 = m->granule_lg2;
	assert_int_equal(phyr_iova_create(&params, &m->space), PHYR_OK);
}

static void model_end(struct model *m)
{
	phyr_iova_destroy(m->space);
	model_check(m, m->mem.live_cnt == 0, "the space leaves memory behind");
}

static bool all_free(const struct model *m, uint64_t pos, uint64_t cnt)
{
	for (uint64_t i = pos; i < pos + cnt; i++) {
		if (m->taken[i])
			return false;
	}
	return true;
}

/* The definition of a placement in base.h, for one position. */
static bool allowed(const struct model *m, const struct phyr_placement *p, uint64_t pos,
		    uint64_t cnt)
{
	struct phyr_iova_range range = range_of(m, pos, cnt);
	uint64_t first = range.iova.addr;
	uint64_t last = first + range.len - 1;

	if (first < p->window.first.addr || last > p->window.last.addr)
		return false;
	if (!phyr_bits_aligned(first - p->phase, p->phase_lg2))
		return false;
	return !p->boundary_lg2 || first >> p->boundary_lg2 == last >> p->boundary_lg2;
}

/* What to answer, and where; positions are tried in the order of the placement. */
static int search(const struct model *m, const struct phyr_placement *p, uint64_t cnt,
		  uint64_t *ret_pos)
{
	int err = PHYR_E_LIMIT;

	for (uint64_t i = 0; i + cnt <= GRANULES; i++) {
		uint64_t pos = p->bottom_up ? i : GRANULES - cnt - i;

		if (!allowed(m, p, pos, cnt))
			continue;
		err = PHYR_E_NOSPACE;
		if (all_free(m, pos, cnt)) {
			*ret_pos = pos;
			return PHYR_OK;
		}
	}
	return err;
}

static void model_take(struct model *m, uint64_t pos, uint64_t cnt)
{
	for (uint64_t i = pos; i < pos + cnt; i++)
		m->taken[i] = true;
	m->lens[pos] = (unsigned int)cnt;
	m->want.live_len += cnt << m->granule_lg2;
	m->want.live_cnt++;
	if (m->want.live_max < m->want.live_cnt)
		m->want.live_max = m->want.live_cnt;
}

static void model_give(struct model *m, uint64_t pos)
{
	uint64_t cnt = m->lens[pos];

	for (uint64_t i = pos; i < pos + cnt; i++)
		m->taken[i] = false;
	m->lens[pos] = 0;
	m->want.live_len -= cnt << m->granule_lg2;
	m->want.live_cnt--;
}

/* Lengths are mostly short; some are longer than the space. */
static uint64_t random_cnt(struct model *m)
{
	static const uint64_t below[] = { 2, 4, 9, 17, 33, GRANULES + 9 };

	return 1 + model_random(m, below[model_random(m, 6)] - 1);
}

/* Around the space, beside it, inverted, or off the granules. */
static struct phyr_window random_window(struct model *m)
{
	uint64_t from = m->window.first.addr - (UINT64_C(20) << m->granule_lg2);
	uint64_t span = (uint64_t)(GRANULES + 40) << m->granule_lg2;
	struct phyr_window window = m->window;

	if (model_random(m, 2))
		window.first.addr = from + model_random(m, span);
	if (model_random(m, 2))
		window.last.addr = from + model_random(m, span);
	return window;
}

static struct phyr_placement random_placement(struct model *m)
{
	struct phyr_placement p = phyr_placement_any();
	unsigned int lg2 = (unsigned int)model_random(m, 10);

	if (model_random(m, 2))
		p.window = random_window(m);
	if (model_random(m, 2)) {
		p.phase_lg2 = (uint8_t)(m->granule_lg2 + lg2);
		p.phase = model_random(m, UINT64_C(1) << lg2) << m->granule_lg2;
	}
	if (model_random(m, 3) == 0)
		p.boundary_lg2 = (uint8_t)(m->granule_lg2 + model_random(m, 9));
	p.bottom_up = model_random(m, 3) == 0;
	return p;
}

/* A length is whole granules unless the window ends on one: else "fits" had two meanings. */
static uint64_t random_len(struct model *m, const struct phyr_placement *p, uint64_t cnt)
{
	bool whole = !phyr_bits_aligned(p->window.last.addr + 1, m->granule_lg2);

	return (cnt << m->granule_lg2) - (whole ? 0 : model_random(m, PHYR_PAGE_SIZE));
}

static void op_alloc(struct model *m)
{
	struct phyr_placement p = random_placement(m);
	uint64_t cnt = random_cnt(m);
	uint64_t pos = 0;
	int want = search(m, &p, cnt, &pos);
	struct phyr_iova_range range = { { 1 }, 2 };
	int err = phyr_iova_alloc(m->space, random_len(m, &p, cnt), &p, &range);

	model_check(m, err == want, "no space, limit or success is said wrongly");
	if (want == PHYR_OK) {
		struct phyr_iova_range expected = range_of(m, pos, cnt);

		model_check(m, range.len == expected.len, "another length");
		model_check(m, range.iova.addr == expected.iova.addr, "another address");
		model_take(m, pos, cnt);
		return;
	}
	m->want.nospace_cnt += want == PHYR_E_NOSPACE;
	m->want.limit_cnt += want == PHYR_E_LIMIT;
	model_check(m, range.iova.addr == 1 && range.len == 2, "a refusal writes its result");
}

static void op_reserve(struct model *m)
{
	uint64_t pos = model_random(m, GRANULES);
	uint64_t cnt = random_cnt(m);
	bool beyond = pos + cnt > GRANULES;
	int want = PHYR_E_RANGE;

	if (beyond)
		pos = GRANULES;
	else
		want = all_free(m, pos, cnt) ? PHYR_OK : PHYR_E_EXISTS;
	model_check(m, phyr_iova_reserve(m->space, range_of(m, pos, cnt)) == want,
		    "reserve answers wrongly");
	if (want == PHYR_OK)
		model_take(m, pos, cnt);
}

/* Mostly a live range as it is, often wrong in length or place. */
static void op_free(struct model *m)
{
	uint64_t pos = model_random(m, GRANULES);
	struct phyr_iova_range range;
	int want = PHYR_E_NOENT;

	while (model_random(m, 8) && !m->lens[pos])
		pos = (pos + 1) % GRANULES;
	range = range_of(m, pos, m->lens[pos] ? m->lens[pos] : random_cnt(m));
	if (model_random(m, 8) == 0)
		range.len += (UINT64_C(1) << m->granule_lg2) >> model_random(m, 2);
	if (m->lens[pos])
		want = range.len == (uint64_t)m->lens[pos] << m->granule_lg2 ? PHYR_OK :
									       PHYR_E_PARTIAL;
	if (model_random(m, 16) == 0) {
		range.iova.addr += UINT64_C(1) << (m->granule_lg2 - 1);
		want = PHYR_E_NOENT;
	}
	model_check(m, phyr_iova_free(m->space, range) == want, "free answers wrongly");
	if (want == PHYR_OK)
		model_give(m, pos);
}

static void count_holes(struct model *m)
{
	uint64_t cnt = 0;

	m->want.hole_cnt = 0;
	m->want.largest_len = 0;
	for (size_t i = 0; i < GRANULES; i++) {
		cnt = m->taken[i] ? 0 : cnt + 1;
		m->want.hole_cnt += cnt == 1;
		if (m->want.largest_len < cnt << m->granule_lg2)
			m->want.largest_len = cnt << m->granule_lg2;
	}
}

static void expect_stats(struct model *m)
{
	const char *reason = "";
	struct phyr_iova_stats got;

	count_holes(m);
	phyr_iova_stats(m->space, &got);
	model_check(m, got.live_len == m->want.live_len, "live_len");
	model_check(m, got.live_cnt == m->want.live_cnt, "live_cnt");
	model_check(m, got.live_max == m->want.live_max, "live_max");
	model_check(m, got.hole_cnt == m->want.hole_cnt, "hole_cnt");
	model_check(m, got.largest_len == m->want.largest_len, "largest_len");
	model_check(m, got.nospace_cnt == m->want.nospace_cnt, "nospace_cnt");
	model_check(m, got.limit_cnt == m->want.limit_cnt, "limit_cnt");
	model_check(m, got.metadata_len == m->mem.live_len, "metadata_len");
	if (!phyr_iova_validate(m->space, &reason))
		model_check(m, false, reason);
}

static void every_answer_is_what_a_search_of_all_positions_says(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t cnt = test_number("PHYR_ITER", 200);
	struct model m;

	(void)state;
	for (uint64_t i = 0; i < cnt; i++) {
		/* Spaces differ in how full they run. */
		uint64_t frees;

		model_begin(&m, seed + i);
		frees = 2 + model_random(&m, 4);
		for (; m.op < OPS; m.op++) {
			uint64_t op = model_random(&m, 10);

			if (op < frees)
				op_free(&m);
			else if (op < 9)
				op_alloc(&m);
			else
				op_reserve(&m);
			expect_stats(&m);
		}
		model_end(&m);
	}
}

static void what_was_taken_in_any_order_is_one_hole_again(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	struct model m;

	(void)state;
	model_begin(&m, seed);
	for (; m.op < OPS; m.op++)
		op_alloc(&m);
	while (m.want.live_cnt) {
		op_free(&m);
		m.op++;
	}
	expect_stats(&m);
	assert_int_equal(m.want.hole_cnt, 1);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_what_a_search_of_all_positions_says),
		cmocka_unit_test(what_was_taken_in_any_order_is_one_hole_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
