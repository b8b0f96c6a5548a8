/* SPDX-License-Identifier: MIT */
/*
 * Generated memory: the shapes that registrations have, from the worst to the best. Addresses are
 * drawn with replacement, so a frame may occur twice; neighbours that are drawn behind one another
 * join, as they would in real memory.
 */
#include "../bench.h"
#include "words.h"

#define GIB_LG2 30
#define HUGE_LG2 21
#define HUGE_PAGES (UINT64_C(1) << (HUGE_LG2 - PHYR_PAGE_LG2))

/* Memory is drawn from 24 GiB. [pages] */
#define SPACE (UINT64_C(24) << (GIB_LG2 - PHYR_PAGE_LG2))
/* Where memory lies that 32 bits of page number do not reach: 64 TiB. */
#define HIGH (UINT64_C(1) << (46 - PHYR_PAGE_LG2))

#define PAGE_CNT 65536
#define RUN_CNT 16384
#define PIECE_CNT 256 /* of 2 MiB each, huge or not */

static const struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };

static int add(struct phyr_list *list, uint64_t page, uint64_t page_cnt)
{
	return phyr_list_append(list, words_pages(page, page_cnt), ram);
}

static int add_pages(struct phyr_list *list, uint64_t *random, uint64_t base, unsigned int cnt)
{
	int err = PHYR_OK;

	while (!err && cnt--)
		err = add(list, base + bench_random(random) % SPACE, 1);
	return err;
}

static int make_pages(struct phyr_list *list)
{
	uint64_t random = 1;

	return add_pages(list, &random, 0, PAGE_CNT);
}

static int make_high_pages(struct phyr_list *list)
{
	uint64_t random = 2;

	return add_pages(list, &random, HIGH, PAGE_CNT);
}

static int add_runs(struct phyr_list *list, uint64_t random, uint64_t shortest, uint64_t longest)
{
	int err = PHYR_OK;

	for (int i = 0; !err && i < RUN_CNT; i++) {
		uint64_t page = bench_random(&random) % SPACE;

		err = add(list, page, shortest + bench_random(&random) % (longest - shortest + 1));
	}
	return err;
}

static int make_runs(struct phyr_list *list)
{
	return add_runs(list, 3, 2, 64);
}

static int make_long_runs(struct phyr_list *list)
{
	return add_runs(list, 7, 65, 2047);
}

/* So much in a hundred of the memory is in pages of 2 MiB, the rest in pages of 4 KiB. */
static int make_huge(struct phyr_list *list, uint64_t percent)
{
	uint64_t random = 4;
	int err = PHYR_OK;

	for (uint64_t i = 0; !err && i < PIECE_CNT; i++) {
		/* Spread as evenly as it goes: a piece is huge when the sum of shares steps up. */
		bool huge = (i + 1) * percent / 100 != i * percent / 100;
		uint64_t page = bench_random(&random) % (SPACE / HUGE_PAGES) * HUGE_PAGES;

		err = huge ? add(list, page, HUGE_PAGES) :
			     add_pages(list, &random, 0, (unsigned int)HUGE_PAGES);
	}
	return err;
}

static int make_huge_50(struct phyr_list *list)
{
	return make_huge(list, 50);
}

static int make_huge_90(struct phyr_list *list)
{
	return make_huge(list, 90);
}

static int make_huge_100(struct phyr_list *list)
{
	return make_huge(list, 100);
}

static int make_gigabytes(struct phyr_list *list)
{
	const uint64_t pages = UINT64_C(1) << (GIB_LG2 - PHYR_PAGE_LG2);
	int err = PHYR_OK;

	for (uint64_t i = 3; !err && i <= 10; i++)
		err = add(list, i * pages, pages);
	return err;
}

/* Blocks of 2 … 4096 pages, each one page behind where it would be aligned. */
static int make_misaligned(struct phyr_list *list)
{
	uint64_t random = 5;
	int err = PHYR_OK;

	for (int i = 0; !err && i < RUN_CNT; i++) {
		unsigned int order = 1 + (unsigned int)(bench_random(&random) % 12);

		err = add(list, phyr_bits_down(bench_random(&random) % SPACE, order) + 1,
			  phyr_bits_size(order));
	}
	return err;
}

/* What a file system hands to a disk: 1 … 128 sectors of 512 bytes, anywhere. */
static int make_sectors(struct phyr_list *list)
{
	uint64_t random = 6;
	int err = PHYR_OK;

	for (int i = 0; !err && i < RUN_CNT; i++) {
		uint64_t sector = bench_random(&random) % (SPACE << (PHYR_PAGE_LG2 - 9));
		uint64_t cnt = 1 + bench_random(&random) % 128;

		err = phyr_list_append(list, (struct phyr_range){ { sector << 9 }, cnt << 9 }, ram);
	}
	return err;
}

const struct words_input words_inputs[WORDS_INPUT_CNT] = {
	{ "pages", "random 4K", make_pages },
	{ "high_pages", "random 4K above 64 TiB", make_high_pages },
	{ "runs", "runs of 2 … 64 pages", make_runs },
	{ "long_runs", "runs of 65 … 2047 pages", make_long_runs },
	{ "huge_50", "THP 50 %", make_huge_50 },
	{ "huge_90", "THP 90 %", make_huge_90 },
	{ "huge_100", "THP 100 %", make_huge_100 },
	{ "gigabytes", "eight 1G pages at 3 … 10", make_gigabytes },
	{ "misaligned", "2 … 4096 pages, one page off", make_misaligned },
	{ "sectors", "1 … 128 sectors of 512 B", make_sectors },
};
