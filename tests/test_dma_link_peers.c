/* SPDX-License-Identifier: MIT */
/* Links of peers, of ends that are bounced, and of both when a peer is removed. */
#include "dma_links.h"

/* A use of a provider by a state: what the caller of links embeds. */
struct use {
	struct phyr_p2p_user user;
	struct world *w;
	struct phyr_dma_state *state;
	uint64_t offset, len; /* what is linked of the provider */
	bool told;
};

static void revoke(struct phyr_p2p_user *user)
{
	struct use *use = (struct use *)(void *)user;

	assert_int_equal(unlink_at(use->w, use->state, use->offset, use->len), PHYR_OK);
	phyr_p2p_detach(user);
	use->told = true;
}

static int link_peer(struct use *use, uint64_t offset, uint64_t pa, uint64_t len)
{
	struct phyr_range run = { { pa }, len };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_P2P, 0 }, RW, &use->user, NULL };

	use->user.revoke = revoke;
	return phyr_dma_link(use->w->dma, use->state, offset, &piece);
}

static struct world *links_of(unsigned int traits)
{
	struct world *w = world_of(12);

	w->params.traits = traits;
	make_dma(w);
	return w;
}

static void a_peer_through_the_bridge_is_linked_and_lets_go(void **state)
{
	struct world *w = links_of(0);
	struct phyr_dma_state s = reserve(w, 0, 0x3000);
	struct use use = { .w = w, .state = &s, .offset = 0x1000, .len = 0x2000 };

	(void)state;
	assert_int_equal(link_at(w, &s, 0, 0x1000, 0x1000), PHYR_OK);
	assert_int_equal(link_peer(&use, 0x1000, BRIDGE_BAR, 0x1000), PHYR_OK);
	assert_int_equal(use.user.provider, w->providers[2]);
	assert_int_equal(link_peer(&use, 0x2000, BRIDGE_BAR + 0x8000, 0x1000), PHYR_OK);
	sync_all(w, &s);
	expect_linked(w, &s, 0x1000, BRIDGE_BAR, 0x1000);
	assert_int_equal(stats_of(w).bridge_len, 0x2000);
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_OK);
	assert_true(use.told);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 1);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	destroy(w, &s, 0x1000);
}

static void a_peers_run_is_in_one_provider_that_is_mapped(void **state)
{
	struct world *w = links_of(0);
	struct phyr_dma_state s = reserve(w, 0, 0x4000);
	struct use use = { .w = w, .state = &s };
	struct phyr_range near = { { NEAR_BAR }, 0x1000 };
	struct phyr_dma_piece piece = { &near, 1,	  { PHYR_KIND_P2P, w->providers[2] },
					RW,    &use.user, NULL };

	(void)state;
	assert_int_equal(link_peer(&use, 0, NEAR_BAR, 0x1000), PHYR_E_KIND);
	assert_int_equal(link_peer(&use, 0, OWN_BAR, 0x1000), PHYR_E_KIND);
	assert_int_equal(link_peer(&use, 0, FAR_BAR, 0x1000), PHYR_E_UNREACHABLE);
	assert_int_equal(link_peer(&use, 0, HIGH, 0x1000), PHYR_E_NOENT);
	assert_int_equal(link_peer(&use, 0, BRIDGE_BAR - 0x1000, 0x2000), PHYR_E_PARTIAL);
	assert_int_equal(link_peer(&use, 0, FAR_BAR - 0x1000, 0x2000), PHYR_E_PARTIAL);
	assert_int_equal(link_peer(&use, 0, FAR_BAR + 0xf000, 0x2000), PHYR_E_PARTIAL);
	/* Named, but not where it is. */
	assert_int_not_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_OK);
	assert_null(use.user.place);
	assert_int_equal(count_granules(w, GRANULE_HIDDEN), 0);
	destroy(w, &s, 0);
}

/* A peer past the IOMMU is not linked, whether the device reaches it there or not. */
static void a_peer_past_the_iommu_and_out_of_reach_is_of_a_kind(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_state s;
	struct use use = { .w = w, .state = &s };

	(void)state;
	w->params.address_last = BUS;
	make_dma(w);
	s = reserve(w, 0, 0x1000);
	assert_int_equal(link_peer(&use, 0, NEAR_BAR, 0x1000), PHYR_E_KIND);
	destroy(w, &s, 0);
}

/* Vector D9. */
static void a_peer_is_not_bounced(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_state s;
	struct use use = { .w = w, .state = &s };

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	s = reserve(w, 0x800, 0x1000);
	assert_int_equal(link_peer(&use, 0, BRIDGE_BAR + 0x800, 0x1000), PHYR_E_KIND);
	assert_null(use.user.place);
	destroy(w, &s, 0);
}

static void one_user_is_of_one_provider(void **state)
{
	struct phyr_p2p_bar bar = { { { HIGH }, BAR_LEN }, BUS, 0 };
	struct phyr_range runs[] = { { { BRIDGE_BAR }, 0x1000 }, { { HIGH }, 0x1000 } };
	struct world *w = links_of(0);
	struct phyr_dma_state s = reserve(w, 0, 0x4000);
	struct use use = { .w = w, .state = &s, .len = 0x1000 };
	struct phyr_dma_piece piece = { runs, 2, { PHYR_KIND_P2P, 0 }, RW, &use.user, NULL };
	uint32_t second;

	(void)state;
	bar.owner = add_node(w, add_node(w, 0));
	assert_int_equal(phyr_p2p_register(w->p2p, &bar, &second), PHYR_OK);
	use.user.revoke = revoke;
	assert_int_not_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_OK);
	assert_null(use.user.place);
	assert_int_equal(link_peer(&use, 0, BRIDGE_BAR, 0x1000), PHYR_OK);
	assert_int_not_equal(link_peer(&use, 0x1000, HIGH, 0x1000), PHYR_OK);
	assert_int_equal(use.user.provider, w->providers[2]);
	phyr_p2p_detach(&use.user);
	destroy(w, &s, 0x1000);
}

/* A use that could not be linked is not attached, and one that was stays so. */
static void a_failed_link_leaves_the_user_as_it_was(void **state)
{
	struct world *w = links_of(0);
	struct phyr_dma_state s = reserve(w, 0, 0x4000);
	struct use use = { .w = w, .state = &s, .len = 0x1000 };

	(void)state;
	w->fail_err = PHYR_E_NOMEM;
	w->fail_at = w->call_cnt;
	assert_int_equal(link_peer(&use, 0, BRIDGE_BAR, 0x1000), PHYR_E_NOMEM);
	assert_null(use.user.place);
	assert_int_equal(link_peer(&use, 0, BRIDGE_BAR, 0x1000), PHYR_OK);
	w->fail_at = w->call_cnt;
	assert_int_equal(link_peer(&use, 0x1000, BRIDGE_BAR, 0x1000), PHYR_E_NOMEM);
	assert_int_equal(use.user.provider, w->providers[2]);
	assert_int_equal(stats_of(w).bridge_len, 0x1000);
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_OK);
	destroy(w, &s, 0);
}

static int reach(struct world *w, uint64_t pa, uint64_t len, struct phyr_dma_reach *ret_reach)
{
	struct phyr_range range = { { pa }, len };

	return phyr_dma_peer(w->dma, range, ret_reach);
}

static void how_a_peer_is_reached_can_be_asked(void **state)
{
	struct world *w = links_of(0);
	struct phyr_dma_reach r;

	(void)state;
	assert_int_equal(reach(w, NEAR_BAR + 0x10, 0x100, &r), PHYR_OK);
	assert_true(r.type == PHYR_P2P_BUS && r.provider == w->providers[0]);
	assert_int_equal(r.iova.addr, BUS + NEAR_BAR + 0x10);
	assert_int_equal(reach(w, OWN_BAR, BAR_LEN, &r), PHYR_OK);
	assert_true(r.type == PHYR_P2P_OWN && r.iova.addr == BUS + OWN_BAR);
	assert_int_equal(reach(w, BRIDGE_BAR, 1, &r), PHYR_OK);
	assert_true(r.type == PHYR_P2P_BRIDGE && r.iova.addr == 0);
	assert_int_equal(reach(w, FAR_BAR, 1, &r), PHYR_E_UNREACHABLE);
	assert_int_equal(reach(w, HIGH, 1, &r), PHYR_E_NOENT);
	assert_int_equal(reach(w, NEAR_BAR, BAR_LEN + 1, &r), PHYR_E_PARTIAL);
	assert_int_equal(reach(w, NEAR_BAR - 1, 2, &r), PHYR_E_PARTIAL);
	assert_int_equal(reach(w, NEAR_BAR, 0, &r), PHYR_E_INVAL);
	assert_int_equal(reach(w, NEAR_BAR, UINT64_MAX, &r), PHYR_E_RANGE);
	assert_int_equal(reach(w, NEAR_BAR, 1, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_peer(NULL, (struct phyr_range){ { NEAR_BAR }, 1 }, &r),
			 PHYR_E_INVAL);
	phyr_dma_destroy(w->dma);
	w->params.address_last = BUS + NEAR_BAR + 0xfff;
	make_dma(w);
	assert_int_equal(reach(w, NEAR_BAR + 0xff0, 0x10, &r), PHYR_OK);
	assert_int_equal(reach(w, NEAR_BAR + 0xff0, 0x11, &r), PHYR_E_LIMIT);
	phyr_dma_destroy(w->dma);
	w->params.p2p = NULL;
	make_dma(w);
	assert_int_equal(reach(w, NEAR_BAR, 1, &r), PHYR_E_UNREACHABLE);
}

/* Ends that are bounced. */

static struct world *untrusted(void)
{
	struct world *w = world_of(12);

	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	return w;
}

static void untrusted_rows(struct world *w, uint64_t pa, uint64_t len)
{
	struct phyr_dma_state s = reserve(w, pa, len);

	assert_int_equal(link_at(w, &s, 0, pa, len), PHYR_OK);
	sync_all(w, &s);
	assert_int_equal(stats_of(w).mapped_len, len);
	expect_linked(w, &s, 0, pa, len);
	write_linked(w, &s, 0, pa, len);
	assert_int_equal(unlink_at(w, &s, 0, len), PHYR_OK);
	expect_bytes(w);
	assert_int_equal(stats_of(w).bounced_len, 0);
	assert_int_equal(link_at(w, &s, 0, pa, len), PHYR_OK);
	sync_all(w, &s);
	write_linked(w, &s, 0, pa, len);
	destroy(w, &s, len);
	expect_bytes(w);
	expect_idle(w);
}

static void ragged_ends_are_bounced_and_the_middle_is_not(void **state)
{
	static const uint64_t firsts[] = { 0x800, 0x1000, 0x1fff, 0x1001 };
	static const uint64_t lens[] = { 1,	 2,	 0x7ff,	 0x800,	 0x801, 0xfff,
					 0x1000, 0x1001, 0x1fff, 0x2000, 0x3456 };
	struct world *w = untrusted();

	(void)state;
	for (size_t i = 0; i < CNT(firsts); i++) {
		for (size_t j = 0; j < CNT(lens); j++)
			untrusted_rows(w, firsts[i], lens[j]);
	}
}

/* Vector D7. */
static void head_and_tail_without_a_middle(void **state)
{
	struct world *w = untrusted();
	struct phyr_dma_state s = reserve(w, 0x800, 0x1000);

	(void)state;
	assert_int_equal(link_at(w, &s, 0, 0x800, 0x1000), PHYR_OK);
	assert_int_equal(count_granules(w, GRANULE_HIDDEN), 2);
	assert_int_equal(stats_of(w).bounced_len, 0x1000);
	for (size_t i = 0; i < GRANULES; i++) {
		if (w->granules[i].state == GRANULE_HIDDEN)
			assert_true(phyr_bounce_holds(w->pool, phyr_pa_at(w->granules[i].pa)));
	}
	destroy(w, &s, 0x1000);
}

static void bounced_parts_are_unlinked_alone(void **state)
{
	struct world *w = untrusted();
	struct phyr_dma_state s = reserve(w, 0x800, 0x3000), before;

	(void)state;
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x3000), PHYR_OK);
	sync_all(w, &s);
	write_linked(w, &s, 0, 0x1800, 0x3000);
	before = s;
	w->unmap_err = PHYR_E_PARTIAL;
	assert_int_equal(unlink_at(w, &s, 0, 0x800), PHYR_E_PARTIAL);
	w->unmap_err = PHYR_OK;
	assert_memory_equal(&s, &before, sizeof(s));
	assert_int_equal(stats_of(w).bounced_len, 0x1000);
	assert_int_equal(unlink_at(w, &s, 0x2800, 0x800), PHYR_OK);
	assert_int_equal(stats_of(w).bounced_len, 0x800);
	assert_int_equal(unlink_perm(w, &s, 0, 0x800, PHYR_PERM_READ), PHYR_OK);
	assert_int_equal(stats_of(w).bounced_len, 0);
	assert_int_equal(unlink_at(w, &s, 0x800, 0x2000), PHYR_OK);
	memcpy(w->shadow + 0x1800, w->bytes + 0x1800, 0x800);
	expect_bytes(w);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
}

static void a_bounced_link_that_fails_half_done_is_undone(void **state)
{
	struct world *w = untrusted();
	struct phyr_dma_state s = reserve(w, 0x800, 0x3000);

	(void)state;
	w->fail_err = PHYR_E_NOMEM;
	for (uint64_t i = 0;; i++) {
		int err;

		w->fail_at = w->call_cnt + i;
		err = link_at(w, &s, 0, 0x1800, 0x3000);
		if (err == PHYR_OK)
			break;
		assert_int_equal(err, PHYR_E_NOMEM);
		assert_int_equal(count_granules(w, GRANULE_HIDDEN), 0);
		assert_int_equal(count_granules(w, GRANULE_STALE), 0);
		assert_int_equal(slots_used(w), 0);
		assert_true(stats_of(w).bounced_len == 0 && stats_of(w).mapped_len == 0);
	}
	w->fail_at = UINT64_MAX;
	sync_all(w, &s);
	expect_linked(w, &s, 0, 0x1800, 0x3000);
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x800), PHYR_E_EXISTS);
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x3000), PHYR_E_EXISTS);
	expect_linked(w, &s, 0, 0x1800, 0x3000);
	destroy(w, &s, 0x3000);
}

/* What is linked already stays as it is, slots and bytes too, when its neighbour fails. */
static void what_is_in_the_way_is_left_alone(void **state)
{
	struct world *w = untrusted();
	struct phyr_dma_state s = reserve(w, 0x800, 0x3000);

	(void)state;
	assert_int_equal(link_at(w, &s, 0x2800, 0x9000, 0x800), PHYR_OK);
	sync_all(w, &(struct phyr_dma_state){ s.addr + 0x2800, 0x800 | UINT64_C(12) << 57 });
	write_linked(w, &s, 0x2800, 0x9000, 0x800);
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x3000), PHYR_E_EXISTS);
	assert_int_equal(stats_of(w).bounced_len, 0x800);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 1);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	assert_int_equal(unlink_at(w, &s, 0x2800, 0x800), PHYR_OK);
	expect_bytes(w);
	destroy(w, &s, 0);
}

static void a_pool_that_is_full_or_missing(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_state s, t;

	(void)state;
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	s = reserve(w, 0x800, 0x3000);
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x3000), PHYR_E_KIND);
	assert_int_equal(link_at(w, &s, 0x800, 0x2000, 0x2000), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0x800, 0x2000), PHYR_OK);
	destroy(w, &s, 0);
	phyr_dma_destroy(w->dma);
	add_pool(w, 0x3000);
	make_dma(w);
	s = reserve(w, 0x800, 0x3000);
	t = reserve(w, 0x800, 0x3000);
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x3000), PHYR_OK);
	assert_int_equal(link_at(w, &t, 0, 0x5800, 0x3000), PHYR_E_NOSPACE);
	assert_int_equal(slots_used(w), 4);
	destroy(w, &s, 0x3000);
	destroy(w, &t, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_peer_through_the_bridge_is_linked_and_lets_go),
		CASE(a_peers_run_is_in_one_provider_that_is_mapped),
		CASE(a_peer_past_the_iommu_and_out_of_reach_is_of_a_kind),
		CASE(a_peer_is_not_bounced),
		CASE(one_user_is_of_one_provider),
		CASE(a_failed_link_leaves_the_user_as_it_was),
		CASE(how_a_peer_is_reached_can_be_asked),
		CASE(ragged_ends_are_bounced_and_the_middle_is_not),
		CASE(head_and_tail_without_a_middle),
		CASE(bounced_parts_are_unlinked_alone),
		CASE(a_bounced_link_that_fails_half_done_is_undone),
		CASE(what_is_in_the_way_is_left_alone),
		CASE(a_pool_that_is_full_or_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
