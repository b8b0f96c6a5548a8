/* SPDX-License-Identifier: MIT */
/*
 * Flushes as a real kernel counts them: every mapping and unmapping that it recorded is done again
 * by the mapping layer, and costs the same invalidations, window by window and in their order.
 *
 * Not here: which address is chosen (test_linux_iova_traces.c), the tables and flushes of VFIO
 * (test_kernel_tables.c, test_kernel_flushes.c), what the device saw (test_dma_traces_device.c).
 */
#include "dma_replay.h"

/* What is counted of one trace; the tables are of the cuts. */
struct tally {
	uint64_t map_cnt, run_cnt, unmap_cnt;
	uint64_t flush_cnt; /* all of them as recorded */
	uint64_t full_cnt, timer_cnt;
	uint64_t again_cnt; /* pages mapped again, none before its flush */
	uint64_t burst_max; /* most unmappings between two flushes */
};

struct row {
	struct dma_plan plan;
	struct tally want;
};

static const struct row strict[] = {
	{ { .name = "strict__00_boot" }, { 23, 23, 14, 14, 0, 0, 7, 1 } },
	{ { .name = "strict__01_rr4k_qd1" }, { 20, 20, 20, 20, 0, 0, 19, 1 } },
	{ { .name = "strict__02_rr4k_qd32" }, { 105, 105, 97, 97, 0, 0, 73, 1 } },
	{ { .name = "strict__07_mixed_qd16_4kpages" }, { 69, 283, 50, 50, 0, 0, 751, 1 } },
	{ { .name = "strict__08_mixed_qd16_thp" }, { 79, 89, 78, 78, 0, 0, 489, 1 } },
	{ { .name = "strict__16_sr1m_qd4_hugetlb" }, { 53, 53, 48, 48, 0, 0, 1440, 1 } },
};

static const struct row lazy[] = {
	{ { .name = "lazy__00_boot" }, { 23, 39, 14, 2, 0, 2, 4, 9 } },
	{ { .name = "lazy__01_rr4k_qd1" }, { 270, 270, 269, 4, 0, 4, 94, 91 } },
	{ { .name = "lazy__02_rr4k_qd32" }, { 512, 512, 512, 3, 1, 2, 256, 256 } },
	{ { .name = "lazy__07_mixed_qd16_4kpages" }, { 88, 446, 87, 1, 0, 1, 0, 87 } },
	{ { .name = "hw_0__hw1_rr4k_qd4" }, { 145, 145, 145, 3, 0, 3, 68, 77 } },
	{ { .name = "hw_0__hw2_mixed_qd16" }, { 33, 310, 32, 1, 0, 1, 0, 32 } },
	{ { .name = "net_lazy__n2_http_1M", .device = "0000:00:03.0", .domain = 5 },
	  { 14, 14, 14, 1, 0, 1, 0, 5 } },
	{ { .name = "net_lazy__n2_http_1M", .device = "0000:00:04.0", .domain = 6 },
	  { 12, 12, 12, 2, 0, 2, 3, 9 } },
};

static const struct row cached_absence = { { .name = "cm_on__01_rr4k_qd1", .caching_mode = true },
					   { 20, 20, 20, 40, 0, 0, 19, 1 } };

static struct dma_replay replay;

static void compare(const struct dma_replay *r, const struct tally *want)
{
	const struct tally got = { r->map_cnt,	r->run_cnt,   r->unmap_cnt,	 r->matched_cnt,
				   r->full_cnt, r->timer_cnt, r->ours.again_cnt, r->burst_max };

	if (kernel_cut()) {
		assert_memory_equal(&got, want, sizeof(got));
		return;
	}
	print_message("%s %s: %" PRIu64 " mappings of %" PRIu64 " runs, %" PRIu64 " known; %" PRIu64
		      " unmappings, at most %" PRIu64 " a flush; %" PRIu64
		      " flushes as recorded, %" PRIu64 " full, %" PRIu64 " timer; %" PRIu64
		      " pages again, none early\n",
		      r->plan->name, r->plan->device ? r->plan->device : "", got.map_cnt,
		      got.run_cnt, r->known_cnt, got.unmap_cnt, got.burst_max, got.flush_cnt,
		      got.full_cnt, got.timer_cnt, got.again_cnt);
}

/* Nobody maps a page before its flush, by order and by what hardware may still have cached. */
static void check_pages(const struct dma_replay *r)
{
	assert_int_equal(r->ours.again_cnt, r->theirs.again_cnt);
	assert_int_equal(r->ours.early_cnt, 0);
	assert_int_equal(r->theirs.early_cnt, 0);
	assert_int_equal(r->early_cnt, 0);
}

static void run(const struct dma_plan *plan, const struct tally *want)
{
	dma_replay_begin(&replay, plan);
	dma_replay_run(&replay);
	check_pages(&replay);
	if (plan->way == DMA_LIST && !plan->unrecorded)
		compare(&replay, want);
}

static void check_strict(const struct dma_replay *r)
{
	struct phyrsim_iommu_stats stats;
	uint64_t flush_cnt = 0;

	for (unsigned int i = 0; i < DMA_CPU_CNT; i++) {
		struct phyr_dma_stats dma;

		phyr_dma_stats(r->dmas[i], &dma);
		assert_int_equal(dma.defer_cnt, 0);
		flush_cnt += dma.flush_cnt;
	}
	assert_int_equal(flush_cnt, r->unmap_cnt);
	phyrsim_iommu_stats(r->iommu, &stats);
	assert_int_equal(stats.inval.range_cnt, r->unmap_cnt + r->map_side_cnt);
	assert_int_equal(stats.inval.wait_cnt, r->matched_cnt);
	assert_int_equal(stats.inval.domain_cnt, 0);
}

static void strict_costs_the_recorded_window_for_each_unmapping(void **state)
{
	static const enum dma_way ways[] = { DMA_LIST, DMA_AT, DMA_LINK };

	(void)state;
	for (size_t i = 0; i < CNT(strict) * CNT(ways); i++) {
		struct dma_plan plan = strict[i / CNT(ways)].plan;

		plan.way = ways[i % CNT(ways)];
		plan.keep = true;
		run(&plan, &strict[i / CNT(ways)].want);
		check_strict(&replay);
		assert_int_equal(replay.map_side_cnt + replay.walk_cnt, 0);
		dma_replay_end(&replay);
	}
}

static void check_lazy(const struct dma_replay *r)
{
	struct phyr_flush_stats flushes;
	struct phyrsim_iommu_stats stats;

	phyr_flush_stats(r->domain, &flushes);
	assert_int_equal(flushes.full_cnt, r->full_cnt);
	assert_int_equal(flushes.timer_cnt, r->timer_cnt);
	assert_int_equal(flushes.flush_cnt, r->matched_cnt);
	assert_int_equal(flushes.refused_cnt, 0);
	assert_true(phyr_flush_validate(r->domain, NULL));
	phyrsim_iommu_stats(r->iommu, &stats);
	assert_int_equal(stats.inval.domain_cnt, r->matched_cnt);
	assert_int_equal(stats.inval.range_cnt, 0);
}

static void lazy_costs_the_domain_by_the_timer_or_by_a_full_ring(void **state)
{
	static const enum dma_way ways[] = { DMA_LIST, DMA_LINK };

	(void)state;
	for (size_t i = 0; i < CNT(lazy) * CNT(ways); i++) {
		struct dma_plan plan = lazy[i / CNT(ways)].plan;

		plan.way = ways[i % CNT(ways)];
		plan.keep = plan.way == DMA_LIST; /* else tables wait in the rings, too */
		plan.lazy = true;
		run(&plan, &lazy[i / CNT(ways)].want);
		check_lazy(&replay);
		dma_replay_end(&replay);
	}
}

/* What a mapping makes visible costs a window where absence is cached, and nothing elsewhere. */
static void in_caching_mode_mappings_cost_as_much_as_unmappings(void **state)
{
	(void)state;
	for (int way = DMA_LIST; way <= DMA_LINK; way++) {
		struct dma_plan plan = cached_absence.plan;
		uint64_t sync_cnt = 0;

		plan.way = (enum dma_way)way;
		plan.keep = true;
		run(&plan, &cached_absence.want);
		check_strict(&replay);
		for (unsigned int i = 0; i < DMA_CPU_CNT; i++) {
			struct phyr_dma_stats stats;

			phyr_dma_stats(replay.dmas[i], &stats);
			sync_cnt += stats.sync_cnt;
		}
		assert_int_equal(sync_cnt, replay.map_cnt);
		assert_int_equal(replay.map_side_cnt, replay.map_cnt);
		assert_int_equal(replay.matched_cnt, replay.map_cnt + replay.unmap_cnt);
		dma_replay_end(&replay);
	}
}

/* Every way, where absence is cached and no command of a mapping was recorded. */
static void run_unrecorded(const struct row *row, enum dma_way way, bool is_lazy)
{
	struct dma_plan plan = row->plan;

	plan.way = way;
	plan.lazy = is_lazy;
	plan.keep = !is_lazy || way == DMA_LIST;
	plan.caching_mode = true;
	plan.unrecorded = true;
	run(&plan, &row->want);
	assert_int_equal(replay.map_side_cnt, replay.map_cnt + replay.known_cnt);
	dma_replay_end(&replay);
}

/* No page is early, nor is anything stale that hardware may have cached. */
static void in_caching_mode_no_page_is_mapped_before_its_flush(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(strict); i++) {
		run_unrecorded(&strict[i], DMA_LIST, false);
		run_unrecorded(&strict[i], DMA_AT, false);
		run_unrecorded(&strict[i], DMA_LINK, false);
	}
	for (size_t i = 0; i < CNT(lazy); i++) {
		run_unrecorded(&lazy[i], DMA_LIST, true);
		run_unrecorded(&lazy[i], DMA_LINK, true);
	}
}

/* The checks above can fail: told of no flush, they report every page and mapping. */
static void check_deaf(const struct row *row, bool is_lazy)
{
	struct dma_plan plan = row->plan;

	plan.keep = true; /* tables that go leave something stale, too */
	plan.lazy = is_lazy;
	plan.deaf = true;
	dma_replay_begin(&replay, &plan);
	dma_replay_run(&replay);
	assert_int_equal(replay.ours.early_cnt, replay.ours.again_cnt);
	assert_int_equal(replay.theirs.early_cnt, 0);
	assert_int_equal(replay.early_cnt, replay.again_cnt);
	if (!kernel_cut())
		print_message("%s %s: without flushes %" PRIu64 " of %" PRIu64
			      " pages early, %" PRIu64 " of %" PRIu64 " mappings\n",
			      plan.name, plan.device ? plan.device : "", replay.ours.early_cnt,
			      replay.ours.again_cnt, replay.early_cnt, replay.again_cnt);
	dma_replay_end(&replay);
}

static void without_flushes_every_page_is_mapped_too_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(strict); i++)
		check_deaf(&strict[i], false);
	for (size_t i = 0; i < CNT(lazy); i++)
		check_deaf(&lazy[i], true);
	check_deaf(&cached_absence, false);
}

/* A table that is left empty: that kernel keeps it (IH=1), ours goes (IH=0). */
static void the_hint_differs_where_a_table_is_left_empty(void **state)
{
	const struct dma_plan plan = strict[1].plan;

	(void)state;
	run(&plan, &strict[1].want);
	assert_int_equal(replay.walk_cnt, replay.unmap_cnt); /* one page at a time */
	dma_replay_end(&replay);
}

static uint64_t many_cnt;

static void count_many(struct dma_replay *r, const struct dma_op *op)
{
	(void)r;
	assert_true(op->run_cnt <= 32);
	many_cnt += op->what == DMA_MAP && op->run_cnt == 32;
}

/* 128 KiB of single pages: 32 runs, one range, one unmapping, one window of 2^5 pages. */
static void the_longest_scatterlists_are_of_32_runs(void **state)
{
	const struct dma_plan plan = { .name = strict[3].plan.name, .keep = true };

	(void)state;
	many_cnt = 0;
	dma_replay_begin(&replay, &plan);
	replay.watch = count_many;
	dma_replay_run(&replay);
	kernel_count("scatterlists of 32 runs", many_cnt, 4);
	dma_replay_end(&replay);
}

/* Flushes alone, of 20,000 unmappings: no ring takes more than 256 of them to a flush. */
static void a_trace_of_flushes_alone_has_no_more_than_the_rings_need(void **state)
{
	uint64_t timer_cnt = 0;
	struct dma_trace trace;

	(void)state;
	dma_read(&trace, "lazy__17_flushonly_rr4k_qd32");
	assert_int_equal(trace.op_cnt, 115);
	for (size_t i = 0; i < trace.op_cnt; i++) {
		assert_int_equal(trace.ops[i].what, DMA_FLUSH);
		assert_true(trace.ops[i].flush.whole && trace.ops[i].command.whole);
		timer_cnt += trace.ops[i].timer;
	}
	assert_int_equal(timer_cnt, 99);
	assert_int_equal(trace.timer_cnt, 99);
	assert_true(trace.op_cnt * 256 >= 20000);
	dma_drop(&trace);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(strict_costs_the_recorded_window_for_each_unmapping),
		CASE(lazy_costs_the_domain_by_the_timer_or_by_a_full_ring),
		CASE(in_caching_mode_mappings_cost_as_much_as_unmappings),
		CASE(in_caching_mode_no_page_is_mapped_before_its_flush),
		CASE(without_flushes_every_page_is_mapped_too_early),
		CASE(the_hint_differs_where_a_table_is_left_empty),
		CASE(the_longest_scatterlists_are_of_32_runs),
		CASE(a_trace_of_flushes_alone_has_no_more_than_the_rings_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
