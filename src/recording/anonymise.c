/* SPDX-License-Identifier: MIT */
/*
 * Recordings without the places: GiB frames move, what is inside them stays.
 *
 * Frames that a run spans have to stay neighbours, and a frame moves as one, so frames fall into
 * clusters: runs that have a frame in common are of one cluster. Two passes: the first collects the
 * clusters of all buffers, the second gives each its place when it first meets it and writes the
 * runs into a recording of their own, which takes the old one's place at the end.
 */
#include <string.h>

#include <phyr/bits.h>
#include <phyr/recording.h>

#include "recording.h"

/* What moves as one: 1 GiB. [log2 bytes] */
#define FRAME_LG2 30
#define FRAME_CNT (UINT64_C(1) << (64 - FRAME_LG2))
/* The first place: 4 GiB. [frames] */
#define PLACE_FIRST 4
/* The first table of clusters; it doubles from there. */
#define CAP_FIRST 32

/* Neighbouring frames that move together. */
struct cluster {
	uint64_t first; /* [frames] */
	uint64_t last;	/* [frames] */
	uint64_t place; /* [frames] where first goes; 0 until it was met */
};

/* Invariant once it is compact: in the order of frames, none in two clusters. */
struct map {
	const struct phyr_mem *mem;
	struct cluster *clusters;
	size_t cnt;
	size_t cap;
	uint64_t next; /* [frames] the next place */
};

static struct cluster cluster_of(const struct phyr_run *run)
{
	struct phyr_range range = run->range;
	struct cluster cluster = { range.pa.addr >> FRAME_LG2, 0, 0 };

	cluster.last = (range.pa.addr + (range.len - 1)) >> FRAME_LG2;
	return cluster;
}

/* Lets an element sink to where a heap, the largest first frame on top, wants it. */
static void sink(struct cluster *heap, size_t at, size_t cnt)
{
	struct cluster moved = heap[at];

	while (2 * at + 1 < cnt) {
		size_t child = 2 * at + 1;

		if (child + 1 < cnt && heap[child].first < heap[child + 1].first)
			child++;
		if (moved.first >= heap[child].first)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

/* By first frames, in place: a library may not use qsort(), which allocates. */
static void sort(struct cluster *clusters, size_t cnt)
{
	for (size_t i = cnt / 2; i > 0; i--)
		sink(clusters, i - 1, cnt);
	for (size_t end = cnt; end > 1; end--) {
		struct cluster largest = clusters[0];

		clusters[0] = clusters[end - 1];
		clusters[end - 1] = largest;
		sink(clusters, 0, end - 1);
	}
}

/* Makes one of all clusters that have a frame in common. */
static void compact(struct map *map)
{
	size_t kept = 0;

	sort(map->clusters, map->cnt);
	for (size_t i = 0; i < map->cnt; i++) {
		struct cluster *cluster = &map->clusters[i];
		struct cluster *before = kept ? &map->clusters[kept - 1] : NULL;

		if (!before || cluster->first > before->last)
			map->clusters[kept++] = *cluster;
		else if (cluster->last > before->last)
			before->last = cluster->last;
	}
	map->cnt = kept;
}

static void free_clusters(struct map *map)
{
	if (map->cap)
		map->mem->free(map->mem->ctx, map->clusters, map->cap * sizeof(*map->clusters));
}

static int grow(struct map *map)
{
	size_t cap = map->cap ? 2 * map->cap : CAP_FIRST;
	struct cluster *clusters;

	if (cap > SIZE_MAX / sizeof(*clusters))
		return PHYR_E_NOMEM;
	clusters = map->mem->alloc(map->mem->ctx, cap * sizeof(*clusters));
	if (!clusters)
		return PHYR_E_NOMEM;
	if (map->cnt)
		memcpy(clusters, map->clusters, map->cnt * sizeof(*clusters));
	free_clusters(map);
	map->clusters = clusters;
	map->cap = cap;
	return PHYR_OK;
}

/* Notes frames. Runs mostly stay where the run before them was, which costs nothing. */
static int note(struct map *map, struct cluster cluster)
{
	const struct cluster *before = map->cnt ? &map->clusters[map->cnt - 1] : NULL;
	int err;

	if (before && before->first <= cluster.first && cluster.last <= before->last)
		return PHYR_OK;
	if (map->cnt == map->cap) {
		compact(map);
		/* With less than half of it free, the next time would come too soon. */
		err = map->cnt >= map->cap / 2 ? grow(map) : PHYR_OK;
		if (err)
			return err;
	}
	map->clusters[map->cnt++] = cluster;
	return PHYR_OK;
}

static int note_all(struct map *map, const struct phyr_recording *recording)
{
	int err = PHYR_OK;

	for (size_t i = 0; !err && i < recording->cnt; i++) {
		struct phyr_list_cursor cursor;
		struct phyr_run run;

		phyr_list_begin(&recording->buffers[i]->list, &cursor);
		while (!err && phyr_list_next(&cursor, &run))
			err = note(map, cluster_of(&run));
	}
	compact(map);
	return err;
}

/* The cluster that holds a frame of a run. */
static struct cluster *find(const struct map *map, uint64_t frame)
{
	size_t low = 0;
	size_t high = map->cnt - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->clusters[middle].last < frame)
			low = middle + 1;
		else
			high = middle;
	}
	return &map->clusters[low];
}

/* Gives a cluster a place, with an unused frame behind it. */
static int give_place(struct map *map, struct cluster *cluster)
{
	uint64_t more = cluster->last - cluster->first;

	if (map->next >= FRAME_CNT || more >= FRAME_CNT - map->next)
		return PHYR_E_RANGE;
	cluster->place = map->next;
	map->next += more + 2;
	return PHYR_OK;
}

static int move_run(struct map *map, const struct phyr_run *run, struct phyr_list *list)
{
	uint64_t frame = run->range.pa.addr >> FRAME_LG2;
	struct cluster *cluster = find(map, frame);
	struct phyr_range moved = run->range;

	if (!cluster->place && give_place(map, cluster))
		return PHYR_E_RANGE;
	moved.pa.addr &= phyr_bits_mask(FRAME_LG2);
	moved.pa.addr |= (cluster->place + (frame - cluster->first)) << FRAME_LG2;
	return phyr_list_append(list, moved, run->tag);
}

static int move_buffer(struct map *map, const struct phyr_recording_buffer *from,
		       struct phyr_recording *to)
{
	struct phyr_recording_buffer *buffer;
	struct phyr_list_cursor cursor;
	struct phyr_run run;
	int err;

	err = phyr_recording_add(to, from->title, &buffer);
	if (err)
		return err;
	phyr_list_set_va(&buffer->list, phyr_list_va(&from->list) & phyr_bits_mask(FRAME_LG2));
	phyr_list_begin(&from->list, &cursor);
	while (!err && phyr_list_next(&cursor, &run))
		err = move_run(map, &run, &buffer->list);
	return err;
}

static int move_all(struct map *map, struct phyr_recording *recording)
{
	struct phyr_recording *moved;
	int err = phyr_recording_create(recording->mem, &moved);

	if (err)
		return err;
	for (size_t i = 0; !err && i < recording->cnt; i++)
		err = move_buffer(map, recording->buffers[i], moved);
	if (!err) {
		struct phyr_recording before = *recording;

		*recording = *moved;
		*moved = before;
	}
	phyr_recording_destroy(moved);
	return err;
}

int phyr_recording_anonymise(struct phyr_recording *recording)
{
	struct map map = { .next = PLACE_FIRST };
	int err;

	if (!recording)
		return PHYR_E_INVAL;
	map.mem = recording->mem;
	err = note_all(&map, recording);
	if (!err)
		err = move_all(&map, recording);
	free_clusters(&map);
	return err;
}
