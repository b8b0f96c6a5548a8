/* SPDX-License-Identifier: MIT */
/*
 * How full does a 32-bit space get? Pieces of all memory, of random length, are placed one after
 * another until there is no space; then half of them leave and others come, some times over.
 * Costs are those at the addresses that were found, not promises.
 */
#include <stdio.h>

#include <phyr/bits.h>
#include <phyr/heap.h>
#include <phyr/iova.h>

#include "../bench.h"
#include "placement.h"

#define SPACE_LAST UINT64_C(0xffffffff)
/* Pieces of 2^0 … 2^12 pages: up to 16 MiB. */
#define PIECE_LG2_MAX 12
#define LIVE_MAX 65536
#define ROUND_CNT 4

struct piece {
	struct phyr_iova_range range;
	uint64_t len;	    /* [bytes] of memory */
	uint64_t entry_cnt; /* each of one size */
	uint64_t leaf_cnt;
	uint64_t flush_cnt; /* [pages] that its invalidation reaches */
};

struct fill {
	const struct memories *memories;
	const struct way *way;
	struct phyr_iova_space *space;
	uint64_t random;
	size_t live_cnt;
	struct piece live[LIVE_MAX];
};

static struct fill fill;

/* Some pages of some memory, and their process address. */
static void draw(struct phyr_list *piece)
{
	const struct memory *memory =
		&fill.memories->memory[bench_random(&fill.random) % fill.memories->cnt];
	uint64_t page_cnt = UINT64_C(1) << bench_random(&fill.random) % (PIECE_LG2_MAX + 1);
	uint64_t total = phyr_list_len(&memory->list) / PAGE, first;
	struct phyr_list_cursor cursor;
	struct phyr_run run;

	page_cnt += bench_random(&fill.random) % page_cnt;
	page_cnt = page_cnt < total ? page_cnt : total;
	first = bench_random(&fill.random) % (total - page_cnt + 1);
	phyr_list_init(piece, phyr_heap_mem());
	phyr_list_set_va(piece, phyr_list_va(&memory->list) + first * PAGE);
	if (phyr_list_slice(&memory->list, first * PAGE, page_cnt * PAGE, &cursor))
		die(memory->title, "no such slice");
	while (phyr_list_next(&cursor, &run))
		if (phyr_list_append(piece, run.range, run.tag))
			die(memory->title, "out of memory");
}

/* Entries at the address that was found, of the page size that was planned if it may cover. */
static uint64_t count_entries(const struct phyr_list *list, const struct phyr_place_choice *choice,
			      phyr_iova iova, const struct phyr_place_request *request)
{
	struct phyr_range range = { { iova.addr }, phyr_list_len(list) };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };
	phyr_sizes sizes = request->device_sizes;
	struct phyr_list bus;
	uint64_t size;

	if (request->cover == PHYR_COVER_ALLOW)
		sizes.mask = choice->page_len;
	phyr_list_init(&bus, NULL);
	if (phyr_list_append(&bus, range, tag))
		die("placing", "the address wraps");
	size = phyr_split_best_size(&bus, request->address, sizes, request->cover);
	if (!size)
		die("registering", "no page size fits");
	return phyr_bits_blocks(request->address, request->address + (range.len - 1),
				phyr_bits_log2(size));
}

static void count(const struct phyr_list *list, const struct phyr_place_choice *choice,
		  const struct phyr_place_request *request, struct piece *piece)
{
	phyr_iova iova = phyr_iova_at(piece->range.iova.addr + choice->head_len);
	uint64_t first = iova.addr / PAGE, last = first + phyr_list_len(list) / PAGE - 1;
	struct phyr_block_counts counts;

	if (phyr_split_count(list, iova, request->leaf_sizes, &counts))
		die("mapping", "the list cannot be cut");
	piece->leaf_cnt = counts.cnt[12] + counts.cnt[21] + counts.cnt[30];
	piece->len = phyr_list_len(list);
	piece->entry_cnt = count_entries(list, choice, iova, request);
	for (piece->flush_cnt = 1; first / piece->flush_cnt != last / piece->flush_cnt;)
		piece->flush_cnt *= 2;
}

/* Places one more piece; false when there is no space for it. */
static bool place_one(void)
{
	struct phyr_place_request request = request_for(fill.way, SPACE_LAST);
	struct piece *piece = &fill.live[fill.live_cnt];
	struct phyr_place_result result;
	struct phyr_list list;
	int err;

	draw(&list);
	request.address = phyr_list_va(&list);
	if (phyr_place_plan(&list, &request, &result))
		die(fill.way->title, "no placement");
	err = phyr_iova_alloc(fill.space, result.chosen.reserve_len, &result.chosen.placement,
			      &piece->range);
	if (!err) {
		count(&list, &result.chosen, &request, piece);
		fill.live_cnt++;
	} else if (err != PHYR_E_NOSPACE) {
		die(fill.way->title, phyr_strerror(err));
	}
	phyr_list_fini(&list);
	return !err && fill.live_cnt < LIVE_MAX;
}

static void drop_half(void)
{
	for (size_t left = fill.live_cnt / 2; left; left--) {
		size_t i = bench_random(&fill.random) % fill.live_cnt;

		if (phyr_iova_free(fill.space, fill.live[i].range))
			die(fill.way->title, "cannot be freed");
		fill.live[i] = fill.live[--fill.live_cnt];
	}
}

static struct piece add_up(void)
{
	struct piece sum = { .len = 0 };

	for (size_t i = 0; i < fill.live_cnt; i++) {
		sum.range.len += fill.live[i].range.len;
		sum.len += fill.live[i].len;
		sum.entry_cnt += fill.live[i].entry_cnt;
		sum.leaf_cnt += fill.live[i].leaf_cnt;
		sum.flush_cnt += fill.live[i].flush_cnt;
	}
	return sum;
}

static double percent(uint64_t len)
{
	return 100 * (double)len / (double)SPACE_LAST;
}

static void fill_by(const struct memories *memories, const struct way *way)
{
	struct phyr_iova_params params = { .mem = phyr_heap_mem(),
					   .window = { { PAGE }, { SPACE_LAST } } };
	struct piece first, sum;
	double later = 0, mib;

	fill = (struct fill){ .memories = memories, .way = way, .random = 11 };
	if (phyr_iova_create(&params, &fill.space))
		die(way->title, "out of memory");
	while (place_one())
		;
	first = add_up();
	printf("| %s | %zu | %.1f |", way->title, fill.live_cnt, percent(first.len));
	for (unsigned int i = 0; i < ROUND_CNT; i++) {
		drop_half();
		while (place_one())
			;
		sum = add_up();
		later += percent(sum.len) / ROUND_CNT;
	}
	mib = (double)first.len / MIB;
	printf(" %.1f | %.1f | %.1f | %.1f | %.2f |\n", later,
	       100 * ((double)first.range.len / (double)first.len - 1),
	       (double)first.entry_cnt / mib, (double)first.leaf_cnt / mib,
	       (double)first.flush_cnt * PAGE / (double)first.len);
	phyr_iova_destroy(fill.space);
}

void print_fill(const struct memories *memories)
{
	printf("\n**Pieces of 4 KiB … 32 MiB of all of it, named by their VA, in a 32-bit "
	       "space**\n\n"
	       "| policy | pieces | %% full at first refusal | with turnover | %% reserved "
	       "for covering | entries a MiB | leaves a MiB | bytes invalidated a byte |\n"
	       "|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < WAY_CNT; i++)
		fill_by(memories, &ways[i]);
}
