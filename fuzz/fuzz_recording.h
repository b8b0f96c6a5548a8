/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of recordings share: the entry, and what holds or ends the process. */
#ifndef PHYR_FUZZ_RECORDING_H
#define PHYR_FUZZ_RECORDING_H

#include <stdlib.h>
#include <string.h>

#include <phyr/heap.h>
#include <phyr/recording.h>

#include "../src/recording/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
	if (!holds)
		abort();
}

static inline struct phyr_recording *empty_recording(void)
{
	struct phyr_recording *recording;

	require(phyr_recording_create(phyr_heap_mem(), &recording) == PHYR_OK);
	return recording;
}

#endif
