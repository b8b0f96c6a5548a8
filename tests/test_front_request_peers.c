/* SPDX-License-Identifier: MIT */
/* Requests of peers' memory: of one provider, reached in its way, gone when it goes. */
#include "front_request_world.h"

/* P13: memory first, then a peer: such a request cannot be. */
static void kinds_and_providers_do_not_mix(void **state)
{
	struct fixture *f = open_queue(state, true);

	add(f, 0x1000, K4);
	add_kind(f, BUS_PA, K4, PHYR_KIND_P2P);
	refuse(f, PHYR_E_KIND);
	f->input.cnt = 0;
	add_kind(f, BUS_PA, K4, PHYR_KIND_P2P);
	add(f, 0x1000, K4);
	refuse(f, PHYR_E_KIND);
	f->input.cnt = 1;
	add_kind(f, BUS2_PA, K4, PHYR_KIND_P2P);
	refuse(f, PHYR_E_KIND);
	f->input.cnt = 1;
	f->segments[0].tag.provider = f->w.peers.bridge;
	refuse(f, PHYR_E_INVAL);
}

static void a_peer_by_bus_address_is_not_mapped(void **state)
{
	struct fixture *f = open_queue(state, true);
	const struct phyr_iova_range want[] = { { { 0x80001200 }, 0x200 }, { { 0x80000000 }, K4 } };

	add_kind(f, BUS_PA + 0x1200, 0x200, PHYR_KIND_P2P);
	add_kind(f, BUS_PA, K4, PHYR_KIND_P2P);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_SEGMENTS);
	expect(f, want, 2);
	assert_int_equal(f->w.map_cnt + f->w.sync_cnt, 0);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bus), PHYR_OK);
	f->request.segment_cnt = 0;
	expect(f, NULL, 0);
	unmap(f);
	assert_int_equal(f->w.flush_cnt, 0);
}

static void a_peer_through_the_bridge_is_mapped_as_mmio(void **state)
{
	struct fixture *f = open_queue(state, true);

	add_kind(f, BRIDGE_PA + K4, K4, PHYR_KIND_P2P);
	add_kind(f, BRIDGE_PA, K4, PHYR_KIND_P2P);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_RANGE);
	expect_translated(f);
	assert_int_equal(mapped_cnt(&f->w), 2);
	for (size_t i = 0; i < GRANULES; i++)
		assert_true(f->w.pa[i] == NOTHING || f->w.mmio[i]);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_OK);
	assert_int_equal(mapped_cnt(&f->w), 0);
	assert_int_equal(f->w.unflushed_cnt, 0);
	f->request.segment_cnt = 0;
	expect(f, NULL, 0);
	unmap(f);
}

/* Whoever unmapped last may remove the provider: nothing waits in the ring. */
static void a_peers_request_does_not_wait_for_a_ring(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_params params = world_begin(&f->w, true);
	struct phyr_flush_params lazy = { &f->w.t.mem, params.iommu, params.space, 8, false, 0 };
	struct phyr_flush_domain *domain;

	assert_int_equal(phyr_flush_domain_create(&lazy, &domain), PHYR_OK);
	assert_int_equal(phyr_flush_ring_create(domain, &params.ring), PHYR_OK);
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	add_kind(f, BRIDGE_PA, K4, PHYR_KIND_P2P);
	map(f);
	unmap(f);
	assert_int_equal(f->w.unflushed_cnt, 0);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_OK);
	phyr_flush_ring_destroy(params.ring);
	phyr_flush_domain_destroy(domain);
}

static void a_peers_list_ends_with_its_provider_too(void **state)
{
	struct fixture *f = open_queue(state, true);

	add_kind(f, BRIDGE_PA + 0x200, 0x200, PHYR_KIND_P2P);
	add_kind(f, BRIDGE_PA + K4, K4, PHYR_KIND_P2P);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_LIST);
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_OK);
	assert_int_equal(mapped_cnt(&f->w), 0);
	f->request.segment_cnt = 0;
	expect(f, NULL, 0);
	unmap(f);
}

static void a_provider_whose_request_cannot_be_unmapped_stays(void **state)
{
	struct fixture *f = open_queue(state, true);

	add_kind(f, BRIDGE_PA, K4, PHYR_KIND_P2P);
	map(f);
	f->w.unmap_err = PHYR_E_PARTIAL;
	for (size_t i = 0; i < GRANULES; i++)
		f->w.unmap_at = f->w.pa[i] == NOTHING ? f->w.unmap_at : BASE + i * K4;
	assert_int_equal(phyr_p2p_remove(f->w.peers.p2p, f->w.peers.bridge), PHYR_E_BUSY);
	assert_int_equal(phyr_front_request_unmap(&f->queue, &f->request), PHYR_E_PARTIAL);
	f->w.unmap_err = PHYR_OK;
	unmap(f);
}

static void peers_without_an_iommu_have_their_own_addresses(void **state)
{
	struct fixture *f = *state;
	const struct phyr_iova_range bus = { { 0x80000000 }, K4 };
	const struct phyr_iova_range bridge = { { BRIDGE_PA }, K4 };
	struct phyr_dma_params params = world_begin(&f->w, false);

	/* That the CPU's address is out of reach does not matter to a bus address. */
	params.address_last = 0xffffffff;
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	add_kind(f, BUS_PA, K4, PHYR_KIND_P2P);
	map(f);
	assert_int_equal(f->request.form, PHYR_FRONT_SEGMENTS);
	expect(f, &bus, 1);
	unmap(f);
	f->input.cnt = 0;
	add_kind(f, BRIDGE_PA, K4, PHYR_KIND_P2P);
	refuse(f, PHYR_E_LIMIT);
	phyr_dma_destroy(f->w.dma);
	params.address_last = 0;
	world_open_as(&f->w, &params);
	start(f, &no_limits);
	f->input.cnt = 0;
	add_kind(f, BRIDGE_PA, K4, PHYR_KIND_P2P);
	map(f);
	expect(f, &bridge, 1);
	unmap(f);
}

static void peers_out_of_reach_are_refused(void **state)
{
	struct fixture *f = open_queue(state, true);

	add_kind(f, FAR_PA, K4, PHYR_KIND_P2P);
	refuse(f, PHYR_E_UNREACHABLE);
	f->segments[0].range.pa.addr = 0x1000;
	refuse(f, PHYR_E_NOENT);
	f->segments[0].range.pa.addr = BUS_PA - 0x200;
	refuse(f, PHYR_E_PARTIAL);
	f->segments[0].tag.kind = PHYR_KIND_ENCRYPTED;
	refuse(f, PHYR_E_KIND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(kinds_and_providers_do_not_mix),
		CASE(a_peer_by_bus_address_is_not_mapped),
		CASE(a_peer_through_the_bridge_is_mapped_as_mmio),
		CASE(a_peers_request_does_not_wait_for_a_ring),
		CASE(a_peers_list_ends_with_its_provider_too),
		CASE(a_provider_whose_request_cannot_be_unmapped_stays),
		CASE(peers_without_an_iommu_have_their_own_addresses),
		CASE(peers_out_of_reach_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
