/* SPDX-License-Identifier: MIT */
/*
 * Status codes, version and the value types of base.h: names and numbers that users write into
 * their own logs and files, so none of them may drift. Not here: arithmetic (test_bits.c).
 */
#include <limits.h>
#include <stdio.h>

#include <phyr/base.h>

#include "test.h"

/* Wide enough to hold every code and the gaps between the groups. */
#define CODE_MIN (-200)
#define CODE_MAX 200

#define SPELL(code) \
	case code:  \
		return #code

/* No default: the compiler refuses a code that is missing here. */
static const char *spelling(enum phyr_err err)
{
	switch (err) {
		SPELL(PHYR_OK);
		SPELL(PHYR_E_INVAL);
		SPELL(PHYR_E_RANGE);
		SPELL(PHYR_E_ALIGN);
		SPELL(PHYR_E_NOMEM);
		SPELL(PHYR_E_NOSPACE);
		SPELL(PHYR_E_LIMIT);
		SPELL(PHYR_E_KIND);
		SPELL(PHYR_E_UNREACHABLE);
		SPELL(PHYR_E_UNSUPPORTED);
		SPELL(PHYR_E_EXISTS);
		SPELL(PHYR_E_NOENT);
		SPELL(PHYR_E_BUSY);
		SPELL(PHYR_E_PARTIAL);
		SPELL(PHYR_E_FORMAT);
		SPELL(PHYR_E_VERSION);
		SPELL(PHYR_E_IO);
		SPELL(PHYR_E_FAULT);
		SPELL(PHYR_E_PERM);
	}
	return NULL;
}

static void every_code_is_named_as_it_is_written_in_c(void **state)
{
	unsigned int named = 0;

	(void)state;
	for (int code = CODE_MIN; code <= CODE_MAX; code++) {
		const char *name = spelling((enum phyr_err)code);

		if (!name)
			continue;
		assert_string_equal(phyr_errname(code), name);
		named++;
	}
	assert_int_equal(named, 19);
}

static void every_code_has_a_sentence_without_full_stop(void **state)
{
	(void)state;
	for (int code = CODE_MIN; code <= CODE_MAX; code++) {
		const char *sentence = phyr_strerror(code);

		if (!spelling((enum phyr_err)code))
			continue;
		assert_non_null(sentence);
		assert_true(strlen(sentence) > 0);
		assert_true(sentence[strlen(sentence) - 1] != '.');
		assert_string_not_equal(sentence, "unknown code");
	}
}

static void no_two_codes_share_a_sentence(void **state)
{
	(void)state;
	for (int a = CODE_MIN; a <= CODE_MAX; a++) {
		for (int b = CODE_MIN; b < a; b++) {
			if (spelling((enum phyr_err)a) && spelling((enum phyr_err)b))
				assert_string_not_equal(phyr_strerror(a), phyr_strerror(b));
		}
	}
}

static void assert_unknown(int code)
{
	assert_string_equal(phyr_errname(code), "PHYR_E_?");
	assert_string_equal(phyr_strerror(code), "unknown code");
}

static void any_other_number_is_an_unknown_code(void **state)
{
	(void)state;
	for (int code = CODE_MIN; code <= CODE_MAX; code++) {
		if (!spelling((enum phyr_err)code))
			assert_unknown(code);
	}
	assert_unknown(INT_MIN);
	assert_unknown(INT_MIN + 1);
	assert_unknown(INT_MAX);
}

static void the_numbers_of_the_codes_are_pinned(void **state)
{
	static const struct {
		int code;
		int number;
	} pinned[] = {
		{ PHYR_OK, 0 },
		{ PHYR_E_INVAL, -1 },
		{ PHYR_E_RANGE, -2 },
		{ PHYR_E_ALIGN, -3 },
		{ PHYR_E_NOMEM, -10 },
		{ PHYR_E_NOSPACE, -11 },
		{ PHYR_E_LIMIT, -12 },
		{ PHYR_E_KIND, -13 },
		{ PHYR_E_UNREACHABLE, -14 },
		{ PHYR_E_UNSUPPORTED, -15 },
		{ PHYR_E_EXISTS, -20 },
		{ PHYR_E_NOENT, -21 },
		{ PHYR_E_BUSY, -22 },
		{ PHYR_E_PARTIAL, -23 },
		{ PHYR_E_FORMAT, -30 },
		{ PHYR_E_VERSION, -31 },
		{ PHYR_E_IO, -40 },
		{ PHYR_E_FAULT, -41 },
		{ PHYR_E_PERM, -42 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pinned) / sizeof(pinned[0]); i++)
		assert_int_equal(pinned[i].code, pinned[i].number);
}

static void kinds_and_permissions_are_pinned(void **state)
{
	(void)state;
	assert_int_equal(PHYR_KIND_SYSTEM, 0);
	assert_int_equal(PHYR_KIND_P2P, 1);
	assert_int_equal(PHYR_KIND_ENCRYPTED, 2);
	assert_int_equal(PHYR_KIND_CNT, 3);
	assert_int_equal(PHYR_PERM_READ | PHYR_PERM_WRITE, PHYR_PERM_READ_WRITE);
	assert_int_equal(PHYR_PERM_READ & PHYR_PERM_WRITE, 0);
	assert_int_equal(PHYR_PAGE_SIZE, UINT64_C(1) << PHYR_PAGE_LG2);
}

static void the_linked_version_is_the_one_of_the_headers(void **state)
{
	char expected[64];

	(void)state;
	(void)snprintf(expected, sizeof(expected), "%d.%d.%d", PHYR_VERSION_MAJOR,
		       PHYR_VERSION_MINOR, PHYR_VERSION_PATCH);
	assert_string_equal(phyr_version(), expected);
}

static void placement_any_asks_for_nothing(void **state)
{
	struct phyr_placement any = phyr_placement_any();

	(void)state;
	assert_int_equal(any.window.first.addr, 0);
	assert_int_equal(any.window.last.addr, UINT64_MAX);
	assert_int_equal(any.phase, 0);
	assert_int_equal(any.phase_lg2, 0);
	assert_int_equal(any.boundary_lg2, 0);
	assert_int_equal(any.fit, PHYR_FIT_TOP_DOWN);
}

static void addresses_keep_all_64_bits(void **state)
{
	(void)state;
	assert_int_equal(phyr_pa_at(0).addr, 0);
	assert_int_equal(phyr_pa_at(UINT64_MAX).addr, UINT64_MAX);
	assert_int_equal(phyr_pa_at(UINT64_C(0x123456789abcdef0)).addr,
			 UINT64_C(0x123456789abcdef0));
	assert_int_equal(phyr_iova_at(0).addr, 0);
	assert_int_equal(phyr_iova_at(UINT64_MAX).addr, UINT64_MAX);
	assert_int_equal(phyr_iova_at(UINT64_C(1) << 63).addr, UINT64_C(1) << 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_is_named_as_it_is_written_in_c),
		cmocka_unit_test(every_code_has_a_sentence_without_full_stop),
		cmocka_unit_test(no_two_codes_share_a_sentence),
		cmocka_unit_test(any_other_number_is_an_unknown_code),
		cmocka_unit_test(the_numbers_of_the_codes_are_pinned),
		cmocka_unit_test(kinds_and_permissions_are_pinned),
		cmocka_unit_test(the_linked_version_is_the_one_of_the_headers),
		cmocka_unit_test(placement_any_asks_for_nothing),
		cmocka_unit_test(addresses_keep_all_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
