/* SPDX-License-Identifier: MIT */
/*
 * Every sequence of a few operations on a space of six granules, against a table of them: all
 * answers and all places are those of the header's rule, "no space" among them, and every wrong
 * free there is is refused.
 *
 * A sequence runs on a space of its own. What it shares with the one before is run again and only
 * compared with what it did then. Not here: larger spaces (prop_iova.c), caches.
 */
#include "iova_model.h"
#include "test.h"

#define GRANULES 6
#define DEPTH_MAX 5
#define OPS_MAX 72

enum kind { ALLOC, RESERVE, FREE, WRONG };

/* An operation; positions and lengths in granules. */
struct op {
	enum kind kind;
	uint64_t pos; /* RESERVE: where; FREE: of the live ranges, which from below */
	uint64_t cnt; /* ALLOC, RESERVE: how much */
	struct phyr_placement p;
};

/* What a placement asks for besides its fit; the window leaves pages from and to, inclusive. */
struct wish {
	unsigned int lg2, phase, boundary_lg2, from, to;
};

struct result {
	int err;
	struct phyr_iova_range range;
};

struct plan {
	struct phyr_window window;
	unsigned int granule_lg2;
	unsigned int depth;
	size_t op_cnt;
	struct op ops[OPS_MAX];
};

struct world {
	struct plan plan;
	struct test_mem mem;
	struct phyr_iova_space *space;
	struct model told;
	struct model before[DEPTH_MAX + 1]; /* the table before each operation of the sequence */
	struct result results[DEPTH_MAX];
	size_t sequence[DEPTH_MAX];
};

static void check(const struct world *w, bool holds, const char *what)
{
	if (holds)
		return;
	for (unsigned int i = 0; i < w->plan.depth; i++)
		print_error("operation %zu; ", w->sequence[i]);
	fail_msg("%s", what);
}

/* Plans. */

static void plan_begin(struct plan *plan, uint64_t first, unsigned int granule_lg2)
{
	memset(plan, 0, sizeof(*plan));
	plan->granule_lg2 = granule_lg2;
	plan->window.first.addr = first << granule_lg2;
	plan->window.last.addr =
		plan->window.first.addr + (((uint64_t)GRANULES << granule_lg2) - 1);
}

static struct op *add(struct plan *plan, enum kind kind, uint64_t pos, uint64_t cnt)
{
	struct op *op = &plan->ops[plan->op_cnt++];

	assert_true(plan->op_cnt <= OPS_MAX);
	op->kind = kind;
	op->pos = pos;
	op->cnt = cnt;
	return op;
}

static void add_alloc(struct plan *plan, uint64_t cnt, enum phyr_fit fit, struct wish wish)
{
	struct op *op = add(plan, ALLOC, 0, cnt);

	op->p = phyr_placement_any();
	op->p.fit = fit;
	if (wish.lg2) {
		op->p.phase_lg2 = (uint8_t)(plan->granule_lg2 + wish.lg2);
		op->p.phase = (uint64_t)wish.phase << plan->granule_lg2;
	}
	if (wish.boundary_lg2)
		op->p.boundary_lg2 = (uint8_t)(plan->granule_lg2 + wish.boundary_lg2);
	if (wish.to) {
		op->p.window.first.addr =
			plan->window.first.addr + ((uint64_t)wish.from << plan->granule_lg2);
		op->p.window.last.addr = plan->window.first.addr +
					 (((uint64_t)wish.to + 1) << plan->granule_lg2) - 1;
	}
}

/* Running one. */

static void copy(struct model *to, const struct model *from)
{
	memcpy(to->taken, from->taken, GRANULES * sizeof(*to->taken));
	memcpy(to->lens, from->lens, GRANULES * sizeof(*to->lens));
	to->live_cnt = from->live_cnt;
	to->live_len = from->live_len;
}

/* The i-th live range from below; no range at all when there are fewer. */
static struct phyr_iova_range live_range(const struct model *m, uint64_t i)
{
	for (uint64_t pos = 0; pos < GRANULES; pos++) {
		if (m->lens[pos] && i-- == 0)
			return model_range(m, pos, m->lens[pos]);
	}
	return model_range(m, 0, 0);
}

/* Every range that would be wrong to free, and some that are not of whole granules. */
static void free_wrongly(struct world *w, const struct model *m)
{
	uint64_t half = phyr_bits_size(w->plan.granule_lg2 - 1);

	for (uint64_t i = 0; i < 2 * GRANULES; i++) {
		for (uint64_t k = 0; k <= 2 * GRANULES - i; k++) {
			struct phyr_iova_range range = { { w->plan.window.first.addr + i * half },
							 k * half };
			int want = model_free_answer(m, range);

			if (want != PHYR_OK)
				check(w, phyr_iova_free(w->space, range) == want,
				      "a wrong free is answered wrongly");
		}
	}
}

static struct result apply(struct world *w, const struct op *op, const struct model *m)
{
	struct result result = { PHYR_OK, { { 0 }, 0 } };

	switch (op->kind) {
	case ALLOC:
		result.err = phyr_iova_alloc(w->space, op->cnt << w->plan.granule_lg2, &op->p,
					     &result.range);
		break;
	case RESERVE:
		result.err = phyr_iova_reserve(w->space, model_range(m, op->pos, op->cnt));
		break;
	case FREE:
		result.range = live_range(m, op->pos);
		if (result.range.len)
			result.err = phyr_iova_free(w->space, result.range);
		break;
	default:
		free_wrongly(w, m);
	}
	return result;
}

/* Compares a result with the table, and brings the table up to date. */
static void follow_alloc(struct world *w, const struct op *op, struct result result,
			 struct model *m)
{
	struct model_answer want = model_alloc_answer(m, op->cnt, &op->p);
	uint64_t pos = 0;

	check(w, result.err == want.err, "no space, limit or success is said wrongly");
	if (result.err != PHYR_OK)
		return;
	check(w, model_may_take(m, &op->p, result.range, op->cnt), "not free, or not as asked");
	(void)model_pos(m, result.range.iova.addr, &pos);
	check(w, !want.exact || pos == want.pos, "another place");
	model_take(m, pos, op->cnt);
}

static void follow(struct world *w, const struct op *op, struct result result, struct model *m)
{
	uint64_t pos = 0;

	if (op->kind == ALLOC) {
		follow_alloc(w, op, result, m);
	} else if (op->kind == RESERVE) {
		bool free = model_all_free(m, op->pos, op->cnt);

		check(w, result.err == (free ? PHYR_OK : PHYR_E_EXISTS), "reserve answers wrongly");
		if (free)
			model_take(m, op->pos, op->cnt);
	} else if (op->kind == FREE && result.range.len) {
		check(w, result.err == PHYR_OK, "a right free is refused");
		if (model_pos(m, result.range.iova.addr, &pos))
			model_give(m, pos);
	}
}

static void expect_table(struct world *w, const struct model *m)
{
	const char *reason = model_read(&w->told, w->space);
	struct phyr_iova_stats stats;

	check(w, !reason, reason);
	check(w, memcmp(w->told.lens, m->lens, GRANULES * sizeof(*m->lens)) == 0,
	      "other ranges are live");
	phyr_iova_stats(w->space, &stats);
	check(w, stats.live_len == m->live_len, "live_len");
	check(w, stats.live_cnt == m->live_cnt, "live_cnt");
	check(w, stats.largest_len == model_largest(m), "largest_len");
	if (!phyr_iova_validate(w->space, &reason))
		check(w, false, reason);
}

/* The first operations are those of the sequence before. */
static void run(struct world *w, unsigned int same)
{
	struct phyr_iova_params params = { .mem = &w->mem.mem,
					   .window = w->plan.window,
					   .granule_lg2 = w->plan.granule_lg2 };

	assert_int_equal(phyr_iova_create(&params, &w->space), PHYR_OK);
	for (unsigned int i = 0; i < w->plan.depth; i++) {
		const struct op *op = &w->plan.ops[w->sequence[i]];
		struct result result = apply(w, op, &w->before[i]);

		if (i < same) {
			check(w,
			      result.err == w->results[i].err &&
				      result.range.iova.addr == w->results[i].range.iova.addr,
			      "the same calls give other results");
			continue;
		}
		w->results[i] = result;
		copy(&w->before[i + 1], &w->before[i]);
		follow(w, op, result, &w->before[i + 1]);
		expect_table(w, &w->before[i + 1]);
	}
	phyr_iova_destroy(w->space);
	check(w, w->mem.live_cnt == 0, "memory is left behind");
}

/* Counts in the number system of the operations; how many digits in front stay. */
static bool advance(struct world *w, unsigned int *ret_same)
{
	for (unsigned int i = w->plan.depth; i-- > 0;) {
		if (++w->sequence[i] < w->plan.op_cnt) {
			*ret_same = i;
			return true;
		}
		w->sequence[i] = 0;
	}
	return false;
}

static void run_all(struct world *w)
{
	unsigned int same = 0;

	test_mem_init(&w->mem);
	memset(w->sequence, 0, sizeof(w->sequence));
	assert_true(model_open(&w->told, w->plan.window, w->plan.granule_lg2));
	for (unsigned int i = 0; i <= w->plan.depth; i++)
		assert_true(model_open(&w->before[i], w->plan.window, w->plan.granule_lg2));
	do
		run(w, same);
	while (advance(w, &same));
	for (unsigned int i = 0; i <= w->plan.depth; i++)
		model_close(&w->before[i]);
	model_close(&w->told);
}

/* Pages 13 … 18, so that aligned pairs and fours begin in the middle of the space. */
static void five_operations_do_what_a_table_says(void **state)
{
	const struct wish nothing = { 0 };
	struct world w;

	(void)state;
	plan_begin(&w.plan, 13, 12);
	w.plan.depth = 5;
	add_alloc(&w.plan, 1, PHYR_FIT_TOP_DOWN, nothing);
	add_alloc(&w.plan, 2, PHYR_FIT_BOTTOM_UP, nothing);
	add_alloc(&w.plan, 3, PHYR_FIT_PACKED, nothing);
	add_alloc(&w.plan, 2, PHYR_FIT_TOP_DOWN, (struct wish){ .lg2 = 1 });
	add_alloc(&w.plan, 2, PHYR_FIT_FIRST_UP, (struct wish){ .lg2 = 1, .phase = 1 });
	add_alloc(&w.plan, 2, PHYR_FIT_BOTTOM_UP, (struct wish){ .boundary_lg2 = 1 });
	add_alloc(&w.plan, 1, PHYR_FIT_TOP_DOWN, (struct wish){ .to = 2 });
	add_alloc(&w.plan, 3, PHYR_FIT_TOP_DOWN, (struct wish){ .boundary_lg2 = 2 });
	add_alloc(&w.plan, 1, PHYR_FIT_PACKED, (struct wish){ .from = 3, .to = 5 });
	add(&w.plan, RESERVE, 2, 1);
	add(&w.plan, FREE, 0, 0);
	add(&w.plan, FREE, 1, 0);
	add(&w.plan, FREE, 2, 0);
	add(&w.plan, WRONG, 0, 0);
	run_all(&w);
}

/* The last six granules of the 64-bit space. */
static void three_operations_of_every_kind_do_what_a_table_says(void **state)
{
	static const struct wish wishes[] = {
		{ 0, 0, 0, 0, 0 }, { 1, 0, 0, 0, 0 }, { 1, 1, 0, 0, 0 }, { 2, 3, 0, 0, 0 },
		{ 0, 0, 1, 0, 0 }, { 1, 1, 2, 0, 0 }, { 0, 0, 0, 1, 3 }, { 1, 0, 0, 2, 5 },
	};
	struct world w;

	(void)state;
	plan_begin(&w.plan, (UINT64_C(1) << 48) - GRANULES, 16);
	w.plan.depth = 3;
	for (unsigned int i = 0; i < CNT(wishes) * 8; i++)
		add_alloc(&w.plan, 2 + i % 2, (enum phyr_fit)(i / 2 % 4), wishes[i / 8]);
	add(&w.plan, RESERVE, 1, 1);
	add(&w.plan, RESERVE, 4, 1);
	add(&w.plan, RESERVE, 2, 3);
	add(&w.plan, FREE, 0, 0);
	add(&w.plan, FREE, 1, 0);
	add(&w.plan, WRONG, 0, 0);
	run_all(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_operations_do_what_a_table_says),
		cmocka_unit_test(three_operations_of_every_kind_do_what_a_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
