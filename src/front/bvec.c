/* SPDX-License-Identifier: MIT */
/*
 * A transfer of bvecs: mapped as a request, then counted in what an adapter takes.
 *
 * Not here: how a request is mapped (request.c).
 */

#include <string.h>

#include <phyr/front_bvec.h>

#include "../base/check.h"
#include "front.h"

/* Lengths of entries have 32 bits; a power of two, so that cuts stay on pages. */
#define SGE_LEN_MAX (UINT64_C(1) << 31)

int phyr_front_bvec_init(struct phyr_front_bvec_device *device, struct phyr_dma *dma,
			 const struct phyr_front_bvec_limits *limits)
{
	struct phyr_segment_limits segment = { 0 };

	if (!device || !limits || limits->sge_cnt_max == 0 || limits->mr_page_max == 0 ||
	    limits->mr_page_lg2 > 63)
		return PHYR_E_INVAL;
	segment.len_max = limits->sge_len_max ? limits->sge_len_max : SGE_LEN_MAX;
	memset(&device->stats, 0, sizeof(device->stats));
	device->limits = *limits;
	if (device->limits.mr_page_lg2 == 0)
		device->limits.mr_page_lg2 = PHYR_PAGE_LG2;
	return phyr_front_queue_init(&device->queue, dma, &segment);
}

/* Regions under construction: pages of equal size, only the first start and last end inside one. */
struct regions {
	uint64_t cnt;
	uint64_t page_cnt; /* of the last one */
	uint64_t end;	   /* address behind it */
};

static void add_to_regions(struct regions *regions, const struct phyr_front_bvec_limits *limits,
			   struct phyr_iova_range segment)
{
	uint64_t first = segment.iova.addr;
	bool goes_on = regions->cnt && first == regions->end;
	bool inside = (first | regions->end) & phyr_bits_mask(limits->mr_page_lg2);
	uint64_t cnt = phyr_bits_blocks(first, first + (segment.len - 1), limits->mr_page_lg2);

	if (regions->cnt == 0 || (!goes_on && inside)) {
		regions->cnt++;
		regions->page_cnt = 0;
	} else if (goes_on && inside) {
		cnt--; /* it begins in the page where the one before ends */
	}
	regions->page_cnt += cnt;
	regions->cnt += (regions->page_cnt - 1) / limits->mr_page_max;
	regions->page_cnt = (regions->page_cnt - 1) % limits->mr_page_max + 1;
	regions->end = first + segment.len;
}

static uint64_t count_regions(const struct phyr_front_bvec_device *device,
			      const struct phyr_front_bvec_transfer *transfer,
			      const struct phyr_front_request *request)
{
	struct regions regions = { 0, 0, 0 };
	struct phyr_front_cursor cursor;
	struct phyr_iova_range segment;

	phyr_front_request_begin(&device->queue, request, &transfer->input, &cursor);
	while (phyr_front_request_next(&cursor, &segment))
		add_to_regions(&regions, &device->limits, segment);
	return regions.cnt;
}

/* Why regions are wanted; 0: they are not. */
static unsigned int why_regions(const struct phyr_front_bvec_device *device,
				const struct phyr_front_bvec_transfer *transfer, uint64_t sge_cnt)
{
	const struct phyr_front_bvec_limits *limits = &device->limits;

	if (limits->force_mr)
		return PHYR_FRONT_BVEC_FORCED;
	if (limits->iwarp && transfer->read)
		return PHYR_FRONT_BVEC_IWARP;
	if (limits->read_sge_max && transfer->read && sge_cnt > limits->read_sge_max)
		return PHYR_FRONT_BVEC_MANY;
	return 0;
}

static enum phyr_front_bvec_why why_entries(const struct phyr_front_request *request)
{
	if (request->segment_cnt == 1)
		return request->coalesced ? PHYR_FRONT_BVEC_JOINED : PHYR_FRONT_BVEC_ADJACENT;
	if (request->form == PHYR_FRONT_RANGE)
		return PHYR_FRONT_BVEC_LONG;
	return request->gap ? PHYR_FRONT_BVEC_GAP : PHYR_FRONT_BVEC_APART;
}

static void choose_entries(const struct phyr_front_bvec_device *device,
			   struct phyr_front_bvec *bvec)
{
	uint64_t most = device->limits.sge_cnt_max;

	bvec->sge_cnt = bvec->request.segment_cnt;
	bvec->wr_cnt = bvec->sge_cnt / most + (bvec->sge_cnt % most != 0);
	bvec->path = bvec->sge_cnt == 1 ? PHYR_FRONT_BVEC_ONE : PHYR_FRONT_BVEC_SGES;
	bvec->why = why_entries(&bvec->request);
}

static void choose_regions(struct phyr_front_bvec *bvec, uint64_t mr_cnt, unsigned int why)
{
	bvec->mr_cnt = mr_cnt;
	bvec->sge_cnt = mr_cnt;
	bvec->wr_cnt = mr_cnt;
	bvec->path = PHYR_FRONT_BVEC_MR;
	bvec->why = (enum phyr_front_bvec_why)why;
}

static int choose(const struct phyr_front_bvec_device *device,
		  const struct phyr_front_bvec_transfer *transfer, struct phyr_front_bvec *bvec)
{
	unsigned int why = why_regions(device, transfer, bvec->request.segment_cnt);
	uint64_t mr_cnt;

	choose_entries(device, bvec);
	if (!why)
		return PHYR_OK;
	mr_cnt = count_regions(device, transfer, &bvec->request);
	if (mr_cnt <= transfer->mr_free) {
		choose_regions(bvec, mr_cnt, why);
		return PHYR_OK;
	}
	bvec->why = PHYR_FRONT_BVEC_NO_MR;
	return why == PHYR_FRONT_BVEC_MANY ? PHYR_OK : PHYR_E_BUSY;
}

int phyr_front_bvec_map(struct phyr_front_bvec_device *device,
			const struct phyr_front_bvec_transfer *transfer,
			struct phyr_front_bvec *ret_bvec)
{
	struct phyr_front_bvec bvec;
	int err;

	if (!device || !transfer || !ret_bvec)
		return PHYR_E_INVAL;
	memset(&bvec, 0, sizeof(bvec));
	err = phyr_front_request_map(&device->queue, &transfer->input, transfer->perm,
				     &bvec.request);
	if (err)
		return err;
	err = choose(device, transfer, &bvec);
	if (err) {
		device->stats.busy_cnt++;
		if (phyr_front_request_unmap(&device->queue, &bvec.request))
			PHYR_ASSERT(false);
		return err;
	}
	device->stats.wr_cnt += bvec.wr_cnt;
	device->stats.sge_cnt += bvec.sge_cnt;
	device->stats.mr_cnt += bvec.mr_cnt;
	device->stats.why_cnt[bvec.why]++;
	*ret_bvec = bvec;
	return PHYR_OK;
}

int phyr_front_bvec_unmap(struct phyr_front_bvec_device *device, struct phyr_front_bvec *bvec)
{
	int err;

	if (!device || !bvec)
		return PHYR_E_INVAL;
	err = phyr_front_request_unmap(&device->queue, &bvec->request);
	if (!err)
		memset(bvec, 0, sizeof(*bvec));
	return err;
}
