/* SPDX-License-Identifier: MIT */
/*
 * What holds the pages: locks and pins as the system itself accounts for them, what it refuses, and
 * other processes. What the machine does not offer, or not to this user, is skipped with a reason.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <phyr/pin.h>

#include "test.h"

#if defined(__linux__)
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pin_world.h"

#define LEN (PAGE_CNT * w->page_len)

/* [bytes] that the system counts for us: "VmLck:" or "VmPin:". */
static uint64_t held_len(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtoul(line + strlen(key), NULL, 10);
	assert_int_equal(fclose(file), 0);
	return (uint64_t)kib << 10;
}

static int hold(struct pin_world *w, enum phyr_pin_state state, struct phyr_pin **ret_pin,
		struct phyr_pin_error *ret_error)
{
	struct phyr_pin_params params = { &w->mem.mem, w->va, LEN, 0, state };

	return phyr_pin(&params, &w->list, ret_pin, NULL, ret_error);
}

static void require(bool offered, const char *what)
{
	if (offered)
		return;
	print_message("skipped: %s\n", what);
	skip();
}

static void require_rings(void)
{
	static struct pin_world w;
	struct phyr_pin_error error = { 0, 0, "" };
	struct phyr_pin *pin = NULL;
	char byte;
	struct phyr_pin_params params = { .len = 1, .state = PHYR_PIN_PINNED };
	int err;

	test_mem_init(&w.mem);
	params.mem = &w.mem.mem;
	params.va = (uint64_t)(uintptr_t)&byte;
	phyr_list_init(&w.list, NULL);
	err = phyr_pin(&params, &w.list, &pin, NULL, &error);
	phyr_pin_release(pin);
	require(!err || strcmp(error.step, "io_uring_setup") != 0,
		"the system does not offer io_uring to this process");
}

/* Whatever is missing, and whoever had it, is back afterwards. */
static void assert_held(struct pin_world *w, enum phyr_pin_state state, const char *key)
{
	struct phyr_pin_params params = { &w->mem.mem, w->va + 1, LEN - 2, 0, state };
	uint64_t before = held_len(key);
	struct phyr_pin_result result;
	struct phyr_pin *pin = NULL;

	assert_int_equal(madvise(w->map + w->page_len, w->page_len, MADV_DONTNEED), 0);
	assert_int_equal(phyr_pin(&params, &w->list, &pin, &result, NULL), PHYR_OK);
	assert_int_equal(result.state, state);
	assert_int_equal(result.page_cnt, PAGE_CNT);
	assert_int_equal(held_len(key), before + LEN);
	pin_world_read(w, w->frames);
	if (result.moved_cnt == 0)
		pin_world_assert(w, 1, LEN - 2);
	phyr_pin_release(pin);
	assert_int_equal(held_len(key), before);
}

static void a_snapshot_says_that_it_is_one_and_holds_nothing(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_params params = { .va = w->va + 1, .len = w->page_len };
	struct phyr_pin_result result = { PHYR_PIN_PINNED, 7, 7, 7 };
	struct phyr_pin *pin = (struct phyr_pin *)&result;

	pin_world_require_frames(w);
	assert_int_equal(phyr_pin(&params, &w->list, &pin, &result, NULL), PHYR_OK);
	assert_null(pin);
	assert_int_equal(result.state, PHYR_PIN_SNAPSHOT);
	assert_int_equal(result.page_cnt, 2);
	assert_true(result.moved_cnt <= 2);
}

static void locked_pages_are_brought_in_and_locked_until_released(void **state)
{
	pin_world_require_frames(*state);
	assert_held(*state, PHYR_PIN_LOCKED, "VmLck:");
}

static void pinned_pages_are_brought_in_and_pinned_until_released(void **state)
{
	pin_world_require_frames(*state);
	require_rings();
	assert_held(*state, PHYR_PIN_PINNED, "VmPin:");
}

static void pinned_pages_stay_where_they_were_read(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin *pin = NULL;

	pin_world_require_frames(w);
	require_rings();
	assert_int_equal(hold(w, PHYR_PIN_PINNED, &pin, NULL), PHYR_OK);
	pin_world_read(w, w->frames);
	/* What moves or swaps out anything else. */
	(void)madvise(w->map, LEN, MADV_PAGEOUT);
	pin_world_read(w, w->frames_after);
	assert_memory_equal(w->frames, w->frames_after, sizeof(w->frames));
	pin_world_assert(w, 0, LEN);
	phyr_pin_release(pin);
}

/* A hook that takes the first page away, which has been read by then. */
static void *alloc_and_lose(void *ctx, size_t size)
{
	struct pin_world *w = ctx;

	assert_int_equal(madvise(w->map, w->page_len, MADV_DONTNEED), 0);
	return test_mem_alloc(&w->mem, size);
}

static void free_only(void *ctx, void *ptr, size_t size)
{
	struct pin_world *w = ctx;

	test_mem_free(&w->mem, ptr, size);
}

static void a_page_lost_between_the_readings_is_reported(void **state)
{
	struct pin_world *w = *state;
	const struct phyr_mem mem = { alloc_and_lose, free_only, w };
	struct phyr_pin_params params = { .va = w->va + 9, .len = LEN - 9 };
	struct phyr_pin_result result;
	struct phyr_list list;

	pin_world_require_frames(w);
	phyr_list_init(&list, &mem);
	assert_int_equal(phyr_pin(&params, &list, NULL, &result, NULL), PHYR_OK);
	assert_true(result.moved_cnt >= 1);
	assert_int_equal(result.moved_va, w->va);
	assert_int_equal(phyr_list_len(&list), LEN - 9);
	phyr_list_fini(&list);
}

/* Nothing is held, the list is empty, and the page is named. */
static void assert_missing(struct pin_world *w, enum phyr_pin_state state, uint64_t page)
{
	struct phyr_pin_error error = { 0, 0, "" };
	struct phyr_pin *pin = NULL;
	uint64_t before = held_len("VmLck:") + held_len("VmPin:");

	assert_int_equal(hold(w, state, &pin, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, w->va + page * w->page_len);
	assert_null(pin);
	assert_int_equal(phyr_list_len(&w->list), 0);
	phyr_list_fini(&w->list);
	assert_int_equal(w->mem.live_cnt, 0);
	assert_int_equal(held_len("VmLck:") + held_len("VmPin:"), before);
}

static void a_hole_is_named_whatever_was_to_be_done(void **state)
{
	static const uint64_t pages[] = { PAGE_CNT - 1, 1025, 1024, 1023, 0 };
	struct pin_world *w = *state;

	require_rings();
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		assert_int_equal(munmap(w->map + pages[i] * w->page_len, w->page_len), 0);
		assert_missing(w, PHYR_PIN_PINNED, pages[i]);
		assert_missing(w, PHYR_PIN_LOCKED, pages[i]);
	}
}

static void where_no_process_has_memory_there_is_nothing_to_hold(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_params params = { &w->mem.mem, UINT64_MAX - 5000, 5001, 0,
					  PHYR_PIN_LOCKED };
	struct phyr_pin_error error = { 0, 0, "" };
	struct phyr_pin *pin = NULL;

	assert_int_equal(phyr_pin(&params, &w->list, &pin, NULL, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, (UINT64_MAX - 5000) & ~(w->page_len - 1));
	params.va = UINT64_C(1) << 63;
	assert_int_equal(phyr_pin(&params, &w->list, &pin, NULL, &error), PHYR_E_NOENT);
	assert_int_equal(error.va, params.va);
	assert_int_equal(w->mem.live_cnt, 0);
}

static void a_page_that_cannot_be_brought_in_is_named_when_locking(void **state)
{
	struct pin_world *w = *state;
	unsigned char *at = w->map + 1500 * w->page_len;

	pin_world_require_frames(w);
	assert_int_equal(madvise(at, w->page_len, MADV_DONTNEED), 0);
	assert_int_equal(mprotect(at, w->page_len, PROT_NONE), 0);
	assert_missing(w, PHYR_PIN_LOCKED, 1500);
}

static void memory_that_may_not_be_written_is_not_pinned(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_error error = { 0, 0, "" };
	struct phyr_pin *pin = NULL;

	require_rings();
	assert_int_equal(mprotect(w->map + 7 * w->page_len, w->page_len, PROT_READ), 0);
	assert_int_equal(hold(w, PHYR_PIN_PINNED, &pin, &error), PHYR_E_PERM);
	assert_int_equal(error.os_errno, EFAULT);
	assert_string_equal(error.step, "io_uring_register");
	assert_null(pin);
	assert_int_equal(w->mem.live_cnt, 0);
}

/* Runs a hold as somebody without privileges who may lock so much. */
static int hold_limited(struct pin_world *w, enum phyr_pin_state state, rlim_t limit,
			struct phyr_pin_error *ret_error)
{
	struct rlimit before, limited;
	struct phyr_pin *pin = NULL;
	bool drop = geteuid() == 0;
	int err;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	limited = before;
	limited.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limited), 0);
	require(!drop || seteuid(NOBODY) == 0, "this root cannot become another user");
	err = hold(w, state, &pin, ret_error);
	if (drop && seteuid(0))
		abort();
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	assert_null(pin);
	assert_int_equal(w->mem.live_cnt, 0);
	return err;
}

static void what_exceeds_the_limit_is_refused_as_such(void **state)
{
	struct phyr_pin_error error = { 0, 0, "" };

	assert_int_equal(hold_limited(*state, PHYR_PIN_LOCKED, 65536, &error), PHYR_E_LIMIT);
	assert_string_equal(error.step, "mlock2");
	assert_int_equal(error.os_errno, ENOMEM);
	assert_int_equal(held_len("VmLck:"), 0);
	require_rings();
	assert_int_equal(hold_limited(*state, PHYR_PIN_PINNED, 65536, &error), PHYR_E_LIMIT);
	assert_string_equal(error.step, "io_uring_register");
	assert_int_equal(error.os_errno, ENOMEM);
}

static void who_may_lock_nothing_lacks_permission(void **state)
{
	struct phyr_pin_error error = { 0, 0, "" };

	assert_int_equal(hold_limited(*state, PHYR_PIN_LOCKED, 0, &error), PHYR_E_PERM);
	assert_string_equal(error.step, "mlock2");
	assert_int_equal(error.os_errno, EPERM);
}

/* From here on, a system call answers an errno. */
static bool forbid(unsigned int call, unsigned int os_errno)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | os_errno),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* In a child, because nobody takes a filter back. */
static void assert_forbidden(struct pin_world *w, unsigned int os_errno, int expected)
{
	struct phyr_pin_error error = { 0, 0, "" };
	struct phyr_pin *pin = NULL;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (!forbid(SYS_io_uring_setup, os_errno))
			_exit(77);
		_exit(hold(w, PHYR_PIN_PINNED, &pin, &error) != expected ||
		      (unsigned int)error.os_errno != os_errno || pin || w->mem.live_cnt > 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	require(WEXITSTATUS(status) != 77, "no seccomp filters here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void without_rings_there_are_no_pins_and_never_something_weaker(void **state)
{
	assert_forbidden(*state, ENOSYS, PHYR_E_UNSUPPORTED);
	assert_forbidden(*state, EPERM, PHYR_E_PERM);
	assert_forbidden(*state, EMFILE, PHYR_E_IO);
}

static void every_allocation_may_fail_and_nothing_stays_held(void **state)
{
	struct pin_world *w = *state;

	pin_world_require_frames(w);
	require_rings();
	for (int held = PHYR_PIN_LOCKED; held <= PHYR_PIN_PINNED; held++) {
		struct phyr_pin *pin = NULL;
		int err = PHYR_E_NOMEM;

		for (size_t at = 0; err; at++) {
			test_mem_init(&w->mem);
			w->mem.fail_at = at;
			err = hold(w, (enum phyr_pin_state)held, &pin, NULL);
			assert_int_equal(err, w->mem.failed ? PHYR_E_NOMEM : PHYR_OK);
			assert_int_equal(phyr_list_len(&w->list), err ? 0 : LEN);
			assert_int_equal(!pin, !!err);
			if (err)
				assert_int_equal(held_len("VmLck:") + held_len("VmPin:"), 0);
			phyr_pin_release(pin);
			phyr_list_fini(&w->list);
			assert_int_equal(w->mem.live_cnt, 0);
		}
	}
}

/* A child with pages of its own at the same addresses, which waits until it is killed. */
static void start_child(struct pin_world *w)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		pin_world_touch(w);
		if (write(ready[1], "", 1) == 1)
			for (;;)
				(void)pause();
		_exit(1);
	}
	w->pid = (unsigned int)child;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(close(ready[0]), 0);
	assert_int_equal(close(ready[1]), 0);
}

static void stop_child(const struct pin_world *w)
{
	assert_int_equal(kill((pid_t)w->pid, SIGKILL), 0);
	assert_int_equal(waitpid((pid_t)w->pid, NULL, 0), (pid_t)w->pid);
}

static void of_another_process_a_snapshot_can_be_taken(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_params params = { .va = w->va, .len = LEN };
	struct phyr_pin_result result;

	pin_world_require_frames(w);
	start_child(w);
	params.pid = w->pid;
	do {
		phyr_list_fini(&w->list);
		pin_world_read(w, w->frames);
		assert_int_equal(phyr_pin(&params, &w->list, NULL, &result, NULL), PHYR_OK);
		pin_world_read(w, w->frames_after);
	} while (memcmp(w->frames, w->frames_after, sizeof(w->frames)) != 0);
	stop_child(w);
	pin_world_assert(w, 0, LEN);
	assert_int_equal(result.page_cnt, PAGE_CNT);
	w->pid = 0;
	pin_world_read(w, w->frames_after);
	assert_memory_not_equal(w->frames, w->frames_after, sizeof(w->frames));
}

static void another_process_is_not_held_and_may_be_gone(void **state)
{
	struct pin_world *w = *state;
	struct phyr_pin_params params = { &w->mem.mem, w->va, LEN, 0, PHYR_PIN_LOCKED };
	struct phyr_pin_error error = { 0, 0, "" };
	struct phyr_pin *pin = NULL;

	start_child(w);
	params.pid = w->pid;
	assert_int_equal(phyr_pin(&params, &w->list, &pin, NULL, &error), PHYR_E_UNSUPPORTED);
	assert_string_equal(error.step, "holding another process's memory");
	assert_null(pin);
	stop_child(w);
	params.state = PHYR_PIN_SNAPSHOT;
	assert_int_equal(phyr_pin(&params, &w->list, &pin, NULL, &error), PHYR_E_IO);
	assert_int_equal(error.os_errno, ESRCH);
	assert_int_equal(phyr_list_len(&w->list), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, pin_world_start, pin_world_stop)
#else
static void other_platforms_hold_nothing(void **state)
{
	struct test_mem mem;
	struct phyr_list list;
	struct phyr_pin *pin = NULL;
	struct phyr_pin_params params = { &mem.mem, 4096, 1, 0, PHYR_PIN_PINNED };

	(void)state;
	test_mem_init(&mem);
	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_pin(&params, &list, &pin, NULL, NULL), PHYR_E_UNSUPPORTED);
	assert_null(pin);
}
#define CASE(name) cmocka_unit_test(name)
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__linux__)
		CASE(a_snapshot_says_that_it_is_one_and_holds_nothing),
		CASE(locked_pages_are_brought_in_and_locked_until_released),
		CASE(pinned_pages_are_brought_in_and_pinned_until_released),
		CASE(pinned_pages_stay_where_they_were_read),
		CASE(a_page_lost_between_the_readings_is_reported),
		CASE(a_hole_is_named_whatever_was_to_be_done),
		CASE(where_no_process_has_memory_there_is_nothing_to_hold),
		CASE(a_page_that_cannot_be_brought_in_is_named_when_locking),
		CASE(memory_that_may_not_be_written_is_not_pinned),
		CASE(what_exceeds_the_limit_is_refused_as_such),
		CASE(who_may_lock_nothing_lacks_permission),
		CASE(without_rings_there_are_no_pins_and_never_something_weaker),
		CASE(every_allocation_may_fail_and_nothing_stays_held),
		CASE(of_another_process_a_snapshot_can_be_taken),
		CASE(another_process_is_not_held_and_may_be_gone),
#else
		CASE(other_platforms_hold_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
