/* SPDX-License-Identifier: MIT */
/*
 * Mappings of every form, and links, of which each allocation fails in turn, once and from then on,
 * and each call of the backend: nothing is left, and it works the next time.
 *
 * Not here: plain lists (oom_dma.c).
 */
#include "dma_links.h"

/* A way to map something: sets the world up, and maps; takes it down again if that works. */
struct way {
	const char *name;
	unsigned int lg2;
	unsigned int traits;
	uint64_t address_last;
	void (*prepare)(struct world *w);
	int (*attempt)(struct world *w);
};

static void prepare_ragged(struct world *w)
{
	for (uint64_t i = 0; i < 70; i++)
		add(w, HIGH + i * 0x1800, 0x30 + i);
}

static void prepare_few(struct world *w)
{
	for (uint64_t i = 0; i < 6; i++)
		add(w, HIGH + i * 0x2800, 0x1030 + i);
}

static void prepare_mix(struct world *w)
{
	for (uint64_t i = 0; i < 4; i++) {
		add(w, HIGH + i * 0x2800, 0x30);
		add_peer(w, NEAR_BAR + i * 0x3000, 0x100);
		add_peer(w, BRIDGE_BAR + i * 0x3000, 0x100);
	}
}

static void prepare_nothing(struct world *w)
{
	(void)w;
}

static void take_down(struct world *w, struct phyr_dma_map *map)
{
	device_reads(w, map, &w->list);
	device_writes(w, map, &w->list);
	w->host.fail_at = 0; /* no memory is needed from here on */
	w->host.sticky = true;
	unmap(w, map);
	expect_bytes(w);
}

static int attempt_map(struct world *w)
{
	struct phyr_dma_map map;
	int err = phyr_dma_map(w->dma, &w->list, RW, NULL, &map);

	if (!err)
		take_down(w, &map);
	return err;
}

static int attempt_linear(struct world *w)
{
	struct phyr_dma_linear want = { &w->list, RW, NULL, true };
	struct phyr_dma_map map;
	int err = phyr_dma_map_linear(w->dma, &want, &map, NULL);

	if (!err)
		take_down(w, &map);
	return err;
}

/* Each step at the second attempt, if need be; the error is the first. */
static int attempt_batch(struct world *w)
{
	struct phyr_dma_batch *batch;
	struct phyr_dma_map map;
	int err = phyr_dma_batch_begin(w->dma, &batch);

	if (err)
		return err;
	phyr_list_truncate(&w->list, 0);
	for (uint64_t i = 0; !err && i < 40; i++) {
		struct phyr_range range = { { HIGH + i * 0x1000 }, 0x10 };
		struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

		err = phyr_dma_batch_add(batch, range, ram);
		add(w, range.pa.addr, range.len);
	}
	if (!err)
		err = phyr_dma_batch_end(batch, RW, NULL, &map);
	if (err)
		phyr_dma_batch_cancel(batch);
	else
		take_down(w, &map);
	return err;
}

static int attempt_link(struct world *w)
{
	struct phyr_dma_want want = { .len = 0x3456, .phase = 0x800 };
	struct phyr_dma_state s;
	int err = phyr_dma_reserve(w->dma, &want, &s);

	if (err)
		return err;
	err = link_at(w, &s, 0, 0x1800, 0x3456);
	if (!err)
		err = phyr_dma_sync(w->dma, &s, 0, 0x3456);
	else
		want.len = 0;
	if (!err)
		write_linked(w, &s, 0, 0x1800, 0x3456);
	destroy(w, &s, want.len);
	if (!err)
		expect_bytes(w);
	else
		memcpy(w->shadow, w->bytes, MEMORY);
	return err;
}

static void let_go(struct phyr_p2p_user *user)
{
	phyr_p2p_detach(user);
}

static int attempt_link_peer(struct world *w)
{
	struct phyr_range runs[] = { { { BRIDGE_BAR }, 0x1000 },
				     { { BRIDGE_BAR + 0x4000 }, 0x800 } };
	struct phyr_p2p_user user = { .revoke = let_go };
	struct phyr_dma_piece piece = { runs, 2, { PHYR_KIND_P2P, 0 }, RW, &user, NULL };
	struct phyr_dma_want want = { .len = 0x1800 };
	struct phyr_dma_state s;
	int err = phyr_dma_reserve(w->dma, &want, &s);

	if (err)
		return err;
	err = phyr_dma_link(w->dma, &s, 0, &piece);
	assert_int_equal(user.place == NULL, err != PHYR_OK);
	destroy(w, &s, err ? 0 : want.len);
	phyr_p2p_detach(&user);
	return err;
}

static const struct way ways[] = {
	{ "ragged", 12, 0, 0, prepare_ragged, attempt_map },
	{ "bounced ends", 12, PHYR_DMA_UNTRUSTED, 0, prepare_few, attempt_map },
	{ "mix", 12, 0, 0, prepare_mix, attempt_map },
	{ "mix without an IOMMU", 0, 0, 0, prepare_mix, attempt_map },
	{ "bounced", 0, 0, LOW_LAST, prepare_few, attempt_map },
	{ "in slots", 12, 0, 0, prepare_few, attempt_linear },
	{ "in slots without an IOMMU", 0, 0, 0, prepare_few, attempt_linear },
	{ "batch", 12, 0, 0, prepare_nothing, attempt_batch },
	{ "batch without an IOMMU", 0, 0, 0, prepare_nothing, attempt_batch },
	{ "link", 12, 0, 0, prepare_nothing, attempt_link },
	{ "link with bounced ends", 12, PHYR_DMA_UNTRUSTED, 0, prepare_nothing, attempt_link },
	{ "link of a peer", 12, 0, 0, prepare_nothing, attempt_link_peer },
};

static struct world *open_way(const struct way *way)
{
	struct world *w = world_of(way->lg2);

	add_pool(w, POOL_LEN);
	w->params.traits = way->traits;
	w->params.address_last = way->address_last;
	make_dma(w);
	way->prepare(w);
	return w;
}

/* Nothing is left, and it works when nothing fails. */
static void expect_as_before(struct world *w, const struct way *way)
{
	w->host.fail_at = SIZE_MAX;
	w->host.sticky = false;
	w->fail_at = UINT64_MAX;
	expect_idle(w);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	assert_true(w->space == NULL || live_cnt(w) == 0);
	assert_int_equal(way->attempt(w), PHYR_OK);
	world_close(w);
}

static void fail_allocations(const struct way *way, bool sticky)
{
	for (size_t n = 0;; n++) {
		struct world *w = open_way(way);
		int err;

		w->host.fail_at = w->host.alloc_cnt + n;
		w->host.sticky = sticky;
		w->host.failed = false;
		err = way->attempt(w);
		if (err != PHYR_OK && err != PHYR_E_NOMEM)
			fail_msg("%s: %s", way->name, phyr_errname(err));
		expect_as_before(w, way);
		if (err == PHYR_OK)
			break;
	}
}

static void fail_calls(const struct way *way)
{
	for (uint64_t n = 0;; n++) {
		struct world *w = open_way(way);
		bool reached;
		int err;

		w->fail_err = n % 2 ? PHYR_E_NOMEM : PHYR_E_UNSUPPORTED;
		w->fail_at = w->call_cnt + n;
		err = way->attempt(w);
		reached = w->call_cnt > w->fail_at;
		if (err != (reached ? w->fail_err : PHYR_OK))
			fail_msg("%s: %s", way->name, phyr_errname(err));
		expect_as_before(w, way);
		if (!reached)
			break;
	}
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(ways); i++)
		fail_allocations(&ways[i], false);
	(void)world_of(0);
}

static void memory_that_stays_away_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(ways); i++)
		fail_allocations(&ways[i], true);
	(void)world_of(0);
}

static void a_failed_call_of_the_backend_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(ways); i++)
		fail_calls(&ways[i]);
	(void)world_of(0);
}

/* Taken by somebody else: addresses, and slots but for the last few. */
static void no_space_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(ways); i++) {
		struct world *w = open_way(&ways[i]);
		struct phyr_iova_range all = { { BASE }, GRANULES * K4 };

		if (!w->space)
			goto next;
		assert_int_equal(phyr_iova_reserve(w->space, all), PHYR_OK);
		assert_int_equal(ways[i].attempt(w), PHYR_E_NOSPACE);
		assert_int_equal(phyr_iova_free(w->space, all), PHYR_OK);
next:
		expect_as_before(w, &ways[i]);
	}
	(void)world_of(0);
}

/* All of a pool but so many slots, each under a key of its own. */
static void use_up(struct world *w, uint32_t left)
{
	for (uint64_t i = 0; i < POOL_LEN / 0x800 - left; i++) {
		struct phyr_bounce_request request = { .orig = { { 0 }, 0x800 },
						       .key = { w->bytes, { i } } };
		phyr_pa pa;

		assert_int_equal(phyr_bounce_take(w->pool, &request, &pa), PHYR_OK);
	}
}

static void give_all(struct world *w, uint32_t left)
{
	for (uint64_t i = 0; i < POOL_LEN / 0x800 - left; i++) {
		struct phyr_bounce_key key = { w->bytes, { i } };

		assert_int_equal(phyr_bounce_give(w->pool, key), PHYR_OK);
	}
}

static void a_full_pool_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < CNT(ways); i++) {
		uint32_t left = 0;
		int err;

		do {
			struct world *w = open_way(&ways[i]);

			use_up(w, left);
			err = ways[i].attempt(w);
			assert_true(err == PHYR_OK || err == PHYR_E_NOSPACE);
			give_all(w, left++);
			expect_as_before(w, &ways[i]);
		} while (err);
	}
	(void)world_of(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_failed_allocation_leaves_nothing_behind),
		CASE(memory_that_stays_away_leaves_nothing_behind),
		CASE(a_failed_call_of_the_backend_leaves_nothing_behind),
		CASE(no_space_leaves_nothing_behind),
		CASE(a_full_pool_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
