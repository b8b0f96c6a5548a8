/* SPDX-License-Identifier: MIT */
/*
 * Reading a seal: block by block into the cursor, or through the index to the block of a byte.
 *
 * Nothing here relies on what the bytes say but that the header fits them: whatever cannot be
 * unpacked is the end. Attaching walks bytes that are not checked yet with the same code.
 */

#include <phyr/list.h>
#include <phyr/seal.h>

#include "pass.h"

uint64_t phyr_seal_len(const struct phyr_seal *seal)
{
	return seal->len;
}

size_t phyr_seal_bytes(const struct phyr_seal *seal)
{
	return seal->bytes_len;
}

uint64_t phyr_seal_va(const struct phyr_seal *seal)
{
	return seal_load(seal->bytes + SEAL_AT_VA);
}

static struct phyr_tag first_tag(const struct phyr_seal *seal)
{
	struct seal_head head;

	phyr_seal_head_take(seal->bytes, &head);
	return head.tag;
}

void phyr_seal_begin(const struct phyr_seal *seal, struct phyr_seal_cursor *cursor)
{
	cursor->seal = seal;
	cursor->at = seal->body;
	cursor->run_left = seal->run_cnt;
	cursor->offset = 0;
	cursor->next = 0;
	cursor->stop = 0;
	cursor->run_cnt = 0;
	cursor->change_cnt = 0;
	cursor->tag = first_tag(seal);
}

/* Takes the changes of tag that are due, and stops before the next run that has one. */
static void take_changes(struct phyr_seal_cursor *cursor)
{
	struct seal_change change;

	cursor->stop = cursor->run_cnt;
	while (cursor->change_cnt) {
		uint32_t bit = phyr_seal_change_take(cursor->block, cursor->change_bit, &change);

		if (change.place > cursor->next) {
			/* Places of a good block are below the count. */
			if (change.place < cursor->stop)
				cursor->stop = change.place;
			return;
		}
		cursor->change_bit = bit;
		cursor->change_cnt--;
		cursor->tag = change.tag;
	}
}

static bool unpack_block(struct phyr_seal_cursor *cursor, size_t avail)
{
	const struct phyr_seal *seal = cursor->seal;
	struct seal_block_tail tail;

	cursor->block = seal->bytes + cursor->at;
	cursor->run_cnt = PHYR_SEAL_BLOCK_RUNS;
	if (cursor->run_left < PHYR_SEAL_BLOCK_RUNS)
		cursor->run_cnt = (unsigned int)cursor->run_left;
	if (!phyr_seal_block_take(cursor->block, avail, cursor->run_cnt, cursor->runs, &tail) ||
	    tail.len > avail)
		return false;
	cursor->at += tail.len;
	cursor->change_bit = tail.change_bit;
	cursor->change_cnt = tail.change_cnt;
	cursor->tag = first_tag(seal);
	return true;
}

/* Words up to the next tag: they have one tag, and need no changes among them. */
static bool unpack_words(struct phyr_seal_cursor *cursor, size_t avail)
{
	const unsigned char *bytes = cursor->seal->bytes;
	size_t end = cursor->at + avail;

	while (cursor->run_cnt < PHYR_SEAL_BLOCK_RUNS && cursor->run_cnt < cursor->run_left) {
		struct phyr_range *run = &cursor->runs[cursor->run_cnt];
		struct phyr_tag tag = cursor->tag;
		size_t used = phyr_seal_words_take(bytes + cursor->at, end - cursor->at, run, &tag);

		if (used == 0)
			return false;
		if (run->len == 0 && cursor->run_cnt)
			break;
		cursor->run_cnt += run->len != 0;
		cursor->tag = tag;
		cursor->at += used;
	}
	return true;
}

/* Unpacks what is next; false at the end. */
static bool refill(struct phyr_seal_cursor *cursor)
{
	const struct phyr_seal *seal = cursor->seal;
	size_t avail = seal->bytes_len - SEAL_TRAILER_LEN - cursor->at;
	struct seal_head head;
	bool good;

	cursor->next = 0;
	cursor->stop = 0;
	cursor->run_cnt = 0;
	if (cursor->run_left == 0)
		return false;
	good = seal->block_cnt ? unpack_block(cursor, avail) : unpack_words(cursor, avail);
	if (!good || cursor->run_cnt == 0) {
		cursor->run_cnt = 0;
		cursor->run_left = 0;
		return false;
	}
	cursor->run_left -= cursor->run_cnt;
	phyr_seal_head_take(seal->bytes, &head);
	if (cursor->offset == 0) {
		cursor->runs[0].pa.addr += head.skip;
		cursor->runs[0].len -= head.skip;
	}
	if (cursor->run_left == 0)
		cursor->runs[cursor->run_cnt - 1].len -= head.cut;
	return true;
}

bool phyr_seal_next_slow(struct phyr_seal_cursor *cursor)
{
	if (cursor->next == cursor->run_cnt && !refill(cursor))
		return false;
	take_changes(cursor);
	return true;
}

/* A block's entry of the index: where it starts in the memory, and among the blocks. */
static uint64_t block_start(const struct phyr_seal *seal, const struct seal_head *head,
			    uint64_t block, uint64_t *ret_place)
{
	const unsigned char *index = seal->bytes + SEAL_HEAD_LEN;
	uint64_t bit = (block - 1) * seal_entry_width(head);

	*ret_place = 0;
	if (block == 0)
		return 0;
	*ret_place = seal_bits(index, bit + head->start_width, head->place_width);
	return seal_bits(index, bit, head->start_width) << head->unit_lg2;
}

/* Puts a cursor on the block that holds a byte. */
static void find_block(struct phyr_seal_cursor *cursor, uint64_t offset)
{
	const struct phyr_seal *seal = cursor->seal;
	uint64_t first = 0, end = seal->block_cnt;
	struct seal_head head;
	uint64_t place;

	phyr_seal_head_take(seal->bytes, &head);
	while (end - first > 1) {
		uint64_t mid = first + (end - first) / 2;

		if (block_start(seal, &head, mid, &place) <= offset + head.skip)
			first = mid;
		else
			end = mid;
	}
	cursor->offset = block_start(seal, &head, first, &place);
	cursor->offset -= first ? head.skip : 0;
	cursor->at += (size_t)place;
	cursor->run_left -= first * PHYR_SEAL_BLOCK_RUNS;
}

/* Moves on by whole runs to the one that holds a byte. */
static void walk_to(struct phyr_seal_cursor *cursor, uint64_t offset)
{
	while (cursor->next != cursor->stop || phyr_seal_next_slow(cursor)) {
		uint64_t len = cursor->runs[cursor->next].len;

		if (offset - cursor->offset < len)
			return;
		cursor->offset += len;
		cursor->next++;
	}
}

int phyr_seal_seek(const struct phyr_seal *seal, uint64_t offset, struct phyr_seal_cursor *cursor)
{
	if (offset >= seal->len)
		return PHYR_E_RANGE;
	phyr_seal_begin(seal, cursor);
	if (seal->block_cnt > 1)
		find_block(cursor, offset);
	walk_to(cursor, offset);
	return PHYR_OK;
}
