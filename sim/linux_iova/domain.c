/* SPDX-License-Identifier: MIT */
/*
 * The life of an allocator, and what is reserved in it for ever.
 *
 * Not here: what comes and goes (iova.c).
 */
#include <string.h>

#include "iova.h"

#define GRANULE_LG2_MAX 30
#define CPU_CNT_MAX 65536u

/* Parameters with their defaults put in. */
static int complete(const struct phyrsim_linux_iova_params *params,
		    struct phyrsim_linux_iova_params *ret)
{
	*ret = *params;
	if (!params->mem || !params->mem->alloc || !params->mem->free)
		return PHYR_E_INVAL;
	if (params->granule_lg2 == 0)
		ret->granule_lg2 = PHYR_PAGE_LG2;
	if (params->cpu_cnt == 0)
		ret->cpu_cnt = 1;
	if (params->aperture.first.addr == 0 && params->aperture.last.addr == 0)
		ret->aperture.last.addr = UINT64_MAX;
	if (ret->granule_lg2 < PHYR_PAGE_LG2 || ret->granule_lg2 > GRANULE_LG2_MAX ||
	    ret->cpu_cnt > CPU_CNT_MAX)
		return PHYR_E_INVAL;
	return ret->aperture.last.addr < ret->aperture.first.addr ? PHYR_E_RANGE : PHYR_OK;
}

static size_t object_len(unsigned int cpu_cnt)
{
	return sizeof(struct phyrsim_linux_iova) +
	       sizeof(struct phyrsim_linux_cache) * PHYRSIM_LINUX_BIN_CNT * cpu_cnt;
}

static void init(struct phyrsim_linux_iova *iova, const struct phyrsim_linux_iova_params *params)
{
	memset(iova, 0, object_len(params->cpu_cnt));
	iova->mem = params->mem;
	iova->granule_lg2 = params->granule_lg2;
	iova->cpu_cnt = params->cpu_cnt;
	iova->start_pfn = params->aperture.first.addr >> params->granule_lg2;
	if (iova->start_pfn == 0)
		iova->start_pfn = 1;
	iova->aperture_last = params->aperture.last.addr;
	iova->low_end = phyr_bits_size(32 - params->granule_lg2);
	iova->refused_cnt = iova->low_end;
	phyrsim_linux_tree_init(&iova->tree);
	iova->low_cursor = &iova->tree.anchor;
	iova->cursor = &iova->tree.anchor;
}

int phyrsim_linux_iova_create(const struct phyrsim_linux_iova_params *params,
			      struct phyrsim_linux_iova **ret_iova)
{
	struct phyrsim_linux_iova_params completed;
	struct phyrsim_linux_iova *iova;
	int err;

	if (!params || !ret_iova)
		return PHYR_E_INVAL;
	err = complete(params, &completed);
	if (err)
		return err;
	iova = params->mem->alloc(params->mem->ctx, object_len(completed.cpu_cnt));
	if (!iova)
		return PHYR_E_NOMEM;
	init(iova, &completed);
	if (!phyrsim_linux_caches_init(iova)) {
		phyrsim_linux_iova_destroy(iova);
		return PHYR_E_NOMEM;
	}
	*ret_iova = iova;
	return PHYR_OK;
}

void phyrsim_linux_iova_destroy(struct phyrsim_linux_iova *iova)
{
	struct phyrsim_linux_node *node, *prev;

	if (!iova)
		return;
	phyrsim_linux_caches_fini(iova);
	for (node = iova->tree.anchor.prev; node; node = prev) {
		prev = node->prev;
		iova->mem->free(iova->mem->ctx, node, sizeof(*node));
	}
	iova->mem->free(iova->mem->ctx, iova, object_len(iova->cpu_cnt));
}

/* A range in pages, both ends included. */
struct pages {
	uint64_t first;
	uint64_t last;
};

/* The lowest node that is not wholly below the pages, if they overlap; or NULL. */
static struct phyrsim_linux_node *first_inside(struct phyrsim_linux_iova *iova,
					       const struct pages *pages)
{
	struct phyrsim_linux_node *node = phyrsim_linux_tree_from(&iova->tree, pages->first);

	return node->first <= pages->last ? node : NULL;
}

static bool only_reserved(const struct phyrsim_linux_node *node, const struct pages *pages)
{
	for (; node && node->first <= pages->last; node = node->next)
		if (node->owner != PHYRSIM_LINUX_RESERVED)
			return false;
	return true;
}

/* Lets the nodes inside the pages grow down over them; false when nothing is left of the pages. */
static bool grow_down(struct phyrsim_linux_node *node, struct pages *pages)
{
	for (; node && node->first <= pages->last; node = node->next) {
		if (node->first > pages->first)
			node->first = pages->first;
		if (node->last >= pages->last)
			return false;
		pages->first = node->last + 1;
	}
	return true;
}

int phyrsim_linux_iova_reserve(struct phyrsim_linux_iova *iova, struct phyr_iova_range range)
{
	struct phyrsim_linux_node *inside, *node;
	struct pages pages;
	uint64_t last;

	if (!iova || range.len == 0)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(range.iova.addr, range.len, &last))
		return PHYR_E_RANGE;
	pages = (struct pages){ range.iova.addr >> iova->granule_lg2, last >> iova->granule_lg2 };
	inside = first_inside(iova, &pages);
	if (!only_reserved(inside, &pages))
		return PHYR_E_EXISTS;
	node = iova->mem->alloc(iova->mem->ctx, sizeof(*node));
	if (!node)
		return PHYR_E_NOMEM;
	if (!grow_down(inside, &pages)) {
		iova->mem->free(iova->mem->ctx, node, sizeof(*node));
		return PHYR_OK;
	}
	node->first = pages.first;
	node->last = pages.last;
	node->owner = PHYRSIM_LINUX_RESERVED;
	phyrsim_linux_tree_insert(&iova->tree, node);
	return PHYR_OK;
}
