/* SPDX-License-Identifier: MIT */
/*
 * The device's translation table: costs against the published numbers, translation against a walk
 * over the list, every refusal. Not here: how the page size is found (test_split).
 */
#include <phyr/bits.h>
#include <phyr/list.h>
#include <phyrsim/mtt.h>

#include "linux_world.h"

/* A user's address with nothing but zeros below 2^40. */
#define USER UINT64_C(0x7f0000000000)

struct fixture {
	struct test_mem t;
	struct phyr_list list;
	struct phyrsim_mtt_params params;
	struct phyrsim_mtt_region *region;
	struct phyrsim_mtt_cost cost;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	list_open(&f->list, &f->t);
	f->params.mem = &f->t.mem;
	f->params.sizes = phyr_sizes_between(12, 31);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	phyrsim_mtt_drop(f->region); /* may be NULL */
	list_close(&f->list, &f->t);
	free(f);
	return 0;
}

static struct phyr_dma_map mapped_at(uint64_t iova, uint64_t len)
{
	struct phyr_dma_map map = { 0 };

	map.form = PHYR_DMA_RANGE;
	map.range.iova = phyr_iova_at(iova);
	map.range.len = len;
	return map;
}

/* Registers a range in place of what was registered before, and asks for the cost. */
static void register_range(struct fixture *f, uint64_t iova, uint64_t len, uint64_t address)
{
	struct phyr_dma_map map = mapped_at(iova, len);

	phyrsim_mtt_drop(f->region);
	f->region = NULL;
	assert_int_equal(phyrsim_mtt_register(&f->params, &map, address, &f->region), PHYR_OK);
	phyrsim_mtt_cost(f->region, &f->cost);
}

static void register_list(struct fixture *f, uint64_t address)
{
	phyrsim_mtt_drop(f->region);
	f->region = NULL;
	assert_int_equal(phyrsim_mtt_register_list(&f->params, &f->list, address, &f->region),
			 PHYR_OK);
	phyrsim_mtt_cost(f->region, &f->cost);
}

static void assert_pages(const struct fixture *f, uint64_t page_len, uint64_t cnt)
{
	assert_int_equal(f->cost.page_len, page_len);
	assert_int_equal(f->cost.entry_cnt, cnt);
	assert_int_equal(f->cost.len, cnt * PHYRSIM_MTT_ENTRY_LEN);
	assert_int_equal(f->cost.pages.cnt[phyr_bits_log2(page_len)], cnt);
}

static void assert_translates(const struct fixture *f, uint64_t address, uint64_t expected)
{
	phyr_iova iova;

	assert_int_equal(phyrsim_mtt_translate(f->region, address, &iova), PHYR_OK);
	assert_int_equal(iova.addr, expected);
}

static void assert_faults(const struct fixture *f, uint64_t address)
{
	phyr_iova iova = phyr_iova_at(77);

	assert_int_equal(phyrsim_mtt_translate(f->region, address, &iova), PHYR_E_FAULT);
	assert_int_equal(iova.addr, 77);
}

/* The refusal, and that nothing is written or left allocated. */
static void assert_refuses(struct fixture *f, uint64_t address, int err)
{
	struct phyrsim_mtt_region *untouched = (struct phyrsim_mtt_region *)(void *)f;
	struct phyrsim_mtt_region *region = untouched;
	size_t live_cnt = f->t.live_cnt;

	assert_int_equal(phyrsim_mtt_register_list(&f->params, &f->list, address, &region), err);
	assert_ptr_equal(region, untouched);
	assert_int_equal(f->t.live_cnt, live_cnt);
}

static void a_hundred_mib_cost_204800_bytes_in_4k_pages_and_400_in_2m(void **state)
{
	struct fixture *f = *state;

	register_range(f, GIB(4), MIB(100), USER + 0x1000);
	assert_pages(f, KIB(4), 25600);
	assert_int_equal(f->cost.len, 204800);
	assert_int_equal(f->cost.octword_len, 204800);
	f->params.sizes = phyr_sizes_between(21, 21);
	register_range(f, GIB(4), MIB(100), USER);
	assert_pages(f, MIB(2), 50);
	assert_int_equal(f->cost.len, 400);
}

static void a_name_in_phase_turns_25600_entries_into_25(void **state)
{
	struct fixture *f = *state;

	register_range(f, GIB(4), MIB(100), 0);
	assert_pages(f, MIB(4), 25);
	register_range(f, GIB(4), MIB(100), USER);
	assert_pages(f, MIB(4), 25);
}

static void mixed_sizes_turn_25_entries_into_3(void **state)
{
	struct fixture *f = *state;

	f->params.mixed = true;
	register_range(f, GIB(4), MIB(100), 0);
	assert_int_equal(f->cost.entry_cnt, 3);
	assert_int_equal(f->cost.len, 24);
	assert_int_equal(f->cost.octword_len, 32);
	assert_int_equal(f->cost.page_len, 0);
	assert_int_equal(f->cost.pages.cnt[26], 1);
	assert_int_equal(f->cost.pages.cnt[25], 1);
	assert_int_equal(f->cost.pages.cnt[22], 1);
}

static void covering_pages_turn_25_entries_into_2_or_1(void **state)
{
	struct fixture *f = *state;

	f->params.cover = PHYR_COVER_ALLOW;
	register_range(f, GIB(4), MIB(100), USER);
	assert_pages(f, MIB(128), 1);
	assert_int_equal(f->cost.octword_len, 16);
	f->params.sizes = phyr_sizes_between(12, 26);
	register_range(f, GIB(4), MIB(100), USER);
	assert_pages(f, MIB(64), 2);
	assert_int_equal(f->cost.len, 16);
}

static void an_octword_holds_two_entries(void **state)
{
	static const uint64_t octwords[] = { 1, 1, 2, 2, 3 };
	struct fixture *f = *state;

	f->params.sizes = phyr_sizes_between(12, 12);
	for (uint64_t n = 1; n <= 5; n++) {
		register_range(f, GIB(4), n * KIB(4), USER);
		assert_int_equal(f->cost.len, n * 8);
		assert_int_equal(f->cost.octword_len, octwords[n - 1] * 16);
	}
}

/* One range at one address: the page of a device whose pages may cover, and of one without. */
struct vector {
	uint64_t iova, len, address, sizes;
	uint64_t cover_page, cover_cnt, page, cnt;
};

static void published_page_sizes_are_found(void **state)
{
	const uint64_t any = phyr_sizes_between(12, 31).mask;
	const uint64_t three = KIB(4) | MIB(2) | GIB(1);
	const struct vector vectors[] = {
		{ GIB(4), MIB(4), USER, any, MIB(4), 1, MIB(4), 1 },
		{ GIB(4), MIB(4), USER, three, GIB(1), 1, MIB(2), 2 },
		{ GIB(4) + 0x1000, MIB(4), USER, any, KIB(4), 1024, KIB(4), 1024 },
		{ GIB(4) + 0x1000, 0x3ff000, USER + 0x1000, any, MIB(4), 1, KIB(4), 1023 },
		{ 0x10000, KIB(64), 0x20000, KIB(4) | KIB(64), KIB(64), 1, KIB(64), 1 },
		{ 0x34401400000, GIB(16), 0, any, MIB(4), 4096, MIB(4), 4096 },
		{ 0xf8000000, MIB(100), 0, any, MIB(128), 1, MIB(4), 25 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];

		f->params.sizes.mask = v->sizes;
		f->params.cover = PHYR_COVER_ALLOW;
		register_range(f, v->iova, v->len, v->address);
		assert_pages(f, v->cover_page, v->cover_cnt);
		f->params.cover = PHYR_COVER_FORBID;
		register_range(f, v->iova, v->len, v->address);
		assert_pages(f, v->page, v->cnt);
	}
}

static void a_joint_must_lie_on_the_page_size(void **state)
{
	struct fixture *f = *state;

	append(&f->list, 0x100000000, MIB(2));
	append(&f->list, 0x300000000, MIB(2));
	register_list(f, USER);
	assert_pages(f, MIB(2), 2);
	assert_translates(f, USER + MIB(2) - 1, 0x1001fffff);
	assert_translates(f, USER + MIB(2), 0x300000000);
}

static void bounds_are_checked_to_the_byte(void **state)
{
	struct fixture *f = *state;

	for (int mixed = 0; mixed < 2; mixed++) {
		f->params.mixed = mixed;
		register_range(f, GIB(4) + 0x803, 0x2001, USER + 0x803);
		assert_faults(f, USER + 0x802);
		assert_translates(f, USER + 0x803, GIB(4) + 0x803);
		assert_translates(f, USER + 0x1000, GIB(4) + 0x1000);
		assert_translates(f, USER + 0x2803, GIB(4) + 0x2803);
		assert_faults(f, USER + 0x2804);
		assert_faults(f, 0);
		assert_faults(f, UINT64_MAX);
	}
}

static void a_region_may_be_one_byte(void **state)
{
	struct fixture *f = *state;

	register_range(f, GIB(4) + 5, 1, USER + 5);
	assert_pages(f, KIB(4), 1);
	assert_faults(f, USER + 4);
	assert_translates(f, USER + 5, GIB(4) + 5);
	assert_faults(f, USER + 6);
}

static void a_region_may_end_with_the_last_address(void **state)
{
	const uint64_t address = UINT64_MAX - MIB(3) + 1;
	struct fixture *f = *state;

	for (int mixed = 0; mixed < 2; mixed++) {
		f->params.mixed = mixed;
		register_range(f, GIB(5) - MIB(3), MIB(3), address);
		assert_int_equal(f->cost.entry_cnt, mixed ? 2 : 3);
		assert_faults(f, address - 1);
		assert_faults(f, 0);
		assert_translates(f, address, GIB(5) - MIB(3));
		assert_translates(f, UINT64_MAX, GIB(5) - 1);
	}
}

static void a_borrowed_list_is_registered_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_map map = { 0 };

	append(&f->list, MIB(8), KIB(8));
	append(&f->list, MIB(16), KIB(4));
	map.form = PHYR_DMA_BORROWED;
	map.list = &f->list;
	assert_int_equal(phyrsim_mtt_register(&f->params, &map, USER, &f->region), PHYR_OK);
	assert_translates(f, USER + 0x1fff, MIB(8) + 0x1fff);
	assert_translates(f, USER + 0x2000, MIB(16));
}

static void a_list_is_read_during_the_call_only(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 1000; i++)
		append(&f->list, GIB(4) + i * KIB(12), KIB(4));
	register_list(f, USER);
	phyr_list_fini(&f->list);
	assert_pages(f, KIB(4), 1000);
	assert_translates(f, USER + 999 * KIB(4) + 9, GIB(4) + 999 * KIB(12) + 9);
}

static void what_is_missing_is_invalid(void **state)
{
	struct fixture *f = *state;
	struct phyr_dma_map map = mapped_at(GIB(4), KIB(4));
	struct phyr_dma_map none = { 0 };
	struct phyrsim_mtt_params *p = &f->params;

	assert_int_equal(phyrsim_mtt_register(NULL, &map, 0, &f->region), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mtt_register(p, NULL, 0, &f->region), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mtt_register(p, &map, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mtt_register(p, &none, 0, &f->region), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mtt_register_list(p, NULL, 0, &f->region), PHYR_E_INVAL);
	assert_refuses(f, 0, PHYR_E_INVAL); /* the list is empty */
	append(&f->list, GIB(4), KIB(4));
	assert_int_equal(phyrsim_mtt_register_list(NULL, &f->list, 0, &f->region), PHYR_E_INVAL);
	assert_int_equal(phyrsim_mtt_register_list(p, &f->list, 0, NULL), PHYR_E_INVAL);
	p->sizes.mask = 0;
	assert_refuses(f, 0, PHYR_E_INVAL);
	p->sizes = phyr_sizes_between(12, 31);
	p->mem = NULL;
	assert_refuses(f, 0, PHYR_E_INVAL);
	assert_null(f->region);
}

static void device_addresses_that_wrap_are_out_of_range(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(4), KIB(8));
	for (int mixed = 0; mixed < 2; mixed++) {
		f->params.mixed = mixed;
		assert_refuses(f, UINT64_MAX - PAGE_MASK, PHYR_E_RANGE);
		assert_refuses(f, UINT64_MAX - PAGE_MASK - KIB(4) + 1, PHYR_E_RANGE);
	}
}

static void no_fitting_page_size_is_a_limit(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(4) + 0x1000, MIB(4));
	f->params.cover = PHYR_COVER_ALLOW;
	for (int mixed = 0; mixed < 2; mixed++) {
		f->params.mixed = mixed;
		f->params.sizes = phyr_sizes_between(21, 21);
		assert_refuses(f, USER, PHYR_E_LIMIT);
		f->params.sizes = phyr_sizes_between(12, 31);
		assert_refuses(f, USER + 0x800, PHYR_E_LIMIT);
		assert_refuses(f, USER + 1, PHYR_E_LIMIT);
	}
}

static void a_joint_inside_the_smallest_page_is_a_limit(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(4), KIB(4));
	append(&f->list, GIB(8), KIB(60));
	f->params.sizes = phyr_sizes_between(16, 21);
	f->params.cover = PHYR_COVER_ALLOW;
	for (int mixed = 0; mixed < 2; mixed++) {
		f->params.mixed = mixed;
		assert_refuses(f, USER, PHYR_E_LIMIT);
	}
}

static void pages_of_a_mixed_region_never_cover(void **state)
{
	struct fixture *f = *state;

	append(&f->list, GIB(4), MIB(3));
	f->params.sizes = phyr_sizes_between(21, 31);
	f->params.cover = PHYR_COVER_ALLOW;
	register_list(f, USER);
	assert_pages(f, MIB(4), 1);
	f->params.mixed = true;
	assert_refuses(f, USER, PHYR_E_LIMIT);
	append(&f->list, GIB(4) + MIB(3), MIB(1) - 5); /* rounded out to pages, it ends on 2 MiB */
	register_list(f, USER);
	assert_int_equal(f->cost.entry_cnt, 1);
}

/* Runs of any number of pages, each where some large page could hold it or not. */
static void append_random(struct fixture *f, uint64_t *seed)
{
	uint64_t head = test_random(seed) % 3 ? 0 : test_random(seed) & PAGE_MASK;
	uint64_t run_cnt = 1 + test_random(seed) % 40;

	for (uint64_t i = 0; i < run_cnt; i++) {
		unsigned int lg2 = 12 + (unsigned int)(test_random(seed) % 5);
		uint64_t pa = GIB(4) + phyr_bits_down(test_random(seed) % GIB(64), lg2);
		uint64_t len = (1 + test_random(seed) % 9) << lg2;

		append(&f->list, pa + head,
		       len - head - (i + 1 == run_cnt ? test_random(seed) % 99 : 0));
		head = 0;
	}
}

static void assert_run_translates(const struct fixture *f, const struct phyr_run *run,
				  uint64_t address, uint64_t *seed)
{
	uint64_t last = run->range.len - 1;
	uint64_t offsets[] = { 0, last, last / 2, test_random(seed) % run->range.len };

	for (size_t i = 0; i < 4; i++)
		assert_translates(f, address + run->offset + offsets[i],
				  run->range.pa.addr + offsets[i]);
}

/* Every byte goes where the list says, and the pages cover the region in pages, no more. */
static void assert_region_is_the_list(const struct fixture *f, uint64_t address, uint64_t *seed)
{
	uint64_t last = address + phyr_list_len(&f->list) - 1;
	struct phyr_list_cursor cursor;
	uint64_t page_sum = 0;
	struct phyr_run run;

	phyr_list_begin(&f->list, &cursor);
	while (phyr_list_next(&cursor, &run))
		assert_run_translates(f, &run, address, seed);
	assert_faults(f, address - 1);
	assert_faults(f, last + 1);
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		page_sum += f->cost.pages.cnt[lg2] << lg2;
	assert_int_equal(page_sum, (last | PAGE_MASK) + 1 - (address & ~PAGE_MASK));
}

/* An address whose phase in a page is that of the list, and in larger ones by chance. */
static uint64_t random_address(const struct fixture *f, uint64_t *seed)
{
	unsigned int lg2 = 12 + (unsigned int)(test_random(seed) % 9);
	uint64_t base = USER + phyr_bits_down(test_random(seed) % GIB(1), lg2);
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	phyr_list_begin(&f->list, &cursor);
	assert_true(phyr_list_next(&cursor, &run));
	return base + (run.range.pa.addr & PAGE_MASK);
}

static void any_list_translates_as_a_walk_over_it(void **state)
{
	uint64_t seed = test_number("PHYR_SEED", 1);
	struct fixture *f = *state;

	print_message("seed %llu\n", (unsigned long long)seed);
	for (uint64_t n = test_number("PHYR_ITER", 300); n; n--) {
		uint64_t address, single_cnt;

		append_random(f, &seed);
		address = random_address(f, &seed);
		f->params.mixed = false;
		register_list(f, address);
		assert_region_is_the_list(f, address, &seed);
		single_cnt = f->cost.entry_cnt;
		f->params.mixed = true;
		register_list(f, address);
		assert_region_is_the_list(f, address, &seed);
		assert_true(f->cost.entry_cnt <= single_cnt);
		phyr_list_fini(&f->list);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_hundred_mib_cost_204800_bytes_in_4k_pages_and_400_in_2m),
		CASE(a_name_in_phase_turns_25600_entries_into_25),
		CASE(mixed_sizes_turn_25_entries_into_3),
		CASE(covering_pages_turn_25_entries_into_2_or_1),
		CASE(an_octword_holds_two_entries),
		CASE(published_page_sizes_are_found),
		CASE(a_joint_must_lie_on_the_page_size),
		CASE(bounds_are_checked_to_the_byte),
		CASE(a_region_may_be_one_byte),
		CASE(a_region_may_end_with_the_last_address),
		CASE(a_borrowed_list_is_registered_as_it_is),
		CASE(a_list_is_read_during_the_call_only),
		CASE(what_is_missing_is_invalid),
		CASE(device_addresses_that_wrap_are_out_of_range),
		CASE(no_fitting_page_size_is_a_limit),
		CASE(a_joint_inside_the_smallest_page_is_a_limit),
		CASE(pages_of_a_mixed_region_never_cover),
		CASE(any_list_translates_as_a_walk_over_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
