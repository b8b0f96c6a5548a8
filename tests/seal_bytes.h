/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Sealed bytes made or changed by hand: the checksum, worked bit by bit from its definition.
 */
#ifndef PHYR_TEST_SEAL_BYTES_H
#define PHYR_TEST_SEAL_BYTES_H

#include <stddef.h>
#include <stdint.h>

/** CRC-64/XZ. */
static inline uint64_t seal_bytes_crc(const unsigned char *bytes, size_t len)
{
	uint64_t crc = UINT64_MAX;

	for (size_t i = 0; i < 8 * len; i++) {
		uint64_t bit = crc ^ (uint64_t)(bytes[i / 8] >> i % 8);

		crc = crc >> 1 ^ (bit & 1 ? UINT64_C(0xc96c5795d7870f42) : 0);
	}
	return ~crc;
}

/** Gives len bytes, the last eight included, the checksum that they need. */
static inline void seal_bytes_sign(unsigned char *bytes, size_t len)
{
	uint64_t crc = seal_bytes_crc(bytes, len - 8);

	for (unsigned int i = 0; i < 8; i++)
		bytes[len - 8 + i] = (unsigned char)(crc >> 8 * i);
}

#endif
