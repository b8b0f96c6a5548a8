/* SPDX-License-Identifier: MIT */
/*
 * Real buffers: what is refused, what the system gave (as it says itself in /proc/self/smaps), and
 * what a pinned region looks like. Where the platform has no buffers, that is what is asserted.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>

#include <phyr/bits.h>
#include <phyrsim/run.h>

#include "test.h"

#define MIB (UINT64_C(1) << 20)

#if defined(__linux__)
/* A buffer's allocator and an empty list. */
struct fixture {
	struct test_mem mem;
	struct phyr_list list;
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->mem);
	phyr_list_init(&f->list, &f->mem.mem);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
	free(f);
	return 0;
}

static int create(struct fixture *f, uint64_t len, uint64_t offset, enum phyrsim_pages pages)
{
	struct phyrsim_buffer_params params = { &f->mem.mem, len, offset, pages };
	struct phyrsim_buffer_error error = { "untouched", 7 };
	struct phyrsim_buffer *buffer = NULL;
	int err = phyrsim_buffer_create(&params, &buffer, &error);

	assert_int_equal(!buffer, !!err);
	assert_string_equal(error.step, "untouched");
	assert_int_equal(error.os_errno, 7);
	phyrsim_buffer_destroy(buffer);
	assert_int_equal(f->mem.live_cnt, 0);
	return err;
}

static void sizes_and_offsets_are_checked(void **state)
{
	struct fixture *f = *state;
	const uint64_t top = UINT64_MAX - PHYR_PAGE_SIZE + 1;

	assert_int_equal(create(f, 4096, 0, PHYRSIM_PAGES_BASE), PHYR_OK);
	assert_int_equal(create(f, 8192, 4096, PHYRSIM_PAGES_THP), PHYR_OK);
	assert_int_equal(create(f, 0, 0, PHYRSIM_PAGES_BASE), PHYR_E_INVAL);
	assert_int_equal(create(f, 4096, 4096, PHYRSIM_PAGES_BASE), PHYR_E_INVAL);
	assert_int_equal(create(f, 4096, 8192, PHYRSIM_PAGES_BASE), PHYR_E_INVAL);
	assert_int_equal(create(f, 4096, 0, (enum phyrsim_pages)2), PHYR_E_INVAL);
	assert_int_equal(create(f, 4097, 0, PHYRSIM_PAGES_BASE), PHYR_E_ALIGN);
	assert_int_equal(create(f, 4095, 0, PHYRSIM_PAGES_BASE), PHYR_E_ALIGN);
	assert_int_equal(create(f, 8192, 1, PHYRSIM_PAGES_BASE), PHYR_E_ALIGN);
	assert_int_equal(create(f, top, 0, PHYRSIM_PAGES_BASE), PHYR_E_RANGE);
	assert_int_equal(create(f, top, 0, PHYRSIM_PAGES_THP), PHYR_E_RANGE);
	assert_int_equal(create(f, UINT64_C(1) << 63, 4096, PHYRSIM_PAGES_THP), PHYR_E_RANGE);
}

static void a_missing_argument_is_refused(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer_params params = { &f->mem.mem, 4096, 0, PHYRSIM_PAGES_BASE };
	struct phyrsim_buffer *buffer = NULL;

	assert_int_equal(phyrsim_buffer_create(NULL, &buffer, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_buffer_create(&params, NULL, NULL), PHYR_E_INVAL);
	params.mem = NULL;
	assert_int_equal(phyrsim_buffer_create(&params, &buffer, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_buffer_pin(buffer, &f->list, NULL), PHYR_E_INVAL);
	assert_null(buffer);
	phyrsim_buffer_destroy(NULL);
}

static void without_memory_for_bookkeeping_there_is_no_buffer(void **state)
{
	struct fixture *f = *state;

	f->mem.fail_at = 0;
	assert_int_equal(create(f, 4096, 0, PHYRSIM_PAGES_BASE), PHYR_E_NOMEM);
	assert_int_equal(create(f, 4096, 0, PHYRSIM_PAGES_BASE), PHYR_OK);
}

static void what_the_system_refuses_is_named_by_step_and_errno(void **state)
{
	struct fixture *f = *state;
	/* Less than an object may have, and more than a process. */
	struct phyrsim_buffer_params params = { &f->mem.mem, UINT64_C(1) << 62, 0,
						PHYRSIM_PAGES_BASE };
	struct phyrsim_buffer_error error = { NULL, 0 };
	struct phyrsim_buffer *buffer = NULL;
	int err = phyrsim_buffer_create(&params, &buffer, &error);

	if (sizeof(void *) < 8) {
		assert_int_equal(err, PHYR_E_RANGE);
		skip(); /* no length here is sure to be refused */
	}
	assert_int_equal(err, PHYR_E_IO);
	assert_int_equal(error.os_errno, ENOMEM);
	assert_string_equal(error.step, "mmap");
	assert_null(buffer);
}

/* [bytes] of huge pages in the mapping that holds an address; UINT64_MAX if nobody says. */
static uint64_t huge_len(uint64_t va)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	uint64_t len = UINT64_MAX;
	bool inside = false;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		unsigned long first, end, kib;

		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			inside = first <= va && va < end;
		else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			len = (uint64_t)kib << 10;
	}
	assert_int_equal(fclose(file), 0);
	return len;
}

/* Pins a new buffer; skips the case where frame numbers are hidden. */
static struct phyrsim_buffer *pinned(struct fixture *f, uint64_t len, uint64_t offset,
				     enum phyrsim_pages pages)
{
	struct phyrsim_buffer_params params = { &f->mem.mem, len, offset, pages };
	struct phyrsim_buffer *buffer;
	int err;

	assert_int_equal(phyrsim_buffer_create(&params, &buffer, NULL), PHYR_OK);
	err = phyrsim_buffer_pin(buffer, &f->list, NULL);
	if (err == PHYR_E_PERM) {
		phyrsim_buffer_destroy(buffer);
		print_message("skipped: frame numbers are hidden from this process\n");
		skip();
	}
	assert_int_equal(err, PHYR_OK);
	assert_true(phyr_list_validate(&f->list, NULL));
	assert_int_equal(phyr_list_len(&f->list), len - offset);
	return buffer;
}

static void a_buffer_of_base_pages_has_no_huge_page(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer *buffer = pinned(f, 8 * MIB, 0, PHYRSIM_PAGES_BASE);
	uint64_t len = huge_len(phyr_list_va(&f->list));

	assert_true(len == 0 || len == UINT64_MAX);
	assert_true(phyr_bits_aligned(phyr_list_va(&f->list), PHYR_PAGE_LG2));
	phyrsim_buffer_destroy(buffer);
}

static void a_buffer_of_huge_pages_starts_on_their_border(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer *buffer = pinned(f, 8 * MIB, 0, PHYRSIM_PAGES_THP);

	assert_true(phyr_bits_aligned(phyr_list_va(&f->list), 21));
	phyrsim_buffer_destroy(buffer);
}

static void the_offset_leaves_out_the_beginning_and_not_the_alignment(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer *buffer = pinned(f, 8 * MIB, MIB + 4096, PHYRSIM_PAGES_THP);

	assert_int_equal(phyr_list_va(&f->list) % (2 * MIB), MIB + 4096);
	phyrsim_buffer_destroy(buffer);
}

static void huge_pages_show_as_long_runs_in_phase_with_the_address(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer *buffer = pinned(f, 16 * MIB, 4096, PHYRSIM_PAGES_THP);
	uint64_t va = phyr_list_va(&f->list);
	bool huge = huge_len(va) >= 4 * MIB && huge_len(va) != UINT64_MAX;
	struct phyr_list_stats stats;

	phyr_list_stats(&f->list, &stats);
	phyrsim_buffer_destroy(buffer);
	if (!huge) {
		print_message("skipped: the system gave no two huge pages\n");
		skip();
	}
	assert_true(stats.block_lg2 >= 21);
	assert_int_equal((stats.phase - va) % (2 * MIB), 0);
}

static void a_pinned_buffer_is_appended_behind_another(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer *buffer = pinned(f, 2 * MIB, 0, PHYRSIM_PAGES_BASE);

	assert_int_equal(phyrsim_buffer_pin(buffer, &f->list, NULL), PHYR_OK);
	assert_int_equal(phyr_list_len(&f->list), 4 * MIB);
	assert_int_equal(phyrsim_buffer_pin(buffer, NULL, NULL), PHYR_E_INVAL);
	phyrsim_buffer_destroy(buffer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
#else
static void other_platforms_have_no_buffers(void **state)
{
	struct phyrsim_buffer_params params = { NULL, MIB, 0, PHYRSIM_PAGES_BASE };
	struct phyrsim_buffer *buffer = NULL;
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyrsim_buffer_create(&params, &buffer, NULL), PHYR_E_UNSUPPORTED);
	assert_null(buffer);
	assert_int_equal(phyrsim_buffer_pin(NULL, &list, NULL), PHYR_E_UNSUPPORTED);
	phyrsim_buffer_destroy(NULL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__linux__)
		CASE(sizes_and_offsets_are_checked),
		CASE(a_missing_argument_is_refused),
		CASE(without_memory_for_bookkeeping_there_is_no_buffer),
		CASE(what_the_system_refuses_is_named_by_step_and_errno),
		CASE(a_buffer_of_base_pages_has_no_huge_page),
		CASE(a_buffer_of_huge_pages_starts_on_their_border),
		CASE(the_offset_leaves_out_the_beginning_and_not_the_alignment),
		CASE(huge_pages_show_as_long_runs_in_phase_with_the_address),
		CASE(a_pinned_buffer_is_appended_behind_another),
#else
		cmocka_unit_test(other_platforms_have_no_buffers),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
