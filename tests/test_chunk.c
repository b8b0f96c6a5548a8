/* SPDX-License-Identifier: MIT */
/*
 * The words of docs/format.md: worked by hand, round trips over every order, and the check that
 * must accept exactly what the encoders write. Not here: sequences of words (test_list.c).
 */
#include <phyr/base.h>
#include <phyr/bits.h>
#include <phyr/chunk.h>

#include "test.h"

/* What an output holds before a call that may not write it. */
#define UNTOUCHED 77U

/* [pages] The 64-bit space, of which a run takes at most all but one. */
#define SPACE_PAGES (UINT64_C(1) << 52)

static struct phyr_range pages(uint64_t page, uint64_t page_cnt)
{
	struct phyr_range range = { { page << 12 }, page_cnt << 12 };

	return range;
}

static struct phyr_range bytes(uint64_t addr, uint64_t len)
{
	struct phyr_range range = { { addr }, len };

	return range;
}

static void assert_accepted(const uint64_t *words, unsigned int word_cnt)
{
	const char *reason = "untouched";
	unsigned int used = UNTOUCHED;

	assert_int_equal(phyr_chunk_check(words, word_cnt, &used, &reason), PHYR_OK);
	assert_int_equal(used, word_cnt);
	assert_string_equal(reason, "untouched");
	assert_int_equal(phyr_chunk_check(words, word_cnt, NULL, NULL), PHYR_OK);
}

static void assert_refused_of(const uint64_t *words, size_t avail)
{
	const char *reason = NULL;
	unsigned int used = UNTOUCHED;

	assert_int_equal(phyr_chunk_check(words, avail, &used, &reason), PHYR_E_FORMAT);
	assert_int_equal(used, UNTOUCHED);
	assert_non_null(reason);
	assert_true(strlen(reason) > 0);
	assert_int_equal(phyr_chunk_check(words, avail, NULL, NULL), PHYR_E_FORMAT);
}

static void assert_refused(uint64_t first, uint64_t second)
{
	const uint64_t words[2] = { first, second };

	assert_refused_of(words, 2);
}

static void assert_decodes_to(const uint64_t *words, unsigned int word_cnt, struct phyr_range range)
{
	struct phyr_range run = { { 0 }, 0 };

	assert_int_equal(phyr_chunk_decode(words, &run), word_cnt);
	assert_int_equal(run.pa.addr, range.pa.addr);
	assert_int_equal(run.len, range.len);
}

/* Encodes whole pages, checks the way back, returns the number of words. */
static unsigned int round_trip(struct phyr_range range)
{
	uint64_t words[2];
	unsigned int word_cnt = phyr_chunk_encode_pages(range, words);

	assert_int_equal(phyr_chunk_form(words[0]),
			 word_cnt == 1 ? PHYR_CHUNK_BLOCKS : PHYR_CHUNK_RUN);
	assert_decodes_to(words, word_cnt, range);
	assert_accepted(words, word_cnt);
	return word_cnt;
}

static void runs_of_blocks_have_the_words_worked_by_hand(void **state)
{
	static const struct {
		uint64_t page;
		uint64_t page_cnt;
		uint64_t word;
	} worked[] = {
		{ 0, 1, 0x0020000000000000 }, /* the first page */
		{ 1, 1, 0x0020000000000002 },
		{ 1, 256, 0x2000000000000002 },		   /* 1 MiB at 4 KiB: 256 × order 0 */
		{ 1, 2047, 0xffe0000000000002 },	   /* the largest count */
		{ 2, 2, 0x0020000000000005 },		   /* 4 | 1 */
		{ 2, 4094, 0xffe0000000000005 },	   /* 2047 × order 1 */
		{ 512, 512, 0x00200000000005ff },	   /* 2 MiB at 2 MiB: 1024 + 511 */
		{ 0xc0000, 0x200000, 0x01000000001bffff }, /* 1 GiB pages 3 … 10: 8 × order 18 */
		{ 0xfffffffffffff, 1, 0x003ffffffffffffe },		  /* the last page */
		{ 0, 0x8000000000000, 0x0027ffffffffffff },		  /* the lower half */
		{ 0x8000000000000, 0x8000000000000, 0x0037ffffffffffff }, /* the upper half */
		{ 0, 0xc000000000000, 0x0063ffffffffffff }, /* three quarters: 3 × order 50 */
	};

	(void)state;
	for (size_t i = 0; i < CNT(worked); i++) {
		struct phyr_range range = pages(worked[i].page, worked[i].page_cnt);
		uint64_t words[2];

		assert_int_equal(phyr_chunk_encode_pages(range, words), 1);
		assert_int_equal(words[0], worked[i].word);
		assert_int_equal(round_trip(range), 1);
	}
}

static void two_word_runs_have_the_words_worked_by_hand(void **state)
{
	static const struct {
		uint64_t page;
		uint64_t page_cnt;
		uint64_t words[2];
	} worked[] = {
		{ 1, 2048, { 0x0001000000000800, 0x1000 } },
		{ 2, 4096, { 0x0001000000001000, 0x2000 } }, /* 2048 × order 1 */
		{ 3, 0xffffffffffff, { 0x0001ffffffffffff, 0x3000 } },
		{ 1, 0x1000000000001, { 0x0001000000000001, 0x1001 } },
		{ 0, 0xfffffffffffff, { 0x0001ffffffffffff, 0xf } },	/* the longest */
		{ 1, 0xfffffffffffff, { 0x0001ffffffffffff, 0x100f } }, /* ends at 2^64 */
	};
	uint64_t words[2];

	(void)state;
	for (size_t i = 0; i < CNT(worked); i++) {
		struct phyr_range range = pages(worked[i].page, worked[i].page_cnt);

		assert_int_equal(phyr_chunk_encode_pages(range, words), 2);
		assert_memory_equal(words, worked[i].words, sizeof(words));
		assert_int_equal(round_trip(range), 2);
	}
}

static void runs_of_bytes_have_the_words_worked_by_hand(void **state)
{
	static const struct {
		uint64_t addr;
		uint64_t len;
		uint64_t words[2];
	} worked[] = {
		{ 0, 1, { 0x0010000000000000, 0 } },
		{ 0x1200, 512, { 0x00100000000001ff, 0x1200 } },
		{ 0x1000, 4095, { 0x0010000000000ffe, 0x1000 } },
		{ 1, UINT64_C(1) << 52, { 0x001fffffffffffff, 1 } }, /* the longest */
		{ UINT64_MAX, 1, { 0x0010000000000000, UINT64_MAX } },
		{ UINT64_MAX - 4096, 4097, { 0x0010000000001000, UINT64_MAX - 4096 } },
	};

	(void)state;
	for (size_t i = 0; i < CNT(worked); i++) {
		struct phyr_range range = bytes(worked[i].addr, worked[i].len);
		uint64_t words[2];

		assert_int_equal(phyr_chunk_encode_bytes(range, words), 2);
		assert_memory_equal(words, worked[i].words, sizeof(words));
		assert_int_equal(phyr_chunk_form(words[0]), PHYR_CHUNK_BYTES);
		assert_decodes_to(words, 2, range);
		assert_accepted(words, 2);
	}
}

static void tags_have_the_words_worked_by_hand(void **state)
{
	static const struct {
		struct phyr_tag tag;
		uint64_t word;
	} worked[] = {
		{ { PHYR_KIND_SYSTEM, 0 }, 0x0002000000000000 },
		{ { PHYR_KIND_SYSTEM, UINT32_MAX }, 0x00020000ffffffff },
		{ { PHYR_KIND_P2P, 7 }, 0x0002000100000007 },
		{ { PHYR_KIND_ENCRYPTED, 0x80000000 }, 0x0002000280000000 },
	};

	(void)state;
	for (size_t i = 0; i < CNT(worked); i++) {
		uint64_t word = phyr_chunk_encode_tag(worked[i].tag);

		assert_int_equal(word, worked[i].word);
		assert_int_equal(phyr_chunk_form(word), PHYR_CHUNK_TAG);
		assert_int_equal(phyr_chunk_decode_tag(word).kind, worked[i].tag.kind);
		assert_int_equal(phyr_chunk_decode_tag(word).provider, worked[i].tag.provider);
		assert_accepted(&word, 1);
	}
}

/* The one-extra-bit coding on the smallest example: eight pages have fifteen blocks. */
static void the_blocks_of_eight_pages_take_the_codes_0_to_14_once_each(void **state)
{
	unsigned int taken = 0;

	(void)state;
	for (unsigned int order = 0; order <= 3; order++) {
		for (uint64_t page = 0; page < 8; page += UINT64_C(1) << order) {
			uint64_t words[2];

			assert_int_equal(
				phyr_chunk_encode_pages(pages(page, UINT64_C(1) << order), words),
				1);
			words[0] -= UINT64_C(1) << 53;
			assert_true(words[0] < 15);
			taken += 1U << words[0];
		}
	}
	assert_int_equal(taken, 0x7fff);
}

/* All the counts at one place that may break: small ones and the largest. */
static void round_trip_counts(uint64_t page, unsigned int order)
{
	static const uint64_t counts[] = { 1, 2, 3, 4, 1023, 1024, 2046, 2047, 2048, 2049 };

	for (size_t i = 0; i < CNT(counts); i++) {
		uint64_t room = (SPACE_PAGES - page) >> order;
		uint64_t page_cnt = counts[i] << order;

		if (counts[i] <= room && page_cnt < SPACE_PAGES)
			(void)round_trip(pages(page, page_cnt));
	}
}

static void every_order_comes_back_from_every_corner(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= PHYR_CHUNK_ORDER_MAX; order++) {
		uint64_t block = UINT64_C(1) << order;

		round_trip_counts(0, order);
		round_trip_counts(block, order);
		round_trip_counts(SPACE_PAGES / 2, order);
		round_trip_counts(SPACE_PAGES - block, order);
		assert_int_equal(round_trip(pages(0, block)), 1);
		assert_int_equal(round_trip(pages(block, block)), 1);
		assert_int_equal(round_trip(pages(SPACE_PAGES - block, block)), 1);
		if (block < SPACE_PAGES / 2048)
			assert_int_equal(round_trip(pages(block, 2047 * block)), 1);
	}
}

static bool one_word_suffices(uint64_t page, uint64_t page_cnt)
{
	while (page % 2 == 0 && page_cnt % 2 == 0) {
		page /= 2;
		page_cnt /= 2;
	}
	return page_cnt <= 2047;
}

static void n_pages_at_page_p_cost_8_bytes_exactly_when_the_count_fits(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t page = test_random(&seed) >> 12 >> test_random(&seed) % 52;
		uint64_t page_cnt = test_random(&seed) >> 12 >> test_random(&seed) % 52;
		unsigned int order = (unsigned int)(test_random(&seed) % 52);

		page = page >> order << order;
		page_cnt = page_cnt >> order << order;
		if (page_cnt && page_cnt <= SPACE_PAGES - page)
			assert_int_equal(round_trip(pages(page, page_cnt)),
					 one_word_suffices(page, page_cnt) ? 1 : 2);
	}
}

static void a_form_is_told_from_the_first_word(void **state)
{
	(void)state;
	assert_int_equal(phyr_chunk_form(0), PHYR_CHUNK_NONE);
	assert_int_equal(phyr_chunk_form(1), PHYR_CHUNK_INVALID);
	assert_int_equal(phyr_chunk_form(0x0000ffffffffffff), PHYR_CHUNK_INVALID);
	assert_int_equal(phyr_chunk_form(0x0001000000000001), PHYR_CHUNK_RUN);
	assert_int_equal(phyr_chunk_form(0x0002000000000000), PHYR_CHUNK_TAG);
	for (uint64_t subtype = 3; subtype < 16; subtype++)
		assert_int_equal(phyr_chunk_form(subtype << 48), PHYR_CHUNK_INVALID);
	assert_int_equal(phyr_chunk_form(0x0010000000000000), PHYR_CHUNK_BYTES);
	assert_int_equal(phyr_chunk_form(0x001fffffffffffff), PHYR_CHUNK_BYTES);
	assert_int_equal(phyr_chunk_form(0x0020000000000000), PHYR_CHUNK_BLOCKS);
	assert_int_equal(phyr_chunk_form(0x003fffffffffffff), PHYR_CHUNK_INVALID);
	assert_int_equal(phyr_chunk_form(UINT64_MAX), PHYR_CHUNK_INVALID);
}

static void words_that_are_missing_are_refused(void **state)
{
	static const uint64_t run[] = { 0x0001000000000800, 0x1000 };
	static const uint64_t piece[] = { 0x00100000000001ff, 0x1200 };
	static const uint64_t block[] = { 0x0020000000000002, 0 };
	unsigned int used = UNTOUCHED;

	(void)state;
	assert_refused_of(NULL, 0);
	assert_refused_of(block, 0);
	assert_refused_of(run, 1);
	assert_refused_of(piece, 1);
	assert_int_equal(phyr_chunk_check(block, 2, &used, NULL), PHYR_OK);
	assert_int_equal(used, 1);
}

static void a_null_array_that_is_not_empty_is_invalid(void **state)
{
	const char *reason = "untouched";
	unsigned int used = UNTOUCHED;

	(void)state;
	assert_int_equal(phyr_chunk_check(NULL, 1, &used, &reason), PHYR_E_INVAL);
	assert_int_equal(phyr_chunk_check(NULL, 2, NULL, NULL), PHYR_E_INVAL);
	assert_int_equal(used, UNTOUCHED);
	assert_string_equal(reason, "untouched");
}

static void block_words_that_no_encoder_writes_are_refused(void **state)
{
	(void)state;
	assert_refused(0x003fffffffffffff, 0); /* all ones: no lowest clear bit */
	assert_refused(UINT64_MAX, 0);
	assert_refused(0x002fffffffffffff, 0); /* order 52 */
	assert_refused(0x004fffffffffffff, 0); /* 2 × order 52 */
	assert_refused(0x0047ffffffffffff, 0); /* 2 × order 51: 2^64 bytes */
	assert_refused(0x0040000000000004, 0); /* 2 × order 0 at page 2 */
	assert_refused(0x0100000000000000, 0); /* 8 × order 0 at page 0 */
	assert_refused(0x0040000000000009, 0); /* 2 × order 1 at page 4 */
	assert_refused(0x005ffffffffffffe, 0); /* 2 pages at the last page: wraps */
	assert_refused(0x0057ffffffffffff, 0); /* 2 × order 51 in the upper half: wraps */
	assert_refused(0xfff7ffffffffffff, 0); /* 2047 × order 51: wraps many times */
}

static void two_word_runs_that_no_encoder_writes_are_refused(void **state)
{
	(void)state;
	assert_refused(0x0001000000000000, 0x1000); /* no pages */
	assert_refused(0x0001000000000000, 0);
	assert_refused(0x0001000000000001, 0x1000); /* one word suffices */
	assert_refused(0x00010000000007ff, 0x1000);
	assert_refused(0x0001000000001000, 0x1000000); /* 4096 pages, one aligned block */
	assert_refused(0x0001000000000ffe, 0x2000);    /* 2047 × order 1 */
	assert_refused(0x0001ffffffffffff, 0x200f);    /* one page beyond 2^64 */
	assert_refused(0x0001000000000801, 0xffffffffff800000);
	for (unsigned int bit = 4; bit < 12; bit++) /* reserved bits */
		assert_refused(0x0001000000000800, 0x1000 | UINT64_C(1) << bit);
}

static void byte_words_that_no_encoder_writes_are_refused(void **state)
{
	(void)state;
	assert_refused(0x0010000000000fff, 0x1000); /* a whole page has the page form */
	assert_refused(0x0010000000000fff, 0);
	assert_refused(0x001fffffffffffff, 0);		/* 4 PiB of whole pages */
	assert_refused(0x00100000007fffff, 0x1000);	/* whole pages that take two words */
	assert_refused(0x0010000000000001, UINT64_MAX); /* one byte beyond 2^64 */
	assert_refused(0x001fffffffffffff, UINT64_MAX - 4096);
}

static void reserved_words_are_refused(void **state)
{
	(void)state;
	assert_refused(0, 0);
	assert_refused(1, 0x1000);
	assert_refused(0x0000ffffffffffff, 0x1000);
	for (uint64_t subtype = 3; subtype < 16; subtype++)
		assert_refused(subtype << 48 | 1, 0x1000);
}

static void tags_of_unknown_kind_or_with_reserved_bits_are_refused(void **state)
{
	(void)state;
	for (uint64_t kind = PHYR_KIND_CNT; kind < 256; kind++)
		assert_refused(0x0002000000000000 | kind << 32, 0);
	for (unsigned int bit = 40; bit < 48; bit++)
		assert_refused(0x0002000100000007 | UINT64_C(1) << bit, 0);
}

/* What re-encoding makes of decoded words; 0 words when the range cannot be encoded. */
static unsigned int encode_again(const uint64_t *words, uint64_t again[2])
{
	struct phyr_range run;
	uint64_t last;

	(void)phyr_chunk_decode(words, &run);
	if (!phyr_bits_last(run.pa.addr, run.len, &last))
		return 0;
	if (run.pa.addr % 4096 == 0 && run.len % 4096 == 0)
		return phyr_chunk_encode_pages(run, again);
	return phyr_chunk_encode_bytes(run, again);
}

static bool some_encoder_writes(const uint64_t words[2])
{
	uint64_t again[2] = { 0, words[1] };
	struct phyr_tag tag;

	switch (phyr_chunk_form(words[0])) {
	case PHYR_CHUNK_NONE:
	case PHYR_CHUNK_INVALID:
		return false;
	case PHYR_CHUNK_TAG:
		tag = phyr_chunk_decode_tag(words[0]);
		return (unsigned int)tag.kind < PHYR_KIND_CNT &&
		       phyr_chunk_encode_tag(tag) == words[0];
	case PHYR_CHUNK_BLOCKS:
		return encode_again(words, again) == 1 && again[0] == words[0];
	case PHYR_CHUNK_RUN:
	case PHYR_CHUNK_BYTES:
		return encode_again(words, again) == 2 && again[0] == words[0] &&
		       again[1] == words[1];
	}
	return false;
}

/* What an encoder writes for a random range or tag; the words are left alone if it cannot. */
static void random_chunk(uint64_t *seed, uint64_t ret_words[2])
{
	uint64_t addr = test_random(seed) >> test_random(seed) % 64;
	uint64_t len = test_random(seed) >> test_random(seed) % 64;
	unsigned int lg2 = 12 + (unsigned int)(test_random(seed) % 52);
	struct phyr_tag tag = { (enum phyr_kind)(len % PHYR_KIND_CNT), (uint32_t)addr };
	struct phyr_range whole = bytes(phyr_bits_down(addr, lg2), phyr_bits_down(len, lg2));
	struct phyr_range piece = bytes(addr, (len >> 12) + 1);
	uint64_t last;

	switch (test_random(seed) % 3) {
	case 0:
		if (phyr_bits_last(whole.pa.addr, whole.len, &last))
			(void)phyr_chunk_encode_pages(whole, ret_words);
		break;
	case 1:
		if (phyr_bits_last(piece.pa.addr, piece.len, &last))
			(void)phyr_chunk_encode_bytes(piece, ret_words);
		break;
	default:
		ret_words[0] = phyr_chunk_encode_tag(tag);
	}
}

/* A chunk with up to two bits turned over, or any two words. */
static void random_words(uint64_t *seed, uint64_t ret_words[2])
{
	ret_words[0] = test_random(seed) >> test_random(seed) % 16;
	ret_words[1] = test_random(seed);
	if (test_random(seed) % 8)
		random_chunk(seed, ret_words);
	for (uint64_t flip_cnt = test_random(seed) % 3; flip_cnt; flip_cnt--)
		ret_words[test_random(seed) % 2] ^=
			phyr_bits_size((unsigned int)(test_random(seed) % 64));
}

static void check_accepts_exactly_what_the_encoders_write(void **state)
{
	uint64_t seed = 1;
	unsigned int accepted = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t words[2];
		bool good;

		random_words(&seed, words);
		good = some_encoder_writes(words);
		accepted += good;
		assert_int_equal(phyr_chunk_check(words, 2, NULL, NULL),
				 good ? PHYR_OK : PHYR_E_FORMAT);
	}
	/* The generator reaches both answers. */
	assert_in_range(accepted, 20000, 180000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_of_blocks_have_the_words_worked_by_hand),
		cmocka_unit_test(two_word_runs_have_the_words_worked_by_hand),
		cmocka_unit_test(runs_of_bytes_have_the_words_worked_by_hand),
		cmocka_unit_test(tags_have_the_words_worked_by_hand),
		cmocka_unit_test(the_blocks_of_eight_pages_take_the_codes_0_to_14_once_each),
		cmocka_unit_test(every_order_comes_back_from_every_corner),
		cmocka_unit_test(n_pages_at_page_p_cost_8_bytes_exactly_when_the_count_fits),
		cmocka_unit_test(a_form_is_told_from_the_first_word),
		cmocka_unit_test(words_that_are_missing_are_refused),
		cmocka_unit_test(a_null_array_that_is_not_empty_is_invalid),
		cmocka_unit_test(block_words_that_no_encoder_writes_are_refused),
		cmocka_unit_test(two_word_runs_that_no_encoder_writes_are_refused),
		cmocka_unit_test(byte_words_that_no_encoder_writes_are_refused),
		cmocka_unit_test(reserved_words_are_refused),
		cmocka_unit_test(tags_of_unknown_kind_or_with_reserved_bits_are_refused),
		cmocka_unit_test(check_accepts_exactly_what_the_encoders_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
