/* SPDX-License-Identifier: MIT */
/*
 * Attaching to bytes that may be anything.
 *
 * The header must fit the buffer and the checksum the bytes. Then the runs are unpacked, each is
 * checked, and they are packed again: what comes out must be what is there, byte by byte. Unpacking
 * relies on no byte, so this needs no second reader.
 */

#include <string.h>

#include <phyr/seal.h>

#include "pass.h"

/* What a list can hold. [bytes] */
#define LEN_MAX (UINT64_MAX - PHYR_PAGE_SIZE + 1)

static int refuse(struct phyr_seal_error *error, int err, size_t offset, const char *reason)
{
	if (error) {
		error->offset = offset;
		error->reason = reason;
	}
	return err;
}

static int refuse_format(struct phyr_seal_error *error, size_t offset, const char *reason)
{
	return refuse(error, PHYR_E_FORMAT, offset, reason);
}

static int check_start(const unsigned char *bytes, size_t len, struct phyr_seal_error *error)
{
	uint64_t version;

	for (size_t i = 0; i < SEAL_MAGIC_LEN && i < len; i++)
		if (bytes[i] != (unsigned char)SEAL_MAGIC[i])
			return refuse_format(error, i, "not a sealed list");
	if (len < SEAL_AT_FORM)
		return refuse_format(error, len, "header is cut short");
	version = (uint64_t)bytes[SEAL_AT_VERSION] | (uint64_t)bytes[SEAL_AT_VERSION + 1] << 8;
	if (version > PHYR_SEAL_VERSION)
		return refuse(error, PHYR_E_VERSION, SEAL_AT_VERSION, "sealed by a later version");
	if (version == 0)
		return refuse_format(error, SEAL_AT_VERSION, "version is 0");
	if (len < SEAL_HEAD_LEN + SEAL_TRAILER_LEN)
		return refuse_format(error, len, "header is cut short");
	return PHYR_OK;
}

/* Is the index where the header says inside the seal? Nothing is multiplied before it is small. */
static bool index_fits(const struct seal_head *head)
{
	uint64_t room = 8 * (head->size - SEAL_HEAD_LEN - SEAL_TRAILER_LEN);
	uint64_t block_cnt = seal_block_cnt(head);
	unsigned int width = seal_entry_width(head);

	/* Every block has bytes of its own. */
	if (block_cnt > room)
		return false;
	return block_cnt < 2 || width == 0 || block_cnt - 1 <= room / width;
}

static int check_head(const unsigned char *bytes, size_t len, struct seal_head *ret_head,
		      struct phyr_seal_error *error)
{
	struct seal_head *head = ret_head;

	phyr_seal_head_take(bytes, head);
	if (head->form != SEAL_BLOCKS && head->form != SEAL_WORDS)
		return refuse_format(error, SEAL_AT_FORM, "form is unknown");
	if (head->size < SEAL_HEAD_LEN + SEAL_TRAILER_LEN || head->size > UINT64_MAX / 8)
		return refuse_format(error, SEAL_AT_SIZE, "size is impossible");
	if (head->size > len)
		return refuse_format(error, len, "bytes are cut short");
	if (head->unit_lg2 > 63)
		return refuse_format(error, SEAL_AT_UNIT, "unit of the index is impossible");
	if (head->start_width > 64 || head->place_width > 64 || !index_fits(head))
		return refuse_format(error, SEAL_AT_START_WIDTH, "index does not fit");
	return PHYR_OK;
}

/* A seal's runs, as they are checked. */
struct checked {
	struct phyr_seal_cursor cursor;
	struct phyr_run last;
	uint64_t len; /* [bytes] of the runs so far */
	const char *reason;
};

static const char *check_run(const struct checked *checked, const struct phyr_run *run)
{
	const struct phyr_range *prev = &checked->last.range;
	uint64_t last;

	if (run->range.len == 0)
		return "run is empty";
	if (!phyr_bits_last(run->range.pa.addr, run->range.len, &last))
		return "run wraps";
	if (run->range.len > LEN_MAX - checked->len)
		return "runs are longer than a list can be";
	if ((unsigned int)run->tag.kind >= PHYR_KIND_CNT)
		return "kind is unknown";
	if (checked->len && phyr_tag_equal(run->tag, checked->last.tag) &&
	    run->range.pa.addr > prev->pa.addr && run->range.pa.addr - prev->pa.addr == prev->len)
		return "neighbouring runs are not joined";
	return NULL;
}

static bool next_checked(void *ctx, struct phyr_run *ret_run)
{
	struct checked *checked = ctx;

	if (checked->reason || !phyr_seal_next(&checked->cursor, ret_run))
		return false;
	checked->reason = check_run(checked, ret_run);
	if (checked->reason)
		return false;
	checked->last = *ret_run;
	checked->len += ret_run->range.len;
	return true;
}

/* The first difference between the header that is there and the one that the runs need. */
static size_t wrong_in_head(const unsigned char *bytes, const struct seal_sums *sums, uint64_t va)
{
	unsigned char expected[SEAL_HEAD_LEN];
	struct seal_head head;
	size_t i = 0;

	phyr_seal_head_of(sums, va, &head);
	phyr_seal_head_put(expected, &head);
	while (i < SEAL_HEAD_LEN && bytes[i] == expected[i])
		i++;
	return i;
}

static int check_runs(const struct phyr_seal *seal, const struct seal_head *head,
		      struct phyr_seal_error *error)
{
	struct checked checked = { .len = 0 };
	struct seal_source source = { next_checked, &checked, head->len };
	struct seal_outs outs;
	struct seal_sums sums;
	size_t wrong;

	phyr_seal_outs_init(&outs, head, NULL, seal->bytes);
	phyr_seal_begin(seal, &checked.cursor);
	phyr_seal_pass(&source, &outs, &sums);
	if (checked.reason)
		return refuse_format(error, checked.cursor.at, checked.reason);
	if (sums.run_cnt < head->run_cnt)
		return refuse_format(error, checked.cursor.at, "runs cannot be unpacked");
	wrong = wrong_in_head(seal->bytes, &sums, head->va);
	if (wrong < SEAL_HEAD_LEN)
		return refuse_format(error, wrong, "header does not belong to the runs");
	if (outs.index.wrong != SIZE_MAX)
		return refuse_format(error, outs.index.wrong, "index is wrong");
	if (outs.body.wrong != SIZE_MAX)
		return refuse_format(error, outs.body.wrong, "runs are not packed as they must be");
	return PHYR_OK;
}

int phyr_seal_attach(const void *buffer, size_t len, struct phyr_seal *ret_seal,
		     struct phyr_seal_error *ret_error)
{
	const unsigned char *bytes = buffer;
	struct phyr_seal seal;
	struct seal_head head;
	size_t checked_len;
	int err;

	if (!buffer || !ret_seal)
		return PHYR_E_INVAL;
	err = check_start(bytes, len, ret_error);
	if (!err)
		err = check_head(bytes, len, &head, ret_error);
	if (err)
		return err;
	checked_len = (size_t)head.size - SEAL_TRAILER_LEN;
	if (seal_load(bytes + checked_len) != phyr_seal_crc(bytes, checked_len))
		return refuse_format(ret_error, checked_len, "checksum is wrong");
	phyr_seal_set(&seal, bytes, &head);
	err = check_runs(&seal, &head, ret_error);
	if (!err)
		*ret_seal = seal;
	return err;
}
