/* SPDX-License-Identifier: MIT */
/*
 * A checker that watches several devices: what is whose, down to the byte, and who may ask when.
 *
 * Not here: which mistakes there are (test_dma_check.c), the same at random (prop_dma_check.c).
 */
#include <phyr/bounce.h>

#include "dma_check_world.h"

static void two_iommus_have_addresses_of_their_own(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state mine = reserve(w), others = reserve_on(w->other);

	(void)state;
	assert_int_equal(mine.addr, others.addr);
	link(w, &mine, 0, K4, RW);
	assert_int_equal(phyr_dma_sync(w->dma, &mine, 0, K4), PHYR_OK);
	assert_int_equal(device(w, mine.addr, K4, RW), PHYR_OK);
	assert_int_equal(
		phyr_dma_check_device(w->other, (struct phyr_iova_range){ { mine.addr }, 1 }, RO),
		PHYR_E_NOENT);
	assert_int_equal(phyr_dma_free(w->other, &others), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &mine), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &mine, K4, RW), PHYR_OK);
	expect(w, MISTAKE(LINKED), 1);
	expect(w, MISTAKE(DEVICE), 1);
	end_world(w);
}

/* What one has mapped another's device may use, but only the one may end. */
static void handles_of_one_iommu_share_addresses(void **state)
{
	struct world *w = make(true);
	struct phyr_dma *second = make_handle(w, &w->behind[0]);
	struct phyr_dma_part part = { 0, K4, RW };
	struct phyr_dma_map value = map(w, RW);
	struct phyr_dma_state s = reserve(w);

	(void)state;
	assert_int_equal(phyr_dma_check_device(second, value.range, RW), PHYR_OK);
	assert_int_equal(phyr_dma_unmap(second, &value), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_free(second, &s), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_unlink(second, &s, &part), PHYR_E_NOENT);
	link(w, &s, 0, K4, RW);
	assert_int_equal(phyr_dma_sync(second, &s, 0, K4), PHYR_OK);
	assert_int_equal(device(w, s.addr, K4, RW), PHYR_OK);
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
	unmap(w, &value);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
	phyr_dma_destroy(second);
	end(w, MISTAKE(UNKNOWN), 3);
}

static void a_mapping_is_unmapped_where_it_was_mapped(void **state)
{
	(void)state;
	for (int iommu = 0; iommu < 2; iommu++) {
		struct world *w = make(iommu);
		struct phyr_dma_map value = map(w, RW), mine = value;

		assert_int_equal(phyr_dma_unmap(w->other, &value), PHYR_E_NOENT);
		unmap(w, &mine);
		end(w, MISTAKE(UNKNOWN), 1);
	}
}

/* Its addresses and all else may be those of another mapping by now. */
static void a_copy_of_what_has_ended_is_known_as_such(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map first = map(w, RW), copy = first, second;

	(void)state;
	unmap(w, &first);
	second = map(w, RW);
	assert_int_equal(second.range.iova.addr, copy.range.iova.addr);
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_NOENT);
	unmap(w, &second);
	end(w, MISTAKE(UNKNOWN), 1);
}

static void copy_nothing(void *ctx, phyr_pa to, phyr_pa from, uint64_t len)
{
	(void)ctx;
	(void)to;
	(void)from;
	(void)len;
}

/* Bounced without an IOMMU: neither a reservation nor a borrowed list tells one from another. */
static void mappings_with_lists_of_their_own_are_told_apart(void **state)
{
	struct world *w = make(false);
	struct phyr_bounce_params pool = { .mem = &w->host.mem,
					   .pool = { { 0x100000 }, 64 * K4 },
					   .copy = copy_nothing };
	struct phyr_dma_params params = { .mem = &w->host.mem, .address_last = 0xffffff };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_range more = { { 0x60000000 }, K4 };
	struct phyr_dma_map first, second, copy;
	struct phyr_dma *dma;

	(void)state;
	assert_int_equal(phyr_list_append(&w->list, more, tag), PHYR_OK);
	assert_int_equal(phyr_bounce_create(&pool, &params.bounce), PHYR_OK);
	params.checker = w->checker;
	assert_int_equal(phyr_dma_create(&params, &dma), PHYR_OK);
	assert_int_equal(phyr_dma_map(dma, &w->list, RW, NULL, &first), PHYR_OK);
	assert_int_equal(phyr_dma_map(dma, &w->list, RW, NULL, &second), PHYR_OK);
	assert_int_equal(first.form, PHYR_DMA_LIST);
	copy = first;
	assert_int_equal(phyr_dma_unmap(dma, &first), PHYR_OK);
	assert_int_equal(phyr_dma_unmap(dma, &copy), PHYR_E_NOENT);
	assert_int_equal(phyr_dma_unmap(dma, &second), PHYR_OK);
	phyr_dma_destroy(dma);
	phyr_bounce_destroy(params.bounce);
	end(w, MISTAKE(UNKNOWN), 1);
}

static void a_list_that_a_batch_put_together_may_end(void **state)
{
	struct world *w = make(false);
	struct phyr_range range = { { 0x60000000 }, K4 };
	struct phyr_dma_batch *batch;
	struct phyr_dma_map value;

	(void)state;
	assert_int_equal(phyr_dma_batch_begin(w->dma, &batch), PHYR_OK);
	assert_int_equal(phyr_dma_batch_add(batch, range, (struct phyr_tag){ PHYR_KIND_SYSTEM, 0 }),
			 PHYR_OK);
	assert_int_equal(phyr_dma_batch_end(batch, RW, NULL, &value), PHYR_OK);
	assert_int_equal(device(w, 0x60000000, K4, RW), PHYR_OK);
	unmap(w, &value);
	end(w, MISTAKE(LEAKED), 0);
}

static void ask_and_map(struct world *w)
{
	struct phyr_dma_checker_stats stats;
	struct phyr_dma_map value;

	w->then = NULL;
	phyr_dma_checker_stats(w->checker, &stats);
	assert_int_equal(stats.mistake_cnt[w->last.mistake], 1);
	assert_int_equal(cpu(w, 0x70000000, K4, true), PHYR_OK);
	assert_int_equal(phyr_dma_map(w->other, &w->list, RO, NULL, &value), PHYR_OK);
	assert_int_equal(phyr_dma_unmap(w->other, &value), PHYR_OK);
}

static void who_hears_of_a_mistake_may_ask_and_map(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RW), copy = value;

	(void)state;
	w->then = ask_and_map;
	assert_int_equal(cpu(w, 0x40000000, 1, true), PHYR_E_BUSY);
	unmap(w, &value);
	w->then = ask_and_map;
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_NOENT);
	w->then = ask_and_map;
	assert_int_equal(device(w, copy.range.iova.addr, 1, RO), PHYR_E_NOENT);
	assert_null(w->then);
	assert_int_equal(w->told_cnt, 3);
	end_world(w);
}

static void what_lies_between_two_parts_stays_the_devices(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RW);
	uint64_t iova = value.range.iova.addr;

	(void)state;
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &value, 10, 10), PHYR_OK);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &value, 30, 10), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 10, 10, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 30, 10, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 10, 30, true), PHYR_E_BUSY);
	assert_int_equal(device(w, iova + 20, 10, RW), PHYR_OK);
	assert_int_equal(device(w, iova + 19, 2, RW), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &value, 20, 10), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 10, 30, true), PHYR_OK);
	assert_int_equal(phyr_dma_sync_for_device(w->dma, &value, 15, 20), PHYR_OK);
	assert_int_equal(device(w, iova + 15, 20, RW), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 15, 1, false), PHYR_E_BUSY);
	assert_int_equal(cpu(w, 0x40000000 + 10, 5, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 35, 5, true), PHYR_OK);
	unmap(w, &value);
	expect(w, MISTAKE(CPU), 2);
	expect(w, MISTAKE(DEVICE), 1);
	end_world(w);
}

/* 32 are known; of the two that are joined, and what is between, nothing is said. */
static void more_parts_than_are_remembered_are_never_told_wrongly(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RW);
	uint64_t iova = value.range.iova.addr;

	(void)state;
	for (uint64_t i = 0; i < 32; i++)
		assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &value, i * 100, 10), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 3010, 1, false), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &value, 3190, 1), PHYR_OK);
	for (uint64_t i = 0; i < 32; i++) {
		assert_int_equal(cpu(w, 0x40000000 + i * 100, 10, true), PHYR_OK);
		assert_int_equal(device(w, iova + i * 100 + 10, 80, RW), PHYR_OK);
	}
	assert_int_equal(cpu(w, 0x40000000 + 3110, 80, false), PHYR_OK);
	assert_int_equal(device(w, iova + 3190, 1, RW), PHYR_OK);
	assert_int_equal(device(w, iova, 1, RW), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_sync_for_device(w->dma, &value, 0, 4 * K4), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000 + 3110, 80, false), PHYR_E_BUSY);
	unmap(w, &value);
	expect(w, MISTAKE(CPU), 2);
	expect(w, MISTAKE(DEVICE), 1);
	end_world(w);
}

static void what_is_linked_is_the_devices(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state s = reserve(w);
	struct phyr_dma_part part = { 0, K4, RW };

	(void)state;
	link(w, &s, 0, 2 * K4, RW);
	link(w, &s, 3 * K4, K4, RO);
	assert_int_equal(cpu(w, 0x50001fff, 1, false), PHYR_E_BUSY);
	assert_int_equal(cpu(w, 0x50002000, K4, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x50003000, K4, false), PHYR_OK);
	assert_int_equal(cpu(w, 0x50003000, 1, true), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
	assert_int_equal(cpu(w, 0x50000000, K4, true), PHYR_OK);
	part = (struct phyr_dma_part){ K4, K4, RW };
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
	part = (struct phyr_dma_part){ 3 * K4, K4, RO };
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
	end(w, MISTAKE(CPU), 2);
}

/* Both ends are inside granules; the rest of these is nobody's. */
static void what_is_linked_ends_at_its_bytes(void **state)
{
	struct world *w = make(true);
	struct phyr_range runs[] = { { { 0x50000800 }, 0x800 }, { { 0x60000000 }, 0x300 } };
	struct phyr_dma_piece piece = { runs, 2, { PHYR_KIND_SYSTEM, 0 }, RW, NULL, NULL };
	struct phyr_dma_want want = { .len = 0xb00, .phase = 0x800 };
	struct phyr_dma_state s;

	(void)state;
	assert_int_equal(phyr_dma_reserve(w->dma, &want, &s), PHYR_OK);
	assert_int_equal(phyr_dma_link(w->dma, &s, 0, &piece), PHYR_OK);
	assert_int_equal(cpu(w, 0x50000000, 0x800, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x50000000, 0x801, true), PHYR_E_BUSY);
	assert_int_equal(cpu(w, 0x600002ff, 1, true), PHYR_E_BUSY);
	assert_int_equal(cpu(w, 0x60000300, 0xd00, true), PHYR_OK);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 0xb00, RW), PHYR_OK);
	end(w, MISTAKE(CPU), 2);
}

/* The device is let in by one of them. */
static void one_of_two_mappings_is_enough(void **state)
{
	struct world *w = make(false);
	struct phyr_dma_map first = map(w, RW), second = map(w, RO);

	(void)state;
	assert_int_equal(device(w, 0x40000000, K4, RW), PHYR_OK);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &second, 0, K4), PHYR_OK);
	assert_int_equal(device(w, 0x40000000, K4, RO), PHYR_OK);
	unmap(w, &first);
	assert_int_equal(device(w, 0x40000000, K4, RO), PHYR_E_BUSY);
	unmap(w, &second);
	end(w, MISTAKE(DEVICE), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_iommus_have_addresses_of_their_own),
		cmocka_unit_test(handles_of_one_iommu_share_addresses),
		cmocka_unit_test(a_mapping_is_unmapped_where_it_was_mapped),
		cmocka_unit_test(a_copy_of_what_has_ended_is_known_as_such),
		cmocka_unit_test(mappings_with_lists_of_their_own_are_told_apart),
		cmocka_unit_test(a_list_that_a_batch_put_together_may_end),
		cmocka_unit_test(who_hears_of_a_mistake_may_ask_and_map),
		cmocka_unit_test(what_lies_between_two_parts_stays_the_devices),
		cmocka_unit_test(more_parts_than_are_remembered_are_never_told_wrongly),
		cmocka_unit_test(what_is_linked_is_the_devices),
		cmocka_unit_test(what_is_linked_ends_at_its_bytes),
		cmocka_unit_test(one_of_two_mappings_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
