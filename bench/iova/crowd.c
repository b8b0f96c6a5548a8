/* SPDX-License-Identifier: MIT */
/* The ranges lie in an array without gaps: the last takes the place of one that goes. */
#include "crowd.h"

#include <stdlib.h>

#include "../bench.h"

const struct door crowd_phyr_door = { phyr_iova_alloc, phyr_iova_free };

static size_t metadata_len;

static void *counted_alloc(void *ctx, size_t size)
{
	void *ptr = malloc(size);

	(void)ctx;
	metadata_len += ptr ? size : 0;
	return ptr;
}

static void counted_free(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	metadata_len -= size;
	free(ptr);
}

static const struct phyr_mem counted_mem = { counted_alloc, counted_free, NULL };

struct phyr_iova_space *crowd_space_create(void)
{
	struct phyr_iova_params params = { .mem = &counted_mem };
	struct phyr_iova_space *space;

	params.window.first = phyr_iova_at(CROWD_FIRST);
	params.window.last = phyr_iova_at(CROWD_LAST);
	bench_require(phyr_iova_create(&params, &space) == PHYR_OK);
	return space;
}

size_t crowd_metadata_len(void)
{
	return metadata_len;
}

void crowd_init(struct crowd *crowd, const struct door *door, struct phyr_iova_space *space,
		const struct shape *shape, size_t cap)
{
	*crowd = (struct crowd){ .door = door, .space = space, .shape = shape, .random = 1 };
	crowd->ranges = calloc(cap, sizeof(*crowd->ranges));
	bench_require(crowd->ranges);
	crowd->cap = cap;
}

void crowd_fini(struct crowd *crowd)
{
	free(crowd->ranges);
}

static void add(struct crowd *crowd, struct phyr_iova_range range)
{
	bench_require(crowd->cnt < crowd->cap);
	crowd->ranges[crowd->cnt++] = range;
	crowd->len += range.len;
	if (crowd->len > crowd->len_max)
		crowd->len_max = crowd->len;
}

static size_t any(struct crowd *crowd)
{
	return (size_t)(bench_random(&crowd->random) % crowd->cnt);
}

static struct phyr_iova_range take_out(struct crowd *crowd, size_t i)
{
	const struct phyr_iova_range range = crowd->ranges[i];

	crowd->ranges[i] = crowd->ranges[--crowd->cnt];
	crowd->len -= range.len;
	return range;
}

static void come(struct crowd *crowd)
{
	struct phyr_iova_range range;
	struct request request;
	int err;

	shape_request(crowd->shape, &crowd->random, &request);
	err = crowd->door->alloc(crowd->space, request.len, &request.placement, &range);
	bench_require(err == PHYR_OK);
	add(crowd, range);
}

void crowd_remove(struct crowd *crowd, size_t i)
{
	const int err = crowd->door->free(crowd->space, take_out(crowd, i));

	bench_require(err == PHYR_OK);
}

void crowd_fill(struct crowd *crowd, size_t cnt)
{
	while (crowd->cnt < cnt)
		come(crowd);
}

void crowd_thin(struct crowd *crowd, size_t cnt)
{
	while (crowd->cnt > cnt)
		crowd_remove(crowd, any(crowd));
}

void crowd_churn(struct crowd *crowd, uint64_t step_cnt)
{
	for (uint64_t i = 0; i < step_cnt; i++) {
		crowd_remove(crowd, any(crowd));
		come(crowd);
	}
}

/* The range is in a register, and the request made, before the clock starts. */
static int timed_free(struct crowd *crowd, struct samples *frees)
{
	const struct phyr_iova_range range = take_out(crowd, any(crowd));
	const uint64_t start = timer_ticks();
	const int err = crowd->door->free(crowd->space, range);

	samples_add(frees, timer_since(start));
	return err;
}

static int timed_alloc(struct crowd *crowd, struct samples *allocs)
{
	struct phyr_iova_range range = { 0 };
	struct request request;
	uint64_t start;
	int err;

	shape_request(crowd->shape, &crowd->random, &request);
	start = timer_ticks();
	err = crowd->door->alloc(crowd->space, request.len, &request.placement, &range);
	samples_add(allocs, timer_since(start));
	add(crowd, range);
	return err;
}

void crowd_time(struct crowd *crowd, struct samples *allocs, struct samples *frees)
{
	const size_t batch = crowd->shape->batch ? crowd->shape->batch : 1;
	int err = 0;

	bench_require(crowd->cnt >= batch);
	while (allocs->cnt < allocs->cap) {
		for (size_t i = 0; i < batch; i++)
			err |= timed_free(crowd, frees);
		for (size_t i = 0; i < batch; i++)
			err |= timed_alloc(crowd, allocs);
	}
	bench_require(!err);
}

uint64_t crowd_span(const struct crowd *crowd)
{
	uint64_t lowest = UINT64_MAX, highest = 0;

	for (size_t i = 0; i < crowd->cnt; i++) {
		const uint64_t first = crowd->ranges[i].iova.addr;
		const uint64_t last = first + (crowd->ranges[i].len - 1);

		lowest = first < lowest ? first : lowest;
		highest = last > highest ? last : highest;
	}
	if (!crowd->cnt)
		return 0;
	if (highest - CROWD_FIRST < CROWD_LAST - lowest)
		return highest - CROWD_FIRST + 1;
	return CROWD_LAST - lowest + 1;
}

void crowd_check(const struct crowd *crowd)
{
	struct phyr_iova_stats stats;

	phyr_iova_stats(crowd->space, &stats);
	bench_require(stats.live_cnt == crowd->cnt && stats.live_len == crowd->len);
	bench_require(phyr_iova_validate(crowd->space, NULL));
}
