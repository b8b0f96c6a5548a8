/* SPDX-License-Identifier: MIT */
/*
 * Prints what memory costs by every policy of placement, as tables for docs/placement.md. The same
 * on every machine. Its arguments are recordings; generated memory comes behind them.
 *
 * Exits with 1 when a recording cannot be read or something does not work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <phyr/heap.h>

#include "placement.h"

/* An entry is worth 1 MiB of address space, a leaf 64 KiB. */
#define ENTRY_WEIGHT 256
#define LEAF_WEIGHT 16

const struct way ways[WAY_CNT] = {
	{ "size-aligned", PHYR_PLACE_SIZE_ALIGNED, PHYR_COVER_FORBID, { 0 } },
	{ "first-fit up", PHYR_PLACE_FIRST_FIT_UP, PHYR_COVER_FORBID, { 0 } },
	{ "packed", PHYR_PLACE_PACKED, PHYR_COVER_FORBID, { 0 } },
	{ "phase", PHYR_PLACE_PHASE, PHYR_COVER_FORBID, { 0 } },
	{ "phase, no windows",
	  PHYR_PLACE_PHASE,
	  PHYR_COVER_FORBID,
	  { UINT64_C(1) << 40, UINT64_C(1) << 20, 0, 1 } },
	{ "phase, covering", PHYR_PLACE_PHASE, PHYR_COVER_ALLOW, { 0 } },
	{ "phase, covering, weighed",
	  PHYR_PLACE_PHASE,
	  PHYR_COVER_ALLOW,
	  { ENTRY_WEIGHT, LEAF_WEIGHT, 0, 1 } },
};

/* The names that a device may have for a region. */
#define NAMING_CNT 3
static const char *const namings[NAMING_CNT] = { "VA", "zero", "free" };

/* What a row shows. */
struct figures {
	struct phyr_place_choice choice; /* for entries of one size */
	uint64_t mixed_cnt;		 /* entries of mixed sizes */
};

void die(const char *what, const char *why)
{
	fprintf(stderr, "placement_table: %s: %s\n", what, why);
	exit(1);
}

struct phyr_place_request request_for(const struct way *way, uint64_t window_last)
{
	return (struct phyr_place_request){
		.policy = way->policy,
		.cover = way->cover,
		.weights = way->weights,
		.leaf_sizes = { UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30 },
		.device_sizes = { (UINT64_C(1) << 32) - PAGE },
		.window = { { PAGE }, { window_last } },
	};
}

static void add_recording(struct memories *memories, const char *path)
{
	struct phyr_recording_error error = { .reason = "out of memory" };
	struct phyr_recording *recording;

	if (phyr_recording_create(phyr_heap_mem(), &recording) ||
	    phyr_recording_load(recording, path, &error))
		die(path, error.reason);
	for (size_t i = 0; i < phyr_recording_cnt(recording); i++) {
		struct phyr_recording_buffer *buffer = phyr_recording_buffer(recording, i);
		struct memory *memory = &memories->memory[memories->cnt++];

		if (memories->cnt > MEMORY_MAX)
			die(path, "too many buffers");
		snprintf(memory->title, sizeof(memory->title), "%s", buffer->title);
		if (phyr_list_clone(&buffer->list, phyr_heap_mem(), &memory->list))
			die(path, "out of memory");
	}
	phyr_recording_destroy(recording);
}

/* 4K, 100M, 256T: the largest unit that leaves nothing over. */
static void print_size(uint64_t pages)
{
	static const char units[] = "KMGT";
	uint64_t size = pages * 4;
	size_t unit = 0;

	for (; size % 1024 == 0 && unit < 3; unit++)
		size /= 1024;
	printf(" %llu%c |", (unsigned long long)size, units[unit]);
}

static struct phyr_place_result plan(const struct phyr_list *list, const struct way *way,
				     int naming, bool mixed)
{
	struct phyr_place_request request = request_for(way, (UINT64_C(1) << 48) - 1);
	struct phyr_place_result result;

	request.name = naming == 2 ? PHYR_NAME_IOVA : PHYR_NAME_ADDRESS;
	request.address = naming == 0 ? phyr_list_va(list) : 0;
	request.device_mixed = mixed;
	if (phyr_place_plan(list, &request, &result))
		die(way->title, "no placement");
	return result;
}

static struct figures figures_of(const struct phyr_list *list, const struct way *way, int naming)
{
	struct figures figures = { .choice = plan(list, way, naming, false).chosen };

	figures.mixed_cnt = plan(list, way, naming, true).chosen.cost.entry_cnt;
	return figures;
}

static bool same(const struct figures *a, const struct figures *b)
{
	return a->mixed_cnt == b->mixed_cnt && a->choice.reserve_len == b->choice.reserve_len &&
	       memcmp(&a->choice.cost, &b->choice.cost, sizeof(a->choice.cost)) == 0;
}

static void print_figures(const struct figures *figures, uint64_t len)
{
	const struct phyr_place_cost *cost = &figures->choice.cost;

	printf(" %llu | %llu | %llu |", (unsigned long long)cost->entry_cnt,
	       (unsigned long long)figures->mixed_cnt, (unsigned long long)cost->leaf_cnt);
	print_size(cost->flush_cnt);
	print_size(figures->choice.reserve_len / PAGE);
	print_size(cost->pitch_len / PAGE);
	printf(" %.0f |\n", 100 * ((double)cost->pitch_len / (double)len - 1));
}

/* One way; names that have the same figures share a row. */
static void print_way(const struct memory *memory, const struct way *way)
{
	struct figures figures[NAMING_CNT];
	bool done[NAMING_CNT] = { false };

	for (int i = 0; i < NAMING_CNT; i++)
		figures[i] = figures_of(&memory->list, way, i);
	for (int i = 0; i < NAMING_CNT; i++) {
		if (done[i])
			continue;
		printf("| %s | %s", way->title, namings[i]);
		for (int j = i + 1; j < NAMING_CNT; j++) {
			if (!done[j] && same(&figures[i], &figures[j])) {
				done[j] = true;
				printf(", %s", namings[j]);
			}
		}
		printf(" |");
		print_figures(&figures[i], phyr_list_len(&memory->list));
	}
}

/* Where no placement has both the fewest entries and the fewest leaves: what each would cost. */
static void print_conflicts(const struct phyr_list *list)
{
	for (int i = 0; i < NAMING_CNT; i++) {
		struct phyr_place_result result = plan(list, &ways[WAY_PHASE], i, false);
		const struct phyr_place_cost *device = &result.device_first.cost;
		const struct phyr_place_cost *memory = &result.memory_first.cost;

		if (result.conflict)
			printf("- named by %s, the keys conflict at bit %u: %llu entries and %llu "
			       "leaves, or %llu and %llu\n",
			       namings[i], result.conflict_bit,
			       (unsigned long long)device->entry_cnt,
			       (unsigned long long)device->leaf_cnt,
			       (unsigned long long)memory->entry_cnt,
			       (unsigned long long)memory->leaf_cnt);
	}
}

static void print_memory(const struct memory *memory)
{
	struct phyr_list_stats stats;

	phyr_list_stats(&memory->list, &stats);
	printf("\n**%s**: %lluK in %llu run%s\n\n", memory->title,
	       (unsigned long long)stats.len / 1024, (unsigned long long)stats.run_cnt,
	       stats.run_cnt > 1 ? "s" : "");
	print_conflicts(&memory->list);
	printf("\n| policy | named by | entries of one size | mixed | leaves | window | reserved "
	       "| pitch | %% over |\n|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < WAY_CNT; i++)
		print_way(memory, &ways[i]);
}

int main(int argc, char **argv)
{
	static struct memories memories;

	for (int i = 1; i < argc; i++)
		add_recording(&memories, argv[i]);
	add_generated(&memories);
	for (size_t i = 0; i < memories.cnt; i++)
		print_memory(&memories.memory[i]);
	print_fill(&memories);
	for (size_t i = 0; i < memories.cnt; i++)
		phyr_list_fini(&memories.memory[i].list);
	return 0;
}
