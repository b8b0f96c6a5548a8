/* SPDX-License-Identifier: MIT */
/*
 * Random maps, unmaps and flushes on a simulated IOMMU: under every personality nothing stale is
 * left when all is flushed, and spoiling commands is noticed.
 */
#include <stdio.h>

#include "stale_world.h"

#define SLOT_CNT 24
#define SLOT_LEN (2 * M2)
#define FIRST_SLOT (G1 - SLOT_CNT / 2 * SLOT_LEN) /* the slots lie around a multiple of 1 GiB */

/* A part of the addresses; what was unmapped may not be mapped again before the flush. */
struct slot {
	uint64_t first; /* what is mapped */
	uint64_t len;	/* 0 = nothing */
	bool pending;	/* something waits for a flush */
};

struct run {
	struct world world;
	struct slot slots[SLOT_CNT];
	uint64_t random;
	uint64_t stale_cnt;
	unsigned int causes; /* bit i: cause i was seen */
};

static uint64_t seed;

static uint64_t below(struct run *run, uint64_t end)
{
	return test_random(&run->random) % end;
}

/* Small and scattered, or large and of the same phase as the memory. */
static void map_slot(struct run *run, struct slot *slot)
{
	uint64_t base = FIRST_SLOT + (uint64_t)(slot - run->slots) * SLOT_LEN;
	uint64_t phase;

	if (slot->pending || slot->len != 0)
		return;
	slot->first = base + below(run, 4) * (SLOT_LEN / 8);
	slot->len = (1 + below(run, 24)) * K4;
	phase = below(run, 512) * K4;
	if (below(run, 3) == 0) {
		slot->first = base + (below(run, 2) ? 0 : below(run, 512) * K4);
		slot->len = below(run, 2) ? base + SLOT_LEN - slot->first : M2;
		phase = below(run, 8) ? slot->first % M2 : phase;
	}
	assert_int_equal(map(&run->world, slot->first, below(run, 1024) * M2 + phase, slot->len),
			 PHYR_OK);
}

/* All of it, or some pages of either end unless that would cut a leaf. */
static void unmap_slot(struct run *run, struct slot *slot)
{
	uint64_t len = slot->len;
	bool tail = below(run, 2) == 0;
	int err;

	if (len == 0)
		return;
	if (below(run, 2) == 0)
		len = (1 + below(run, len / K4)) * K4;
	err = unmap(&run->world, tail ? slot->first + slot->len - len : slot->first, len);
	if (err == PHYR_E_PARTIAL)
		return;
	assert_int_equal(err, PHYR_OK);
	slot->len -= len;
	slot->first += tail ? 0 : len;
	slot->pending = true;
}

static void flush_all(struct run *run)
{
	struct phyrsim_stale_report report;

	flush(&run->world);
	for (size_t i = 0; i < SLOT_CNT; i++)
		run->slots[i].pending = false;
	report = check(&run->world);
	run->stale_cnt += report.cnt;
	run->causes |= 1u << report.cause;
}

static void run_for(struct run *run, const struct phyrsim_inval_params *inval, enum spoil spoil,
		    uint64_t cnt)
{
	memset(run, 0, sizeof(*run));
	world_open(&run->world, inval);
	run->world.spoil = spoil;
	run->random = seed;
	for (uint64_t i = 0; i < cnt; i++) {
		struct slot *slot = &run->slots[below(run, SLOT_CNT)];
		uint64_t what = below(run, 8);

		if (what < 3)
			map_slot(run, slot);
		else if (what < 6)
			unmap_slot(run, slot);
		else
			flush_all(run);
	}
	flush_all(run);
	world_close(&run->world);
}

static struct phyrsim_inval_params personality(unsigned int i)
{
	struct phyrsim_inval_params params = { .personality = (enum phyrsim_personality)i };

	params.ordered = params.personality == PHYRSIM_INVAL_VTD_LINUX;
	return params;
}

static void no_personality_leaves_anything_stale(void **state)
{
	uint64_t iter = test_number("PHYR_ITER", 2000);
	static struct run run;

	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		struct phyrsim_inval_params params = personality(i);

		run_for(&run, &params, SPOIL_NOTHING, iter);
		if (run.stale_cnt)
			fail_msg("personality %u, causes %x, seed %llu", i, run.causes,
				 (unsigned long long)seed);
	}
}

static void lost_commands_are_noticed(void **state)
{
	static struct run run;

	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		struct phyrsim_inval_params params = personality(i);

		run_for(&run, &params, SPOIL_SKIP, 2000);
		assert_true(run.stale_cnt > 0);
	}
}

static void commands_that_spare_pointers_are_noticed(void **state)
{
	unsigned int tables = 1u << PHYRSIM_STALE_TABLE_GONE | 1u << PHYRSIM_STALE_TABLE_CHANGED;
	static struct run run;

	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		struct phyrsim_inval_params params = personality(i);

		run_for(&run, &params, SPOIL_WALK, 2000);
		assert_true(run.stale_cnt > 0);
		assert_int_equal(run.causes & ~(tables | 1u << PHYRSIM_STALE_NONE), 0);
	}
}

static void commands_for_other_addresses_are_noticed(void **state)
{
	static struct run run;

	(void)state;
	for (unsigned int i = 0; i < PHYRSIM_PERSONALITY_CNT; i++) {
		struct phyrsim_inval_params params = personality(i);

		run_for(&run, &params, SPOIL_SHIFT, 2000);
		assert_true(run.stale_cnt > 0);
	}
}

static void wrong_hints_are_noticed(void **state)
{
	static const enum phyrsim_personality arms[] = { PHYRSIM_INVAL_ARM,
							 PHYRSIM_INVAL_ARM_SINGLE };
	static struct run run;

	(void)state;
	for (size_t i = 0; i < CNT(arms); i++) {
		struct phyrsim_inval_params params = personality(arms[i]);

		run_for(&run, &params, SPOIL_HINT, 2000);
		assert_true(run.stale_cnt > 0);
	}
}

/* Tables of a later piece, freed by the flush of an earlier one: translations are never stale. */
static void tables_that_linux_frees_early_leave_stale_pointers(void **state)
{
	struct phyrsim_inval_params params = { .personality = PHYRSIM_INVAL_VTD_LINUX };
	unsigned int tables = 1u << PHYRSIM_STALE_TABLE_GONE | 1u << PHYRSIM_STALE_TABLE_CHANGED;
	static struct run run;

	(void)state;
	run_for(&run, &params, SPOIL_NOTHING, 2000);
	assert_true(run.stale_cnt > 0);
	assert_int_equal(run.causes & ~(tables | 1u << PHYRSIM_STALE_NONE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_personality_leaves_anything_stale),
		cmocka_unit_test(lost_commands_are_noticed),
		cmocka_unit_test(commands_that_spare_pointers_are_noticed),
		cmocka_unit_test(commands_for_other_addresses_are_noticed),
		cmocka_unit_test(wrong_hints_are_noticed),
		cmocka_unit_test(tables_that_linux_frees_early_leave_stale_pointers),
	};

	seed = test_number("PHYR_SEED", 1);
	printf("PHYR_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
