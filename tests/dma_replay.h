/* SPDX-License-Identifier: MIT */
/*
 * A recorded trace of DMA calls, done again by the mapping layer over the simulated IOMMU, at the
 * addresses that were recorded: what is sent must be what was sent, one for one and in order.
 *
 * A handle for each CPU, and a mapping belongs to that on which it will be unmapped: there its slot
 * in a ring is. Addresses are asked for one by one, so a space that still holds one back fails the
 * replay. The lazy timer's time is counted in its expiries, which the trace gives.
 *
 * That kernel's tables stay when they are left empty, ours go and are flushed with IH=0. So where
 * the hint is compared, a page of each table that is not in use is kept mapped.
 */
#ifndef PHYR_TEST_DMA_REPLAY_H
#define PHYR_TEST_DMA_REPLAY_H

#include "dma_iommu_world.h"

/* The runs of a mapping, cut to what the device sees of its first and last page. */
static inline struct phyr_range dma_run(const struct dma_replay *r, const struct dma_op *op,
					size_t i, uint64_t offset)
{
	struct phyr_range run = r->trace.runs[op->run_first + i];
	uint64_t skip = i ? 0 : op->range.iova.addr & phyr_bits_mask(PHYR_PAGE_LG2);

	run.pa.addr += skip;
	run.len -= skip;
	if (run.len > op->range.len - offset)
		run.len = op->range.len - offset;
	return run;
}

static inline struct phyr_placement dma_place(struct phyr_iova_range reserved)
{
	struct phyr_placement place = phyr_placement_any();

	place.window.first = reserved.iova;
	place.window.last.addr = dma_last(reserved);
	return place;
}

static inline void dma_map_list(struct dma_replay *r, const struct dma_op *op,
				struct dma_held *held)
{
	struct phyr_placement place = dma_place(held->reserved);
	struct phyr_dma *dma = r->dmas[held->cpu];
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	uint64_t offset = 0;

	for (size_t i = 0; i < op->run_cnt; i++) {
		struct phyr_range run = dma_run(r, op, i, offset);

		assert_int_equal(phyr_list_append(&held->list, run, tag), PHYR_OK);
		offset += run.len;
	}
	assert_int_equal(offset, op->range.len);
	if (r->plan->way == DMA_LIST) {
		assert_int_equal(
			phyr_dma_map(dma, &held->list, PHYR_PERM_READ_WRITE, &place, &held->map),
			PHYR_OK);
	} else {
		assert_int_equal(phyr_iova_reserve(r->space, held->reserved), PHYR_OK);
		assert_int_equal(phyr_dma_map_at(dma, &held->list, PHYR_PERM_READ_WRITE,
						 held->reserved, &held->map),
				 PHYR_OK);
	}
	assert_int_equal(held->map.form, PHYR_DMA_RANGE);
	assert_int_equal(held->map.range.iova.addr, op->range.iova.addr);
	assert_int_equal(held->map.range.len, op->range.len);
}

static inline void dma_link_runs(struct dma_replay *r, const struct dma_op *op,
				 struct dma_held *held)
{
	struct phyr_placement place = dma_place(held->reserved);
	struct phyr_dma_want want = { .len = op->range.len, .placement = &place };
	struct phyr_dma_piece piece = { .run_cnt = 1, .perm = PHYR_PERM_READ_WRITE };
	struct phyr_dma *dma = r->dmas[held->cpu];
	uint64_t offset = 0;

	want.phase = op->range.iova.addr & phyr_bits_mask(PHYR_PAGE_LG2);
	piece.tag.kind = PHYR_KIND_SYSTEM;
	assert_int_equal(phyr_dma_reserve(dma, &want, &held->state), PHYR_OK);
	assert_int_equal(phyr_dma_state_iova(&held->state).addr, op->range.iova.addr);
	for (size_t i = 0; i < op->run_cnt; i++) {
		struct phyr_range run = dma_run(r, op, i, offset);

		piece.runs = &run;
		assert_int_equal(phyr_dma_link(dma, &held->state, offset, &piece), PHYR_OK);
		offset += run.len;
	}
	assert_int_equal(phyr_dma_sync(dma, &held->state, 0, op->range.len), PHYR_OK);
}

/* Is anything that hardware may still have cached of these addresses untrue? */
static inline bool dma_is_stale(const struct dma_replay *r, struct phyr_iova_range range)
{
	struct phyrsim_root root = dma_root(r);
	struct phyrsim_stale_report report;
	int err = phyrsim_stale_check_range(r->stale, &root, range, &report);

	assert_true(err == PHYR_OK || err == PHYR_E_FAULT);
	return err == PHYR_E_FAULT;
}

/* A page of a table that is not in use, and not in a range; 0: none. Page 0 never is. */
static inline uint64_t dma_spare(const struct dma_replay *r, uint64_t table,
				 struct phyr_iova_range range)
{
	for (uint64_t i = table * DMA_TABLE_CNT; i < (table + 1) * DMA_TABLE_CNT; i++) {
		uint64_t iova = i << PHYR_PAGE_LG2;

		if (!r->live[i] && (iova < range.iova.addr || iova > dma_last(range)))
			return iova;
	}
	return 0;
}

/* Keeps the tables of a range that is about to change, past the mapping layer, sending nothing. */
static inline void dma_keep(struct dma_replay *r, struct phyr_iova_range range)
{
	struct phyr_iommu backend = phyrsim_iommu_backend(r->iommu);
	uint64_t first = range.iova.addr >> PHYR_PAGE_LG2, last = dma_last(range) >> PHYR_PAGE_LG2;
	struct phyr_range run = { { 0 }, PHYR_PAGE_SIZE };

	for (uint64_t i = first / DMA_TABLE_CNT; r->plan->keep && i <= last / DMA_TABLE_CNT; i++) {
		struct phyr_iommu_map map = { .runs = &run, .run_cnt = 1, .perm = PHYR_PERM_READ };
		struct phyr_iova_range old = { { r->kept[i] }, PHYR_PAGE_SIZE };
		struct phyr_gather gather;

		if (r->kept[i] && (r->kept[i] < range.iova.addr || r->kept[i] > dma_last(range)))
			continue;
		r->kept[i] = map.iova.addr = dma_spare(r, i, range);
		if (r->kept[i])
			assert_int_equal(backend.ops->map(backend.ctx, &map), PHYR_OK);
		if (old.iova.addr == 0)
			continue;
		phyr_gather_init(&gather);
		gather.queued = true;
		assert_int_equal(backend.ops->unmap(backend.ctx, old, &gather), PHYR_OK);
		backend.ops->release(backend.ctx, &gather);
	}
}

static inline void dma_replay_map(struct dma_replay *r, const struct dma_op *op)
{
	struct dma_held *held = calloc(1, sizeof(*held));
	uint64_t sent_cnt = r->sent_cnt, again_cnt;
	struct phyrsim_root root;

	assert_non_null(held);
	held->reserved = dma_pages(op->range);
	held->len = op->range.len;
	held->cpu = op->unmap_cpu;
	phyr_list_init(&held->list, &r->host.mem);
	assert_null(*dma_held_at(r, op->range.iova.addr));
	*dma_held_at(r, op->range.iova.addr) = held;
	again_cnt = r->ours.again_cnt;
	dma_pages_map(&r->ours, op->range);
	dma_pages_map(&r->theirs, op->range);
	r->again_cnt += r->ours.again_cnt > again_cnt;
	if (r->plan->keep) /* else pointers to tables that went are, and may be */
		r->early_cnt += dma_is_stale(r, held->reserved);
	dma_keep(r, held->reserved);
	memset(&r->live[held->reserved.iova.addr >> PHYR_PAGE_LG2], true,
	       (size_t)(held->reserved.len >> PHYR_PAGE_LG2));
	if (r->plan->way == DMA_LINK)
		dma_link_runs(r, op, held);
	else
		dma_map_list(r, op, held);
	assert_true(r->plan->deaf || !dma_is_stale(r, held->reserved));
	root = dma_root(r);
	assert_int_equal(phyrsim_stale_note(r->stale, &root, held->reserved), PHYR_OK);
	r->map_side_cnt += r->sent_cnt - sent_cnt;
	r->matched_cnt += r->plan->unrecorded ? r->sent_cnt - sent_cnt : 0;
	r->map_cnt++;
	r->run_cnt += op->run_cnt;
}

/* A full ring comes with its 256th unmapping, which stays; all others need not wait any more. */
static inline void dma_note_full(struct dma_replay *r, unsigned int cpu)
{
	assert_int_equal(r->ring_cnt[cpu], 256);
	memset(r->ring_cnt, 0, sizeof(r->ring_cnt));
	r->ring_cnt[cpu] = 1;
	r->full_cnt++;
}

/*
 * One unmapping, however many runs: a flush, or lazily none, unless the ring is full. What is
 * unmapped before it was mapped was mapped before the trace.
 */
static inline void dma_replay_unmap(struct dma_replay *r, const struct dma_op *op)
{
	struct dma_held **at = dma_held_at(r, op->range.iova.addr);
	uint64_t sent_cnt = r->sent_cnt;

	assert_int_equal((*at)->reserved.len, op->range.len);
	assert_int_equal((*at)->cpu, op->cpu);
	dma_pages_unmap(&r->ours, op->range);
	dma_pages_unmap(&r->theirs, op->range);
	dma_keep(r, op->range);
	memset(&r->live[op->range.iova.addr >> PHYR_PAGE_LG2], false,
	       (size_t)(op->range.len >> PHYR_PAGE_LG2));
	dma_end(r, at);
	r->unmap_cnt++;
	r->ring_cnt[op->cpu]++;
	if (!r->plan->lazy)
		assert_int_equal(r->sent_cnt, sent_cnt + 1);
	else if (r->sent_cnt > sent_cnt)
		dma_note_full(r, op->cpu);
}

/* What was sent is what was recorded. */
static inline void dma_compare(struct dma_replay *r, const struct dma_op *op)
{
	const struct phyrsim_trace_flush *flush = &op->flush;

	assert_int_equal(r->last.kind == PHYR_FLUSH_DOMAIN, flush->whole);
	assert_int_equal(r->last.range.len, flush->whole ? 0 : PHYR_PAGE_SIZE << flush->mask);
	assert_int_equal(r->last.range.iova.addr, flush->window.addr);
	if (!op->command.iotlb) /* a cut without descriptors */
		return;
	assert_int_equal(op->command.whole, flush->whole);
	assert_int_equal(op->command.window.addr, flush->window.addr);
	assert_int_equal(op->command.mask, flush->mask);
	if (r->plan->keep)
		assert_int_equal(op->command.leaf_only, !r->last.walk);
	r->walk_cnt += op->command.leaf_only && r->last.walk;
}

/*
 * A flush of the trace: ours was sent by the unmapping or the mapping before it; or it is the
 * timer's. A trace either has all expiries of the timer or none.
 */
static inline void dma_replay_flush(struct dma_replay *r, const struct dma_op *op)
{
	struct phyr_iova_range all = { { 0 }, 0 };
	struct phyrsim_root root = dma_root(r);
	struct phyrsim_stale_report report;
	uint64_t burst = r->unmap_cnt - r->flushed_unmap_cnt;

	if (r->sent_cnt == r->matched_cnt) {
		assert_true(r->plan->lazy && (op->timer || r->trace.timer_cnt == 0));
		phyr_flush_tick(r->domain, ++r->timer_cnt);
		memset(r->ring_cnt, 0, sizeof(r->ring_cnt));
	} else {
		assert_false(op->timer);
	}
	assert_int_equal(r->sent_cnt, r->matched_cnt + 1);
	r->matched_cnt++;
	dma_compare(r, op);
	if (!op->flush.whole)
		all = (struct phyr_iova_range){ op->flush.window,
						PHYR_PAGE_SIZE << op->flush.mask };
	dma_pages_flush(&r->theirs, all);
	if (!r->plan->deaf && (r->plan->lazy || r->matched_cnt % 64 == 0))
		assert_int_equal(phyrsim_stale_check(r->stale, &root, &report), PHYR_OK);
	if (!r->plan->deaf)
		assert_int_equal(phyrsim_stale_check_freed(r->stale, &report), PHYR_OK);
	if (burst > r->burst_max)
		r->burst_max = burst;
	r->flushed_unmap_cnt = r->unmap_cnt;
}

/* Maps what was mapped before the trace begins, to memory that nobody knows. */
static inline void dma_replay_known(struct dma_replay *r)
{
	uint8_t *seen = calloc(DMA_PAGE_CNT, 1);

	assert_non_null(seen);
	for (size_t i = 0; i < r->trace.op_cnt; i++) {
		struct dma_op op = r->trace.ops[i];
		uint64_t page = op.range.iova.addr >> PHYR_PAGE_LG2;

		if (op.what == DMA_FLUSH)
			continue;
		if (op.what == DMA_UNMAP && !seen[page]) {
			struct phyr_range *run = &r->trace.runs[r->trace.run_cnt];

			run->pa.addr = op.range.iova.addr;
			run->len = op.range.len;
			op.run_first = r->trace.run_cnt;
			op.run_cnt = 1;
			dma_replay_map(r, &op);
			r->map_cnt--;
			r->run_cnt--;
			r->known_cnt++;
		}
		seen[page] = 1;
	}
	free(seen);
}

static inline void dma_replay_begin(struct dma_replay *r, const struct dma_plan *plan)
{
	memset(r, 0, sizeof(*r));
	r->plan = plan;
	dma_read(&r->trace, plan->name);
	if (plan->device)
		dma_select(&r->trace, plan->device, plan->domain);
	dma_look_ahead(&r->trace);
	r->held = calloc(DMA_PAGE_CNT, sizeof(struct dma_held *));
	assert_non_null(r->held);
	dma_open_iommu(r);
	dma_open_handles(r);
	dma_replay_known(r);
}

static inline void dma_replay_run(struct dma_replay *r)
{
	for (size_t i = 0; i < r->trace.op_cnt; i++) {
		const struct dma_op *op = &r->trace.ops[i];

		if (op->what == DMA_MAP)
			dma_replay_map(r, op);
		else if (op->what == DMA_UNMAP)
			dma_replay_unmap(r, op);
		else
			dma_replay_flush(r, op);
		if (r->watch)
			r->watch(r, op);
	}
	assert_int_equal(r->sent_cnt, r->matched_cnt);
}

#endif
