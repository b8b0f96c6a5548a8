/* SPDX-License-Identifier: MIT */
/*
 * Requests of a device that reaches 32 bits, when what it reaches is full and nearly all of the
 * space is free: the large hole must not be looked at, and the small ones not one by one.
 *
 *	full	nothing is free below the limit
 *	holes	single pages are, a sixteenth of all, no two side by side, each at an odd number
 *	odd	the same; what is asked for is a page at an even number. A hole is neither a block
 *		nor long enough to be sure, so each must be tried: not O(levels), and the only case
 */
#include "../bench.h"
#include "calls.h"

/* Each of these calls tries tens of thousands of holes. */
#define ODD_CALL_CNT 20

/* A request that cannot be met. */
struct refusal {
	const char *name;
	uint64_t page_cnt;
	uint8_t phase_lg2;
	size_t call_cnt; /* at most; 0: as the options say */
};

static void time_refusals(const struct refusal *refusal, const struct crowd *low,
			  struct samples *samples)
{
	struct phyr_placement placement = phyr_placement_any();
	const uint64_t len = refusal->page_cnt * PHYR_PAGE_SIZE;
	struct phyr_iova_range range;

	placement.window.last = phyr_iova_at((UINT64_C(1) << low->shape->limit_lg2) - 1);
	placement.phase_lg2 = refusal->phase_lg2;
	while (samples->cnt < samples->cap) {
		const uint64_t start = timer_ticks();
		const int err = phyr_iova_alloc(low->space, len, &placement, &range);

		samples_add(samples, timer_since(start));
		bench_require(err == PHYR_E_NOSPACE);
	}
}

static void refuse(const struct calls_options *options, const struct refusal *refusal,
		   const struct crowd *low, size_t live_cnt)
{
	const struct calls_state state = { refusal->name, low->shape->fit, live_cnt };
	struct summary reps[CALLS_REP_MAX];
	size_t call_cnt = options->call_cnt;
	struct samples samples;

	if (refusal->call_cnt && refusal->call_cnt < call_cnt)
		call_cnt = refusal->call_cnt;
	samples_init(&samples, call_cnt);
	for (size_t i = 0; i < options->rep_cnt; i++) {
		time_refusals(refusal, low, &samples);
		reps[i] = samples_sum_up(&samples, &options->timer);
	}
	calls_print(&state, "refuse", summary_median(reps, options->rep_cnt));
	samples_fini(&samples);
}

/* Every eighth page with an odd number goes. */
static void make_holes(struct crowd *low)
{
	/* From the end: what takes the place of one that goes has been looked at. */
	for (size_t i = low->cnt; i-- > 0;) {
		const uint64_t number = low->ranges[i].iova.addr / PHYR_PAGE_SIZE;

		if (number % 2 && bench_random(&low->random) % 8 == 0)
			crowd_remove(low, i);
	}
}

static void measure(const struct calls_options *options, struct crowd *low, size_t high_cnt)
{
	static const struct refusal full[] = { { "full/1", 1, 0, 0 }, { "full/64", 64, 0, 0 } };
	static const struct refusal holes[] = {
		{ "holes/2", 2, 0, 0 },
		{ "holes/64", 64, 0, 0 },
		{ "holes/2M", 512, 21, 0 },
		{ "odd/1", 1, PHYR_PAGE_LG2 + 1, ODD_CALL_CNT },
	};
	struct calls_state state = { "holes/1", low->shape->fit, 0 };

	for (size_t i = 0; i < sizeof(full) / sizeof(*full); i++)
		refuse(options, &full[i], low, low->cnt + high_cnt);
	make_holes(low);
	for (size_t i = 0; i < sizeof(holes) / sizeof(*holes); i++)
		refuse(options, &holes[i], low, low->cnt + high_cnt);
	state.live_cnt = low->cnt + high_cnt;
	calls_time(options, &state, low);
}

void calls_limit(const struct calls_options *options, size_t live_cnt)
{
	const struct shape low_shape = { .name = "low", .limit_lg2 = options->limit_lg2 };
	const struct shape high_shape = { .name = "high" };
	/* The space begins behind the lowest page. */
	const size_t low_cnt = ((size_t)1 << (options->limit_lg2 - PHYR_PAGE_LG2)) - 1;
	struct phyr_iova_space *space = crowd_space_create();
	struct crowd low, high;

	crowd_init(&low, &crowd_phyr_door, space, &low_shape, low_cnt);
	crowd_init(&high, &crowd_phyr_door, space, &high_shape, live_cnt);
	crowd_fill(&low, low_cnt);
	crowd_fill(&high, live_cnt);
	measure(options, &low, live_cnt);
	bench_require(phyr_iova_validate(space, NULL));
	crowd_fini(&high);
	crowd_fini(&low);
	phyr_iova_destroy(space);
}
