/* SPDX-License-Identifier: MIT */
/*
 * Where a list's storage comes from and goes to: preload, supply, trim, and what it costs. After
 * every case the hook has got back what it gave, and nothing else. Not here: what the runs are
 * (test_list_edit.c), what a preload means to bulk calls, failing allocations (oom_list_edit.c).
 */
#include <phyr/base.h>
#include <phyr/list.h>

#include "list_world.h"

#define SLAB_LEN 4096
/* On hosts with short pointers a slab has room for one word more. */
#define SLAB_WORDS 506
#define SLAB_WORDS_MAX (SLAB_WORDS + (sizeof(void *) < 8 ? 1 : 0))
#define SLAB_HEAD (SLAB_LEN - SLAB_WORDS * 8)
/* Worst appends that fit a slab: a tag, and a run in three parts of two words. */
#define SLAB_APPENDS 72
#define GUARD 0xee

static int teardown(void **state)
{
	struct owned *f = *state;

	assert_sound(f);
	owned_fini(f);
	return 0;
}

/* The ways to append run i; none joins the one before. */
typedef int append_fn(struct phyr_list *list, uint64_t i);

static int append_word(struct phyr_list *list, uint64_t i)
{
	return add(list, i * 2 * PAGE, PAGE, ram);
}

static int append_worst(struct phyr_list *list, uint64_t i)
{
	return add(list, i * GIB + 1, 4 * PIB + 1, i % 2 ? bar : ram);
}

static int append_two_words(struct phyr_list *list, uint64_t i)
{
	return add(list, i * GIB + PAGE, 2049 * PAGE, ram);
}

static int append_mixed(struct phyr_list *list, uint64_t i)
{
	if (i % 3 == 0)
		return append_worst(list, i);
	return i % 3 == 1 ? append_two_words(list, i) : append_word(list, i);
}

static append_fn *const shapes[] = { append_word, append_worst, append_two_words, append_mixed };

static void append_runs(struct owned *f, append_fn *shape, uint64_t i, uint64_t end)
{
	for (; i < end; i++) {
		assert_int_equal(shape(&f->list, i), PHYR_OK);
		assert_int_equal(stats_of(&f->list).storage_len, f->mem.live_len);
	}
}

/* The list equals one that was appended in one go. */
static void assert_built(struct owned *f, append_fn *shape, uint64_t cnt)
{
	struct owned same;

	owned_init(&same);
	append_runs(&same, shape, 0, cnt);
	assert_sound(f);
	assert_true(phyr_list_equal(&f->list, &same.list));
	assert_int_equal(stats_of(&f->list).words_len, stats_of(&same.list).words_len);
	assert_int_equal(stats_of(&f->list).tags_len, stats_of(&same.list).tags_len);
	phyr_list_fini(&same.list);
}

/* After preload(n), so many of the worst appends neither fail nor ask the hook. */
static void preload_and_append(struct owned *f, append_fn *lead, uint64_t lead_cnt, uint64_t n)
{
	append_runs(f, lead, 0, lead_cnt);
	f->mem.alloc_cnt = 0;
	assert_int_equal(phyr_list_preload(&f->list, n), PHYR_OK);
	assert_true(f->mem.alloc_cnt <= n / SLAB_APPENDS + 1);
	assert_sound(f);
	fail_from(f, 0, true);
	append_runs(f, append_worst, lead_cnt, lead_cnt + n);
	assert_int_equal(f->mem.alloc_cnt, 0);
	assert_sound(f);
	fail_no_more(f);
	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
}

static void preloaded_appends_neither_fail_nor_allocate(void **state)
{
	static const uint64_t cnts[] = { 0, 1, 2, 71, 72, 73, 144, 145, 700 };
	struct owned *f = *state;

	for (size_t i = 0; i < CNT(cnts) * CNT(shapes); i++) {
		append_fn *lead = shapes[i / CNT(cnts)];
		uint64_t n = cnts[i % CNT(cnts)];

		for (uint64_t lead_cnt = 0; lead_cnt < 10; lead_cnt++)
			preload_and_append(f, lead, lead_cnt, n);
		for (uint64_t lead_cnt = 70; lead_cnt < 85; lead_cnt++)
			preload_and_append(f, lead, lead_cnt, n);
		for (uint64_t lead_cnt = 250; lead_cnt < 520; lead_cnt += 3)
			preload_and_append(f, lead, lead_cnt, n);
	}
}

static void earlier_preloads_are_part_of_a_preload(void **state)
{
	struct owned *f = *state;

	append_runs(f, append_worst, 0, 50);
	assert_int_equal(phyr_list_preload(&f->list, 500), PHYR_OK);
	fail_from(f, 0, true);
	assert_int_equal(phyr_list_preload(&f->list, 500), PHYR_OK);
	assert_int_equal(phyr_list_preload(&f->list, 10), PHYR_OK);
	append_runs(f, append_worst, 50, 350);
	assert_int_equal(phyr_list_preload(&f->list, 200), PHYR_OK);
	assert_int_equal(f->mem.alloc_cnt, 0);
	fail_no_more(f);
	f->mem.alloc_cnt = 0;
	assert_int_equal(phyr_list_preload(&f->list, 500), PHYR_OK);
	assert_in_range(f->mem.alloc_cnt, 1, 300 / SLAB_APPENDS + 1);
	fail_from(f, 0, true);
	append_runs(f, append_worst, 350, 850);
	assert_int_equal(f->mem.alloc_cnt, 0);
}

static void a_preload_that_fails_keeps_what_it_got(void **state)
{
	struct owned *f = *state;

	assert_int_equal(phyr_list_preload(NULL, 1), PHYR_E_INVAL);
	append_runs(f, append_worst, 0, 100);
	fail_from(f, 3, true);
	assert_int_equal(phyr_list_preload(&f->list, 100 * SLAB_APPENDS), PHYR_E_NOMEM);
	assert_int_equal(phyr_list_preload(&f->list, UINT64_MAX), PHYR_E_NOMEM);
	assert_built(f, append_worst, 100);
	fail_from(f, 0, true);
	append_runs(f, append_worst, 100, 100 + 3 * SLAB_APPENDS);
	assert_int_equal(f->mem.alloc_cnt, 0);
	assert_int_equal(phyr_list_preload(&f->list, 1000), PHYR_E_NOMEM);
	assert_built(f, append_worst, 100 + 3 * SLAB_APPENDS);
}

/* A buffer that begins at an odd place; the sanitizer watches its end. */
static unsigned char *buffer_at(size_t off, size_t len)
{
	unsigned char *buffer = malloc(off + len);

	assert_non_null(buffer);
	memset(buffer, GUARD, off + len);
	return buffer;
}

/* Slabs for certain, wherever the first of them may have to be aligned. */
static void supply_slabs(struct owned *f, size_t off, size_t slab_cnt)
{
	size_t len = slab_cnt * SLAB_LEN + SLAB_LEN - 1;
	unsigned char *buffer = buffer_at(off, len);
	uint64_t cnt = PHYR_LIST_WORDS + slab_cnt * SLAB_WORDS + 1;

	phyr_list_supply(&f->list, buffer + off, len);
	fail_from(f, 0, true);
	append_runs(f, append_word, 0, cnt);
	assert_int_equal(f->mem.alloc_cnt, 0);
	assert_built(f, append_word, cnt);
	fail_no_more(f);
	append_runs(f, append_word, cnt, cnt + 1600);
	assert_true(f->mem.live_cnt >= 2);
	assert_built(f, append_word, cnt + 1600);
	for (size_t i = 0; i < off; i++)
		assert_int_equal(buffer[i], GUARD);
	phyr_list_fini(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
	free(buffer);
	append_runs(f, append_word, 0, 1600); /* nothing of the buffer is remembered */
	phyr_list_fini(&f->list);
}

static void supplied_memory_is_used_before_the_hook(void **state)
{
	static const size_t offs[] = { 0, 1, 2, 3, 7, 8, 12, 63, 4095 };
	struct owned *f = *state;

	for (size_t i = 0; i < CNT(offs); i++) {
		supply_slabs(f, offs[i], 1);
		supply_slabs(f, offs[i], 3);
	}
}

static void pieces_of_any_size_are_used_only_where_they_are(void **state)
{
	static const size_t lens[] = { 0, 1, 7, 8, 47, 48, 55, 56, 64, 103, 111, 1000, 4095, 4104 };
	unsigned char *buffers[CNT(lens)];
	struct owned *f = *state;

	for (size_t i = 0; i < CNT(lens); i++) {
		buffers[i] = buffer_at(i, lens[i]);
		phyr_list_supply(&f->list, buffers[i] + i, lens[i]);
	}
	append_runs(f, append_mixed, 0, 5);
	assert_int_equal(phyr_list_preload(&f->list, 300), PHYR_OK);
	fail_from(f, 0, true);
	append_runs(f, append_mixed, 5, 305);
	assert_int_equal(f->mem.alloc_cnt, 0);
	fail_no_more(f);
	append_runs(f, append_mixed, 305, 900);
	phyr_list_trim(&f->list);
	assert_built(f, append_mixed, 900);
	phyr_list_fini(&f->list);
	for (size_t i = 0; i < CNT(lens); i++) {
		/* Nothing before a piece, nor of one that has no room for a slab's head. */
		for (size_t k = 0; k < i + (lens[i] < SLAB_HEAD ? lens[i] : 0); k++)
			assert_int_equal(buffers[i][k], GUARD);
		free(buffers[i]);
	}
}

static void supplied_pieces_add_up_whenever_they_come(void **state)
{
	unsigned char *buffers[6];
	struct owned *f = *state;

	append_runs(f, append_word, 0, 700); /* the tail is a slab of the hook's */
	for (size_t i = 0; i < CNT(buffers); i++) {
		buffers[i] = buffer_at(i, 2 * SLAB_LEN - 1 + i);
		phyr_list_supply(&f->list, buffers[i] + i, 2 * SLAB_LEN - 1);
		assert_sound(f);
		if (i % 2 == 0)
			continue;
		fail_from(f, 0, true);
		append_runs(f, append_word, 700 + (i - 1) * SLAB_WORDS, 700 + (i + 1) * SLAB_WORDS);
		assert_int_equal(f->mem.alloc_cnt, 0);
		fail_no_more(f);
	}
	assert_built(f, append_word, 700 + CNT(buffers) * SLAB_WORDS);
	for (uint64_t cnt = 3700; cnt; cnt /= 2) {
		phyr_list_truncate(&f->list, cnt * PAGE);
		assert_built(f, append_word, cnt);
	}
	fail_from(f, 0, true);
	append_runs(f, append_word, 1, CNT(buffers) * SLAB_WORDS); /* all of it can be had again */
	assert_int_equal(f->mem.alloc_cnt, 0);
	phyr_list_fini(&f->list);
	for (size_t i = 0; i < CNT(buffers); i++)
		free(buffers[i]);
}

static void a_list_without_a_hook_lives_on_what_is_supplied(void **state)
{
	struct owned *f = *state;
	unsigned char *buffer = buffer_at(5, 3 * SLAB_LEN - 1);
	struct phyr_list list;
	uint64_t cnt = 0;

	phyr_list_init(&list, NULL);
	assert_int_equal(phyr_list_preload(&list, 0), PHYR_OK);
	assert_int_equal(phyr_list_preload(&list, 100), PHYR_E_NOMEM);
	phyr_list_supply(&list, buffer + 5, 3 * SLAB_LEN - 1);
	assert_int_equal(phyr_list_preload(&list, 2 * SLAB_APPENDS), PHYR_OK);
	while (cnt < 5000 && append_word(&list, cnt) == PHYR_OK)
		cnt++;
	assert_in_range(cnt, 2 * SLAB_WORDS, 3 * SLAB_WORDS_MAX + PHYR_LIST_WORDS + 1);
	append_runs(f, append_word, 0, cnt);
	assert_true(phyr_list_equal(&list, &f->list));
	phyr_list_trim(&list);
	assert_true(phyr_list_validate(&list, NULL));
	assert_int_equal(append_word(&list, cnt), PHYR_E_NOMEM);
	assert_true(phyr_list_equal(&list, &f->list));
	assert_int_equal(stats_of(&list).storage_len, 0);
	phyr_list_fini(&list);
	free(buffer);
}

/* What the words cost beyond themselves, in thousandths. */
static uint64_t overhead(const struct phyr_list *list, size_t last_slab)
{
	struct phyr_list_stats stats = stats_of(list);
	uint64_t words_len = stats.words_len + stats.tags_len;

	if (stats.storage_len <= words_len + last_slab)
		return 0;
	return ((stats.storage_len - words_len - last_slab) * 1000 + words_len - 1) / words_len;
}

static void storage_costs_two_percent_and_the_last_slab_or_three_after_trim(void **state)
{
	struct owned *f = *state;

	for (size_t i = 0; i < CNT(shapes); i++) {
		for (uint64_t cnt = 1000; cnt < 4000; cnt += 37) {
			append_runs(f, shapes[i], 0, cnt);
			/* In the mix, a run that takes seven words may leave six unused. */
			assert_true(overhead(&f->list, SLAB_LEN) <= (i == 3 ? 25 : 20));
			assert_int_equal(phyr_list_preload(&f->list, 5000), PHYR_OK);
			phyr_list_trim(&f->list);
			assert_true(overhead(&f->list, 0) <= 30);
			assert_built(f, shapes[i], cnt);
			phyr_list_fini(&f->list);
		}
	}
}

static void trim_gives_back_what_is_not_needed_and_the_list_grows_on(void **state)
{
	struct owned *f = *state;

	assert_int_equal(phyr_list_preload(&f->list, 500), PHYR_OK);
	phyr_list_trim(&f->list);
	assert_int_equal(f->mem.live_cnt, 0);
	for (uint64_t cnt = 0, next; cnt < 3000; cnt = next) {
		size_t storage_len;

		next = cnt + 1 + cnt / 8;
		append_runs(f, append_mixed, cnt, next);
		if (cnt % 3 == 0)
			assert_int_equal(phyr_list_preload(&f->list, cnt), PHYR_OK);
		storage_len = f->mem.live_len;
		phyr_list_trim(&f->list);
		assert_true(f->mem.live_len <= storage_len);
		storage_len = f->mem.live_len;
		phyr_list_trim(&f->list); /* there is no more to be had */
		assert_int_equal(f->mem.live_len, storage_len);
		assert_built(f, append_mixed, next);
	}
}

static void a_trimmed_list_can_be_cut_and_filled_with_anything(void **state)
{
	struct owned *f = *state;

	for (size_t i = 0; i < CNT(shapes) * CNT(shapes); i++) {
		for (uint64_t cnt = 0; cnt < 1100; cnt += cnt < 20 ? 1 : 89) {
			append_runs(f, shapes[i / CNT(shapes)], 0, cnt);
			phyr_list_trim(&f->list);
			phyr_list_truncate(&f->list, 0);
			append_runs(f, shapes[i % CNT(shapes)], 0, 200);
			assert_built(f, shapes[i % CNT(shapes)], 200);
			phyr_list_fini(&f->list);
		}
	}
}

static void trim_leaves_supplied_memory_where_it_is(void **state)
{
	struct owned *f = *state;
	unsigned char *buffer = buffer_at(3, 5 * SLAB_LEN - 1);

	phyr_list_supply(&f->list, buffer + 3, 5 * SLAB_LEN - 1);
	append_runs(f, append_word, 0, 600);
	phyr_list_trim(&f->list);
	assert_built(f, append_word, 600);
	assert_int_equal(f->mem.live_len, 0);
	fail_from(f, 0, true);
	append_runs(f, append_word, 600, 4 * SLAB_WORDS);
	assert_int_equal(f->mem.alloc_cnt, 0);
	fail_no_more(f);
	append_runs(f, append_word, 4 * SLAB_WORDS, 8 * SLAB_WORDS);
	phyr_list_trim(&f->list);
	assert_built(f, append_word, 8 * SLAB_WORDS);
	phyr_list_fini(&f->list);
	free(buffer);
}

/* The hooks of the fixture, and a note of every slab that they hand out. */
struct noted {
	struct test_mem *mem;
	unsigned char *slabs[40];
	unsigned char words[40][SLAB_WORDS * 8]; /* as they were when the slab was full */
	size_t cnt;
};

static void *noted_alloc(void *ctx, size_t size)
{
	struct noted *noted = ctx;

	assert_int_equal(size, SLAB_LEN);
	if (noted->cnt)
		memcpy(noted->words[noted->cnt - 1], noted->slabs[noted->cnt - 1] + SLAB_HEAD,
		       sizeof(noted->words[0]));
	noted->slabs[noted->cnt] = test_mem_alloc(noted->mem, size);
	return noted->slabs[noted->cnt++];
}

static void noted_free(void *ctx, void *ptr, size_t size)
{
	struct noted *noted = ctx;

	test_mem_free(noted->mem, ptr, size);
}

static void nothing_moves_while_a_list_grows(void **state)
{
	struct owned *f = *state;
	static struct noted noted;
	const struct phyr_mem mem = { noted_alloc, noted_free, &noted };

	noted.mem = &f->mem;
	noted.cnt = 0;
	phyr_list_init(&f->list, &mem);
	append_runs(f, append_mixed, 0, 3000);
	assert_in_range(noted.cnt, 20, CNT(noted.slabs));
	assert_int_equal(f->mem.live_cnt, noted.cnt);
	for (size_t i = 0; i + 1 < noted.cnt; i++)
		assert_memory_equal(noted.slabs[i] + SLAB_HEAD, noted.words[i],
				    sizeof(noted.words[0]));
	assert_sound(f);
	phyr_list_fini(&f->list);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, owned_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(preloaded_appends_neither_fail_nor_allocate),
		CASE(earlier_preloads_are_part_of_a_preload),
		CASE(a_preload_that_fails_keeps_what_it_got),
		CASE(supplied_memory_is_used_before_the_hook),
		CASE(pieces_of_any_size_are_used_only_where_they_are),
		CASE(supplied_pieces_add_up_whenever_they_come),
		CASE(a_list_without_a_hook_lives_on_what_is_supplied),
		CASE(storage_costs_two_percent_and_the_last_slab_or_three_after_trim),
		CASE(trim_gives_back_what_is_not_needed_and_the_list_grows_on),
		CASE(a_trimmed_list_can_be_cut_and_filled_with_anything),
		CASE(trim_leaves_supplied_memory_where_it_is),
		CASE(nothing_moves_while_a_list_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
