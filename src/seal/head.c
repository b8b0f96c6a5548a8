/* SPDX-License-Identifier: MIT */
/* The header of a seal: its bytes, and what follows from it. Table: docs/sealed-format.md. */

#include <string.h>

#include <phyr/seal.h>

#include "pass.h"

void phyr_seal_head_put(unsigned char *bytes, const struct seal_head *head)
{
	memcpy(bytes, SEAL_MAGIC, SEAL_MAGIC_LEN);
	seal_store(bytes + SEAL_AT_VERSION, PHYR_SEAL_VERSION, 2);
	seal_store(bytes + SEAL_AT_FORM, head->form, 1);
	seal_store(bytes + SEAL_AT_KIND, head->tag.kind, 1);
	seal_store(bytes + SEAL_AT_PROVIDER, head->tag.provider, 4);
	seal_store(bytes + SEAL_AT_SIZE, head->size, 8);
	seal_store(bytes + SEAL_AT_RUN_CNT, head->run_cnt, 8);
	seal_store(bytes + SEAL_AT_LEN, head->len, 8);
	seal_store(bytes + SEAL_AT_VA, head->va, 8);
	seal_store(bytes + SEAL_AT_SKIP, head->skip, 2);
	seal_store(bytes + SEAL_AT_CUT, head->cut, 2);
	seal_store(bytes + SEAL_AT_UNIT, head->unit_lg2, 1);
	seal_store(bytes + SEAL_AT_START_WIDTH, head->start_width, 1);
	seal_store(bytes + SEAL_AT_PLACE_WIDTH, head->place_width, 1);
	seal_store(bytes + SEAL_AT_ZERO, 0, 1);
}

static uint32_t take_field(const unsigned char *bytes, enum seal_field at, unsigned int width)
{
	return (uint32_t)seal_bits(bytes + at, 0, width);
}

void phyr_seal_head_take(const unsigned char *bytes, struct seal_head *ret_head)
{
	ret_head->form = (enum seal_form)bytes[SEAL_AT_FORM];
	ret_head->tag.kind = (enum phyr_kind)bytes[SEAL_AT_KIND];
	ret_head->tag.provider = take_field(bytes, SEAL_AT_PROVIDER, 32);
	ret_head->size = seal_load(bytes + SEAL_AT_SIZE);
	ret_head->run_cnt = seal_load(bytes + SEAL_AT_RUN_CNT);
	ret_head->len = seal_load(bytes + SEAL_AT_LEN);
	ret_head->va = seal_load(bytes + SEAL_AT_VA);
	ret_head->skip = take_field(bytes, SEAL_AT_SKIP, 16);
	ret_head->cut = take_field(bytes, SEAL_AT_CUT, 16);
	ret_head->unit_lg2 = bytes[SEAL_AT_UNIT];
	ret_head->start_width = bytes[SEAL_AT_START_WIDTH];
	ret_head->place_width = bytes[SEAL_AT_PLACE_WIDTH];
}

static uint64_t index_len(const struct seal_head *head)
{
	uint64_t block_cnt = seal_block_cnt(head);

	return block_cnt ? ((block_cnt - 1) * seal_entry_width(head) + 7) / 8 : 0;
}

void phyr_seal_head_of(const struct seal_sums *sums, uint64_t va, struct seal_head *ret_head)
{
	struct seal_head head = { .form = SEAL_BLOCKS, .tag = sums->first_tag };
	uint64_t blocks_len;

	head.run_cnt = sums->run_cnt;
	head.len = sums->len;
	head.va = va;
	head.skip = sums->skip;
	head.cut = sums->cut;
	if (sums->starts) {
		head.unit_lg2 = phyr_bits_ctz(sums->starts);
		head.start_width = seal_width(sums->last_start >> head.unit_lg2);
		head.place_width = seal_width(sums->last_place);
	}
	blocks_len = index_len(&head) + sums->blocks_len;
	if (blocks_len >= sums->words_len) {
		head.form = SEAL_WORDS;
		head.unit_lg2 = head.start_width = head.place_width = 0;
		blocks_len = sums->words_len;
	}
	head.size = SEAL_HEAD_LEN + blocks_len + SEAL_TRAILER_LEN;
	*ret_head = head;
}

void phyr_seal_outs_init(struct seal_outs *outs, const struct seal_head *head, unsigned char *bytes,
			 const unsigned char *expect)
{
	struct seal_out out = { bytes, expect, SEAL_HEAD_LEN, 0, SIZE_MAX, 0, 0 };

	out.end = (size_t)head->size - SEAL_TRAILER_LEN;
	outs->head = head;
	outs->index = out;
	outs->body = out;
	outs->body.at += (size_t)index_len(head);
}

void phyr_seal_set(struct phyr_seal *seal, const unsigned char *bytes, const struct seal_head *head)
{
	seal->bytes = bytes;
	seal->bytes_len = (size_t)head->size;
	seal->body = SEAL_HEAD_LEN + (size_t)index_len(head);
	seal->len = head->len;
	seal->run_cnt = head->run_cnt;
	seal->block_cnt = seal_block_cnt(head);
}
