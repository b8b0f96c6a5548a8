/* SPDX-License-Identifier: MIT */
/*
 * dma_iova_*: the vectors D1 to D6, and what is given back. Not here: giving back less
 * (test_linux_quirks).
 */
#include <phyrsim/linux_link.h>

#include "linux_world.h"

struct fixture {
	struct test_mem t;
	struct phyrsim_linux_iova *iova;
	struct phyrsim_linux_iova_device device;
	struct phyrsim_linux_two_step two_step;
	struct phyrsim_linux_state state;
};

static int setup(void **state)
{
	struct phyr_window window = { { 0x1000 }, { UINT32_MAX } };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->t);
	renew_iova(&f->t.mem, window, &f->iova, &f->device);
	f->two_step.iova = f->iova;
	f->two_step.device = &f->device;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(iova_live_len(f->iova), 0);
	phyrsim_linux_iova_destroy(f->iova);
	assert_int_equal(f->t.live_cnt, 0);
	free(f);
	return 0;
}

static int alloc(struct fixture *f, uint64_t pa, uint64_t len)
{
	struct phyr_range first = { { pa }, len };

	memset(&f->state, 0xa5, sizeof(f->state));
	return phyrsim_linux_two_step_alloc(&f->two_step, first, &f->state);
}

static int link_at(const struct fixture *f, uint64_t pa, uint64_t offset, uint64_t len,
		   struct phyrsim_linux_link *ret_link)
{
	struct phyr_range memory = { { pa }, len };

	return phyrsim_linux_two_step_link(&f->state, memory, offset, ret_link);
}

static void destroy(struct fixture *f, uint64_t mapped_len)
{
	uint64_t stranded_len = 1;

	assert_int_equal(
		phyrsim_linux_two_step_destroy(&f->two_step, &f->state, mapped_len, &stranded_len),
		PHYR_OK);
	assert_int_equal(stranded_len, 0);
	assert_int_equal(f->state.len, 0);
	assert_int_equal(f->state.iova.addr, 0);
}

static void d1_byte_0_keeps_its_place_in_its_page(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(alloc(f, 0x12345200, 0x1e00), PHYR_OK);
	assert_int_equal(iova_live_len(f->iova), 0x2000);
	/* The top two of 4 GiB. */
	assert_int_equal(f->state.iova.addr, 0xffffe200);
	assert_int_equal(f->state.len, 0x1e00);
	destroy(f, 0x1e00);
}

static void d2_and_d3_link_whole_pages_behind_one_another(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_link link;

	assert_int_equal(alloc(f, 0x12345200, 0x1e00), PHYR_OK);
	assert_int_equal(link_at(f, 0x12345200, 0, 0xe00, &link), PHYR_OK);
	assert_int_equal(link.iova.iova.addr, 0xffffe000);
	assert_int_equal(link.iova.len, 0x1000);
	assert_int_equal(link.pa.addr, 0x12345000);
	assert_int_equal(link_at(f, 0x98765000, 0xe00, 0x1000, &link), PHYR_OK);
	assert_int_equal(link.iova.iova.addr, 0xfffff000);
	assert_int_equal(link.iova.len, 0x1000);
	assert_int_equal(link.pa.addr, 0x98765000);
	destroy(f, 0x1e00);
}

static void d4_only_the_first_link_begins_inside_a_page(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_link link = { .pa = { 1 } };

	assert_int_equal(alloc(f, 0x12345200, 0x1e00), PHYR_OK);
	assert_int_equal(link_at(f, 0x98765100, 0xe00, 0x100, &link), PHYR_E_IO);
	assert_int_equal(link.pa.addr, 1);
	destroy(f, 0);
}

static void a_link_behind_a_short_one_is_misaligned(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_link link;

	assert_int_equal(alloc(f, 0x10000, 0x3000), PHYR_OK);
	/* Not noticed here … */
	assert_int_equal(link_at(f, 0x10000, 0, 0x800, &link), PHYR_OK);
	/* … but here. */
	assert_int_equal(link_at(f, 0x20000, 0x800, 0x1000, &link), PHYR_E_ALIGN);
	destroy(f, 0x800);
}

static void d6_what_cannot_be_reserved_leaves_the_state_zero(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_state none = { { 0 }, 0 };

	assert_int_equal(alloc(f, 0, 0), PHYR_E_INVAL);
	assert_memory_equal(&f->state, &none, sizeof(none));
	assert_int_equal(alloc(f, 0, UINT64_C(1) << 63), PHYR_E_RANGE);
	assert_memory_equal(&f->state, &none, sizeof(none));
	/* More than the space has. */
	assert_int_equal(alloc(f, 0, GIB(8)), PHYR_E_LIMIT);
	assert_memory_equal(&f->state, &none, sizeof(none));
	f->two_step.iova = NULL;
	assert_int_equal(alloc(f, 0, 0x1000), PHYR_E_UNSUPPORTED);
	assert_memory_equal(&f->state, &none, sizeof(none));
}

static void a_state_is_16_bytes_whatever_is_linked(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct phyrsim_linux_state), 16);
}

static void links_stay_inside_what_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_link link;
	struct phyr_range memory = { { 0x10000 }, 0x1000 };

	assert_int_equal(alloc(f, 0x10000, 0x2000), PHYR_OK);
	assert_int_equal(link_at(f, 0x10000, 0x1000, 0x1001, &link), PHYR_E_RANGE);
	assert_int_equal(link_at(f, 0x10000, 0x2000, 1, &link), PHYR_E_RANGE);
	assert_int_equal(link_at(f, UINT64_MAX - 0xfff, 0, 0x1001, &link), PHYR_E_RANGE);
	assert_int_equal(link_at(f, 0x10000, 0, 0, &link), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_two_step_link(&f->state, memory, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_two_step_link(NULL, memory, 0, &link), PHYR_E_INVAL);
	destroy(f, 0x2000);
	assert_int_equal(phyrsim_linux_two_step_link(&f->state, memory, 0, &link), PHYR_E_INVAL);
}

static void only_what_is_reserved_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_linux_state copy;
	struct phyr_range first = { { 0 }, 0x1000 };

	assert_int_equal(phyrsim_linux_two_step_alloc(NULL, first, &f->state), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_two_step_alloc(&f->two_step, first, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_two_step_destroy(&f->two_step, &f->state, 0, NULL),
			 PHYR_E_INVAL);
	assert_int_equal(alloc(f, 0, MIB(1)), PHYR_OK);
	assert_int_equal(phyrsim_linux_two_step_destroy(&f->two_step, &f->state, MIB(1) + 1, NULL),
			 PHYR_E_RANGE);
	assert_int_equal(phyrsim_linux_two_step_destroy(NULL, &f->state, 0, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_linux_two_step_destroy(&f->two_step, NULL, 0, NULL), PHYR_E_INVAL);
	copy = f->state;
	destroy(f, MIB(1));
	assert_int_equal(phyrsim_linux_two_step_destroy(&f->two_step, &copy, 0, NULL),
			 PHYR_E_NOENT);
	assert_int_equal(copy.len, MIB(1));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(d1_byte_0_keeps_its_place_in_its_page),
		CASE(d2_and_d3_link_whole_pages_behind_one_another),
		CASE(d4_only_the_first_link_begins_inside_a_page),
		CASE(a_link_behind_a_short_one_is_misaligned),
		CASE(d6_what_cannot_be_reserved_leaves_the_state_zero),
		CASE(a_state_is_16_bytes_whatever_is_linked),
		CASE(links_stay_inside_what_was_asked_for),
		CASE(only_what_is_reserved_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
