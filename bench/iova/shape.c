/* SPDX-License-Identifier: MIT */
/* Requests, drawn from a shape. */
#include "shape.h"

#include <phyr/bits.h>

#include "../bench.h"

static uint64_t draw_pages(enum sizes sizes, uint64_t number)
{
	static const uint8_t primes[] = { 3,  5,  7,  11, 13, 17, 19, 23, 29,
					  31, 37, 41, 43, 47, 53, 59, 61 };

	switch (sizes) {
	case SIZES_PAGE:
		return 1;
	case SIZES_TO_64:
		return 1 + number % 64;
	case SIZES_POWERS:
		return UINT64_C(1) << number % 7;
	case SIZES_PRIMES:
		return primes[number % sizeof(primes)];
	case SIZES_2M:
		return 512;
	case SIZES_TO_1G:
		return 1 + number % (UINT64_C(1) << 18);
	}
	return 0;
}

static uint8_t size_lg2(uint64_t len)
{
	return (uint8_t)(len > 1 ? phyr_bits_log2(len - 1) + 1 : 0);
}

void shape_request(const struct shape *shape, uint64_t *random, struct request *ret_request)
{
	struct phyr_placement *placement = &ret_request->placement;
	const uint64_t number = bench_random(random);

	ret_request->len = draw_pages(shape->sizes, number >> 32) * PHYR_PAGE_SIZE;
	*placement = phyr_placement_any();
	placement->fit = shape->fit;
	placement->phase_lg2 = shape->phase_lg2;
	if (shape->limit_lg2)
		placement->window.last = phyr_iova_at((UINT64_C(1) << shape->limit_lg2) - 1);
	if (shape->key == KEY_SIZE)
		placement->phase_lg2 = size_lg2(ret_request->len);
	if (shape->key == KEY_PHASE)
		placement->phase = number % (UINT64_C(1) << shape->phase_lg2) / PHYR_PAGE_SIZE *
				   PHYR_PAGE_SIZE;
}

const char *shape_fit_name(enum phyr_fit fit)
{
	switch (fit) {
	case PHYR_FIT_TOP_DOWN:
		return "top_down";
	case PHYR_FIT_BOTTOM_UP:
		return "bottom_up";
	case PHYR_FIT_PACKED:
		return "packed";
	case PHYR_FIT_FIRST_UP:
		return "first_up";
	}
	return "?";
}
