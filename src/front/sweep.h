/* SPDX-License-Identifier: MIT */
/* Unlinks that share one flush: done when the sweep ends, whatever the handle's policy. */
#ifndef PHYR_FRONT_SWEEP_H
#define PHYR_FRONT_SWEEP_H

#include <phyr/dma.h>
#include <phyr/dma_link.h>

struct sweep {
	struct phyr_dma *dma;
	struct phyr_flush_batch batch;
	struct phyr_flush_batch *before; /* the user's own, meanwhile put aside */
};

/* It may not be moved until it ends. */
void phyr_sweep_begin(struct sweep *sweep, struct phyr_dma *dma);
/* Unlinks what can not have been bounced. */
int phyr_sweep_unlink(struct sweep *sweep, struct phyr_dma_state *state, uint64_t offset,
		      uint64_t len);
/* Flushes. How often that was: 1, or 0 where nothing was unlinked. */
uint64_t phyr_sweep_end(struct sweep *sweep);

#endif
