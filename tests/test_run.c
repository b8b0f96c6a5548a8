/* SPDX-License-Identifier: MIT */
/* One run, end to end, over memory whose costs are known by hand. */

#include <phyrsim/run.h>

#include "test.h"

#define MIB (UINT64_C(1) << 20)
/* A process's address that is a multiple of every page size a device takes. */
#define VA UINT64_C(0x7f0000000000)

struct fixture {
	struct test_mem mem;
	struct phyr_list list;
	struct phyrsim_result result;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->mem);
	phyr_list_init(&f->list, &f->mem.mem);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
	free(f);
	return 0;
}

static void append(struct fixture *f, uint64_t pa, uint64_t len)
{
	struct phyr_range range = { { pa }, len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	assert_int_equal(phyr_list_append(&f->list, range, tag), PHYR_OK);
}

static void run(struct fixture *f, uint64_t va, uint64_t device_sizes)
{
	struct phyrsim_run_params params = { &f->mem.mem, { device_sizes }, 0 };
	struct phyrsim_run_error error = { "", 0, false };
	size_t live_cnt = f->mem.live_cnt;

	phyr_list_set_va(&f->list, va);
	assert_int_equal(phyrsim_run(&params, &f->list, &f->result, &error), PHYR_OK);
	assert_int_equal(f->mem.live_cnt, live_cnt);
}

static const struct phyrsim_mapping *
mapping(const struct fixture *f, enum phyrsim_strategy strategy, enum phyrsim_naming naming)
{
	for (size_t i = 0; i < f->result.mapping_cnt; i++)
		if (f->result.mapping[i].strategy == strategy && !f->result.mapping[i].for_mixed &&
		    (strategy != PHYRSIM_PHASE || f->result.mapping[i].naming == naming))
			return &f->result.mapping[i];
	fail_msg("no such mapping");
	return NULL;
}

static const struct phyrsim_translation *
translation(const struct fixture *f, enum phyrsim_strategy strategy, enum phyrsim_naming naming)
{
	for (size_t i = 0; i < f->result.translation_cnt; i++)
		if (f->result.translation[i].strategy == strategy &&
		    f->result.translation[i].naming == naming &&
		    !f->result.translation[i].for_mixed)
			return &f->result.translation[i];
	fail_msg("no such translation");
	return NULL;
}

static uint64_t leaf_cnt(const struct phyrsim_mapping *row)
{
	return row->leaves.cnt[12] + row->leaves.cnt[21] + row->leaves.cnt[30];
}

static void contiguous_100_mib_cost_25600_entries_of_4k_or_25_or_3(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_translation *row;

	append(f, 0x100000000, 100 * MIB);
	run(f, VA, 0);
	row = translation(f, PHYRSIM_BY_PAGE, PHYRSIM_NAME_VA);
	assert_int_equal(row->single.entry_cnt, 25600);
	assert_int_equal(row->single.len, 204800);
	for (int name = 0; name < PHYRSIM_NAMING_CNT; name++) {
		row = translation(f, PHYRSIM_PHASE, (enum phyrsim_naming)name);
		assert_int_equal(row->single.page_len, 4 * MIB);
		assert_int_equal(row->single.entry_cnt, 25);
		assert_int_equal(row->single.octword_len, 208);
		assert_int_equal(row->mixed.entry_cnt, 3);
		assert_int_equal(row->mixed.pages.cnt[26], 1); /* 64M */
		assert_int_equal(row->mixed.pages.cnt[25], 1); /* 32M */
		assert_int_equal(row->mixed.pages.cnt[22], 1); /* 4M */
	}
}

static void contiguous_4_mib_4_kib_late_take_1024_leaves_or_513_with_phase(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_mapping *phase;

	append(f, 0x40001000, 4 * MIB);
	run(f, VA + 0x1000, 0);
	assert_int_equal(leaf_cnt(mapping(f, PHYRSIM_LINUX, PHYRSIM_NAME_VA)), 1024);
	phase = mapping(f, PHYRSIM_PHASE, PHYRSIM_NAME_VA);
	assert_int_equal(phase->leaves.cnt[12], 512);
	assert_int_equal(phase->leaves.cnt[21], 1);
	assert_int_equal(phase->reserved_len, 4 * MIB);
}

static void a_late_start_in_2m_pages_is_cut_into_255_and_1_and_1(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_translation *row;

	append(f, 0x40001000, 2 * MIB - 0x1000);
	append(f, 0x80000000, 2 * MIB); /* another huge page, elsewhere */
	run(f, VA + 0x1000, 1 << 12 | 1 << 20 | 1 << 21);
	row = translation(f, PHYRSIM_PHASE, PHYRSIM_NAME_VA);
	assert_int_equal(row->mixed.pages.cnt[12], 255);
	assert_int_equal(row->mixed.pages.cnt[20], 1);
	assert_int_equal(row->mixed.pages.cnt[21], 1);
	assert_int_equal(row->mixed.entry_cnt, 257);
}

static void a_page_at_a_time_costs_a_call_and_a_flush_a_page(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_mapping *row;

	append(f, 0x100000000, MIB);
	run(f, VA, 0);
	row = mapping(f, PHYRSIM_BY_PAGE, PHYRSIM_NAME_VA);
	assert_int_equal(row->call_cnt, 256);
	assert_int_equal(row->flush_cnt, 256);
	assert_int_equal(row->reserved_len, MIB);
	row = mapping(f, PHYRSIM_PHASE, PHYRSIM_NAME_VA);
	assert_int_equal(row->call_cnt, 1);
	assert_int_equal(row->flush_cnt, 1);
}

static void linux_maps_once_a_run_and_flushes_once(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_mapping *row;

	for (uint64_t i = 0; i < 100; i++)
		append(f, 0x100000000 + i * 0x3000, 0x1000);
	run(f, VA, 0);
	row = mapping(f, PHYRSIM_LINUX, PHYRSIM_NAME_VA);
	assert_int_equal(row->call_cnt, 100);
	assert_int_equal(row->flush_cnt, 1);
	assert_int_equal(row->reserved_len, 100 * 4096);
	/* One table of each of the four levels holds them. */
	assert_int_equal(row->table_len, 4 * 4096);
	assert_int_equal(row->checked_cnt, 100);
}

static void descriptions_cost_32_and_16_and_8_bytes_a_run(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_describe *d = &f->result.describe;

	for (uint64_t i = 0; i < 100; i++)
		append(f, 0x100000000 + i * 0x3000, 0x1000);
	run(f, VA, 0);
	assert_int_equal(d->page_cnt, 100);
	assert_int_equal(d->list.run_cnt, 100);
	assert_int_equal(d->sg_default.len, 3200);
	assert_int_equal(d->bio_vec.len, 1600);
	assert_int_equal(d->phys_vec.len, 1600);
	assert_int_equal(d->list.words_len, 800);
}

static void a_region_may_start_and_end_inside_pages(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_translation *row;

	append(f, 0x100000200, 0xe00);
	append(f, 0x200000000, 0x1000);
	append(f, 0x300000000, 0x123);
	run(f, VA + 0x200, 0);
	row = translation(f, PHYRSIM_PHASE, PHYRSIM_NAME_ZERO);
	assert_int_equal(row->single.entry_cnt, 3);
	assert_int_equal(mapping(f, PHYRSIM_PHASE, PHYRSIM_NAME_ZERO)->reserved_len, 0x3000);
}

static void keys_that_disagree_give_a_device_with_mixed_sizes_its_own_row(void **state)
{
	struct fixture *f = *state;
	unsigned int mixed_cnt = 0;

	append(f, 0x40001000, 4 * MIB - 0x1000);
	run(f, VA + 0x1000, 0);
	for (size_t i = 0; i < f->result.mapping_cnt; i++)
		mixed_cnt += f->result.mapping[i].for_mixed;
	assert_true(mixed_cnt > 0);
}

static void sizes_that_fit_nothing_leave_the_row_empty(void **state)
{
	struct fixture *f = *state;

	append(f, 0x40001000, 0x2000);
	run(f, VA, 1 << 21);
	assert_int_equal(translation(f, PHYRSIM_PHASE, PHYRSIM_NAME_VA)->single.entry_cnt, 0);
	assert_int_equal(translation(f, PHYRSIM_PHASE, PHYRSIM_NAME_VA)->mixed.entry_cnt, 0);
}

static void wrong_arguments_are_refused_and_said_where(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_run_params params = { &f->mem.mem, { 0 }, 0 };
	struct phyrsim_run_error error = { NULL, 0, false };

	assert_int_equal(phyrsim_run(NULL, &f->list, &f->result, &error), PHYR_E_INVAL);
	assert_int_equal(phyrsim_run(&params, NULL, &f->result, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_run(&params, &f->list, &f->result, &error), PHYR_E_INVAL);
	assert_string_equal(error.step, "describing");
}

/* Described, but not mapped: says why, and has no rows. */
static void expect_unmappable(struct fixture *f, int err)
{
	run(f, phyr_list_va(&f->list), 0);
	assert_int_equal(f->result.map_err, err);
	assert_non_null(f->result.map_step);
	assert_int_equal(f->result.mapping_cnt + f->result.translation_cnt, 0);
	assert_true(f->result.describe.page_cnt > 0);
	phyr_list_fini(&f->list);
}

static void what_cannot_be_mapped_is_described_all_the_same(void **state)
{
	struct phyr_tag bar = { PHYR_KIND_P2P, 1 };
	struct phyr_range range = { { 0x1000 }, 0x1000 };
	struct fixture *f = *state;

	append(f, 0x10200, 0x1000);
	append(f, 0x20000, 0x1000);
	expect_unmappable(f, PHYR_E_ALIGN);
	append(f, 0x20000, 0x1000);
	assert_int_equal(phyr_list_append(&f->list, range, bar), PHYR_OK);
	expect_unmappable(f, PHYR_E_KIND);
	append(f, UINT64_C(1) << 52, 0x1000);
	expect_unmappable(f, PHYR_E_RANGE);
	append(f, 0x1000, 0x2000);
	phyr_list_set_va(&f->list, UINT64_MAX - 0xfff);
	expect_unmappable(f, PHYR_E_RANGE);
	append(f, 0, UINT64_MAX - 0xfff); /* more than there are I/O addresses */
	expect_unmappable(f, PHYR_E_LIMIT);
	append(f, 0x1000, UINT64_C(1) << 40); /* a leaf a page: too many to simulate */
	phyr_list_set_va(&f->list, VA);
	expect_unmappable(f, PHYR_E_LIMIT);
}

static void pages_that_are_counted_cost_what_simulated_ones_do(void **state)
{
	/* The last has more pages than there are I/O addresses below 4 GiB. */
	static const uint64_t page_cnts[] = { 1, 2, 511, 512, 513, 5000, 262144, 1048575 + 600 };
	struct phyrsim_run_error error = { "", 0, false };
	struct fixture *f = *state;
	struct phyrsim_run_params params = { &f->mem.mem, { 0 }, 1 };
	struct phyrsim_result counted;

	for (size_t i = 0; i < sizeof(page_cnts) / sizeof(*page_cnts); i++) {
		append(f, 0x100000000, page_cnts[i] << 12);
		run(f, VA, 0);
		assert_int_equal(phyrsim_run(&params, &f->list, &counted, &error), PHYR_OK);
		assert_true(counted.mapping[0].counted);
		assert_int_equal(counted.mapping[0].table_len, f->result.mapping[0].table_len);
		counted.mapping[0].counted = false;
		counted.mapping[0].checked_cnt = f->result.mapping[0].checked_cnt;
		assert_memory_equal(&counted.mapping[0], &f->result.mapping[0],
				    sizeof(counted.mapping[0]));
		assert_memory_equal(counted.translation, f->result.translation,
				    2 * sizeof(counted.translation[0]));
		phyr_list_fini(&f->list);
	}
}

static void linux_may_take_one_page_that_covers_more(void **state)
{
	struct fixture *f = *state;
	const struct phyrsim_translation *row;

	append(f, 0x100000000, 100 * MIB);
	run(f, VA, 0);
	row = translation(f, PHYRSIM_LINUX, PHYRSIM_NAME_ZERO);
	assert_int_equal(row->cover.page_len, 128 * MIB);
	assert_int_equal(row->cover.entry_cnt, 1);
	assert_int_equal(row->single.entry_cnt, 25);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(contiguous_100_mib_cost_25600_entries_of_4k_or_25_or_3),
		CASE(contiguous_4_mib_4_kib_late_take_1024_leaves_or_513_with_phase),
		CASE(a_late_start_in_2m_pages_is_cut_into_255_and_1_and_1),
		CASE(a_page_at_a_time_costs_a_call_and_a_flush_a_page),
		CASE(linux_maps_once_a_run_and_flushes_once),
		CASE(descriptions_cost_32_and_16_and_8_bytes_a_run),
		CASE(a_region_may_start_and_end_inside_pages),
		CASE(keys_that_disagree_give_a_device_with_mixed_sizes_its_own_row),
		CASE(sizes_that_fit_nothing_leave_the_row_empty),
		CASE(wrong_arguments_are_refused_and_said_where),
		CASE(what_cannot_be_mapped_is_described_all_the_same),
		CASE(pages_that_are_counted_cost_what_simulated_ones_do),
		CASE(linux_may_take_one_page_that_covers_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
