/* SPDX-License-Identifier: MIT */
/*
 * The checker of mappings: each mistake is told once, with nothing done, and right uses are silent.
 *
 * Over the simulated IOMMU. Not here: what a checker has no part in (test_dma_*.c), whose memory
 * and whose addresses (test_dma_check_owner.c), what was lost (oom_dma_check.c).
 */
#include "dma_check_world.h"

static void right_uses_are_silent(void **state)
{
	(void)state;
	for (int iommu = 0; iommu < 2; iommu++) {
		struct world *w = make(iommu);
		struct phyr_dma_map first = map(w, RW), second = map(w, RO);

		assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &first, 0, 4 * K4), PHYR_OK);
		assert_int_equal(phyr_dma_sync_for_device(w->dma, &first, 0, 4 * K4), PHYR_OK);
		unmap(w, &first);
		unmap(w, &second);
		if (iommu) {
			struct phyr_dma_state s = reserve(w);
			struct phyr_dma_part part = { K4, K4, RW };

			link(w, &s, 0, 2 * K4, RW);
			assert_int_equal(phyr_dma_sync(w->dma, &s, 0, 2 * K4), PHYR_OK);
			assert_int_equal(device(w, s.addr + 5, K4, RW), PHYR_OK);
			assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_OK);
			assert_int_equal(phyr_dma_destroy_state(w->dma, &s, K4, RW), PHYR_OK);
		}
		end(w, MISTAKE(LEAKED), 0);
	}
}

static void what_is_unmapped_twice_is_unknown(void **state)
{
	(void)state;
	for (int iommu = 0; iommu < 2; iommu++) {
		struct world *w = make(iommu);
		struct phyr_dma_map value = map(w, RW), copy = value;

		unmap(w, &value);
		assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_NOENT);
		assert_int_not_equal(copy.form, PHYR_DMA_NONE);
		end(w, MISTAKE(UNKNOWN), 1);
	}
}

static void a_value_that_was_changed_is_refused(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RW), copy = value;

	(void)state;
	copy.range.len -= 1;
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_INVAL);
	copy = value;
	copy.perm = RO;
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_INVAL);
	copy = value;
	copy.reserved.len -= K4;
	assert_int_equal(phyr_dma_unmap(w->dma, &copy), PHYR_E_INVAL);
	assert_int_equal(w->last.range.len, 4 * K4);
	unmap(w, &value);
	end(w, MISTAKE(CHANGED), 3);
}

static void a_borrowed_list_stays_as_it_is(void **state)
{
	struct phyr_range more = { { 0x60000000 }, K4 };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_dma_map value;
	struct world *w;

	(void)state;
	if (PHYR_CHECKS >= 1) {
		print_message("this build stops where a borrowed list is cut\n");
		skip();
	}
	w = make(false);
	value = map(w, RW);
	assert_int_equal(phyr_list_append(&w->list, more, tag), PHYR_E_BUSY);
	phyr_list_truncate(&w->list, K4);
	unmap(w, &value); /* told, and ended all the same */
	end(w, MISTAKE(LIST), 1);
}

static void what_is_still_mapped_at_the_end_was_leaked(void **state)
{
	struct world *w = make(false);
	struct phyr_dma_map value = map(w, RW);
	struct phyr_dma_checker_stats stats;

	(void)state;
	phyr_dma_destroy(w->other);
	phyrsim_mem_destroy(w->frames);
	phyr_dma_checker_stats(w->checker, &stats);
	assert_int_equal(stats.live_cnt, 1);
	/* The handle, which would stop in checked builds, is ended by the mapping alone. */
	phyr_dma_checker_destroy(w->checker, &stats);
	assert_int_equal(stats.mistake_cnt[MISTAKE(LEAKED)], 1);
	assert_int_equal(w->told_cnt, 1);
	assert_int_equal(w->last.mistake, MISTAKE(LEAKED));
	assert_true(phyr_list_release(&w->list));
	phyr_list_fini(&w->list);
	w->host.mem.free(w->host.mem.ctx, w->dma, w->host.live_len);
	assert_int_equal(w->host.live_cnt, 0);
	assert_int_equal(value.form, PHYR_DMA_BORROWED);
}

static void parts_of_one_call_are_not_unlinked(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RW);
	struct phyr_dma_state fake = { value.range.iova.addr, value.range.len };
	struct phyr_dma_part part = { 0, K4, RW };

	(void)state;
	assert_int_equal(phyr_dma_unlink(w->dma, &fake, &part), PHYR_E_PARTIAL);
	assert_int_equal(device(w, value.range.iova.addr, 4 * K4, RW), PHYR_OK);
	unmap(w, &value);
	end(w, MISTAKE(PART), 1);
}

static void a_direction_is_kept(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state s = reserve(w);
	struct phyr_dma_part part = { 0, K4, RO };

	(void)state;
	link(w, &s, 0, 2 * K4, RW);
	assert_int_equal(phyr_dma_unlink(w->dma, &s, &part), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 2 * K4, RO), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 2 * K4, RW), PHYR_OK);
	end(w, MISTAKE(DIRECTION), 2);
}

static void what_is_linked_is_not_given_back(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state s = reserve(w);

	(void)state;
	link(w, &s, 0, 3 * K4, RW);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 2 * K4, RW), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_state_len(&s), 4 * K4);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 3 * K4, RW), PHYR_OK);
	end(w, MISTAKE(LINKED), 2);
}

static void another_length_is_not_given_back(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state s = reserve(w), longer = { s.addr, 5 * K4 };
	struct phyr_dma_part part = { 0, K4, RW };

	(void)state;
	assert_int_equal(phyr_dma_unlink(w->dma, &longer, &part), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_free(w->dma, &longer), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
	end(w, MISTAKE(CHANGED), 2);
}

static void a_state_that_was_given_back_is_unknown(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state s = reserve(w), copy = s;

	(void)state;
	assert_int_equal(phyr_dma_free(w->dma, &s), PHYR_OK);
	assert_int_equal(phyr_dma_free(w->dma, &copy), PHYR_E_NOENT);
	end(w, MISTAKE(UNKNOWN), 1);
}

static void a_device_uses_what_is_linked_and_synced(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_state s = reserve(w);

	(void)state;
	link(w, &s, 0, 2 * K4, RO);
	assert_int_equal(device(w, s.addr, K4, RO), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_sync(w->dma, &s, 0, K4), PHYR_OK);
	assert_int_equal(device(w, s.addr, K4, RO), PHYR_OK);
	assert_int_equal(device(w, s.addr, K4 + 1, RO), PHYR_E_BUSY);
	assert_int_equal(device(w, s.addr, 1, RW), PHYR_E_PERM);
	assert_int_equal(device(w, s.addr + 2 * K4, 1, RO), PHYR_E_NOENT);
	assert_int_equal(device(w, s.addr - 1, 1, RO), PHYR_E_NOENT);
	assert_int_equal(device(w, s.addr, 0, RO), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_check_device(NULL, (struct phyr_iova_range){ { 0 }, 1 }, RO),
			 PHYR_E_INVAL);
	assert_int_equal(device(w, s.addr, 1, 0), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_destroy_state(w->dma, &s, 2 * K4, RO), PHYR_OK);
	end(w, MISTAKE(DEVICE), 5);
}

static void the_cpu_waits_for_what_is_the_devices(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RW);

	(void)state;
	assert_int_equal(cpu(w, 0x40000000 - K4, K4, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000fff, 1, false), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_sync_for_cpu(w->dma, &value, K4, 2 * K4), PHYR_OK);
	assert_int_equal(cpu(w, 0x40001000, 2 * K4, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x40001000, 2 * K4 + 1, true), PHYR_E_BUSY);
	assert_int_equal(device(w, value.range.iova.addr + 2 * K4, 8, RW), PHYR_E_BUSY);
	assert_int_equal(phyr_dma_sync_for_device(w->dma, &value, 2 * K4, K4), PHYR_OK);
	assert_int_equal(device(w, value.range.iova.addr + 2 * K4, 8, RW), PHYR_OK);
	assert_int_equal(cpu(w, 0x40001000, K4, true), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000, 0, true), PHYR_E_INVAL);
	assert_int_equal(cpu(w, UINT64_MAX, 2, true), PHYR_E_RANGE);
	unmap(w, &value);
	assert_int_equal(cpu(w, 0x40000000, 4 * K4, true), PHYR_OK);
	expect(w, MISTAKE(CPU), 2);
	expect(w, MISTAKE(DEVICE), 1);
	end_world(w);
}

static void what_a_device_only_reads_may_be_read(void **state)
{
	struct world *w = make(true);
	struct phyr_dma_map value = map(w, RO);

	(void)state;
	assert_int_equal(cpu(w, 0x40000000, K4, false), PHYR_OK);
	assert_int_equal(cpu(w, 0x40000000, K4, true), PHYR_E_BUSY);
	unmap(w, &value);
	end(w, MISTAKE(CPU), 1);
}

static void a_checker_needs_hooks(void **state)
{
	struct test_mem host;
	struct phyr_dma_checker_params params = { NULL, NULL, NULL };
	struct phyr_dma_checker *checker = NULL;

	(void)state;
	test_mem_init(&host);
	assert_int_equal(phyr_dma_checker_create(NULL, &checker), PHYR_E_INVAL);
	assert_int_equal(phyr_dma_checker_create(&params, &checker), PHYR_E_INVAL);
	params.mem = &host.mem;
	assert_int_equal(phyr_dma_checker_create(&params, NULL), PHYR_E_INVAL);
	host.fail_at = 0;
	host.sticky = true;
	assert_int_equal(phyr_dma_checker_create(&params, &checker), PHYR_E_NOMEM);
	assert_null(checker);
	phyr_dma_checker_destroy(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_uses_are_silent),
		cmocka_unit_test(what_is_unmapped_twice_is_unknown),
		cmocka_unit_test(a_value_that_was_changed_is_refused),
		cmocka_unit_test(a_borrowed_list_stays_as_it_is),
		cmocka_unit_test(what_is_still_mapped_at_the_end_was_leaked),
		cmocka_unit_test(parts_of_one_call_are_not_unlinked),
		cmocka_unit_test(a_direction_is_kept),
		cmocka_unit_test(what_is_linked_is_not_given_back),
		cmocka_unit_test(another_length_is_not_given_back),
		cmocka_unit_test(a_state_that_was_given_back_is_unknown),
		cmocka_unit_test(a_device_uses_what_is_linked_and_synced),
		cmocka_unit_test(the_cpu_waits_for_what_is_the_devices),
		cmocka_unit_test(what_a_device_only_reads_may_be_read),
		cmocka_unit_test(a_checker_needs_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
