/* SPDX-License-Identifier: MIT */
/*
 * The handle: what a device needs, where its I/O addresses come from and go to.
 *
 * Invariant: mapped_len, reserved_len, list_len and bounced_len are the sums over all mappings and
 * states that were handed out and not taken back. Whatever fails, nothing of the call stays mapped,
 * reserved, bounced or attached.
 */
#ifndef PHYR_DMA_HANDLE_H
#define PHYR_DMA_HANDLE_H

#include <phyr/bits.h>
#include <phyr/dma.h>

#include "../base/check.h"

struct phyr_dma {
	struct phyr_dma_params params; /* constant */
	struct phyr_p2p_client *peers; /* NULL: no peers */
	struct phyr_flush_batch *batch;
	struct phyr_dma_tie *ties; /* of links of peers, in no order; and of holes in their place */
	struct phyr_window window; /* I/O addresses that the device and the IOMMU reach */
	unsigned int granule_lg2;  /* of the IOMMU; 0 without one: nothing is inside a granule */
	size_t slot_max;	   /* of the pool: more pieces are never bounced at a time */
	struct phyr_dma_stats stats;
};

static inline uint64_t granule_mask(const struct phyr_dma *dma)
{
	return phyr_bits_mask(dma->granule_lg2);
}

static inline bool has_trait(const struct phyr_dma *dma, enum phyr_dma_trait trait)
{
	return dma->params.traits & (unsigned int)trait;
}

static inline bool known_perm(enum phyr_perm perm)
{
	return perm == PHYR_PERM_READ || perm == PHYR_PERM_WRITE || perm == PHYR_PERM_READ_WRITE;
}

/* Can the device send all of these addresses? */
static inline bool reaches(const struct phyr_dma *dma, uint64_t addr, uint64_t len)
{
	uint64_t last;

	return !__builtin_add_overflow(addr, len - 1, &last) && addr >= dma->window.first.addr &&
	       last <= dma->window.last.addr;
}

/* Takes a range of I/O addresses, of the granule's alignment at least. */
int phyr_dma_take(struct phyr_dma *dma, uint64_t len, const struct phyr_placement *placement,
		  struct phyr_iova_range *ret_reserved);
/* Gives back a range in which nothing was ever mapped, or is any more. */
void phyr_dma_give(struct phyr_dma *dma, struct phyr_iova_range reserved);

/*
 * Unmaps a range; then the reservation (len 0: it stays) is given back, as the handle's policy has
 * it, or now. PHYR_OK, or what the backend said, with nothing changed.
 */
int phyr_dma_remove(struct phyr_dma *dma, struct phyr_iova_range range,
		    struct phyr_iova_range reserved);
int phyr_dma_remove_now(struct phyr_dma *dma, struct phyr_iova_range range,
			struct phyr_iova_range reserved);

/* Counts the maintenance of CPU caches, if the device needs it. */
void phyr_dma_maintain(struct phyr_dma *dma, uint64_t len);

#endif
