/* SPDX-License-Identifier: MIT */
/*
 * Bytes as numbers, a property that must hold, and memory that can be empty: for targets whose
 * bytes are operations.
 */
#ifndef PHYR_FUZZ_INPUT_H
#define PHYR_FUZZ_INPUT_H

#include <stdlib.h>
#include <string.h>

#include <phyr/base.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *next;
	const uint8_t *end;
};

struct memory {
	struct phyr_mem mem;
	size_t live_cnt;
	bool empty;
	bool failed;
};

static inline void require(bool holds)
{
	if (!holds)
		abort();
}

/** What is missing at the end of the input is zero. */
static inline uint64_t take(struct input *in, unsigned int byte_cnt)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < byte_cnt && in->next < in->end; i++)
		number |= (uint64_t)*in->next++ << 8 * i;
	return number;
}

static inline void *memory_alloc(void *ctx, size_t size)
{
	struct memory *memory = ctx;
	void *ptr;

	if (memory->empty) {
		memory->failed = true;
		return NULL;
	}
	ptr = malloc(size);
	require(ptr != NULL);
	memset(ptr, 0xa5, size);
	memory->live_cnt++;
	return ptr;
}

static inline void memory_free(void *ctx, void *ptr, size_t size)
{
	struct memory *memory = ctx;

	require(ptr && size && memory->live_cnt);
	memory->live_cnt--;
	free(ptr);
}

static inline void memory_init(struct memory *memory)
{
	memset(memory, 0, sizeof(*memory));
	memory->mem.alloc = memory_alloc;
	memory->mem.free = memory_free;
	memory->mem.ctx = memory;
}

#endif
