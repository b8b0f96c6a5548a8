/* SPDX-License-Identifier: MIT */
/* Links of peers that end with their provider: what is told, what is left, and what is unlinked later. */
#include "dma_links.h"

/* Three granules of memory, the first, the third and the last of five. */
#define STATE_LEN UINT64_C(0x5000)

static size_t gone_cnt;

static void gone(struct phyr_dma_tie *tie)
{
	assert_true(tie->removed);
	gone_cnt++;
}

static int tie_at(struct world *w, struct phyr_dma_state *s, uint64_t offset, struct phyr_range run,
		  struct phyr_dma_tie *tie)
{
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_P2P, 0 }, RW, NULL, tie };

	return phyr_dma_link(w->dma, s, offset, &piece);
}

/* In the second granule, and in the fourth. */
static struct phyr_dma_state mixed(struct world *w, struct phyr_dma_tie *ties)
{
	struct phyr_dma_state s = reserve(w, 0, STATE_LEN);

	gone_cnt = 0;
	for (uint64_t i = 0; i < 2; i++) {
		struct phyr_range run = { { BRIDGE_BAR + i * 0x8000 }, 0x1000 };

		ties[i] = (struct phyr_dma_tie){ .gone = gone };
		assert_int_equal(tie_at(w, &s, 0x1000 + i * 0x2000, run, &ties[i]), PHYR_OK);
	}
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(link_at(w, &s, i * 0x2000, 0x1000 + i * 0x1000, 0x1000), PHYR_OK);
	sync_all(w, &s);
	return s;
}

static void remove_provider(struct world *w)
{
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_OK);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
}

static struct world *plain_world(void)
{
	struct world *w = world_of(12);

	make_dma(w);
	return w;
}

static void a_removed_provider_ends_its_links_and_says_so(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);

	(void)state;
	assert_int_equal(stats_of(w).mapped_len, STATE_LEN);
	expect_linked(w, &s, 0x3000, BRIDGE_BAR + 0x8000, 0x1000);
	remove_provider(w);
	assert_int_equal(gone_cnt, 2);
	assert_true(ties[0].removed && ties[1].removed);
	assert_int_equal(stats_of(w).mapped_len, 0x3000);
	assert_int_equal(count_granules(w, GRANULE_MAPPED), 3);
	expect_linked(w, &s, 0x2000, 0x2000, 0x1000);
	destroy(w, &s, STATE_LEN);
	assert_true(ties[0].removed && !ties[0].dma && !ties[1].dma);
}

static void unlinking_what_is_gone_does_no_harm(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);
	uint64_t flush_cnt;

	(void)state;
	remove_provider(w);
	flush_cnt = w->flush_cnt;
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_OK);
	assert_int_equal(w->flush_cnt, flush_cnt);
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_E_NOENT);
	assert_int_equal(unlink_at(w, &s, 0x2000, 0x3000), PHYR_OK);
	assert_int_equal(w->flush_cnt, flush_cnt + 2);
	assert_int_equal(stats_of(w).mapped_len, 0x1000);
	assert_int_equal(unlink_at(w, &s, 0, 0x1000), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
}

/* Where there was a hole, something else may be linked. */
static void a_hole_is_forgotten_when_it_was_unlinked(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);

	(void)state;
	remove_provider(w);
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x3000), PHYR_OK);
	assert_int_equal(link_at(w, &s, 0x1000, 0x9000, 0x3000), PHYR_OK);
	sync_all(w, &s);
	expect_linked(w, &s, 0x1000, 0x9000, 0x3000);
	destroy(w, &s, STATE_LEN);
}

static void what_is_unlinked_first_lets_its_provider_go(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);

	(void)state;
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_OK);
	assert_true(!ties[0].dma && !ties[0].user.provider && ties[1].user.provider);
	assert_int_equal(unlink_at(w, &s, 0x2000, 0x3000), PHYR_OK);
	remove_provider(w);
	assert_int_equal(gone_cnt, 0);
	destroy(w, &s, 0x1000);
}

static void a_tie_is_never_cut(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_state s = reserve(w, 0, STATE_LEN);
	struct phyr_range run = { { BRIDGE_BAR }, 0x2000 };
	struct phyr_dma_tie tie = { .removed = true };

	(void)state;
	assert_int_equal(tie_at(w, &s, 0x1000, run, &tie), PHYR_OK);
	assert_false(tie.removed);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_E_PARTIAL);
		assert_int_equal(unlink_at(w, &s, 0x2000, 0x1000), PHYR_E_PARTIAL);
		assert_int_equal(stats_of(w).mapped_len, i ? 0 : 0x2000);
		if (i == 0)
			remove_provider(w);
	}
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x2000), PHYR_OK);
	destroy(w, &s, 0);
}

static void a_reservation_with_a_peer_is_not_given_back(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);

	(void)state;
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 0x1000, RW), PHYR_E_BUSY);
	assert_int_equal(stats_of(w).mapped_len, STATE_LEN);
	remove_provider(w);
	assert_int_equal(unlink_at(w, &s, 0x2000, 0x3000), PHYR_OK);
	destroy(w, &s, 0x1000);
	assert_null(ties[0].dma);
}

/* The provider may go as soon as destroy returns: no ring, no batch. */
static void a_tied_state_does_not_wait(void **state)
{
	struct phyr_iova_range held[8];
	struct phyr_flush_batch batch;
	struct world *w = world_of(12);
	struct phyr_flush_target target = { w->params.iommu, w->space, NULL };
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s;

	(void)state;
	add_ring(w, 8);
	make_dma(w);
	phyr_flush_batch_init(&batch, &target, held, CNT(held));
	for (int i = 0; i < 4; i++) {
		phyr_dma_set_batch(w->dma, i & 1 ? &batch : NULL);
		s = mixed(w, ties);
		if (i & 2) {
			assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_OK);
			assert_int_equal(count_granules(w, GRANULE_STALE), 0);
			assert_int_equal(unlink_at(w, &s, 0x2000, 0x3000), PHYR_OK);
			assert_int_equal(count_granules(w, GRANULE_STALE), 0);
		}
		destroy(w, &s, i & 2 ? 0x1000 : STATE_LEN);
		assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	}
	phyr_dma_set_batch(w->dma, NULL);
	phyr_flush_batch_end(&batch);
	remove_provider(w);
	assert_int_equal(gone_cnt, 0);
}

/* The registry says so, and everything is as before but for what could be unlinked. */
static void a_provider_whose_link_cannot_be_unlinked_stays(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);

	(void)state;
	w->unmap_err = PHYR_E_PARTIAL;
	assert_int_equal(phyr_p2p_remove(w->p2p, w->providers[2]), PHYR_E_BUSY);
	w->unmap_err = PHYR_OK;
	assert_true(gone_cnt == 0 && !ties[0].removed && !ties[1].removed);
	assert_int_equal(stats_of(w).mapped_len, STATE_LEN);
	expect_linked(w, &s, 0x1000, BRIDGE_BAR, 0x1000);
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_OK);
	remove_provider(w);
	assert_int_equal(gone_cnt, 1);
	assert_int_equal(unlink_at(w, &s, 0, 0x1000), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0x2000, 0x3000), PHYR_OK);
	destroy(w, &s, 0);
}

/* What could be unlinked before it is a part of the hole. */
static void an_unlink_that_stops_behind_a_hole_may_be_repeated(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_tie ties[2];
	struct phyr_dma_state s = mixed(w, ties);

	(void)state;
	remove_provider(w);
	assert_int_equal(unlink_at(w, &s, 0x2000, 0x1000), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0, 0x4000), PHYR_E_NOENT);
	assert_int_equal(stats_of(w).mapped_len, 0x1000);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	assert_int_equal(unlink_at(w, &s, 0, 0x1000), PHYR_E_PARTIAL);
	assert_int_equal(unlink_at(w, &s, 0, 0x2000), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0x3000, 0x2000), PHYR_OK);
	destroy(w, &s, 0);
}

static void one_tie_is_of_links_behind_one_another(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_state s = reserve(w, 0, STATE_LEN), other = reserve(w, 0, STATE_LEN);
	struct phyr_range run = { { BRIDGE_BAR }, 0x1000 }, memory = { { HIGH }, 0x1000 };
	struct phyr_dma_tie tie = { .gone = NULL };

	(void)state;
	assert_int_equal(tie_at(w, &s, 0, memory, &tie), PHYR_E_NOENT);
	assert_int_equal(tie_at(w, &s, 0x1000, run, &tie), PHYR_OK);
	assert_int_equal(tie_at(w, &s, 0x2000, memory, &tie), PHYR_E_NOENT);
	w->fail_err = PHYR_E_NOMEM;
	w->fail_at = w->call_cnt;
	assert_int_equal(tie_at(w, &s, 0x2000, run, &tie), PHYR_E_NOMEM);
	assert_int_equal(tie_at(w, &s, 0x2000, run, &tie), PHYR_OK);
	assert_int_equal(tie_at(w, &s, 0x4000, run, &tie), PHYR_E_INVAL);
	assert_int_equal(tie_at(w, &s, 0, run, &tie), PHYR_E_INVAL);
	assert_int_equal(tie_at(w, &other, 0x3000, run, &tie), PHYR_E_INVAL);
	remove_provider(w);
	assert_true(tie.removed);
	assert_int_equal(tie_at(w, &s, 0x3000, run, &tie), PHYR_E_INVAL);
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x2000), PHYR_OK);
	destroy(w, &s, 0);
	destroy(w, &other, 0);
}

static void a_tie_comes_alone_and_with_a_peer(void **state)
{
	struct world *w = plain_world();
	struct phyr_dma_state s = reserve(w, 0, 0x1000);
	struct phyr_range run = { { BRIDGE_BAR }, 0x1000 };
	struct phyr_dma_tie tie = { .gone = NULL };
	struct phyr_p2p_user user = { .revoke = phyr_p2p_detach };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_P2P, 0 }, RW, &user, &tie };

	(void)state;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.tag.kind = PHYR_KIND_SYSTEM;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.user = NULL;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	assert_true(!tie.dma && !tie.user.place && !user.place);
	destroy(w, &s, 0);
}

/* Ends inside granules: bytes are counted, not granules; and peers are in no cache. */
static void bytes_are_counted_once(void **state)
{
	struct world *w = world_of(12);
	struct phyr_range run = { { BRIDGE_BAR + 0x800 }, 0x1800 };
	struct phyr_dma_tie tie = { .gone = NULL };
	struct phyr_dma_state s;

	(void)state;
	w->params.traits = PHYR_DMA_NONCOHERENT;
	make_dma(w);
	for (int removed = 0; removed < 2; removed++) {
		s = reserve(w, 0x800, 0x2900);
		assert_int_equal(tie_at(w, &s, 0, run, &tie), PHYR_OK);
		assert_int_equal(link_at(w, &s, 0x1800, 0x3000, 0x1100), PHYR_OK);
		if (removed)
			remove_provider(w);
		assert_int_equal(stats_of(w).mapped_len, removed ? 0x1100 : 0x2900);
		destroy(w, &s, 0x2900);
		assert_int_equal(stats_of(w).maintained_len, 0x2200 * (removed + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_removed_provider_ends_its_links_and_says_so),
		CASE(unlinking_what_is_gone_does_no_harm),
		CASE(a_hole_is_forgotten_when_it_was_unlinked),
		CASE(what_is_unlinked_first_lets_its_provider_go),
		CASE(a_tie_is_never_cut),
		CASE(a_reservation_with_a_peer_is_not_given_back),
		CASE(a_tied_state_does_not_wait),
		CASE(a_provider_whose_link_cannot_be_unlinked_stays),
		CASE(an_unlink_that_stops_behind_a_hole_may_be_repeated),
		CASE(one_tie_is_of_links_behind_one_another),
		CASE(a_tie_comes_alone_and_with_a_peer),
		CASE(bytes_are_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
