/* SPDX-License-Identifier: MIT */
/*
 * What placing memory costs by each policy: address space spent against translations saved.
 *
 * Not here: time (bench_…), tables in simulated memory (phyrsim).
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <phyr/place.h>
#include <phyr/recording.h>

#define PAGE PHYR_PAGE_SIZE
#define MIB (UINT64_C(1) << 20)

/* A way to place: what differs from one request to another. */
struct way {
	const char *title;
	enum phyr_place_policy policy;
	enum phyr_cover cover;
	struct phyr_place_weights weights;
};

#define WAY_PHASE 3 /* matched keys, nothing else */
#define WAY_CNT 7
extern const struct way ways[WAY_CNT];

/* A buffer to place: its list knows its process address. */
struct memory {
	char title[PHYR_RECORDING_TITLE_LEN];
	struct phyr_list list;
};

#define MEMORY_MAX 16

struct memories {
	struct memory memory[MEMORY_MAX];
	size_t cnt;
};

/* Generated memory, always the same, behind what there is. */
void add_generated(struct memories *memories);

/* A request of the device that all figures are for: 4 KiB … 2 GiB, behind VT-d. */
struct phyr_place_request request_for(const struct way *way, uint64_t window_last);

/* Prints how full a space gets by each way. */
void print_fill(const struct memories *memories);

/* Ends the program: memory ran out, or something does not work. */
void die(const char *what, const char *why);

#endif
