/* SPDX-License-Identifier: MIT */
/*
 * Reading an image: all of its head is checked before anything is allocated, and the addresses of
 * all frames before any is filled.
 *
 * Not here: what the frames hold, which the walker takes as it is.
 */
#include <string.h>

#include "image.h"

struct image {
	const unsigned char *bytes;
	uint64_t len;
	uint64_t frame_cnt;
	struct phyrsim_root root;
	struct phyrsim_dump_error error;
};

static uint64_t get(const unsigned char *at, unsigned int len)
{
	uint64_t value = 0;

	while (len-- > 0)
		value = value << 8 | at[len];
	return value;
}

static unsigned int get4(const struct image *image, unsigned int at)
{
	return (unsigned int)get(image->bytes + at, 4);
}

static const unsigned char *frame_at(const struct image *image, uint64_t i)
{
	return image->bytes + IMAGE_HEAD_LEN + i * IMAGE_FRAME_LEN;
}

static int refuse(struct image *image, uint64_t offset, const char *reason)
{
	image->error.offset = offset;
	image->error.reason = reason;
	return PHYR_E_FORMAT;
}

static int check_version(struct image *image)
{
	uint64_t same = 0;
	int err;

	while (same < IMAGE_MAGIC_LEN && same < image->len &&
	       image->bytes[same] == phyrsim_image_magic[same])
		same++;
	if (same < IMAGE_MAGIC_LEN)
		return refuse(image, same, "this is not an image of a page table");
	if (image->len < IMAGE_HEAD_LEN)
		return refuse(image, image->len, "the head is cut short");
	if (get4(image, IMAGE_VERSION_AT) == IMAGE_VERSION)
		return PHYR_OK;
	err = refuse(image, IMAGE_VERSION_AT, "the version is not one that is known");
	return get4(image, IMAGE_VERSION_AT) == 0 ? err : PHYR_E_VERSION;
}

/* The walker says whether hardware could be told of the root, so it is asked. */
static bool known_root(const struct phyrsim_root *root, struct phyrsim_mem *mem)
{
	const struct phyrsim_access access = { { 0 }, PHYR_PERM_READ, 0 };
	struct phyrsim_walk walk;

	return phyrsim_walk(mem, root, &access, &walk) != PHYR_E_INVAL;
}

static void read_root(struct image *image)
{
	image->root.format = (enum phyrsim_format)get4(image, IMAGE_FORMAT_AT);
	image->root.level_cnt = get4(image, IMAGE_LEVELS_AT);
	image->root.granule_lg2 = get4(image, IMAGE_GRANULE_AT);
	image->root.iova_bits = get4(image, IMAGE_IOVA_BITS_AT);
	image->root.pa_bits = get4(image, IMAGE_PA_BITS_AT);
	image->root.features = get4(image, IMAGE_FEATURES_AT);
	image->root.table = phyr_pa_at(get(image->bytes + IMAGE_TABLE_AT, 8));
}

static int check_head(struct image *image)
{
	uint64_t room = image->len - IMAGE_HEAD_LEN;

	if (get4(image, IMAGE_ZERO_AT) != 0)
		return refuse(image, IMAGE_ZERO_AT, "bytes that must be zero are not");
	if (get4(image, IMAGE_FORMAT_AT) >= PHYRSIM_FORMAT_CNT)
		return refuse(image, IMAGE_FORMAT_AT, "the format is not one that is known");
	read_root(image);
	image->frame_cnt = get(image->bytes + IMAGE_FRAME_CNT_AT, 8);
	if (image->frame_cnt == 0)
		return refuse(image, IMAGE_FRAME_CNT_AT, "there are no frames");
	if (room / IMAGE_FRAME_LEN < image->frame_cnt)
		return refuse(image, image->len, "the frames are cut short");
	if (room > image->frame_cnt * IMAGE_FRAME_LEN)
		return refuse(image, IMAGE_HEAD_LEN + image->frame_cnt * IMAGE_FRAME_LEN,
			      "there are bytes behind the last frame");
	return PHYR_OK;
}

/* The addresses of all frames. */
static int read_addresses(struct image *image, phyr_pa *frames)
{
	for (uint64_t i = 0; i < image->frame_cnt; i++) {
		uint64_t offset = IMAGE_HEAD_LEN + i * IMAGE_FRAME_LEN;

		frames[i].addr = get(frame_at(image, i), 8);
		if (!phyr_bits_aligned(frames[i].addr, PHYR_PAGE_LG2))
			return refuse(image, offset, "a frame is not aligned to 4 KiB");
		if (i > 0 && frames[i].addr == frames[i - 1].addr)
			return refuse(image, offset, "a frame is there twice");
		if (i > 0 && frames[i].addr < frames[i - 1].addr)
			return refuse(image, offset,
				      "the frames are not in the order of addresses");
	}
	return PHYR_OK;
}

static void fill_frames(const struct image *image, const struct phyrsim_mem *mem,
			const phyr_pa *frames)
{
	for (uint64_t i = 0; i < image->frame_cnt; i++) {
		uint64_t *words = phyrsim_mem_frame(mem, frames[i]);

		for (size_t j = 0; j < PHYR_PAGE_SIZE / 8; j++)
			words[j] = get(frame_at(image, i) + 8 + j * 8, 8);
	}
}

/* A memory with the frames of an image whose head is in order. */
static int make_mem(const struct phyr_mem *host, struct image *image, phyr_pa *frames,
		    struct phyrsim_mem **ret_mem)
{
	int err = read_addresses(image, frames);

	if (!err)
		err = phyrsim_mem_create_given(host, frames, (size_t)image->frame_cnt, ret_mem);
	if (err)
		return err;
	fill_frames(image, *ret_mem, frames);
	if (known_root(&image->root, *ret_mem))
		return PHYR_OK;
	phyrsim_mem_destroy(*ret_mem);
	return refuse(image, IMAGE_FORMAT_AT, "the root is not one that hardware could be told of");
}

static int load(const struct phyr_mem *host, struct image *image, struct phyrsim_mem **ret_mem)
{
	phyr_pa *frames;
	size_t len;
	int err = check_version(image);

	if (!err)
		err = check_head(image);
	if (err)
		return err;
	/* Less than the image itself, so this does not wrap. */
	len = (size_t)image->frame_cnt * sizeof(*frames);
	frames = host->alloc(host->ctx, len);
	if (!frames)
		return PHYR_E_NOMEM;
	err = make_mem(host, image, frames, ret_mem);
	host->free(host->ctx, frames, len);
	return err;
}

int phyrsim_dump_load(const struct phyr_mem *host, const void *bytes, size_t len,
		      struct phyrsim_mem **ret_mem, struct phyrsim_root *ret_root,
		      struct phyrsim_dump_error *ret_error)
{
	struct image image = { .bytes = bytes, .len = len };
	struct phyrsim_mem *mem;
	int err;

	if (!host || !bytes || !ret_mem || !ret_root)
		return PHYR_E_INVAL;
	err = load(host, &image, &mem);
	if (err) {
		if (image.error.reason && ret_error)
			*ret_error = image.error;
		return err;
	}
	*ret_mem = mem;
	*ret_root = image.root;
	return PHYR_OK;
}
