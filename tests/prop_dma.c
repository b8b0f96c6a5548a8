/* SPDX-License-Identifier: MIT */
/*
 * Random maps, links, syncs, unmaps, flushes and removals of peers, with every format and under every
 * policy: each byte of what is mapped is reached by a walk of the table, what is bounced is copied,
 * nothing that was removed is cached where it may not be, and nothing is left in the end.
 *
 * Not here: what fails for want of memory (oom_dma_pieces.c).
 */
#include <stdio.h>

#include "dma_run.h"

static uint64_t seed, iter;

/* The byte that the device reaches at an address, past the IOMMU or by a walk. */
static uint64_t reached(struct dma_run *r, uint64_t iova, enum phyr_perm perm)
{
	struct phyrsim_root root = root_of(&r->world);
	struct phyrsim_access access = { { iova }, perm, PHYRSIM_WALK_UPDATE };
	struct phyrsim_walk walk;

	if (iova < r->window.first.addr || iova > r->window.last.addr)
		return iova - BUS_OFFSET;
	assert_int_equal(phyrsim_walk(r->world.mem, &root, &access, &walk), PHYR_OK);
	return walk.pa.addr;
}

/* The device reads, and if it may writes, one byte that is the CPU's at another address. */
static void access_byte(struct dma_run *r, uint64_t iova, uint64_t pa, enum phyr_perm perm)
{
	uint64_t at = reached(r, iova, perm);
	unsigned char *byte = byte_at(r, at);

	assert_true(at == pa || phyr_bounce_holds(r->pool, phyr_pa_at(at)));
	assert_true(at == pa || pa - DATA < POOL_AT);
	if (perm & PHYR_PERM_READ)
		assert_int_equal(*byte, r->shadow[pa - DATA]);
	if (perm & PHYR_PERM_WRITE) {
		*byte = (unsigned char)(*byte + 1);
		r->shadow[pa - DATA] = *byte;
	}
}

/* Both ends of a part that is one on both sides, and what is around granules inside. */
static void access_part(struct dma_run *r, uint64_t iova, uint64_t pa, uint64_t len,
			enum phyr_perm perm)
{
	uint64_t done = 0;

	while (done < len) {
		uint64_t more = r->granule - ((iova + done) & (r->granule - 1));

		more = more < len - done ? more : len - done;
		access_byte(r, iova + done, pa + done, perm);
		if (more > 1)
			access_byte(r, iova + done + more - 1, pa + done + more - 1, perm);
		done += more;
	}
}

/* All of a mapping, beside its list. */
static void access_all(struct dma_run *r, struct place *place)
{
	struct phyr_iova_range seen = { { 0 }, 0 };
	struct phyr_list_cursor list;
	struct phyr_dma_cursor dma;
	struct phyr_run run;

	phyr_dma_begin(&place->map, &dma);
	phyr_list_begin(&place->list, &list);
	while (phyr_list_next(&list, &run)) {
		while (run.range.len) {
			uint64_t len;

			if (seen.len == 0)
				assert_true(phyr_dma_next(&dma, &seen));
			len = seen.len < run.range.len ? seen.len : run.range.len;
			access_part(r, seen.iova.addr, run.range.pa.addr, len, place->map.perm);
			seen.iova.addr += len;
			seen.len -= len;
			run.range.pa.addr += len;
			run.range.len -= len;
		}
	}
	assert_true(seen.len == 0 && !phyr_dma_next(&dma, &seen));
}

/* A run for a list: in the place's memory, or its part of a BAR; seldom ragged. */
static void add_run(struct dma_run *r, size_t i, uint64_t nth)
{
	uint64_t part = PLACE_LEN / 8;
	uint64_t at = i * PLACE_LEN + nth * part;
	uint64_t unit = upto(r, 3) ? r->granule : 1;
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_range range;
	uint64_t skip;

	if (upto(r, 8) == 0) {
		tag.kind = PHYR_KIND_ENCRYPTED;
	} else if (upto(r, 6) == 0) {
		tag.kind = PHYR_KIND_P2P;
		part = BAR_PART / 8;
		at = (upto(r, 2) ? BRIDGE_AT : BUS_AT) + i * BAR_PART + nth * part;
	}
	skip = upto(r, part / unit ? part / unit : 1) * unit / 4;
	skip -= skip % unit;
	range.pa.addr = DATA + at + skip;
	range.len = (1 + upto(r, 1 + (part - skip - 1) / unit)) * unit;
	if (range.len > part - skip)
		range.len = part - skip;
	assert_int_equal(phyr_list_append(&r->places[i].list, range, tag), PHYR_OK);
}

static bool is_refusal(int err)
{
	return err == PHYR_E_KIND || err == PHYR_E_NOSPACE || err == PHYR_E_LIMIT ||
	       err == PHYR_E_ALIGN;
}

static void map_place(struct dma_run *r, size_t i)
{
	static const enum phyr_perm perms[] = { RW, RW, RO, WO };
	struct place *place = &r->places[i];
	struct phyr_dma_linear linear = { &place->list, perms[upto(r, 4)], NULL, upto(r, 2) };
	int err;

	phyr_list_truncate(&place->list, 0);
	for (uint64_t n = 0, cnt = 1 + upto(r, RUN_MAX); n < cnt; n++)
		add_run(r, i, n);
	place->dma = upto(r, 2);
	if (upto(r, 4))
		err = phyr_dma_map(r->dma[place->dma], linear.list, linear.perm, NULL, &place->map);
	else
		err = phyr_dma_map_linear(r->dma[place->dma], &linear, &place->map, NULL);
	if (err) {
		assert_true(is_refusal(err));
		r->refused_cnt++;
		return;
	}
	r->mapped_cnt++;
	if (place->map.reserved.len)
		touch(&r->world, place->map.reserved.iova.addr, place->map.reserved.len);
	access_all(r, place);
}

static void unmap_place(struct dma_run *r, struct place *place)
{
	if (!place->revoked)
		access_all(r, place);
	assert_int_equal(phyr_dma_unmap(r->dma[place->dma], &place->map), PHYR_OK);
	place->revoked = false;
}

static void sync_place(struct dma_run *r, struct place *place)
{
	uint64_t offset = upto(r, place->map.range.len);
	uint64_t len = 1 + upto(r, place->map.range.len - offset);
	struct phyr_dma *dma = r->dma[place->dma];

	assert_int_equal(phyr_dma_sync_for_cpu(dma, &place->map, offset, len), PHYR_OK);
	/* Nobody wrote meanwhile, so it changes nothing, if all the device wrote is there. */
	if (offset == 0 && len == place->map.range.len)
		assert_int_equal(phyr_dma_sync_for_device(dma, &place->map, offset, len), PHYR_OK);
}

static void step_place(struct dma_run *r)
{
	size_t i = upto(r, PLACE_CNT - 1);
	struct place *place = &r->places[i];

	if (place->map.form == PHYR_DMA_NONE)
		map_place(r, i);
	else if (place->revoked || upto(r, 2))
		unmap_place(r, place);
	else
		sync_place(r, place);
}

/* Of what the mapping had nothing is cached, whatever the policy. */
static void step_remove(struct dma_run *r)
{
	bool bridge = upto(r, 2);
	uint32_t *id = bridge ? &r->bridge : &r->bus;
	struct phyrsim_root root = root_of(&r->world);
	struct phyrsim_stale_report report;

	assert_int_equal(phyr_p2p_remove(r->p2p, *id), PHYR_OK);
	*id = bridge ? add_bar(r, BRIDGE_AT, r->bridge_owner) : add_bar(r, BUS_AT, r->bus_owner);
	for (size_t i = 0; i < PLACE_CNT - 1; i++) {
		struct place *place = &r->places[i];
		struct phyr_dma_cursor cursor;
		struct phyr_iova_range range;

		phyr_dma_begin(&place->map, &cursor);
		if (place->map.form == PHYR_DMA_NONE || place->revoked ||
		    phyr_dma_next(&cursor, &range))
			continue;
		place->revoked = true;
		r->revoked_cnt++;
		if (place->map.reserved.len)
			assert_int_equal(phyrsim_stale_check_range(r->world.stale, &root,
								   place->map.reserved, &report),
					 PHYR_OK);
	}
}

static void step_reserve(struct dma_run *r)
{
	struct stage *s = &r->stage;
	struct phyr_dma_want want = { .len = 1 + upto(r, PLACE_LEN / 2) };
	int err;

	s->pa = DATA + (PLACE_CNT - 1) * PLACE_LEN + upto(r, PLACE_LEN / 2);
	want.phase = s->pa;
	if (upto(r, 3) == 0) {
		want.cover_lg2 = (uint8_t)upto(r, 20);
		want.phase_lg2 = (uint8_t)upto(r, 20);
	}
	s->dma = upto(r, 2);
	err = phyr_dma_reserve(r->dma[s->dma], &want, &s->state);
	assert_true(err == PHYR_OK || err == PHYR_E_NOSPACE);
	s->linked_len = 0;
}

/* The next part, up to a granule or the end. */
static void step_link(struct dma_run *r)
{
	struct stage *s = &r->stage;
	struct phyr_range run = { { s->pa + s->linked_len }, 0 };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_SYSTEM, 0 }, RW, NULL, NULL };
	uint64_t left = phyr_dma_state_len(&s->state) - s->linked_len;
	int err;

	run.len = 1 + upto(r, left);
	run.len += -(run.pa.addr + run.len) & (r->granule - 1);
	run.len = run.len < left ? run.len : left;
	err = phyr_dma_link(r->dma[s->dma], &s->state, s->linked_len, &piece);
	if (err) {
		assert_int_equal(err, PHYR_E_NOSPACE);
		return;
	}
	err = phyr_dma_sync(r->dma[s->dma], &s->state, s->linked_len, run.len);
	assert_int_equal(err, PHYR_OK);
	touch(&r->world, s->state.addr + s->linked_len, run.len);
	access_part(r, s->state.addr + s->linked_len, run.pa.addr, run.len, RW);
	s->linked_len += run.len;
	r->linked_cnt++;
}

/* From somewhere on; a leaf may be in the way. */
static void step_unlink(struct dma_run *r)
{
	struct stage *s = &r->stage;
	struct phyr_iova_range range = { { s->state.addr }, s->linked_len };
	struct phyrsim_root root = root_of(&r->world);
	struct phyr_dma_part part = { upto(r, s->linked_len), 0, RW };
	struct phyrsim_stale_report report;
	int err;

	part.offset -= (s->pa + part.offset) & (r->granule - 1);
	if (part.offset > s->linked_len)
		part.offset = 0;
	part.len = s->linked_len - part.offset;
	err = phyr_dma_unlink(r->dma[s->dma], &s->state, &part);
	if (err) {
		assert_int_equal(err, PHYR_E_PARTIAL);
		return;
	}
	s->linked_len = part.offset;
	phyr_flush_batch_end(&r->batch); /* what waits in it may not be linked again */
	assert_int_equal(phyrsim_stale_check_range(r->world.stale, &root, range, &report), PHYR_OK);
}

static void destroy_stage(struct dma_run *r)
{
	struct stage *s = &r->stage;

	assert_int_equal(phyr_dma_destroy_state(r->dma[s->dma], &s->state, s->linked_len, RW),
			 PHYR_OK);
	s->linked_len = 0;
}

static void step_stage(struct dma_run *r)
{
	struct stage *s = &r->stage;
	uint64_t what = upto(r, 8);

	if (phyr_dma_state_len(&s->state) == 0)
		step_reserve(r);
	else if (what < 4 && s->linked_len < phyr_dma_state_len(&s->state))
		step_link(r);
	else if (what < 6 && s->linked_len)
		step_unlink(r);
	else
		destroy_stage(r);
}

static void step_flush(struct dma_run *r)
{
	if (r->policy == POLICY_BATCH)
		phyr_flush_batch_end(&r->batch);
	if (r->policy == POLICY_LAZY)
		phyr_flush_tick(r->domain, r->now += upto(r, 8));
}

static bool waits(const struct dma_run *r)
{
	struct phyr_flush_ring_stats stats = { .held_cnt = 0 };

	if (r->ring)
		phyr_flush_ring_stats(r->ring, &stats);
	return stats.held_cnt || !r->batch.gather.empty;
}

static void expect_sound(struct dma_run *r)
{
	struct phyrsim_stale_report report;

	assert_int_equal(phyrsim_stale_check_freed(r->world.stale, &report), PHYR_OK);
	if (!waits(r) && check(&r->world).cnt)
		fail_msg("something is stale that nobody waits for");
}

static void run_steps(struct dma_run *r)
{
	for (uint64_t i = 0; i < iter; i++) {
		uint64_t what = upto(r, 16);

		if (what < 9)
			step_place(r);
		else if (what < 14)
			step_stage(r);
		else if (what < 15)
			step_flush(r);
		else
			step_remove(r);
		expect_sound(r);
	}
	for (size_t i = 0; i < PLACE_CNT; i++) {
		if (r->places[i].map.form != PHYR_DMA_NONE)
			unmap_place(r, &r->places[i]);
	}
	if (phyr_dma_state_len(&r->stage.state))
		destroy_stage(r);
	expect_data(r);
	run_of_close(r);
}

/* Each format with a personality of its hardware; which, changes. */
static void run_policy(enum policy policy)
{
	static struct dma_run run;
	uint64_t cnt = 0, mapped = 0, linked = 0, revoked = 0, refused = 0;

	for (size_t i = 0; i < CONFIG_CNT; i++) {
		struct phyrsim_inval_params inval = { 0 };

		do
			inval.personality =
				(enum phyrsim_personality)(cnt++ % PHYRSIM_PERSONALITY_CNT);
		while (!fits(inval.personality, &configs[i]));
		inval.ordered = inval.personality == PHYRSIM_INVAL_VTD_LINUX;
		run_of_open(&run, &configs[i], &inval, policy, seed + i);
		run_steps(&run);
		mapped += run.mapped_cnt;
		linked += run.linked_cnt;
		revoked += run.revoked_cnt;
		refused += run.refused_cnt;
	}
	assert_true(mapped > refused && linked && revoked);
}

static void strictly_every_byte_is_reached_and_nothing_is_left(void **state)
{
	(void)state;
	run_policy(POLICY_STRICT);
}

static void in_batches_every_byte_is_reached_and_nothing_is_left(void **state)
{
	(void)state;
	run_policy(POLICY_BATCH);
}

static void lazily_every_byte_is_reached_and_nothing_is_left(void **state)
{
	(void)state;
	run_policy(POLICY_LAZY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strictly_every_byte_is_reached_and_nothing_is_left),
		cmocka_unit_test(in_batches_every_byte_is_reached_and_nothing_is_left),
		cmocka_unit_test(lazily_every_byte_is_reached_and_nothing_is_left),
	};

	seed = test_number("PHYR_SEED", 1);
	iter = test_number("PHYR_ITER", 150);
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
