/* SPDX-License-Identifier: MIT */
/*
 * Devices that are not trusted, do not see caches, or are given bounced memory while it is mapped:
 * every byte compared.
 *
 * Not here: where bounced memory is a case of its own (test_dma_forms.c).
 */
#include "dma_device.h"

static struct world *untrusted(unsigned int lg2, uint64_t pool_len)
{
	struct world *w = world_of(lg2);

	add_pool(w, pool_len);
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	return w;
}

/* Granules of memory that are mapped where they are. */
static size_t zero_copy_cnt(const struct world *w)
{
	size_t cnt = 0;

	for (size_t i = 0; i < GRANULES; i++) {
		if (w->granules[i].state == GRANULE_MAPPED)
			cnt += !phyr_bounce_holds(w->pool, phyr_pa_at(w->granules[i].pa));
	}
	return cnt;
}

/* Vector D7, as a list. */
static void ends_that_share_a_granule_are_bounced(void **state)
{
	static const struct {
		uint64_t pa, len, bounced_len;
		size_t mapped_cnt, zero_copy_cnt;
	} rows[] = {
		{ 0x800, 0x1000, 0x1000, 2, 0 },  { 0x800, 0x800, 0x800, 1, 0 },
		{ 0x1000, 0x1000, 0, 1, 1 },	  { 0x1000, 0x1001, 1, 2, 1 },
		{ 0x1fff, 0x1001, 1, 2, 1 },	  { 0x1fff, 0x1002, 2, 3, 1 },
		{ 0x1004, 8, 8, 1, 0 },		  { 0x1800, 0x2800, 0x800, 3, 2 },
		{ 0x1001, 0xfff, 0xfff, 1, 0 },	  { 0x1000, 0xfff, 0xfff, 1, 0 },
		{ 0x1abc, 0x5000, 0x1000, 6, 4 },
	};
	struct world *w = untrusted(12, POOL_LEN);

	(void)state;
	for (size_t i = 0; i < CNT(rows); i++) {
		struct phyr_dma_map map;

		phyr_list_truncate(&w->list, 0);
		add(w, rows[i].pa, rows[i].len);
		map = map_list(w);
		assert_int_equal(map.form, PHYR_DMA_RANGE);
		assert_int_equal(stats_of(w).bounced_len, rows[i].bounced_len);
		assert_int_equal(count_granules(w, GRANULE_MAPPED), rows[i].mapped_cnt);
		assert_int_equal(zero_copy_cnt(w), rows[i].zero_copy_cnt);
		assert_int_equal(map.bounced, rows[i].bounced_len != 0);
		unmap(w, &map);
		(void)round_trip(w, PHYR_DMA_RANGE);
	}
}

/* What is beside the bytes in the granules that the device sees is not memory of others. */
static void nothing_but_the_bytes_is_seen(void **state)
{
	struct world *w = untrusted(12, POOL_LEN);
	struct phyr_dma_map map;
	uint64_t seen = 0;

	(void)state;
	add(w, 0x1ff0, 0x2030);
	map = map_list(w);
	for (size_t i = 0; i < GRANULES; i++) {
		for (uint64_t j = 0; w->granules[i].state == GRANULE_MAPPED && j < K4; j++)
			seen += w->bytes[w->granules[i].pa + j] != 0;
	}
	assert_true(seen <= 0x2030);
	assert_int_equal(w->leak_cnt, 0);
	unmap(w, &map);
}

/* Encrypted memory is not the device's to see either; slots are filled before they are mapped. */
static void slots_are_filled_before_they_are_seen(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.traits = PHYR_DMA_UNTRUSTED | PHYR_DMA_DECRYPT;
	make_dma(w);
	for (uint64_t i = 0; i < 5; i++) {
		add_encrypted(w, HIGH + i * 0x10000, 0x2010);
		add(w, 0x1000 + i * 0x2000, 0x30);
	}
	(void)round_trip(w, PHYR_DMA_LIST);
	assert_int_equal(w->leak_cnt, 0);
}

static void ragged_runs_and_granules_of_16k(void **state)
{
	struct world *w = untrusted(14, POOL_LEN);

	(void)state;
	add(w, 0x1000, 0x1000);
	add(w, 0x9123, 0x7000);
	add(w, HIGH, 0x4000);
	assert_int_equal(round_trip(w, PHYR_DMA_LIST), 3);
	assert_true(w->sync_cnt == 1 && w->flush_cnt == 1);
}

static void many_bounced_ends(void **state)
{
	struct world *w = untrusted(12, POOL_LEN);
	struct phyr_dma_map map;

	(void)state;
	for (uint64_t i = 0; i < 30; i++)
		add(w, HIGH + i * 0x2000 + i, 0x30 + i);
	assert_int_equal(round_trip(w, PHYR_DMA_LIST), 30);
	map = map_list(w);
	refuse(w, PHYR_E_NOSPACE);
	unmap(w, &map);
}

/* What fails in the middle gives all slots back and flushes. */
static void a_full_pool_undoes_what_was_mapped(void **state)
{
	struct world *w = untrusted(12, 0x4000);

	(void)state;
	for (uint64_t i = 0; i < 6; i++)
		add(w, HIGH + i * 0x2000 + 1, 0x30);
	refuse(w, PHYR_E_NOSPACE);
	assert_int_equal(slots_used(w), 0);
	assert_int_equal(count_granules(w, GRANULE_STALE), 0);
	phyr_list_truncate(&w->list, 4 * 0x30);
	(void)round_trip(w, PHYR_DMA_LIST);
}

/* A request takes at most three slots of 2K, of which a granule needs two. */
static void what_is_bounced_is_cut_into_whole_granules(void **state)
{
	struct world *w = world_of(12);
	struct phyr_bounce_params params = { .mem = &w->host.mem,
					     .pool = { { POOL }, POOL_LEN },
					     .slot_cnt_max = 3,
					     .copy = copy_bytes,
					     .zero = zero_bytes,
					     .ctx = w };

	(void)state;
	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	w->params.bounce = w->pool;
	w->params.traits = PHYR_DMA_DECRYPT;
	make_dma(w);
	add_encrypted(w, HIGH + 0x800, 0x3000);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
	phyr_dma_destroy(w->dma);
	phyr_bounce_destroy(w->pool);
	params.slot_cnt_max = 1;
	assert_int_equal(phyr_bounce_create(&params, &w->pool), PHYR_OK);
	w->params.bounce = w->pool;
	make_dma(w);
	refuse(w, PHYR_E_LIMIT);
}

/* More bits than the longest request has: only those below a slot take room in it. */
static void many_low_bits_are_kept(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.keep_lg2 = 20;
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH + POOL + 0x17801, 0x4000);
	assert_int_equal(round_trip(w, PHYR_DMA_RANGE), 1);
}

/* Found at once, and not by counting its pieces. */
static void more_than_the_pool_can_hold_is_a_limit(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH, 0 - UINT64_C(0x1000) - HIGH);
	refuse(w, PHYR_E_LIMIT);
	phyr_list_truncate(&w->list, POOL_LEN + 1);
	refuse(w, PHYR_E_NOSPACE);
}

/* Slots that the device cannot reach either. */
static void a_pool_out_of_reach_is_a_limit(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = POOL - 1;
	make_dma(w);
	add(w, HIGH, 0x1000);
	refuse(w, PHYR_E_LIMIT);
	add(w, HIGH + 0x8000, 0x1000);
	refuse(w, PHYR_E_LIMIT);
}

static void without_a_pool_only_what_is_aligned_is_mapped(void **state)
{
	struct world *w = world_of(12);

	(void)state;
	w->params.traits = PHYR_DMA_UNTRUSTED;
	make_dma(w);
	add(w, 0x1000, 0x2000);
	(void)round_trip(w, PHYR_DMA_RANGE);
	add(w, 0x8000, 0x800);
	refuse(w, PHYR_E_KIND);
}

/* Syncs. */

static int sync_cpu(struct world *w, const struct phyr_dma_map *map, uint64_t offset, uint64_t len)
{
	return phyr_dma_sync_for_cpu(w->dma, map, offset, len);
}

static int sync_device(struct world *w, const struct phyr_dma_map *map, uint64_t offset,
		       uint64_t len)
{
	return phyr_dma_sync_for_device(w->dma, map, offset, len);
}

static void syncs_check_what_they_are_given(void **state)
{
	int (*const syncs[])(struct world *, const struct phyr_dma_map *, uint64_t,
			     uint64_t) = { sync_cpu, sync_device };
	struct phyr_dma_map none = { 0 };
	struct world *w = untrusted(12, POOL_LEN);
	struct phyr_dma_map map;

	(void)state;
	add(w, 0x1800, 0x1000);
	map = map_list(w);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(syncs[i](w, &map, 0, 0), PHYR_E_INVAL);
		assert_int_equal(syncs[i](w, NULL, 0, 1), PHYR_E_INVAL);
		assert_int_equal(syncs[i](w, &map, 0x1000, 1), PHYR_E_RANGE);
		assert_int_equal(syncs[i](w, &map, 0, 0x1001), PHYR_E_RANGE);
		assert_int_equal(syncs[i](w, &map, 1, UINT64_MAX), PHYR_E_RANGE);
		assert_int_equal(syncs[i](w, &map, UINT64_MAX, 1), PHYR_E_RANGE);
		assert_int_equal(syncs[i](w, &map, UINT64_MAX, UINT64_MAX), PHYR_E_RANGE);
		assert_int_equal(syncs[i](w, &none, 0, 1), PHYR_E_NOENT);
		assert_int_equal(syncs[i](w, &map, 0xfff, 1), PHYR_OK);
		assert_int_equal(syncs[i](w, &map, 0, 0x1000), PHYR_OK);
	}
	assert_int_equal(phyr_dma_sync_for_cpu(NULL, &map, 0, 1), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_sync_for_device(NULL, &map, 0, 1), PHYR_E_INVAL);
	unmap(w, &map);
}

/* The byte of the device at an offset of the world's list. */
static unsigned char *device_byte(struct world *w, const struct phyr_dma_map *map, uint64_t offset)
{
	struct pairs p;

	pairs_begin(&p, map, &w->list);
	while (pairs_next(w, &p)) {
		if (offset < p.len)
			return &w->bytes[device_pa(w, p.iova + offset, 1, 0)];
		offset -= p.len;
	}
	fail();
	return NULL;
}

/* The CPU's byte, likewise. */
static uint64_t cpu_pa(const struct world *w, uint64_t offset)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	assert_int_equal(phyr_list_seek(&w->list, offset, &cursor), PHYR_OK);
	assert_true(phyr_list_next(&cursor, &run));
	return run.range.pa.addr + (offset - run.offset);
}

/* Of the bytes that the device wrote the CPU sees exactly those of the part, and the reverse. */
static void sync_part(struct world *w, uint64_t offset, uint64_t len)
{
	uint64_t at[] = { offset, offset + len - 1, offset ? offset - 1 : 0, offset + len };
	struct phyr_dma_map map = map_list(w);

	for (size_t i = 0; i < CNT(at); i++) {
		bool in = at[i] >= offset && at[i] - offset < len;
		unsigned char *byte = device_byte(w, &map, at[i]);

		*byte = (unsigned char)(w->bytes[cpu_pa(w, at[i])] + 1);
		if (byte == &w->bytes[cpu_pa(w, at[i])])
			continue;
		*byte = 1;
		cpu_writes(w, cpu_pa(w, at[i]), 2);
		assert_int_equal(sync_cpu(w, &map, offset, len), PHYR_OK);
		assert_int_equal(w->bytes[cpu_pa(w, at[i])], in ? 1 : 2);
		cpu_writes(w, cpu_pa(w, at[i]), 3);
		assert_int_equal(sync_device(w, &map, offset, len), PHYR_OK);
		assert_int_equal(*byte, in ? 3 : 1);
	}
	device_writes(w, &map, &w->list);
	unmap(w, &map);
	expect_bytes(w);
}

static void sync_all_parts(struct world *w, uint64_t len)
{
	static const uint64_t at[] = { 0, 1, 0x7fe, 0x7ff, 0x800, 0x1000, 0x17ff, 0x1800, 0x2000 };

	for (size_t i = 0; i < CNT(at); i++) {
		for (size_t j = i + 1; j < CNT(at) && at[j] < len; j++)
			sync_part(w, at[i], at[j] - at[i]);
	}
}

static void parts_of_bounced_ends_are_copied_both_ways(void **state)
{
	struct world *w = untrusted(12, POOL_LEN);

	(void)state;
	add(w, 0x1800, 0x1000);
	sync_all_parts(w, 0x1000);
	phyr_list_truncate(&w->list, 0);
	add(w, 0x1801, 0x2600);
	sync_all_parts(w, 0x2600);
}

static void parts_of_bounced_runs_are_copied_both_ways(void **state)
{
	struct world *w = world_of(0);

	(void)state;
	add_pool(w, POOL_LEN);
	w->params.address_last = LOW_LAST;
	make_dma(w);
	add(w, HIGH + 0x10, 0x7ff);
	add(w, HIGH + 0x9000, 1);
	add(w, HIGH + 0x4000, 0x1000);
	add(w, 0x3000, 0x1001);
	sync_all_parts(w, 0x2801);
}

static void permissions_say_which_way(void **state)
{
	struct world *w = untrusted(12, POOL_LEN);
	struct phyr_dma_map map;
	unsigned char *byte;

	(void)state;
	add(w, 0x1800, 0x100);
	map = map_perm(w, PHYR_PERM_READ);
	byte = device_byte(w, &map, 5);
	*byte = (unsigned char)(w->bytes[0x1805] + 1);
	assert_int_equal(sync_cpu(w, &map, 0, 0x100), PHYR_OK);
	expect_bytes(w);
	assert_int_equal(sync_device(w, &map, 0, 0x100), PHYR_OK);
	assert_int_equal(*byte, w->bytes[0x1805]);
	*byte = (unsigned char)(w->bytes[0x1805] + 1);
	unmap(w, &map);
	expect_bytes(w);
}

/* Caches. */

static void maintenance_is_counted_for_devices_that_see_no_caches(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	w->params.traits = PHYR_DMA_NONCOHERENT;
	make_dma(w);
	add(w, 0x1000, 0x1800);
	map = map_list(w);
	assert_int_equal(stats_of(w).maintained_len, 0x1800);
	assert_int_equal(sync_cpu(w, &map, 0x10, 0x100), PHYR_OK);
	assert_int_equal(stats_of(w).maintained_len, 0x1900);
	assert_int_equal(sync_device(w, &map, 0x10, 0x100), PHYR_OK);
	assert_int_equal(stats_of(w).maintained_len, 0x1a00);
	unmap(w, &map);
	assert_int_equal(stats_of(w).maintained_len, 0x1a00 + 0x1800);
	phyr_list_truncate(&w->list, 0);
	add_peer(w, BRIDGE_BAR, 0x1000);
	map = map_list(w);
	assert_int_equal(sync_cpu(w, &map, 0, 0x1000), PHYR_OK);
	unmap(w, &map);
	assert_int_equal(stats_of(w).maintained_len, 0x1a00 + 0x1800);
}

static void coherent_devices_need_no_maintenance(void **state)
{
	struct world *w = world_of(12);
	struct phyr_dma_map map;

	(void)state;
	make_dma(w);
	add(w, 0x1000, 0x1800);
	map = map_list(w);
	assert_int_equal(sync_cpu(w, &map, 0x10, 0x100), PHYR_OK);
	unmap(w, &map);
	assert_int_equal(stats_of(w).maintained_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(ends_that_share_a_granule_are_bounced),
		CASE(nothing_but_the_bytes_is_seen),
		CASE(ragged_runs_and_granules_of_16k),
		CASE(many_bounced_ends),
		CASE(a_full_pool_undoes_what_was_mapped),
		CASE(slots_are_filled_before_they_are_seen),
		CASE(what_is_bounced_is_cut_into_whole_granules),
		CASE(many_low_bits_are_kept),
		CASE(more_than_the_pool_can_hold_is_a_limit),
		CASE(a_pool_out_of_reach_is_a_limit),
		CASE(without_a_pool_only_what_is_aligned_is_mapped),
		CASE(syncs_check_what_they_are_given),
		CASE(parts_of_bounced_ends_are_copied_both_ways),
		CASE(parts_of_bounced_runs_are_copied_both_ways),
		CASE(permissions_say_which_way),
		CASE(maintenance_is_counted_for_devices_that_see_no_caches),
		CASE(coherent_devices_need_no_maintenance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
