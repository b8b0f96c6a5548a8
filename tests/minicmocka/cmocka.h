/* SPDX-License-Identifier: MIT */
/*
 * As much of CMocka as the tests of the core use, for hosts that CMocka is not packaged for.
 *
 * Same names, same meanings, same lines of output; tests/cross puts it where CMocka's own header
 * would be found. A failed assertion leaves its case by longjmp(). State is static: one file that
 * includes this a program. Not here: mocks, wrapped allocators, signals (a crash ends the program).
 */
#ifndef MINICMOCKA_H
#define MINICMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef void CMUnitTestFunction(void **state);
typedef int CMFixtureFunction(void **state);

struct CMUnitTest {
	const char *name;
	CMUnitTestFunction *test_func;
	CMFixtureFunction *setup_func;
	CMFixtureFunction *teardown_func;
	void *initial_state;
};

/* How a case leaves itself early. */
enum minicmocka_end { MINICMOCKA_FAILED = 1, MINICMOCKA_SKIPPED = 2 };

static jmp_buf minicmocka_case;

#define cmocka_unit_test(f) cmocka_unit_test_setup_teardown(f, NULL, NULL)
#define cmocka_unit_test_setup(f, setup) cmocka_unit_test_setup_teardown(f, setup, NULL)
#define cmocka_unit_test_teardown(f, teardown) cmocka_unit_test_setup_teardown(f, NULL, teardown)
#define cmocka_unit_test_setup_teardown(f, setup, teardown) \
	{                                                   \
#f, f, setup, teardown, NULL                \
	}
#define cmocka_unit_test_prestate(f, state) \
	{                                   \
#f, f, NULL, NULL, state    \
	}
#define cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, state) \
	{                                                                   \
#f, f, setup, teardown, state                               \
	}
#define cmocka_run_group_tests(tests, setup, teardown) \
	minicmocka_run(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

#define print_message(...) ((void)printf(__VA_ARGS__))
#define print_error(...) ((void)printf(__VA_ARGS__))

#define skip() longjmp(minicmocka_case, MINICMOCKA_SKIPPED)
#define fail() minicmocka_fail(__FILE__, __LINE__)
#define fail_msg(...) (print_error(__VA_ARGS__), print_error("\n"), fail())

#define MINICMOCKA_HOLDS(holds, what) \
	((holds) ? (void)0 : (print_error("does not hold: %s\n", what), fail()))
#define assert_true(c) MINICMOCKA_HOLDS(c, #c)
#define assert_false(c) MINICMOCKA_HOLDS(!(c), "!(" #c ")")
#define assert_null(p) MINICMOCKA_HOLDS(!(p), #p " is NULL")
#define assert_non_null(p) MINICMOCKA_HOLDS(p, #p " is not NULL")
#define assert_ptr_equal(a, b) \
	MINICMOCKA_HOLDS((const void *)(a) == (const void *)(b), #a " == " #b)
#define assert_ptr_not_equal(a, b) \
	MINICMOCKA_HOLDS((const void *)(a) != (const void *)(b), #a " != " #b)
#define assert_string_equal(a, b) MINICMOCKA_HOLDS(strcmp(a, b) == 0, #a " equals " #b)
#define assert_string_not_equal(a, b) MINICMOCKA_HOLDS(strcmp(a, b) != 0, #a " differs from " #b)
#define assert_memory_equal(a, b, len) MINICMOCKA_HOLDS(memcmp(a, b, len) == 0, #a " equals " #b)
#define assert_memory_not_equal(a, b, len) \
	MINICMOCKA_HOLDS(memcmp(a, b, len) != 0, #a " differs from " #b)
#define assert_int_equal(a, b) \
	minicmocka_equal((uintmax_t)(a), (uintmax_t)(b), 1, #a " == " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) \
	minicmocka_equal((uintmax_t)(a), (uintmax_t)(b), 0, #a " != " #b, __FILE__, __LINE__)
#define assert_in_range(x, first, last)                                  \
	MINICMOCKA_HOLDS((uintmax_t)(x) - (uintmax_t)(first) <=          \
				 (uintmax_t)(last) - (uintmax_t)(first), \
			 #x " in " #first " … " #last)

_Noreturn static inline void minicmocka_fail(const char *file, int line)
{
	print_error("%s:%d: error: Failure!\n", file, line);
	longjmp(minicmocka_case, MINICMOCKA_FAILED);
}

static inline void minicmocka_equal(uintmax_t a, uintmax_t b, int equal, const char *what,
				    const char *file, int line)
{
	if ((a == b) == equal)
		return;
	print_error("does not hold: %s: 0x%jx and 0x%jx\n", what, a, b);
	minicmocka_fail(file, line);
}

/* Calls a function, if there is one, as part of a case. Answers how it ended, 0 for well. */
static inline int minicmocka_fixture(CMFixtureFunction *fixture, void **state)
{
	int end = setjmp(minicmocka_case);

	if (end == 0 && fixture && fixture(state) != 0)
		return MINICMOCKA_FAILED;
	return end;
}

static inline int minicmocka_body(CMUnitTestFunction *body, void **state)
{
	int end = setjmp(minicmocka_case);

	if (end == 0)
		body(state);
	return end;
}

/* A case that did not get its setup is not run; whatever it left is taken down. */
static inline int minicmocka_one(const struct CMUnitTest *test, void **state)
{
	int end, torn_down;

	(void)printf("[ RUN      ] %s\n", test->name);
	end = minicmocka_fixture(test->setup_func, state);
	if (end == 0) {
		end = minicmocka_body(test->test_func, state);
		torn_down = minicmocka_fixture(test->teardown_func, state);
		end = torn_down ? torn_down : end;
	}
	(void)printf("[  %s ] %s\n",
		     end == 0		       ? "     OK" :
		     end == MINICMOCKA_SKIPPED ? "SKIPPED" :
						 "FAILED ",
		     test->name);
	(void)fflush(stdout);
	return end;
}

/* How many cases failed; a group without its setup fails whole. */
static inline int minicmocka_run(const struct CMUnitTest *tests, size_t test_cnt,
				 CMFixtureFunction *setup, CMFixtureFunction *teardown)
{
	void *group = NULL;
	int failed_cnt = 0;

	if (minicmocka_fixture(setup, &group))
		return (int)test_cnt;
	for (size_t i = 0; i < test_cnt; i++) {
		void *state = tests[i].initial_state ? tests[i].initial_state : group;

		failed_cnt += minicmocka_one(&tests[i], &state) == MINICMOCKA_FAILED;
	}
	return failed_cnt + (minicmocka_fixture(teardown, &group) != 0);
}

#endif
