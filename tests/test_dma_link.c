/* SPDX-License-Identifier: MIT */
/*
 * Mapping in two steps: what is reserved, the contract of links, and every way down again.
 *
 * Not here: peers and bounced ends (test_dma_link_peers.c).
 */
#include "dma_links.h"

_Static_assert(sizeof(struct phyr_dma_state) == 16, "embedded by the caller");

static struct world *links_of(unsigned int lg2)
{
	struct world *w = world_of(lg2);

	make_dma(w);
	return w;
}

/* Vectors D1 to D4. */
static void the_vectors_of_linux(void **state)
{
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0x12345200, 0x1e00);
	struct phyr_iova_range all = phyr_dma_state_reserved(w->dma, &s);

	(void)state;
	assert_int_equal(all.len, 0x2000);
	assert_int_equal(phyr_dma_state_iova(&s).addr, all.iova.addr + 0x200);
	assert_int_equal(stats_of(w).reserved_len, 0x2000);
	assert_int_equal(link_at(w, &s, 0, 0x5200, 0xe00), PHYR_OK);
	assert_int_equal(link_at(w, &s, 0xe00, 0x65100, 0x800), PHYR_E_ALIGN);
	assert_int_equal(link_at(w, &s, 0xe00, 0x65000, 0x1000), PHYR_OK);
	assert_int_equal(w->sync_cnt, 0);
	sync_all(w, &s);
	assert_int_equal(w->sync_cnt, 1);
	expect_linked(w, &s, 0, 0x5200, 0xe00);
	expect_linked(w, &s, 0xe00, 0x65000, 0x1000);
	assert_true(stats_of(w).link_cnt == 2 && stats_of(w).mapped_len == 0x1e00);
	destroy(w, &s, 0x1e00);
	assert_int_equal(w->flush_cnt, 1);
}

/* Vector D6, and what reserve says. */
static void a_reservation_must_make_sense(void **state)
{
	struct phyr_placement nowhere = phyr_placement_any();
	struct phyr_dma_want want = { .len = K4 };
	struct world *w = links_of(12);
	struct phyr_dma_state s;

	(void)state;
	assert_int_equal(try_reserve(w, 0, 0, &s), PHYR_E_INVAL);
	assert_int_equal(try_reserve(w, 0, UINT64_C(1) << 63, &s), PHYR_E_RANGE);
	assert_int_equal(try_reserve(w, 0, UINT64_C(1) << 57, &s), PHYR_E_RANGE);
	assert_int_equal(try_reserve(w, 0, UINT64_MAX, &s), PHYR_E_RANGE);
	assert_int_equal(try_reserve(w, 1, PHYR_DMA_STATE_MAX, &s), PHYR_E_LIMIT);
	assert_int_equal(try_reserve(w, 0, GRANULES * K4 + 1, &s), PHYR_E_LIMIT);
	assert_int_equal(phyr_dma_reserve(NULL, &want, &s), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_reserve(w->dma, NULL, &s), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_reserve(w->dma, &want, NULL), PHYR_E_INVAL);
	want.phase_lg2 = 64;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_E_INVAL);
	want.phase_lg2 = 0;
	want.cover_lg2 = 64;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_E_INVAL);
	for (want.cover_lg2 = 23; want.cover_lg2 <= 63; want.cover_lg2++)
		assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_E_LIMIT);
	want.cover_lg2 = 63;
	want.phase = UINT64_MAX;
	assert_int_not_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	nowhere.window.last.addr = BASE - 1;
	want = (struct phyr_dma_want){ .len = K4, .placement = &nowhere };
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_E_LIMIT);
	s = reserve(w, 0, GRANULES * K4);
	assert_int_equal(try_reserve(w, 0, 1, &s), PHYR_E_NOSPACE);
	s = (struct phyr_dma_state){ BASE, GRANULES * K4 | UINT64_C(12) << 57 };
	destroy(w, &s, 0);
}

static void without_an_iommu_there_are_lists(void **state)
{
	struct phyr_dma_state none = { 0, 0 };
	struct world *w = links_of(0);
	struct phyr_dma_state s;

	(void)state;
	assert_int_equal(try_reserve(w, 0, 1, &s), PHYR_E_UNSUPPORTED);
	assert_int_equal(phyr_dma_state_iova(&none).addr, 0);
	assert_int_equal(phyr_dma_state_len(&none), 0);
	assert_int_equal(phyr_dma_state_reserved(w->dma, &none).len, 0);
}

static void a_phase_is_kept(void **state)
{
	struct phyr_dma_want want = { .len = 0x5000, .phase = 0x13456, .phase_lg2 = 16 };
	struct world *w = links_of(12);
	struct phyr_dma_state s;

	(void)state;
	for (; want.phase_lg2 <= 20; want.phase_lg2++) {
		uint64_t mask = phyr_bits_mask(want.phase_lg2);

		assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
		assert_int_equal(phyr_dma_state_iova(&s).addr & mask, want.phase & mask);
		assert_int_equal(phyr_dma_state_reserved(w->dma, &s).len, 0x6000);
		destroy(w, &s, 0);
	}
	/* Of an address only the granule's bits count; of a modulus below it too. */
	want = (struct phyr_dma_want){ .len = 0x5000, .phase = UINT64_MAX, .phase_lg2 = 5 };
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	assert_int_equal(phyr_dma_state_iova(&s).addr & 0xfff, 0xfff);
	destroy(w, &s, 0);
}

/* 100 MiB for a device of pages of 64 MiB, made small: 100K and 64K. */
static void what_is_covered_is_reserved_and_told(void **state)
{
	struct phyr_dma_want want = { .len = 100 << 10, .cover_lg2 = 16 };
	struct world *w = links_of(12);
	struct phyr_iova_range all;
	struct phyr_dma_state s;

	(void)state;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	all = phyr_dma_state_reserved(w->dma, &s);
	assert_int_equal(all.len, 128 << 10);
	assert_int_equal(all.iova.addr & 0xffff, 0);
	assert_int_equal(phyr_dma_state_iova(&s).addr, all.iova.addr);
	assert_int_equal(stats_of(w).reserved_len, 128 << 10);
	destroy(w, &s, 0);
	want.phase = 0xf800;
	want.phase_lg2 = 16;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	all = phyr_dma_state_reserved(w->dma, &s);
	assert_int_equal(all.len, 192 << 10);
	assert_int_equal(phyr_dma_state_iova(&s).addr, all.iova.addr + 0xf800);
	assert_int_equal(phyr_dma_state_len(&s), 100 << 10);
	assert_int_equal(link_at(w, &s, 0, HIGH + 0x800, 100 << 10), PHYR_OK);
	destroy(w, &s, 100 << 10);
	/* Of a phase below what is covered no more is kept than was asked for. */
	for (want.phase_lg2 = 0; want.phase_lg2 <= 13; want.phase_lg2++) {
		assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
		all = phyr_dma_state_reserved(w->dma, &s);
		assert_int_equal(all.len, 128 << 10);
		assert_int_equal(phyr_dma_state_iova(&s).addr - all.iova.addr,
				 want.phase_lg2 < 13 ? 0x800 : 0x1800);
		destroy(w, &s, 0);
	}
	/* A phase beyond what is covered. */
	want.phase = 0x21800;
	want.phase_lg2 = 18;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	assert_int_equal(phyr_dma_state_iova(&s).addr & 0x3ffff, 0x21800);
	all = phyr_dma_state_reserved(w->dma, &s);
	assert_int_equal(all.iova.addr & 0x3ffff, 0x20000);
	assert_int_equal(all.len, 128 << 10);
	destroy(w, &s, 0);
}

/* An IOMMU of all I/O addresses; nothing is mapped. */
static void wide_caps(void *ctx, struct phyr_iommu_caps *ret_caps)
{
	fake_caps(ctx, ret_caps);
	ret_caps->iova = phyr_placement_any().window;
}

static void a_cover_of_real_size(void **state)
{
	static const struct phyr_iommu_ops wide = { .caps = wide_caps };
	struct phyr_dma_want want = { .len = 100 << 20, .cover_lg2 = 26 };
	struct world *w = world_of(12);
	struct phyr_iova_params space = { .mem = &w->host.mem, .window.last.addr = UINT64_MAX };
	struct phyr_dma_state s;

	(void)state;
	phyr_iova_destroy(w->space);
	assert_int_equal(phyr_iova_create(&space, &w->space), PHYR_OK);
	w->params.space = w->space;
	w->params.iommu.ops = &wide;
	make_dma(w);
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	assert_int_equal(phyr_dma_state_reserved(w->dma, &s).len, 128 << 20);
	destroy(w, &s, 0);
	want.len = PHYR_DMA_STATE_MAX;
	for (want.cover_lg2 = 0; want.cover_lg2 <= 63; want.cover_lg2++) {
		uint64_t len = want.cover_lg2 > 57 ? phyr_bits_size(want.cover_lg2) :
						     PHYR_DMA_STATE_MAX + 1;

		assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
		assert_int_equal(phyr_dma_state_len(&s), PHYR_DMA_STATE_MAX);
		assert_int_equal(phyr_dma_state_reserved(w->dma, &s).len, len);
		destroy(w, &s, 0);
	}
}

static void links_keep_the_contract(void **state)
{
	static const struct {
		uint64_t offset, pa, len;
		int err;
	} rows[] = {
		{ 0, 0x5800, 0, PHYR_E_INVAL },
		{ 0, 0x5900, 0x700, PHYR_E_ALIGN },
		{ 0, 0x5800, 0x700, PHYR_E_ALIGN },
		{ 0x800, 0x6800, 0x1000, PHYR_E_ALIGN },
		{ 0x100, 0x6900, 0x1700, PHYR_E_ALIGN },
		{ 0x800, 0x6000, 0x800, PHYR_E_ALIGN },
		{ 0, 0x5800, 0x3001, PHYR_E_RANGE },
		{ 0x3000, 0x5800, 1, PHYR_E_RANGE },
		{ UINT64_MAX, 0x5800, 1, PHYR_E_RANGE },
		{ 0, 0x5800, UINT64_MAX, PHYR_E_RANGE },
		{ 0x800, 0x6000, UINT64_MAX, PHYR_E_RANGE },
		{ 0x800, UINT64_MAX - 0xfff, 0x1000, PHYR_E_RANGE },
		{ 0x800, UINT64_MAX - 0xfff, 0x2000, PHYR_E_RANGE },
		{ 0x800, MEMORY, 0x1000, PHYR_E_RANGE },
	};
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0x800, 0x3000);

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++)
		assert_int_equal(link_at(w, &s, rows[i].offset, rows[i].pa, rows[i].len),
				 rows[i].err);
	assert_int_equal(count_granules(w, GRANULE_HIDDEN), 0);
	assert_int_equal(link_at(w, &s, 0x2800, 0x9000, 0x800), PHYR_OK);
	assert_int_equal(link_at(w, &s, 0x2800, 0x9000, 0x800), PHYR_E_EXISTS);
	assert_int_equal(link_at(w, &s, 0x800, 0x6000, 0x2800), PHYR_E_EXISTS);
	assert_int_equal(link_at(w, &s, 0x800, 0x6000, 0x2000), PHYR_OK);
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x800), PHYR_OK);
	sync_all(w, &s);
	expect_linked(w, &s, 0, 0x1800, 0x800);
	expect_linked(w, &s, 0x800, 0x6000, 0x2000);
	expect_linked(w, &s, 0x2800, 0x9000, 0x800);
	destroy(w, &s, 0x3000);
}

static void pieces_of_several_runs(void **state)
{
	struct phyr_range runs[] = { { { 0x1800 }, 0x800 },
				     { { 0x6000 }, 0x2000 },
				     { { 0x9000 }, 8 } };
	struct phyr_dma_piece piece = {
		runs, 3, { PHYR_KIND_SYSTEM, 0 }, PHYR_PERM_READ, NULL, NULL
	};
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0x800, 0x2808);

	(void)state;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_OK);
	assert_true(stats_of(w).link_cnt == 1 && w->map_cnt == 1);
	sync_all(w, &s);
	expect_linked(w, &s, 0, 0x1800, 0x800);
	expect_linked(w, &s, 0x800, 0x6000, 0x2000);
	expect_linked(w, &s, 0x2800, 0x9000, 8);
	assert_int_equal(unlink_perm(w, &s, 0, 0x2808, PHYR_PERM_READ), PHYR_OK);
	runs[0].len--;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_ALIGN);
	runs[0].len++;
	runs[1].pa.addr++;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_ALIGN);
	runs[1] = (struct phyr_range){ { 0x6000 }, 0 };
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	runs[1].len = UINT64_MAX - 0x7ff;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_RANGE);
	runs[1] = (struct phyr_range){ { UINT64_MAX - 0xfff }, 0x2000 };
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_RANGE);
	piece.run_cnt = 0;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	destroy(w, &s, 0);
}

static void arguments_are_looked_at(void **state)
{
	struct phyr_range run = { { 0x1000 }, 0x1000 };
	struct phyr_dma_piece piece = { &run, 1, { PHYR_KIND_SYSTEM, 0 }, RW, NULL, NULL };
	struct phyr_p2p_user user = { 0 };
	struct phyr_dma_state none = { 0, 0 };
	struct phyr_dma_part part = { 0, 0x1000, RW };
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0, 0x2000);

	(void)state;
	assert_int_equal(phyr_dma_link(NULL, &s, 0, &piece), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_link(w->dma, NULL, 0, &piece), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, NULL), PHYR_E_INVAL);
	assert_int_not_equal(phyr_dma_link(w->dma, &none, 0, &piece), PHYR_OK);
	piece.runs = NULL;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.runs = &run;
	piece.perm = (enum phyr_perm)4;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.perm = RW;
	piece.user = &user;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.user = NULL;
	piece.tag.kind = (enum phyr_kind)3;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.tag.kind = PHYR_KIND_P2P;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_INVAL);
	piece.tag.kind = PHYR_KIND_ENCRYPTED;
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_E_KIND);
	assert_int_equal(phyr_dma_sync(NULL, &s, 0, 1), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_sync(w->dma, NULL, 0, 1), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_sync(w->dma, &none, 0, 1), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_sync(w->dma, &s, 0, 0), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_sync(w->dma, &s, 0, 0x2001), PHYR_E_RANGE);
	assert_int_equal(phyr_dma_sync(w->dma, &s, UINT64_MAX, 2), PHYR_E_RANGE);
	assert_int_equal(phyr_dma_unlink(NULL, &s, &part), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_unlink(w->dma, NULL, &part), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_unlink(w->dma, &s, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_unlink(w->dma, &none, &part), PHYR_E_INVAL);
	assert_int_equal(unlink_perm(w, &s, 0, 0x1000, (enum phyr_perm)4), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_free(NULL, &s), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_free(w->dma, NULL), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(NULL, &s, 0, RW), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, NULL, 0, RW), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &none, 0, RW), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 0x2001, RW), PHYR_E_RANGE);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, UINT64_MAX, RW), PHYR_E_RANGE);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 1, (enum phyr_perm)9), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 0x1000, RW), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
}

static void parts_are_unlinked_and_linked_again(void **state)
{
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0x800, 0x4000);

	(void)state;
	assert_int_equal(link_at(w, &s, 0, 0x1800, 0x4000), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0, 0x1000), PHYR_E_ALIGN);
	assert_int_equal(unlink_at(w, &s, 0x100, 0x700), PHYR_E_ALIGN);
	assert_int_equal(unlink_at(w, &s, 0x800, 0x10), PHYR_E_ALIGN);
	assert_int_equal(unlink_at(w, &s, 0x800, 0x3801), PHYR_E_RANGE);
	assert_int_equal(unlink_at(w, &s, UINT64_MAX, 2), PHYR_E_RANGE);
	assert_int_equal(unlink_at(w, &s, 0x800, 0), PHYR_E_INVAL);
	assert_int_equal(w->flush_cnt, 0);
	assert_int_equal(unlink_at(w, &s, 0x800, 0x1000), PHYR_OK);
	assert_int_equal(w->flush_cnt, 1);
	assert_int_equal(unlink_at(w, &s, 0x800, 0x1000), PHYR_E_NOENT);
	assert_int_equal(unlink_at(w, &s, 0, 0x4000), PHYR_E_NOENT);
	assert_int_equal(stats_of(w).mapped_len, 0x3000);
	assert_int_equal(link_at(w, &s, 0x800, 0x9000, 0x1000), PHYR_OK);
	sync_all(w, &s);
	expect_linked(w, &s, 0x800, 0x9000, 0x1000);
	assert_int_equal(unlink_at(w, &s, 0x3800, 0x800), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0, 0x3800), PHYR_OK);
	assert_int_equal(stats_of(w).mapped_len, 0);
	assert_int_equal(stats_of(w).unlink_cnt, 3);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
}

static void unlink_is_synchronous_with_a_ring_and_destroy_is_not(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_state s;

	(void)state;
	add_ring(w, 8);
	make_dma(w);
	s = reserve(w, 0, 0x2000);
	assert_int_equal(link_at(w, &s, 0, 0x1000, 0x2000), PHYR_OK);
	assert_int_equal(unlink_at(w, &s, 0x1000, 0x1000), PHYR_OK);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	destroy(w, &s, 0x1000);
	assert_int_equal(count_granules(w, GRANULE_STALE), 1);
	assert_int_equal(live_cnt(w), 1);
	assert_int_equal(stats_of(w).reserved_len, 0);
	phyr_flush_all(w->domain);
	assert_int_equal(live_cnt(w), 0);
}

/* Of a reservation of 16 granules one was linked (Linux's D4). */
static void destroy_gives_back_what_was_reserved(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	assert_int_equal(phyr_iova_cache_create(w->space, NULL, &w->cache), PHYR_OK);
	for (int i = 0; i < 2; i++) {
		struct phyr_dma_state s;

		make_dma(w);
		s = reserve(w, 0x800, 15 * K4);
		assert_int_equal(link_at(w, &s, 0, 0x1800, 0x800), PHYR_OK);
		destroy(w, &s, 0x800);
		assert_int_equal(stats_of(w).reserved_len, 0);
		s = reserve(w, 0x800, 15 * K4);
		destroy(w, &s, 0);
		phyr_dma_destroy(w->dma);
		w->params.cache = w->cache;
	}
	make_dma(w);
	assert_int_equal(phyr_iova_cache_drain(w->cache), PHYR_OK);
	assert_int_equal(live_cnt(w), 0);
}

static void what_the_backend_refuses_changes_nothing(void **state)
{
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0, 0x2000), before = s;

	(void)state;
	assert_int_equal(link_at(w, &s, 0, 0x1000, 0x2000), PHYR_OK);
	w->unmap_err = PHYR_E_PARTIAL;
	assert_int_equal(unlink_at(w, &s, 0, 0x1000), PHYR_E_PARTIAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 0x2000, RW), PHYR_E_PARTIAL);
	w->unmap_err = PHYR_OK;
	assert_memory_equal(&s, &before, sizeof(s));
	assert_int_equal(stats_of(w).mapped_len, 0x2000);
	w->fail_err = PHYR_E_NOMEM;
	w->fail_at = w->call_cnt;
	assert_int_equal(phyr_dma_sync(w->dma, &s, 0, 0x2000), PHYR_E_NOMEM);
	sync_all(w, &s);
	destroy(w, &s, 0x2000);
	s = reserve(w, 0, 0x2000);
	w->fail_at = w->call_cnt;
	assert_int_equal(link_at(w, &s, 0, 0x1000, 0x2000), PHYR_E_NOMEM);
	assert_int_equal(stats_of(w).mapped_len, 0);
	destroy(w, &s, 0);
}

static void links_need_no_host_memory(void **state)
{
	struct phyr_range runs[100];
	struct phyr_dma_piece piece = { runs, CNT(runs), { PHYR_KIND_SYSTEM, 0 }, RW, NULL, NULL };
	struct world *w = links_of(12);
	struct phyr_dma_state s = reserve(w, 0, 100 * K4);
	size_t calls = w->host.alloc_cnt;

	(void)state;
	for (size_t i = 0; i < CNT(runs); i++)
		runs[i] = (struct phyr_range){ { HIGH + i * 2 * K4 }, K4 };
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_OK);
	sync_all(w, &s);
	for (size_t i = 0; i < CNT(runs); i++)
		expect_linked(w, &s, i * K4, HIGH + i * 2 * K4, 1);
	destroy(w, &s, 100 * K4);
	assert_int_equal(w->host.alloc_cnt, calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_vectors_of_linux),
		CASE(a_reservation_must_make_sense),
		CASE(without_an_iommu_there_are_lists),
		CASE(a_phase_is_kept),
		CASE(what_is_covered_is_reserved_and_told),
		CASE(a_cover_of_real_size),
		CASE(links_keep_the_contract),
		CASE(pieces_of_several_runs),
		CASE(arguments_are_looked_at),
		CASE(parts_are_unlinked_and_linked_again),
		CASE(unlink_is_synchronous_with_a_ring_and_destroy_is_not),
		CASE(destroy_gives_back_what_was_reserved),
		CASE(what_the_backend_refuses_changes_nothing),
		CASE(links_need_no_host_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
