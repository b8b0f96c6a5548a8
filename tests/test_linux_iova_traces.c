/* SPDX-License-Identifier: MIT */
/*
 * The allocator of I/O addresses next to a real kernel's: traces of its allocations and frees are
 * replayed, and every address that the model gives is the one that was recorded.
 *
 * From the boot on nothing has to be assumed: both traces of a boot go on in those that follow. A
 * trace from the middle says by itself what the magazines held when it began: whatever is given
 * before anything is freed. Those addresses are put there first, and do not count as predicted.
 *
 * With PHYR_TRACES=DIRECTORY whole traces of the same names are read from there; all addresses
 * must still be right, and the counts are printed. (They were: 6022 strict, 6022 lazy, and 3562 of
 * mixed lengths, 96 of these known, with 41 frees that have no line.)
 */
#include <phyrsim/linux_iova.h>

#include "trace_order.h"

#define PAGE PHYR_PAGE_SIZE
#define BIN_CNT PHYRSIM_LINUX_BIN_CNT

/* What the kernel reserved on that machine: the bridge's window and the message interrupts. */
static const struct phyr_iova_range windows[] = {
	{ { 0xc0000000 }, 0xfec00000 - 0xc0000000 },
	{ { 0xfee00000 }, 0x100000 },
};

/* What is counted of one trace. */
struct tally {
	uint64_t alloc_cnt; /* all of them given as recorded */
	uint64_t known_cnt; /* of these, put there first */
	uint64_t searched_cnt;
	uint64_t moved_cnt;
	uint64_t recovered_cnt;
	uint64_t full_cnt;
	uint64_t swap_cnt, depot_push_cnt, depot_pop_cnt;
};

struct fixture {
	struct test_mem t;
	struct phyrsim_linux_iova *iova;
	struct phyrsim_linux_iova_device device;
	struct trace trace;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct phyrsim_linux_iova_params params = { .cpu_cnt = TRACE_CPU_CNT };

	assert_non_null(f);
	test_mem_init(&f->t);
	params.mem = &f->t.mem;
	assert_int_equal(phyrsim_linux_iova_create(&params, &f->iova), PHYR_OK);
	for (size_t i = 0; i < CNT(windows); i++)
		assert_int_equal(phyrsim_linux_iova_reserve(f->iova, windows[i]), PHYR_OK);
	f->device.last = phyr_iova_at(UINT64_MAX);
	f->device.low_first = true;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	phyrsim_linux_iova_destroy(f->iova);
	trace_drop(&f->trace);
	assert_int_equal(f->t.live_cnt, 0);
	free(f);
	return 0;
}

static struct phyrsim_linux_iova_stats stats_of(const struct fixture *f)
{
	struct phyrsim_linux_iova_stats stats;

	phyrsim_linux_iova_stats(f->iova, &stats);
	return stats;
}

static struct phyr_iova_range range_of(const struct trace_event *event)
{
	struct phyr_iova_range range = { phyr_iova_at(event->iova), event->len };

	return range;
}

static void replay(struct fixture *f, struct tally *tally)
{
	struct phyrsim_linux_iova_stats before = stats_of(f), after;

	for (size_t i = 0; i < f->trace.cnt; i++) {
		const struct trace_event *event = &f->trace.events[i];
		struct phyr_iova_range range;

		if (event->kind == TRACE_FREE) {
			assert_int_equal(
				phyrsim_linux_iova_free_fast(f->iova, event->cpu, range_of(event)),
				PHYR_OK);
			continue;
		}
		assert_int_equal(phyrsim_linux_iova_alloc(f->iova, &f->device, event->cpu,
							  event->len, &range),
				 PHYR_OK);
		assert_int_equal(range.iova.addr, event->iova);
		tally->alloc_cnt++;
	}
	assert_true(phyrsim_linux_iova_validate(f->iova, NULL));
	after = stats_of(f);
	tally->searched_cnt = after.tree_alloc_cnt - before.tree_alloc_cnt;
	tally->swap_cnt = after.swap_cnt - before.swap_cnt;
	tally->depot_push_cnt = after.depot_push_cnt - before.depot_push_cnt;
	tally->depot_pop_cnt = after.depot_pop_cnt - before.depot_pop_cnt;
}

/* The counts are those of the cuts; of whole traces they are printed. */
static void assert_tally(const char *name, const struct tally *tally, const struct tally *want)
{
	if (!getenv("PHYR_TRACES")) {
		assert_memory_equal(tally, want, sizeof(*tally));
		return;
	}
	print_message("%s: %" PRIu64 " allocations as recorded, %" PRIu64 " of them known, %" PRIu64
		      " searched, %" PRIu64 " before an interrupt, %" PRIu64
		      " frees without a line, %" PRIu64 " full rings, %" PRIu64 " swaps, %" PRIu64
		      " pushes, %" PRIu64 " pops\n",
		      name, tally->alloc_cnt, tally->known_cnt, tally->searched_cnt,
		      tally->moved_cnt, tally->recovered_cnt, tally->full_cnt, tally->swap_cnt,
		      tally->depot_push_cnt, tally->depot_pop_cnt);
}

/* A trace whose state at the start is that of the trace before. */
static void follow(struct fixture *f, const char *name, const struct tally *want)
{
	struct tally tally = { .alloc_cnt = 0 };

	trace_read(&f->trace, name);
	if (strncmp(name, "lazy", 4) == 0)
		tally.full_cnt = trace_defer(&f->trace);
	tally.moved_cnt = trace_reorder(&f->trace);
	replay(f, &tally);
	assert_tally(name, &tally, want);
	trace_drop(&f->trace);
}

static void strict_from_the_boot_on_every_address_is_the_recorded_one(void **state)
{
	struct fixture *f = *state;
	const struct tally boot = { .alloc_cnt = 22, .searched_cnt = 15 };
	const struct tally depth_1 = { .alloc_cnt = 3000, .searched_cnt = 1 };
	const struct tally depth_32 = { .alloc_cnt = 129, .searched_cnt = 25, .moved_cnt = 1 };

	follow(f, "strict__00_boot", &boot);
	follow(f, "strict__01_rr4k_qd1", &depth_1);
	follow(f, "strict__02_rr4k_qd32", &depth_32);
}

/* Freed addresses come in hundreds, after a flush: magazines go to the depot and come back. */
static void lazy_from_the_boot_on_every_address_is_the_recorded_one(void **state)
{
	struct fixture *f = *state;
	const struct tally boot = { .alloc_cnt = 22, .searched_cnt = 18 };
	const struct tally depth_1 = { .alloc_cnt = 3000,
				       .searched_cnt = 344,
				       .moved_cnt = 3,
				       .swap_cnt = 23,
				       .depot_push_cnt = 1,
				       .depot_pop_cnt = 1 };
	const struct tally depth_32 = { .alloc_cnt = 1210,
					.searched_cnt = 160,
					.full_cnt = 2,
					.swap_cnt = 10,
					.depot_push_cnt = 3,
					.depot_pop_cnt = 3 };

	follow(f, "lazy__00_boot", &boot);
	follow(f, "lazy__01_rr4k_qd1", &depth_1);
	follow(f, "lazy__02_rr4k_qd32", &depth_32);
}

/* What a trace from the middle tells of the time before. */
struct past {
	struct trace cached; /* allocations from what is not freed in the trace, the first first */
	struct trace live;   /* frees of what is not allocated in it */
	const struct trace_event *searched; /* the first allocation from the tree */
};

static void learn(const struct trace *trace, struct past *past)
{
	size_t freed_cnt[TRACE_CPU_CNT][64] = { { 0 } };
	struct trace before = { .events = NULL };

	memset(past, 0, sizeof(*past));
	for (size_t i = 0; i < trace->cnt; i++) {
		const struct trace_event *event = &trace->events[i];
		size_t *cnt = &freed_cnt[event->cpu][trace_bin(event->len)];

		if (event->kind == TRACE_FREE) {
			++*cnt;
			if (!trace_holder(&before, event->iova))
				trace_add(&past->live, event);
		} else if (event->searched) {
			past->searched = past->searched ? past->searched : event;
		} else if (*cnt) {
			--*cnt;
		} else {
			trace_add(&past->cached, event);
		}
		trace_add(&before, event);
	}
	trace_drop(&before);
}

static int by_address_down(const void *a, const void *b)
{
	const struct trace_event *x = a, *y = b;

	return x->iova < y->iova ? 1 : x->iova > y->iova ? -1 : 0;
}

/* Takes exactly these addresses, which lie below all that were taken so. */
static void take_at(struct fixture *f, uint64_t iova, uint64_t len)
{
	struct phyr_iova_range range;

	assert_int_equal(
		phyrsim_linux_iova_alloc_tree(f->iova, len, phyr_iova_at(iova + (len - 1)), &range),
		PHYR_OK);
	assert_int_equal(range.iova.addr, iova);
}

/* Takes what was taken, frees into the magazines what was in them, the first to come last. */
static void restore(struct fixture *f, const struct past *past)
{
	struct trace all = { .events = NULL };

	for (size_t i = 0; i < past->live.cnt; i++)
		trace_add(&all, &past->live.events[i]);
	for (size_t i = 0; i < past->cached.cnt; i++)
		trace_add(&all, &past->cached.events[i]);
	qsort(all.events, all.cnt, sizeof(*all.events), by_address_down);
	for (size_t i = 0; i < all.cnt; i++)
		take_at(f, all.events[i].iova, PAGE << trace_bin(all.events[i].len));
	if (past->searched) /* something ends the gap that it was put in */
		take_at(f, past->searched->iova + (PAGE << trace_bin(past->searched->len)), PAGE);
	for (size_t i = past->cached.cnt; i-- > 0;) {
		const struct trace_event *event = &past->cached.events[i];

		assert_int_equal(phyrsim_linux_iova_free_fast(f->iova, event->cpu, range_of(event)),
				 PHYR_OK);
	}
	trace_drop(&all);
}

static void join(struct fixture *f, const char *name, const struct tally *want)
{
	struct tally tally = { .alloc_cnt = 0 };
	struct past past;

	trace_read(&f->trace, name);
	tally.recovered_cnt = trace_recover(&f->trace);
	tally.moved_cnt = trace_reorder(&f->trace);
	learn(&f->trace, &past);
	tally.known_cnt = past.cached.cnt + !!past.searched;
	restore(f, &past);
	replay(f, &tally);
	assert_tally(name, &tally, want);
	trace_drop(&past.cached);
	trace_drop(&past.live);
}

static void mixed_lengths_from_the_middle_on_are_given_as_recorded(void **state)
{
	const struct tally want = { .alloc_cnt = 80, .known_cnt = 27, .searched_cnt = 2 };

	join(*state, "strict__14_iova_allocator_mixed", &want);
}

static const char *const names[] = {
	"strict__00_boot",
	"strict__01_rr4k_qd1",
	"strict__02_rr4k_qd32",
	"lazy__00_boot",
	"lazy__01_rr4k_qd1",
	"lazy__02_rr4k_qd32",
	"strict__14_iova_allocator_mixed",
};

static bool overlaps(struct phyr_iova_range range, const struct trace_event *event)
{
	return event->iova + (event->len - 1) >= range.iova.addr &&
	       event->iova <= range.iova.addr + (range.len - 1);
}

static void the_kernel_aligns_to_the_rounded_length_and_keeps_out_of_windows(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < CNT(names); i++) {
		trace_read(&f->trace, names[i]);
		for (size_t j = 0; j < f->trace.cnt; j++) {
			const struct trace_event *event = &f->trace.events[j];

			if (event->kind != TRACE_ALLOC)
				continue;
			assert_true(phyr_bits_aligned(event->iova,
						      PHYR_PAGE_LG2 + trace_bin(event->len)));
			assert_false(overlaps(windows[0], event) || overlaps(windows[1], event));
		}
		trace_drop(&f->trace);
	}
}

static void the_kernel_begins_at_the_top_of_4_gib_and_goes_down(void **state)
{
	struct fixture *f = *state;

	trace_read(&f->trace, "strict__00_boot");
	for (uint64_t i = 0, page = 0; page < 9; i++) {
		if (f->trace.events[i].kind == TRACE_ALLOC)
			assert_int_equal(f->trace.events[i].iova, 0xfffff000 - page++ * PAGE);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(strict_from_the_boot_on_every_address_is_the_recorded_one),
		CASE(lazy_from_the_boot_on_every_address_is_the_recorded_one),
		CASE(mixed_lengths_from_the_middle_on_are_given_as_recorded),
		CASE(the_kernel_aligns_to_the_rounded_length_and_keeps_out_of_windows),
		CASE(the_kernel_begins_at_the_top_of_4_gib_and_goes_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
