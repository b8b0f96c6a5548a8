/* SPDX-License-Identifier: MIT */
/*
 * One range or nothing: each obstacle, where it is, and what copying can do about it. And mapping at
 * addresses that the caller has.
 */
#include "dma_device.h"

/* Maps as one range, or tells why not; nothing is left then. */
static int linear(struct world *w, bool bounce, const struct phyr_placement *placement,
		  struct phyr_dma_map *map, struct phyr_dma_why *why)
{
	struct phyr_dma_linear want = { &w->list, RW, placement, bounce };
	uint64_t live = w->space ? live_cnt(w) : 0;
	int err;

	memset(why, 0xa5, sizeof(*why));
	map->form = (enum phyr_dma_form)77;
	err = phyr_dma_map_linear(w->dma, &want, map, why);
	if (err == PHYR_OK) {
		assert_int_equal(map->form, PHYR_DMA_RANGE);
		assert_int_equal(why->obstacle, PHYR_DMA_FREE);
		return err;
	}
	assert_int_equal(map->form, 77);
	assert_true(w->space == NULL || live_cnt(w) == live);
	assert_int_equal(stats_of(w).map_cnt, stats_of(w).unmap_cnt);
	return err;
}

static struct phyr_dma_why obstacle(struct world *w, bool bounce, int err,
				    enum phyr_dma_obstacle expected)
{
	struct phyr_dma_why why;
	struct phyr_dma_map map;

	assert_int_equal(linear(w, bounce, NULL, &map, &why), err);
	assert_int_equal(why.obstacle, expected);
	return why;
}

/* Maps, reads, writes, unmaps: whole. */
static void linear_trip(struct world *w, bool bounce)
{
	struct phyr_dma_why why;
	struct phyr_dma_map map;

	assert_int_equal(linear(w, bounce, NULL, &map, &why), PHYR_OK);
	assert_int_equal(device_reads(w, &map, &w->list), 1);
	device_writes(w, &map, &w->list);
	unmap(w, &map);
	expect_bytes(w);
}

static void what_fits_is_mapped_as_it_is(void **state)
{
	struct phyr_dma_linear want = { .perm = RW };
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	make_dma(w);
	add(w, 0x1800, 0x1800);
	add(w, 0x8000, 0x1001);
	linear_trip(w, false);
	want.list = &w->list;
	assert_int_equal(phyr_dma_map_linear(w->dma, &want, &map, NULL), PHYR_OK);
	unmap(w, &map);
	assert_int_equal(phyr_dma_map_linear(w->dma, NULL, &map, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map_linear(w->dma, &want, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_map_linear(NULL, &want, &map, NULL), PHYR_E_INVAL);
	want.perm = (enum phyr_perm)0;
	assert_int_equal(phyr_dma_map_linear(w->dma, &want, &map, NULL), PHYR_E_INVAL);
	want = (struct phyr_dma_linear){ NULL, RW, NULL, false };
	assert_int_equal(phyr_dma_map_linear(w->dma, &want, &map, NULL), PHYR_E_INVAL);
}

static void a_joint_in_a_granule_is_told(void **state)
{
	struct world *w = world_of(14);
	struct phyr_dma_why why;

	(void)state;
	make_dma(w);
	add(w, 0x1000, 0x3000);
	add(w, 0x8000, 0x5000);
	add(w, 0x13000, 0x1000);
	why = obstacle(w, false, PHYR_E_ALIGN, PHYR_DMA_JOINT);
	assert_int_equal(why.offset, 0x8000);
	assert_int_equal(why.joint_mask & 0x3fff, 0x1000 | 0x3000);
	/* There is no pool. */
	(void)obstacle(w, true, PHYR_E_ALIGN, PHYR_DMA_JOINT);
	phyr_dma_destroy(w->dma);
	add_pool(w, POOL_LEN);
	make_dma(w);
	linear_trip(w, true);
}

static void without_an_iommu_any_joint_is_in_the_way(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;
	struct phyr_dma_why why;

	(void)state;
	add_pool(w, POOL_LEN);
	make_dma(w);
	add(w, 0x1000, 0x1000);
	linear_trip(w, false);
	add(w, 0x4000, 0x1000);
	why = obstacle(w, false, PHYR_E_ALIGN, PHYR_DMA_JOINT);
	assert_int_equal(why.offset, 0x1000);
	linear_trip(w, true);
	/* Borrowed while it is copied. */
	assert_int_equal(linear(w, true, NULL, &map, &why), PHYR_OK);
	assert_int_equal(phyr_list_append(&w->list, (struct phyr_range){ { 0x9000 }, 1 },
					  (struct phyr_tag){ PHYR_KIND_SYSTEM, 0 }),
			 PHYR_E_BUSY);
	assert_true(map.bounced && stats_of(w).bounced_len == 0x2000);
	unmap(w, &map);
	add(w, 0x9001, 1);
	linear_trip(w, true);
}

static void scattered_bytes_are_synced_in_part(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;
	struct phyr_dma_why why;
	uint64_t at;

	(void)state;
	add_pool(w, POOL_LEN);
	make_dma(w);
	add(w, 0x1000, 0x10);
	add(w, 0x4000, 0x10);
	add(w, 0x3000, 0x10);
	assert_int_equal(linear(w, true, NULL, &map, &why), PHYR_OK);
	at = device_pa(w, map.range.iova.addr, 0x30, RW);
	memset(w->bytes + at, 9, 0x30);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &map, 0xf, 0x12), PHYR_OK);
	memset(w->shadow + 0x100f, 9, 1);
	memset(w->shadow + 0x4000, 9, 0x10);
	memset(w->shadow + 0x3000, 9, 1);
	expect_bytes(w);
	cpu_writes(w, 0x400f, 1);
	cpu_writes(w, 0x3000, 1);
	assert_int_equal(phyr_dma_sync_for_device(w->dma, &map, 0x20, 1), PHYR_OK);
	assert_true(w->bytes[at + 0x1f] == 9 && w->bytes[at + 0x20] == 1);
	memset(w->bytes + at, 5, 0x30);
	memset(w->shadow + 0x1000, 5, 0x10);
	memset(w->shadow + 0x4000, 5, 0x10);
	memset(w->shadow + 0x3000, 5, 0x10);
	unmap(w, &map);
	expect_bytes(w);
}

static void a_peer_beside_other_memory_is_in_the_way(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_why why;

	(void)state;
	add_pool(w, POOL_LEN);
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add_peer(w, NEAR_BAR, 0x1000);
	why = obstacle(w, false, PHYR_E_KIND, PHYR_DMA_PEER);
	assert_true(why.offset == 0x1000 && why.tag.kind == PHYR_KIND_P2P);
	why = obstacle(w, true, PHYR_E_KIND, PHYR_DMA_PEER);
	assert_int_equal(why.offset, 0x1000);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR + 8, 0x1000);
	linear_trip(w, false);
	phyr_list_truncate(&w->list, 0xff8);
	add_peer(w, OWN_BAR, 0x1000);
	(void)obstacle(w, false, PHYR_E_KIND, PHYR_DMA_PEER);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, FAR_BAR, 0x1000);
	(void)obstacle(w, false, PHYR_E_UNREACHABLE, PHYR_DMA_PEER);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR, 0x1000);
	add(w, 0x1000, 0x1000);
	linear_trip(w, true);
}

static void memory_that_cannot_be_bounced_is_in_the_way(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_why why;

	(void)state;
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add_encrypted(w, 0x8000, 0x1000);
	why = obstacle(w, false, PHYR_E_KIND, PHYR_DMA_KIND);
	assert_true(why.offset == 0x1000 && why.tag.kind == PHYR_KIND_ENCRYPTED);
	(void)obstacle(w, true, PHYR_E_KIND, PHYR_DMA_KIND);
	phyr_dma_destroy(w->dma);
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_DECRYPT;
	make_dma(w);
	linear_trip(w, false);
}

static void no_space_and_never_are_told_apart(void **state)
{
	struct phyr_placement below = phyr_placement_any();
	struct world *w = world_of(12);
	struct phyr_iova_range all = { { BASE }, GRANULES * K4 };
	struct phyr_dma_map map;
	struct phyr_dma_why why;

	(void)state;
	add_pool(w, 0x4000);
	make_dma(w);
	add(w, 0x1000, 0x1000);
	assert_int_equal(phyr_iova_reserve(w->space, all), PHYR_OK);
	why = obstacle(w, true, PHYR_E_NOSPACE, PHYR_DMA_SPACE);
	assert_int_equal(why.len, 0x1000);
	assert_int_equal(phyr_iova_free(w->space, all), PHYR_OK);
	below.window.last.addr = BASE - 1;
	assert_int_equal(linear(w, true, &below, &map, &why), PHYR_E_LIMIT);
	assert_int_equal(why.obstacle, PHYR_DMA_LIMIT);
	phyr_list_truncate(&w->list, 0);
	add(w, 0x1001, 0x1000);
	add(w, 0x8000, 0x4000);
	why = obstacle(w, true, PHYR_E_LIMIT, PHYR_DMA_LIMIT);
	assert_true(why.len >= 0x5000);
}

static void a_pool_that_is_full_now_is_no_space(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_map map;
	struct phyr_dma_why why;

	(void)state;
	add_pool(w, 0x4000);
	make_dma(w);
	add(w, 0x1001, 0x1000);
	add(w, 0x8000, 0x2000);
	assert_int_equal(linear(w, true, NULL, &map, &why), PHYR_OK);
	{
		struct phyr_dma_linear want = { &w->list, RW, NULL, true };
		struct phyr_dma_map second;

		assert_int_equal(phyr_dma_map_linear(w->dma, &want, &second, &why), PHYR_E_NOSPACE);
	}
	assert_int_equal(why.obstacle, PHYR_DMA_SPACE);
	unmap(w, &map);
}

static void an_address_out_of_reach_is_bounced_or_told(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_why why;

	(void)state;
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH, 0x1000);
	why = obstacle(w, false, PHYR_E_KIND, PHYR_DMA_KIND);
	assert_int_equal(why.offset, 0);
	phyr_dma_destroy(w->dma);
	add_pool(w, POOL_LEN);
	make_dma(w);
	linear_trip(w, false);
	add(w, HIGH + 0x8000, 0x1000);
	(void)obstacle(w, false, PHYR_E_ALIGN, PHYR_DMA_JOINT);
	linear_trip(w, true);
}

static void untrusted_ends_are_bounced_all_the_same(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	add(w, 0x1800, 0x1800);
	add(w, 0x8000, 0x1001);
	linear_trip(w, false);
	add(w, 0xa000, 0x1001);
	(void)obstacle(w, false, PHYR_E_ALIGN, PHYR_DMA_JOINT);
	linear_trip(w, true);
}

/* At addresses of the caller's. */

static int map_at(struct world *w, uint64_t iova, uint64_t len, struct phyr_dma_map *map)
{
	struct phyr_iova_range at = { { iova }, len };
	int err;

	map->form = (enum phyr_dma_form)77;
	err = phyr_dma_map_at(w->dma, &w->list, RW, at, map);
	assert_int_equal(map->form, err ? 77 : PHYR_DMA_RANGE);
	return err;
}

/* What stands in a list behind a joint, and cannot be mapped at all, is what is told. */
static void what_cannot_be_mapped_at_all_comes_first(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_why why;

	(void)state;
	make_dma(w);
	add(w, 0x1000, 0x10);
	add(w, 0x8000, 0x1000);
	add_peer(w, FAR_BAR, 0x1000);
	why = obstacle(w, false, PHYR_E_UNREACHABLE, PHYR_DMA_PEER);
	assert_true(why.offset == 0x1010 && why.tag.kind == PHYR_KIND_P2P);
	why = obstacle(w, true, PHYR_E_UNREACHABLE, PHYR_DMA_PEER);
	assert_int_equal(why.offset, 0x1010);
}

static void addresses_are_in_reach_of_the_device(void **state)
{
	struct phyr_iova_range at = { { BASE }, 0x3000 };
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	w->params.address_last = BASE + 0x1fff;
	make_dma(w);
	assert_int_equal(phyr_iova_reserve(w->space, at), PHYR_OK);
	add(w, 0x1000, 0x2000);
	assert_int_equal(map_at(w, BASE + 0x1000, 0x2000, &map), PHYR_E_RANGE);
	assert_int_equal(map_at(w, BASE, 0x2000, &map), PHYR_OK);
	unmap(w, &map);
	assert_int_equal(phyr_iova_free(w->space, at), PHYR_OK);
}

static void kinds_are_refused_at_addresses_as_anywhere(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_DECRYPT | PHYR_DMA_UNTRUSTED;
	make_dma(w);
	add_encrypted(w, 0x1000, 0x1000);
	assert_int_equal(map_at(w, BASE, 0x1000, &map), PHYR_E_KIND);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, NEAR_BAR, 0x1000);
	assert_int_equal(map_at(w, BASE, 0x1000, &map), PHYR_E_KIND);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, FAR_BAR, 0x1000);
	assert_int_equal(map_at(w, BASE, 0x1000, &map), PHYR_E_UNREACHABLE);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, HIGH, 0x1000);
	assert_int_equal(map_at(w, BASE, 0x1000, &map), PHYR_E_NOENT);
	phyr_list_truncate(&w->list, 0);
	add(w, 0x1000, 0x800);
	assert_int_equal(map_at(w, BASE, 0x1000, &map), PHYR_E_KIND);
}

static void addresses_of_the_caller_stay_his(void **state)
{
	struct phyr_iova_range at = { { BASE + 0x4000 }, 0x4000 };
	struct world *w = world_of(12);
	struct phyr_dma_map map, other;

	(void)state;
	make_dma(w);
	assert_int_equal(phyr_iova_reserve(w->space, at), PHYR_OK);
	add(w, 0x1800, 0x800);
	add_peer(w, BRIDGE_BAR, 0x2000);
	add(w, 0x1800, 0x10);
	assert_int_equal(map_at(w, BASE + 0x4000, 0x4000, &map), PHYR_E_ALIGN);
	phyr_list_truncate(&w->list, 0x2800);
	add(w, 0x1000, 0x10);
	assert_int_equal(map_at(w, BASE + 0x4000, 0x3000, &map), PHYR_E_INVAL);
	assert_int_equal(map_at(w, BASE + 0x4001, 0x4000, &map), PHYR_E_ALIGN);
	assert_int_equal(map_at(w, 0 - UINT64_C(0x1000), 0x4000, &map), PHYR_E_RANGE);
	assert_int_equal(map_at(w, BASE + 0x4000, 0x4000, &map), PHYR_OK);
	assert_int_equal(map_at(w, BASE + 0x4000, 0x4000, &other), PHYR_E_EXISTS);
	assert_int_equal(device_reads(w, &map, &w->list), 1);
	device_writes(w, &map, &w->list);
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_OK);
	unmap(w, &map);
	expect_bytes(w);
	assert_int_equal(live_cnt(w), 1);
	assert_int_equal(phyr_iova_free(w->space, at), PHYR_OK);
}

/* Without an IOMMU the last address of all and the first are no neighbours. */
static void no_range_goes_around_the_top(void **state)
{
	struct world *w = world_of(0);
	struct phyr_dma_linear linear = { &w->list, RW, NULL, false };
	struct phyr_dma_why why;
	struct phyr_dma_map map;

	(void)state;
	w->params.bus_offset = -UINT64_C(0x2000);
	make_dma(w);
	add(w, 0x1000, 0x1000);
	add_tagged(w, 0x2000, 0x1000, (struct phyr_tag){ PHYR_KIND_SYSTEM, 1 });
	assert_int_equal(phyr_dma_map_linear(w->dma, &linear, &map, &why), PHYR_E_ALIGN);
	assert_true(why.obstacle == PHYR_DMA_JOINT && why.offset == 0x1000);
	map = map_list(w);
	assert_int_equal(map.form, PHYR_DMA_BORROWED);
	assert_int_equal(device_reads(w, &map, &w->list), 2);
	unmap(w, &map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(no_range_goes_around_the_top),
		CASE(what_fits_is_mapped_as_it_is),
		CASE(a_joint_in_a_granule_is_told),
		CASE(without_an_iommu_any_joint_is_in_the_way),
		CASE(scattered_bytes_are_synced_in_part),
		CASE(a_peer_beside_other_memory_is_in_the_way),
		CASE(memory_that_cannot_be_bounced_is_in_the_way),
		CASE(no_space_and_never_are_told_apart),
		CASE(a_pool_that_is_full_now_is_no_space),
		CASE(an_address_out_of_reach_is_bounced_or_told),
		CASE(untrusted_ends_are_bounced_all_the_same),
		CASE(what_cannot_be_mapped_at_all_comes_first),
		CASE(addresses_are_in_reach_of_the_device),
		CASE(kinds_are_refused_at_addresses_as_anywhere),
		CASE(addresses_of_the_caller_stay_his),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
