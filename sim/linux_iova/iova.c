/* SPDX-License-Identifier: MIT */
/*
 * The calls: from bytes to pages and back, what is allowed, which layer is asked.
 *
 * Not here: the search (place.c), the caches (cache.c), what is reserved (domain.c).
 */
#include "iova.h"

/* From so many pages on a request is not rounded up to a power of two. */
#define ROUNDED_END (UINT64_C(1) << (PHYRSIM_LINUX_BIN_CNT - 1))

/* The highest address that is tried first. */
#define LOW_LAST ((UINT64_C(1) << 32) - 1)

/* A length in pages; 2^64 bytes are no length, so that nothing wraps. */
static uint64_t pages_of(const struct phyrsim_linux_iova *iova, uint64_t len)
{
	return ((len - 1) >> iova->granule_lg2) + 1;
}

static struct phyrsim_linux_want want_of(const struct phyrsim_linux_iova *iova, uint64_t len,
					 phyr_iova last)
{
	struct phyrsim_linux_want want = { pages_of(iova, len),
					   (last.addr >> iova->granule_lg2) + 1 };

	return want;
}

/* What a caller gets of a node: as many pages as it wanted, which may be fewer than there are. */
static struct phyr_iova_range range_of(const struct phyrsim_linux_iova *iova,
				       const struct phyrsim_linux_node *node, uint64_t page_cnt)
{
	struct phyr_iova_range range = { phyr_iova_at(node->first << iova->granule_lg2),
					 page_cnt << iova->granule_lg2 };

	return range;
}

int phyrsim_linux_iova_alloc_tree(struct phyrsim_linux_iova *iova, uint64_t len, phyr_iova last,
				  struct phyr_iova_range *ret_range)
{
	struct phyrsim_linux_node *node;
	struct phyrsim_linux_want want;
	int err;

	if (!iova || len == 0 || !ret_range)
		return PHYR_E_INVAL;
	want = want_of(iova, len, last);
	err = phyrsim_linux_place(iova, want, &node);
	if (err)
		return err;
	*ret_range = range_of(iova, node, want.page_cnt);
	return PHYR_OK;
}

/* The node of a caller's range, by its first byte; NULL when no allocated range begins there. */
static struct phyrsim_linux_node *live_at(struct phyrsim_linux_iova *iova, phyr_iova first)
{
	uint64_t pfn = first.addr >> iova->granule_lg2;
	struct phyrsim_linux_node *node = phyrsim_linux_tree_from(&iova->tree, pfn);

	if (!phyr_bits_aligned(first.addr, iova->granule_lg2) || node->first != pfn)
		return NULL;
	return node->owner == PHYRSIM_LINUX_LIVE ? node : NULL;
}

int phyrsim_linux_iova_free_tree(struct phyrsim_linux_iova *iova, phyr_iova first)
{
	struct phyrsim_linux_node *node;

	if (!iova)
		return PHYR_E_INVAL;
	node = live_at(iova, first);
	if (!node)
		return PHYR_E_NOENT;
	phyrsim_linux_displace(iova, node);
	return PHYR_OK;
}

static int place_or_flush(struct phyrsim_linux_iova *iova, struct phyrsim_linux_want want,
			  bool flush, struct phyrsim_linux_node **ret_node)
{
	int err = phyrsim_linux_place(iova, want, ret_node);

	if (!err || !flush)
		return err;
	phyrsim_linux_caches_flush(iova);
	return phyrsim_linux_place(iova, want, ret_node);
}

int phyrsim_linux_iova_alloc_fast(struct phyrsim_linux_iova *iova,
				  const struct phyrsim_linux_iova_request *request,
				  struct phyr_iova_range *ret_range)
{
	struct phyrsim_linux_want want;
	struct phyrsim_linux_node *node;
	int err = PHYR_OK;
	uint64_t asked;

	if (!iova || !request || request->len == 0 || request->cpu >= iova->cpu_cnt || !ret_range)
		return PHYR_E_INVAL;
	want = want_of(iova, request->len, request->last);
	asked = want.page_cnt;
	if (asked < ROUNDED_END)
		want.page_cnt = phyr_bits_size(phyr_bits_log2_up(asked));
	node = phyrsim_linux_cache_get(iova, request->cpu, want);
	if (!node)
		err = place_or_flush(iova, want, request->flush, &node);
	if (err)
		return err;
	iova->stats.rounded_len += (want.page_cnt - asked) << iova->granule_lg2;
	*ret_range = range_of(iova, node, want.page_cnt);
	return PHYR_OK;
}

int phyrsim_linux_iova_free_fast(struct phyrsim_linux_iova *iova, unsigned int cpu,
				 struct phyr_iova_range range)
{
	struct phyrsim_linux_node *node;
	struct phyrsim_linux_cache *cache;
	uint64_t page_cnt;
	unsigned int bin;

	if (!iova || range.len == 0 || cpu >= iova->cpu_cnt)
		return PHYR_E_INVAL;
	node = live_at(iova, range.iova);
	if (!node)
		return PHYR_E_NOENT;
	page_cnt = pages_of(iova, range.len);
	if (page_cnt - 1 > node->last - node->first)
		return PHYR_E_RANGE;
	bin = phyrsim_linux_bin(page_cnt);
	if (bin != PHYRSIM_LINUX_NO_BIN) {
		cache = phyrsim_linux_cache(iova, cpu, bin);
		if (phyrsim_linux_cache_put(iova, cache, node, bin))
			return PHYR_OK;
	}
	phyrsim_linux_displace(iova, node);
	return PHYR_OK;
}

int phyrsim_linux_iova_alloc(struct phyrsim_linux_iova *iova,
			     struct phyrsim_linux_iova_device *device, unsigned int cpu,
			     uint64_t len, struct phyr_iova_range *ret_range)
{
	struct phyrsim_linux_iova_request request = { .len = len, .cpu = cpu };
	uint64_t last;
	int err;

	if (!iova || !device)
		return PHYR_E_INVAL;
	last = device->last.addr < iova->aperture_last ? device->last.addr : iova->aperture_last;
	if (last > LOW_LAST && device->low_first) {
		request.last = phyr_iova_at(LOW_LAST);
		err = phyrsim_linux_iova_alloc_fast(iova, &request, ret_range);
		if (!err || err == PHYR_E_INVAL)
			return err;
		device->low_first = false;
		iova->stats.low_failed_cnt++;
	}
	request.last = phyr_iova_at(last);
	request.flush = true;
	return phyrsim_linux_iova_alloc_fast(iova, &request, ret_range);
}
