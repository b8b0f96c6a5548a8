/* SPDX-License-Identifier: MIT */
/*
 * What never waits for a flush, whatever the policy: slots, which are somebody else's next, and peers, who
 * may be removed next. What is only addresses waits beside them.
 *
 * The world objects to a slot that is filled while what was unmapped still leads there.
 */
#include "dma_links.h"

enum policy { STRICT, RING, BATCH, POLICY_CNT };

static struct phyr_iova_range held[64];
static struct phyr_flush_batch batch;

static struct world *world_with(enum policy policy, unsigned int traits)
{
	struct world *w = world_of(12);
	struct phyr_flush_target target = { w->params.iommu, w->space, NULL };

	add_pool(w, 0x8000);
	if (policy == RING)
		add_ring(w, 64);
	w->params.traits = traits;
	make_dma(w);
	phyr_flush_batch_init(&batch, &target, held, CNT(held));
	if (policy == BATCH)
		phyr_dma_set_batch(w->dma, &batch);
	return w;
}

static void end_world(struct world *w)
{
	phyr_flush_batch_end(&batch);
	if (w->domain)
		phyr_flush_all(w->domain);
	world_close(w);
	memset(w, 0, sizeof(*w));
}

/* Can the device still reach, through what was unmapped, memory of a range? */
static bool lingers(const struct world *w, uint64_t first, uint64_t len)
{
	for (size_t i = 0; i < GRANULES; i++) {
		if (w->granules[i].state == GRANULE_STALE && w->granules[i].pa - first < len)
			return true;
	}
	return false;
}

/* Whole pages: they wait if anything may. */
static void expect_plain_to_wait(struct world *w, enum policy policy)
{
	struct phyr_dma_map map;

	phyr_list_truncate(&w->list, 0);
	add(w, HIGH, 0x2000);
	map = map_list(w);
	unmap(w, &map);
	assert_int_equal(lingers(w, HIGH, 0x2000), policy != STRICT);
}

/* One range, or with a middle that is mapped as it is, or a list. */
static void bounced_list(struct world *w, uint64_t pa, uint64_t len, uint64_t more_len)
{
	struct phyr_dma_map map;

	/* The pool holds one at a time: the slots are used again and again. */
	for (int i = 0; i < 5; i++) {
		phyr_list_truncate(&w->list, 0);
		add(w, pa, len);
		if (more_len)
			add(w, 0x9000 + pa, more_len);
		map = map_list(w);
		assert_true(map.bounced);
		device_writes(w, &map, &w->list);
		unmap(w, &map);
		assert_false(lingers(w, POOL, POOL_LEN));
		expect_bytes(w);
	}
}

static void slots_are_not_reached_when_they_are_free(void **state)
{
	(void)state;
	for (enum policy policy = STRICT; policy < POLICY_CNT; policy++) {
		struct world *w = world_with(policy, PHYR_DMA_UNTRUSTED);

		bounced_list(w, 0x1100, 0x10, 0);
		bounced_list(w, 0x1800, 0x3000, 0);
		bounced_list(w, 0x1800, 0x1000, 0x1200);
		expect_plain_to_wait(w, policy);
		end_world(w);
	}
}

static void nor_are_those_of_one_range_or_of_links(void **state)
{
	(void)state;
	for (enum policy policy = STRICT; policy < POLICY_CNT; policy++) {
		struct world *w = world_with(policy, PHYR_DMA_UNTRUSTED);
		struct phyr_dma_linear linear = { &w->list, RW, NULL, true };
		struct phyr_dma_state s;
		struct phyr_dma_map map;

		add(w, 0x1800, 0x800);
		add(w, 0x5200, 0x800);
		for (int i = 0; i < 5; i++) {
			assert_int_equal(phyr_dma_map_linear(w->dma, &linear, &map, NULL), PHYR_OK);
			unmap(w, &map);
			s = reserve(w, 0x800, 0x3000);
			assert_int_equal(link_at(w, &s, 0, 0x1800, 0x3000), PHYR_OK);
			if (i & 1)
				assert_int_equal(unlink_at(w, &s, 0, 0x800), PHYR_OK);
			assert_false(lingers(w, POOL, POOL_LEN));
			if (i & 1)
				assert_int_equal(unlink_at(w, &s, 0x800, 0x2800), PHYR_OK);
			destroy(w, &s, i & 1 ? 0 : 0x3000);
			assert_false(lingers(w, POOL, POOL_LEN));
		}
		expect_plain_to_wait(w, policy);
		end_world(w);
	}
}

/* Alone, and in a list beside memory and a peer by bus address. */
static void peers_are_not_reached_when_they_are_let_go(void **state)
{
	(void)state;
	for (enum policy policy = STRICT; policy < POLICY_CNT; policy++) {
		struct world *w = world_with(policy, 0);
		struct phyr_dma_map map;

		for (int i = 0; i < 2; i++) {
			add_peer(w, BRIDGE_BAR + 0x2000, 0x2000);
			map = map_list(w);
			unmap(w, &map);
			assert_false(lingers(w, BRIDGE_BAR, BAR_LEN));
			add(w, 0x1000, 0x1000);
			add_peer(w, NEAR_BAR, 0x1000);
		}
		expect_plain_to_wait(w, policy);
		assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_OK);
		end_world(w);
	}
}

/* A peer past the IOMMU leaves nothing to invalidate: the rest of its list waits. */
static void peers_by_bus_address_do_not_keep_others_from_waiting(void **state)
{
	(void)state;
	for (enum policy policy = STRICT; policy < POLICY_CNT; policy++) {
		struct world *w = world_with(policy, 0);
		struct phyr_dma_map map;

		add(w, 0x1000, 0x1000);
		add_peer(w, NEAR_BAR, 0x1000);
		map = map_list(w);
		unmap(w, &map);
		assert_int_equal(lingers(w, 0x1000, 0x1000), policy != STRICT);
		end_world(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_not_reached_when_they_are_free),
		cmocka_unit_test(nor_are_those_of_one_range_or_of_links),
		cmocka_unit_test(peers_are_not_reached_when_they_are_let_go),
		cmocka_unit_test(peers_by_bus_address_do_not_keep_others_from_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
