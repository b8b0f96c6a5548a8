/* SPDX-License-Identifier: MIT */
/*
 * What a real kernel's VT-d driver invalidates for a VFIO domain, and what it does not: every
 * recorded mask, every IH, and every table that is freed while a walk cache may still point to it.
 *
 * Counts of whole traces: 1249 flushes and masks, 1248 of them sent as windows.
 */
#include "kernel_model.h"

#define MASK_MAX 18 /* [log2 pages] of that hardware: larger windows become the whole domain */
#define CASE_LEN 8

/* A recorded flush, with the descriptor behind it. */
struct recorded {
	struct phyrsim_trace_event flush;
	struct phyrsim_trace_flush command;
	char name[CASE_LEN]; /* of the case: "c13b" */
};

static struct {
	struct kernel_text text;
	struct kernel kernel;
	struct recorded recorded[FLUSH_MAX];
	size_t recorded_cnt;
	char name[CASE_LEN]; /* of the case that runs; empty before the first */
	unsigned int attach_cnt;
	uint64_t other_cnt; /* descriptors that no flush caused */
	size_t point;
} w;

/* How many tables the dumps say there were, at the marks of test_kernel_tables.c. */
static const struct {
	const char *name;
	const char *at;
	uint64_t table_cnt;
} points[] = {
	{ "c01", "VFIO_MAP", 35 },
	{ "c02", "VFIO_MAP", 3 },
	{ "c03", "VFIO_MAP", 36 },
	{ "c04", "VFIO_MAP", 5 },
	{ "c07", "VFIO_MAP", 4 },
	{ "c08", "VFIO_MAP", 4 },
	{ "c10", "c10: mapped", 37 },
	{ "c12", "VFIO_MAP", 38 },
	{ "c13", "VFIO_MAP", 38 },
	{ "c13b", "VFIO_MAP", 40 },
	{ "c14", "VFIO_MAP iova=0x30000000 size=0x200000 va_off_2m=0x0 flags=2", 42 },
	{ "c16", "VFIO_MAP iova=0xc00000", 44 },
};

static bool in_case(const char *name)
{
	return strcmp(w.name, name) == 0;
}

/* Before the first case the kernel tries out what it can; c10 and c11 are mappings of one page. */
static bool unmaps_alone(void)
{
	return in_case("") || in_case("c10") || in_case("c11");
}

/* Case c09 is not recorded, but its tables stay: 64 MiB of pages, unmapped one by one. */
static void run_c09(void)
{
	kernel_map(&w.kernel, 0x10000000, PHYR_PAGE_SIZE, 0x4000000);
}

static void note_mark(const struct phyrsim_trace_event *event)
{
	kernel_sync(&w.kernel);
	if (kernel_marks(event, "CASE ")) {
		const char *name = event->args.at + 5;

		memset(w.name, 0, sizeof(w.name));
		for (size_t i = 0; name[i] != '_' && i < CASE_LEN - 1; i++)
			w.name[i] = name[i];
		if (in_case("c10"))
			run_c09();
	}
	if (w.point < CNT(points) && in_case(points[w.point].name) &&
	    kernel_marks(event, points[w.point].at)) {
		assert_int_equal(kernel_table_cnt(&w.kernel), points[w.point].table_cnt);
		w.point++;
	}
}

/* A descriptor goes with the flush before it, unless there was another one. */
static void note_command(const struct phyrsim_trace_event *event)
{
	struct recorded *last = w.recorded_cnt ? &w.recorded[w.recorded_cnt - 1] : NULL;

	if (!event->flush.iotlb || !last || last->command.iotlb) {
		w.other_cnt++;
		return;
	}
	last->command = event->flush;
}

static void note_flush(const struct phyrsim_trace_event *event)
{
	struct recorded *recorded = &w.recorded[w.recorded_cnt++];

	assert_true(w.recorded_cnt < FLUSH_MAX);
	recorded->flush = *event;
	memcpy(recorded->name, w.name, CASE_LEN);
}

static void note_unmap(struct phyr_iova_range range)
{
	if (unmaps_alone())
		kernel_sync(&w.kernel);
	kernel_unmap(&w.kernel, range.iova.addr, range.len);
}

static void note(const struct phyrsim_trace_event *event)
{
	switch (event->kind) {
	case PHYRSIM_TRACE_MAP:
		kernel_map(&w.kernel, event->range.iova.addr, event->pa.addr, event->range.len);
		break;
	case PHYRSIM_TRACE_UNMAP:
		note_unmap(event->range);
		break;
	case PHYRSIM_TRACE_FLUSH:
		note_flush(event);
		break;
	case PHYRSIM_TRACE_COMMAND:
		note_command(event);
		break;
	case PHYRSIM_TRACE_MARK:
		note_mark(event);
		break;
	case PHYRSIM_TRACE_ATTACH: /* the device comes with the second, and goes with the third */
		w.kernel.detached = ++w.attach_cnt != 2;
		break;
	default:
		fail();
	}
}

static int setup(void **state)
{
	struct phyrsim_trace_event event;
	struct phyrsim_trace trace;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.kernel.detached = true;
	w.text = kernel_read(KERNEL_TRACE);
	phyrsim_trace_begin(&trace, w.text.at, w.text.len);
	while (kernel_next(&trace, &event))
		note(&event);
	kernel_sync(&w.kernel);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kernel_drop(&w.text);
	return 0;
}

static uint64_t last_of(const struct phyrsim_trace_event *flush)
{
	return flush->range.iova.addr + (flush->range.len - 1);
}

/* The smallest aligned power of two with both in it, found by trying. [log2 pages] */
static unsigned int smallest_mask(uint64_t first, uint64_t last)
{
	unsigned int mask = 0;

	while (first >> (PHYR_PAGE_LG2 + mask) != last >> (PHYR_PAGE_LG2 + mask))
		mask++;
	return mask;
}

static void every_mask_is_the_smallest_aligned_window(void **state)
{
	uint64_t cnts[64] = { 0 };

	(void)state;
	for (size_t i = 0; i < w.recorded_cnt; i++) {
		const struct phyrsim_trace_event *flush = &w.recorded[i].flush;
		uint64_t first = flush->range.iova.addr;
		unsigned int mask = smallest_mask(first, last_of(flush));

		assert_int_equal(flush->flush.domain, 5);
		assert_int_equal(flush->flush.mask, mask);
		assert_int_equal(flush->flush.window.addr,
				 phyr_bits_down(first, PHYR_PAGE_LG2 + mask));
		cnts[mask]++;
	}
	kernel_count("masks", w.recorded_cnt, 865);
	kernel_count("of one page", cnts[0], 674);
	assert_int_equal(cnts[18], 1);
	assert_int_equal(cnts[19], 1);
}

/* One window is larger than hardware takes (c13b: 1 GiB at 2 MiB): it becomes the domain. */
static void every_descriptor_is_its_flush(void **state)
{
	uint64_t whole_cnt = 0, window_cnt = 0;

	(void)state;
	for (size_t i = 0; i < w.recorded_cnt; i++) {
		const struct phyrsim_trace_flush *flush = &w.recorded[i].flush.flush;
		const struct phyrsim_trace_flush *command = &w.recorded[i].command;

		assert_true(command->iotlb && command->domain == 5);
		if (command->whole) {
			assert_true(flush->mask > MASK_MAX);
			assert_string_equal(w.recorded[i].name, "c13b");
			whole_cnt++;
			continue;
		}
		assert_int_equal(command->window.addr, flush->window.addr);
		assert_int_equal(command->mask, flush->mask);
		window_cnt++;
	}
	assert_int_equal(whole_cnt, 1);
	kernel_count("windows", window_cnt, 864);
	/* The device comes and goes: 2 each for context and domain, 1 for its interrupts. */
	assert_int_equal(w.other_cnt, 5);
}

static void every_dump_has_as_many_tables_as_follow_from_the_events(void **state)
{
	(void)state;
	assert_int_equal(w.point, 12);
}

/* In order; the last unmappings, after the device has gone, are not flushed at all (c17). */
static void every_flush_and_its_hint_follow_from_the_events(void **state)
{
	uint64_t walk_cnt = 0;

	(void)state;
	assert_int_equal(w.kernel.flush_cnt, w.recorded_cnt);
	for (size_t i = 0; i < w.recorded_cnt; i++) {
		const struct kernel_flush *want = &w.kernel.flushes[i];
		const struct recorded *got = &w.recorded[i];

		assert_int_equal(got->flush.range.iova.addr, want->first);
		assert_int_equal(last_of(&got->flush), want->last);
		if (!got->command.whole)
			assert_int_equal(got->command.leaf_only, want->leaf_only);
		walk_cnt += !want->leaf_only;
	}
	assert_int_equal(walk_cnt, 96);
}

/* Does what a flush was sent for reach the walk-cache entry of a table? */
static bool reaches(const struct phyrsim_trace_flush *command, uint64_t table)
{
	unsigned int lg2 = PHYR_PAGE_LG2 + command->mask;
	unsigned int common_lg2 = lg2 > LARGE_LG2 ? lg2 : LARGE_LG2;

	return command->whole || phyr_bits_down(table, common_lg2) ==
					 phyr_bits_down(command->window.addr, common_lg2);
}

/*
 * Tables that are let go of while hardware may still use them: the flush that frees them has IH=0,
 * but a window beside them; the flush of their own addresses comes later, and has IH=1.
 * That kernel's defect, case by case: COUNT tables, a STRIDE apart.
 */
static const struct {
	const char *name;
	uint64_t table;
	uint64_t stride;
	size_t cnt;
} uncovered[] = {
	{ "c01", 0x10200000, 0x400000, 16 },  /* runs of 4 MiB, each beginning in mid-table */
	{ "c03", 0x10400000, 0x400000, 15 },  /* 4 KiB behind the start of a table */
	{ "c05", 0x10200000, 0x400000, 15 },  /* 4 KiB before it */
	{ "c13c", 0x100200000, 0x200000, 7 }, /* 16 MiB in one call, 4 KiB off */
};

/* The flush behind this one that reaches a table. */
static const struct recorded *next_reach(size_t i, uint64_t table)
{
	for (i++; i < w.recorded_cnt; i++) {
		if (reaches(&w.recorded[i].command, table))
			return &w.recorded[i];
	}
	return NULL;
}

/* A table that the flush which freed it did not reach: the next in the list, and by IH=1 later. */
static void check_uncovered(size_t i, uint64_t table, size_t *row, size_t *cnt)
{
	const struct recorded *next = next_reach(i, table);

	assert_true(*row < CNT(uncovered));
	assert_string_equal(w.recorded[i].name, uncovered[*row].name);
	assert_int_equal(table, uncovered[*row].table + *cnt * uncovered[*row].stride);
	assert_non_null(next);
	assert_string_equal(next->name, uncovered[*row].name);
	assert_true(next->command.leaf_only);
	if (++*cnt == uncovered[*row].cnt) {
		++*row;
		*cnt = 0;
	}
}

static void tables_whose_walk_cache_entry_stays_are_these(void **state)
{
	size_t row = 0, cnt = 0;

	(void)state;
	for (size_t i = 0; i < w.recorded_cnt; i++) {
		const struct kernel_flush *flush = &w.kernel.flushes[i];

		for (size_t j = 0; j < flush->freed_cnt; j++) {
			uint64_t table = w.kernel.freed[flush->freed_first + j];

			if (!reaches(&w.recorded[i].command, table))
				check_uncovered(i, table, &row, &cnt);
		}
	}
	assert_int_equal(row, CNT(uncovered));
	assert_int_equal(cnt, 0);
}

/* Where a large leaf takes the place of a table, its walk-cache entry goes before: all 49. */
static void tables_that_large_leaves_replace_are_all_covered(void **state)
{
	static const struct {
		const char *name;
		size_t cnt;
	} want[] = { { "c02", 16 }, { "c04", 16 }, { "c06", 15 }, { "c07", 2 } };
	size_t cnts[CNT(want)] = { 0 }, all_cnt = 0;

	(void)state;
	for (size_t i = 0; i < w.recorded_cnt; i++) {
		const struct kernel_flush *flush = &w.kernel.flushes[i];

		for (size_t j = 0; j < CNT(want); j++) {
			if (strcmp(w.recorded[i].name, want[j].name) == 0)
				cnts[j] += flush->freed_cnt;
		}
		all_cnt += flush->freed_cnt;
	}
	for (size_t j = 0; j < CNT(want); j++)
		assert_int_equal(cnts[j], want[j].cnt);
	assert_int_equal(all_cnt, 49 + 53);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_mask_is_the_smallest_aligned_window),
		CASE(every_descriptor_is_its_flush),
		CASE(every_dump_has_as_many_tables_as_follow_from_the_events),
		CASE(every_flush_and_its_hint_follow_from_the_events),
		CASE(tables_whose_walk_cache_entry_stays_are_these),
		CASE(tables_that_large_leaves_replace_are_all_covered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
