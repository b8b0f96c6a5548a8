/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks in C: a small interface over Google Benchmark, which is C++.
 *
 *	static void walk(struct bench *b, const void *arg)
 *	{
 *		set up;
 *		while (bench_running(b))
 *			one pass;
 *		bench_require(the result is right);
 *		bench_items(b, items of one pass);
 *	}
 *
 * A function is called several times, with growing numbers of passes, and measured once. A pass
 * costs a call, so it should do more than a few nanoseconds of work.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One measurement that runs; opaque. */
struct bench;

typedef void bench_fn(struct bench *b, const void *arg);

/* Adds a benchmark; name is module/operation/shape, arg must outlive the run. */
void bench_add(const char *name, bench_fn *fn, const void *arg);

/* Runs what the command line selects; the exit status of the program. */
int bench_main(int argc, char **argv);

/* Is there another pass? To be asked until it says no. */
bool bench_running(struct bench *b);

/* Stops and restarts the clock inside a pass; costs about a microsecond. */
void bench_pause(struct bench *b);
void bench_resume(struct bench *b);

/* After the loop: what one pass did. Items come with the time that one of them takes. */
void bench_items(struct bench *b, uint64_t per_pass);
void bench_bytes(struct bench *b, uint64_t per_pass);

/* After the loop: a figure that is no time. */
void bench_counter(struct bench *b, const char *name, double value);

/* Ends the program: a figure of something that does not work is worse than none. */
void bench_fail(const char *file, int line, const char *what);

#define bench_require(holds) ((holds) ? (void)0 : bench_fail(__FILE__, __LINE__, #holds))

/* Makes the compiler compute a value that nobody needs. */
static inline void bench_use(uint64_t value)
{
	__asm__ volatile("" : : "r"(value));
}

/* Makes the compiler store what is behind a pointer. */
static inline void bench_stored(const void *ptr)
{
	__asm__ volatile("" : : "r"(ptr) : "memory");
}

/* splitmix64: the same inputs on every platform. */
static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

#ifdef __cplusplus
}
#endif

#endif
