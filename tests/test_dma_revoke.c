/* SPDX-License-Identifier: MIT */
/*
 * A provider that is to be removed, and somebody who does not let go: the registry refuses, who did let go
 * has, who did not goes on as before, and the next attempt can succeed.
 *
 * Not here: removals that succeed (test_dma_peers.c), links (test_dma_tie.c), users alone (test_p2p_users.c).
 */
#include "dma_device.h"

static struct phyr_dma_map map_bridge(struct world *w, uint64_t offset)
{
	struct phyr_dma_map map;

	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR + offset, 0x1000);
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_RANGE);
	return map;
}

static int remove_bridge(struct world *w)
{
	const char *reason = NULL;
	int err = phyr_p2p_remove(w->p2p, w->providers[2]);

	if (!phyr_p2p_validate(w->p2p, &reason))
		fail_msg("%s", reason);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	return err;
}

static void a_mapping_that_cannot_be_unmapped_stays(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_stats before, after;
	struct phyr_dma_map map;

	(void)state;
	make_dma(w);
	map = map_bridge(w, 0);
	before = stats_of(w);
	w->unmap_err = PHYR_E_PARTIAL;
	assert_int_equal(remove_bridge(w), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_unmap(w->dma, &map), PHYR_E_PARTIAL);
	w->unmap_err = PHYR_OK;
	after = stats_of(w);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(device_reads(w, &map, &w->list), 1);
	assert_int_equal(remove_bridge(w), PHYR_OK);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 0);
	unmap(w, &map);
}

/* Somebody who keeps no mapping, and says no. */
static void stay(struct phyr_p2p_user *user)
{
	(void)user;
}

static void those_who_let_go_have_even_so(void **state)
{
	struct world *w = world_of(12);
	struct phyr_p2p_user stubborn = { .revoke = stay };
	struct phyr_dma_map maps[3];
	struct phyr_dma_cursor cursor;
	struct phyr_iova_range range;

	(void)state;
	make_dma(w);
	for (uint64_t i = 0; i < 3; i++) {
		maps[i] = map_bridge(w, i * 0x1000);
		if (i == 1)
			assert_int_equal(phyr_p2p_attach(w->p2p, w->providers[2], &stubborn),
					 PHYR_OK);
	}
	assert_int_equal(remove_bridge(w), PHYR_E_BUSY);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 0);
	for (size_t i = 0; i < 3; i++) {
		phyr_dma_begin(&maps[i], &cursor);
		assert_false(phyr_dma_next(&cursor, &range));
		assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &maps[i], 0, 1), PHYR_E_NOENT);
		unmap(w, &maps[i]);
	}
	/* The provider is there as before. */
	maps[0] = map_bridge(w, 0);
	assert_int_equal(device_reads(w, &maps[0], &w->list), 1);
	phyr_p2p_detach(&stubborn);
	assert_int_equal(remove_bridge(w), PHYR_OK);
	unmap(w, &maps[0]);
}

/* A list beside other memory, with slots: nothing of it was copied back, given back or let go. */
static void a_list_that_stays_keeps_its_slots(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	add(w, 0x1100, 0x10);
	add_peer(w, BRIDGE_BAR, 0x1000);
	add_peer(w, NEAR_BAR, 0x1000);
	map = map_list(w);
	w->unmap_err = PHYR_E_NOENT;
	assert_int_equal(remove_bridge(w), PHYR_E_BUSY);
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[0]), PHYR_E_BUSY);
	w->unmap_err = PHYR_OK;
	assert_true(slots_used(w) > 0);
	assert_int_equal(device_reads(w, &map, &w->list), 3);
	device_writes(w, &map, &w->list);
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[0]), PHYR_OK);
	assert_int_equal(slots_used(w), 0);
	expect_bytes(w);
	assert_int_equal(remove_bridge(w), PHYR_OK);
	unmap(w, &map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_mapping_that_cannot_be_unmapped_stays),
		CASE(those_who_let_go_have_even_so),
		CASE(a_list_that_stays_keeps_its_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
