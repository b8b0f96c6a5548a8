/* SPDX-License-Identifier: MIT */
/*
 * Writing the frames of a table as an image: they are found in one tour, listed in another, put in
 * the order of their addresses and written.
 *
 * Not here: reading (load.c).
 */
#include "image.h"

#include <string.h>

/* Damaged by what damages files that are taken for text; see the specification. */
const unsigned char phyrsim_image_magic[IMAGE_MAGIC_LEN] = { 0x89, 'P', 'H',  'Y',
							     'T',  'D', '\n', 0x1a };

/* The frames of all tables; only counted when there is no array yet. */
struct frames {
	uint64_t *pa;
	uint64_t cnt;
};

/* A table takes part of a frame, or several. */
static void add_table(struct frames *frames, const struct tour *tour,
		      const struct phyrsim_dump_step *step)
{
	uint64_t len = UINT64_C(8) << index_bits(tour->root, step->level);
	uint64_t at = phyr_bits_down(step->table.addr, PHYR_PAGE_LG2);
	uint64_t cnt = (len + PHYR_PAGE_SIZE - 1) >> PHYR_PAGE_LG2;

	for (uint64_t i = 0; i < cnt; i++, at += PHYR_PAGE_SIZE) {
		if (!phyrsim_mem_frame(tour->mem, phyr_pa_at(at)))
			continue;
		if (frames->pa)
			frames->pa[frames->cnt] = at;
		frames->cnt++;
	}
}

static int find_frames(struct phyrsim_mem *mem, const struct phyrsim_root *root,
		       struct frames *frames)
{
	struct tour tour;
	int err = phyrsim_tour_begin(&tour, mem, root, false);

	frames->cnt = 0;
	while (!err && (err = phyrsim_tour_next(&tour)) == PHYR_OK) {
		for (unsigned int i = tour.fresh; i < tour.path.step_cnt; i++)
			add_table(frames, &tour, &tour.path.steps[i]);
	}
	return err == PHYR_E_NOENT ? PHYR_OK : err;
}

/* Puts the element at a place of a heap where it belongs below it. */
static void sift(uint64_t *heap, uint64_t cnt, uint64_t at)
{
	uint64_t moved = heap[at];

	for (uint64_t below = 2 * at + 1; below < cnt; below = 2 * at + 1) {
		if (below + 1 < cnt && heap[below + 1] > heap[below])
			below++;
		if (heap[below] <= moved)
			break;
		heap[at] = heap[below];
		at = below;
	}
	heap[at] = moved;
}

/* Upward, and each once. In place: a library may not use qsort(), which allocates. */
static void sort_frames(struct frames *frames)
{
	uint64_t *pa = frames->pa;
	uint64_t cnt = frames->cnt;

	for (uint64_t i = cnt / 2; i-- > 0;)
		sift(pa, cnt, i);
	for (uint64_t end = cnt; end-- > 1;) {
		uint64_t largest = pa[0];

		pa[0] = pa[end];
		pa[end] = largest;
		sift(pa, end, 0);
	}
	frames->cnt = 1;
	for (uint64_t i = 1; i < cnt; i++) {
		if (pa[i] != pa[frames->cnt - 1])
			pa[frames->cnt++] = pa[i];
	}
}

static void put(unsigned char *at, uint64_t value, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

static int write_head(const struct phyrsim_root *root, uint64_t frame_cnt,
		      const struct phyrsim_dump_sink *sink)
{
	unsigned char head[IMAGE_HEAD_LEN] = { 0 };

	memcpy(head, phyrsim_image_magic, IMAGE_MAGIC_LEN);
	put(head + IMAGE_VERSION_AT, IMAGE_VERSION, 4);
	put(head + IMAGE_FORMAT_AT, root->format, 4);
	put(head + IMAGE_LEVELS_AT, root->level_cnt, 4);
	put(head + IMAGE_GRANULE_AT, root->granule_lg2, 4);
	put(head + IMAGE_IOVA_BITS_AT, root->iova_bits, 4);
	put(head + IMAGE_PA_BITS_AT, root->pa_bits, 4);
	put(head + IMAGE_FEATURES_AT, root->features, 4);
	put(head + IMAGE_TABLE_AT, root->table.addr, 8);
	put(head + IMAGE_FRAME_CNT_AT, frame_cnt, 8);
	return sink->write(sink->ctx, head, sizeof(head));
}

static int write_frame(const struct phyrsim_mem *mem, uint64_t pa,
		       const struct phyrsim_dump_sink *sink)
{
	const uint64_t *words = phyrsim_mem_frame(mem, phyr_pa_at(pa));
	unsigned char bytes[IMAGE_FRAME_LEN];

	put(bytes, pa, 8);
	for (size_t i = 0; i < PHYR_PAGE_SIZE / 8; i++)
		put(bytes + 8 + i * 8, words[i], 8);
	return sink->write(sink->ctx, bytes, sizeof(bytes));
}

static int write_image(const struct phyrsim_mem *mem, const struct phyrsim_root *root,
		       const struct frames *frames, const struct phyrsim_dump_sink *sink)
{
	int err = write_head(root, frames->cnt, sink);

	for (uint64_t i = 0; !err && i < frames->cnt; i++)
		err = write_frame(mem, frames->pa[i], sink);
	return err;
}

int phyrsim_dump_image(const struct phyr_mem *host, struct phyrsim_mem *mem,
		       const struct phyrsim_root *root, const struct phyrsim_dump_sink *sink)
{
	struct frames frames = { NULL, 0 };
	size_t len;
	int err;

	if (!host || !sink || !sink->write)
		return PHYR_E_INVAL;
	err = find_frames(mem, root, &frames);
	if (err)
		return err;
	if (frames.cnt == 0)
		return PHYR_E_NOENT;
	/* No more than a few times the frames that host memory holds. */
	len = (size_t)frames.cnt * sizeof(*frames.pa);
	frames.pa = host->alloc(host->ctx, len);
	if (!frames.pa)
		return PHYR_E_NOMEM;
	(void)find_frames(mem, root, &frames);
	sort_frames(&frames);
	err = write_image(mem, root, &frames, sink);
	host->free(host->ctx, frames.pa, len);
	return err;
}
