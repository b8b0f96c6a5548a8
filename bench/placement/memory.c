/* SPDX-License-Identifier: MIT */
/* Generated memory: contiguous, contiguous but out of step with its name, and mixed. */
#include <stdio.h>

#include <phyr/heap.h>

#include "../bench.h"
#include "placement.h"

#define HUGE (2 * MIB)
/* A process address as mmap() gives for large buffers. */
#define VA UINT64_C(0x7f0000000000)
#define BASE (UINT64_C(4) << 30)

static void append(struct memory *memory, uint64_t addr, uint64_t len)
{
	struct phyr_range range = { { addr }, len };
	struct phyr_tag tag = { PHYR_KIND_SYSTEM, 0 };

	if (phyr_list_append(&memory->list, range, tag))
		die(memory->title, "out of memory");
}

static struct memory *add(struct memories *memories, const char *title)
{
	struct memory *memory = &memories->memory[memories->cnt++];

	if (memories->cnt > MEMORY_MAX)
		die(title, "too many buffers");
	snprintf(memory->title, sizeof(memory->title), "%s", title);
	phyr_list_init(&memory->list, phyr_heap_mem());
	phyr_list_set_va(&memory->list, VA);
	return memory;
}

/* Half of it huge pages, half base pages, in turns of 2 MiB; one run of 10 MiB one page off. */
static void make_mixed(struct memory *memory)
{
	uint64_t random = 9;

	for (unsigned int i = 0; i < 45; i++) {
		uint64_t at = BASE + (bench_random(&random) % 4096) * HUGE;

		if (i % 2 == 0)
			append(memory, at, HUGE);
		for (uint64_t n = 0; i % 2 && n < HUGE / PAGE; n++)
			append(memory, BASE + (bench_random(&random) % (1 << 21)) * PAGE, PAGE);
	}
	append(memory, BASE + (UINT64_C(64) << 30) + PAGE, 5 * HUGE);
}

void add_generated(struct memories *memories)
{
	struct memory *memory = add(memories, "contiguous");

	append(memory, BASE, 100 * MIB);
	memory = add(memories, "contiguous, one page off its process address");
	append(memory, BASE + PAGE, 100 * MIB);
	make_mixed(add(memories, "half huge pages, half base pages"));
}
