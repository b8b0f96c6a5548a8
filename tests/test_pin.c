/* SPDX-License-Identifier: MIT */
/*
 * Real memory as a list, against a direct read of the page map that shares no code with the
 * library. Where frame numbers are hidden, that is what is asserted; what needs them is skipped.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <phyr/pin.h>

#include "test.h"

static void a_wrong_call_is_refused_on_every_platform(void **state)
{
	struct phyr_pin_error error = { 7, 7 };
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_pin_self(4096, 0, &list, &error), PHYR_E_INVAL);
	assert_int_equal(phyr_pin_self(4096, 1, NULL, &error), PHYR_E_INVAL);
	assert_int_equal(phyr_pin_self(UINT64_MAX, 2, &list, &error), PHYR_E_RANGE);
	assert_int_equal(phyr_pin_self(2, UINT64_MAX, &list, &error), PHYR_E_RANGE);
	assert_int_equal(phyr_list_len(&list), 0);
	assert_int_equal(error.va, 7);
	assert_int_equal(error.os_errno, 7);
}

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Pages of the mapping: more than are looked up in one read, and no multiple of it. */
#define PAGE_CNT 2500
#define FRAME_MASK ((UINT64_C(1) << 55) - 1)
/* A user who owns nothing here. */
#define NOBODY 65534

/* A mapping whose pages are all there, and a list. */
struct fixture {
	struct test_mem mem;
	struct phyr_list list;
	unsigned char *map;
	uint64_t va; /* of the mapping */
	uint64_t page_len;
	uint64_t frames[PAGE_CNT];
	uint64_t frames_after[PAGE_CNT];
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_mem_init(&f->mem);
	phyr_list_init(&f->list, &f->mem.mem);
	f->page_len = (uint64_t)sysconf(_SC_PAGESIZE);
	f->map = mmap(NULL, PAGE_CNT * f->page_len, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->map, MAP_FAILED);
	f->va = (uint64_t)(uintptr_t)f->map;
	(void)madvise(f->map, PAGE_CNT * f->page_len, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < PAGE_CNT; i++) /* out of order, so that frames make many runs */
		f->map[i * 7 % PAGE_CNT * f->page_len] = 1;
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;

	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
	assert_int_equal(munmap(f->map, PAGE_CNT * f->page_len), 0);
	free(f);
	return 0;
}

static void read_frames(const struct fixture *f, uint64_t *frames)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	assert_true(fd >= 0);
	for (uint64_t i = 0; i < PAGE_CNT; i++) {
		off_t at = (off_t)((f->va / f->page_len + i) * 8);

		assert_int_equal(pread(fd, &frames[i], 8, at), 8);
		frames[i] &= FRAME_MASK;
	}
	assert_int_equal(close(fd), 0);
}

static bool frames_visible(struct fixture *f)
{
	read_frames(f, f->frames);
	return f->frames[0] != 0;
}

static void require_frames(struct fixture *f)
{
	if (frames_visible(f))
		return;
	print_message("skipped: frame numbers are hidden from this process\n");
	skip();
}

/* Every page of the range, looked up on its own, is where the page map says. */
static void assert_frames(const struct fixture *f, uint64_t offset, uint64_t len)
{
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	assert_true(phyr_list_validate(&f->list, NULL));
	assert_int_equal(phyr_list_len(&f->list), len);
	assert_int_equal(phyr_list_va(&f->list), f->va + offset);
	for (uint64_t at = offset; at < offset + len; at += f->page_len - at % f->page_len) {
		uint64_t pa = f->frames[at / f->page_len] * f->page_len + at % f->page_len;

		assert_int_equal(phyr_list_seek(&f->list, at - offset, &cursor), PHYR_OK);
		assert_true(phyr_list_next(&cursor, &run));
		assert_int_equal(run.range.pa.addr + (at - offset - run.offset), pa);
		assert_int_equal(run.tag.kind, PHYR_KIND_SYSTEM);
		assert_int_equal(run.tag.provider, 0);
	}
}

/* Pins with the same frames before and after, because the system may move pages meanwhile. */
static void pin_unmoved(struct fixture *f, uint64_t offset, uint64_t len)
{
	do {
		phyr_list_fini(&f->list);
		read_frames(f, f->frames);
		assert_int_equal(phyr_pin_self(f->va + offset, len, &f->list, NULL), PHYR_OK);
		read_frames(f, f->frames_after);
	} while (memcmp(f->frames, f->frames_after, sizeof(f->frames)) != 0);
}

static void every_page_is_where_the_page_map_says(void **state)
{
	struct fixture *f = *state;

	require_frames(f);
	pin_unmoved(f, 0, PAGE_CNT * f->page_len);
	assert_frames(f, 0, PAGE_CNT * f->page_len);
}

static void offset_and_length_are_kept_to_the_byte(void **state)
{
	struct fixture *f = *state;
	const uint64_t page = f->page_len;
	const uint64_t cases[][2] = { { 0, 1 },
				      { 1, 1 },
				      { page - 1, 1 },
				      { page - 1, 2 },
				      { 100, page },
				      { 1, 2 * page - 1 },
				      { page, page },
				      { 3 * page + 5, 1500 * page },
				      { 1024 * page - 1, 1024 * page + 2 } };

	require_frames(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pin_unmoved(f, cases[i][0], cases[i][1]);
		assert_frames(f, cases[i][0], cases[i][1]);
	}
}

static void a_list_that_is_not_empty_grows_and_keeps_its_va(void **state)
{
	struct fixture *f = *state;
	const uint64_t cut = 1000 * f->page_len + 77, len = PAGE_CNT * f->page_len;

	require_frames(f);
	do {
		pin_unmoved(f, 0, cut);
		assert_int_equal(phyr_pin_self(f->va + cut, len - cut, &f->list, NULL), PHYR_OK);
		read_frames(f, f->frames_after);
	} while (memcmp(f->frames, f->frames_after, sizeof(f->frames)) != 0);
	assert_frames(f, 0, len);
}

/* Pins around a page that is not there; the list has one byte before. */
static void assert_missing(struct fixture *f, uint64_t page)
{
	struct phyr_pin_error error = { 0, 7 };
	struct phyr_run run;
	struct phyr_list_cursor cursor;
	uint64_t first = page ? 9 : 0;

	assert_int_equal(
		phyr_pin_self(f->va + first, (PAGE_CNT - 1) * f->page_len, &f->list, &error),
		PHYR_E_NOENT);
	assert_int_equal(error.va, f->va + page * f->page_len);
	assert_int_equal(error.os_errno, 0);
	assert_int_equal(phyr_list_len(&f->list), 1);
	assert_int_equal(phyr_list_va(&f->list), 0);
	phyr_list_begin(&f->list, &cursor);
	assert_true(phyr_list_next(&cursor, &run));
	assert_int_equal(run.range.pa.addr, 5);
}

/* Mapped and as if never touched, or not mapped at all. */
static void lose_page(const struct fixture *f, uint64_t page, bool unmap)
{
	unsigned char *at = f->map + page * f->page_len;
	int err = unmap ? munmap(at, f->page_len) : madvise(at, f->page_len, MADV_DONTNEED);

	assert_int_equal(err, 0);
}

/* Fills the hole, without a page, before anything else is mapped there. */
static void restore_mapping(const struct fixture *f, uint64_t page)
{
	unsigned char *at = f->map + page * f->page_len;

	assert_ptr_equal(
		mmap(at, f->page_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		at);
}

static void the_first_page_that_is_missing_is_named_and_the_list_unchanged(void **state)
{
	static const uint64_t pages[] = { PAGE_CNT - 2, 2049, 2048, 2047, 1024, 1023, 1, 0 };
	struct phyr_range byte = { { 5 }, 1 };
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct fixture *f = *state;

	require_frames(f);
	assert_int_equal(phyr_list_append(&f->list, byte, ram), PHYR_OK);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		lose_page(f, pages[i], i % 2);
		assert_missing(f, pages[i]);
		restore_mapping(f, pages[i]);
	}
}

static void nothing_is_where_no_process_has_memory(void **state)
{
	struct fixture *f = *state;
	struct phyr_pin_error error;
	const uint64_t high = UINT64_C(1) << 63, top = UINT64_MAX - f->page_len + 1;

	assert_int_equal(phyr_pin_self(high + 1, 1, &f->list, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, high);
	assert_int_equal(phyr_pin_self(top + 1, f->page_len - 1, &f->list, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, top);
	assert_int_equal(phyr_list_len(&f->list), 0);
}

static void a_list_never_exceeds_its_longest_length(void **state)
{
	struct phyr_range most = { { 0 }, UINT64_MAX - 3 * PHYR_PAGE_SIZE + 1 };
	struct phyr_tag p2p = { PHYR_KIND_P2P, 0 };
	struct fixture *f = *state;

	require_frames(f);
	assert_int_equal(phyr_list_append(&f->list, most, p2p), PHYR_OK);
	assert_int_equal(phyr_pin_self(f->va, 2 * PHYR_PAGE_SIZE + 1, &f->list, NULL),
			 PHYR_E_RANGE);
	assert_int_equal(phyr_list_len(&f->list), most.len);
	assert_int_equal(phyr_pin_self(f->va, 2 * PHYR_PAGE_SIZE, &f->list, NULL), PHYR_OK);
}

static void a_borrowed_list_is_left_alone(void **state)
{
	struct fixture *f = *state;

	require_frames(f);
	phyr_list_borrow(&f->list);
	assert_int_equal(phyr_pin_self(f->va, 1, &f->list, NULL), PHYR_E_BUSY);
	phyr_list_release(&f->list);
	assert_int_equal(phyr_list_len(&f->list), 0);
	assert_int_equal(phyr_list_va(&f->list), 0);
	assert_int_equal(phyr_pin_self(f->va, 1, &f->list, NULL), PHYR_OK);
}

static void every_allocation_may_fail(void **state)
{
	struct fixture *f = *state;
	const uint64_t len = PAGE_CNT * f->page_len;
	int err = PHYR_E_NOMEM;

	require_frames(f);
	for (f->mem.fail_at = 0; err; f->mem.fail_at++) {
		f->mem.alloc_cnt = 0;
		f->mem.failed = false;
		err = phyr_pin_self(f->va, len, &f->list, NULL);
		assert_int_equal(err, f->mem.failed ? PHYR_E_NOMEM : PHYR_OK);
		assert_true(phyr_list_validate(&f->list, NULL));
		phyr_list_fini(&f->list);
		assert_int_equal(f->mem.live_cnt, 0);
	}
	assert_true(f->mem.fail_at > 1); /* the scattered pages did not fit the head */
}

/* The error of a pin by a user without privileges, who may or may not open the page map. */
static int pin_as_nobody(struct fixture *f, int dumpable, struct phyr_pin_error *ret_error)
{
	bool drop = geteuid() == 0;
	int err;

	if (drop && seteuid(NOBODY))
		return PHYR_E_UNSUPPORTED;
	if (drop && prctl(PR_SET_DUMPABLE, dumpable))
		abort();
	err = phyr_pin_self(f->va, PAGE_CNT * f->page_len, &f->list, ret_error);
	if (drop && (seteuid(0) || prctl(PR_SET_DUMPABLE, 1)))
		abort();
	return err;
}

static void hidden_frame_numbers_are_told_as_such(void **state)
{
	struct fixture *f = *state;
	struct phyr_pin_error error = { 7, 7 };
	int err = pin_as_nobody(f, 1, &error);

	if (err == PHYR_E_UNSUPPORTED) {
		print_message("skipped: this root cannot become another user\n");
		skip();
	}
	assert_int_equal(err, PHYR_E_PERM);
	assert_int_equal(error.os_errno, 0);
	assert_int_equal(phyr_list_len(&f->list), 0);
	assert_int_equal(phyr_list_va(&f->list), 0);
}

static void a_page_map_that_may_not_be_opened_is_a_matter_of_permission(void **state)
{
	struct fixture *f = *state;
	struct phyr_pin_error error = { 7, 7 };
	/* Who is not dumpable has files in /proc that belong to root. */
	int err = geteuid() == 0 ? pin_as_nobody(f, 0, &error) : PHYR_E_UNSUPPORTED;

	if (err == PHYR_E_UNSUPPORTED) {
		print_message("skipped: only root can give up the right to open its page map\n");
		skip();
	}
	assert_int_equal(err, PHYR_E_PERM);
	assert_int_equal(error.os_errno, EACCES);
	assert_int_equal(phyr_list_len(&f->list), 0);
}

static void a_page_map_that_cannot_be_opened_is_named_by_its_errno(void **state)
{
	struct fixture *f = *state;
	struct phyr_pin_error error = { 7, 7 };
	struct rlimit before, none;
	int err;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = phyr_pin_self(f->va, 1, &f->list, &error);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(err, PHYR_E_IO);
	assert_int_equal(error.os_errno, EMFILE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
#else
static void other_platforms_tell_nobody(void **state)
{
	struct phyr_list list;

	(void)state;
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_pin_self((uint64_t)(uintptr_t)&list, 1, &list, NULL),
			 PHYR_E_UNSUPPORTED);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_call_is_refused_on_every_platform),
#if defined(__linux__)
		CASE(every_page_is_where_the_page_map_says),
		CASE(offset_and_length_are_kept_to_the_byte),
		CASE(a_list_that_is_not_empty_grows_and_keeps_its_va),
		CASE(the_first_page_that_is_missing_is_named_and_the_list_unchanged),
		CASE(nothing_is_where_no_process_has_memory),
		CASE(a_list_never_exceeds_its_longest_length),
		CASE(a_borrowed_list_is_left_alone),
		CASE(every_allocation_may_fail),
		CASE(hidden_frame_numbers_are_told_as_such),
		CASE(a_page_map_that_may_not_be_opened_is_a_matter_of_permission),
		CASE(a_page_map_that_cannot_be_opened_is_named_by_its_errno),
#else
		cmocka_unit_test(other_platforms_tell_nobody),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
