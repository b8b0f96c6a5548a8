/* SPDX-License-Identifier: MIT */
/*
 * What entries of a Linux page map mean: 64 bits for each page of the system's size, the frame
 * number in the low 55 and a present bit on top. Arrays in, runs or differences out; whoever reads
 * the map feeds it, so all of this can be tried anywhere and without privilege.
 */
#ifndef PHYR_PIN_PAGEMAP_H
#define PHYR_PIN_PAGEMAP_H

#include <phyr/pin.h>

#define PHYR_PAGEMAP_FRAME UINT64_C(0x7fffffffffffff)
#define PHYR_PAGEMAP_PRESENT (UINT64_C(1) << 63)

/* A way along a range, page by page. */
struct phyr_pagemap {
	uint64_t va;   /* the next byte; on PHYR_E_NOENT the page that is not there */
	uint64_t last; /* of the range */
	unsigned int page_lg2;
};

/* The first reading: from entries to runs of a list. */
struct phyr_pagemap_take {
	struct phyr_pagemap at;
	struct phyr_list *list;
	struct phyr_range run; /* in hand; len 0 = none */
};

/* Reads no further than the range. PHYR_E_NOENT, PHYR_E_PERM (no entry has a frame number), or
 * why the list cannot grow; the list then has a part of the range. */
int phyr_pagemap_take(struct phyr_pagemap_take *take, const uint64_t *entries, size_t cnt);
/* Appends the run in hand. */
int phyr_pagemap_take_end(struct phyr_pagemap_take *take);

/* The second reading: where is the list wrong by now? */
struct phyr_pagemap_compare {
	struct phyr_pagemap at;
	struct phyr_list_cursor cursor;
	struct phyr_run run; /* of the last page compared */
	uint64_t offset;     /* [bytes] of the list's next byte */
	struct phyr_pin_result *result;
};

/* offset: where the range starts in the list, else PHYR_E_RANGE; result: its counts are set. */
int phyr_pagemap_compare_begin(struct phyr_pagemap_compare *compare, const struct phyr_list *list,
			       uint64_t offset, struct phyr_pin_result *result);
void phyr_pagemap_compare(struct phyr_pagemap_compare *compare, const uint64_t *entries,
			  size_t cnt);

#endif
