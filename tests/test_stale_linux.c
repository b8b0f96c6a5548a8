/* SPDX-License-Identifier: MIT */
/*
 * The defect of Linux 6.12's VT-d driver, case by case: tables of a later piece are on the list when
 * the earlier piece is flushed, which then drops the pointers (IH=0) of its own range, frees the
 * tables, and leaves the later piece to spare pointers (IH=1). Expected values follow from that.
 */
#include "stale_world.h"

#define AT UINT64_C(0x100000000)

/* Pages that stay mapped, so that the tables above do; then unmaps into one gather. */
struct defect {
	uint64_t kept[2];
	uint64_t unmaps[2][2]; /* first, length; 0 = none */
	uint64_t stale_cnt;    /* pointers to freed tables that stay cached */
	uint64_t first;	       /* the first of them */
};

static const struct defect defects[] = {
	/* 16M behind a multiple of 2M: seven tables go, the only IH=0 is for the 2M before. */
	{ { AT, AT + 8 * M2 + K4 }, { { AT + K4, 8 * M2 } }, 7, AT + M2 },
	/* The same with nothing else there: all tables go, each piece frees the next one's. */
	{ { 0 }, { { AT + K4, 8 * M2 } }, 1, AT + 8 * M2 },
	/* One page, then two tables. */
	{ { AT + 2 * M2 - 2 * K4 }, { { AT + 2 * M2 - K4, 2 * M2 + K4 } }, 2, AT + 2 * M2 },
	/* Two unmaps with a gap: the second's table goes with the first's flush. */
	{ { AT + K4 }, { { AT, K4 }, { AT + 4 * M2, M2 } }, 1, AT + 4 * M2 },
	/* Behind one another and of two lengths. */
	{ { AT + M2 - 2 * K4 }, { { AT + M2 - K4, K4 }, { AT + M2, M2 } }, 1, AT + M2 },
	/* One piece: nothing is flushed before it. */
	{ { AT + 2 * M2 }, { { AT, 2 * M2 } }, 0, 0 },
	/* Two of one length behind one another: one piece again. */
	{ { AT + 2 * M2 }, { { AT, M2 }, { AT + M2, M2 } }, 0, 0 },
	/* Pieces, but no table goes: the pointers stay right. */
	{ { AT, AT + M2 + 2 * K4 }, { { AT + M2 - K4, 2 * K4 } }, 0, 0 },
};

static void map_all(struct world *w, const struct defect *defect)
{
	for (size_t i = 0; i < CNT(defect->kept); i++) {
		if (defect->kept[i])
			assert_int_equal(map(w, defect->kept[i], 0x3000, K4), PHYR_OK);
	}
	/* Another phase, so that all leaves are small. */
	for (size_t i = 0; i < CNT(defect->unmaps); i++) {
		if (defect->unmaps[i][1])
			assert_int_equal(map(w, defect->unmaps[i][0], defect->unmaps[i][0] + 0x7000,
					     defect->unmaps[i][1]),
					 PHYR_OK);
	}
}

static void unmap_all(struct world *w, const struct defect *defect)
{
	for (size_t i = 0; i < CNT(defect->unmaps); i++) {
		if (defect->unmaps[i][1])
			assert_int_equal(unmap(w, defect->unmaps[i][0], defect->unmaps[i][1]),
					 PHYR_OK);
	}
}

static void expect(const struct config *config, const struct defect *defect, bool ordered)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX,
					       .ordered = ordered };
	struct phyrsim_stale_report freed;
	struct world w;

	world_open_as(&w, config, &params, false);
	map_all(&w, defect);
	unmap_all(&w, defect);
	flush(&w);
	assert_int_equal(check(&w).cnt, ordered ? 0 : defect->stale_cnt);
	assert_int_equal(phyrsim_stale_check_freed(w.stale, &freed),
			 check(&w).cnt ? PHYR_E_FAULT : PHYR_OK);
	assert_int_equal(freed.cnt, check(&w).cnt);
	if (freed.cnt) {
		assert_int_equal(check(&w).cause, PHYRSIM_STALE_TABLE_GONE);
		assert_int_equal(check(&w).iova.addr, defect->first);
		assert_int_equal(check(&w).lg2, 21);
		assert_int_equal(freed.iova.addr, defect->first);
	}
	world_close(&w);
}

static void expect_each(bool ordered)
{
	static const struct config formats[] = { { VTD, 4, 0, 0, 0 }, { X86, 4, 0, 0, 0 } };

	for (size_t i = 0; i < CNT(formats); i++) {
		for (size_t j = 0; j < CNT(defects); j++)
			expect(&formats[i], &defects[j], ordered);
	}
}

static void pointers_to_freed_tables_stay_cached(void **state)
{
	(void)state;
	expect_each(false);
}

static void in_order_none_stays_cached(void **state)
{
	(void)state;
	expect_each(true);
}

/* Lazily everything is dropped before anything is freed. */
static void flushed_lazily_none_stays_cached(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX };

	(void)state;
	for (size_t j = 0; j < CNT(defects); j++) {
		struct phyrsim_stale_report freed;
		struct world w;

		world_open(&w, &params);
		map_all(&w, &defects[j]);
		w.gather.queued = true;
		unmap_all(&w, &defects[j]);
		w.backend.ops->flush_all(w.backend.ctx);
		w.backend.ops->release(w.backend.ctx, &w.gather);
		assert_int_equal(check(&w).cnt, 0);
		assert_int_equal(phyrsim_stale_check_freed(w.stale, &freed), PHYR_OK);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers_to_freed_tables_stay_cached),
		cmocka_unit_test(in_order_none_stays_cached),
		cmocka_unit_test(flushed_lazily_none_stays_cached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
