/* SPDX-License-Identifier: MIT */
/*
 * Real buffers: what is refused, what the system gave (as it says itself in /proc/self), and what a
 * region looks like; what fragmenting holds. Where the platform has no buffers, that is asserted.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>

#include <phyr/bits.h>
#include <phyr/pin.h>
#include <phyrsim/buffer.h>

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

static int snapshot(const struct phyrsim_buffer *buffer, struct phyr_list *list)
{
	struct phyr_pin_params params = { .va = phyrsim_buffer_va(buffer),
					  .len = phyrsim_buffer_len(buffer) };

	return phyr_pin(&params, list, NULL, NULL, NULL);
}

static int create(struct fixture *f, uint64_t len, uint64_t offset, enum phyrsim_pages pages)
{
	struct phyrsim_buffer_params params = { &f->mem.mem, len, offset, pages };
	struct phyrsim_buffer_error error = { "untouched", 7, 7 };
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
	assert_int_equal(create(f, 4096, 0, (enum phyrsim_pages)PHYRSIM_PAGES_CNT), PHYR_E_INVAL);
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
	struct phyrsim_buffer_error error = { NULL, 0, 0 };
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
	err = snapshot(buffer, &f->list);
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

static void two_regions_make_one_list(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer *buffer = pinned(f, 2 * MIB, 0, PHYRSIM_PAGES_BASE);

	assert_int_equal(snapshot(buffer, &f->list), PHYR_OK);
	assert_int_equal(phyr_list_len(&f->list), 4 * MIB);
	phyrsim_buffer_destroy(buffer);
}

static void reserved_huge_pages_are_what_was_asked_for_or_how_many_are_missing(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer_params params = { &f->mem.mem, 4 * MIB + 4096, 4096,
						PHYRSIM_PAGES_HUGETLB };
	struct phyrsim_buffer_error error = { NULL, 0, 0 };
	struct phyrsim_buffer *buffer = NULL;
	int err = phyrsim_buffer_create(&params, &buffer, &error);

	if (err == PHYR_E_LIMIT) {
		assert_true(error.reserve_cnt >= 3);
		assert_string_equal(error.step, "mmap");
		assert_int_equal(error.os_errno, ENOMEM);
		print_message("skipped: no three huge pages are reserved (vm.nr_hugepages)\n");
	} else if (err == PHYR_E_UNSUPPORTED) {
		print_message("skipped: this machine has no huge pages of 2 MiB\n");
	}
	if (err) {
		assert_null(buffer);
		skip();
	}
	assert_int_equal(phyrsim_buffer_va(buffer) % (2 * MIB), 4096);
	assert_int_equal(phyrsim_buffer_len(buffer), 4 * MIB);
	err = snapshot(buffer, &f->list);
	phyrsim_buffer_destroy(buffer);
	assert_true(err == PHYR_OK || err == PHYR_E_PERM);
	if (!err) {
		struct phyr_list_stats stats;

		phyr_list_stats(&f->list, &stats);
		assert_true(stats.run_cnt <= 3 && stats.block_lg2 >= 21);
	}
}

static void more_huge_pages_than_there_is_memory_are_never_there(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_buffer_params params = { &f->mem.mem, UINT64_C(1) << 45, 0,
						PHYRSIM_PAGES_HUGETLB };
	struct phyrsim_buffer_error error = { NULL, 0, 0 };
	struct phyrsim_buffer *buffer = NULL;
	int err = sizeof(void *) < 8 ? PHYR_E_UNSUPPORTED :
				       phyrsim_buffer_create(&params, &buffer, &error);

	if (err == PHYR_E_UNSUPPORTED) {
		print_message("skipped: this machine has no huge pages of 2 MiB\n");
		skip();
	}
	assert_int_equal(err, PHYR_E_LIMIT);
	assert_true(error.reserve_cnt >= UINT64_C(1) << 24);
	assert_null(buffer);
}

/* [bytes] of anonymous memory that we have. */
static uint64_t resident_len(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		(void)sscanf(line, "RssAnon: %lu kB", &kib);
	assert_int_equal(fclose(file), 0);
	return (uint64_t)kib << 10;
}

static void note_progress(void *ctx, uint64_t done, uint64_t len)
{
	uint64_t *last = ctx;

	assert_true(done > *last && done <= len);
	*last = done;
}

/* Of each byte that is looked at, what an address sanitizer keeps beside it counts as resident too. */
#if defined(__SANITIZE_ADDRESS__)
#define SHADOW_LG2 3
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOW_LG2 3
#endif
#endif
#ifndef SHADOW_LG2
#define SHADOW_LG2 63
#endif

/* The system counts in batches: a twentieth more or less. */
static void fragmenting_holds_seven_eighths_until_it_ends(void **state)
{
	struct fixture *f = *state;
	uint64_t done = 0, before = resident_len(), held;
	struct phyrsim_fragment_params params = {
		.mem = &f->mem.mem, .len = 65 * MIB, .progress = note_progress, .ctx = &done
	};
	struct phyrsim_fragment *fragment = NULL;

	assert_int_equal(phyrsim_fragment_create(&params, &fragment, NULL), PHYR_OK);
	held = resident_len() - before;
	phyrsim_fragment_destroy(fragment);
	assert_int_equal(done, params.len);
	assert_true(held > params.len / 20 * 16);
	assert_true(held < params.len / 20 * 19 + (params.len >> SHADOW_LG2));
	assert_true(resident_len() < before + params.len / 20 + (params.len >> SHADOW_LG2));
}

static int fragment(struct fixture *f, uint64_t len)
{
	struct phyrsim_fragment_params params = { .mem = &f->mem.mem, .len = len };
	struct phyrsim_buffer_error error = { "untouched", 7, 7 };
	struct phyrsim_fragment *fragment = NULL;
	int err = phyrsim_fragment_create(&params, &fragment, &error);

	assert_int_equal(!fragment, !!err);
	assert_string_equal(error.step, "untouched");
	phyrsim_fragment_destroy(fragment);
	assert_int_equal(f->mem.live_cnt, 0);
	return err;
}

static void fragmenting_never_takes_what_others_need(void **state)
{
	struct fixture *f = *state;
	uint64_t available = 0;

	assert_int_equal(phyrsim_fragment_available(&available), PHYR_OK);
	assert_true(available > MIB);
	/* Others may give back memory, but no tenth of it at this moment. */
	assert_int_equal(fragment(f, available / 10 * 9 & ~UINT64_C(4095)), PHYR_E_LIMIT);
	assert_int_equal(fragment(f, UINT64_MAX - 4095), PHYR_E_LIMIT);
	assert_int_equal(fragment(f, 4096), PHYR_OK);
	f->mem.fail_at = f->mem.alloc_cnt;
	assert_int_equal(fragment(f, 4096), PHYR_E_NOMEM);
}

static void wrong_wishes_to_fragment_are_refused(void **state)
{
	struct fixture *f = *state;
	struct phyrsim_fragment_params params = { .len = 4096 };
	struct phyrsim_fragment *made = NULL;

	assert_int_equal(fragment(f, 0), PHYR_E_INVAL);
	assert_int_equal(fragment(f, 4097), PHYR_E_ALIGN);
	assert_int_equal(phyrsim_fragment_create(&params, &made, NULL), PHYR_E_INVAL);
	assert_int_equal(phyrsim_fragment_create(NULL, &made, NULL), PHYR_E_INVAL);
	params.mem = &f->mem.mem;
	assert_int_equal(phyrsim_fragment_create(&params, NULL, NULL), PHYR_E_INVAL);
	params.percent = 1;
	assert_int_equal(phyrsim_fragment_create(&params, &made, NULL), PHYR_E_INVAL);
	params.len = 0;
	params.percent = PHYRSIM_FRAGMENT_PERCENT_MAX + 1;
	assert_int_equal(phyrsim_fragment_create(&params, &made, NULL), PHYR_E_LIMIT);
	assert_int_equal(phyrsim_fragment_available(NULL), PHYR_E_INVAL);
	assert_null(made);
	phyrsim_fragment_destroy(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
#else
static void other_platforms_have_no_buffers(void **state)
{
	struct phyrsim_buffer_params params = { NULL, MIB, 0, PHYRSIM_PAGES_BASE };
	struct phyrsim_buffer *buffer = NULL;
	struct phyrsim_fragment_params wish = { .len = MIB };
	struct phyrsim_fragment *fragment = NULL;
	uint64_t len;

	(void)state;
	assert_int_equal(phyrsim_buffer_create(&params, &buffer, NULL), PHYR_E_UNSUPPORTED);
	assert_int_equal(phyrsim_fragment_create(&wish, &fragment, NULL), PHYR_E_UNSUPPORTED);
	assert_int_equal(phyrsim_fragment_available(&len), PHYR_E_UNSUPPORTED);
	assert_null(buffer);
	assert_null(fragment);
	phyrsim_buffer_destroy(NULL);
	phyrsim_fragment_destroy(NULL);
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
		CASE(two_regions_make_one_list),
		CASE(reserved_huge_pages_are_what_was_asked_for_or_how_many_are_missing),
		CASE(more_huge_pages_than_there_is_memory_are_never_there),
		CASE(fragmenting_holds_seven_eighths_until_it_ends),
		CASE(fragmenting_never_takes_what_others_need),
		CASE(wrong_wishes_to_fragment_are_refused),
#else
		cmocka_unit_test(other_platforms_have_no_buffers),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
