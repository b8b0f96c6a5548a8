/* SPDX-License-Identifier: MIT */
/*
 * What it costs to take slots and to give them back, of a pool of 64 MiB: while there is room, and
 * when the whole pool must be searched in vain. Nothing is copied.
 */
#include <stddef.h>

#include <phyr/bounce.h>
#include <phyr/heap.h>

#include "bench.h"

#define SLOT_CNT 32768
/* Requests that are granted at once. */
#define LIVE 1000

static struct phyr_bounce *pool_new(void)
{
	struct phyr_bounce_params params = { .mem = phyr_heap_mem(),
					     .pool = { { UINT64_C(1) << 32 }, SLOT_CNT << 11 } };
	struct phyr_bounce *pool;

	bench_require(phyr_bounce_create(&params, &pool) == PHYR_OK);
	return pool;
}

static struct phyr_bounce_request request_of(uint64_t number, uint64_t len)
{
	struct phyr_bounce_request request = {
		{ { number << 12 | 0x200 }, len }, { NULL, { number << 12 } }, false, false, 12, 12
	};

	return request;
}

static int take(struct phyr_bounce *pool, uint64_t number, uint64_t len)
{
	struct phyr_bounce_request request = request_of(number, len);
	phyr_pa pa;

	return phyr_bounce_take(pool, &request, &pa);
}

static int give(struct phyr_bounce *pool, uint64_t number)
{
	struct phyr_bounce_request request = request_of(number, 1);

	return phyr_bounce_give(pool, request.key);
}

static void take_give(struct bench *b, const void *arg)
{
	const uint64_t *len = arg;
	struct phyr_bounce *pool = pool_new();
	int err = 0;

	while (bench_running(b)) {
		for (uint64_t i = 0; i < LIVE; i++)
			err |= take(pool, i, *len);
		for (uint64_t i = 0; i < LIVE; i++)
			err |= give(pool, i);
	}
	bench_require(!err);
	phyr_bounce_destroy(pool);
	bench_items(b, LIVE);
}

/* Every other granule is taken, and two are wanted. */
static void search_in_vain(struct bench *b, const void *arg)
{
	struct phyr_bounce *pool = pool_new();
	int err = 0;

	(void)arg;
	for (uint64_t i = 0; i < SLOT_CNT / 2; i++)
		err |= take(pool, i, 1);
	for (uint64_t i = 0; i < SLOT_CNT / 2; i += 2)
		err |= give(pool, i);
	bench_require(!err);
	while (bench_running(b))
		err |= take(pool, SLOT_CNT, 1 << 12);
	bench_require(err == PHYR_E_NOSPACE);
	phyr_bounce_destroy(pool);
	bench_items(b, 1);
}

int main(int argc, char **argv)
{
	static const uint64_t page = 0xe00, large = (32 << 11) - 0x200;

	bench_add("bounce/take_give/page", take_give, &page);
	bench_add("bounce/take_give/64K", take_give, &large);
	bench_add("bounce/search/in_vain", search_in_vain, NULL);
	return bench_main(argc, argv);
}
