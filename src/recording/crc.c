/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli), the checksum of a binary recording: eight bytes a step, each nibble of them
 * through a table of its own. The tables are 1 KiB and take less than a microsecond to make, so
 * they are made where they are needed: no state, and no constants but the polynomial.
 */
#include <phyr/recording.h>

#include "recording.h"

/* x^32 + x^28 + x^27 + … + 1, the highest power in bit 0. */
#define POLYNOMIAL UINT32_C(0x82f63b78)
/* Nibbles of a step. */
#define NIBBLE_CNT 16

/* of[k][n]: what nibble n leaves in the remainder when k nibbles follow it. */
struct tables {
	uint32_t of[NIBBLE_CNT][16];
};

static void make(struct tables *tables)
{
	for (uint32_t n = 0; n < 16; n++) {
		uint32_t crc = n;

		for (int bit = 0; bit < 4; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables->of[0][n] = crc;
	}
	for (int k = 1; k < NIBBLE_CNT; k++) {
		for (int n = 0; n < 16; n++) {
			uint32_t crc = tables->of[k - 1][n];

			tables->of[k][n] = crc >> 4 ^ tables->of[0][crc & 15];
		}
	}
}

static uint32_t step(const struct tables *tables, uint32_t crc, const unsigned char *at)
{
	uint64_t eight = phyr_recording_get(at, 8) ^ crc;

	crc = 0;
	for (int k = 0; k < NIBBLE_CNT; k++)
		crc ^= tables->of[NIBBLE_CNT - 1 - k][eight >> 4 * k & 15];
	return crc;
}

static uint32_t extend(const struct tables *tables, uint32_t crc, const unsigned char *bytes,
		       size_t len)
{
	for (; len >= 8; bytes += 8, len -= 8)
		crc = step(tables, crc, bytes);
	for (; len; bytes++, len--) {
		crc ^= *bytes;
		crc = crc >> 8 ^ tables->of[1][crc & 15] ^ tables->of[0][crc >> 4 & 15];
	}
	return crc;
}

uint32_t phyr_recording_crc(const unsigned char *bytes, size_t len)
{
	static const unsigned char none[PHYR_RECORDING_LEN_AT - PHYR_RECORDING_CRC_AT] = { 0 };
	struct tables tables;
	uint32_t crc = UINT32_MAX;

	make(&tables);
	crc = extend(&tables, crc, bytes, PHYR_RECORDING_CRC_AT);
	crc = extend(&tables, crc, none, sizeof(none));
	crc = extend(&tables, crc, bytes + PHYR_RECORDING_LEN_AT, len - PHYR_RECORDING_LEN_AT);
	return ~crc;
}
