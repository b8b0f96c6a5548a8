/* SPDX-License-Identifier: MIT */
/*
 * A window of pages: made, asked, freed.
 *
 * Not here: what is put into it (pages_map.c), taken out of it (pages_unmap.c), and how peers are
 * kept (pages_peer.c).
 */

#include "pages.h"

#include <string.h>

#include "../base/check.h"
#include "front.h"

static int check_params(const struct phyr_front_pages_params *params, unsigned int granule_lg2)
{
	const struct phyr_placement *place = params->placement;

	if (params->page_cnt == 0 || (place && place->phase_lg2 > 63) ||
	    (place &&
	     place->phase & phyr_bits_mask(place->phase_lg2) & phyr_bits_mask(granule_lg2)))
		return PHYR_E_INVAL;
	if (params->page_lg2 < granule_lg2)
		return PHYR_E_ALIGN;
	if (params->page_lg2 > 56 || params->page_cnt > PHYR_DMA_STATE_MAX >> params->page_lg2)
		return PHYR_E_RANGE;
	return PHYR_OK;
}

static int reserve(struct phyr_front_pages *pages, const struct phyr_placement *place)
{
	struct phyr_dma_want want = { .len = pages->page_cnt << pages->page_lg2,
				      .phase_lg2 = (uint8_t)pages->page_lg2,
				      .placement = place };

	if (place && place->phase_lg2) {
		want.phase = place->phase;
		want.phase_lg2 = place->phase_lg2;
	}
	return phyr_dma_reserve(pages->dma, &want, &pages->state);
}

static size_t storage_len(uint64_t page_cnt)
{
	return sizeof(struct phyr_front_pages) + bitmap_words(page_cnt) * sizeof(uint64_t);
}

static struct phyr_front_pages *allocate(const struct phyr_mem *mem, uint64_t page_cnt)
{
	size_t len = storage_len(page_cnt);
	struct phyr_front_pages *pages;

	if ((page_cnt + 63) / 64 > SIZE_MAX / 16)
		return NULL;
	pages = mem->alloc(mem->ctx, len);
	if (!pages)
		return NULL;
	memset(pages, 0, len);
	pages->mem = mem;
	pages->page_cnt = page_cnt;
	pages->stats.state_len = len;
	return pages;
}

int phyr_front_pages_create(const struct phyr_front_pages_params *params,
			    struct phyr_front_pages **ret_pages)
{
	struct phyr_front_pages *pages;
	struct phyr_dma_params dma;
	unsigned int granule_lg2;
	int err;

	if (!params || !params->dma || !ret_pages)
		return PHYR_E_INVAL;
	phyr_dma_params(params->dma, &dma);
	if (!dma.iommu.ops)
		return PHYR_E_UNSUPPORTED;
	granule_lg2 = phyr_front_granule_lg2(&dma);
	err = check_params(params, granule_lg2);
	if (err)
		return err;
	pages = allocate(dma.mem, params->page_cnt);
	if (!pages)
		return PHYR_E_NOMEM;
	pages->dma = params->dma;
	pages->p2p = dma.p2p;
	pages->page_lg2 = params->page_lg2;
	pages->granule_lg2 = granule_lg2;
	pages->single = params->single;
	err = reserve(pages, params->placement);
	if (err) {
		pages->mem->free(pages->mem->ctx, pages, storage_len(pages->page_cnt));
		return err;
	}
	*ret_pages = pages;
	return PHYR_OK;
}

void phyr_front_pages_destroy(struct phyr_front_pages *pages)
{
	if (!pages)
		return;
	if (phyr_front_pages_unmap(pages, (struct phyr_front_pages_part){ 0, pages->page_cnt }) ||
	    phyr_dma_free(pages->dma, &pages->state))
		PHYR_ASSERT(false);
	pages->mem->free(pages->mem->ctx, pages, storage_len(pages->page_cnt));
}

struct phyr_iova_range phyr_front_pages_window(const struct phyr_front_pages *pages)
{
	struct phyr_iova_range window = { phyr_dma_state_iova(&pages->state),
					  phyr_dma_state_len(&pages->state) };

	return window;
}

/* Whose page it is that is reached by bus address; NULL if it is not. */
static const struct peer *bus_peer(const struct phyr_front_pages *pages, uint64_t index)
{
	for (const struct peer *peer = pages->peers; peer; peer = peer->next) {
		if (peer->bus && bitmap_has(peer->bits, index))
			return peer;
	}
	return NULL;
}

enum phyr_front_page phyr_front_pages_at(const struct phyr_front_pages *pages, uint64_t index)
{
	if (index >= pages->page_cnt || !bitmap_has(pages->mapped, index))
		return PHYR_FRONT_PAGE_NONE;
	return bus_peer(pages, index) ? PHYR_FRONT_PAGE_BUS : PHYR_FRONT_PAGE_LINKED;
}

int phyr_front_pages_addr(const struct phyr_front_pages *pages, uint64_t index, phyr_pa pa,
			  phyr_iova *ret_iova)
{
	struct phyr_range range = { pa, phyr_bits_size(pages->page_lg2) };
	struct phyr_dma_reach reach;
	const struct peer *peer;
	int err;

	if (!ret_iova)
		return PHYR_E_INVAL;
	if (index >= pages->page_cnt || !bitmap_has(pages->mapped, index))
		return PHYR_E_NOENT;
	peer = bus_peer(pages, index);
	if (!peer) {
		*ret_iova = phyr_iova_at(phyr_dma_state_iova(&pages->state).addr +
					 (index << pages->page_lg2));
		return PHYR_OK;
	}
	err = phyr_dma_peer(pages->dma, range, &reach);
	if (err)
		return err;
	if (reach.provider != peer->user.provider)
		return PHYR_E_INVAL;
	*ret_iova = reach.iova;
	return PHYR_OK;
}

void phyr_front_pages_stats(const struct phyr_front_pages *pages,
			    struct phyr_front_pages_stats *ret_stats)
{
	*ret_stats = pages->stats;
}
