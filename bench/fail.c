/* SPDX-License-Identifier: MIT */
/* The end of a benchmark whose result is wrong; for programs with and without Google Benchmark. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

void bench_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	exit(1);
}
