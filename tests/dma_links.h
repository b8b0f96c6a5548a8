/* SPDX-License-Identifier: MIT */
/* Calls of the two-step mapping in one line each, in a world of the mapping layer. */
#ifndef PHYR_TEST_DMA_LINKS_H
#define PHYR_TEST_DMA_LINKS_H

#include "dma_device.h"

static inline int try_reserve(struct world *w, uint64_t phase, uint64_t len,
			      struct phyr_dma_state *state)
{
	struct phyr_dma_want want = { .len = len, .phase = phase };
	int err;

	*state = (struct phyr_dma_state){ 7, 7 };
	err = phyr_dma_reserve(w->dma, &want, state);
	if (err)
		assert_true(state->addr == 7 && state->size == 7);
	return err;
}

static inline struct phyr_dma_state reserve(struct world *w, uint64_t phase, uint64_t len)
{
	struct phyr_dma_state state;

	assert_int_equal(try_reserve(w, phase, len, &state), PHYR_OK);
	assert_int_equal(phyr_dma_state_len(&state), len);
	return state;
}

static inline int link_tagged(struct world *w, struct phyr_dma_state *state, uint64_t offset,
			      struct phyr_range run, struct phyr_tag tag)
{
	struct phyr_dma_piece piece = { &run, 1, tag, RW, NULL, NULL };

	return phyr_dma_link(w->dma, state, offset, &piece);
}

static inline int link_at(struct world *w, struct phyr_dma_state *state, uint64_t offset,
			  uint64_t pa, uint64_t len)
{
	struct phyr_tag ram = { PHYR_KIND_SYSTEM, 0 };
	struct phyr_range run = { { pa }, len };

	return link_tagged(w, state, offset, run, ram);
}

static inline int unlink_perm(struct world *w, struct phyr_dma_state *state, uint64_t offset,
			      uint64_t len, enum phyr_perm perm)
{
	struct phyr_dma_part part = { offset, len, perm };

	return phyr_dma_unlink(w->dma, state, &part);
}

static inline int unlink_at(struct world *w, struct phyr_dma_state *state, uint64_t offset,
			    uint64_t len)
{
	return unlink_perm(w, state, offset, len, RW);
}

static inline void sync_all(struct world *w, const struct phyr_dma_state *state)
{
	assert_int_equal(phyr_dma_sync(w->dma, state, 0, phyr_dma_state_len(state)), PHYR_OK);
}

static inline void destroy(struct world *w, struct phyr_dma_state *state, uint64_t linked_len)
{
	assert_int_equal(phyr_dma_destroy_state(w->dma, state, linked_len, RW), PHYR_OK);
	assert_true(state->addr == 0 && state->size == 0);
	assert_int_equal(phyr_dma_free(w->dma, state), PHYR_E_NOENT);
}

/* The device reads at an offset what is at an address. */
static inline void expect_linked(const struct world *w, const struct phyr_dma_state *state,
				 uint64_t offset, uint64_t pa, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		uint64_t iova = phyr_dma_state_iova(state).addr + offset + i;

		assert_int_equal(w->bytes[device_pa(w, iova, 1, PHYR_PERM_READ)], w->bytes[pa + i]);
	}
}

/* The device writes into a part that is linked to memory at an address. */
static inline void write_linked(struct world *w, const struct phyr_dma_state *state,
				uint64_t offset, uint64_t pa, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		uint64_t iova = phyr_dma_state_iova(state).addr + offset + i;
		unsigned char byte = (unsigned char)(i * 7 + offset + 1);

		w->bytes[device_pa(w, iova, 1, PHYR_PERM_WRITE)] = byte;
		w->shadow[pa + i] = byte;
	}
}

#endif
