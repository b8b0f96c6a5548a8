/* SPDX-License-Identifier: MIT */
/* What the parts of iova_calls share: its options, and the lines of its tables. */
#ifndef CALLS_H
#define CALLS_H

#include "crowd.h"

#define CALLS_REP_MAX 99

struct calls_options {
	struct timer timer;
	size_t call_cnt; /* calls of a kind that are timed, in each repetition */
	size_t rep_cnt;
	uint8_t limit_lg2; /* what stands for a 32-bit device reaches 2^this bytes */
};

/* What ranges are live, and what for. */
struct calls_state {
	const char *name;
	enum phyr_fit fit;
	size_t live_cnt;
};

/* A line of the first table: calls of one kind in one state. */
void calls_print_head(const struct calls_options *options);
void calls_print(const struct calls_state *state, const char *call, struct summary summary);

/* Times a crowd's allocations and frees, and prints a line for each. */
void calls_time(const struct calls_options *options, const struct calls_state *state,
		struct crowd *crowd);

/*
 * What the machine itself takes: a lock is taken and left, and in between one cache line changes, at
 * random, out of as many bytes. Whatever keeps its ranges in so many bytes takes longer.
 */
void calls_line(const struct calls_options *options, const struct calls_state *state, size_t len);

/* Requests below a limit where everything is taken, or nearly. */
void calls_limit(const struct calls_options *options, size_t live_cnt);

#endif
