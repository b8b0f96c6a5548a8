/* SPDX-License-Identifier: MIT */
/*
 * Real memory as a list, against a direct read of the page map that shares no code with the
 * library. Where frame numbers are hidden, that is what is asserted; what needs them is skipped.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <unistd.h>

#include <phyr/pin.h>

#include "test.h"

/* A snapshot of this process; the result is not asked for. */
static int snapshot(uint64_t va, uint64_t len, struct phyr_list *list,
		    struct phyr_pin_error *ret_error)
{
	struct phyr_pin_params params = { .va = va, .len = len };

	return phyr_pin(&params, list, NULL, NULL, ret_error);
}

static void a_wrong_range_is_refused_on_every_platform(void **state)
{
	struct phyr_pin_error error = { 7, 7, "untouched" };
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(snapshot(4096, 0, &list, &error), PHYR_E_INVAL);
	assert_int_equal(snapshot(4096, 1, NULL, &error), PHYR_E_INVAL);
	assert_int_equal(snapshot(UINT64_MAX, 2, &list, &error), PHYR_E_RANGE);
	assert_int_equal(snapshot(2, UINT64_MAX, &list, &error), PHYR_E_RANGE);
	assert_int_equal(phyr_list_len(&list), 0);
	assert_int_equal(error.va, 7);
	assert_int_equal(error.os_errno, 7);
	assert_string_equal(error.step, "untouched");
}

static void what_holds_pages_needs_somewhere_to_be_kept(void **state)
{
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_pin *pin = NULL;
	struct phyr_pin_params params = { .mem = &mem.mem, .va = 4096, .len = 1 };

	(void)state;
	test_mem_init(&mem);
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_pin(NULL, &list, &pin, NULL, NULL), PHYR_E_INVAL);
	params.state = (enum phyr_pin_state)(PHYR_PIN_PINNED + 1);
	assert_int_equal(phyr_pin(&params, &list, &pin, NULL, NULL), PHYR_E_INVAL);
	for (int held = PHYR_PIN_LOCKED; held <= PHYR_PIN_PINNED; held++) {
		params.state = (enum phyr_pin_state)held;
		assert_int_equal(phyr_pin(&params, &list, NULL, NULL, NULL), PHYR_E_INVAL);
		params.mem = NULL;
		assert_int_equal(phyr_pin(&params, &list, &pin, NULL, NULL), PHYR_E_INVAL);
		params.mem = &mem.mem;
	}
	assert_null(pin);
	assert_int_equal(mem.alloc_cnt, 0);
	phyr_pin_release(NULL);
}

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/resource.h>

#include "pin_world.h"

/* Pins with the same frames before and after, because the system may move pages meanwhile. */
static void pin_unmoved(struct pin_world *w, uint64_t offset, uint64_t len)
{
	do {
		phyr_list_fini(&w->list);
		pin_world_read(w, w->frames);
		assert_int_equal(snapshot(w->va + offset, len, &w->list, NULL), PHYR_OK);
		pin_world_read(w, w->frames_after);
	} while (memcmp(w->frames, w->frames_after, sizeof(w->frames)) != 0);
}

static void every_page_is_where_the_page_map_says(void **state)
{
	struct pin_world *w = *state;

	pin_world_require_frames(w);
	pin_unmoved(w, 0, PAGE_CNT * w->page_len);
	pin_world_assert(w, 0, PAGE_CNT * w->page_len);
}

static void offset_and_length_are_kept_to_the_byte(void **state)
{
	struct pin_world *w = *state;
	const uint64_t page = w->page_len;
	const uint64_t cases[][2] = { { 0, 1 },
				      { 1, 1 },
				      { page - 1, 1 },
				      { page - 1, 2 },
				      { 100, page },
				      { 1, 2 * page - 1 },
				      { page, page },
				      { 3 * page + 5, 1500 * page },
				      { 1024 * page - 1, 1024 * page + 2 } };

	pin_world_require_frames(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pin_unmoved(w, cases[i][0], cases[i][1]);
		pin_world_assert(w, cases[i][0], cases[i][1]);
	}
}

static void a_list_that_is_not_empty_grows_and_keeps_its_va(void **state)
{
	struct pin_world *w = *state;
	const uint64_t cut = 1000 * w->page_len + 77, len = PAGE_CNT * w->page_len;

	pin_world_require_frames(w);
	do {
		pin_unmoved(w, 0, cut);
		assert_int_equal(snapshot(w->va + cut, len - cut, &w->list, NULL), PHYR_OK);
		pin_world_read(w, w->frames_after);
	} while (memcmp(w->frames, w->frames_after, sizeof(w->frames)) != 0);
	pin_world_assert(w, 0, len);
}

/* Pins around a page that is not there; the list has one byte before. */
static void assert_missing(struct pin_world *w, uint64_t page)
{
	struct phyr_pin_error error = { 0, 7, NULL };
	struct phyr_run run;
	struct phyr_list_cursor cursor;
	uint64_t first = page ? 9 : 0;

	assert_int_equal(snapshot(w->va + first, (PAGE_CNT - 1) * w->page_len, &w->list, &error),
			 PHYR_E_NOENT);
	assert_int_equal(error.va, w->va + page * w->page_len);
	assert_int_equal(error.os_errno, 0);
	assert_int_equal(phyr_list_len(&w->list), 1);
	assert_int_equal(phyr_list_va(&w->list), 0);
	phyr_list_begin(&w->list, &cursor);
	assert_true(phyr_list_next(&cursor, &run));
	assert_int_equal(run.range.pa.addr, 5);
}

/* Mapped and as if never touched, or not mapped at all. */
static void lose_page(const struct pin_world *w, uint64_t page, bool unmap)
{
	unsigned char *at = w->map + page * w->page_len;
	int err = unmap ? munmap(at, w->page_len) : madvise(at, w->page_len, MADV_DONTNEED);

	assert_int_equal(err, 0);
}

/* Fills the hole, without a page, before anything else is mapped there. */
static void restore_mapping(const struct pin_world *w, uint64_t page)
{
	unsigned char *at = w->map + page * w->page_len;

	assert_ptr_equal(
		mmap(at, w->page_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		at);
}

static void the_first_page_that_is_missing_is_named_and_the_list_unchanged(void **state)
{
	static const uint64_t pages[] = { PAGE_CNT - 2, 2049, 2048, 2047, 1024, 1023, 1, 0 };
	struct phyr_range byte = { { 5 }, 1 };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct pin_world *w = *state;

	pin_world_require_frames(w);
	assert_int_equal(phyr_list_append(&w->list, byte, ram), PHYR_OK);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		lose_page(w, pages[i], i % 2);
		assert_missing(w, pages[i]);
		restore_mapping(w, pages[i]);
	}
}

static void nothing_is_where_no_process_has_memory(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_error error;
	const uint64_t high = UINT64_C(1) << 63, top = UINT64_MAX - w->page_len + 1;

	assert_int_equal(snapshot(high + 1, 1, &w->list, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, high);
	assert_int_equal(snapshot(top + 1, w->page_len - 1, &w->list, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, top);
	assert_int_equal(phyr_list_len(&w->list), 0);
}

static void a_list_never_exceeds_its_longest_length(void **state)
{
	struct phyr_range most = { { 0 }, UINT64_MAX - 3 * PHYR_PAGE_SIZE + 1 };
	struct phyr_tag p2p = { PHYR_KIND_P2P, 0 };
	struct pin_world *w = *state;

	pin_world_require_frames(w);
	assert_int_equal(phyr_list_append(&w->list, most, p2p), PHYR_OK);
	assert_int_equal(snapshot(w->va, 2 * PHYR_PAGE_SIZE + 1, &w->list, NULL), PHYR_E_RANGE);
	assert_int_equal(phyr_list_len(&w->list), most.len);
	assert_int_equal(snapshot(w->va, 2 * PHYR_PAGE_SIZE, &w->list, NULL), PHYR_OK);
}

static void a_borrowed_list_is_left_alone(void **state)
{
	struct pin_world *w = *state;

	pin_world_require_frames(w);
	phyr_list_borrow(&w->list);
	assert_int_equal(snapshot(w->va, 1, &w->list, NULL), PHYR_E_BUSY);
	phyr_list_release(&w->list);
	assert_int_equal(phyr_list_len(&w->list), 0);
	assert_int_equal(phyr_list_va(&w->list), 0);
	assert_int_equal(snapshot(w->va, 1, &w->list, NULL), PHYR_OK);
}

static void every_allocation_may_fail_and_the_list_is_as_before(void **state)
{
	const struct phyr_range byte = { { 5 }, 1 };
	const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct pin_world *w = *state;
	const uint64_t len = PAGE_CNT * w->page_len;
	int err = PHYR_E_NOMEM;

	pin_world_require_frames(w);
	for (w->mem.fail_at = 0; err; w->mem.fail_at++) {
		w->mem.alloc_cnt = 0;
		w->mem.failed = false;
		assert_int_equal(phyr_list_append(&w->list, byte, ram), PHYR_OK);
		err = snapshot(w->va, len, &w->list, NULL);
		assert_int_equal(err, w->mem.failed ? PHYR_E_NOMEM : PHYR_OK);
		assert_int_equal(phyr_list_len(&w->list), err ? 1 : 1 + len);
		assert_true(phyr_list_validate(&w->list, NULL));
		phyr_list_fini(&w->list);
		assert_int_equal(w->mem.live_cnt, 0);
	}
	assert_true(w->mem.fail_at > 1); /* the scattered pages did not fit the head */
}

/* The error of a pin by a user without privileges, who may or may not open the page map. */
static int pin_as_nobody(struct pin_world *w, int dumpable, struct phyr_pin_error *ret_error)
{
	bool drop = geteuid() == 0;
	int err;

	if (drop && seteuid(NOBODY))
		return PHYR_E_UNSUPPORTED;
	if (drop && prctl(PR_SET_DUMPABLE, dumpable))
		abort();
	err = snapshot(w->va, PAGE_CNT * w->page_len, &w->list, ret_error);
	if (drop && (seteuid(0) || prctl(PR_SET_DUMPABLE, 1)))
		abort();
	return err;
}

static void hidden_frame_numbers_are_told_as_such(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_error error = { 7, 7, "untouched" };
	int err = pin_as_nobody(w, 1, &error);

	if (err == PHYR_E_UNSUPPORTED) {
		print_message("skipped: this root cannot become another user\n");
		skip();
	}
	assert_int_equal(err, PHYR_E_PERM);
	assert_int_equal(error.os_errno, 0);
	assert_int_equal(phyr_list_len(&w->list), 0);
	assert_int_equal(phyr_list_va(&w->list), 0);
}

static void a_page_map_that_may_not_be_opened_is_a_matter_of_permission(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_error error = { 7, 7, "untouched" };
	/* Who is not dumpable has files in /proc that belong to root. */
	int err = geteuid() == 0 ? pin_as_nobody(w, 0, &error) : PHYR_E_UNSUPPORTED;

	if (err == PHYR_E_UNSUPPORTED) {
		print_message("skipped: only root can give up the right to open its page map\n");
		skip();
	}
	assert_int_equal(err, PHYR_E_PERM);
	assert_int_equal(error.os_errno, EACCES);
	assert_int_equal(phyr_list_len(&w->list), 0);
}

static void a_page_map_that_cannot_be_opened_is_named_by_its_errno(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_error error = { 7, 7, "untouched" };
	struct rlimit before, none;
	int err;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = snapshot(w->va, 1, &w->list, &error);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(err, PHYR_E_IO);
	assert_int_equal(error.os_errno, EMFILE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pin_world_start, pin_world_stop)
#else
static void other_platforms_tell_nobody(void **state)
{
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(snapshot((uint64_t)(uintptr_t)&list, 1, &list, NULL), PHYR_E_UNSUPPORTED);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_range_is_refused_on_every_platform),
		cmocka_unit_test(what_holds_pages_needs_somewhere_to_be_kept),
#if defined(__linux__)
		CASE(every_page_is_where_the_page_map_says),
		CASE(offset_and_length_are_kept_to_the_byte),
		CASE(a_list_that_is_not_empty_grows_and_keeps_its_va),
		CASE(the_first_page_that_is_missing_is_named_and_the_list_unchanged),
		CASE(nothing_is_where_no_process_has_memory),
		CASE(a_list_never_exceeds_its_longest_length),
		CASE(a_borrowed_list_is_left_alone),
		CASE(every_allocation_may_fail_and_the_list_is_as_before),
		CASE(hidden_frame_numbers_are_told_as_such),
		CASE(a_page_map_that_may_not_be_opened_is_a_matter_of_permission),
		CASE(a_page_map_that_cannot_be_opened_is_named_by_its_errno),
#else
		cmocka_unit_test(other_platforms_tell_nobody),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
