/* SPDX-License-Identifier: MIT */
/* bench.h over Google Benchmark; the only C++ of the project. A struct bench is a State. */
#include <benchmark/benchmark.h>

#include "bench.h"

using benchmark::Counter;

static benchmark::State &state_of(struct bench *b)
{
	return *reinterpret_cast<benchmark::State *>(b);
}

void bench_add(const char *name, bench_fn *fn, const void *arg)
{
	benchmark::RegisterBenchmark(name, [fn, arg](benchmark::State &state) {
		fn(reinterpret_cast<struct bench *>(&state), arg);
	});
}

int bench_main(int argc, char **argv)
{
	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 2;
	return benchmark::RunSpecifiedBenchmarks() ? 0 : 1;
}

bool bench_running(struct bench *b)
{
	return state_of(b).KeepRunning();
}

void bench_pause(struct bench *b)
{
	state_of(b).PauseTiming();
}

void bench_resume(struct bench *b)
{
	state_of(b).ResumeTiming();
}

void bench_items(struct bench *b, uint64_t per_pass)
{
	auto cnt = static_cast<double>(per_pass);

	state_of(b).counters["items/s"] = Counter(cnt, Counter::kIsIterationInvariantRate);
	state_of(b).counters["s/item"] =
		Counter(cnt, Counter::kIsIterationInvariantRate | Counter::kInvert);
}

void bench_bytes(struct bench *b, uint64_t per_pass)
{
	state_of(b).SetBytesProcessed(static_cast<int64_t>(per_pass) * state_of(b).iterations());
}

void bench_counter(struct bench *b, const char *name, double value)
{
	state_of(b).counters[name] = value;
}
