/* SPDX-License-Identifier: MIT */
/*
 * Parts unlinked while a batch is set; and what a handle tells of itself.
 *
 * Not here: all else of the two steps.
 */
#include "front_world.h"

static struct world world;

static int after_case(void **state)
{
	(void)state;
	world_close(&world);
	return 0;
}

static void link_pages(struct phyr_dma_state *state, uint64_t len)
{
	struct phyr_range run = { { 0x100000 }, len };
	struct phyr_dma_piece piece = { &run, 1, { 0 }, PHYR_PERM_READ, NULL, NULL };
	struct phyr_dma_want want = { .len = len };

	assert_int_equal(phyr_dma_reserve(world.dma, &want, state), PHYR_OK);
	assert_int_equal(phyr_dma_link(world.dma, state, 0, &piece), PHYR_OK);
	assert_int_equal(phyr_dma_sync(world.dma, state, 0, len), PHYR_OK);
}

static struct phyr_flush_batch batch_of(const struct world *w)
{
	struct phyr_flush_target target = { { &fake_ops, &world }, w->space, NULL };
	struct phyr_flush_batch batch;

	phyr_flush_batch_init(&batch, &target, NULL, 0);
	return batch;
}

static void parts_that_go_to_a_batch_share_its_flush(void **state)
{
	struct phyr_dma_state range;
	struct phyr_flush_batch batch;

	(void)state;
	world_open(&world, true);
	batch = batch_of(&world);
	link_pages(&range, 8 * K4);
	assert_null(phyr_dma_set_batch(world.dma, &batch));
	for (uint64_t i = 0; i < 8; i += 2) {
		struct phyr_dma_part part = { i * K4, K4, PHYR_PERM_READ };

		assert_int_equal(phyr_dma_unlink(world.dma, &range, &part), PHYR_OK);
		assert_int_equal(phyr_dma_unlink(world.dma, &range, &part), PHYR_E_NOENT);
	}
	assert_int_equal(mapped_cnt(&world), 4);
	assert_int_equal(world.unflushed_cnt, 4);
	assert_int_equal(reserved_cnt(&world), 1);
	phyr_flush_batch_end(&batch);
	assert_int_equal(world.flush_cnt, 1);
	assert_ptr_equal(phyr_dma_set_batch(world.dma, NULL), &batch);
	for (uint64_t i = 1; i < 8; i += 2) {
		struct phyr_dma_part part = { i * K4, K4, PHYR_PERM_READ };

		assert_int_equal(phyr_dma_unlink(world.dma, &range, &part), PHYR_OK);
	}
	assert_int_equal(world.flush_cnt, 5);
	assert_int_equal(phyr_dma_free(world.dma, &range), PHYR_OK);
}

/* Its slots are somebody else's next. */
static void a_bounced_part_does_not_wait_for_the_batch(void **state)
{
	struct phyr_dma_params params = world_begin(&world, true);
	struct phyr_bounce_params pool = { .mem = &world.t.mem,
					   .pool = { { 0x40000000 }, 0x40000 },
					   .slot_lg2 = 12 };
	struct phyr_dma_part part = { 0, K4 + 0x200, PHYR_PERM_READ };
	struct phyr_dma_state range;
	struct phyr_flush_batch batch;

	(void)state;
	assert_int_equal(phyr_bounce_create(&pool, &params.bounce), PHYR_OK);
	params.traits = PHYR_DMA_UNTRUSTED;
	world_open_as(&world, &params);
	batch = batch_of(&world);
	link_pages(&range, part.len);
	(void)phyr_dma_set_batch(world.dma, &batch);
	assert_int_equal(phyr_dma_unlink(world.dma, &range, &part), PHYR_OK);
	assert_int_equal(world.flush_cnt, 1);
	(void)phyr_dma_set_batch(world.dma, NULL);
	assert_int_equal(phyr_dma_free(world.dma, &range), PHYR_OK);
	phyr_bounce_destroy(params.bounce);
}

/* What ends inside a granule was never linked so. */
static void a_part_is_not_destroyed_but_on_granules(void **state)
{
	struct phyr_dma_state range;

	(void)state;
	world_open(&world, true);
	link_pages(&range, 4 * K4);
	assert_int_equal(phyr_dma_destroy_state(world.dma, &range, 3 * K4 + 1, PHYR_PERM_READ),
			 PHYR_E_ALIGN);
	assert_int_equal(mapped_cnt(&world), 4);
	assert_int_equal(phyr_dma_destroy_state(world.dma, &range, 4 * K4, PHYR_PERM_READ),
			 PHYR_OK);
}

static void a_handle_tells_what_it_was_made_with(void **state)
{
	struct phyr_dma_params params = world_begin(&world, true);
	struct phyr_dma_params told;

	(void)state;
	params.address_last = 0xffffffffff;
	params.keep_lg2 = 12;
	world_open_as(&world, &params);
	memset(&told, 0x5a, sizeof(told));
	phyr_dma_params(world.dma, &told);
	assert_ptr_equal(told.mem, params.mem);
	assert_ptr_equal(told.iommu.ops, &fake_ops);
	assert_ptr_equal(told.space, params.space);
	assert_ptr_equal(told.p2p, params.p2p);
	assert_int_equal(told.node, params.node);
	assert_int_equal(told.address_last, 0xffffffffff);
	assert_int_equal(told.keep_lg2, 12);
	assert_null(told.ring);
}

#define CASE(name) cmocka_unit_test_teardown(name, after_case)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(parts_that_go_to_a_batch_share_its_flush),
		CASE(a_bounced_part_does_not_wait_for_the_batch),
		CASE(a_part_is_not_destroyed_but_on_granules),
		CASE(a_handle_tells_what_it_was_made_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
