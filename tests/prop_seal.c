/* SPDX-License-Identifier: MIT */
/*
 * Property: a sealed list is the list: same runs, same seeks, same list when it is opened, never
 * larger than its words; and bytes are accepted only if they are what sealing writes.
 *
 * PHYR_SEED and PHYR_ITER choose the lists; list i of seed s is list 0 of seed s + i. Not here:
 * sentences of seal.h one by one (test_seal.c).
 */
#include <phyr/list.h>
#include <phyr/seal.h>

#include "list_world.h"
#include "seal_bytes.h"

#define FIXED_LEN 64
#define BYTES_MAX (1 << 17)

struct world {
	struct test_mem mem;
	struct phyr_list list;
	uint64_t state; /* of the random source */
	uint64_t seed;
	bool failed;
	size_t len; /* [bytes] of the seal */
	struct phyr_seal seal;
	unsigned char bytes[BYTES_MAX];
	unsigned char other[BYTES_MAX];
};

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	list_open(&world.list, &world.mem);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->failed)
		print_error("failed; again with PHYR_SEED=%llu PHYR_ITER=1\n",
			    (unsigned long long)w->seed);
	list_close(&w->list, &w->mem);
	return 0;
}

static uint64_t below(struct world *w, uint64_t end)
{
	return test_random(&w->state) % end;
}

/* What the memory of one list looks like. */
struct shape {
	unsigned int addr_lg2;	/* addresses are below 2^addr_lg2 */
	unsigned int unit_lg2;	/* and multiples of 2^unit_lg2 */
	uint64_t len_max;	/* [units] of most runs */
	unsigned int jump_odds; /* one in so many runs is far from the last */
	unsigned int odd_odds;	/* one in so many runs is of a strange length */
	unsigned int tag_odds;	/* one in so many runs has another tag */
};

static struct shape random_shape(struct world *w)
{
	static const unsigned int units[] = { 12, 12, 12, 12, 12, 21, 30, 9, 0 };
	struct shape shape;

	shape.unit_lg2 = units[below(w, 9)];
	shape.addr_lg2 = below(w, 4) ? 35 + (unsigned int)below(w, 12) : 64;
	shape.len_max = below(w, 2) ? 1 : UINT64_C(1) << below(w, 12);
	shape.jump_odds = 1U << below(w, 7);
	shape.odd_odds = below(w, 2) ? 1U << 20 : 1U << (1 + below(w, 6));
	shape.tag_odds = below(w, 2) ? 1U << 20 : 1U << below(w, 8);
	return shape;
}

static uint64_t random_addr(struct world *w, const struct shape *shape)
{
	return test_random(&w->state) >> (64 - shape->addr_lg2) >> shape->unit_lg2
									   << shape->unit_lg2;
}

/* The next run's start: mostly not far from the end of the last. */
static uint64_t next_addr(struct world *w, const struct shape *shape, uint64_t end)
{
	uint64_t gap = below(w, 40) << shape->unit_lg2;

	if (below(w, shape->jump_odds) == 0)
		return random_addr(w, shape);
	return below(w, 4) ? end + gap : end - 2 * gap;
}

static uint64_t random_len(struct world *w, const struct shape *shape)
{
	if (below(w, shape->odd_odds))
		return (1 + below(w, shape->len_max)) << shape->unit_lg2;
	return below(w, 8) ? 1 + below(w, 3 * PAGE) : 3 * PIB + below(w, 2 * PIB);
}

static void fill(struct world *w, uint64_t run_cnt)
{
	const struct shape shape = random_shape(w);
	struct phyr_tag tag = { (enum phyr_kind)below(w, 3), (uint32_t)below(w, 3) };
	uint64_t end = random_addr(w, &shape) + below(w, 2) * below(w, PAGE);

	phyr_list_fini(&w->list);
	phyr_list_set_va(&w->list, test_random(&w->state));
	for (uint64_t i = 0; i < run_cnt; i++) {
		struct phyr_range range = { { next_addr(w, &shape, end) }, random_len(w, &shape) };
		int err;

		if (below(w, shape.tag_odds) == 0)
			tag.provider = (uint32_t)test_random(&w->state) % 3;
		err = phyr_list_append(&w->list, range, tag);
		assert_true(err == PHYR_OK || err == PHYR_E_RANGE);
		end = range.pa.addr + range.len;
	}
}

static void compare_run(const struct phyr_run *a, const struct phyr_run *b)
{
	assert_int_equal(a->range.pa.addr, b->range.pa.addr);
	assert_int_equal(a->range.len, b->range.len);
	assert_int_equal(a->offset, b->offset);
	assert_true(phyr_tag_equal(a->tag, b->tag));
}

/* Both cursors return the same runs, at most max of them. */
static void compare_cursors(struct phyr_list_cursor *plain, struct phyr_seal_cursor *sealed,
			    uint64_t max)
{
	struct phyr_run a, b;

	for (; max; max--) {
		bool more = phyr_list_next(plain, &a);

		assert_int_equal(phyr_seal_next(sealed, &b), more);
		if (!more)
			return;
		compare_run(&a, &b);
	}
}

static void compare_runs(struct world *w)
{
	uint64_t len = phyr_list_len(&w->list);
	struct phyr_seal_cursor sealed;
	struct phyr_list_cursor plain;

	phyr_list_begin(&w->list, &plain);
	phyr_seal_begin(&w->seal, &sealed);
	compare_cursors(&plain, &sealed, UINT64_MAX);
	for (int i = 0; len && i < 20; i++) {
		uint64_t offset = i == 0 ? len - 1 : below(w, len);

		assert_int_equal(phyr_list_seek(&w->list, offset, &plain), PHYR_OK);
		assert_int_equal(phyr_seal_seek(&w->seal, offset, &sealed), PHYR_OK);
		compare_cursors(&plain, &sealed, 200);
	}
	assert_int_equal(phyr_seal_seek(&w->seal, len, &sealed), PHYR_E_RANGE);
}

static void seal(struct world *w)
{
	struct phyr_list_stats stats;

	phyr_list_stats(&w->list, &stats);
	assert_int_equal(phyr_seal_size(&w->list, &w->len), PHYR_OK);
	assert_true(w->len <= BYTES_MAX);
	assert_true(w->len <= stats.words_len + stats.tags_len + FIXED_LEN);
	assert_int_equal(phyr_seal_write(&w->list, w->bytes, w->len, &w->seal), PHYR_OK);
	assert_int_equal(phyr_seal_bytes(&w->seal), w->len);
}

/* Bytes that were accepted are the bytes of the list that they open to. */
static void compare_opened(struct world *w, const struct phyr_seal *opened)
{
	struct phyr_list list;
	struct phyr_seal again;

	phyr_list_init(&list, &w->mem.mem);
	assert_int_equal(phyr_seal_open(opened, &list), PHYR_OK);
	assert_true(phyr_list_validate(&list, NULL));
	assert_int_equal(phyr_list_len(&list), phyr_seal_len(opened));
	assert_int_equal(phyr_list_va(&list), phyr_seal_va(opened));
	assert_int_equal(phyr_seal_write(&list, w->other, BYTES_MAX, &again), PHYR_OK);
	assert_int_equal(phyr_seal_bytes(&again), phyr_seal_bytes(opened));
	assert_memory_equal(w->other, opened->bytes, phyr_seal_bytes(opened));
	phyr_list_fini(&list);
}

static void a_seal_is_its_list(void **state)
{
	struct world *w = *state;
	uint64_t seed = test_number("PHYR_SEED", 1);
	uint64_t iter_cnt = test_number("PHYR_ITER", 400);

	w->failed = true;
	for (uint64_t i = 0; i < iter_cnt; i++) {
		struct phyr_seal_error error = { 0, "none" };

		w->seed = seed + i;
		w->state = (w->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		fill(w, below(w, 4) ? below(w, 600) : below(w, 5));
		seal(w);
		compare_runs(w);
		assert_int_equal(phyr_seal_attach(w->bytes, w->len, &w->seal, &error), PHYR_OK);
		compare_runs(w);
		compare_opened(w, &w->seal);
	}
	w->failed = false;
}

static void expect_refused(const unsigned char *bytes, size_t len)
{
	struct phyr_seal_error error = { SIZE_MAX, NULL };
	struct phyr_seal seal;
	int err = phyr_seal_attach(bytes, len, &seal, &error);

	assert_true(err == PHYR_E_FORMAT || err == PHYR_E_VERSION);
	assert_non_null(error.reason);
	assert_true(error.offset <= len);
}

/* A buffer of the exact length, so that the address sanitizer sees a read behind it. */
static void no_part_of_a_seal_is_a_seal(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 12; i++) {
		w->state = i + 1;
		fill(w, i < 4 ? i : 60 * i % 310);
		seal(w);
		for (size_t len = 0; len < w->len; len += len < 80 || w->len - len < 20 ? 1 : 7) {
			unsigned char *part = malloc(len ? len : 1);

			assert_non_null(part);
			memcpy(part, w->bytes, len);
			expect_refused(part, len);
			free(part);
		}
	}
}

/* Every single bit: as it is the checksum sees it; with a new checksum it may be another seal. */
static void flip(struct world *w, unsigned char *bytes, size_t bit)
{
	struct phyr_seal_error error = { SIZE_MAX, NULL };
	struct phyr_seal attached;

	bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
	expect_refused(bytes, w->len);
	seal_bytes_sign(bytes, w->len);
	if (phyr_seal_attach(bytes, w->len, &attached, &error) == PHYR_OK) {
		compare_opened(w, &attached);
	} else {
		assert_non_null(error.reason);
		assert_true(error.offset <= w->len);
	}
}

static void no_bit_of_a_seal_is_free(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 40; i++) {
		unsigned char *bytes;

		w->state = i + 1;
		fill(w, i < 10 ? i : 1 + below(w, 270));
		seal(w);
		bytes = malloc(w->len);
		assert_non_null(bytes);
		for (size_t bit = 0; bit < 8 * w->len;
		     bit += i < 10 ? 1 : 1 + (size_t)below(w, 40)) {
			memcpy(bytes, w->bytes, w->len);
			flip(w, bytes, bit);
		}
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_seal_is_its_list, setup, teardown),
		cmocka_unit_test_setup_teardown(no_part_of_a_seal_is_a_seal, setup, teardown),
		cmocka_unit_test_setup_teardown(no_bit_of_a_seal_is_free, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
